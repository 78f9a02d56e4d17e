"""Availability: what a channel can promise now, when there will be more, by when it arrives, and where it waits."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any

import strawberry
from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Date,
    DateTime,
    Double,
    Integer,
    Interval,
    Select,
    Text,
    Time,
    and_,
    any_,
    case,
    cast,
    func,
    literal_column,
    null,
    or_,
    select,
    true,
    union_all,
)
from sqlalchemy import column as name
from sqlalchemy.dialects.postgresql import aggregate_order_by

from domain.places import prefixes
from domain.routing.distance import EARTH_RADIUS_KM
from domain.store import tables as t
from domain.store import visibility
from domain.viewer import Viewer
from resolvers.reading.arguments import Argument, Arguments, BadInput
from resolvers.reading.mapping import Row, Rows, Values, asks, column, inline, one
from schema.common import CountryCode
from schema.stock import Location, rounded

SKUS_LIMIT = 50
PICKUP_LIMIT = 20
FEW = 5
"""Stores that are told of where nobody says how many."""
CALENDAR_DAYS = 60
"""How far ahead a working day is looked for: whoever is closed for longer promises nothing."""
CLOSES = "18:00"
"""When a store's day ends that has no cut-off: what is made ready on a day can be fetched by then."""


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


# -- what is there ---------------------------------------------------------------------------------------------------


def _available(variant_id: Any, channel_id: Any) -> ColumnElement[int]:
    """Units of a variant that lie free where the channel ships from."""
    level, serves = t.stock_levels.alias(), t.location_channels.alias()
    units = select(func.coalesce(func.sum(level.c.available), 0)).where(
        level.c.variant_id == variant_id,
        serves.c.location_id == level.c.location_id,
        serves.c.channel_id == channel_id,
    )
    return units.correlate_except(level, serves).scalar_subquery()


def _threshold(variant_id: Any, channel_id: Any) -> ColumnElement[int]:
    """Units that the channel does not sell: the variant's own threshold, or that of all others."""
    kept = t.channel_thresholds.alias()
    units = (
        select(kept.c.units)
        .where(kept.c.channel_id == channel_id, or_(kept.c.variant_id == variant_id, kept.c.variant_id.is_(None)))
        .order_by(kept.c.variant_id.is_(None))
        .limit(literal_column("1"))
    )
    return func.coalesce(units.correlate_except(kept).scalar_subquery(), literal_column("0"))


def _is_ahead(variant: Row) -> ColumnElement[bool]:
    """Whether nothing is given out of stock yet: before the release, and until those who waited for it have theirs."""
    early = or_(variant.c.releases_at > func.now(), _waiting(variant.c.id) > 0)
    return and_(variant.c.backorder_policy == "PREORDER", early)


def _free(variant_id: Any, channel_id: Any) -> ColumnElement[int]:
    """Units of one variant that a channel can promise, taken by itself."""
    variant = t.variants.alias()
    ahead = select(variant.c.id).where(variant.c.id == variant_id, _is_ahead(variant)).correlate_except(variant)
    left = _available(variant_id, channel_id) - _threshold(variant_id, channel_id)
    free: ColumnElement[int] = case(
        (ahead.exists(), literal_column("0")), else_=func.greatest(literal_column("0"), left)
    )
    return free


def _by_components(kit_id: Any, of_one: Callable[[Row], Any], *, together: Callable[..., Any]) -> ColumnElement[Any]:
    """What the components of a kit come to together; null of a variant that is none."""
    part = t.kit_components.alias()
    found = select(together(of_one(part))).where(part.c.kit_variant_id == kit_id)
    return found.correlate_except(part).scalar_subquery()


def sellable(variant_id: Any, channel_id: Any) -> ColumnElement[int]:
    """Units that a channel can promise now; of a kit, as many as its scarcest component is enough for."""

    def kits(part: Row) -> ColumnElement[int]:
        return func.div(_free(part.c.component_variant_id, channel_id), part.c.quantity)

    return cast(
        func.coalesce(_by_components(variant_id, kits, together=func.min), _free(variant_id, channel_id)), Integer
    )


def _waiting(variant_id: Any) -> ColumnElement[int]:
    """Units that orders of any channel wait for: whatever comes is theirs first."""
    line = t.order_lines.alias()
    units = select(func.coalesce(func.sum(line.c.backordered), 0)).where(
        line.c.variant_id == variant_id, line.c.backordered > 0
    )
    return units.correlate_except(line).scalar_subquery()


