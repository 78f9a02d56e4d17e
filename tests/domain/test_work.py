"""Decisions about work items: leases end by the clock, and nobody speaks for a lease that is not theirs."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from domain import work
from domain.acts import Act
from domain.ids import new_id
from domain.model import WorkItem
from domain.refusals import InvalidInput, InvalidTransition, WorkItemNotLeased
from domain.work import Claimant, Concerns, Place, Wish, WorkItemStatus

NOW = datetime(2030, 1, 1, tzinfo=UTC)
LATER = NOW + timedelta(minutes=5)
WIM = Act(new_id(), NOW, NOW, "STAFF", "warehouse:wim", "Wim")
ZOE = replace(WIM, actor_id="warehouse:zoe", actor_name="Zoë")


def made(**given: Any) -> WorkItem:
    """An item that waits."""
    item, _ = work.create("COUNT_SHELF", Place("desk", None), Concerns(), Wish(), NOW, WIM)
    return replace(item, **given)


def taken(item: WorkItem | None = None, act: Act = WIM) -> WorkItem:
    """An item that somebody is at until `LATER`."""
    after, _ = work.claim(item or made(), [], new_id(), NOW, LATER, act)
    return after


def types(events: list[Any]) -> list[str]:
    return [event.type.removeprefix("WORK_ITEM_") for event in events]


@pytest.mark.parametrize(
    ("moment", "status"),
    [(LATER - timedelta(microseconds=1), "LEASED"), (LATER, "READY"), (LATER.replace(hour=3), "READY")],
)
def test_a_lease_ends_at_its_moment(moment: datetime, status: str) -> None:
    after, events = work.as_of(taken(), moment)
    assert after.status == status
    assert (after.lease is None, after.leased_by is None, bool(events)) == ((status == "READY",) * 3)


def test_what_ended_does_not_come_back() -> None:
    done, _ = work.complete(taken(), Claimant(WIM.actor_id), None, NOW, WIM)
    assert work.as_of(done, LATER.replace(year=2040)) == (done, [])


def test_each_change_counts_one_event_more() -> None:
    item, events = taken(), []
    steps: tuple[Callable[[WorkItem], work.Turned], ...] = (
        lambda item: work.extend(item, Claimant(WIM.actor_id), NOW, LATER),
        lambda item: work.fail(item, Claimant(WIM.actor_id), "no ladder", 0, NOW, WIM),
        lambda item: work.claim(item, [], new_id(), NOW, LATER, ZOE),
        lambda item: work.reassign(item, None, Wish(priority=1), LATER),
    )
    for step in steps:
        item, told = step(item)
        events += told
    assert types(events) == ["EXTENDED", "FAILED", "READY", "CLAIMED", "READY", "REASSIGNED"]
    assert [event.sequence for event in events] == [3, 4, 5, 6, 7, 8]
    assert item.event_sequence == 8


MARK = UUID(int=7)


@pytest.mark.parametrize(
    ("who", "holds"),
    [
        (Claimant(WIM.actor_id), True),
        (Claimant(WIM.actor_id, str(MARK)), True),
        (Claimant(WIM.actor_id, str(UUID(int=8))), False),
        (Claimant(ZOE.actor_id), False),
        (Claimant(ZOE.actor_id, str(MARK)), False),
        (Claimant(ZOE.actor_id, oversees=True), True),
        (Claimant(ZOE.actor_id, "nonsense", oversees=True), False),
    ],
)
def test_the_holder_or_operations_speak_for_a_lease_and_under_its_mark_alone(who: Claimant, holds: bool) -> None:
    item = replace(taken(), lease=MARK)
    if holds:
        assert work.complete(item, who, None, NOW, WIM)[0].status == WorkItemStatus.DONE
    else:
        with pytest.raises(WorkItemNotLeased) as refused:
            work.complete(item, who, None, NOW, WIM)
        assert (refused.value.state, refused.value.leased_by) == ("LEASED", "Wim")


def test_nobody_speaks_for_a_lease_that_ran_out_though_nobody_else_has_the_item() -> None:
    with pytest.raises(WorkItemNotLeased) as refused:
        work.complete(taken(), Claimant(WIM.actor_id), None, LATER, WIM)
    assert (refused.value.state, refused.value.leased_by) == ("READY", None)


def test_the_delay_after_a_failure_doubles_up_to_an_hour() -> None:
    delays = []
    for attempts in range(1, 10):
        item = replace(taken(), attempts=attempts, max_attempts=100)
        failed, _ = work.fail(item, Claimant(WIM.actor_id), "x", None, NOW, WIM)
        delays.append((failed.ready_at - NOW).total_seconds())
    assert delays == [60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]


@pytest.mark.parametrize(("attempts", "status"), [(4, "FAILED"), (5, "DEAD"), (6, "DEAD")])
def test_a_failure_is_the_last_when_no_attempt_is_left(attempts: int, status: str) -> None:
    item = replace(taken(), attempts=attempts)
    failed, _ = work.fail(item, Claimant(WIM.actor_id), "x", None, NOW, WIM)
    assert (failed.status, failed.lease, failed.closed_at is not None) == (status, None, status == "DEAD")


def test_a_claim_needs_all_skills_and_the_one_it_is_assigned_to() -> None:
    item = made(required_skills=["a", "b"], assigned_to=WIM.actor_id)
    assert taken_with(item, ["a", "b", "c"], WIM).leased_by == WIM.actor_id
    for can, act in ((["a"], WIM), (["a", "b"], ZOE)):
        with pytest.raises(InvalidInput):
            taken_with(item, can, act)
    with pytest.raises(InvalidTransition):
        taken_with(taken(), [], ZOE)


def taken_with(item: WorkItem, can: list[str], act: Act) -> WorkItem:
    return work.claim(item, can, new_id(), NOW, LATER, act)[0]


@pytest.mark.parametrize(
    ("queue", "code", "family"),
    [("location:SAO1", "SAO1", "location"), ("call-center:a:b", None, "call-center"), ("locations", None, "locations")],
)
def test_a_queues_name_tells_whose_it_is(queue: str, code: str | None, family: str) -> None:
    assert (work.code_of(queue), work.family_of(queue)) == (code, family)
