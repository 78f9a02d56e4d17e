"""Deciding anew what was decided before: work that is declined, moved, split, merged or pinned, and units that wait."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from domain import ids, kits, pickups, placing
from domain.acts import Act
from domain.events import Event, EventType, about
from domain.fulfilling import Found, as_found, reroute, with_work, work_of
from domain.fulfillment import (
    FULFILLMENT_ORDER,
    UNACCEPTED,
    FulfillmentKind,
    FulfillmentOrderAction,
    FulfillmentOrderStatus,
    ShortReason,
)
from domain.ids import new_id
from domain.model import Decided, FulfillmentOrder, FulfillmentOrderLine, Order, OrderLine, replace
from domain.ordering import decided
from domain.orders import ORDER, OrderAction, OrderStatus
from domain.placing import Catalog
from domain.refusals import InsufficientStock, InvalidInput, NotFound, QuantityExceeds
from domain.routing.model import Decision, Parcel, ParcelLine, Strategy
from domain.stock import Bucket, Ledger, LocationKind, MovementKind

Place = tuple[UUID, UUID]
"""(variant, location)."""

REMEMBERED = timedelta(days=1)
"""How long a location that declined is not asked again for the same goods: until tomorrow it will not have changed."""

FIRST_RETRY_MINUTES = 5
LONGEST_RETRY_MINUTES = 360


# -- where units may go ---------------------------------------------------------------------------------------------


def declined_by(order: Order, now: datetime) -> set[Place]:
    """What locations would not ship for the order a short while ago."""
    return {
        (line.variant_id, line.location_id)
        for ful in order.fulfillment_orders
        if ful.status == FulfillmentOrderStatus.REJECTED and ful.closed_at and ful.closed_at > now - REMEMBERED
        for line in ful.lines
        if line.short
    }


def without(catalog: Catalog, avoided: Iterable[Place]) -> Catalog:
    """What is offered, as if nothing were left at these places."""
    gone = set(avoided)
    offers = {
        sku: replace(offer, levels=tuple(level for level in offer.levels if (offer.variant_id, level[1]) not in gone))
        for sku, offer in catalog.offers.items()
    }
    return replace(catalog, offers=offers)


# -- taking units off work -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Why:
    """Why units are taken off work that nobody has picked."""

    reason: str
    ended: EventType = EventType.FULFILLMENT_ORDER_CANCELED
    """What is told of work of which nothing is left."""
    short: bool = False
    """Whether they are not there, or only ship from elsewhere."""


def taken_off(order: Order, units: Mapping[UUID, int], why: Why, ledger: Ledger, act: Act) -> tuple[Order, list[Event]]:
    """The order without so many units of its lines of work: they are available again, and open."""
    events: list[Event] = []
    for ful in order.fulfillment_orders:
        taken = {line.id: units[line.id] for line in ful.lines if units.get(line.id)}
        if taken:
            order, told = _reduced(order, ful, taken, why, ledger, act)
            events.append(told)
            if why.short:
                events += pickups.told(order, ful, sum(taken.values()))
    return order, events


def _reduced(
    order: Order, ful: FulfillmentOrder, taken: Mapping[UUID, int], why: Why, ledger: Ledger, act: Act
) -> tuple[Order, Event]:
    for line in ful.lines:
        if line.id in taken:
            ledger.move(
                line.stock_level_id,
                MovementKind.DEALLOCATE,
                taken[line.id],
                Bucket.ALLOCATED,
                Bucket.AVAILABLE,
                line_id=line.id,
                reason=why.reason,
                order=order,
            )
    column = "short" if why.short else "canceled"
    ful = replace(
        ful,
        lines=tuple(
            replace(line, **{column: getattr(line, column) + taken[line.id]}) if line.id in taken else line
            for line in ful.lines
        ),
    )
    order = replace(order, lines=tuple(_opened(line, ful, taken, why) for line in order.lines))
    return _told_of(order, ful, sum(taken.values()), why, act)


def _told_of(order: Order, ful: FulfillmentOrder, units: int, why: Why, act: Act) -> tuple[Order, Event]:
    data = {"units": units, "reason": why.reason}
    if any(line.held for line in ful.lines):
        message = f"{units} units were taken off work for order {order.number}."
        told = about(order, EventType.FULFILLMENT_ORDER_REDUCED, message, subject=ful, data=data)
        return with_work(order, ful), told
    status = FULFILLMENT_ORDER.after(FulfillmentOrderStatus(ful.status), FulfillmentOrderAction.CANCEL)
    ful = replace(ful, status=status.value, closed_at=act.at)
    moved = why.ended is EventType.FULFILLMENT_ORDER_MOVED
    message = f"Work for order {order.number} {'went to another location' if moved else 'was called off'}."
    return with_work(order, ful), about(order, why.ended, message, subject=ful, data=data)


def _opened(line: OrderLine, ful: FulfillmentOrder, taken: Mapping[UUID, int], why: Why) -> OrderLine:
    units = sum(taken.get(part.id, 0) for part in ful.lines if part.order_line_id == line.id)
    if not units:
        return line
    line = pickups.awaited(line, ful) if why.short else line
    return replace(line, allocated=line.allocated - units, open=line.open + units)


# -- declining -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Declined:
    """Units of one line of work that a location will not ship; no quantity: all of them."""

    line_id: UUID
    quantity: int | None
    reason: ShortReason
    counted_on_hand: int | None = None


def all_of(ful: FulfillmentOrder, reason: ShortReason) -> tuple[Declined, ...]:
    """The whole work, for one reason."""
    return tuple(Declined(line.id, None, reason) for line in ful.lines if line.held)


def decline(
    order: Order, ful_id: UUID, declined: Sequence[Declined], ledger: Ledger, act: Act
) -> tuple[Order, list[Event]]:
    """A location will not do the work, or a part of it, which is work of its own from then on: for the record."""
    ful = work_of(order, ful_id)
    status = FULFILLMENT_ORDER.after(FulfillmentOrderStatus(ful.status), FulfillmentOrderAction.REJECT)
    units = _units_declined(ful, declined)

    order, part, line_ids, events = _apart(order, ful, units, act)
    found = [
        Found(line_ids[each.line_id], 0, units[each.line_id], each.reason, counted=each.counted_on_hand is not None)
        for each in declined
    ]
    order, part = as_found(order, part, found, ledger)
    part = replace(part, status=status.value, closed_at=act.at)
    reasons = sorted({each.reason.value for each in declined})
    told = about(
        order,
        EventType.FULFILLMENT_ORDER_REJECTED,
        f"Work for order {order.number} was declined: {', '.join(reasons)}.",
        subject=part,
        data={"units": sum(units.values()), "reasons": reasons},
    )
    return with_work(order, part), [*events, told, *pickups.told(order, part, sum(units.values()))]


def _units_declined(ful: FulfillmentOrder, declined: Sequence[Declined]) -> dict[UUID, int]:
    left = {line.id: line.held for line in ful.lines}
    for index, each in enumerate(declined):
        place = ("lines", str(index))
        if each.line_id not in left:
            name = ids.encode("FulfillmentOrderLine", each.line_id)
            raise NotFound("FulfillmentOrderLine", name, field=(*place, "fulfillmentOrderLineId"))
        if not 0 < (left[each.line_id] if each.quantity is None else each.quantity) <= left[each.line_id]:
            raise QuantityExceeds(left[each.line_id], field=(*place, "quantity"))
    if len({each.line_id for each in declined}) < len(declined) or not declined:
        raise InvalidInput("name each line once, and at least one", field=("lines",))
    return {each.line_id: left[each.line_id] if each.quantity is None else each.quantity for each in declined}


# -- splitting and merging -------------------------------------------------------------------------------------------


def split(order: Order, ful_id: UUID, units: Mapping[UUID, int], act: Act) -> tuple[Decided, UUID]:
    """Make work of its own of some units, at the same location and as far as it had come."""
    ful = work_of(order, ful_id)
    FULFILLMENT_ORDER.after(FulfillmentOrderStatus(ful.status), FulfillmentOrderAction.SPLIT)
    if sum(units.values()) == sum(line.held for line in ful.lines):
        raise InvalidInput("something has to stay", field=("lines",))
    order, part, _, events = _apart(order, ful, units, act)
    return decided(order, act, events), part.id


def _apart(
    order: Order, ful: FulfillmentOrder, units: Mapping[UUID, int], act: Act
) -> tuple[Order, FulfillmentOrder, dict[UUID, UUID], list[Event]]:
    """(order, the work that has just these units, its lines by the lines they were, what is told): all of it is itself."""
    if all(units.get(line.id, 0) == line.held for line in ful.lines):
        return order, ful, {line.id: line.id for line in ful.lines}, []
    part_id = new_id()
    parts = {line.id: _parted(line, units.get(line.id, 0), part_id) for line in ful.lines}
    kept = replace(ful, lines=tuple(stays for stays, _ in parts.values() if stays))
    part = replace(
        ful,
        id=part_id,
        split_from_id=ful.id,
        created_at=act.at,
        version=1,
        event_sequence=0,
        lines=tuple(goes for _, goes in parts.values() if goes),
    )
    order = with_work(order, kept)
    order = replace(order, fulfillment_orders=(*order.fulfillment_orders, part))
    data = {"fulfillmentOrderId": ids.encode("FulfillmentOrder", part_id)}
    events = [
        about(
            order,
            EventType.FULFILLMENT_ORDER_SPLIT,
            f"Work for order {order.number} was split.",
            subject=kept,
            data=data,
        ),
        *placing.created(order, (part,)),
    ]
    return order, part, {id_: goes.id for id_, (_, goes) in parts.items() if goes}, events


def _parted(
    line: FulfillmentOrderLine, units: int, part_id: UUID
) -> tuple[FulfillmentOrderLine | None, FulfillmentOrderLine | None]:
    """(what stays, what goes). A line that goes whole goes as it is; nothing of it was picked."""
    if not units:
        return line, None
    if units == line.quantity:
        return None, replace(line, fulfillment_order_id=part_id)
    goes = replace(line, id=new_id(), fulfillment_order_id=part_id, quantity=units, short=0, canceled=0)
    return replace(line, quantity=line.quantity - units), goes


def merge(order: Order, ful_ids: Sequence[UUID], act: Act) -> Decided:
    """Do work with the first of several: theirs is its, and they are closed."""
    works = [work_of(order, id_) for id_ in ful_ids]
    for ful in works:
        FULFILLMENT_ORDER.after(FulfillmentOrderStatus(ful.status), FulfillmentOrderAction.MERGE)
    into, *others = works
    for index, ful in enumerate(others, start=1):
        if (ful.location_id, ful.kind, ful.service) != (into.location_id, into.kind, into.service):
            reason = "only work of one location, that ships the same way, can be merged"
            raise InvalidInput(reason, field=("ids", str(index)))

    for ful in others:
        into = replace(into, lines=_joined(into, ful))
        closed = FULFILLMENT_ORDER.after(FulfillmentOrderStatus(ful.status), FulfillmentOrderAction.MERGE)
        gone = tuple(replace(line, canceled=line.canceled + line.held) for line in ful.lines)
        order = with_work(order, replace(ful, lines=gone, status=closed.value, closed_at=act.at))
    into = replace(into, due_at=min(ful.due_at for ful in works), priority=max(ful.priority for ful in works))
    order = with_work(order, into)
    data = {"fulfillmentOrderIds": [ids.encode("FulfillmentOrder", ful.id) for ful in others]}
    message = f"Work for order {order.number} was merged."
    told = about(order, EventType.FULFILLMENT_ORDER_MERGED, message, subject=into, data=data)
    return decided(order, act, [told, *(_merged_away(order, ful.id) for ful in others)])


def _merged_away(order: Order, ful_id: UUID) -> Event:
    message = f"Work for order {order.number} is done with other work."
    return about(
        order, EventType.FULFILLMENT_ORDER_CANCELED, message, subject=work_of(order, ful_id), data={"reason": "MERGED"}
    )


def _joined(into: FulfillmentOrder, other: FulfillmentOrder) -> tuple[FulfillmentOrderLine, ...]:
    """The lines of work with another's units: in the same line where there is one."""
    lines = {(line.order_line_id, line.stock_level_id): line for line in into.lines}
    for line in other.lines:
        if not line.held:
            continue
        key = (line.order_line_id, line.stock_level_id)
        if key in lines:
            lines[key] = replace(lines[key], quantity=lines[key].quantity + line.held)
        else:
            lines[key] = replace(
                line, id=new_id(), fulfillment_order_id=into.id, quantity=line.held, short=0, canceled=0
            )
    return tuple(lines.values())


