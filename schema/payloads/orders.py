"""Payloads about orders."""

from datetime import datetime

import strawberry

from schema.errors import UserError
from schema.orders import Order
from schema.payloads.fields import errors, one_made
from schema.payments import PaymentAction


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
