"""Payloads about stock on the shelf."""

import strawberry

from schema.errors import UserError
from schema.payloads.fields import all_made, errors, one_made
from schema.shortfalls import StockShortfall
from schema.stock import StockLevel, StockMovement
from schema.supply import BackorderFill


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
