"""Everything that can be followed."""

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any

import strawberry
from sqlalchemy import ARRAY, ColumnElement, FromClause, Table, Text, Uuid, any_

from domain import ids
from domain.events import EventType
from domain.exceptions import ExceptionKind, ExceptionSeverity
from domain.store import tables as t
from domain.store import visibility
from domain.store.visibility import Rule
from domain.viewer import Scope
from resolvers.reading.arguments import PAGE_LIMIT, Argument, BadInput
from resolvers.reading.mapping import Entity
from resolvers.streams import Named, Stream, follows
from schema.event_lists import EVENT_ORDER
from schema.events import EVENT_FILTERS, Event, EventFilter

Id = Annotated[strawberry.ID, strawberry.argument(description="The object's id.")]
Resume = Annotated[
    str | None,
    strawberry.argument(
        description="The cursor of the last event you have: every one after it comes first. Without it, only new ones."
    ),
]


def _by_id(typename: str, table: Table, visible: Rule, column: str, key: str = "id") -> Named:
    """What an argument names by an id."""
    return Named(Entity(typename, table, visible), lambda row, given: row.c.id == given.key(typename), column, key)


def _hundred(via: Callable[[str], Any]) -> Callable[[list[str]], list[Any]]:
    """What a list names, each put through `via`; a hundred at most."""

    def bounded(values: list[str]) -> list[Any]:
        if not 0 < len(values) <= PAGE_LIMIT:
            raise BadInput(f"Name 1 to {PAGE_LIMIT}, or leave them out; {len(values)} were given.")
        return [via(value) for value in values]

    return bounded


def _text(value: str) -> str:
    if "\0" in value:
        raise BadInput("Text cannot hold the character U+0000.")
    return value


def _skus(row: FromClause, given: Argument) -> ColumnElement[bool]:
    return row.c.sku == any_(given.bind(ARRAY(Text), _hundred(_text)))


def _locations(row: FromClause, given: Argument) -> ColumnElement[bool]:
    return row.c.id == any_(given.bind(ARRAY(Uuid), _hundred(partial(ids.decode, "Location"))))


def _beginning(prefix: str) -> frozenset[EventType]:
    """The types of events that have one kind of subject."""
    return frozenset(each for each in EventType if each.startswith(prefix))


WORKPLACE = _by_id("Location", t.locations, visibility.workplaces, "location_id")

ORDER = Stream(EVENT_ORDER, {"orderId": _by_id("Order", t.orders, visibility.orders, "order_id")})
CUSTOMER = Stream(
    EVENT_ORDER,
    {"customerId": _by_id("Customer", t.customers, visibility.customers, "customer_id")},
    types=frozenset(EventType) - {EventType.STOCK_MOVED},
)
WORK = Stream(EVENT_ORDER, {"locationId": WORKPLACE}, types=_beginning("FULFILLMENT_ORDER_"))
RETURNS = Stream(
    EVENT_ORDER,
    {"returnId": _by_id("Return", t.returns, visibility.returns, "order_id", "order_id"), "locationId": WORKPLACE},
    {"returnId": lambda event, given: event.c.subject_id == given.key("Return")},
    types=_beginning("RETURN_"),
    at_least_one=True,
)
INVENTORY = Stream(
    EVENT_ORDER,
    {
        "skus": Named(Entity("Variant", t.variants, visibility.anyone), _skus, "variant_id"),
        "locationIds": Named(Entity("Location", t.locations, visibility.workplaces), _locations, "location_id"),
    },
    types=frozenset({EventType.STOCK_MOVED}),
    needs=Scope.STOCK_READ,
)
CHANNEL = Named(
    Entity("Channel", t.channels, visibility.anyone), lambda row, code: row.c.code == code.bind(Text()), "channel_id"
)
TROUBLE = Stream(
    EVENT_ORDER,
    {
        "orderId": _by_id("Order", t.orders, visibility.orders, "order_id"),
        "customerId": _by_id("Customer", t.customers, visibility.customers, "customer_id"),
        "locationId": WORKPLACE,
        "channel": CHANNEL,
    },
    {
        "kind": lambda event, given: event.c.data["kind"].astext == any_(given.bind(ARRAY(Text))),
        "severity": lambda event, given: event.c.data["severity"].astext == any_(given.bind(ARRAY(Text))),
    },
    types=_beginning("EXCEPTION_"),
    needs=Scope.ORDERS_READ,
)
LOG = Stream(
    EVENT_ORDER,
    {
        "orderId": _by_id("Order", t.orders, visibility.anyone, "order_id"),
        "customerId": _by_id("Customer", t.customers, visibility.anyone, "customer_id"),
        "locationId": _by_id("Location", t.locations, visibility.anyone, "location_id"),
        "channel": CHANNEL,
    },
    {name: EVENT_FILTERS[name] for name in ("subjectId", "occurredFrom", "occurredTo")},
    needs=Scope.EVENTS_READ,
)


