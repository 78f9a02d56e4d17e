"""What mutations answer: the nouns they touched, read by the same compiler as any query, and why not, as data."""

from datetime import datetime
from typing import Any

import strawberry
from sqlalchemy import ARRAY, Uuid, any_

from domain.messages import MessageMedium, MessageTopic
from resolvers.mutating import made
from resolvers.reading.mapping import EVERYONE, Many, One, reads
from schema.catalog import Channel, Variant
from schema.customers import Customer, CustomerNote
from schema.errors import UserError
from schema.exceptions import Trouble
from schema.fulfillment import FulfillmentOrder
from schema.orders import Order
from schema.payments import Payment, PaymentAction, Refund
from schema.reservations import Reservation
from schema.returns import Return
from schema.routing import CarrierRate, RoutingRuleset
from schema.shipments import Shipment
from schema.shortfalls import StockShortfall
from schema.simulations import RoutingSimulationJob
from schema.stock import Location, StockLevel, StockMovement
from schema.supply import BackorderFill, PurchaseOrder, StockCount, Supplier, Transfer
from schema.webhooks import WebhookDelivery, WebhookEndpoint
from schema.work import WorkItem


def one_made(subject: str, description: str) -> Any:
    """The object that the mutation touched; whoever made it may see it."""
    found = One(lambda _row, other, arguments: other.c.id == made(arguments, subject, Uuid()), EVERYONE)
    return reads(found, description, name=subject)


def all_made(subject: str, description: str) -> Any:
    """The objects that the mutation touched, in the order of their ids; at most 100."""
    found = Many(
        lambda _row, other, arguments: other.c.id == any_(made(arguments, subject, ARRAY(Uuid))),
        lambda other: [other.c.id],
        100,
        EVERYONE,
    )
    return reads(found, description, name=subject)


def errors() -> Any:
    """Why not."""
    return strawberry.field(description="Why it, or a part of it, was not done; empty when it was; at most 20.")


@strawberry.type(description="What opens one order to a guest.")
class GuestAccess:
    """A guest's token."""

    access_token: str = strawberry.field(description="The token to send as Authorization: Bearer.")
    expires_at: datetime = strawberry.field(description="Until when it opens the order.")


@strawberry.type(description="The order that was begun.")
class OrderDraftPayload:
    """What orderDraft answers."""

    order: Order | None = one_made("order", "The draft; null when it was refused.")
    user_errors: list[UserError] = errors()


@strawberry.type(description="The order that was placed.")
class OrderPlacePayload:
    """What orderPlace answers."""

    order: Order | None = one_made("order", "The order; null when it was refused.")
    guest_access: GuestAccess | None = strawberry.field(
        description="How a guest comes back to it; null when signed in."
    )
    payment_action: PaymentAction | None = strawberry.field(
        description="What the buyer has to do before the payment can go on; null when nothing is left to do."
    )
    user_errors: list[UserError] = errors()


@strawberry.type(description="The order as it is now.")
class OrderConfirmPayload:
    """What orderConfirm answers."""

    order: Order | None = one_made("order", "The order; null when it was refused.")
    user_errors: list[UserError] = errors()


@strawberry.type(description="The order as it is now.")
class OrderHoldPayload:
    """What orderHold answers."""

    order: Order | None = one_made("order", "The order; null when it was refused.")
    user_errors: list[UserError] = errors()


@strawberry.type(description="The order as it is now.")
class OrderHoldReleasePayload:
    """What orderHoldRelease answers."""

    order: Order | None = one_made("order", "The order; null when it was refused.")
    user_errors: list[UserError] = errors()


@strawberry.type(description="The order as it is now.")
class OrderCancelPayload:
    """What orderCancel answers."""

    order: Order | None = one_made("order", "The order; null when it was refused.")
    user_errors: list[UserError] = errors()


