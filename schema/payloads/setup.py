"""Payloads about channels, locations and the catalog."""

import strawberry

from schema.catalog import Channel, Variant
from schema.errors import UserError
from schema.payloads.fields import all_made, errors, one_made
from schema.stock import Location


@strawberry.type(description="The channel as it is now.")
class ChannelSetPayload:
    """What channelSet answers."""

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
