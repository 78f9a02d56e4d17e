"""Customers: who buys, and where they live."""

from datetime import datetime
from typing import Annotated

import strawberry

from domain.customers import CustomerKind
from domain.store import tables as t
from domain.store import visibility
from resolvers.reading.mapping import Pages, asks, column, many
from schema.common import (
    After,
    Before,
    Connection,
    CountryCode,
    First,
    Last,
    Node,
    entity,
    id_of,
    words,
)
from schema.order_lists import ORDER_FILTERS, ORDER_SORTS, OrderFilter, OrderSort

words(CustomerKind)


@strawberry.type(description="One of a customer's postal addresses.")
@entity(t.customer_addresses, visibility.customer_addresses)
class CustomerAddress(Node):
    """An address in a customer's book."""

    id: strawberry.ID = id_of("CustomerAddress")
    line1: str | None = column("line1", "Street and number.")
    line2: str | None = column("line2", "Anything more the carrier needs, such as a flat.")
    city: str | None = column("city", "City or town.")
    region: str | None = column("region", "State, province or prefecture.")
    postal_code: str | None = column("postal_code", "Postal code, as the country writes it.")
    country: CountryCode | None = column("country", "The country as ISO 3166-1 alpha-2.")
    is_default: bool = column("is_default", "Whether it is the one to suggest first.")


@strawberry.type(description="Somebody who buys.")
@entity(t.customers, visibility.customers)
class Customer(Node):
    """A customer, registered or known from orders only."""

    id: strawberry.ID = id_of("Customer")
    kind: CustomerKind = column("kind", "How well we know them.")
    display_name: str = column("display_name", "The name to show.")
    first_name: str | None = column("first_name", "Given name.")
    last_name: str | None = column("last_name", "Family name.")
    email: str | None = column("email", "E-mail address.")
    phone: str | None = column("phone", "Phone number, as they gave it.")
    tags: list[str] = column("tags", "Labels that staff use.")
    created_at: datetime = column("created_at", "Since when we know them.")
    addresses: list[CustomerAddress] = many(
        lambda customer, place: place.c.customer_id == customer.c.id,
        lambda place: [place.c.is_default.desc(), place.c.id],
        "Their addresses, the default first; at most 20.",
        limit=20,
    )

    @asks(
        Pages(
            lambda customer, order, _arguments: order.c.customer_id == customer.c.id,
            ORDER_SORTS,
            "PLACED_AT",
            ORDER_FILTERS,
        ),
        "Their orders, the latest first, as far as you may see them.",
    )
    def orders(
        self,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
        filter: OrderFilter | None = None,
        sort: OrderSort | None = None,
    ) -> Connection[Annotated["Order", strawberry.lazy("schema.orders")]]:
        """The customer's orders."""


@strawberry.input(description="Who buys, as the order knows them.")
class OrderCustomerInput:
    """The buyer of an order: found by e-mail, or begun as a guest."""

    email: str | None = strawberry.field(default=None, description="E-mail address; finds the customer.")
    first_name: str | None = strawberry.field(default=None, description="Given name.")
    last_name: str | None = strawberry.field(default=None, description="Family name.")
    phone: str | None = strawberry.field(default=None, description="Phone number.")