def _backorderable(variant: Row) -> ColumnElement[int | None]:
    """Units that may be sold ahead of supply: what the limit leaves, all that anybody wants (null), or none."""
    ahead = or_(variant.c.backorder_policy == "BACKORDER", _is_ahead(variant))
    left = case(
        (
            variant.c.backorder_limit.is_not(None),
            func.greatest(literal_column("0"), variant.c.backorder_limit - _waiting(variant.c.id)),
        ),
    )
    return case((ahead, cast(left, Integer)), else_=literal_column("0"))


# -- what comes ------------------------------------------------------------------------------------------------------


def _left(variant_id: Any, channel_id: Any) -> ColumnElement[int]:
    """Units that are free now once orders have what they wait for and the threshold is off: often less than nothing."""
    left: ColumnElement[int] = (
        _available(variant_id, channel_id) - _threshold(variant_id, channel_id) - _waiting(variant_id)
    )
    return left


def _arriving(variant_id: Any, channel_id: Any) -> Any:
    """Supply on its way to where the channel ships from, with all that has arrived by then."""
    supply, serves = t.incoming.alias(), t.location_channels.alias()
    sums = func.sum(supply.c.quantity).over(order_by=[supply.c.expected_at, supply.c.id])
    found = select(supply.c.expected_at, supply.c.id, sums.label("units")).where(
        supply.c.variant_id == variant_id,
        serves.c.location_id == supply.c.location_id,
        serves.c.channel_id == channel_id,
    )
    return found.correlate_except(supply, serves).subquery()


def _there_at(variant_id: Any, channel_id: Any, needed: Any) -> ColumnElement[datetime]:
    """When so many units can be sold: now, after the first arrival that is enough, or at the release; null if never."""
    comes = _arriving(variant_id, channel_id)
    first = (
        select(comes.c.expected_at)
        .where(comes.c.units + _left(variant_id, channel_id) >= needed)
        .order_by(comes.c.expected_at, comes.c.id)
        .limit(literal_column("1"))
    )
    later = first.correlate_except(comes).scalar_subquery()
    at = case((_left(variant_id, channel_id) >= needed, _now()), else_=func.greatest(later, _now()))
    early = t.variants.alias()
    release = select(early.c.releases_at).where(early.c.id == variant_id, early.c.backorder_policy == "PREORDER")
    known = or_(_left(variant_id, channel_id) >= needed, later.is_not(None))
    return case((known, func.greatest(at, release.correlate_except(early).scalar_subquery())))


def _now() -> ColumnElement[datetime]:
    """This minute."""
    moment: ColumnElement[datetime] = func.date_trunc("minute", func.now())
    return moment


def _by_then(variant_id: Any, channel_id: Any, at: Any) -> ColumnElement[int]:
    """Units that are free when all is there that is expected by a moment."""
    comes = _arriving(variant_id, channel_id)
    units = select(func.coalesce(func.max(comes.c.units), literal_column("0"))).where(comes.c.expected_at <= at)
    free: ColumnElement[int] = _left(variant_id, channel_id) + units.correlate_except(comes).scalar_subquery()
    return free


def _next(variant: Row, channel: Row) -> ColumnElement[Any]:
    """The first moment at which one can be sold, and how many can then; a kit waits for the last of its components."""

    def part_at(part: Row) -> ColumnElement[Any]:
        return _there_at(part.c.component_variant_id, channel.c.id, part.c.quantity)

    def all_or_none(at: Any) -> ColumnElement[Any]:
        return case((func.count() == func.count(at), func.max(at)))

    part = t.kit_components.alias()
    is_kit = select(part.c.kit_variant_id).where(part.c.kit_variant_id == variant.c.id).correlate_except(part).exists()
    alone = _there_at(variant.c.id, channel.c.id, literal_column("1"))
    of_kit = _by_components(variant.c.id, part_at, together=all_or_none)
    # OFFSET 0: worked out once, not wherever it is used
    when = select(case((is_kit, of_kit), else_=alone).label("at"), is_kit.label("is_kit")).offset(literal_column("0"))
    then = when.correlate(variant, channel).subquery()

    def kits(component: Row) -> ColumnElement[int]:
        free = _by_then(component.c.component_variant_id, channel.c.id, then.c.at)
        return func.div(free, component.c.quantity)

    quantity = case(
        (then.c.is_kit, _by_components(variant.c.id, kits, together=func.min)),
        else_=_by_then(variant.c.id, channel.c.id, then.c.at),
    )
    found = select(func.json_build_object("at", then.c.at, "quantity", quantity)).where(then.c.at.is_not(None))
    return found.correlate_except(then).scalar_subquery()


