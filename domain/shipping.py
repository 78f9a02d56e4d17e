"""Shipping: parcels leave, carriers speak, recipients have them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from domain import ids
from domain.acts import Act
from domain.events import Event, EventType, about
from domain.fulfilling import stepped, with_work, work_of
from domain.fulfillment import FulfillmentOrderAction, FulfillmentOrderStatus
from domain.ids import new_id
from domain.model import (
    Decided,
    FulfillmentOrder,
    FulfillmentOrderLine,
    Order,
    OrderLine,
    Package,
    Shipment,
    ShipmentLine,
    StockLevel,
    TrackingEvent,
    replace,
)
from domain.ordering import decided
from domain.refusals import InvalidInput, NotFound
from domain.shipments import SHIPMENT, ShipmentAction, ShipmentStatus, TrackingCode, tracked
from domain.stock import Bucket, Ledger, MovementKind


@dataclass(frozen=True, slots=True)
class Leaving:
    """A parcel that leaves, under the carrier's number."""

    package_id: UUID
    tracking_number: str | None = None
    tracking_url: str | None = None
    label_url: str | None = None


@dataclass(frozen=True, slots=True)
class Dispatch:
    """With whom parcels leave; no parcels named: all of them."""

    carrier: str
    service: str | None
    estimated_delivery: datetime | None
    parcels: tuple[Leaving, ...] | None


def ship(
    order: Order, ful_id: UUID, dispatch: Dispatch, levels: Mapping[UUID, StockLevel], act: Act
) -> tuple[Decided, UUID]:
    """Ship parcels whole. What is not in them is split off into work of its own, as far as it had come."""
    ful = work_of(order, ful_id)
    stepping = stepped(order, ful, FulfillmentOrderAction.SHIP)
    leaving = _leaving(ful, dispatch)
    units = _units(ful, leaving)
    shipped, rest = _split(stepping, units, leaving, act)
    shipment = _shipment(order, ful, dispatch, units, act)
    shipped = replace(
        shipped,
        packages=tuple(_labeled(package, leaving[package.id], dispatch, shipment.id) for package in shipped.packages),
    )

    ledger = Ledger(act, "Shipment", shipment.id, levels.values())
    for line in ful.lines:
        if line.id in units:
            _take_out(order, line, units[line.id], ledger)
    order = with_work(order, shipped)
    order = replace(
        order,
        fulfillment_orders=(*order.fulfillment_orders, *([rest] if rest else [])),
        lines=tuple(_line_shipped(line, ful, units) for line in order.lines),
        shipments=(*order.shipments, shipment),
    )
    return decided(order, act, _told(order, shipment, shipped, rest), ledger), shipment.id


def _told(order: Order, shipment: Shipment, shipped: FulfillmentOrder, rest: FulfillmentOrder | None) -> list[Event]:
    leaves = f"A shipment of order {order.number} leaves with {shipment.carrier}."
    done = f"Work for order {order.number} was shipped."
    split = f"The rest of the work for order {order.number} was split off."
    events = [
        about(order, EventType.SHIPMENT_CREATED, leaves, subject=shipment),
        about(order, EventType.FULFILLMENT_ORDER_SHIPPED, done, subject=shipped),
    ]
    return events + ([about(order, EventType.FULFILLMENT_ORDER_CREATED, split, subject=rest)] if rest else [])


def _take_out(order: Order, line: FulfillmentOrderLine, units: int, ledger: Ledger) -> None:
    level, kind = line.stock_level_id, MovementKind.SHIP
    ledger.move(level, kind, units, Bucket.ALLOCATED, None, line_id=line.id, order=order)


def _leaving(ful: FulfillmentOrder, dispatch: Dispatch) -> dict[UUID, Leaving]:
    packed = {package.id for package in ful.packages if package.shipment_id is None}
    if not packed:
        raise InvalidInput("nothing is packed", field=("packages",))
    if dispatch.parcels is None:
        return {id_: Leaving(id_) for id_ in packed}
    for index, parcel in enumerate(dispatch.parcels):
        if parcel.package_id not in packed:
            place = ("packages", str(index), "packageId")
            raise NotFound("Package", ids.encode("Package", parcel.package_id), field=place)
    if not dispatch.parcels or len({parcel.package_id for parcel in dispatch.parcels}) < len(dispatch.parcels):
        raise InvalidInput("at least one parcel leaves, and each once", field=("packages",))
    return {parcel.package_id: parcel for parcel in dispatch.parcels}


