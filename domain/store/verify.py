"""`ordergraph verify`: every invariant of the design, asked of the whole database in one snapshot."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from domain.ids import PREFIXES
from domain.store.invariants import (
    Invariant,
    customers,
    events,
    exceptions,
    fulfillment,
    kits,
    messages,
    orders,
    payments,
    rerouting,
    reservations,
    returns,
    stock,
    supply,
    webhooks,
    work,
)

INVARIANTS: tuple[Invariant, ...] = (
    *stock.INVARIANTS,
    *supply.INVARIANTS,
    *orders.INVARIANTS,
    *fulfillment.INVARIANTS,
    *rerouting.INVARIANTS,
    *kits.INVARIANTS,
    *payments.INVARIANTS,
    *returns.INVARIANTS,
    *reservations.INVARIANTS,
    *customers.INVARIANTS,
    *messages.INVARIANTS,
    *work.INVARIANTS,
    *exceptions.INVARIANTS,
    *events.INVARIANTS,
    *webhooks.INVARIANTS,
)

EXAMPLES = 20
"""Offenders that are told of each broken invariant; there may be millions."""

Progress = Callable[[str, int, int], None]
"""What is looked at now, how many were, of how many."""


@dataclass(frozen=True, slots=True)
class Offender:
    """One thing that is not as it must be."""

    subject: str
    id: str
    expected: str
    found: str


@dataclass(frozen=True, slots=True)
class Violation:
    """An invariant that does not hold: how many things contradict it, and the first of them."""

    invariant: Invariant
    count: int
    offenders: tuple[Offender, ...]


async def verify(connection: Any, on_progress: Progress | None = None) -> list[Violation]:
    """Every invariant that does not hold. Nothing is changed, and writers go on meanwhile."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        return await check(connection, on_progress=on_progress)


async def check(
    connection: Any, invariants: Sequence[Invariant] = INVARIANTS, on_progress: Progress | None = None
) -> list[Violation]:
    """Those of `invariants` that do not hold in the transaction at hand."""
    found = []
    for done, invariant in enumerate(invariants):
        if on_progress:
            on_progress(invariant.name, done, len(invariants))
        found += await _violation(connection, invariant)
    return found


async def _violation(connection: Any, invariant: Invariant) -> list[Violation]:
    rows = await connection.fetch(_limited(invariant))
    if not rows:
        return []
    offenders = (Offender(subject, _id(subject, key), expected, found) for subject, key, expected, found, _ in rows)
    return [Violation(invariant, rows[0]["offenders"], tuple(offenders))]


def _limited(invariant: Invariant) -> str:
    return f"""
        select subject, key::text, expected, found, count(*) over () as offenders
        from ({invariant.offenders}) offender (subject, key, expected, found)
        order by subject, key::text limit {EXAMPLES}
    """


def _id(subject: str, key: str) -> str:
    """The id by which the graph knows it, where it is an object of the graph."""
    return f"{PREFIXES[subject]}_{key}" if subject in PREFIXES else key