@strawberry.type(description="The order and its new payment entries.")
class PaymentAuthorizePayload:
    """What paymentAuthorize answers."""

    order: Order | None = one_made("order", "The order; null when it was refused.")
    payments: list[Payment] | None = all_made("payments", "The entries that were made; at most 100.")
    payment_action: PaymentAction | None = strawberry.field(
        description="What the buyer has to do before the payment can go on; null when nothing is left to do."
    )
    user_errors: list[UserError] = errors()


@strawberry.type(description="The order and its new payment entries.")
class PaymentCapturePayload:
    """What paymentCapture answers."""

    order: Order | None = one_made("order", "The order; null when it was refused.")
    payments: list[Payment] | None = all_made("payments", "The entries that were made; at most 100.")
    user_errors: list[UserError] = errors()


@strawberry.type(description="The order and its new payment entries.")
class PaymentVoidPayload:
    """What paymentVoid answers."""

    order: Order | None = one_made("order", "The order; null when it was refused.")
    payments: list[Payment] | None = all_made("payments", "The entries that were made; at most 100.")
    user_errors: list[UserError] = errors()


@strawberry.type(description="The refund that was asked for.")
class RefundCreatePayload:
    """What refundCreate answers."""

    refund: Refund | None = one_made("refund", "The refund; null when it was refused.")
    order: Order | None = one_made("order", "The order; null when it was refused.")
    user_errors: list[UserError] = errors()


@strawberry.type(description="The channel as it is now.")
class ChannelSetPayload:
    """What channelSet answers."""

    channel: Channel | None = one_made("channel", "The channel; null when it was refused.")
    user_errors: list[UserError] = errors()


@strawberry.type(description="The channel with its shipping prices.")
class ShippingPricesSetPayload:
    """What shippingPricesSet answers."""

    channel: Channel | None = one_made("channel", "The channel; null when it was refused.")
    user_errors: list[UserError] = errors()


@strawberry.type(description="The location as it is now.")
class LocationSetPayload:
    """What locationSet answers."""

    location: Location | None = one_made("location", "The location; null when it was refused.")
    user_errors: list[UserError] = errors()


@strawberry.type(description="The variants as they are now.")
class VariantsSetPayload:
    """What variantsSet answers."""

    variants: list[Variant] | None = all_made("variants", "The variants; null when refused; at most 100.")
    user_errors: list[UserError] = errors()


@strawberry.type(description="The stock levels as they are now.")
class StockAdjustPayload:
    """What stockAdjust answers."""

    levels: list[StockLevel] | None = all_made("levels", "The levels; null when refused; at most 100.")
    shortfalls: list[StockShortfall] | None = all_made(
        "shortfalls", "Promises that a count does not leave the units for, and who keeps them instead; at most 100."
    )
    backorders_filled: list[BackorderFill] | None = all_made(
        "backordersFilled", "Orders that waited for what was found, and have it now; null when refused; at most 100."
    )
    user_errors: list[UserError] = errors()


@strawberry.type(description="The work as it is now, and who does what was declined.")
class FulfillmentOrderRejectPayload:
    """What fulfillmentOrderReject answers."""

    fulfillment_order: FulfillmentOrder | None = one_made("fulfillmentOrder", "The work; null when it was refused.")
    rerouted: list[FulfillmentOrder] | None = all_made(
        "rerouted", "New work elsewhere for what was declined; null when refused; at most 100."
    )
    user_errors: list[UserError] = errors()


@strawberry.type(description="The work at its new location.")
class FulfillmentOrderMovePayload:
    """What fulfillmentOrderMove answers."""

    fulfillment_order: FulfillmentOrder | None = one_made(
        "fulfillmentOrder", "The work where it is done now, under an id of its own; null when it was refused."
    )
    user_errors: list[UserError] = errors()


@strawberry.type(description="Two works of one.")
class FulfillmentOrderSplitPayload:
    """What fulfillmentOrderSplit answers."""

    fulfillment_order: FulfillmentOrder | None = one_made("fulfillmentOrder", "What stays; null when it was refused.")
    split_off: FulfillmentOrder | None = one_made("splitOff", "What was split off; null when it was refused.")
    user_errors: list[UserError] = errors()


