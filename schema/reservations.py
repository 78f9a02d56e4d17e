"""Reservations: stock held for a cart, for a while."""

from datetime import datetime
from enum import Enum

import strawberry
from sqlalchemy import ColumnElement, FromClause, Text, any_, select
from sqlalchemy.dialects.postgresql import ARRAY

from domain.reservations import RESERVATION, ReservationAction, ReservationStatus
from domain.store import tables as t
from domain.store import visibility
from domain.viewer import Scope, Viewer
from resolvers.reading.actions import available_actions
from resolvers.reading.arguments import Argument
from resolvers.reading.mapping import Condition, Row, Sort, by_viewer, column, many, one
from schema.catalog import Channel, Variant
from schema.common import Node, SortDirection, entity, id_of, words
from schema.customers import Customer
from schema.orders import Order
from schema.stock import Location

words(ReservationStatus)
words(ReservationAction)

RESERVATION_SCOPES = {
    ReservationAction.CHANGE: Scope.ORDERS_PLACE,
    ReservationAction.EXTEND: Scope.ORDERS_PLACE,
    ReservationAction.CONSUME: Scope.ORDERS_PLACE,
    ReservationAction.RELEASE: Scope.ORDERS_PLACE,
}


def _actions(row: Row, viewer: Viewer) -> ColumnElement[object]:
    return available_actions(RESERVATION, RESERVATION_SCOPES, row, viewer, {})


@strawberry.type(
    description="Units of one SKU at one location that a reservation holds, or held; of a kit, its components."
)
@entity(t.reservation_lines, visibility.reservation_lines)
class ReservationLine:
    """A reservation's line."""

    sku: str = column("sku", "The SKU.")
    quantity: int = column("quantity", "Units: held while the reservation is ACTIVE, and those it held at its end.")
    location: Location = one(lambda line, place: place.c.id == line.c.location_id, "Where they lie.")
    variant: Variant = one(lambda line, variant: variant.c.id == line.c.variant_id, "What is held.")


@strawberry.type(description="Stock held for a cart until it is bought, given back or its time is over.")
@entity(t.reservations, visibility.reservations)
class Reservation(Node):
    """A reservation."""

    id: strawberry.ID = id_of("Reservation")
    status: ReservationStatus = column("status", "Where it stands.")
    reference: str = column("reference", "The cart's name, as whoever reserved calls it.")
    channel: Channel = one(lambda row, channel: channel.c.id == row.c.channel_id, "Where the cart is.")
    customer: Customer | None = one(
        lambda row, customer: customer.c.id == row.c.customer_id,
        "Whose it is; null where nobody was signed in, until it is bought.",
        follows=visibility.CUSTOMER_WITH_ORDER,
    )
    order: Order | None = one(lambda row, order: order.c.id == row.c.order_id, "The order that consumed it.")
    lines: list[ReservationLine] = many(
        lambda row, line: line.c.reservation_id == row.c.id,
        lambda line: [line.c.id],
        "What it holds, or held at its end; at most 100. Of what may be sold ahead of its supply this can be less than was asked "
        "for, or nothing: the order that buys it may still wait for the rest.",
        limit=100,
    )
    created_at: datetime = column("created_at", "Since when.")
    expires_at: datetime = column("expires_at", "When its units are given back unless it is bought or extended before.")
    ended_at: datetime | None = column(
        "ended_at", "When it was bought, given back or ran out; null while it is ACTIVE."
    )
    version: int = column("version", "Grows with every change.")
    available_actions: list[ReservationAction] = by_viewer(_actions, "What you may do next; at most 10.")


# -- lists -----------------------------------------------------------------------------------------------------------


@strawberry.enum(description="What reservations can be sorted by.")
class ReservationSortKey(Enum):
    """Sort keys; each has its indexes."""

    CREATED_AT = strawberry.enum_value("CREATED_AT", description="When they were made.")


@strawberry.input(description="How to sort reservations.")
class ReservationSort:
    """A sort key and its direction."""

    by: ReservationSortKey = strawberry.field(description="The key.")
    direction: SortDirection | None = strawberry.field(default=None, description="The latest first if left out.")


@strawberry.input(description="Which reservations; what is given must hold together.")
class ReservationFilter:
    """A filter of reservations."""

    status: list[ReservationStatus] | None = strawberry.field(default=None, description="In one of these.")
    reference: str | None = strawberry.field(default=None, description="Of this cart.")
    sku: str | None = strawberry.field(default=None, description="That hold units of this SKU now.")
    customer_id: strawberry.ID | None = strawberry.field(default=None, description="Of this customer.")
    order_id: strawberry.ID | None = strawberry.field(default=None, description="That this order consumed.")


def _holds_sku(row: FromClause, sku: Argument) -> ColumnElement[bool]:
    """Few carts hold anything at a time, and only they are in the index."""
    line = t.reservation_lines.alias()
    variant = select(t.variants.c.id).where(t.variants.c.sku == sku.bind(Text())).scalar_subquery()
    holding = select(line.c.reservation_id).where(line.c.variant_id == variant, line.c.held > 0)
    return row.c.id.in_(holding)


RESERVATION_FILTERS: dict[str, Condition] = {
    "status": lambda row, given: row.c.status == any_(given.bind(ARRAY(Text))),
    "reference": lambda row, given: row.c.reference == given.bind(Text()),
    "sku": _holds_sku,
    "customerId": lambda row, given: row.c.customer_id == given.key("Customer"),
    "orderId": lambda row, given: row.c.order_id == given.key("Order"),
}

RESERVATION_SORTS: dict[str, tuple[Sort, bool]] = {"CREATED_AT": (lambda row: [row.c.created_at, row.c.id], True)}
