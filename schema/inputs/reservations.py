"""Inputs about reservations."""

import strawberry

from domain.reservations import USUAL_TTL_SECONDS
from schema.inputs import given, key


@strawberry.input(description="Units of one SKU to hold.")
class ReservationLineInput:
    """One SKU and how many of it."""

    sku: str = given("The SKU; of a kit, its components are held.")
    quantity: int = given("How many units: 1 to 100,000.")


TTL = (
    "How long from now the units are held at least: 10 to 3,600 seconds, 900 if left out; never beyond 4 hours in all."
)


@strawberry.input(description="A cart whose units are to be held.")
class StockReserveInput:
    """What the cart holds, and for how long."""

    idempotency_key: str = key()
    channel: str = given("The channel's code.")
    reference: str = given(
        "Your name for the cart, 1 to 200 characters. The same reference again changes what is held to these lines, and "
        "holds it longer. Whoever has the same token and knows the reference can do so: take one that cannot be guessed."
    )
    lines: list[ReservationLineInput] = given(
        "Everything that is to be held for the cart; 1 to 100. All of it or nothing, but of what may be sold ahead of its "
        "supply, what there is."
    )
    ttl_seconds: int = strawberry.field(default=USUAL_TTL_SECONDS, description=TTL)


@strawberry.input(description="A reservation that is to hold longer.")
class ReservationExtendInput:
    """Which, and for how long."""

    id: strawberry.ID = given("The reservation.")
    idempotency_key: str = key()
    ttl_seconds: int = strawberry.field(default=USUAL_TTL_SECONDS, description=TTL)


@strawberry.input(description="A reservation to give back.")
class ReservationReleaseInput:
    """Which."""

    id: strawberry.ID = given("The reservation.")
    idempotency_key: str = key()