# -- by when ---------------------------------------------------------------------------------------------------------


def _works(place: Row, day: Any) -> ColumnElement[bool]:
    """Whether people work at a location on a day: by its weekdays, its closures and its country's holidays."""
    holiday = t.public_holidays.alias()
    is_holiday = select(holiday.c.day).where(
        holiday.c.country == place.c.holiday_country,
        holiday.c.subdivision == func.coalesce(place.c.holiday_subdivision, ""),
        holiday.c.day == cast(day, Date),
    )
    return and_(
        func.to_char(day, "FMDAY") == any_(place.c.working_days),
        ~(cast(day, Date) == any_(place.c.closures)),
        ~is_holiday.correlate_except(holiday).exists(),
    )


def _working_day(place: Row, begin: Any, number: Any, condition: Any = None) -> ColumnElement[Any]:
    """The working day that comes after so many others, from a day on."""
    last = begin + cast(literal_column(f"'{CALENDAR_DAYS} days'"), Interval)
    step = cast(literal_column("'1 day'"), Interval)
    days = func.generate_series(begin, last, step).table_valued(name("day", DateTime)).render_derived(name="days")
    day = days.c.day
    found = select(day).where(_works(place, day))
    if condition is not None:
        found = found.where(condition(day))
    found = found.order_by(day).offset(number).limit(literal_column("1"))
    return found.correlate_except(days).scalar_subquery()


def _zone(place: Row, channel: Row) -> ColumnElement[str]:
    return func.coalesce(place.c.time_zone, channel.c.time_zone)


def _begins(place: Row, channel: Row) -> ColumnElement[Any]:
    """The day on which work on an order of now begins there: after the cut-off it is the next working day."""
    here = func.timezone(_zone(place, channel), func.now())
    today = func.date_trunc("day", here)

    def in_time(day: Any) -> ColumnElement[bool]:
        return or_(day > today, place.c.cutoff.is_(None), cast(here, Time) <= place.c.cutoff)

    return _working_day(place, today, literal_column("0"), in_time)


def distance(row: Row, place: Row) -> ColumnElement[float]:
    """Kilometers from a location to the row's point, as the crow flies; null where either is not known."""
    half_height = func.radians(row.c.latitude - place.c.latitude) / 2
    half_width = func.radians(row.c.longitude - place.c.longitude) / 2
    cosines = func.cos(func.radians(place.c.latitude)) * func.cos(func.radians(row.c.latitude))
    chord = func.power(func.sin(half_height), 2) + cosines * func.power(func.sin(half_width), 2)
    within = case((chord > 1, literal_column("1.0")), else_=chord)  # LEAST would make 1 of what is not known
    return literal_column(str(2 * EARTH_RADIUS_KM)) * func.asin(func.sqrt(within))


def _places(channel: Row, where: Row) -> Select[Any]:
    """The channel's locations: when work on an order of now begins there, when it leaves, and how far it is."""
    serves, place = t.location_channels.alias(), t.locations.alias()
    begun = (
        select(
            place.c.id,
            place.c.kind,
            place.c.working_days,
            place.c.closures,
            place.c.holiday_country,
            place.c.holiday_subdivision,
            place.c.handling_days,
            place.c.cutoff,
            _zone(place, channel).label("zone"),
            distance(where, place).label("km"),
            _begins(place, channel).label("begins"),
        )
        .where(serves.c.channel_id == channel.c.id, place.c.id == serves.c.location_id)
        .offset(literal_column("0"))  # its columns are worked out once, not wherever they are used
        .subquery()
    )
    leaves = _working_day(begun, begun.c.begins, begun.c.handling_days)
    return select(
        begun.c.id, begun.c.kind, begun.c.zone, begun.c.km, begun.c.cutoff, begun.c.begins, leaves.label("leaves")
    )


def _counts_until(place: Row) -> ColumnElement[datetime]:
    """Until when an order counts for the day on which work begins: its cut-off, or its end."""
    end = cast(literal_column("'1 day - 1 second'"), Interval)
    return func.timezone(place.c.zone, place.c.begins + func.coalesce(cast(place.c.cutoff, Interval), end))


