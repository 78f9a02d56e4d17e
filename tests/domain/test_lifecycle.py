"""Lifecycles: a table that contradicts itself does not import, and everything is read off the table."""

from enum import StrEnum

import pytest

from domain.lifecycle import Lifecycle, Step, steps
from domain.refusals import InvalidTransition


class Door(StrEnum):
    """States of a door."""

    OPEN = "OPEN"
    CLOSED = "CLOSED"
    WALLED_UP = "WALLED_UP"


class Deed(StrEnum):
    """What is done to a door."""

    CLOSE = "CLOSE"
    OPEN = "OPEN"
    WALL_UP = "WALL_UP"


ROWS = (
    Step(Door.OPEN, Deed.CLOSE, Door.CLOSED),
    Step(Door.CLOSED, Deed.OPEN, Door.OPEN),
    *steps((Door.OPEN, Door.CLOSED), Deed.WALL_UP, Door.WALLED_UP),
)
DOOR = Lifecycle("door", Door.OPEN, ROWS)


def test_two_rows_for_one_state_and_action_do_not_import() -> None:
    with pytest.raises(ValueError, match="door: two rows"):
        Lifecycle("door", Door.OPEN, (*ROWS, Step(Door.OPEN, Deed.CLOSE, Door.WALLED_UP)))


def test_a_state_that_nothing_leads_to_does_not_import() -> None:
    with pytest.raises(ValueError, match="not reachable from OPEN: WALLED_UP"):
        Lifecycle("door", Door.OPEN, ROWS[:2])


def test_states_in_a_circle_apart_from_the_initial_one_are_not_reachable() -> None:
    with pytest.raises(ValueError, match="not reachable from WALLED_UP: OPEN, CLOSED"):
        Lifecycle("door", Door.WALLED_UP, ROWS[:2])


def test_a_step_leads_to_its_target() -> None:
    assert DOOR.after(Door.OPEN, Deed.CLOSE) is Door.CLOSED


def test_a_step_that_is_not_in_the_table_is_refused_with_what_is_allowed() -> None:
    with pytest.raises(InvalidTransition) as refused:
        DOOR.after(Door.CLOSED, Deed.CLOSE)

    assert (refused.value.state, refused.value.action) == (Door.CLOSED, Deed.CLOSE)
    assert refused.value.allowed == (Deed.OPEN, Deed.WALL_UP)


def test_a_terminal_state_allows_nothing() -> None:
    assert DOOR.terminal == (Door.WALLED_UP,)
    assert DOOR.actions(Door.WALLED_UP) == ()


def test_sources_are_what_a_conditional_update_names() -> None:
    assert DOOR.sources(Deed.WALL_UP) == (Door.OPEN, Door.CLOSED)


def test_states_come_in_the_order_of_the_enum() -> None:
    assert DOOR.states == tuple(Door)


def test_allows_asks_the_table() -> None:
    assert DOOR.allows(Door.OPEN, Deed.CLOSE)
    assert not DOOR.allows(Door.OPEN, Deed.OPEN)


def test_the_diagram_shows_every_row_and_every_end() -> None:
    assert DOOR.mermaid() == (
        "stateDiagram-v2\n"
        "    [*] --> OPEN\n"
        "    OPEN --> CLOSED: CLOSE\n"
        "    CLOSED --> OPEN: OPEN\n"
        "    OPEN --> WALLED_UP: WALL_UP\n"
        "    CLOSED --> WALLED_UP: WALL_UP\n"
        "    WALLED_UP --> [*]\n"
    )
