"""Payloads about the work of locations, and what leaves them."""

import strawberry

from schema.errors import UserError
from schema.fulfillment import FulfillmentOrder
from schema.orders import Order
from schema.payloads.fields import all_made, errors, one_made
from schema.shipments import Shipment


@strawberry.type(description="The order, with its open units routed as far as stock allows.")
class OrderRoutePayload:
    """What orderRoute answers."""

    order: Order | None = one_made("order", "The order; null when it was refused.")
    user_errors: list[UserError] = errors()


@strawberry.type(description="The work as it is now.")
class FulfillmentOrderAcceptPayload:
    """What fulfillmentOrderAccept answers."""

    fulfillment_order: FulfillmentOrder | None = one_made("fulfillmentOrder", "The work; null when it was refused.")
    user_errors: list[UserError] = errors()


@strawberry.type(description="The work as it is now, and where short units went.")
class FulfillmentOrderPickPayload:
    """What fulfillmentOrderPick answers."""

    fulfillment_order: FulfillmentOrder | None = one_made("fulfillmentOrder", "The work; null when it was refused.")
    rerouted: list[FulfillmentOrder] | None = all_made("rerouted", "The work that others got instead; at most 100.")
    user_errors: list[UserError] = errors()


@strawberry.type(description="The work as it is now.")
class FulfillmentOrderPackPayload:
    """What fulfillmentOrderPack answers."""

    fulfillment_order: FulfillmentOrder | None = one_made("fulfillmentOrder", "The work; null when it was refused.")
    user_errors: list[UserError] = errors()


@strawberry.type(description="The shipment that leaves.")
class ShipmentCreatePayload:
    """What shipmentCreate answers."""

    shipment: Shipment | None = one_made("shipment", "The shipment; null when it was refused.")
    user_errors: list[UserError] = errors()


@strawberry.type(description="The shipments as they are now.")
class ShipmentHandOverPayload:
    """What shipmentHandOver answers."""

    shipments: list[Shipment] | None = all_made("shipments", "The shipments; null when refused; at most 100.")
    user_errors: list[UserError] = errors()


@strawberry.type(description="The shipment as it is now.")
class ShipmentDeliverPayload:
    """What shipmentDeliver answers."""

    shipment: Shipment | None = one_made("shipment", "The shipment; null when it was refused.")
    user_errors: list[UserError] = errors()


@strawberry.type(description="The shipment as it is now.")
class TrackingEventAddPayload:
    """What trackingEventAdd answers."""

    shipment: Shipment | None = one_made("shipment", "The shipment; null when it was refused.")
    user_errors: list[UserError] = errors()
