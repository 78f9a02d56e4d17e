"""Shipments: create, hand over, deliver, track."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domain import ids, shipping
from domain.fulfilling import work_of
from domain.ids import new_id
from domain.model import TrackingEvent
from domain.refusals import InvalidInput, NotFound
from domain.shipping import Dispatch, Leaving
from domain.store.orders import parcel_of
from domain.viewer import Scope
from resolvers.fulfillment import LIMIT, key_of
from resolvers.writing import Outcome, Work, verb

if TYPE_CHECKING:
    from schema.inputs.fulfillment import (
        ShipmentCreateInput,
        ShipmentDeliverInput,
        ShipmentHandOverInput,
        TrackingEventAddInput,
    )


@verb("shipmentCreate", Scope.FULFILLMENT_WRITE)
async def ship(work: Work, input: ShipmentCreateInput) -> Outcome:
    """Ship packed parcels."""
    place = ("fulfillmentOrderId",)
    order = await work.order("FulfillmentOrder", input.fulfillment_order_id, field=place)
    ful = work_of(order, key_of("FulfillmentOrder", input.fulfillment_order_id, place))
    levels = await work.levels(line.stock_level_id for line in ful.lines if line.held)
    decided, shipment_id = shipping.ship(order, ful.id, _dispatch(input), levels, work.act)
    work.store(order, decided, levels)
    return Outcome({"shipment": shipment_id})


def _dispatch(input: ShipmentCreateInput) -> Dispatch:
    parcels = None
    if input.packages is not None:
        if not 1 <= len(input.packages) <= LIMIT:
            raise InvalidInput(f"1 to {LIMIT} parcels at once", field=("packages",))
        parcels = tuple(
            Leaving(
                key_of("Package", each.package_id, ("packages", str(index), "packageId")),
                (each.tracking_number or "").strip() or None,
                each.tracking_url,
                each.label_url,
            )
            for index, each in enumerate(input.packages)
        )
    if not input.carrier.strip():
        raise InvalidInput("a carrier has a name", field=("carrier",))
    return Dispatch(input.carrier.strip(), input.service, input.estimated_delivery, parcels)


@verb("shipmentHandOver", Scope.FULFILLMENT_WRITE)
async def hand_over(work: Work, input: ShipmentHandOverInput) -> Outcome:
    """Record that the carrier took shipments, of several orders perhaps: locked in the order of their ids."""
    if not 1 <= len(input.ids) <= LIMIT:
        raise InvalidInput(f"1 to {LIMIT} shipments at once", field=("ids",))
    keys = {key_of("Shipment", id_, ("ids", str(index))): id_ for index, id_ in enumerate(input.ids)}
    for order, shipment_ids in await work.orders("Shipment", keys, field=("ids",)):
        decided = shipping.hand_over(order, shipment_ids, work.act)
        work.store(order, decided)
    return Outcome({"shipments": list(keys)})


@verb("shipmentDeliver", Scope.TRACKING_WRITE)
async def deliver(work: Work, input: ShipmentDeliverInput) -> Outcome:
    """Record that the recipient has a shipment."""
    order = await work.order("Shipment", input.id)
    key = key_of("Shipment", input.id, ("id",))
    work.store(order, shipping.deliver(order, key, work.act))
    return Outcome({"shipment": key})


@verb("trackingEventAdd", Scope.TRACKING_WRITE, past=Scope.TRACKING_WRITE)
async def track(work: Work, input: TrackingEventAddInput) -> Outcome:
    """Record what a carrier said about a parcel."""
    unknown = NotFound("Package", input.tracking_number, field=("trackingNumber",))
    parcel = await parcel_of(work.connection, input.carrier.strip(), input.tracking_number.strip())
    if parcel is None:
        raise unknown
    shipment_id, package_id = parcel
    try:
        order = await work.order("Shipment", ids.encode("Shipment", shipment_id))
    except NotFound:
        raise unknown from None  # whose it is, is none of their business
    said = TrackingEvent(
        id=new_id(),
        shipment_id=shipment_id,
        code=input.code.value,
        occurred_at=input.occurred_at,
        recorded_at=work.act.recorded_at,
        package_id=package_id,
        message=input.message,
        place=input.place,
    )
    work.store(order, shipping.track(order, shipment_id, said, work.act))
    return Outcome({"shipment": shipment_id})
