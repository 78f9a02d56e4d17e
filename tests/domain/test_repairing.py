"""Repairing stock records: the entries of a plan lead from what the ledger sums up to, to what it should."""

import random
from datetime import UTC, datetime
from uuid import UUID

import pytest

from domain.acts import Act
from domain.model import StockLevel
from domain.repairing import Drift, held_by, mend, steps
from domain.stock import Bucket

NOBODY = UUID(int=1)
NOW = datetime(2026, 1, 1, tzinfo=UTC)
ACT = Act(NOBODY, NOW, NOW, "SYSTEM", "system", "Ordergraph")
A, R, L, D = Bucket.AVAILABLE, Bucket.RESERVED, Bucket.ALLOCATED, Bucket.DAMAGED


def drift(level: dict[Bucket, int], ledger: dict[Bucket, int], **claims: int) -> Drift:
    """A level with these units, whose entries sum up to those."""
    units = {bucket.lower(): count for bucket, count in level.items()}
    return Drift(
        StockLevel(NOBODY, NOBODY, NOBODY, **units), ledger, {Bucket(name): units for name, units in claims.items()}
    )


PLANS = [
    # the level, its ledger, what is allocated to somebody → the entries, what no entry mends
    ({A: 5}, {A: 5}, 0, [], 0),
    ({A: 6}, {A: 5}, 0, [(None, A, 1)], 0),
    ({A: 4}, {A: 5}, 0, [(A, None, 1)], 0),
    ({A: 4, D: 1}, {A: 5}, 0, [(A, D, 1)], 0),
    ({A: 3, L: 2}, {A: 5}, 2, [(A, L, 2)], 0),
    ({A: 3, L: 2}, {A: 3, L: 2}, 1, [(L, A, 1)], 0),
    ({A: 3, L: 2}, {A: 3, L: 2}, 4, [(A, L, 2)], 0),
    ({A: 1, L: 2}, {A: 1, L: 2}, 4, [(A, L, 1)], 1),
    ({L: 2}, {L: 2}, 4, [], 2),
    ({A: 2}, {A: -3}, 0, [(None, A, 5)], 0),
    ({A: 3, L: 2}, {A: 4, L: 1}, 1, [], 0),
]


@pytest.mark.parametrize(("level", "ledger", "allocated", "entries", "missing"), PLANS)
def test_a_plan_has_the_entries_that_it_takes(
    level: dict[Bucket, int], ledger: dict[Bucket, int], allocated: int, entries: list[object], missing: int
) -> None:
    found = drift(level, ledger, ALLOCATED=allocated)
    assert steps(found.ledger, found.target) == entries
    assert found.missing == missing
    assert found.is_drift == (level != {A: 5} or ledger != level)


def test_any_drift_is_mended_by_entries_of_which_none_leaves_a_bucket_below_nothing() -> None:
    chance = random.Random(3)
    for _ in range(2_000):
        level = {bucket: chance.randint(0, 4) for bucket in Bucket}
        found = drift(level, {bucket: chance.randint(-2, 5) for bucket in Bucket}, ALLOCATED=chance.randint(0, 6))
        ledger = mend(found, ACT, "a test")
        (after,) = ledger.levels.values()
        assert held_by(after) == found.target
        assert sum(found.target.values()) == sum(level.values())
        assert len({(each.from_bucket, each.to_bucket) for each in ledger.movements}) == len(ledger.movements)
        assert not drift(held_by(after), found.target, ALLOCATED=found.target[L]).is_drift
