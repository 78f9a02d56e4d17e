"""Payloads about payments and refunds."""

import strawberry

from schema.errors import UserError
from schema.orders import Order
from schema.payloads.fields import all_made, errors, one_made
from schema.payments import Payment, PaymentAction, Refund


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
