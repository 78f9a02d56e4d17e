"""Repairing stock records: what drifted apart, and the exact entries that would bring it together again.

A level, its ledger and the claims on it (what work and reservations hold) say the same, unless somebody wrote past us or
a disk lied. The level is what every promise was made from, so the ledger is brought to it by entries of now: nothing that
is on record is rewritten. Claims are promises: units are taken from, or given back to, what is available.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from domain.acts import Act
from domain.model import StockLevel, replace
from domain.stock import Bucket, Ledger, MovementKind

REPAIR = "LedgerRepair"
"""The act of entries that mend a ledger."""

CLAIMED = (Bucket.ALLOCATED, Bucket.RESERVED)
"""Buckets whose units somebody must be able to name."""

Step = tuple[Bucket | None, Bucket | None, int]
"""Units that go from a bucket to a bucket; None is outside."""


@dataclass(frozen=True, slots=True)
class Drift:
    """A level that its ledger, or the claims on it, contradict."""

    level: StockLevel
    ledger: Mapping[Bucket, int]
    """The sums of its entries."""
    claims: Mapping[Bucket, int] = field(default_factory=dict)
    """What work holds of it, and what reservations do; a bucket that is not named here is not looked at."""

    @property
    def target(self) -> dict[Bucket, int]:
        """What each bucket should hold when all is mended that can be."""
        found = held_by(self.level)
        for bucket in CLAIMED:
            found = _claimed(found, bucket, self.claims.get(bucket, found[bucket]))
        return found

    @property
    def missing(self) -> int:
        """Claimed units that are nowhere: no entry can mend that, only less claimed, or a count that finds them."""
        target = self.target
        return sum(max(0, units - target[bucket]) for bucket, units in self.claims.items())

    @property
    def is_mendable(self) -> bool:
        """Whether entries, or setting the level to what its ledger says already, would bring more together."""
        return self.target != held_by(self.level) or bool(steps(self.ledger, self.target))

    @property
    def is_drift(self) -> bool:
        """Whether anything is to be said of it."""
        return self.is_mendable or self.missing > 0


def held_by(level: StockLevel) -> dict[Bucket, int]:
    """A level's units by bucket."""
    return {bucket: getattr(level, bucket.lower()) for bucket in Bucket}


def _claimed(held: dict[Bucket, int], bucket: Bucket, claimed: int) -> dict[Bucket, int]:
    """Take what is claimed and not there from what is available, as far as it goes; give back what nobody claims."""
    taken = min(claimed - held[bucket], held[Bucket.AVAILABLE])
    available = held[Bucket.AVAILABLE] - taken
    return {**held, bucket: held[bucket] + taken, Bucket.AVAILABLE: available}


def steps(was: Mapping[Bucket, int], becomes: Mapping[Bucket, int]) -> list[Step]:
    """The fewest steps from one state to another: units that one bucket has too many are those another lacks.

    What is below nothing is filled from outside at once, for no step may leave a bucket there.
    """
    change = {bucket: becomes[bucket] - was.get(bucket, 0) for bucket in Bucket}
    lost = {bucket for bucket in Bucket if was.get(bucket, 0) < 0}
    found: list[Step] = [(None, bucket, change.pop(bucket)) for bucket in sorted(lost)]
    for source in [bucket for bucket, units in change.items() if units < 0]:
        for target in [bucket for bucket, units in change.items() if units > 0]:
            if units := min(-change[source], change[target]):
                found.append((source, target, units))
                change[source] += units
                change[target] -= units
        if change[source]:
            found.append((source, None, -change.pop(source)))
    return found + [(None, bucket, units) for bucket, units in change.items() if units > 0]


def mend(drift: Drift, act: Act, reason: str | None) -> Ledger:
    """The entries that mend it, and the level as it is then: what the ledger sums up to afterwards.

    Where the ledger is right and the level alone was changed, it takes none.
    """
    summed: dict[str, Any] = {bucket.lower(): drift.ledger.get(bucket, 0) for bucket in Bucket}
    ledger = Ledger(act, REPAIR, act.id, [replace(drift.level, **summed)])
    for source, target, units in steps(drift.ledger, drift.target):
        ledger.move(drift.level.id, MovementKind.ADJUST, units, source, target, reason=reason)
    if not ledger.movements:
        ledger.retell(drift.level.id)
    return ledger


def drifted(found: Iterable[Drift]) -> list[Drift]:
    """Those that have really drifted."""
    return [each for each in found if each.is_drift]