def _ready_at(place: Row) -> ColumnElement[datetime]:
    """When it can be fetched: by the cut-off of the day on which it would leave, or by the day's end."""
    closes = func.coalesce(cast(place.c.cutoff, Interval), cast(literal_column(f"'{CLOSES}'"), Interval))
    return func.greatest(_now(), func.timezone(place.c.zone, place.c.leaves + closes))


def _delivery(places: Row, where: Row, variant: Row, channel: Row) -> ColumnElement[Any]:
    """When it arrives; a kit is there when the last of its components is."""
    part, component = t.kit_components.alias(), t.variants.alias()
    each = (
        select(_delivery_of(places, where, component, channel).label("span"))
        .where(part.c.kit_variant_id == variant.c.id, component.c.id == part.c.component_variant_id)
        .correlate_except(part, component)
        .subquery()
    )

    def moment(name_: str) -> Any:
        return cast(each.c.span.op("->>")(name_), DateTime(timezone=True))

    of_kit = select(
        func.json_build_object(
            "earliest", func.max(moment("earliest")), "latest", func.max(moment("latest")),
            "cutoff", func.min(moment("cutoff")),
        )
    ).having(func.count(each.c.span) == func.count())  # fmt: skip
    of_kit = of_kit.having(func.count() > 0)
    whole = of_kit.correlate_except(each).scalar_subquery()
    return func.coalesce(_delivery_of(places, where, variant, channel), whole)


def _delivery_of(places: Row, where: Row, variant: Row, channel: Row) -> ColumnElement[Any]:
    """By the calendars of the locations that have it and the days that carriers take: quickest service to slowest."""
    level, rate = t.stock_levels.alias(), t.carrier_rates.alias()
    days = rate.c.first_days + func.coalesce(func.floor(places.c.km / rate.c.km_per_day), literal_column("0"))
    reached = (
        select(
            rate.c.carrier,
            rate.c.service,
            (cast(places.c.leaves, Date) + cast(days, Integer)).label("day"),
            _counts_until(places).label("cutoff"),
        )
        .where(
            level.c.variant_id == variant.c.id,
            level.c.available > 0,
            places.c.id == level.c.location_id,
            places.c.leaves.is_not(None),
            rate.c.currency == channel.c.currency,
            or_(rate.c.location_kinds == _empty(), places.c.kind == any_(rate.c.location_kinds)),
            or_(rate.c.location_ids == _empty(), places.c.id == any_(rate.c.location_ids)),
            or_(rate.c.countries == _empty(), where.c.country == any_(rate.c.countries)),
            or_(rate.c.max_weight_grams.is_(None), variant.c.weight_grams <= rate.c.max_weight_grams),
            or_(rate.c.takes_hazmat, ~variant.c.hazmat),
        )
        .correlate_except(level, rate, places)
        .subquery()
    )
    by_service = (
        select(func.min(reached.c.day).label("day"), _of_the_first(reached).label("cutoff"))
        .group_by(reached.c.carrier, reached.c.service)
        .subquery()
    )
    zone, end = channel.c.time_zone, cast(literal_column("'1 day - 1 second'"), Interval)
    found = select(
        func.json_build_object(
            "earliest", func.timezone(zone, cast(func.min(by_service.c.day), DateTime)),
            "latest", func.timezone(zone, cast(func.max(by_service.c.day), DateTime) + end),
            "cutoff", _of_the_first(by_service),
        )
    ).having(func.count() > 0)  # fmt: skip
    return found.select_from(by_service).correlate_except(by_service).scalar_subquery()


def _of_the_first(reached: Row) -> ColumnElement[datetime]:
    """The cut-off that belongs to the first arrival; the later one where two arrive on that day."""
    ordered = aggregate_order_by(reached.c.cutoff, reached.c.day, reached.c.cutoff.desc())
    return func.array_agg(ordered, type_=ARRAY(DateTime(timezone=True)))[literal_column("1")]


def _empty() -> ColumnElement[Any]:
    return literal_column("'{}'")


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
    places = _places(channel_, where).cte("places")
    variant = t.variants.alias()
    ready = select(func.jsonb_object_agg(cast(places.c.id, Text), _ready_at(places))).where(
        places.c.leaves.is_not(None)
    )
    return (
        select(
            variant.c.sku,
            variant.c.id.label("variant_id"),
            channel_.c.id.label("channel_id"),
            where.c.latitude,
            where.c.longitude,
            sellable(variant.c.id, channel_.c.id).label("sellable"),
            _backorderable(variant).label("backorderable"),
            _next(variant, channel_).label("next"),
            _delivery(places, where, variant, channel_).label("delivery"),
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