# -- moving ----------------------------------------------------------------------------------------------------------


def refuse_to_move(ful: FulfillmentOrder, target: UUID, kind: FulfillmentKind | None) -> FulfillmentKind:
    """How its goods reach the customer from there. Work that somebody has begun stays.

    So does what a customer was told to fetch, unless somebody says what was agreed with them instead.
    """
    FULFILLMENT_ORDER.after(FulfillmentOrderStatus(ful.status), FulfillmentOrderAction.MOVE)
    if ful.location_id == target and kind in (None, ful.kind):
        raise InvalidInput("it is there already", field=("locationId",))
    if kind is None and ful.kind == FulfillmentKind.PICKUP:
        raise InvalidInput("a customer was told to fetch it there: say what was agreed with them", field=("kind",))
    return kind or FulfillmentKind.DELIVERY


def moved(order: Order, ful: FulfillmentOrder, target: UUID, kind: FulfillmentKind, catalog: Catalog) -> Decision:
    """Somebody's decision that work is done at another location; refused where that has not all of it."""
    units: dict[UUID, int] = {}
    for line in ful.lines:
        units[line.order_line_id] = units.get(line.order_line_id, 0) + line.held
    _refuse_unless_there(order, units, target, catalog)

    parts = tuple(ParcelLine(line.id, line.sku, units[line.id]) for line in order.lines if units.get(line.id))
    if kind is FulfillmentKind.PICKUP:
        return Decision(Strategy.MOVED, (fetched_at(order, target, parts, catalog),), (), ())
    lines = tuple(
        replace(line, open=units.get(line.id, 0), pinned_location_id=target, pickup_location_id=None)
        for line in order.lines
    )
    weighed = reroute(replace(order, lines=lines), catalog, set())
    if weighed and len(weighed[0].chosen) == 1 and not weighed[0].unfilled:
        return replace(weighed[0], strategy=Strategy.MOVED)
    return Decision(Strategy.MOVED, (Parcel(target, parts, None),), (), ())  # the rules forbid it: staff know better


