"""Exceptions: what somebody should look at. `Trouble` in Python, which has an `Exception` of its own."""

from datetime import datetime
from enum import Enum
from typing import Annotated

import strawberry
from sqlalchemy import ARRAY, ColumnElement, FromClause, Text, any_, select

from domain.exceptions import ExceptionKind, ExceptionSeverity
from domain.store import tables as t
from domain.store import visibility
from resolvers.reading.arguments import Argument
from resolvers.reading.mapping import Condition, Sort, Subject, Values, column, inline, one, reads
from schema.catalog import Channel
from schema.common import Actor, Node, SortDirection, entity, id_of, words
from schema.customers import Customer
from schema.stock import Location

words(ExceptionKind)
words(ExceptionSeverity)


@strawberry.type(
    name="Exception",
    description="Something that somebody should look at, found by looking again and again; it resolves by itself when its "
    "cause is gone. At most one of a kind is open about the same object. Never shown to buyers.",
)
@entity(t.exceptions, visibility.exceptions, name="Exception")
class Trouble(Node):
    """An exception."""

    id: strawberry.ID = id_of("Exception")
    kind: ExceptionKind = column("kind", "What is wrong.")
    severity: ExceptionSeverity = column(
        "severity", "How much it matters; it may grow while it is open, and never shrinks."
    )
    explanation: str = column(
        "explanation",
        "What is wrong, in a sentence with its figures, as they were when it was found or last grew worse.",
    )
    suggested_actions: list[str] = column(
        lambda row: row.c.suggested_actions[1:10], "Mutations that would help, by their names; at most 10."
    )
    detected_at: datetime = column("detected_at", "When it was found.")
    due_at: datetime | None = column("due_at", "The moment that was missed or will be, where there is one.")
    resolved_at: datetime | None = column("resolved_at", "When it was found to be over; null while it is open.")
    resolution: str | None = column("resolution", "How it ended, in a sentence; null while it is open.")
    acknowledged_at: datetime | None = column("acknowledged_at", "When somebody last said that they look at it.")
    acknowledged_by: Actor | None = inline(
        lambda row: Values(kind=row.c.acknowledged_by_kind, name=row.c.acknowledged_by),
        "Who did.",
        present=lambda row: row.c.acknowledged_at,
    )
    note: str | None = column("note", "What they noted.")
    subject: Node | None = reads(
        Subject(lambda row, _arguments: row.c.subject_type, lambda row, _arguments: row.c.subject_id),
        "What it is about, as it is now; null where you may not see it.",
    )
    order: Annotated["Order", strawberry.lazy("schema.orders")] | None = one(
        lambda row, order: order.c.id == row.c.order_id,
        "The order that it concerns.",
        follows=visibility.NOBODY,
    )
    customer: Customer | None = one(
        lambda row, customer: customer.c.id == row.c.customer_id,
        "Whose order it is.",
        follows=visibility.NOBODY,
    )
    location: Location | None = one(
        lambda row, place: place.c.id == row.c.location_id, "The location that can do something about it, if one can."
    )
    channel: Channel | None = one(lambda row, channel: channel.c.id == row.c.channel_id, "Where the order was bought.")


# -- lists -----------------------------------------------------------------------------------------------------------


@strawberry.enum(description="What exceptions can be sorted by.")
class ExceptionSortKey(Enum):
    """Sort keys; each has its index."""

    DETECTED_AT = strawberry.enum_value("DETECTED_AT", description="When they were found.")


@strawberry.input(description="How to sort exceptions.")
class ExceptionSort:
    """A sort key and its direction."""

    by: ExceptionSortKey = strawberry.field(description="The key.")
    direction: SortDirection | None = strawberry.field(default=None, description="Latest first if left out.")


@strawberry.input(description="Which exceptions; what is given must hold together.")
class ExceptionFilter:
    """A filter of exceptions."""

    open: bool | None = strawberry.field(default=None, description="Those that are still so (or those that are over).")
    kind: list[ExceptionKind] | None = strawberry.field(default=None, description="Of one of these kinds.")
    severity: list[ExceptionSeverity] | None = strawberry.field(default=None, description="Of one of these severities.")
    location_id: strawberry.ID | None = strawberry.field(default=None, description="For this location to see to.")
    channel: str | None = strawberry.field(default=None, description="Of orders bought in the channel with this code.")
    order_id: strawberry.ID | None = strawberry.field(default=None, description="That concern this order.")
    customer_id: strawberry.ID | None = strawberry.field(default=None, description="… this customer.")


def _in_channel(row: FromClause, code: Argument) -> ColumnElement[bool]:
    channel = select(t.channels.c.id).where(t.channels.c.code == code.bind(Text()))
    return row.c.channel_id == channel.scalar_subquery()


EXCEPTION_FILTERS: dict[str, Condition] = {
    "open": lambda row, given: row.c.resolved_at.is_(None) if given.value else row.c.resolved_at.is_not(None),
    "kind": lambda row, given: row.c.kind == any_(given.bind(ARRAY(Text))),
    "severity": lambda row, given: row.c.severity == any_(given.bind(ARRAY(Text))),
    "locationId": lambda row, given: row.c.location_id == given.key("Location"),
    "channel": _in_channel,
    "orderId": lambda row, given: row.c.order_id == given.key("Order"),
    "customerId": lambda row, given: row.c.customer_id == given.key("Customer"),
}

EXCEPTION_SORTS: dict[str, tuple[Sort, bool]] = {"DETECTED_AT": (lambda row: [row.c.detected_at, row.c.id], True)}
