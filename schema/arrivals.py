"""When an order of now arrives, or can be fetched, as SQL: by calendars, and by the days that carriers state."""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Date,
    DateTime,
    Integer,
    Interval,
    Select,
    Time,
    and_,
    any_,
    case,
    cast,
    func,
    literal_column,
    or_,
    select,
)
from sqlalchemy import column as name
from sqlalchemy.dialects.postgresql import aggregate_order_by

from domain.routing.distance import EARTH_RADIUS_KM
from domain.store import tables as t
from resolvers.reading.mapping import Row

CALENDAR_DAYS = 60
"""How far ahead a working day is looked for: whoever is closed for longer promises nothing."""
CLOSES = "18:00"
"""When a store's day ends that has no cut-off: what is made ready on a day can be fetched by then."""


def this_minute() -> ColumnElement[datetime]:
    """The moment of asking, by the minute: nobody goes by the seconds of a promise."""
    moment: ColumnElement[datetime] = func.date_trunc("minute", func.now())
    return moment


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


def shipping_places(channel: Row, where: Row) -> Select[Any]:
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


def ready_at(place: Row) -> ColumnElement[datetime]:
    """When it can be fetched: by the cut-off of the day on which it would leave, or by the day's end."""
    closes = func.coalesce(cast(place.c.cutoff, Interval), cast(literal_column(f"'{CLOSES}'"), Interval))
    return func.greatest(this_minute(), func.timezone(place.c.zone, place.c.leaves + closes))


def delivery(places: Row, where: Row, variant: Row, channel: Row) -> ColumnElement[Any]:
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
