"""Everything that can be done: one line each."""

import strawberry

from resolvers import orders, payments, setup
from resolvers.mutating import mutation
from schema import payloads
from schema.inputs import orders as order_inputs
from schema.inputs import payments as payment_inputs
from schema.inputs import setup as setup_inputs


@strawberry.type(description="Everything that can be done. One field is one transaction; refusals are `userErrors`.")
class Mutation:
    """The root of writes."""

    order_draft = mutation(
        orders.draft, order_inputs.OrderDraftInput, payloads.OrderDraftPayload, "Begin an order without binding anybody."
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
    location_set = mutation(
        setup.set_location, setup_inputs.LocationSetInput, payloads.LocationSetPayload, "Create or change a location."
    )
    variants_set = mutation(
        setup.set_variants, setup_inputs.VariantsSetInput, payloads.VariantsSetPayload, "Create or change variants."
    )
    stock_adjust = mutation(
        setup.adjust, setup_inputs.StockAdjustInput, payloads.StockAdjustPayload, "Correct what is on hand."
    )
