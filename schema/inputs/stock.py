"""Inputs about stock on the shelf."""

from datetime import datetime

import strawberry

from domain.returns import Disposition
from domain.stock import AdjustReason
from schema.common import words
from schema.inputs import given, key, moment, optional

words(AdjustReason, name="StockAdjustReason")


@strawberry.input(description="Units of one SKU that are to be something else from now on.")
class StockRedisposeLineInput:
    """RESTOCK is available; REFURBISH, QUARANTINE and RETURN_TO_VENDOR are quality control."""

    sku: str = given("The SKU.")
    quantity: int = given("How many units.")
    from_: Disposition = strawberry.field(name="from", description="What they are now, which is the bucket they leave.")
    to: Disposition = given("What they are to be; DISPOSE takes them out of the house.")


@strawberry.input(description="What units on hand are good for, decided anew.")
class StockRedisposeInput:
    """Units by SKU."""

    idempotency_key: str = key()
    location_id: strawberry.ID = given("The location.")
    lines: list[StockRedisposeLineInput] = given("1 to 100 of them.")
    reason: str | None = optional("Why, for the ledger.")
    occurred_at: datetime | None = moment()


@strawberry.input(description="An entry of the ledger to undo.")
class StockMovementReverseInput:
    """The entry by its id."""

    idempotency_key: str = key()
    id: strawberry.ID = given(
        "The entry: of a correction, a redisposition or safety stock, whose units are still there."
    )
    reason: str | None = optional("Why, for the ledger.")
    occurred_at: datetime | None = moment()


@strawberry.input(description="Units of one SKU to keep back.")
class SafetyStockLineInput:
    """A SKU and how many."""

    sku: str | None = optional("The SKU; for a channel, left out: every SKU that has no line of its own there.")
    quantity: int = given("Units to keep back from now on, not more of them: 0 to 1,000,000.")


@strawberry.input(
    description="Units to keep back, at a location or from a channel. At a location they are set aside by ledger entries, "
    "and no channel sells them. From a channel they are subtracted from what it says is sellable, wherever they lie."
)
class SafetyStockSetInput:
    """A location or a channel, and the units."""

    idempotency_key: str = key()
    location_id: strawberry.ID | None = optional("The location; refused as QUANTITY_EXCEEDS where it has less.")
    channel: str | None = optional("Or the channel's code: its thresholds; needs the scope catalog:write.")
    lines: list[SafetyStockLineInput] = given("1 to 100 of them.")
    occurred_at: datetime | None = moment()


@strawberry.input(description="What a count or a correction found of one SKU.")
class StockAdjustLineInput:
    """One SKU's new quantity; the change goes to or comes from `available`."""

    sku: str = strawberry.field(description="The SKU.")
    set_on_hand: int = strawberry.field(description="Units on hand from now on: 0 to 1,000,000.")
    expected_on_hand: int | None = strawberry.field(
        default=None, description="What the caller believed was on hand; refused as STOCK_CHANGED if it was not."
    )


@strawberry.input(description="What a count or a correction found at a location.")
class StockAdjustInput:
    """Quantities by SKU."""

    idempotency_key: str = key()
    location_id: strawberry.ID = given("The location.")
    reason: AdjustReason = given("Why the record is corrected.")
    lines: list[StockAdjustLineInput] = given("1 to 100 SKUs.")
    occurred_at: datetime | None = moment()
