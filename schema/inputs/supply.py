"""Inputs about supply: buying, moving, receiving, counting."""

from datetime import datetime
from typing import Any

import strawberry

from schema.common import MoneyInput
from schema.inputs import given, key, moment, optional


def _version() -> Any:
    return optional("The version that the caller saw: refused as VERSION_CONFLICT if it has changed since.")


@strawberry.input(description="A supplier to create, or to change where the code exists.")
class SupplierSetInput:
    """A supplier by its code."""

    idempotency_key: str = key()
    code: str = given("The short name that programs use: the key.")
    name: str = given("The name that people use.")
    email: str | None = optional("Where to write to them.")
    phone: str | None = optional("Where to call them.")
    lead_time_days: int | None = optional("How many days they usually need: 0 to 1,000.")


@strawberry.input(description="One SKU to buy.")
class PurchaseOrderLineInput:
    """What, how many, and what one costs."""

    sku: str = given("The SKU.")
    quantity: int = given("Units: 1 to 1,000,000.")
    unit_cost: MoneyInput = given("What one unit costs; one currency for all lines.")


@strawberry.input(description="What to buy, from whom, where to.")
class PurchaseOrderCreateInput:
    """A purchase order."""

    idempotency_key: str = key()
    supplier_id: strawberry.ID = given("The supplier.")
    location_id: strawberry.ID = given("Where it is to arrive.")
    expected_at: datetime | None = optional("When it is expected; the supplier's lead time from now if left out.")
    lines: list[PurchaseOrderLineInput] = given("1 to 100 SKUs, each once.")
    draft: bool = strawberry.field(
        default=False, description="Whether it is only written: nothing is expected of it until purchaseOrderOrder."
    )
    reference: str | None = optional("What the supplier, or another system, calls it.")
    note: str | None = optional("A sentence for people.")
    occurred_at: datetime | None = moment()


@strawberry.input(description="A draft that the supplier is told of.")
class PurchaseOrderOrderInput:
    """Which purchase order."""

    id: strawberry.ID = given("The purchase order.")
    idempotency_key: str = key()
    expected_version: int | None = _version()
    occurred_at: datetime | None = moment()


@strawberry.input(description="A purchase order that comes earlier, or late.")
class PurchaseOrderRescheduleInput:
    """Which one, and when."""

    id: strawberry.ID = given("The purchase order.")
    idempotency_key: str = key()
    expected_at: datetime = given("When it is expected now.")
    expected_version: int | None = _version()
    occurred_at: datetime | None = moment()


@strawberry.input(description="A purchase order to call off, before anything arrived.")
class PurchaseOrderCancelInput:
    """Which purchase order."""

    id: strawberry.ID = given("The purchase order.")
    idempotency_key: str = key()
    expected_version: int | None = _version()
    occurred_at: datetime | None = moment()


@strawberry.input(description="What arrived of one SKU.")
class ReceiptLineInput:
    """Units fit for sale, and broken ones."""

    sku: str = given("The SKU.")
    received: int = strawberry.field(default=0, description="Units that are fit for sale.")
    damaged: int = strawberry.field(default=0, description="Units that are broken: kept apart, never sold.")


@strawberry.input(description="Goods that arrived from a supplier.")
class PurchaseOrderReceiveInput:
    """What arrived of a purchase order."""

    id: strawberry.ID = given("The purchase order.")
    idempotency_key: str = key()
    lines: list[ReceiptLineInput] | None = optional(
        "What arrived, each SKU once, at most 100; up to a tenth more than ordered. None where it is only closed short."
    )
    close_short: bool = strawberry.field(default=False, description="Whether the rest is not awaited any more.")
    reference: str | None = optional("The delivery note's number.")
    expected_version: int | None = _version()
    occurred_at: datetime | None = moment()


@strawberry.input(description="One SKU to move.")
class TransferLineInput:
    """What, and how many."""

    sku: str = given("The SKU.")
    quantity: int = given("Units: 1 to 1,000,000.")


@strawberry.input(description="What to move, from where to where.")
class TransferCreateInput:
    """A transfer."""

    idempotency_key: str = key()
    from_location_id: strawberry.ID = given("The sender.")
    to_location_id: strawberry.ID = given("The receiver.")
    expected_at: datetime = given("When it is expected there.")
    lines: list[TransferLineInput] = given("1 to 100 SKUs, each once.")
    note: str | None = optional("A sentence for people.")
    occurred_at: datetime | None = moment()


@strawberry.input(description="A transfer that leaves the sender.")
class TransferShipInput:
    """Which transfer."""

    id: strawberry.ID = given("The transfer.")
    idempotency_key: str = key()
    lines: list[TransferLineInput] | None = optional(
        "What leaves, where it is not all that was planned: what is not named stays."
    )
    expected_version: int | None = _version()
    occurred_at: datetime | None = moment()


@strawberry.input(description="A transfer that comes earlier, or late.")
class TransferRescheduleInput:
    """Which one, and when."""

    id: strawberry.ID = given("The transfer.")
    idempotency_key: str = key()
    expected_at: datetime = given("When it is expected now.")
    expected_version: int | None = _version()
    occurred_at: datetime | None = moment()


@strawberry.input(description="Goods that arrived from another location.")
class TransferReceiveInput:
    """What arrived of a transfer."""

    id: strawberry.ID = given("The transfer.")
    idempotency_key: str = key()
    lines: list[ReceiptLineInput] | None = optional(
        "What arrived, each SKU once, at most 100, no more than is on its way. None where it is only closed short."
    )
    close_short: bool = strawberry.field(
        default=False, description="Whether the rest is not awaited any more: it is missing."
    )
    reference: str | None = optional("The delivery note's number.")
    expected_version: int | None = _version()
    occurred_at: datetime | None = moment()


@strawberry.input(description="A transfer to call off, or to turn back while nothing has arrived.")
class TransferCancelInput:
    """Which transfer."""

    id: strawberry.ID = given("The transfer.")
    idempotency_key: str = key()
    expected_version: int | None = _version()
    occurred_at: datetime | None = moment()


@strawberry.input(description="What to count, and where.")
class StockCountStartInput:
    """A count."""

    idempotency_key: str = key()
    location_id: strawberry.ID = given("The location.")
    skus: list[str] | None = optional("What to count, 1 to 1,000 SKUs; everything there if left out.")
    note: str | None = optional("A sentence for people.")
    occurred_at: datetime | None = moment()


@strawberry.input(description="How many of a SKU were found.")
class StockCountFindingInput:
    """What somebody counted."""

    sku: str = given("The SKU.")
    counted: int = given("Units found on hand, in every bucket together: 0 to 1,000,000.")
    counted_at: datetime | None = optional(
        "When, if it was a while ago: what came and went since is not taken for a difference. Now if left out."
    )


@strawberry.input(description="What was found so far.")
class StockCountRecordInput:
    """Findings of a count; of a SKU that is counted again, the last holds."""

    id: strawberry.ID = given("The count.")
    idempotency_key: str = key()
    lines: list[StockCountFindingInput] = given("1 to 200 SKUs of the count.")
    expected_version: int | None = _version()


@strawberry.input(description="A count that is over.")
class StockCountCompleteInput:
    """Which count."""

    id: strawberry.ID = given("The count.")
    idempotency_key: str = key()
    expected_version: int | None = _version()


@strawberry.input(description="A count that is given up.")
class StockCountCancelInput:
    """Which count."""

    id: strawberry.ID = given("The count.")
    idempotency_key: str = key()
    expected_version: int | None = _version()
