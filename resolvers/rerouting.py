"""Deciding anew, as staff ask for it: decline, move, split, merge and pin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from domain import fulfilling, ids, rerouting
from domain.events import Event, EventType
from domain.fulfillment import FulfillmentKind
from domain.ids import new_id
from domain.model import FulfillmentOrder, Order
from domain.ordering import decided
from domain.orders import LIVE, ORDER, OrderStatus
from domain.placing import Catalog
from domain.refusals import Forbidden, InvalidInput, InvalidTransition, LocationNotInChannel, NotFound, QuantityExceeds
from domain.rerouting import Declined, Why
from domain.shortfalls import Count
from domain.sourcing import record
from domain.stock import AdjustReason, Ledger
from domain.store import orders as stored_orders
from domain.store import rerouting as stored
from domain.store.setup import location_exists
from domain.viewer import Role, Scope
from domain.waves import given_back
from resolvers.deciding import patiently
from resolvers.fulfillment import LIMIT, key_of, locked, offered_for, routed
from resolvers.recounting import Own, Recount, recounted
from resolvers.setup import ON_HAND_LIMIT, location_of
from resolvers.writing import Outcome, Work, verb

if TYPE_CHECKING:
    from schema.inputs.fulfillment import OrderRouteInput
    from schema.inputs.rerouting import (
        FulfillmentOrderMergeInput,
        FulfillmentOrderMoveInput,
        FulfillmentOrderRejectInput,
        FulfillmentOrderSplitInput,
        OrderLinePinInput,
        OrderPinInput,
    )


# -- declining -------------------------------------------------------------------------------------------------------


@verb("fulfillmentOrderReject", Scope.FULFILLMENT_WRITE)
async def reject(work: Work, input: FulfillmentOrderRejectInput) -> Outcome:
    """Decline work, or a part of it; its units are routed elsewhere at once, and what was counted goes on record."""
    ful_id = key_of("FulfillmentOrder", input.id, ("id",))
    order_id = await stored_orders.order_id_of(work.connection, "FulfillmentOrder", ful_id)
    if order_id is None:
        raise NotFound("FulfillmentOrder", input.id, field=("id",))
    declined = _declined(input)
    counts = _counts(declined, await stored.places_of(work.connection, [each.line_id for each in declined or ()]))

    def first(order: Order, ledger: Ledger) -> tuple[Order, list[Event]]:
        wanted = declined or _all_of(fulfilling.work_of(order, ful_id), input)
        return rerouting.decline(order, ful_id, wanted, ledger, work.act)

    own = Own(order_id, input.id, first)
    wish = Recount.of(counts, AdjustReason.CYCLE_COUNT, ("Rejection", work.act.id), own)
    done = await recounted(work, wish)
    made = [ful.id for ful in done.made if ful.order_id == order_id]
    return Outcome({"fulfillmentOrder": ful_id, "rerouted": made})


def _declined(input: FulfillmentOrderRejectInput) -> tuple[Declined, ...] | None:
    if input.lines is None:
        return None
    if not 1 <= len(input.lines) <= LIMIT:
        raise InvalidInput(f"1 to {LIMIT} lines at once", field=("lines",))
    found = []
    for index, line in enumerate(input.lines):
        place = ("lines", str(index))
        if line.counted_on_hand is not None and not 0 <= line.counted_on_hand <= ON_HAND_LIMIT:
            raise InvalidInput(f"on hand is 0 to {ON_HAND_LIMIT}", field=(*place, "countedOnHand"))
        key = key_of("FulfillmentOrderLine", line.fulfillment_order_line_id, (*place, "fulfillmentOrderLineId"))
        found.append(Declined(key, line.quantity, line.reason, line.counted_on_hand))
    return tuple(found)


def _all_of(ful: FulfillmentOrder, input: FulfillmentOrderRejectInput) -> tuple[Declined, ...]:
    if input.reason is None:
        raise InvalidInput("say why", field=("reason",))
    return rerouting.all_of(ful, input.reason)


def _counts(declined: tuple[Declined, ...] | None, places: dict[UUID, tuple[UUID, UUID, str]]) -> list[Count]:
    """What was counted, by shelf: two lines may share one, and then say the same."""
    counts: dict[tuple[UUID, UUID], Count] = {}
    for index, each in enumerate(declined or ()):
        if each.counted_on_hand is None or each.line_id not in places:
            continue
        variant_id, location_id, sku = places[each.line_id]
        count = Count(
            (variant_id, location_id), sku, each.counted_on_hand, None, ("lines", str(index), "countedOnHand")
        )
        if counts.setdefault(count.place, count).on_hand != count.on_hand:
            raise InvalidInput(f"two counts of {sku} differ", field=count.field)
    return list(counts.values())


# -- routing what nobody has -----------------------------------------------------------------------------------------


@verb("orderRoute", Scope.ORDERS_WRITE)
async def route(work: Work, input: OrderRouteInput) -> Outcome:
    """Route units that no location has: as before, or as was agreed with their customer."""
    order = await work.order("Order", input.id)
    if order.status not in LIVE:
        raise InvalidTransition(order.status, "ROUTE", ORDER.actions(OrderStatus(order.status)))
    store = await _store_of(work, order, input)
    offered = await offered_for(work, order, {line.sku for line in order.lines if line.open})
    offered, levels = await locked(work, offered)
    start = Ledger(work.act, "RoutingDecision", work.act.id, levels.values())
    agreed = order if input.kind is None else rerouting.agreed(order, store)
    if store is None:
        after, _, told, records, ledger = await routed(work, agreed, offered, set(), start)
    else:
        after, told, records, ledger = _fetched(work, agreed, store, offered, start)
    if told:
        work.store(order, decided(after, work.act, told, ledger, records), levels)
    return Outcome({"order": order.id})


async def _store_of(work: Work, order: Order, input: OrderRouteInput) -> UUID | None:
    """Where the customer fetches it, if that was agreed."""
    if input.kind is not FulfillmentKind.PICKUP:
        if input.location_id is not None:
            raise InvalidInput("what is brought ships from where the router says, or a pin", field=("locationId",))
        return None
    if input.location_id is None:
        raise InvalidInput("say at which store", field=("locationId",))
    store = await location_of(work, input.location_id)
    await _refuse_elsewhere(work, order, store)
    return store


def _fetched(
    work: Work, order: Order, store: UUID, offered: Catalog, start: Ledger
) -> tuple[Order, list[Event], tuple[Any, ...], Ledger]:
    """Have all that is open wait at a store, also one that declined: somebody spoke with it."""
    decision, decision_id = rerouting.fetched(order, store, offered), new_id()
    ledger = Ledger(work.act, "RoutingDecision", decision_id, start.levels.values())
    after, _, told = fulfilling.rerouted(order, decision, decision_id, offered, ledger, work.act)
    return after, told, (record(order, decision, decision_id, work.act),), ledger


# -- moving, splitting, merging --------------------------------------------------------------------------------------


@verb("fulfillmentOrderMove", Scope.FULFILLMENT_WRITE)
async def move(work: Work, input: FulfillmentOrderMoveInput) -> Outcome:
    """Give work to another location that has the goods: as somebody's decision, on record like the router's."""
    order = await work.order("FulfillmentOrder", input.id)
    ful = fulfilling.work_of(order, key_of("FulfillmentOrder", input.id, ("id",)))
    target = await _target_of(work, input.location_id)
    kind = rerouting.refuse_to_move(ful, target, input.kind)
    await _refuse_elsewhere(work, order, target)
    offered = await offered_for(work, order, {line.sku for line in ful.lines})
    offered, levels = await locked(work, offered, [line.stock_level_id for line in ful.lines])
    offered = given_back(offered, [ful])

    decision = await patiently(lambda each: rerouting.moved(order, ful, target, kind, each), offered)
    decision_id = new_id()
    ledger = Ledger(work.act, "RoutingDecision", decision_id, levels.values())
    why = Why("MOVED", ended=EventType.FULFILLMENT_ORDER_MOVED)
    after, told = rerouting.taken_off(order, {line.id: line.held for line in ful.lines}, why, ledger, work.act)
    after, made, more = fulfilling.rerouted(after, decision, decision_id, offered, ledger, work.act)
    records = (record(order, decision, decision_id, work.act),)
    work.store(order, decided(after, work.act, [*told, *more], ledger, records), levels)
    return Outcome({"fulfillmentOrder": made[0].id})


async def _target_of(work: Work, id_: str) -> UUID:
    """Where work may be sent. Whoever works at locations gives nobody else work: they decline theirs, and it is routed."""
    bounded, found = work.viewer.role in (Role.STORE, Role.WAREHOUSE), ids.decode("Location", id_)
    if found is None or not await location_exists(work.connection, found):
        raise NotFound("Location", id_, field=("locationId",))
    if bounded and found not in work.viewer.location_ids and not work.viewer.may(Scope.ROUTING_WRITE):
        raise Forbidden(Scope.ROUTING_WRITE.value, field=("locationId",))
    return found


async def _refuse_elsewhere(work: Work, order: Order, location_id: UUID) -> None:
    """Only a location of the order's channel ships for it."""
    codes = await stored.codes_unless_served(work.connection, location_id, order.channel_id)
    if codes:
        raise LocationNotInChannel(*codes, field=("locationId",))


