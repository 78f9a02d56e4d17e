"""Availability: what a channel can promise now, when there will be more, by when it arrives, and where it waits."""

from datetime import datetime
from typing import Annotated, Any

import strawberry
from sqlalchemy import (
    ARRAY,
    ColumnElement,
    DateTime,
    Double,
    Integer,
    Select,
    Text,
    any_,
    case,
    cast,
    func,
    literal_column,
    null,
    select,
    true,
    union_all,
)
from sqlalchemy import column as name

from domain.places import prefixes
from domain.store import tables as t
from domain.store import visibility
from domain.viewer import Viewer
from resolvers.reading.arguments import Argument, Arguments, BadInput
from resolvers.reading.mapping import Row, Rows, Values, asks, column, inline, one
from schema.arrivals import delivery, distance, ready_at, shipping_places
from schema.common import CountryCode
from schema.sellable import backorderable, next_sellable, sellable
from schema.stock import Location, rounded

SKUS_LIMIT = 50
PICKUP_LIMIT = 20
FEW = 5
"""Stores that are told of where nobody says how many."""


# -- what is asked for -----------------------------------------------------------------------------------------------


@strawberry.input(description="Where goods are to go, as far as the buyer has said.")
class DestinationInput:
    """A country, and more if it is known."""

    country: CountryCode = strawberry.field(description="The country as ISO 3166-1 alpha-2.")
    postal_code: str | None = strawberry.field(
        default=None, description="Postal code; it stands for the place where past orders say that it is."
    )
    latitude: float | None = strawberry.field(default=None, description="Degrees north, if known better than that.")
    longitude: float | None = strawberry.field(default=None, description="Degrees east, likewise.")


def _skus(given: list[str]) -> list[str]:
    if len(given) > SKUS_LIMIT:
        raise BadInput(f"At most {SKUS_LIMIT} SKUs at once; {len(given)} were given.")
    return given


def _first(given: int) -> int:
    if not 0 <= given <= PICKUP_LIMIT:
        raise BadInput(f"Of 0 to {PICKUP_LIMIT} stores, not {given}.")
    return given


def _degrees(given: float) -> float:
    if not -180 <= given <= 180:
        raise BadInput("Degrees are -90 to 90 north and -180 to 180 east.")
    return given


def _parts(arguments: Arguments, name: str) -> dict[str, Argument]:
    return dict(arguments[name].parts()) if arguments.get(name) is not None else {}


def _coordinate(destination: dict[str, Argument], name: str) -> ColumnElement[Any]:
    """What the caller says, or where past orders say that the narrowest known area around the postal code is."""
    if {"latitude", "longitude"} <= destination.keys():
        return destination[name].bind(Double(), _degrees)
    if "postalCode" not in destination:
        return cast(null(), Double)
    area = t.postal_areas.alias()
    known = (
        select(area.c[f"sum_{name}"] / area.c.addresses)
        .where(
            area.c.country == destination["country"].bind(Text()),
            area.c.prefix == any_(destination["postalCode"].bind(ARRAY(Text), prefixes)),
        )
        .order_by(func.length(area.c.prefix).desc())
        .limit(literal_column("1"))
    )
    return known.correlate_except(area).scalar_subquery()


# -- the answer ------------------------------------------------------------------------------------------------------


def _channel(code: Any, viewer: Viewer) -> Select[Any]:
    """The channel; the database refuses where there is none, or none that the viewer sees (`told` says it)."""
    sold, seen = t.channels.alias(), t.channels.alias()
    id_ = select(seen.c.id).where(seen.c.code == code, visibility.channels(viewer, seen)).scalar_subquery()
    known = select(func.known_channel(code, id_).label("id")).subquery("known")
    return select(sold).join(known, sold.c.id == known.c.id)


def _offers(_row: Row, viewer: Viewer, arguments: Arguments) -> Select[Any]:
    """One row for each SKU that there is, in the order asked."""
    skus = func.unnest(arguments["skus"].bind(ARRAY(Text), _skus))
    asked = skus.table_valued(name("sku", Text), with_ordinality="ordinal").render_derived(name="asked")
    destination = _parts(arguments, "destination")
    country = destination["country"].bind(Text()) if destination else cast(null(), Text)
    coordinates = [_coordinate(destination, each).label(each) for each in ("latitude", "longitude")]
    where = select(country.label("country"), *coordinates).cte("destination")
    channel_ = _channel(arguments["channel"].bind(Text()), viewer).cte("channel")
    places = shipping_places(channel_, where).cte("places")
    variant = t.variants.alias()
    ready = select(func.jsonb_object_agg(cast(places.c.id, Text), ready_at(places))).where(places.c.leaves.is_not(None))
    return (
        select(
            variant.c.sku,
            variant.c.id.label("variant_id"),
            channel_.c.id.label("channel_id"),
            where.c.latitude,
            where.c.longitude,
            sellable(variant.c.id, channel_.c.id).label("sellable"),
            backorderable(variant).label("backorderable"),
            next_sellable(variant, channel_).label("next"),
            delivery(places, where, variant, channel_).label("delivery"),
            ready.correlate_except(places).scalar_subquery().label("ready"),
        )
        .select_from(asked.join(variant, variant.c.sku == asked.c.sku).join(channel_, true()).join(where, true()))
        .order_by(asked.c.ordinal)
        .limit(literal_column(str(SKUS_LIMIT)))
        .add_cte(where, channel_, places, nest_here=True)
    )