def _units(ful: FulfillmentOrder, leaving: Mapping[UUID, Leaving]) -> dict[UUID, int]:
    """Units that leave, by line of work."""
    units: dict[UUID, int] = {}
    for package in ful.packages:
        if package.id in leaving:
            for part in package.lines:
                line_id = part.fulfillment_order_line_id
                units[line_id] = units.get(line_id, 0) + part.quantity
    return units


def _split(
    ful: FulfillmentOrder, units: Mapping[UUID, int], leaving: Mapping[UUID, Leaving], act: Act
) -> tuple[FulfillmentOrder, FulfillmentOrder | None]:
    """(what ships whole, what is left as work of its own). Parcels that stay go with the rest."""
    rest_id = new_id()
    parts = [_parted(line, units.get(line.id, 0), rest_id) for line in ful.lines]
    left = {line.id: rest for line, (_, rest) in zip(ful.lines, parts, strict=True) if rest}
    staying = tuple(_with_rest(each, rest_id, left) for each in ful.packages if each.id not in leaving)
    shipped = replace(
        ful,
        shipped_at=act.at,
        closed_at=act.at,
        lines=tuple(kept for kept, _ in parts if kept),
        packages=tuple(package for package in ful.packages if package.id in leaving),
    )
    if not left:
        return shipped, None
    lines = tuple(left.values())
    status = _status_of(lines, staying).value
    rest = replace(ful, id=rest_id, split_from_id=ful.id, status=status, lines=lines, packages=staying)
    return shipped, replace(rest, packed_at=None, version=1, event_sequence=0)


def _parted(
    line: FulfillmentOrderLine, units: int, rest_id: UUID
) -> tuple[FulfillmentOrderLine | None, FulfillmentOrderLine | None]:
    """(the part that ships, the part that is left). A line of which nothing ships moves over as it is."""
    left = line.held - units
    if not left:
        return replace(line, shipped=line.shipped + units), None
    if not units and not line.short and not line.canceled:
        return None, replace(line, fulfillment_order_id=rest_id)
    picked = line.picked - line.shipped - units
    kept = replace(line, quantity=line.quantity - left, picked=line.picked - picked, shipped=line.shipped + units)
    rest = replace(
        line,
        id=new_id(),
        fulfillment_order_id=rest_id,
        quantity=left,
        picked=picked,
        short=0,
        shipped=0,
        canceled=0,
    )
    return kept, rest


def _with_rest(package: Package, rest_id: UUID, left: Mapping[UUID, FulfillmentOrderLine]) -> Package:
    """A parcel that stays, as part of the rest."""
    lines = tuple(
        replace(part, fulfillment_order_line_id=left[part.fulfillment_order_line_id].id) for part in package.lines
    )
    return replace(package, fulfillment_order_id=rest_id, lines=lines)


def _status_of(lines: Sequence[FulfillmentOrderLine], packages: Sequence[Package]) -> FulfillmentOrderStatus:
    """As far as the rest had come."""
    if packages:
        return FulfillmentOrderStatus.PACKED
    picked = any(line.picked for line in lines)
    return FulfillmentOrderStatus.PICKING if picked else FulfillmentOrderStatus.ACCEPTED


def _shipment(order: Order, ful: FulfillmentOrder, dispatch: Dispatch, units: Mapping[UUID, int], act: Act) -> Shipment:
    id_ = new_id()
    numbered = bool(dispatch.parcels) and all(parcel.tracking_number for parcel in dispatch.parcels or ())
    lines = tuple(
        ShipmentLine(new_id(), id_, line.order_line_id, line.id, units[line.id])
        for line in ful.lines
        if line.id in units
    )
    return Shipment(
        id=id_,
        order_id=order.id,
        fulfillment_order_id=ful.id,
        location_id=ful.location_id,
        status=(ShipmentStatus.LABELED if numbered else ShipmentStatus.CREATED).value,
        carrier=dispatch.carrier,
        created_at=act.at,
        service=dispatch.service or ful.service,
        estimated_delivery=dispatch.estimated_delivery or order.deliver_by_latest,
        lines=lines,
    )


