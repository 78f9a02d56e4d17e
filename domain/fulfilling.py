"""The work of locations: accept, pick, pack; and routing again what a location could not find."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from domain import ids, kits, pickups, placing, sourcing
from domain.acts import Act
from domain.events import Event, EventType, about
from domain.fulfillment import FULFILLMENT_ORDER, FulfillmentOrderAction, FulfillmentOrderStatus, ShortReason
from domain.ids import new_id
from domain.model import (
    Decided,
    FulfillmentOrder,
    FulfillmentOrderLine,
    Order,
    OrderLine,
    Package,
    PackageLine,
    replace,
)
from domain.ordering import decided, with_work_offered
from domain.orders import ORDER, OrderAction, OrderStatus
from domain.placing import Catalog
from domain.refusals import InvalidInput, NotFound, OnHold, QuantityExceeds
from domain.routing.model import Decision
from domain.sourcing import demand_line
from domain.stock import Bucket, Ledger, MovementKind

TARGET_OF: dict[ShortReason, Bucket | None] = {
    ShortReason.DAMAGED: Bucket.DAMAGED,
    ShortReason.NOT_FOUND: None,
}
"""Where units go that were short: broken ones stay under the roof, lost ones do not; all others are still there."""


@dataclass(frozen=True, slots=True)
class Found:
    """What was found on the shelf of one line of work."""

    line_id: UUID
    picked: int
    short: int
    reason: ShortReason | None
    counted: bool = False
    """Whether a count follows that takes lost units off the books."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """A parcel as it is packed; no lines: everything that is picked and in no parcel yet."""

    weight_grams: int | None
    length_mm: int | None
    width_mm: int | None
    height_mm: int | None
    lines: tuple[tuple[UUID, int], ...] | None


def work_of(order: Order, id_: UUID) -> FulfillmentOrder:
    """A fulfillment order of the order."""
    return next(ful for ful in order.fulfillment_orders if ful.id == id_)


def with_work(order: Order, after: FulfillmentOrder) -> Order:
    """The order with one fulfillment order as it is now."""
    work = tuple(after if ful.id == after.id else ful for ful in order.fulfillment_orders)
    return replace(order, fulfillment_orders=work)


def stepped(order: Order, ful: FulfillmentOrder, action: FulfillmentOrderAction) -> FulfillmentOrder:
    """The work after a step of its lifecycle; refused while the order is on hold."""
    status = FULFILLMENT_ORDER.after(FulfillmentOrderStatus(ful.status), action)
    if order.on_hold:
        raise OnHold(tuple(held.kind for held in order.holds if held.released_at is None))
    return replace(ful, status=status.value)


def accept(order: Order, ful_id: UUID, act: Act) -> Decided:
    """Take the work on; with the first, the order is in fulfillment."""
    ful = stepped(order, work_of(order, ful_id), FulfillmentOrderAction.ACCEPT)
    ful = replace(ful, accepted_at=act.at)
    if order.status == OrderStatus.CONFIRMED:
        order = replace(order, status=ORDER.after(OrderStatus.CONFIRMED, OrderAction.START_FULFILLMENT).value)
    order = with_work(order, ful)
    told = about(
        order, EventType.FULFILLMENT_ORDER_ACCEPTED, f"Work for order {order.number} was accepted.", subject=ful
    )
    return decided(order, act, [told])


# -- picking -------------------------------------------------------------------------------------------------------


def everything_found(ful: FulfillmentOrder) -> tuple[Found, ...]:
    """All that is left to pick."""
    return tuple(Found(line.id, line.unpicked, 0, None) for line in ful.lines if line.unpicked)


def pick(order: Order, ful_id: UUID, found: Sequence[Found], ledger: Ledger, act: Act) -> tuple[Order, list[Event]]:
    """Record what was found. Short units leave the work and the promise: they are open again, to be routed anew."""
    ful = stepped(order, work_of(order, ful_id), FulfillmentOrderAction.PICK)
    order, ful = as_found(order, ful, checked(ful, found), ledger)
    if not any(line.held for line in ful.lines):
        status = FULFILLMENT_ORDER.after(FulfillmentOrderStatus(ful.status), FulfillmentOrderAction.CANCEL)
        ful = replace(ful, status=status.value, closed_at=act.at)
        order = with_work(order, ful)
    short = sum(each.short for each in found)
    message = f"Units for order {order.number} were picked{f', {short} short' if short else ''}."
    told = about(order, EventType.FULFILLMENT_ORDER_PICKED, message, subject=ful, data={"short": short})
    return order, [told, *pickups.told(order, ful, short)]


def as_found(
    order: Order, ful: FulfillmentOrder, found: Sequence[Found], ledger: Ledger
) -> tuple[Order, FulfillmentOrder]:
    """The order and its work with what was found: units that are short leave the promise and are open again."""
    by_id = {each.line_id: each for each in found}
    for line in ful.lines:
        if line.id in by_id:
            _write_off(order, line, by_id[line.id], ledger)
    ful = replace(ful, lines=tuple(_picked(line, by_id.get(line.id)) for line in ful.lines))
    order = with_work(order, ful)
    return replace(order, lines=tuple(_line_picked(line, ful, by_id) for line in order.lines)), ful


def checked(ful: FulfillmentOrder, found: Sequence[Found]) -> Sequence[Found]:
    """What was found, if it can be; refused: unknown lines, nothing, more than is left, short without a reason."""
    left = {line.id: line.unpicked for line in ful.lines}
    for index, each in enumerate(found):
        place = ("lines", str(index))
        if each.line_id not in left:
            raise NotFound("FulfillmentOrderLine", ids.encode("FulfillmentOrderLine", each.line_id), field=place)
        if min(each.picked, each.short) < 0 or not 0 < each.picked + each.short <= left[each.line_id]:
            raise QuantityExceeds(left[each.line_id], field=(*place, "picked"))
        if each.short and each.reason is None:
            raise InvalidInput("say why units are short", field=(*place, "shortReason"))
    if len({each.line_id for each in found}) < len(found) or not found:
        raise InvalidInput("name each line once, and at least one", field=("lines",))
    return found


def _write_off(order: Order, line: FulfillmentOrderLine, found: Found, ledger: Ledger) -> None:
    if not found.short or found.reason is None:
        return
    target = TARGET_OF.get(found.reason, Bucket.AVAILABLE)
    if found.counted and target is None:
        target = Bucket.AVAILABLE
    ledger.move(
        line.stock_level_id,
        MovementKind.ADJUST if target is None else MovementKind.DEALLOCATE,
        found.short,
        Bucket.ALLOCATED,
        target,
        line_id=line.id,
        reason=found.reason.value,
        order=order,
    )


def _picked(line: FulfillmentOrderLine, found: Found | None) -> FulfillmentOrderLine:
    return line if found is None else replace(line, picked=line.picked + found.picked, short=line.short + found.short)


def _line_picked(line: OrderLine, ful: FulfillmentOrder, by_id: Mapping[UUID, Found]) -> OrderLine:
    found = [by_id[work.id] for work in ful.lines if work.order_line_id == line.id and work.id in by_id]
    picked, short = sum(each.picked for each in found), sum(each.short for each in found)
    if not picked and not short:
        return line
    line = pickups.awaited(line, ful) if short else line
    return replace(line, allocated=line.allocated - picked - short, picked=line.picked + picked, open=line.open + short)


# -- routing again -------------------------------------------------------------------------------------------------


def reroute(order: Order, catalog: Catalog, avoiding: set[UUID]) -> tuple[Decision, UUID] | None:
    """Decide from where open units ship, leaving out locations that just failed; None when nothing is open."""
    waits = [line for line in kits.physical(order.lines) if line.open]
    if not waits:
        return None
    demand = [
        demand_line(line, catalog.offers.get(line.sku), line.pinned_location_id)
        for line in waits
        if line.pickup_location_id is None
    ]
    shipped = sourcing.decided(order, demand, catalog, avoiding) if demand else None
    return pickups.decided(order, [line for line in waits if line.pickup_location_id], catalog, shipped), new_id()


def rerouted(
    order: Order, decision: Decision, decision_id: UUID, catalog: Catalog, ledger: Ledger, act: Act
) -> tuple[Order, tuple[FulfillmentOrder, ...], list[Event]]:
    """The order with work for every unit that found a location; the rest stays open."""
    level_of = placing.level_of(catalog)
    work = placing.fulfillment_orders(order, decision, decision_id, level_of, act)
    placing.allocate(order, work, ledger)
    given: dict[UUID, int] = {}
    for ful in work:
        for line in ful.lines:
            given[line.order_line_id] = given.get(line.order_line_id, 0) + line.quantity
    lines = tuple(_given(line, given[line.id]) if line.id in given else line for line in order.lines)
    order = replace(order, lines=lines, fulfillment_orders=(*order.fulfillment_orders, *work))
    events = placing.created(order, work)
    order, opened = with_work_offered(order)
    made = {ful.id for ful in work}
    told = about(order, EventType.ORDER_ROUTED, f"Units of order {order.number} were routed anew.")
    return order, tuple(ful for ful in order.fulfillment_orders if ful.id in made), [told, *events, *opened]


def _given(line: OrderLine, units: int) -> OrderLine:
    line = replace(line, open=line.open - units, allocated=line.allocated + units)
    return line if line.open else replace(line, pickup_location_id=None)


# -- packing -------------------------------------------------------------------------------------------------------


def pack(order: Order, ful_id: UUID, parcels: Sequence[Parcel], act: Act) -> Decided:
    """Put picked units into parcels."""
    ful = stepped(order, work_of(order, ful_id), FulfillmentOrderAction.PACK)
    packages = list(ful.packages)
    for index, parcel in enumerate(parcels):
        packages.append(_package(ful, packages, parcel, act, ("packages", str(index))))
    ful = replace(ful, packages=tuple(packages), packed_at=act.at)
    order = with_work(order, ful)
    told = about(
        order, EventType.FULFILLMENT_ORDER_PACKED, f"Parcels for order {order.number} were packed.", subject=ful
    )
    return decided(order, act, [told])


def unpacked(ful: FulfillmentOrder, packages: Sequence[Package]) -> dict[UUID, int]:
    """Picked units that are in no parcel, by line."""
    left = {line.id: line.picked - line.shipped for line in ful.lines}
    for package in packages:
        if package.shipment_id is None:
            for part in package.lines:
                left[part.fulfillment_order_line_id] -= part.quantity
    return left


def _package(
    ful: FulfillmentOrder, packed: Sequence[Package], parcel: Parcel, act: Act, place: tuple[str, ...]
) -> Package:
    left = unpacked(ful, packed)
    wanted = parcel.lines if parcel.lines is not None else tuple((id_, n) for id_, n in left.items() if n)
    sizes = (parcel.weight_grams, parcel.length_mm, parcel.width_mm, parcel.height_mm)
    if any(size is not None and size < 0 for size in sizes):
        raise InvalidInput("weights and sizes are not negative", field=place)
    if not wanted:
        raise InvalidInput("a parcel holds something", field=(*place, "lines"))
    for index, (line_id, quantity) in enumerate(wanted):
        at = (*place, "lines", str(index))
        if line_id not in left:
            raise NotFound("FulfillmentOrderLine", ids.encode("FulfillmentOrderLine", line_id), field=at)
        if not 0 < quantity <= left[line_id]:
            raise QuantityExceeds(left[line_id], field=(*at, "quantity"))
        left[line_id] -= quantity
    id_ = new_id()
    return Package(
        id=id_,
        fulfillment_order_id=ful.id,
        created_at=act.at,
        weight_grams=parcel.weight_grams,
        length_mm=parcel.length_mm,
        width_mm=parcel.width_mm,
        height_mm=parcel.height_mm,
        lines=tuple(PackageLine(new_id(), id_, line_id, quantity) for line_id, quantity in wanted),
    )
