"""How an order can reach its buyer, before it is one."""

from datetime import datetime
from typing import Any

import strawberry
from sqlalchemy import ARRAY, BigInteger, Integer, Text, Uuid, cast, func
from sqlalchemy import column as named
from sqlalchemy.dialects.postgresql import JSONB

from domain.fulfillment import FulfillmentKind
from domain.options import PARCELS_LIMIT, OptionLabel
from domain.store import tables as t
from domain.store import visibility
from resolvers.reading.mapping import Elements, Values, column, inline, one, reads
from schema.common import DateRange, Money, as_float, entity, money, words
from schema.fulfillment import SkuQuantity
from schema.stock import Location

words(OptionLabel, name="FulfillmentOptionLabel")

MOMENT = t.orders.c.placed_at.type


def _elements(name: str, *columns: Any) -> Elements:
    return Elements(lambda row: func.jsonb_to_recordset(row.c[name]).table_valued(*columns))


@strawberry.type(description="One parcel of an option.")
class FulfillmentOptionParcel:
    """An element of an option's parcels."""

    location: Location = one(
        lambda parcel, location: location.c.id == parcel.c.location_id,
        "From where it ships.",
    )
    lines: list[SkuQuantity] = reads(
        _elements("lines", named("sku", Text()), named("quantity", Integer())), "What is in it; at most 100."
    )
    service: str | None = column("service", "The carrier's service; null where none was set up.")
    ship_by: datetime | None = column("ship_by", "When it should leave, or can be fetched.")


def _of(name: str, type_: Any) -> Any:
    return lambda row: cast(row.c.doc[name].astext, type_)


def _minor(name: str) -> Any:
    return lambda row: Values(minor=_of(name, BigInteger())(row), currency=row.c.doc["currency"].astext)


@strawberry.type(description="A way for an order to reach its buyer: a quote, of which nothing is stored.")
class FulfillmentOption:
    """A quoted way."""

    id: strawberry.ID = column(
        _of("id", Text()),
        "The quote, signed: give it to `orderPlace`. Its price and promise hold until it expires; units are kept by a "
        "reservation alone.",
    )
    labels: list[OptionLabel] = column(
        lambda row: func.string_to_array(row.c.doc["labels"].astext, " ", type_=ARRAY(Text)),
        "What it is best at; at most 4.",
    )
    kind: FulfillmentKind = column(_of("kind", Text()), "Whether it is brought, or fetched at a store.")
    price: Money = inline(_minor("price_minor"), "What the buyer pays for shipping.")
    cost: Money | None = inline(
        _minor("cost_minor"),
        "What it costs the merchant; null where no carrier's rates are set up. Needs routing:read.",
        present=_of("cost_minor", BigInteger()),
    )
    deliver_by: DateRange | None = inline(
        lambda row: Values(
            earliest=_of("earliest", MOMENT)(row),
            latest=_of("latest", MOMENT)(row),
            confidence=as_float(row.c.doc["confidence"].astext),
        ),
        "When all of it will be there, or can be fetched; null where nobody can tell.",
        present=_of("latest", MOMENT),
    )
    parcels: list[FulfillmentOptionParcel] = reads(
        Elements(
            lambda row: func.jsonb_to_recordset(row.c.doc["parcels"]).table_valued(
                named("location_id", Uuid()),
                named("lines", JSONB()),
                named("service", Text()),
                named("ship_by", MOMENT),
            ),
            limit=PARCELS_LIMIT,
        ),
        "Its parcels; at most 20.",
    )
    expires_at: datetime = column(_of("expires_at", MOMENT), "Until when the quote holds.")


@strawberry.type(description="What a service costs the buyer in a channel.")
@entity(t.shipping_prices, visibility.anyone)
class ShippingPrice:
    """A shipping price."""

    service: str = column("service", "The carrier's service; PICKUP for goods that the buyer fetches.")
    price: Money = money("amount_minor", "What the buyer pays for an order by it.")
