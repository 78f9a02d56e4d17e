"""Events: the log that timelines, subscriptions and other systems read."""

from datetime import date, datetime

import strawberry
from sqlalchemy import ARRAY, ColumnElement, Date, DateTime, FromClause, Text, Uuid, any_, func, select, tuple_

from domain import ids
from domain.events import EventType
from domain.store import tables as t
from domain.store import visibility
from domain.viewer import Scope
from resolvers.reading.arguments import Argument
from resolvers.reading.cursors import cursor_of
from resolvers.reading.mapping import Condition, Row, Subject, column, one, reads
from schema.common import JSON, Actor, Node, actor, entity, id_of, words
from schema.event_lists import EVENT_ORDER, event_keys
from schema.exceptions import Trouble
from schema.fulfillment import FulfillmentOrder
from schema.orders import Order
from schema.returns import Return
from schema.shipments import Shipment
from schema.stock import StockLevel

words(EventType)


def _cursor(row: Row) -> ColumnElement[str]:
    return cursor_of(EVENT_ORDER, event_keys(row))


@strawberry.type(description="One change, as it was committed. Never changed, never skipped, never repeated.")
@entity(t.events, visibility.events)
class Event(Node):
    """An entry of the log."""

    id: strawberry.ID = id_of("Event")
    cursor: str = column(_cursor, "Its place in the log: pass it as `after` to go on from here.")
    sequence: int = column("sequence", "The how-many-eth change of its subject it is, from 1 without gaps.")
    type: EventType = column("type", "What happened.")
    message: str = column("message", "What happened, in a sentence.")
    occurred_at: datetime = column("occurred_at", "When it happened.")
    recorded_at: datetime = column("recorded_at", "When we were told.")
    actor: Actor = actor("actor_kind", "actor_name", "Who did it.")
    data: JSON | None = column("data", "The change's particulars; needs events:read.", needs=Scope.EVENTS_READ)
    subject: Node | None = reads(
        Subject(lambda row, _arguments: row.c.subject_type, lambda row, _arguments: row.c.subject_id),
        "What changed, as it is now; null where you may not see it.",
    )
    order: Order | None = one(
        lambda row, order: order.c.id == row.c.order_id,
        "The order it concerns, as it is now.",
        follows=visibility.NOBODY,
    )
    fulfillment_order: FulfillmentOrder | None = one(
        lambda row, ful: (ful.c.id == row.c.subject_id) & (row.c.subject_type == "FulfillmentOrder"),
        "The work that changed, where that is the subject.",
        follows=visibility.NOBODY,
    )
    shipment: Shipment | None = one(
        lambda row, shipment: (shipment.c.id == row.c.subject_id) & (row.c.subject_type == "Shipment"),
        "The shipment that changed, where that is the subject.",
        follows=visibility.NOBODY,
    )
    return_: Return | None = one(
        lambda row, back: (back.c.id == row.c.subject_id) & (row.c.subject_type == "Return"),
        "The return that changed, where that is the subject.",
        follows=visibility.NOBODY,
        name="return",
    )
    exception: Trouble | None = one(
        lambda row, trouble: (trouble.c.id == row.c.subject_id) & (row.c.subject_type == "Exception"),
        "The exception that was raised, acknowledged or resolved, where that is the subject.",
        follows=visibility.NOBODY,
    )
    stock_level: StockLevel | None = one(
        lambda row, level: (level.c.id == row.c.subject_id) & (row.c.subject_type == "StockLevel"),
        "The stock that changed, where that is the subject.",
        follows=visibility.NOBODY,
    )


def _subject(row: FromClause, given: Argument) -> ColumnElement[bool]:
    """Any id of ours names a subject: keys are unique across types."""
    return row.c.subject_id == given.bind(Uuid(), ids.key_of)


def _channel(row: FromClause, code: Argument) -> ColumnElement[bool]:
    channel = select(t.channels.c.id).where(t.channels.c.code == code.bind(Text()))
    return row.c.channel_id == channel.scalar_subquery()


def _from(row: FromClause, given: Argument) -> ColumnElement[bool]:
    """Reading begins at the first event of that day or a later one."""
    moment, days = given.bind(DateTime(timezone=True)), t.event_days.c
    begin = [
        select(func.min(first)).where(days.day >= _day(moment)).scalar_subquery()
        for first in (days.first_epoch, days.first_position)
    ]
    return (row.c.occurred_at >= moment) & (tuple_(*event_keys(row)) >= tuple_(*begin))


def _to(row: FromClause, given: Argument) -> ColumnElement[bool]:
    """Reading ends at the last event of that day or an earlier one."""
    moment, days = given.bind(DateTime(timezone=True)), t.event_days.c
    end = [
        select(func.max(last)).where(days.day <= _day(moment)).scalar_subquery()
        for last in (days.last_epoch, days.last_position)
    ]
    return (row.c.occurred_at < moment) & (tuple_(*event_keys(row)) <= tuple_(*end))


def _day(moment: ColumnElement[datetime]) -> ColumnElement[date]:
    return func.timezone("UTC", moment).cast(Date)


EVENT_FILTERS: dict[str, Condition] = {
    "types": lambda row, given: row.c.type == any_(given.bind(ARRAY(Text))),
    "subjectId": _subject,
    "orderId": lambda row, given: row.c.order_id == given.key("Order"),
    "customerId": lambda row, given: row.c.customer_id == given.key("Customer"),
    "locationId": lambda row, given: row.c.location_id == given.key("Location"),
    "channel": _channel,
    "occurredFrom": _from,
    "occurredTo": _to,
}


@strawberry.input(description="Which events; what is given must hold together.")
class EventFilter:
    """A filter of the log."""

    types: list[EventType] | None = strawberry.field(default=None, description="Of one of these types.")
    subject_id: strawberry.ID | None = strawberry.field(default=None, description="Changes of this object.")
    order_id: strawberry.ID | None = strawberry.field(default=None, description="Changes that concern this order.")
    customer_id: strawberry.ID | None = strawberry.field(default=None, description="… this customer.")
    location_id: strawberry.ID | None = strawberry.field(default=None, description="… this location.")
    channel: str | None = strawberry.field(default=None, description="… the channel with this code.")
    occurred_from: datetime | None = strawberry.field(default=None, description="Happened at or after this moment.")
    occurred_to: datetime | None = strawberry.field(default=None, description="Happened before this moment.")