@strawberry.type(description="One work of several.")
class FulfillmentOrderMergePayload:
    """What fulfillmentOrderMerge answers."""

    fulfillment_order: FulfillmentOrder | None = one_made("fulfillmentOrder", "The one; null when it was refused.")
    user_errors: list[UserError] = errors()


@strawberry.type(description="The order as it is now.")
class OrderPinPayload:
    """What orderPin answers."""

    order: Order | None = one_made("order", "The order; null when it was refused.")
    user_errors: list[UserError] = errors()


@strawberry.type(description="The order as it is now.")
class OrderLinePinPayload:
    """What orderLinePin answers."""

    order: Order | None = one_made("order", "The order; null when it was refused.")
    user_errors: list[UserError] = errors()


@strawberry.type(description="The stock levels as they are now.")
class StockRedisposePayload:
    """What stockRedispose answers."""

    levels: list[StockLevel] | None = all_made("levels", "The levels; null when refused; at most 100.")
    user_errors: list[UserError] = errors()


@strawberry.type(description="The stock levels as they are now.")
class SafetyStockSetPayload:
    """What safetyStockSet answers."""

    levels: list[StockLevel] | None = all_made(
        "levels", "The levels, none where it was about a channel; null when refused; at most 100."
    )
    user_errors: list[UserError] = errors()


@strawberry.type(description="The entry that undid another.")
class StockMovementReversePayload:
    """What stockMovementReverse answers."""

    movement: StockMovement | None = one_made("movement", "The reversal; null when it was refused.")
    level: StockLevel | None = one_made("level", "The stock level as it is now; null when it was refused.")
    user_errors: list[UserError] = errors()


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


@strawberry.type(description="The return as it is now.")
class ReturnRequestPayload:
    """What returnRequest answers."""

    return_: Return | None = one_made("return", "The return; null when it was refused.")
    user_errors: list[UserError] = errors()


@strawberry.type(description="The return as it is now.")
class ReturnCreatePayload:
    """What returnCreate answers."""

    return_: Return | None = one_made("return", "The return; null when it was refused.")
    user_errors: list[UserError] = errors()


@strawberry.type(description="The return as it is now.")
class ReturnApprovePayload:
    """What returnApprove answers."""

    return_: Return | None = one_made("return", "The return; null when it was refused.")
    user_errors: list[UserError] = errors()


@strawberry.type(description="The return as it is now.")
class ReturnDeclinePayload:
    """What returnDecline answers."""

    return_: Return | None = one_made("return", "The return; null when it was refused.")
    user_errors: list[UserError] = errors()


@strawberry.type(description="The return as it is now.")
class ReturnReceivePayload:
    """What returnReceive answers."""

    return_: Return | None = one_made("return", "The return; null when it was refused.")
    user_errors: list[UserError] = errors()


@strawberry.type(description="The return as it is now.")
class ReturnInspectPayload:
    """What returnInspect answers."""

    return_: Return | None = one_made("return", "The return; null when it was refused.")
    user_errors: list[UserError] = errors()


@strawberry.type(description="The return as it is now.")
class ReturnClosePayload:
    """What returnClose answers."""

    return_: Return | None = one_made("return", "The return; null when it was refused.")
    user_errors: list[UserError] = errors()


@strawberry.type(description="A guest's way to one order.")
class GuestOrderAccessPayload:
    """What guestOrderAccess answers."""

    access_token: str | None = strawberry.field(description="The token to send as Authorization: Bearer.")
    expires_at: datetime | None = strawberry.field(description="Until when it opens the order.")
    order: Order | None = one_made("order", "The order; null when it was refused.")
    user_errors: list[UserError] = errors()


