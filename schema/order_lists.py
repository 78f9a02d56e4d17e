"""How lists of orders are narrowed and sorted, wherever they appear."""

from datetime import datetime
from enum import Enum

import strawberry
from sqlalchemy import ARRAY, ColumnElement, DateTime, FromClause, Text, any_, select

from domain.orders import OrderStatus
from domain.store import tables as t
from resolvers.reading.arguments import Argument
from resolvers.reading.mapping import Condition, Sort
from schema.common import SortDirection, words

words(OrderStatus)


@strawberry.enum(description="What orders can be sorted by.")
class OrderSortKey(Enum):
    """Sort keys; each has its index."""

    PLACED_AT = strawberry.enum_value("PLACED_AT", description="When they were placed.")


@strawberry.input(description="How to sort orders.")
class OrderSort:
    """A sort key and its direction."""

    by: OrderSortKey = strawberry.field(description="The key.")
    direction: SortDirection | None = strawberry.field(default=None, description="Latest first if left out.")


@strawberry.input(description="Which orders; what is given must hold together.")
class OrderFilter:
    """A filter of orders."""

    channel: str | None = strawberry.field(default=None, description="Sold in the channel with this code.")
    status: list[OrderStatus] | None = strawberry.field(default=None, description="In one of these statuses.")
    on_hold: bool | None = strawberry.field(default=None, description="With (or without) a hold.")
    unrouted: bool | None = strawberry.field(
        default=None, description="With (or without) units that wait because no location can ship them."
    )
    placed_from: datetime | None = strawberry.field(default=None, description="Placed at or after this moment.")
    placed_to: datetime | None = strawberry.field(default=None, description="Placed before this moment.")
    tag: str | None = strawberry.field(default=None, description="With this label.")


def _in_channel(order: FromClause, code: Argument) -> ColumnElement[bool]:
    channel = select(t.channels.c.id).where(t.channels.c.code == code.bind(Text()))
    return order.c.channel_id == channel.scalar_subquery()


def _tagged(order: FromClause, tag: Argument) -> ColumnElement[bool]:
    """Joined by both keys of the list's order, so that the labels' own order is the list's."""
    label = t.order_tags.alias()
    same = (label.c.placed_at == order.c.placed_at) & (label.c.order_id == order.c.id)
    return select(label.c.order_id).where(label.c.tag == tag.bind(Text()), same).correlate(order).exists()


ORDER_FILTERS: dict[str, Condition] = {
    "channel": _in_channel,
    "status": lambda order, given: order.c.status == any_(given.bind(ARRAY(Text))),
    "onHold": lambda order, given: order.c.on_hold if given.value else ~order.c.on_hold,
    "unrouted": lambda order, given: order.c.unrouted_at.is_not(None) if given.value else order.c.unrouted_at.is_(None),
    "placedFrom": lambda order, given: order.c.placed_at >= given.bind(DateTime(timezone=True)),
    "placedTo": lambda order, given: order.c.placed_at < given.bind(DateTime(timezone=True)),
    "tag": _tagged,
}

ORDER_SORTS: dict[str, tuple[Sort, bool]] = {"PLACED_AT": (lambda order: [order.c.placed_at, order.c.id], True)}
