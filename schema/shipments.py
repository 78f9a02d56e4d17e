"""Shipments: what left the building, its parcels, and what the carrier says about them."""

from datetime import datetime
from typing import Annotated

import strawberry

from domain.shipments import ShipmentStatus, TrackingCode
from domain.store import tables as t
from domain.store import visibility
from resolvers.reading.mapping import column, many, one
from schema.common import Node, entity, id_of, words
from schema.stock import Location

words(ShipmentStatus)
words(TrackingCode)


@strawberry.type(description="Units of an order line in a parcel.")
@entity(t.package_lines, visibility.package_lines)
class PackageLine:
    """What a parcel holds."""

    fulfillment_order_line: Annotated["FulfillmentOrderLine", strawberry.lazy("schema.fulfillment")] = one(
        lambda row, line: line.c.id == row.c.fulfillment_order_line_id, "The line of work they belong to."
    )
    quantity: int = column("quantity", "How many units.")


@strawberry.type(description="One parcel.")
@entity(t.packages, visibility.packages)
class Package(Node):
    """A parcel, with its label once it has one."""

    id: strawberry.ID = id_of("Package")
    weight_grams: int | None = column("weight_grams", "Weight in grams.")
    length_mm: int | None = column("length_mm", "Length in millimeters.")
    width_mm: int | None = column("width_mm", "Width in millimeters.")
    height_mm: int | None = column("height_mm", "Height in millimeters.")
    tracking_number: str | None = column("tracking_number", "The carrier's number.")
    tracking_url: str | None = column("tracking_url", "The carrier's page for it.")
    label_url: str | None = column("label_url", "The label to print.")
    lines: list[PackageLine] = many(
        lambda package, line: line.c.package_id == package.c.id,
        lambda line: [line.c.id],
        "What it holds; at most 100.",
        limit=100,
    )


@strawberry.type(description="Something that the carrier said. Never changed.")
@entity(t.tracking_events, visibility.of_shipment)
class TrackingEvent(Node):
    """A word from the carrier."""

    id: strawberry.ID = id_of("TrackingEvent")
    code: TrackingCode = column("code", "What it said, in words shared by all carriers.")
    message: str | None = column("message", "What it said, in its own words.")
    place: str | None = column("place", "Where.")
    occurred_at: datetime = column("occurred_at", "When it happened.")
    recorded_at: datetime = column("recorded_at", "When we were told.")


@strawberry.type(description="Units of an order line in a shipment.")
@entity(t.shipment_lines, visibility.of_shipment)
class ShipmentLine:
    """What a shipment holds."""

    order_line: Annotated["OrderLine", strawberry.lazy("schema.orders")] = one(
        lambda row, line: line.c.id == row.c.order_line_id, "The order line they belong to."
    )
    quantity: int = column("quantity", "How many units.")


@strawberry.type(description="What left a building together.")
@entity(t.shipments, visibility.at_location)
class Shipment(Node):
    """A shipment."""

    id: strawberry.ID = id_of("Shipment")
    status: ShipmentStatus = column("status", "Where its parcels are.")
    carrier: str = column("carrier", "The carrier's short name.")
    service: str | None = column("service", "The carrier's service.")
    estimated_delivery: datetime | None = column("estimated_delivery", "When it should arrive.")
    created_at: datetime = column("created_at", "When it was packed up.")
    handed_over_at: datetime | None = column("handed_over_at", "When the carrier got it.")
    delivered_at: datetime | None = column("delivered_at", "When the recipient got it.")
    version: int = column("version", "Grows with every change.")
    location: Location | None = one(
        lambda shipment, place: place.c.id == shipment.c.location_id,
        "From where it ships; buyers see stores only.",
        follows=visibility.STAFF,
    )
    order: Annotated["Order", strawberry.lazy("schema.orders")] = one(
        lambda shipment, order: order.c.id == shipment.c.order_id, "The order it belongs to."
    )
    packages: list[Package] = many(
        lambda shipment, package: package.c.shipment_id == shipment.c.id,
        lambda package: [package.c.id],
        "Its parcels; at most 100.",
        limit=100,
    )
    lines: list[ShipmentLine] = many(
        lambda shipment, line: line.c.shipment_id == shipment.c.id,
        lambda line: [line.c.id],
        "What it holds; at most 100.",
        limit=100,
    )
    tracking_events: list[TrackingEvent] = many(
        lambda shipment, event: event.c.shipment_id == shipment.c.id,
        lambda event: [event.c.occurred_at, event.c.id],
        "What the carrier said, the earliest first; at most 100.",
        limit=100,
    )
    invoice: Annotated["Invoice", strawberry.lazy("schema.orders")] | None = one(
        lambda shipment, invoice: invoice.c.shipment_id == shipment.c.id, "Its invoice, once one is issued."
    )