@verb("fulfillmentOrderSplit", Scope.FULFILLMENT_WRITE)
async def split(work: Work, input: FulfillmentOrderSplitInput) -> Outcome:
    """Make two of one work, at the same location."""
    order = await work.order("FulfillmentOrder", input.id)
    ful_id = key_of("FulfillmentOrder", input.id, ("id",))
    done, part_id = rerouting.split(order, ful_id, _units(input, fulfilling.work_of(order, ful_id)), work.act)
    work.store(order, done)
    return Outcome({"fulfillmentOrder": ful_id, "splitOff": part_id})


def _units(input: FulfillmentOrderSplitInput, ful: FulfillmentOrder) -> dict[UUID, int]:
    if not 1 <= len(input.lines) <= LIMIT:
        raise InvalidInput(f"1 to {LIMIT} lines at once", field=("lines",))
    held = {line.id: line.held for line in ful.lines}
    units: dict[UUID, int] = {}
    for index, line in enumerate(input.lines):
        place = ("lines", str(index))
        key = key_of("FulfillmentOrderLine", line.fulfillment_order_line_id, (*place, "fulfillmentOrderLineId"))
        if key not in held:
            raise NotFound("FulfillmentOrderLine", line.fulfillment_order_line_id, field=place)
        if key in units:
            raise InvalidInput("name each line once", field=place)
        if not 0 < line.quantity <= held[key]:
            raise QuantityExceeds(held[key], field=(*place, "quantity"))
        units[key] = line.quantity
    return units


