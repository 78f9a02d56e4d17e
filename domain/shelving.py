"""What lies on a shelf is judged anew: units change their bucket, are kept back, or an entry of the ledger is undone."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from domain import ids
from domain.model import StockLevel, StockMovement
from domain.refusals import InvalidInput, NotReversible, QuantityExceeds
from domain.returns import BUCKET_OF, Disposition
from domain.stock import Bucket, Ledger, MovementKind

ADJUSTMENT = "StockAdjustment"
REDISPOSITION = "StockRedisposition"
SAFETY = "SafetyStock"
REVERSAL = "StockReversal"

BY_THEMSELVES = frozenset({ADJUSTMENT, REDISPOSITION, SAFETY})
"""Acts that change stock and nothing else: their entries can be undone alone. To undo another, undo its act."""

NOWHERE = (Disposition.DISPOSE, Disposition.MISSING)
"""Dispositions of units that are not on hand."""


@dataclass(frozen=True, slots=True)
class Redisposition:
    """Units of one level that are to be something else from now on."""

    level_id: UUID
    quantity: int
    was: Disposition
    becomes: Disposition


def redispose(ledger: Ledger, wanted: list[Redisposition], bound: Mapping[UUID, int], reason: str | None) -> None:
    """Move units between the buckets that their dispositions stand for.

    `bound` are units in quality control that a return or a put-back still waits for: what becomes of them is said there.
    """
    for index, each in enumerate(wanted):
        place = ("lines", str(index))
        _check_dispositions(each, place)
        if each.quantity < 1:
            raise InvalidInput("a quantity is at least 1", field=(*place, "quantity"))
        source, target = buckets_of(each)
        free = free_in(ledger.levels[each.level_id], source, bound)
        if each.quantity > free:
            raise QuantityExceeds(free, field=(*place, "quantity"))
        ledger.move(each.level_id, MovementKind.REDISPOSE, each.quantity, source, target, reason=reason)


def _check_dispositions(each: Redisposition, place: tuple[str, ...]) -> None:
    if each.was in NOWHERE:
        raise InvalidInput(f"nothing on hand is {each.was}", field=(*place, "from"))
    if each.becomes is Disposition.MISSING:
        raise InvalidInput("what is on hand is not missing", field=(*place, "to"))
    source, target = buckets_of(each)
    if source is target:
        raise InvalidInput(f"{each.was} and {each.becomes} lie in the same bucket", field=(*place, "to"))


def buckets_of(each: Redisposition) -> tuple[Bucket | None, Bucket | None]:
    """The bucket that units leave, and the one they enter."""
    return BUCKET_OF[each.was], BUCKET_OF[each.becomes]


def free_in(level: StockLevel, bucket: Bucket | None, bound: Mapping[UUID, int]) -> int:
    """Units of a bucket that nothing else waits for."""
    assert bucket is not None
    units: int = getattr(level, bucket.lower())
    return max(0, units - bound.get(level.id, 0)) if bucket is Bucket.QUALITY_CONTROL else units


def keep_back(ledger: Ledger, level: StockLevel, units: int, place: tuple[str, ...]) -> None:
    """Have so many units of a level set aside as safety stock, out of what is available; refused where that is less."""
    more = units - level.safety_stock
    if more > level.available:
        raise QuantityExceeds(level.available + level.safety_stock, field=place)
    if more > 0:
        ledger.move(level.id, MovementKind.REDISPOSE, more, Bucket.AVAILABLE, Bucket.SAFETY_STOCK)
    elif more < 0:
        ledger.move(level.id, MovementKind.REDISPOSE, -more, Bucket.SAFETY_STOCK, Bucket.AVAILABLE)


def reverse(
    ledger: Ledger, entry: StockMovement, undone_by: UUID | None, bound: Mapping[UUID, int], reason: str | None
) -> StockMovement:
    """Undo an entry by its exact inverse, once; refused where its units have gone elsewhere since."""
    public = ids.encode("StockMovement", entry.id)
    if undone_by is not None:
        raise NotReversible(public, f"{ids.encode('StockMovement', undone_by)} undid it", field=("id",))
    if entry.act_type not in BY_THEMSELVES:
        raise NotReversible(public, f"a {entry.act_type} changed more than stock: undo that", field=("id",))
    level = ledger.levels[entry.stock_level_id]
    source = Bucket(entry.to_bucket) if entry.to_bucket else None
    target = Bucket(entry.from_bucket) if entry.from_bucket else None
    if source is not None and (free := free_in(level, source, bound)) < entry.quantity:
        raise QuantityExceeds(free, field=("id",))
    ledger.move(level.id, MovementKind.REVERSAL, entry.quantity, source, target, reason=reason, reverses_id=entry.id)
    return ledger.movements[-1]
