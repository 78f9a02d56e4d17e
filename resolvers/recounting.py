"""Counts that may leave fewer units than were promised: what is locked for them, and what follows in the same transaction.

Everybody locks orders before stock levels. A count begins with levels, so it looks first who holds units there, locks those
orders in the order of their ids, then the levels, and looks again: who was missing is locked in the next attempt, after
all locks of this one were given back.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from domain import placing
from domain.events import Event
from domain.model import Decided, FulfillmentOrder, Order, StockLevel, StockShortfall
from domain.ordering import decided
from domain.placing import Catalog
from domain.refusals import InvalidInput, UnitsCommitted
from domain.rerouting import Place
from domain.shortfalls import Count, Recounted, recount, shortfalls
from domain.stock import AdjustReason, Ledger
from domain.store import orders as stored_orders
from domain.store.stock import holders
from resolvers.capacity import with_days_locked
from resolvers.database import Unavailable
from resolvers.fulfillment import offered_for, routed
from resolvers.writing import Work

ATTEMPTS = 6
"""With each, twice as many orders are locked beyond those that are needed: the last has room for 64 newcomers a SKU."""
ORDERS_LIMIT = 1_000
"""More orders than one transaction should hold: they take about two seconds."""

First = Callable[[Order, Ledger], tuple[Order, list[Event]]]
"""What happens to an order before the counts: its work is declined."""


@dataclass(frozen=True, slots=True)
class Own:
    """The order that a count comes with, and what happens to it first; it is locked whoever else is."""

    order_id: UUID
    fulfillment_order_id: str
    first: First


@dataclass(frozen=True, slots=True)
class Recount:
    """What is counted: where, of which SKUs, why, and what the ledger names as the cause.

    `counts` is asked when the levels are locked: some counts say how many more or fewer there are.
    """

    places: Mapping[Place, str]
    reason: AdjustReason
    cause: tuple[str, UUID]
    counts: Callable[[Mapping[UUID, StockLevel]], Awaitable[Sequence[Count]]]
    own: Own | None = None

    @staticmethod
    def of(counts: Sequence[Count], reason: AdjustReason, cause: tuple[str, UUID], own: Own | None = None) -> "Recount":
        """Counts that say how many there are."""

        async def told(_levels: Mapping[UUID, StockLevel]) -> Sequence[Count]:
            return counts

        return Recount({count.place: count.sku for count in counts}, reason, cause, told, own)


@dataclass(frozen=True, slots=True)
class Done:
    """What counts came to: the levels, what is short, and the work of others in its stead."""

    levels: Sequence[UUID]
    shortfalls: Sequence[StockShortfall]
    made: Sequence[FulfillmentOrder]


class _NotEnough(Exception):
    def __init__(self, order_ids: set[UUID]) -> None:
        self.order_ids = order_ids


async def recounted(work: Work, wish: Recount) -> Done:
    """Set what is on hand; promises that cannot be kept are taken back and routed anew, all in this transaction."""
    wanted: set[UUID] = {wish.own.order_id} if wish.own else set()
    for attempt in range(ATTEMPTS):
        try:
            await work.connection.execute("savepoint recount")
            return await _attempt(work, wish, wanted, slack=1 << attempt)
        except _NotEnough as found:
            wanted = found.order_ids
            await work.connection.execute("rollback to savepoint recount")  # which gives its locks back
    raise Unavailable("others take and give these units faster than they can be counted")


async def _attempt(work: Work, wish: Recount, order_ids: set[UUID], *, slack: int) -> Done:
    orders = await _locked(work, wish.own, order_ids)
    offered = await _offered(work, orders, wish)
    levels = await work.levels_and_places(_level_ids(orders, offered), list(wish.places))
    offered = {channel: await with_days_locked(work, catalog) for channel, catalog in offered.items()}
    counts = await wish.counts(levels)
    ledger = Ledger(work.act, *wish.cause, levels.values())

    begun = dict(orders)
    told: list[Event] = []
    if wish.own:
        begun[wish.own.order_id], told = wish.own.first(orders[wish.own.order_id], ledger)
    found = recount(begun, counts, wish.reason, ledger, work.act)
    if found.left:
        raise _NotEnough(await _holders(work, counts, found, levels, set(orders), slack))

    if wish.own:
        found.told[wish.own.order_id] = [*told, *found.told.get(wish.own.order_id, [])]
    return await _stored(work, orders, found, offered, wish, levels, ledger)


async def _locked(work: Work, own: Own | None, order_ids: set[UUID]) -> dict[UUID, Order]:
    """Orders, locked in the order of their ids; the own one only if the viewer may see its work."""
    if not order_ids:
        return {}
    await stored_orders.lock_all(work.connection, order_ids)
    orders = {}
    for id_ in sorted(order_ids):
        if own and id_ == own.order_id:
            orders[id_] = await work.order("FulfillmentOrder", own.fulfillment_order_id)
        else:
            orders[id_] = await stored_orders.load(work.connection, id_)
    return orders


async def _offered(work: Work, orders: Mapping[UUID, Order], wish: Recount) -> dict[UUID, Catalog]:
    """What each channel of these orders offers of what may have to be routed."""
    own, counted = wish.own, set(wish.places.values())
    skus: dict[UUID, set[str]] = {}
    some: dict[UUID, Order] = {}
    for order in orders.values():
        mine = own is not None and order.id == own.order_id
        wanted = {line.sku for line in order.lines if line.open or line.sku in counted or mine}
        skus.setdefault(order.channel_id, set()).update(wanted)
        some[order.channel_id] = order
    return {channel: await offered_for(work, some[channel], skus[channel]) for channel in sorted(skus)}


def _level_ids(orders: Mapping[UUID, Order], offered: Mapping[UUID, Catalog]) -> set[UUID]:
    held = {line.stock_level_id for order in orders.values() for ful in order.fulfillment_orders for line in ful.lines}
    return held.union(*(placing.level_of(catalog).values() for catalog in offered.values()))


async def _holders(
    work: Work,
    counts: Sequence[Count],
    found: Recounted,
    levels: Mapping[UUID, StockLevel],
    locked: set[UUID],
    slack: int,
) -> set[UUID]:
    """Who is to be locked next: as many more as hold what is missing, and some. Refused where nobody does."""
    wanted = set(locked)
    for level_id, left in found.left.items():
        holding = await holders(work.connection, level_id, len(locked) + left + slack)
        others = [(order_id, units) for order_id, units in holding if order_id not in locked]
        if sum(units for _, units in others) < left:
            _refuse(counts, levels[level_id], left - sum(units for _, units in others))
        for order_id, units in others:
            if left + slack <= 0:
                break
            wanted.add(order_id)
            left -= units  # noqa: PLW2901
    if len(wanted) > ORDERS_LIMIT:
        reason = f"more than {ORDERS_LIMIT} orders lose units by it: count fewer SKUs at once"
        raise InvalidInput(reason, field=("lines",))
    return wanted


def _refuse(counts: Sequence[Count], level: StockLevel, left: int) -> None:
    count = next(each for each in counts if each.place == (level.variant_id, level.location_id))
    committed, aside = count.on_hand + left, level.quality_control + level.damaged
    picked = committed - level.reserved - aside
    raise UnitsCommitted(count.sku, committed, picked, level.reserved, aside, field=count.field)


async def _stored(
    work: Work,
    before: Mapping[UUID, Order],
    found: Recounted,
    offered: Mapping[UUID, Catalog],
    wish: Recount,
    levels: Mapping[UUID, StockLevel],
    ledger: Ledger,
) -> Done:
    """Route anew whatever was taken back, the oldest order first, and note all of it to be written."""
    avoiding = set(wish.places)
    movements: list[Any] = [*ledger.movements]
    events: list[Event] = [*ledger.events]
    made: list[FulfillmentOrder] = []
    changed = [order for id_, order in found.orders.items() if order is not before[id_]]
    for order in sorted(changed, key=lambda each: (each.placed_at, each.id)):
        catalog = placing.corrected(offered[order.channel_id], ledger.levels.values())
        declined = avoiding | _declined_places(before[order.id], order)
        after, works, told, records, ledger = await routed(work, order, catalog, declined, ledger)
        work.store(before[order.id], decided(after, work.act, [*found.told.get(order.id, []), *told], None, records))
        movements += ledger.movements
        events += ledger.events
        made += works

    short = shortfalls(found, made, work.act)
    work.store(None, Decided(None, tuple(ledger.levels.values()), (*movements, *short), tuple(events)), levels)
    counted = {level.id for level in levels.values() if (level.variant_id, level.location_id) in avoiding}
    return Done([id_ for id_ in levels if id_ in counted], short, made)


def _declined_places(before: Order, after: Order) -> set[tuple[UUID, UUID]]:
    """Where units of an order were taken off work: it is not given back at once."""
    was = {line.id: line.short for ful in before.fulfillment_orders for line in ful.lines}
    return {
        (line.variant_id, line.location_id)
        for ful in after.fulfillment_orders
        for line in ful.lines
        if line.short > was.get(line.id, 0)
    }