def _shelves(variant_id: Any) -> Any:
    """What each location has free of a variant; of a kit, how many it could put together."""
    level = t.stock_levels.alias()
    own = select(level.c.location_id, level.c.available.label("units")).where(level.c.variant_id == variant_id)
    part, lies, all_ = t.kit_components.alias(), t.stock_levels.alias(), t.kit_components.alias()
    number = select(func.count()).where(all_.c.kit_variant_id == variant_id).correlate_except(all_).scalar_subquery()
    kits = (
        select(lies.c.location_id, cast(func.min(func.div(lies.c.available, part.c.quantity)), Integer).label("units"))
        .where(part.c.kit_variant_id == variant_id, lies.c.variant_id == part.c.component_variant_id)
        .group_by(lies.c.location_id)
        .having(func.count() == number)
    )
    return union_all(own.correlate_except(level), kits.correlate_except(part, lies)).subquery()


def _stores(row: Row, _viewer: Viewer, arguments: Arguments) -> Select[Any]:
    """The channel's stores that have it, the nearest first."""
    shelf, serves, place = _shelves(row.c.variant_id), t.location_channels.alias(), t.locations.alias()
    km = distance(row, place)
    return (
        select(
            place.c.id.label("location_id"),
            km.label("km"),
            func.least(shelf.c.units, row.c.sellable).label("sellable"),
            cast(row.c.ready.op("->>")(cast(place.c.id, Text)), DateTime(timezone=True)).label("ready_at"),
        )
        .where(
            row.c.sellable > 0,
            shelf.c.units > 0,
            place.c.id == shelf.c.location_id,
            place.c.kind == "STORE",
            serves.c.location_id == place.c.id,
            serves.c.channel_id == row.c.channel_id,
        )
        .correlate_except(shelf, serves, place)
        .order_by(km.asc().nulls_last(), place.c.code)
        .limit(arguments["first"].bind(Integer(), _first))
    )


@strawberry.type(description="Supply that is not promised to anybody yet.")
class NextAvailable:
    """When, and how many."""

    at: datetime = column("at", "When it should be there: supply that is overdue counts as of now.")
    quantity: int = column("quantity", "Units that can be sold then: what orders wait for and the threshold is off.")


@strawberry.type(description="When an order of now arrives, by calendars and by the days that carriers state.")
class DeliveryEstimate:
    """A span of days."""

    earliest: datetime = column("earliest", "The beginning of the first day: by the quickest service.")
    latest: datetime = column("latest", "The end of the last day: by the slowest service.")
    cutoff: datetime = column("cutoff", "Until when an order counts for the first of them.")


@strawberry.type(description="A store where it can be fetched.")
class PickupPlace:
    """A store that has it."""

    location: Location = one(lambda row, place: place.c.id == row.c.location_id, "The store.")
    distance_km: float | None = column(
        lambda row: rounded(row.c.km, 1), "How far it is, as the crow flies; null where the destination is not known."
    )
    sellable: int = column("sellable", "Units that can be promised there.")
    ready_at: datetime | None = column(
        "ready_at", "When an order of now is ready there: by the end of its handling; null where it is closed for long."
    )


@strawberry.type(description="What a channel can promise of one SKU.")
class Availability:
    """One SKU in one channel."""

    sku: str = column("sku", "The SKU.")
    sellable: int = column(
        "sellable",
        "Units that can be promised now: what its locations have free, less the channel's threshold. A kit sells as its "
        "scarcest component; of a pre-order, nothing is given out of stock before its release.",
    )
    backorderable: int | None = column(
        "backorderable",
        "Units that may be ordered beyond that and wait for supply, by the variant's policy; null: as many as wanted.",
    )
    next_available: NextAvailable | None = inline(
        lambda row: Values(
            at=cast(row.c.next.op("->>")("at"), DateTime(timezone=True)),
            quantity=cast(row.c.next.op("->>")("quantity"), Integer),
        ),
        "When there will be more, from supply on its way; null while something is sellable, and where nothing comes.",
        present=lambda row: case((row.c.sellable == 0, row.c.next)),
    )
    delivery: DeliveryEstimate | None = inline(
        lambda row: Values(
            **{
                each: cast(row.c.delivery.op("->>")(each), DateTime(timezone=True))
                for each in ("earliest", "latest", "cutoff")
            }
        ),
        "When it arrives if ordered now; null where nothing is sellable, or no carrier's rate is set up for the way.",
        present=lambda row: case((row.c.sellable > 0, row.c.delivery)),
    )

    @asks(
        Rows(_stores, PICKUP_LIMIT),
        "The channel's stores that have it, the nearest first, by code where the destination is not known; at most 20.",
    )
    def pickup(
        self,
        first: Annotated[int, strawberry.argument(description="How many stores: 0 to 20.")] = FEW,
    ) -> list[PickupPlace]:
        """Where to fetch it."""


OFFERS = Rows(_offers, SKUS_LIMIT)
