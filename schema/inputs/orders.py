"""Inputs about orders."""

from datetime import datetime

import strawberry

from domain.orders import CancelReason, HoldKind
from domain.payments import RefundDestination
from schema.common import AddressInput, MoneyInput
from schema.inputs import given, key, moment, optional, version
from schema.inputs.payments import PaymentMethodInput, PaymentRecordInput


@strawberry.input(description="Who buys, as the order knows them.")
class OrderCustomerInput:
    """The buyer of an order: found by e-mail, or begun as a guest."""

    email: str | None = strawberry.field(default=None, description="E-mail address; finds the customer.")
    first_name: str | None = strawberry.field(default=None, description="Given name.")
    last_name: str | None = strawberry.field(default=None, description="Family name.")
    phone: str | None = strawberry.field(default=None, description="Phone number.")
    locale: str | None = strawberry.field(
        default=None, description="The language to write to them in, such as pt-BR; the channel's if left out."
    )


@strawberry.input(description="A line to buy.")
class OrderLineInput:
    """One SKU and how many of it."""

    sku: str = given("The SKU.")
    quantity: int = given("How many units: 1 to 100,000.")
    unit_price: MoneyInput | None = optional(
        "What one unit cost, for history: needs history:write. The list price if left out."
    )
    location_code: str | None = optional("The location that must ship it: needs routing:write, or history:write.")


@strawberry.input(description="A span of time in which something was promised.")
class DateRangeInput:
    """A promise's edges."""

    earliest: datetime | None = optional("Not before this moment.")
    latest: datetime = given("Not after this moment.")


@strawberry.input(description="A draft: an order being put together. It holds no stock.")
class OrderDraftInput:
    """What the draft holds."""

    idempotency_key: str = key()
    channel: str | None = optional("The channel's code.")
    customer_id: strawberry.ID | None = optional("Who buys; staff only. A signed-in customer buys for themselves.")
    customer: OrderCustomerInput | None = optional("Who buys, where they are not signed in.")
    lines: list[OrderLineInput] | None = optional("What is bought; 1 to 100.")
    shipping_address: AddressInput | None = optional("Where it goes.")
    shipping_price: MoneyInput | None = optional("What shipping cost, for history: needs history:write.")
    promised_delivery: DateRangeInput | None = optional("What was promised, for history: needs history:write.")
    external_reference: str | None = optional("Another system's name for the order; unique per channel.")
    note: str | None = optional("What the buyer said.")
    occurred_at: datetime | None = moment()


@strawberry.input(description="An order to place, with or without an earlier draft.")
class OrderPlaceInput:
    """What is bought, by whom, and how it is paid."""

    idempotency_key: str = key()
    channel: str | None = optional("The channel's code; needed without a draft.")
    draft_id: strawberry.ID | None = optional(
        "The draft to place, with the lines it holds; other things given here go before what it holds."
    )
    expected_version: int | None = version()
    customer_id: strawberry.ID | None = optional("Who buys; staff only. A signed-in customer buys for themselves.")
    customer: OrderCustomerInput | None = optional("Who buys, where they are not signed in.")
    lines: list[OrderLineInput] | None = optional("What is bought; 1 to 100.")
    shipping_address: AddressInput | None = optional("Where it goes.")
    shipping_price: MoneyInput | None = optional("What shipping cost, for history: needs history:write.")
    promised_delivery: DateRangeInput | None = optional("What was promised, for history: needs history:write.")
    fulfillment_option_id: strawberry.ID | None = optional(
        "An option of `fulfillmentOptions`: its price and its promise hold until it expires, for the same lines and the "
        "same destination."
    )
    reservation_id: strawberry.ID | None = optional(
        "The cart's reservation: what it holds is taken first, and what the order does not want is given back."
    )
    payment_method: PaymentMethodInput | None = optional("How the buyer pays: the server authorizes the total.")
    payments: list[PaymentRecordInput] | None = optional("Payments made elsewhere; needs payments:record; at most 20.")
    expected_total: MoneyInput | None = optional(
        "The total that the buyer was shown: refused as TOTAL_CHANGED if not so."
    )
    external_reference: str | None = optional("Another system's name for the order; unique per channel.")
    note: str | None = optional("What the buyer said.")
    placed_at: datetime | None = optional("When it was placed, for history: needs history:write. Now if left out.")


@strawberry.input(description="An order to confirm.")
class OrderConfirmInput:
    """Which order."""

    id: strawberry.ID = given("The order.")
    idempotency_key: str = key()
    expected_version: int | None = version()
    payments: list[PaymentRecordInput] | None = optional("Payments made elsewhere; needs payments:record; at most 20.")
    occurred_at: datetime | None = moment()


@strawberry.input(description="An order to put on hold.")
class OrderHoldInput:
    """Which order, and why."""

    id: strawberry.ID = given("The order.")
    idempotency_key: str = key()
    kind: HoldKind = given("What sort of reason.")
    reason: str = given("The reason in words.")
    expires_at: datetime | None = optional("When it is taken off by itself; never if left out.")
    expected_version: int | None = version()
    occurred_at: datetime | None = moment()


@strawberry.input(description="A hold to take off.")
class OrderHoldReleaseInput:
    """Which hold of which order."""

    order_id: strawberry.ID = given("The order.")
    hold_id: strawberry.ID = given("The hold.")
    idempotency_key: str = key()
    expected_version: int | None = version()
    occurred_at: datetime | None = moment()


@strawberry.input(description="Units of a line to cancel.")
class OrderCancelLineInput:
    """One line and how many of its units."""

    order_line_id: strawberry.ID = given("The line.")
    quantity: int = given("How many units.")


@strawberry.input(description="How money is given back.")
class RefundInput:
    """Where it goes."""

    destination: RefundDestination = given("Where the money goes.")


@strawberry.input(description="An order, or units of it, to cancel.")
class OrderCancelInput:
    """Which units of which order, and why."""

    id: strawberry.ID = given("The order.")
    idempotency_key: str = key()
    reason: CancelReason = given("Why.")
    lines: list[OrderCancelLineInput] | None = optional("Which units; everything that has not shipped if left out.")
    refund: RefundInput | None = optional("Give back what was paid for them; a buyer's cancellation always does.")
    expected_version: int | None = version()
    occurred_at: datetime | None = moment()