def _refuse_unless_there(order: Order, units: Mapping[UUID, int], target: UUID, catalog: Catalog) -> None:
    """Refuse where a location has not all of these units, by order line."""
    needed: dict[str, int] = {}
    for line in order.lines:
        needed[line.sku] = needed.get(line.sku, 0) + units.get(line.id, 0)
    for sku, wanted in needed.items():
        there = sum(free for _, at, free in catalog.offers[sku].levels if at == target) if wanted else 0
        if there < wanted:
            raise InsufficientStock(sku, wanted, there, field=("locationId",))


# -- what was agreed with the customer ---------------------------------------------------------------------------------


def agreed(order: Order, store: UUID | None) -> Order:
    """The order whose open units are to be fetched at a store, or brought; refused where none are."""
    if not any(line.open for line in order.lines):
        raise InvalidInput("nothing of it waits", field=("kind",))
    lines = (replace(line, pickup_location_id=store) if line.open else line for line in order.lines)
    return replace(order, lines=tuple(lines))


def fetched(order: Order, store: UUID, catalog: Catalog) -> Decision:
    """Somebody's decision that all that is open waits for its customer at a store; refused where that has not all of it."""
    units = {line.id: line.open for line in kits.physical(order.lines) if line.open}
    _refuse_unless_there(order, units, store, catalog)
    parts = tuple(ParcelLine(line.id, line.sku, units[line.id]) for line in order.lines if line.id in units)
    return Decision(Strategy.MOVED, (fetched_at(order, store, parts, catalog),), (), ())