def _labeled(package: Package, parcel: Leaving, dispatch: Dispatch, shipment_id: UUID) -> Package:
    return replace(
        package,
        shipment_id=shipment_id,
        carrier=dispatch.carrier,
        tracking_number=parcel.tracking_number,
        tracking_url=parcel.tracking_url,
        label_url=parcel.label_url,
    )


def _line_shipped(line: OrderLine, ful: FulfillmentOrder, units: Mapping[UUID, int]) -> OrderLine:
    left = sum(units.get(work.id, 0) for work in ful.lines if work.order_line_id == line.id)
    return replace(line, picked=line.picked - left, shipped=line.shipped + left) if left else line


# -- after it left -------------------------------------------------------------------------------------------------


def with_shipment(order: Order, after: Shipment) -> Order:
    """The order with one shipment as it is now."""
    shipments = tuple(after if shipment.id == after.id else shipment for shipment in order.shipments)
    return replace(order, shipments=shipments)


def shipment_of(order: Order, id_: UUID) -> Shipment:
    """A shipment of the order."""
    return next(shipment for shipment in order.shipments if shipment.id == id_)


def hand_over(order: Order, shipment_ids: Sequence[UUID], act: Act) -> Decided:
    """The carrier took these shipments of the order."""
    events = []
    for shipment_id in shipment_ids:
        shipment = shipment_of(order, shipment_id)
        status = SHIPMENT.after(ShipmentStatus(shipment.status), ShipmentAction.HAND_OVER)
        shipment = heard(replace(shipment, status=status.value, handed_over_at=act.at), act.at)
        order = with_shipment(order, shipment)
        told = f"{shipment.carrier} has a shipment of order {order.number}."
        events.append(about(order, EventType.SHIPMENT_HANDED_OVER, told, subject=shipment))
    return decided(order, act, events)


def deliver(order: Order, shipment_id: UUID, act: Act) -> Decided:
    """The recipient has it, says whoever knows."""
    shipment = shipment_of(order, shipment_id)
    SHIPMENT.after(ShipmentStatus(shipment.status), ShipmentAction.DELIVER)
    order, events = _delivered(order, shipment, act)
    return decided(order, act, events)


def _delivered(order: Order, shipment: Shipment, act: Act) -> tuple[Order, list[Event]]:
    units: dict[UUID, int] = {}
    for line in shipment.lines:
        units[line.order_line_id] = units.get(line.order_line_id, 0) + line.quantity
    lines = tuple(
        replace(line, delivered=line.delivered + units[line.id], delivered_at=act.at) if line.id in units else line
        for line in order.lines
    )
    shipment = replace(shipment, status=ShipmentStatus.DELIVERED.value, delivered_at=act.at)
    order = replace(with_shipment(order, shipment), lines=lines)
    told = f"A shipment of order {order.number} was delivered."
    return order, [about(order, EventType.SHIPMENT_DELIVERED, told, subject=shipment)]


def track(order: Order, shipment_id: UUID, said: TrackingEvent, act: Act) -> Decided:
    """Put on record what the carrier said. It moves the shipment on, never back: late words change nothing."""
    shipment = shipment_of(order, shipment_id)
    before = ShipmentStatus(shipment.status)
    status = tracked(before, TrackingCode(said.code))
    shipment = heard(replace(shipment, tracking_events=(said,)), said.occurred_at, said.code)
    told = f"{shipment.carrier}: {said.message or said.code}."
    data = {"code": said.code, "place": said.place}
    events = [about(order, EventType.SHIPMENT_TRACKED, told, subject=shipment, data=data)]
    if status is ShipmentStatus.DELIVERED and before is not status:
        order, more = _delivered(with_shipment(order, shipment), shipment, act)
        return decided(order, act, events + more)
    handed = shipment.handed_over_at
    if handed is None and status not in (ShipmentStatus.CREATED, ShipmentStatus.LABELED, ShipmentStatus.CANCELED):
        handed = act.at
    order = with_shipment(order, replace(shipment, status=status.value, handed_over_at=handed))
    return decided(order, act, events)


def heard(shipment: Shipment, at: datetime, code: str | None = None) -> Shipment:
    """The shipment with the carrier's last word: by when it was said, not by when we were told."""
    if shipment.heard_at is not None and at < shipment.heard_at:
        return shipment
    return replace(shipment, heard_at=at, heard_code=code or shipment.heard_code)
