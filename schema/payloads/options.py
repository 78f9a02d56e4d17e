"""Payloads about how orders reach their buyers."""

import strawberry

from schema.catalog import Channel
from schema.errors import UserError
from schema.payloads.fields import errors, one_made


@strawberry.type(description="The channel with its shipping prices.")
class ShippingPricesSetPayload:
    """What shippingPricesSet answers."""

    channel: Channel | None = one_made("channel", "The channel; null when it was refused.")
    user_errors: list[UserError] = errors()
