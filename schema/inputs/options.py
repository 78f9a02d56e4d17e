"""Inputs about how orders reach their buyers."""

import strawberry

from schema.common import AddressInput, MoneyInput
from schema.inputs import given, key, optional
from schema.inputs.orders import OrderLineInput


@strawberry.input(description="What is to be bought, and where it goes.")
class FulfillmentOptionsInput:
    """A cart before it is an order."""

    channel: str = given("The channel's code.")
    lines: list[OrderLineInput] = given("What is bought; at most 100.")
    destination: AddressInput = given("Where it goes. Country and postal code are enough to be quoted.")
    reservation_id: strawberry.ID | None = optional("The cart's reservation: what it holds is there for it.")


@strawberry.input(description="What a service costs the buyer.")
class ShippingPriceInput:
    """One price."""

    service: str = given("The carrier's service, such as EXPRESS; PICKUP for goods that the buyer fetches.")
    price: MoneyInput = given("What the buyer pays for an order by it.")


@strawberry.input(description="All shipping prices of a channel.")
class ShippingPricesSetInput:
    """A channel's table."""

    idempotency_key: str = key()
    channel: str = given("The channel's code.")
    prices: list[ShippingPriceInput] = given("These and no others; a service without a price is free; at most 100.")