@strawberry.type(description="The note that was added.")
class CustomerNoteAddPayload:
    """What customerNoteAdd answers."""

    note: CustomerNote | None = one_made("note", "The note; null when it was refused.")
    user_errors: list[UserError] = errors()


@strawberry.type(description="The customer whose choice was set.")
class CustomerMessagePreferencesSetPayload:
    """What customerMessagePreferencesSet answers."""

    customer: Customer | None = one_made("customer", "The customer; null when it was refused.")
    user_errors: list[UserError] = errors()


@strawberry.type(description="What the link's customer is not told any more.")
class MessagesUnsubscribePayload:
    """What messagesUnsubscribe answers."""

    topic: MessageTopic | None = strawberry.field(description="What they left; null when it was refused.")
    medium: MessageMedium | None = strawberry.field(description="Which way; null when it was refused.")
    user_errors: list[UserError] = errors()


@strawberry.type(description="The item that was put in.")
class WorkItemCreatePayload:
    """What workItemCreate answers."""

    work_item: WorkItem | None = one_made("workItem", "The item; null when it was refused.")
    user_errors: list[UserError] = errors()


@strawberry.type(description="The item that was taken on.")
class WorkItemClaimPayload:
    """What workItemClaim answers."""

    work_item: WorkItem | None = one_made(
        "workItem", "The item; null when it was refused, and when there is nothing to do, which is no error."
    )
    lease: str | None = strawberry.field(
        description="The lease that this claim was given: sent along, it tells you from others who share your token."
    )
    user_errors: list[UserError] = errors()


@strawberry.type(description="The item as it is now.")
class WorkItemExtendPayload:
    """What workItemExtend answers."""

    work_item: WorkItem | None = one_made("workItem", "The item; null when it was refused.")
    user_errors: list[UserError] = errors()


@strawberry.type(description="The item as it is now.")
class WorkItemCompletePayload:
    """What workItemComplete answers."""

    work_item: WorkItem | None = one_made("workItem", "The item; null when it was refused.")
    user_errors: list[UserError] = errors()


@strawberry.type(description="The item as it is now.")
class WorkItemFailPayload:
    """What workItemFail answers."""

    work_item: WorkItem | None = one_made("workItem", "The item; null when it was refused.")
    user_errors: list[UserError] = errors()


@strawberry.type(description="The item as it is now.")
class WorkItemReassignPayload:
    """What workItemReassign answers."""

    work_item: WorkItem | None = one_made("workItem", "The item; null when it was refused.")
    user_errors: list[UserError] = errors()


@strawberry.type(description="The item as it is now.")
class WorkItemRetryPayload:
    """What workItemRetry answers."""

    work_item: WorkItem | None = one_made("workItem", "The item; null when it was refused.")
    user_errors: list[UserError] = errors()


@strawberry.type(
    description="The cart's reservation. Its lines say what is held: fewer units than were asked for only of what may be "
    "sold ahead of its supply, and nobody is promised the rest."
)
class StockReservePayload:
    """What stockReserve answers."""

    reservation: Reservation | None = one_made("reservation", "The reservation; null when it was refused.")
    user_errors: list[UserError] = errors()


@strawberry.type(description="The reservation as it is now.")
class ReservationExtendPayload:
    """What reservationExtend answers."""

    reservation: Reservation | None = one_made("reservation", "The reservation; null when it was refused.")
    user_errors: list[UserError] = errors()


@strawberry.type(description="The reservation as it is now.")
class ReservationReleasePayload:
    """What reservationRelease answers."""

    reservation: Reservation | None = one_made("reservation", "The reservation; null when it was refused.")
    user_errors: list[UserError] = errors()


@strawberry.type(description="The exception as it is now.")
class ExceptionAcknowledgePayload:
    """What exceptionAcknowledge answers."""

    exception: Trouble | None = one_made("exception", "The exception; null when it was refused.")
    user_errors: list[UserError] = errors()


