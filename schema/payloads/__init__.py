"""What mutations answer, one file per noun, like `inputs`; all of them are named here, as `schema.mutation` names them."""

from schema.payloads.customers import CustomerNoteAddPayload
from schema.payloads.exceptions import ExceptionAcknowledgePayload
from schema.payloads.fulfillment import (
    FulfillmentOrderAcceptPayload,
    FulfillmentOrderPackPayload,
    FulfillmentOrderPickPayload,
    OrderRoutePayload,
    ShipmentCreatePayload,
    ShipmentDeliverPayload,
    ShipmentHandOverPayload,
    TrackingEventAddPayload,
)
from schema.payloads.messages import CustomerMessagePreferencesSetPayload, MessagesUnsubscribePayload
from schema.payloads.options import ShippingPricesSetPayload
from schema.payloads.orders import (
    OrderCancelPayload,
    OrderConfirmPayload,
    OrderDraftPayload,
    OrderHoldPayload,
    OrderHoldReleasePayload,
    OrderPlacePayload,
)
from schema.payloads.payments import (
    PaymentAuthorizePayload,
    PaymentCapturePayload,
    PaymentVoidPayload,
    RefundCreatePayload,
)
from schema.payloads.rerouting import (
    FulfillmentOrderMergePayload,
    FulfillmentOrderMovePayload,
    FulfillmentOrderRejectPayload,
    FulfillmentOrderSplitPayload,
    OrderLinePinPayload,
    OrderPinPayload,
)
from schema.payloads.reservations import ReservationExtendPayload, ReservationReleasePayload, StockReservePayload
from schema.payloads.returns import (
    GuestOrderAccessPayload,
    ReturnApprovePayload,
    ReturnClosePayload,
    ReturnCreatePayload,
    ReturnDeclinePayload,
    ReturnInspectPayload,
    ReturnReceivePayload,
    ReturnRequestPayload,
)
from schema.payloads.routing import CarrierRatesSetPayload, RoutingRulesetActivatePayload, RoutingRulesetRetirePayload
from schema.payloads.setup import ChannelSetPayload, LocationSetPayload, VariantsSetPayload
from schema.payloads.simulations import RoutingSimulationStartPayload
from schema.payloads.stock import (
    SafetyStockSetPayload,
    StockAdjustPayload,
    StockMovementReversePayload,
    StockRedisposePayload,
)
from schema.payloads.supply import (
    PurchaseOrderCancelPayload,
    PurchaseOrderCreatePayload,
    PurchaseOrderOrderPayload,
    PurchaseOrderReceivePayload,
    PurchaseOrderReschedulePayload,
    StockCountCancelPayload,
    StockCountCompletePayload,
    StockCountRecordPayload,
    StockCountStartPayload,
    SupplierSetPayload,
    TransferCancelPayload,
    TransferCreatePayload,
    TransferReceivePayload,
    TransferReschedulePayload,
    TransferShipPayload,
)
from schema.payloads.webhooks import (
    WebhookEndpointCreatePayload,
    WebhookEndpointDeletePayload,
    WebhookEndpointTestPayload,
    WebhookEndpointUpdatePayload,
    WebhookReplayPayload,
    WebhookSecretRotatePayload,
)
from schema.payloads.work import (
    WorkItemClaimPayload,
    WorkItemCompletePayload,
    WorkItemCreatePayload,
    WorkItemExtendPayload,
    WorkItemFailPayload,
    WorkItemReassignPayload,
    WorkItemRetryPayload,
)
