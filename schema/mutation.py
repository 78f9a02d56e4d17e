"""Everything that can be done: one line each."""

import strawberry

from resolvers import (
    counts,
    customers,
    exceptions,
    fulfillment,
    guests,
    messages,
    options,
    orders,
    payments,
    purchases,
    rerouting,
    reservations,
    returns,
    routing,
    setup,
    shipments,
    simulations,
    stock,
    transfers,
    webhooks,
    work,
)
from resolvers.mutating import mutation
from schema import payloads  # first: the nouns' vocabularies have their names before an input asks for one
from schema.inputs import customers as customer_inputs
from schema.inputs import exceptions as exception_inputs
from schema.inputs import fulfillment as work_inputs
from schema.inputs import messages as message_inputs
from schema.inputs import options as option_inputs
from schema.inputs import orders as order_inputs
from schema.inputs import payments as payment_inputs
from schema.inputs import rerouting as rerouting_inputs
from schema.inputs import reservations as reservation_inputs
from schema.inputs import returns as return_inputs
from schema.inputs import routing as routing_inputs
from schema.inputs import setup as setup_inputs
from schema.inputs import simulations as simulation_inputs
from schema.inputs import stock as stock_inputs
from schema.inputs import supply as supply_inputs
from schema.inputs import webhooks as webhook_inputs
from schema.inputs import work as item_inputs