@strawberry.type(description="Everything that can be followed: each event once, in order, as soon as it is committed.")
class Subscription:
    """The root of subscriptions."""

    @follows(ORDER, "What happens to an order. What you read of the order is as of that event or later, never earlier.")
    def order_events(self, order_id: Id, after: Resume = None) -> Event:
        """One order's events."""
        raise NotImplementedError

    @follows(CUSTOMER, "What happens to a customer and to their orders; what moves on shelves for it is left out.")
    def customer_events(self, customer_id: Id, after: Resume = None) -> Event:
        """One customer's events."""
        raise NotImplementedError

    @follows(WORK, "What happens to the work of a location: given out, opened, picked, packed, shipped, called off.")
    def fulfillment_order_events(self, location_id: Id, after: Resume = None) -> Event:
        """One location's work."""
        raise NotImplementedError

    @follows(RETURNS, "What happens to a return, or to all returns that are sent or brought to a location; or both.")
    def return_events(
        self,
        return_id: Annotated[strawberry.ID | None, strawberry.argument(description="This return's.")] = None,
        location_id: Annotated[strawberry.ID | None, strawberry.argument(description="This location's.")] = None,
        after: Resume = None,
    ) -> Event:
        """Returns' events."""
        raise NotImplementedError

    @follows(INVENTORY, "What moves on shelves; needs stock:read. A location's staff hear of their own shelves.")
    def inventory_events(
        self,
        skus: Annotated[
            list[str] | None, strawberry.argument(description="Of these variants, at most 100; all if left out.")
        ] = None,
        location_ids: Annotated[
            list[strawberry.ID] | None,
            strawberry.argument(description="At these locations, at most 100; all if left out."),
        ] = None,
        after: Resume = None,
    ) -> Event:
        """Stock's events."""
        raise NotImplementedError

    @follows(
        TROUBLE,
        "What goes wrong, is looked at and is over; needs orders:read. Locations hear of what is theirs to see to.",
    )
    def exception_events(
        self,
        kind: Annotated[
            list[ExceptionKind] | None, strawberry.argument(description="Of one of these kinds; of any if left out.")
        ] = None,
        severity: Annotated[
            list[ExceptionSeverity] | None, strawberry.argument(description="Of one of these severities.")
        ] = None,
        order_id: Annotated[strawberry.ID | None, strawberry.argument(description="That concern this order.")] = None,
        customer_id: Annotated[strawberry.ID | None, strawberry.argument(description="… this customer.")] = None,
        location_id: Annotated[strawberry.ID | None, strawberry.argument(description="… this location.")] = None,
        channel: Annotated[str | None, strawberry.argument(description="… the channel with this code.")] = None,
        after: Resume = None,
    ) -> Event:
        """Exceptions' events."""
        raise NotImplementedError

    @follows(LOG, "The log itself, for other systems; needs events:read.")
    def events(
        self,
        filter: Annotated[EventFilter | None, strawberry.argument(description="Which of them.")] = None,
        after: Resume = None,
    ) -> Event:
        """The log."""
        raise NotImplementedError