def fetched_at(order: Order, target: UUID, parts: Sequence[ParcelLine], catalog: Catalog) -> Parcel:
    """Goods to be fetched at a store that somebody chose; refused where nobody hands out goods."""
    place = catalog.network.locations.get(target)
    is_store = place is not None and place.kind is LocationKind.STORE
    parcel = pickups.fetched_from(order, place, parts, catalog.at) if place and is_store else None
    if parcel is None:
        raise InvalidInput("nobody hands out goods there", field=("locationId",))
    return parcel


# -- pinning ---------------------------------------------------------------------------------------------------------


def pinned(order: Order, line_ids: Sequence[UUID], target: UUID | None) -> tuple[Order, Event]:
    """The order with lines that must ship from a location, or with those that need not any more."""
    ORDER.after(OrderStatus(order.status), OrderAction.PIN)
    chosen = frozenset(line_ids)
    lines = tuple(replace(line, pinned_location_id=target) if line.id in chosen else line for line in order.lines)
    order = replace(order, lines=lines)
    data = {
        "orderLineIds": [ids.encode("OrderLine", id_) for id_ in line_ids],
        "locationId": target and ids.encode("Location", target),
    }
    if target is None:
        return order, about(order, EventType.ORDER_UNPINNED, f"Order {order.number} may ship from anywhere.", data=data)
    return order, about(order, EventType.ORDER_PINNED, f"Order {order.number} ships from a chosen location.", data=data)


def out_of_place(order: Order, line_ids: Sequence[UUID], target: UUID | None) -> dict[UUID, int]:
    """Units of pinned lines that other locations have and have not accepted, by line of work.

    What a customer was told to fetch stays, as it does when work is moved.
    """
    if target is None:
        return {}
    return {
        line.id: line.held
        for ful in order.fulfillment_orders
        if ful.status in UNACCEPTED and ful.location_id != target and ful.kind != FulfillmentKind.PICKUP
        for line in ful.lines
        if line.held and line.order_line_id in line_ids
    }


def refuse_new_gaps(before: Order, after: Order) -> None:
    """What had a location keeps one: refused where fewer units would have any than before."""
    was = {line.id: line for line in before.lines}
    for line in after.lines:
        gap = line.open - was[line.id].open
        if gap > 0:
            had = was[line.id].allocated
            raise InsufficientStock(line.sku, had, had - gap, field=("locationId",))


# -- waiting ---------------------------------------------------------------------------------------------------------


def tried(order: Order, act: Act) -> Order:
    """The order after its open units were tried again: the next time is twice as far off, up to six hours."""
    minutes = min(FIRST_RETRY_MINUTES << min(order.route_attempts, 20), LONGEST_RETRY_MINUTES)
    again = act.recorded_at + timedelta(minutes=minutes)
    return replace(order, route_attempts=order.route_attempts + 1, route_again_at=again)
