"""Payloads about returns, and about a guest's way to their order."""

from datetime import datetime

import strawberry

from schema.errors import UserError
from schema.orders import Order
from schema.payloads.fields import errors, one_made
from schema.returns import Return


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
