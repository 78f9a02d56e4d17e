"""Shortfalls: a count that leaves fewer units than were promised takes promises back, those first that cost least."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from domain.acts import Act
from domain.events import Event
from domain.fulfillment import UNACCEPTED, UNPICKED
from domain.ids import new_id
from domain.model import FulfillmentOrder, Order, StockLevel, StockShortfall
from domain.refusals import StockChanged
from domain.rerouting import Place, Why, taken_off
from domain.stock import AdjustReason, Bucket, Ledger, kind_of

COUNTED_SHORT = "COUNTED_SHORT"


@dataclass(frozen=True, slots=True)
class Count:
    """What somebody says is on hand of a SKU at a place, and where in the input they say so."""

    place: Place
    sku: str
    on_hand: int
    expected: int | None
    """What they thought was on record: refused where it is not."""
    field: tuple[str, ...]


@dataclass(slots=True)
class Recounted:
    """What counts come to: orders as they become, and units by order line and level that were promised and are not there."""

    orders: dict[UUID, Order]
    told: dict[UUID, list[Event]] = field(default_factory=dict)
    taken: dict[tuple[UUID, UUID], int] = field(default_factory=dict)
    left: dict[UUID, int] = field(default_factory=dict)
    """Units by level that these orders could not give back."""


def recount(
    orders: Mapping[UUID, Order], counts: Sequence[Count], reason: AdjustReason, ledger: Ledger, act: Act
) -> Recounted:
    """Set what is on hand. What is missing comes out of what is free, then what is kept back, then out of promises.

    Where the orders at hand do not hold enough, `left` says so and nothing of it may be stored.
    """
    found = Recounted(dict(orders))
    by_place = {(level.variant_id, level.location_id): level.id for level in ledger.levels.values()}
    for count in counts:
        level = ledger.levels[by_place[count.place]]
        if count.expected is not None and count.expected != level.on_hand:
            raise StockChanged(count.sku, count.expected, level.on_hand, field=(*count.field[:-1], "expectedOnHand"))
        missing = level.on_hand - count.on_hand
        if missing < 0:
            ledger.move(level.id, kind_of(reason, gain=True), -missing, None, Bucket.AVAILABLE, reason=reason.value)
            continue
        spare = level.available + level.safety_stock
        left = _take_back(found, level, missing - spare, ledger, act) if missing > spare else 0
        if left:
            found.left[level.id] = left
        else:
            _take_out(ledger, level.id, missing, reason)
    return found


def _take_out(ledger: Ledger, level_id: UUID, missing: int, reason: AdjustReason) -> None:
    """Off the books: what is available, then what was kept back against miscounts, which this is."""
    kind = kind_of(reason, gain=False)
    for bucket in (Bucket.AVAILABLE, Bucket.SAFETY_STOCK):
        units = min(missing, getattr(ledger.levels[level_id], bucket.lower()))
        if units:
            ledger.move(level_id, kind, units, bucket, None, reason=reason.value)
            missing -= units


def _take_back(found: Recounted, level: StockLevel, missing: int, ledger: Ledger, act: Act) -> int:
    """Take units back from work that nobody accepted, then from accepted work, the youngest order first; what is left."""
    for order_id, line_id, order_line_id, units in _takeable(found.orders, level.id):
        taken = min(units, missing)
        if not taken:
            break
        why = Why(COUNTED_SHORT, short=True)
        found.orders[order_id], told = taken_off(found.orders[order_id], {line_id: taken}, why, ledger, act)
        found.told.setdefault(order_id, []).extend(told)
        found.taken[order_line_id, level.id] = found.taken.get((order_line_id, level.id), 0) + taken
        missing -= taken
    return missing


def _takeable(orders: Mapping[UUID, Order], level_id: UUID) -> list[tuple[UUID, UUID, UUID, int]]:
    """(order, line of work, order line, units) at a level, those first that are taken first."""
    held = [
        (ful.status not in UNACCEPTED, -order.placed_at.timestamp(), order.id.int, order.id, line)
        for order in orders.values()
        for ful in order.fulfillment_orders
        if ful.status in UNPICKED
        for line in ful.lines
        if line.stock_level_id == level_id and line.held
    ]
    held.sort(key=lambda each: each[:3])
    return [(order_id, line.id, line.order_line_id, line.held) for *_, order_id, line in held]


def shortfalls(found: Recounted, made: Sequence[FulfillmentOrder], act: Act) -> list[StockShortfall]:
    """What was promised and is not there, by where it ships from instead; nowhere for what nobody has."""
    given: dict[UUID, dict[UUID, int]] = {}
    for ful in made:
        for line in ful.lines:
            places = given.setdefault(line.order_line_id, {})
            places[ful.location_id] = places.get(ful.location_id, 0) + line.quantity
    return [
        StockShortfall(new_id(), level_id, order_line_id, quantity, place, act.id, act.at)
        for (order_line_id, level_id), units in found.taken.items()
        for place, quantity in _spread(units, given.get(order_line_id, {}))
    ]


def _spread(units: int, given: dict[UUID, int]) -> list[tuple[UUID | None, int]]:
    """Units over the places that took some up; what a place took is told once."""
    found: list[tuple[UUID | None, int]] = []
    for place, most in given.items():
        found.append((place, min(units, most)))
        given[place] -= found[-1][1]
        units -= found[-1][1]
    return [(place, quantity) for place, quantity in [*found, (None, units)] if quantity]
