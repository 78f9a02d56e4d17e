"""Inputs about the work of locations, and what leaves them."""

from datetime import datetime

import strawberry

from domain.fulfillment import FulfillmentKind, ShortReason
from domain.shipments import TrackingCode
from schema.inputs import given, key, moment, optional


@strawberry.input(description="An order whose open units are to be routed.")
class OrderRouteInput:
    """Which order, and what was agreed with its customer."""

    id: strawberry.ID = given("The order.")
    idempotency_key: str = key()
    kind: FulfillmentKind | None = optional(
        "How its open units reach the customer from now on: DELIVERY from wherever they are, or PICKUP at `locationId`. Left "
        "out, as before: what they were to fetch waits for its store."
    )
    location_id: strawberry.ID | None = optional(
        "The store where they fetch them, with PICKUP; it must have all of them."
    )
    occurred_at: datetime | None = moment()


@strawberry.input(description="Work to accept.")
class FulfillmentOrderAcceptInput:
    """Which fulfillment order."""

    id: strawberry.ID = given("The fulfillment order.")
    idempotency_key: str = key()
    occurred_at: datetime | None = moment()


@strawberry.input(description="What was found on the shelf for one line.")
class PickLineInput:
    """Units picked, units short."""

    fulfillment_order_line_id: strawberry.ID = given("The line of work.")
    picked: int = strawberry.field(default=0, description="Units taken off the shelf now.")
    short: int = strawberry.field(
        default=0,
        description="Units that are not there, or not fit: routed elsewhere at once, unless their customer fetches them.",
    )
    short_reason: ShortReason | None = optional("Why units are short; needed where any are.")


@strawberry.input(description="What was picked.")
class FulfillmentOrderPickInput:
    """Which units of which work; everything left to pick if no lines are given."""

    id: strawberry.ID = given("The fulfillment order.")
    idempotency_key: str = key()
    lines: list[PickLineInput] | None = optional("What was found; everything that is left, if left out; at most 100.")
    occurred_at: datetime | None = moment()


@strawberry.input(description="Units in a parcel.")
class PackageLineInput:
    """Units of one line of work."""

    fulfillment_order_line_id: strawberry.ID = given("The line of work.")
    quantity: int = given("How many units.")


@strawberry.input(description="A parcel.")
class PackageInput:
    """What it holds and measures."""

    weight_grams: int | None = optional("Weight in grams.")
    length_mm: int | None = optional("Length in millimeters.")
    width_mm: int | None = optional("Width in millimeters.")
    height_mm: int | None = optional("Height in millimeters.")
    lines: list[PackageLineInput] | None = optional("What it holds; everything picked, if left out; at most 100.")


@strawberry.input(description="Parcels that were packed.")
class FulfillmentOrderPackInput:
    """Which work, and its parcels."""

    id: strawberry.ID = given("The fulfillment order.")
    idempotency_key: str = key()
    packages: list[PackageInput] = given("1 to 100 parcels.")
    occurred_at: datetime | None = moment()


@strawberry.input(description="A packed parcel that leaves.")
class ShipmentPackageInput:
    """Which parcel, under which number."""

    package_id: strawberry.ID = given("The parcel.")
    tracking_number: str | None = optional("The carrier's number.")
    tracking_url: str | None = optional("The carrier's page for it.")
    label_url: str | None = optional("The label to print.")


@strawberry.input(description="A shipment: parcels that leave together.")
class ShipmentCreateInput:
    """Which parcels leave, and with whom."""

    fulfillment_order_id: strawberry.ID = given(
        "The work that is shipped. Units not packed in these parcels are split off."
    )
    idempotency_key: str = key()
    carrier: str = given("The carrier's short name.")
    service: str | None = optional("The carrier's service.")
    packages: list[ShipmentPackageInput] | None = optional("Which parcels; all of them if left out; at most 100.")
    estimated_delivery: datetime | None = optional("When it should arrive; what the order was promised, if left out.")
    occurred_at: datetime | None = moment()


@strawberry.input(description="Shipments that the carrier took.")
class ShipmentHandOverInput:
    """Which shipments."""

    ids: list[strawberry.ID] = given("1 to 100 shipments.")
    idempotency_key: str = key()
    occurred_at: datetime | None = moment()


@strawberry.input(description="A shipment that arrived.")
class ShipmentDeliverInput:
    """Which shipment."""

    id: strawberry.ID = given("The shipment.")
    idempotency_key: str = key()
    occurred_at: datetime | None = moment()


@strawberry.input(description="Something that a carrier said.")
class TrackingEventAddInput:
    """What it said about which parcel."""

    idempotency_key: str = key()
    carrier: str = given("The carrier's short name.")
    tracking_number: str = given("The carrier's number of the parcel.")
    code: TrackingCode = given("What it said, in words shared by all carriers.")
    occurred_at: datetime = given("When it happened, as the carrier says.")
    place: str | None = optional("Where.")
    message: str | None = optional("What it said, in its own words.")