@strawberry.type(description="The endpoint that listens from now on.")
class WebhookEndpointCreatePayload:
    """What webhookEndpointCreate answers."""

    endpoint: WebhookEndpoint | None = one_made("endpoint", "The endpoint; null when it was refused.")
    user_errors: list[UserError] = errors()


@strawberry.type(description="The endpoint as it is now.")
class WebhookEndpointUpdatePayload:
    """What webhookEndpointUpdate answers."""

    endpoint: WebhookEndpoint | None = one_made("endpoint", "The endpoint; null when it was refused.")
    user_errors: list[UserError] = errors()


@strawberry.type(description="The endpoint, deleted.")
class WebhookEndpointDeletePayload:
    """What webhookEndpointDelete answers."""

    endpoint: WebhookEndpoint | None = one_made("endpoint", "The endpoint; null when it was refused.")
    user_errors: list[UserError] = errors()


@strawberry.type(description="The endpoint with its new secret.")
class WebhookSecretRotatePayload:
    """What webhookSecretRotate answers."""

    endpoint: WebhookEndpoint | None = one_made("endpoint", "The endpoint; null when it was refused.")
    user_errors: list[UserError] = errors()


@strawberry.type(description="The ping that was sent.")
class WebhookEndpointTestPayload:
    """What webhookEndpointTest answers."""

    delivery: WebhookDelivery | None = one_made(
        "delivery", "The ping, which is on its way: ask for it again to see what came of it. Null when it was refused."
    )
    user_errors: list[UserError] = errors()


@strawberry.type(description="What of the log is sent again.")
class WebhookReplayPayload:
    """What webhookReplay answers."""

    endpoint: WebhookEndpoint | None = one_made("endpoint", "The endpoint; null when it was refused.")
    events: int | None = strawberry.field(description="How many events of the range it is sent; null when refused.")
    cursor: str | None = strawberry.field(
        description="Where to go on with another replay, `after` it: only 5,000 events are looked at. Null at the end."
    )
    user_errors: list[UserError] = errors()


# -- supply --------------------------------------------------------------------------------------------------------


def fills_made() -> Any:
    """Who got what they waited for."""
    told = (
        "Orders that waited for what this made available, and have it now; null where it was refused; at most 100. "
        "Where very many wait, the rest is served a moment later."
    )
    return all_made("backordersFilled", told)


@strawberry.type(description="The supplier as it is now.")
class SupplierSetPayload:
    """What supplierSet answers."""

    supplier: Supplier | None = one_made("supplier", "The supplier; null when it was refused.")
    user_errors: list[UserError] = errors()


@strawberry.type(description="The purchase order that was written.")
class PurchaseOrderCreatePayload:
    """What purchaseOrderCreate answers."""

    purchase_order: PurchaseOrder | None = one_made("purchaseOrder", "The purchase order; null when it was refused.")
    user_errors: list[UserError] = errors()


@strawberry.type(description="The purchase order as it is now.")
class PurchaseOrderOrderPayload:
    """What purchaseOrderOrder answers."""

    purchase_order: PurchaseOrder | None = one_made("purchaseOrder", "The purchase order; null when it was refused.")
    user_errors: list[UserError] = errors()


@strawberry.type(description="The purchase order as it is now.")
class PurchaseOrderReschedulePayload:
    """What purchaseOrderReschedule answers."""

    purchase_order: PurchaseOrder | None = one_made("purchaseOrder", "The purchase order; null when it was refused.")
    user_errors: list[UserError] = errors()


@strawberry.type(description="The purchase order as it is now.")
class PurchaseOrderCancelPayload:
    """What purchaseOrderCancel answers."""

    purchase_order: PurchaseOrder | None = one_made("purchaseOrder", "The purchase order; null when it was refused.")
    user_errors: list[UserError] = errors()