@strawberry.type(description="Everything that can be done. One field is one transaction; refusals are `userErrors`.")
class Mutation:
    """The root of writes."""

    order_draft = mutation(
        orders.draft,
        order_inputs.OrderDraftInput,
        payloads.OrderDraftPayload,
        "Begin an order without binding anybody.",
    )
    order_place = mutation(
        orders.place,
        order_inputs.OrderPlaceInput,
        payloads.OrderPlacePayload,
        "Place an order: priced, routed, its stock allocated and its payment authorized.",
    )
    order_confirm = mutation(
        orders.confirm,
        order_inputs.OrderConfirmInput,
        payloads.OrderConfirmPayload,
        "Accept an order, so that locations may begin.",
    )
    order_hold = mutation(
        orders.hold, order_inputs.OrderHoldInput, payloads.OrderHoldPayload, "Give a reason not to go on."
    )
    order_hold_release = mutation(
        orders.release,
        order_inputs.OrderHoldReleaseInput,
        payloads.OrderHoldReleasePayload,
        "Take such a reason away.",
    )
    order_cancel = mutation(
        orders.cancel, order_inputs.OrderCancelInput, payloads.OrderCancelPayload, "Call off what has not shipped."
    )
    stock_reserve = mutation(
        reservations.reserve,
        reservation_inputs.StockReserveInput,
        payloads.StockReservePayload,
        "Hold stock for a cart, or change what is held for it.",
    )
    reservation_extend = mutation(
        reservations.extend,
        reservation_inputs.ReservationExtendInput,
        payloads.ReservationExtendPayload,
        "Hold a cart's stock longer.",
    )
    reservation_release = mutation(
        reservations.release,
        reservation_inputs.ReservationReleaseInput,
        payloads.ReservationReleasePayload,
        "Give a cart's stock back.",
    )
    payment_authorize = mutation(
        payments.authorize,
        payment_inputs.PaymentAuthorizeInput,
        payloads.PaymentAuthorizePayload,
        "Have an amount promised by the buyer's bank.",
    )
    payment_capture = mutation(
        payments.capture,
        payment_inputs.PaymentCaptureInput,
        payloads.PaymentCapturePayload,
        "Take money that was promised.",
    )
    payment_void = mutation(
        payments.void, payment_inputs.PaymentVoidInput, payloads.PaymentVoidPayload, "Release what was promised."
    )
    refund_create = mutation(
        payments.refund, payment_inputs.RefundCreateInput, payloads.RefundCreatePayload, "Give money back."
    )
    channel_set = mutation(
        setup.set_channel, setup_inputs.ChannelSetInput, payloads.ChannelSetPayload, "Create or change a channel."
    )
    shipping_prices_set = mutation(
        options.set_prices,
        option_inputs.ShippingPricesSetInput,
        payloads.ShippingPricesSetPayload,
        "Say what shipping costs the buyer, by service: all prices of a channel at once.",
    )
    location_set = mutation(
        setup.set_location, setup_inputs.LocationSetInput, payloads.LocationSetPayload, "Create or change a location."
    )
    variants_set = mutation(
        setup.set_variants, setup_inputs.VariantsSetInput, payloads.VariantsSetPayload, "Create or change variants."
    )
    stock_adjust = mutation(
        stock.adjust, stock_inputs.StockAdjustInput, payloads.StockAdjustPayload, "Correct what is on hand."
    )
    supplier_set = mutation(
        purchases.set_supplier,
        supply_inputs.SupplierSetInput,
        payloads.SupplierSetPayload,
        "Create or change a supplier.",
    )
    purchase_order_create = mutation(
        purchases.create,
        supply_inputs.PurchaseOrderCreateInput,
        payloads.PurchaseOrderCreatePayload,
        "Buy: what is ordered counts as incoming.",
    )
    purchase_order_order = mutation(
        purchases.order,
        supply_inputs.PurchaseOrderOrderInput,
        payloads.PurchaseOrderOrderPayload,
        "Tell the supplier of a draft.",
    )
    purchase_order_reschedule = mutation(
        purchases.reschedule,
        supply_inputs.PurchaseOrderRescheduleInput,
        payloads.PurchaseOrderReschedulePayload,
        "Expect a purchase order at another moment.",
    )
    purchase_order_cancel = mutation(
        purchases.cancel,
        supply_inputs.PurchaseOrderCancelInput,
        payloads.PurchaseOrderCancelPayload,
        "Call a purchase order off before anything arrived.",
    )
    purchase_order_receive = mutation(
        purchases.receive,
        supply_inputs.PurchaseOrderReceiveInput,
        payloads.PurchaseOrderReceivePayload,
        "Record what arrived from a supplier; whoever waited for it has it.",
    )
    transfer_create = mutation(
        transfers.create,
        supply_inputs.TransferCreateInput,
        payloads.TransferCreatePayload,
        "Plan to move stock from one location to another.",
    )
    transfer_ship = mutation(
        transfers.ship,
        supply_inputs.TransferShipInput,
        payloads.TransferShipPayload,
        "Send a transfer on its way: its units leave the sender's stock.",
    )
    transfer_reschedule = mutation(
        transfers.reschedule,
        supply_inputs.TransferRescheduleInput,
        payloads.TransferReschedulePayload,
        "Expect a transfer at another moment.",
    )
    transfer_receive = mutation(
        transfers.receive,
        supply_inputs.TransferReceiveInput,
        payloads.TransferReceivePayload,
        "Record what arrived from another location; whoever waited for it has it.",
    )
    transfer_cancel = mutation(
        transfers.cancel,
        supply_inputs.TransferCancelInput,
        payloads.TransferCancelPayload,
        "Call a transfer off, or turn it back while nothing has arrived.",
    )
    stock_count_start = mutation(
        counts.start,
        supply_inputs.StockCountStartInput,
        payloads.StockCountStartPayload,
        "Begin to count what a location has.",
    )
    stock_count_record = mutation(
        counts.record,
        supply_inputs.StockCountRecordInput,
        payloads.StockCountRecordPayload,
        "Say how many were found; the books stand as they are.",
    )
    stock_count_complete = mutation(
        counts.complete,
        supply_inputs.StockCountCompleteInput,
        payloads.StockCountCompletePayload,
        "Correct the books by what was found.",
    )
    stock_count_cancel = mutation(
        counts.cancel,
        supply_inputs.StockCountCancelInput,
        payloads.StockCountCancelPayload,
        "Give a count up: nothing is corrected.",
    )
    stock_redispose = mutation(
        stock.redispose,
        stock_inputs.StockRedisposeInput,
        payloads.StockRedisposePayload,
        "Say anew what units on hand are good for: from quarantine back to the shelf, or out of the house.",
    )
    safety_stock_set = mutation(
        stock.keep_back,
        stock_inputs.SafetyStockSetInput,
        payloads.SafetyStockSetPayload,
        "Keep units back: at a location against miscounts, or from a channel so that it never sells the last ones.",
    )
    stock_movement_reverse = mutation(
        stock.reverse,
        stock_inputs.StockMovementReverseInput,
        payloads.StockMovementReversePayload,
        "Undo one entry of the ledger by its exact inverse, once.",
    )
    order_route = mutation(
        rerouting.route,
        work_inputs.OrderRouteInput,
        payloads.OrderRoutePayload,
        "Route what no location has yet, or as was agreed with a customer whose pickup a store declined.",
    )
    fulfillment_order_accept = mutation(
        fulfillment.accept,
        work_inputs.FulfillmentOrderAcceptInput,
        payloads.FulfillmentOrderAcceptPayload,
        "Take work on.",
    )
    fulfillment_order_pick = mutation(
        fulfillment.pick,
        work_inputs.FulfillmentOrderPickInput,
        payloads.FulfillmentOrderPickPayload,
        "Record what was found on the shelf; what is short is routed elsewhere, or waits if it is fetched.",
    )
    fulfillment_order_pack = mutation(
        fulfillment.pack,
        work_inputs.FulfillmentOrderPackInput,
        payloads.FulfillmentOrderPackPayload,
        "Put what was picked into parcels.",
    )
    fulfillment_order_reject = mutation(
        rerouting.reject,
        rerouting_inputs.FulfillmentOrderRejectInput,
        payloads.FulfillmentOrderRejectPayload,
        "Decline work, or lines of it: they are routed elsewhere at once, or wait for a person if their customer was to fetch "
        "them; what was counted corrects the stock record.",
    )
    fulfillment_order_move = mutation(
        rerouting.move,
        rerouting_inputs.FulfillmentOrderMoveInput,
        payloads.FulfillmentOrderMovePayload,
        "Give work of which nothing is picked to another location that has the goods.",
    )
    fulfillment_order_split = mutation(
        rerouting.split,
        rerouting_inputs.FulfillmentOrderSplitInput,
        payloads.FulfillmentOrderSplitPayload,
        "Make work of its own of some units, at the same location.",
    )
    fulfillment_order_merge = mutation(
        rerouting.merge,
        rerouting_inputs.FulfillmentOrderMergeInput,
        payloads.FulfillmentOrderMergePayload,
        "Make one work of several for the same order at the same location, which nobody has accepted.",
    )
    order_pin = mutation(
        rerouting.pin,
        rerouting_inputs.OrderPinInput,
        payloads.OrderPinPayload,
        "Say from which location an order must ship; what others have not accepted goes there at once.",
    )
    order_line_pin = mutation(
        rerouting.pin_line,
        rerouting_inputs.OrderLinePinInput,
        payloads.OrderLinePinPayload,
        "Say from which location an order line must ship; what others have not accepted goes there at once.",
    )
    shipment_create = mutation(
        shipments.ship,
        work_inputs.ShipmentCreateInput,
        payloads.ShipmentCreatePayload,
        "Ship packed parcels: the units leave the building and the books.",
    )
    shipment_hand_over = mutation(
        shipments.hand_over,
        work_inputs.ShipmentHandOverInput,
        payloads.ShipmentHandOverPayload,
        "Record that the carrier took them.",
    )
    shipment_deliver = mutation(
        shipments.deliver,
        work_inputs.ShipmentDeliverInput,
        payloads.ShipmentDeliverPayload,
        "Record that the recipient has them.",
    )
    tracking_event_add = mutation(
        shipments.track,
        work_inputs.TrackingEventAddInput,
        payloads.TrackingEventAddPayload,
        "Record what the carrier said.",
    )
    return_request = mutation(
        returns.request, return_inputs.ReturnRequestInput, payloads.ReturnRequestPayload, "Ask to send goods back."
    )
    return_create = mutation(
        returns.create,
        return_inputs.ReturnCreateInput,
        payloads.ReturnCreatePayload,
        "Take goods back, or allow it, as staff.",
    )
    return_approve = mutation(
        returns.approve, return_inputs.ReturnApproveInput, payloads.ReturnApprovePayload, "Allow goods to come back."
    )
    return_decline = mutation(
        returns.decline, return_inputs.ReturnDeclineInput, payloads.ReturnDeclinePayload, "Refuse it, and say why."
    )
    return_receive = mutation(
        returns.receive, return_inputs.ReturnReceiveInput, payloads.ReturnReceivePayload, "Record that goods arrived."
    )
    return_inspect = mutation(
        returns.inspect,
        return_inputs.ReturnInspectInput,
        payloads.ReturnInspectPayload,
        "Record what was found; money goes back for it.",
    )
    return_close = mutation(returns.close, return_inputs.ReturnCloseInput, payloads.ReturnClosePayload, "Settle it.")
    customer_note_add = mutation(
        customers.add_note,
        customer_inputs.CustomerNoteAddInput,
        payloads.CustomerNoteAddPayload,
        "Note something about a customer, for staff only.",
    )
    customer_message_preferences_set = mutation(
        messages.choose,
        message_inputs.CustomerMessagePreferencesSetInput,
        payloads.CustomerMessagePreferencesSetPayload,
        "Choose what a customer is told, and in which language.",
    )
    messages_unsubscribe = mutation(
        messages.unsubscribe,
        message_inputs.MessagesUnsubscribeInput,
        payloads.MessagesUnsubscribePayload,
        "Leave what a message's link names, without signing in.",
    )
    work_item_create = mutation(
        work.create, item_inputs.WorkItemCreateInput, payloads.WorkItemCreatePayload, "Put work into a queue."
    )
    work_item_claim = mutation(
        work.claim,
        item_inputs.WorkItemClaimInput,
        payloads.WorkItemClaimPayload,
        "Take on the most urgent item of a queue that you can do, for a while; two who ask at once get two items.",
    )
    work_item_extend = mutation(
        work.extend, item_inputs.WorkItemExtendInput, payloads.WorkItemExtendPayload, "Take more time for an item."
    )
    work_item_complete = mutation(
        work.complete,
        item_inputs.WorkItemCompleteInput,
        payloads.WorkItemCompletePayload,
        "Say that an item is done; what follows from it is done with it.",
    )
    work_item_fail = mutation(
        work.fail,
        item_inputs.WorkItemFailInput,
        payloads.WorkItemFailPayload,
        "Say that an item did not work out: it comes back after a delay, or is dead after its last attempt.",
    )
    work_item_reassign = mutation(
        work.reassign,
        item_inputs.WorkItemReassignInput,
        payloads.WorkItemReassignPayload,
        "Give an item to another queue, person, skill or time; whoever is at it has no say any more.",
    )
    work_item_retry = mutation(
        work.retry,
        item_inputs.WorkItemRetryInput,
        payloads.WorkItemRetryPayload,
        "Let a dead item be attempted anew.",
    )
    exception_acknowledge = mutation(
        exceptions.acknowledge,
        exception_inputs.ExceptionAcknowledgeInput,
        payloads.ExceptionAcknowledgePayload,
        "Say that one looks at an exception.",
    )
    guest_order_access = mutation(
        guests.access,
        return_inputs.GuestOrderAccessInput,
        payloads.GuestOrderAccessPayload,
        "Open an order to a guest who knows its number and e-mail address.",
    )
    webhook_endpoint_create = mutation(
        webhooks.create,
        webhook_inputs.WebhookEndpointCreateInput,
        payloads.WebhookEndpointCreatePayload,
        "Have another system told what happens from now on.",
    )
    webhook_endpoint_update = mutation(
        webhooks.update,
        webhook_inputs.WebhookEndpointUpdateInput,
        payloads.WebhookEndpointUpdatePayload,
        "Change an endpoint, disable it or enable it.",
    )
    webhook_endpoint_delete = mutation(
        webhooks.delete,
        webhook_inputs.WebhookEndpointDeleteInput,
        payloads.WebhookEndpointDeletePayload,
        "Tell an endpoint nothing any more.",
    )
    webhook_secret_rotate = mutation(
        webhooks.rotate,
        webhook_inputs.WebhookSecretRotateInput,
        payloads.WebhookSecretRotatePayload,
        "Sign with a new secret; the old one signs too for a while.",
    )
    webhook_endpoint_test = mutation(
        webhooks.test,
        webhook_inputs.WebhookEndpointTestInput,
        payloads.WebhookEndpointTestPayload,
        "Send a ping, once, even to an endpoint that is disabled.",
    )
    webhook_replay = mutation(
        webhooks.replay,
        webhook_inputs.WebhookReplayInput,
        payloads.WebhookReplayPayload,
        "Send a range of the log to an endpoint, again or for the first time.",
    )
    carrier_rates_set = mutation(
        routing.set_rates,
        routing_inputs.CarrierRatesSetInput,
        payloads.CarrierRatesSetPayload,
        "Say what a carrier charges: its whole table in one currency.",
    )
    routing_ruleset_activate = mutation(
        routing.activate,
        routing_inputs.RoutingRulesetActivateInput,
        payloads.RoutingRulesetActivatePayload,
        "Route by other rules from now on, or ask them in the shadow of those that decide.",
    )
    routing_ruleset_retire = mutation(
        routing.retire,
        routing_inputs.RoutingRulesetRetireInput,
        payloads.RoutingRulesetRetirePayload,
        "Let a ruleset hold no longer.",
    )
    routing_simulation_start = mutation(
        simulations.start,
        simulation_inputs.RoutingSimulationStartInput,
        payloads.RoutingSimulationStartPayload,
        "Have a worker find out what other rules would have made of more past orders than a query takes.",
    )
