"""Lifecycles as tables: (state, action) → state, checked when the module is imported.

A table is the one source for the rule (`after`), the conditional UPDATE (`sources`), the CHECK (`states`),
`availableActions` (`actions`), the diagram in the guides (`mermaid`) and the generated tests. Guards are not
in the table: they belong to the verb that asks for the step.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Generic, TypeVar

from domain.refusals import InvalidTransition

State = TypeVar("State", bound=StrEnum)
Action = TypeVar("Action", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Step(Generic[State, Action]):
    """One row: while `source`, `action` makes it `target`."""

    source: State
    action: Action
    target: State


def steps(sources: Iterable[State], action: Action, target: State) -> tuple[Step[State, Action], ...]:
    """One row per source, for an action that is possible in several states."""
    return tuple(Step(source, action, target) for source in sources)


@dataclass(frozen=True, slots=True)
class Lifecycle(Generic[State, Action]):
    """Every step a noun can take. A table with a contradiction or a dead state does not import."""

    noun: str
    initial: State
    steps: tuple[Step[State, Action], ...]
    targets: dict[tuple[State, Action], State] = field(init=False, repr=False, compare=False)
    """The same rows, for look-up."""

    def __post_init__(self) -> None:
        targets = {(step.source, step.action): step.target for step in self.steps}
        if len(targets) != len(self.steps):
            raise ValueError(f"{self.noun}: two rows share one state and action")
        object.__setattr__(self, "targets", targets)
        if dead := [state for state in self.states if state not in self._reachable()]:
            raise ValueError(f"{self.noun}: not reachable from {self.initial}: {', '.join(dead)}")

    @property
    def states(self) -> tuple[State, ...]:
        """Every state, in the order of the enum."""
        return tuple(type(self.initial))

    @property
    def terminal(self) -> tuple[State, ...]:
        """The states that nothing leads out of."""
        return tuple(state for state in self.states if not self.actions(state))

    def after(self, state: State, action: Action) -> State:
        """The state `action` leads to, or the refusal that names what is allowed instead."""
        target = self.targets.get((state, action))
        if target is None:
            raise InvalidTransition(state=state, action=action, allowed=self.actions(state))
        return target

    def allows(self, state: State, action: Action) -> bool:
        """Whether the table has a row for it."""
        return (state, action) in self.targets

    def sources(self, action: Action) -> tuple[State, ...]:
        """The states `action` is possible in: what a conditional UPDATE names."""
        return tuple(step.source for step in self.steps if step.action == action)

    def actions(self, state: State) -> tuple[Action, ...]:
        """What is possible next, in table order."""
        return tuple(step.action for step in self.steps if step.source == state)

    def mermaid(self) -> str:
        """The table as a diagram for the guides."""
        arrows = [f"    {step.source} --> {step.target}: {step.action}" for step in self.steps]
        ends = [f"    {state} --> [*]" for state in self.terminal]
        return "\n".join(["stateDiagram-v2", f"    [*] --> {self.initial}", *arrows, *ends]) + "\n"

    def _reachable(self) -> set[State]:
        seen: set[State] = set()
        frontier = {self.initial}
        while frontier:
            seen |= frontier
            frontier = {step.target for step in self.steps if step.source in frontier} - seen
        return seen
