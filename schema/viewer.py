"""The viewer: who the token says is asking, and what that allows."""

import strawberry
from sqlalchemy import ARRAY, Text, any_, bindparam, true

from domain.store import visibility
from domain.viewer import Role, ViewerKind
from resolvers.reading.mapping import column, many, one
from schema.catalog import Channel
from schema.common import words
from schema.customers import Customer
from schema.stock import Location

words(ViewerKind)
words(Role)


@strawberry.type(description="Whoever holds the token.")
class Viewer:
    """The caller."""

    kind: ViewerKind = column(lambda _: bindparam("viewer_kind", type_=Text()), "What sort of party it is.")
    role: Role | None = column(
        lambda _: bindparam("viewer_role", type_=Text()), "The part it plays; null without a token."
    )
    scopes: list[str] = column(lambda _: bindparam("viewer_scopes", type_=ARRAY(Text)), "What it may do; at most 50.")
    channels: list[Channel] = many(
        lambda _row, _channel: true(),
        lambda channel: [channel.c.code],
        "The channels it may use; at most 100.",
        limit=100,
        follows=visibility.NOBODY,
    )
    customer: Customer | None = one(
        lambda _row, customer: customer.c.id == visibility.customer_id(),
        "The signed-in customer; null for anyone else.",
        follows=visibility.NOBODY,
    )
    locations: list[Location] = many(
        lambda _row, place: place.c.id == any_(visibility.location_ids()),
        lambda place: [place.c.code],
        "The locations it works at; at most 100.",
        limit=100,
    )
