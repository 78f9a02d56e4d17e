"""Payloads about channels, locations, the catalog and stock."""

import strawberry

from schema.catalog import Channel, Variant
from schema.errors import UserError
from schema.payloads.fields import all_made, errors, one_made
from schema.shortfalls import StockShortfall
from schema.stock import Location, StockLevel
from schema.supply import BackorderFill


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