@strawberry.type(description="The purchase order as it is now, and who had waited for what arrived.")
class PurchaseOrderReceivePayload:
    """What purchaseOrderReceive answers."""

    purchase_order: PurchaseOrder | None = one_made("purchaseOrder", "The purchase order; null when it was refused.")
    backorders_filled: list[BackorderFill] | None = fills_made()
    user_errors: list[UserError] = errors()


@strawberry.type(description="The transfer that was planned.")
class TransferCreatePayload:
    """What transferCreate answers."""

    transfer: Transfer | None = one_made("transfer", "The transfer; null when it was refused.")
    user_errors: list[UserError] = errors()


@strawberry.type(description="The transfer as it is now.")
class TransferShipPayload:
    """What transferShip answers."""

    transfer: Transfer | None = one_made("transfer", "The transfer; null when it was refused.")
    user_errors: list[UserError] = errors()


@strawberry.type(description="The transfer as it is now.")
class TransferReschedulePayload:
    """What transferReschedule answers."""

    transfer: Transfer | None = one_made("transfer", "The transfer; null when it was refused.")
    user_errors: list[UserError] = errors()


@strawberry.type(description="The transfer as it is now, and who had waited for what arrived.")
class TransferReceivePayload:
    """What transferReceive answers."""

    transfer: Transfer | None = one_made("transfer", "The transfer; null when it was refused.")
    backorders_filled: list[BackorderFill] | None = fills_made()
    user_errors: list[UserError] = errors()


@strawberry.type(description="The transfer as it is now.")
class TransferCancelPayload:
    """What transferCancel answers."""

    transfer: Transfer | None = one_made("transfer", "The transfer; null when it was refused.")
    user_errors: list[UserError] = errors()


@strawberry.type(description="The count that was begun.")
class StockCountStartPayload:
    """What stockCountStart answers."""

    stock_count: StockCount | None = one_made("stockCount", "The count; null when it was refused.")
    user_errors: list[UserError] = errors()


@strawberry.type(description="The count as it is now.")
class StockCountRecordPayload:
    """What stockCountRecord answers."""

    stock_count: StockCount | None = one_made("stockCount", "The count; null when it was refused.")
    user_errors: list[UserError] = errors()


@strawberry.type(description="The count as it is now, and what follows from what was found.")
class StockCountCompletePayload:
    """What stockCountComplete answers."""

    stock_count: StockCount | None = one_made("stockCount", "The count; null when it was refused.")
    shortfalls: list[StockShortfall] | None = all_made(
        "shortfalls", "Promises that the count does not leave the units for, and who keeps them instead; at most 100."
    )
    backorders_filled: list[BackorderFill] | None = fills_made()
    user_errors: list[UserError] = errors()


@strawberry.type(description="The count as it is now.")
class StockCountCancelPayload:
    """What stockCountCancel answers."""

    stock_count: StockCount | None = one_made("stockCount", "The count; null when it was refused.")
    user_errors: list[UserError] = errors()


@strawberry.type(description="The carrier's table as it is now.")
class CarrierRatesSetPayload:
    """What carrierRatesSet answers."""

    rates: list[CarrierRate] = all_made("rates", "Its rates in that currency; at most 100.")
    user_errors: list[UserError] = errors()


@strawberry.type(description="The rules that hold from now on.")
class RoutingRulesetActivatePayload:
    """What routingRulesetActivate answers."""

    ruleset: RoutingRuleset | None = one_made("ruleset", "The new version; null when it was refused.")
    user_errors: list[UserError] = errors()


@strawberry.type(description="The rules that hold no longer.")
class RoutingRulesetRetirePayload:
    """What routingRulesetRetire answers."""

    ruleset: RoutingRuleset | None = one_made("ruleset", "The ruleset; null when it was refused.")
    user_errors: list[UserError] = errors()


@strawberry.type(description="The simulation that a worker does.")
class RoutingSimulationStartPayload:
    """What routingSimulationStart answers."""

    job: RoutingSimulationJob | None = one_made("job", "The job; null when it was refused.")
    user_errors: list[UserError] = errors()