@verb("fulfillmentOrderMerge", Scope.FULFILLMENT_WRITE)
async def merge(work: Work, input: FulfillmentOrderMergeInput) -> Outcome:
    """Make one work of several for the same order at the same location."""
    if not 2 <= len(input.ids) <= LIMIT:
        raise InvalidInput(f"2 to {LIMIT} at once", field=("ids",))
    keys = {key_of("FulfillmentOrder", id_, ("ids", str(index))): id_ for index, id_ in enumerate(input.ids)}
    if len(keys) < len(input.ids):
        raise InvalidInput("name each once", field=("ids",))
    found = await work.orders("FulfillmentOrder", keys, field=("ids",))
    if len(found) > 1:
        raise InvalidInput("only work for one order can be merged", field=("ids",))
    ((order, _),) = found
    work.store(order, rerouting.merge(order, list(keys), work.act))
    return Outcome({"fulfillmentOrder": next(iter(keys))})


# -- pinning ---------------------------------------------------------------------------------------------------------


@verb("orderPin", Scope.ROUTING_WRITE)
async def pin(work: Work, input: OrderPinInput) -> Outcome:
    """Say from which location an order must ship, or that it need not any more."""
    order = await work.order("Order", input.id, expected_version=input.expected_version)
    await _pin(work, order, [line.id for line in order.lines], input.location_id)
    return Outcome({"order": order.id})


@verb("orderLinePin", Scope.ROUTING_WRITE)
async def pin_line(work: Work, input: OrderLinePinInput) -> Outcome:
    """Say from which location a line must ship, or that it need not any more."""
    order = await work.order("OrderLine", input.id)
    key = key_of("OrderLine", input.id, ("id",))
    kit = [line.id for line in order.lines if line.kit_line_id == key]
    await _pin(work, order, [key, *kit], input.location_id)
    return Outcome({"order": order.id})


async def _pin(work: Work, order: Order, line_ids: list[UUID], location: str | None) -> None:
    """Pin lines, and bring there at once what others have not accepted, and what waits."""
    target = None if location is None else await location_of(work, location)
    after, told = rerouting.pinned(order, line_ids, target)
    if target is not None:
        await _refuse_elsewhere(work, order, target)
    units = rerouting.out_of_place(order, line_ids, target)
    if not units and not any(line.open for line in order.lines):
        work.store(order, decided(after, work.act, [told]))
        return
    offered = await offered_for(work, order, {line.sku for line in order.lines if line.open or line.id in line_ids})
    own = [line.stock_level_id for ful in order.fulfillment_orders for line in ful.lines if line.id in units]
    offered, levels = await locked(work, offered, own)

    ledger = Ledger(work.act, "Pin", work.act.id, levels.values())
    opened, off = rerouting.taken_off(after, units, Why("PINNED"), ledger, work.act)
    done, _, more, records, given = await routed(work, opened, offered, set(), ledger)
    rerouting.refuse_new_gaps(order, done)
    entries, events = (*records, *ledger.movements), [told, *off, *more, *ledger.events]
    work.store(order, decided(done, work.act, events, given, entries), levels)
