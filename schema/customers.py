"""Customers: who buys, and where they live."""

from datetime import datetime
from typing import Annotated

import strawberry
from sqlalchemy import ColumnElement, FromClause

from domain.customers import CustomerKind
from domain.events import EventType
from domain.store import tables as t
from domain.store import visibility
from resolvers.reading.mapping import Elements, Pages, Row, asks, column, inline, many, reads
from schema.common import (
    FILTER,
    SORT,
    Actor,
    After,
    Before,
    Connection,
    CountryCode,
    First,
    Last,
    Money,
    Node,
    actor,
    entity,
    id_of,
    labels,
    words,
)
from schema.customer_figures import (
    CURRENCIES,
    average_order_value,
    first_order_at,
    last_order_at,
    lifetime_value,
    order_count,
    return_count,
    return_rate,
)
from schema.event_lists import EVENT_ORDER, LATEST_EVENTS_FIRST
from schema.messages import MESSAGE_SORTS, Message, MessagePreferences
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


ORDER_COUNT = "Their orders, canceled ones included; drafts and what expired do not count."
LIFETIME_VALUE = (
    "What they paid and we kept: captured − refunded − charged back, of payments that succeeded. "
    "One amount for each currency, by its code; at most 10."
)


@strawberry.type(
    description="A customer in figures, over all of their orders, also those that you may not see one by one."
)
class CustomerStats:
    """What a customer's orders come to."""

    order_count: int = column(order_count, ORDER_COUNT)
    return_count: int = column(return_count, "Their returns; those declined, canceled or expired do not count.")
    return_rate: float | None = column(
        return_rate,
        "Orders of which anything came back or is announced ÷ orderCount, to four places; null without orders.",
    )
    lifetime_value: list[Money] = reads(Elements(lifetime_value, limit=CURRENCIES), LIFETIME_VALUE)
    average_order_value: list[Money] = reads(
        Elements(average_order_value, limit=CURRENCIES),
        "The totals of the orders that were not canceled ÷ their number, half a minor unit rounded up. "
        "One amount for each currency, by its code; at most 10.",
    )
    first_order_at: datetime | None = column(first_order_at, "When the first of them was placed; null without any.")
    last_order_at: datetime | None = column(last_order_at, "When the last of them was placed; null without any.")


@strawberry.type(description="What staff want to know the next time this customer calls. Never shown to customers.")
@entity(t.customer_notes, visibility.customer_notes)
class CustomerNote(Node):
    """A note."""

    id: strawberry.ID = id_of("CustomerNote")
    body: str = column("body", "What was noted.")
    pinned: bool = column("pinned", "Whether it stands before all others.")
    author: Actor = actor("author_kind", "author_name", "Who noted it.")
    created_at: datetime = column("created_at", "When it was noted.")


def _happened_to(customer: Row, event: FromClause, _arguments: object) -> ColumnElement[bool]:
    mine: ColumnElement[bool] = event.c.customer_id == customer.c.id
    return mine & event.c.position.is_not(None) & (event.c.type != EventType.STOCK_MOVED.value)


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
    tags: list[str] = labels()
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
        filter: Annotated[OrderFilter | None, FILTER] = None,
        sort: Annotated[OrderSort | None, SORT] = None,
    ) -> Connection[Annotated["Order", strawberry.lazy("schema.orders")]]:
        """The customer's orders."""

    order_count: int = column(order_count, ORDER_COUNT)
    lifetime_value: list[Money] = reads(Elements(lifetime_value, limit=CURRENCIES), LIFETIME_VALUE)
    stats: CustomerStats = inline(lambda customer: customer, "The customer in figures.")
    notes: list[CustomerNote] = many(
        lambda customer, note: note.c.customer_id == customer.c.id,
        lambda note: [note.c.pinned.desc(), note.c.created_at.desc(), note.c.id.desc()],
        "What staff noted, pinned notes first, then the latest; staff only; at most 50.",
        limit=50,
        follows=visibility.STAFF,
    )

    message_preferences: MessagePreferences = inline(
        lambda customer: customer, "What they chose to be told, and in which language."
    )

    @asks(
        Pages(
            lambda customer, message, _arguments: message.c.customer_id == customer.c.id, MESSAGE_SORTS, "CREATED_AT"
        ),
        "What they were told, the latest first; for those who see every order.",
    )
    def messages(
        self,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[Message]:
        """What was written to the customer."""

    @asks(
        Pages(
            _happened_to,
            LATEST_EVENTS_FIRST,
            EVENT_ORDER,
        ),
        "What happened to them and to their orders, the latest first, as far as you may see it. What moved on shelves for "
        "it is left out: the log has that.",
    )
    def timeline(
        self,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[Annotated["Event", strawberry.lazy("schema.events")]]:
        """The customer's history."""
