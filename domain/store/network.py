"""A channel's network: read whole when its version has changed, and kept in memory by whoever routes."""

import asyncio
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import orjson
from asyncpg.pgproto.pgproto import UUID as FastUUID  # noqa: N811 - hashed faster, and networks are asked by id

from domain.calendars import ISO_WEEKDAYS, holidays_of
from domain.routing.model import Point
from domain.routing.network import Calendar, Network, NetworkLocation, Prices, Rate, Ruleset
from domain.rulesets import fitted
from domain.stock import LocationKind
from domain.store.rulesets import ruleset_of

NETWORK = """
    select json_build_object(
        'version', c.network_version,
        'currency', c.currency,
        'prices_solved_at', c.prices_solved_at,
        'year', extract(year from now() at time zone c.time_zone)::int,
        'locations', (
            select coalesce(json_agg(json_build_object(
                'id', l.id, 'code', l.code, 'kind', l.kind, 'latitude', l.latitude, 'longitude', l.longitude,
                'country', l.country, 'region', l.region, 'tags', l.tags,
                'time_zone', coalesce(l.time_zone, c.time_zone), 'working_days', l.working_days,
                'cutoff', to_char(l.cutoff, 'HH24:MI'), 'handling_days', l.handling_days,
                'holiday_country', l.holiday_country, 'holiday_subdivision', l.holiday_subdivision,
                'closures', l.closures, 'daily_capacity', l.daily_capacity,
                'packing_minor', coalesce(cost.packing_minor, 0), 'handling_minor', coalesce(cost.handling_minor, 0)
            ) order by l.code), '[]')
            from locations l
            join location_channels lc on lc.location_id = l.id and lc.channel_id = c.id
            left join location_costs cost on cost.location_id = l.id and cost.currency = c.currency
        ),
        'rates', (
            select coalesce(json_agg(to_json(r) order by r.carrier, r.position), '[]')
            from carrier_rates r where r.currency = c.currency
        ),
        'rulesets', (
            select coalesce(json_agg(to_json(s)), '[]')
            from routing_rulesets s where s.channel_id = c.id and s.mode <> 'RETIRED'
        )
    )
    from channels c where c.id = $1
"""

STOCK_PRICES = "select location_id, variant_id, price_minor from routing_prices where channel_id = $1"
CAPACITY_PRICES = "select location_id, price_minor from routing_capacity_prices where channel_id = $1"

AT_ONCE = 2_000
"""Prices that are looked at before others get their turn: a millisecond of them."""


async def load(connection: Any, channel_id: UUID, years: Iterable[int] = ()) -> Network:
    """Everything about a channel that routing knows besides the order, its stock and the day's capacity.

    It is at least as new as its version says: whoever finds a newer one loads again. Whoever looks back says at which years.
    """
    packed = await connection.fetchval(NETWORK, channel_id)
    if packed is None:
        raise LookupError(f"no channel {channel_id}")
    found = orjson.loads(packed)
    days_off = await asyncio.to_thread(_days_off, found["locations"], {found["year"], found["year"] + 1, *years})
    rulesets = {each["mode"]: ruleset_of(each) for each in found["rulesets"]}
    rates = tuple(map(_rate, found["rates"])) or BUILT_IN
    locations = {place.id: place for place in map(partial(_location, days_off=days_off), found["locations"])}
    shadow = rulesets.get("SHADOW")
    return Network(
        version=found["version"],
        currency=found["currency"],
        locations=locations,
        rates=rates,
        live=fitted(rulesets.get("LIVE") or Ruleset(), rates, locations.values()),
        shadow=shadow and fitted(shadow, rates, locations.values()),
        prices=await _prices(connection, channel_id, found["prices_solved_at"]),
    )


BUILT_IN = (Rate(carrier="", service="STANDARD", base_minor=500.0, per_kg_1000km_minor=0.05, first_days=0),)
"""Where nobody set up what carriers charge: a parcel more costs more than a ton does on any way, and nearer is cheaper.

It has no carrier, by which what it says is known to be no price and no promise.
"""

Holidays = Mapping[tuple[str, str | None], frozenset[date]]


def _days_off(locations: list[Any], years: Iterable[int]) -> Holidays:
    """Public holidays of some years by calendar. A country's are worked out in some 50 ms: not in the loop."""
    calendars = {(place["holiday_country"], place["holiday_subdivision"]) for place in locations}
    return {
        (country, part): frozenset[date]().union(*(holidays_of(country, part, year) for year in years))
        for country, part in calendars
        if country is not None
    }


def _location(row: Mapping[str, Any], days_off: Holidays) -> NetworkLocation:
    known = row["latitude"] is not None and row["longitude"] is not None
    return NetworkLocation(
        id=FastUUID(row["id"]),
        code=row["code"],
        kind=LocationKind(row["kind"]),
        point=Point(row["latitude"], row["longitude"]) if known else None,
        country=row["country"],
        region=row["region"],
        tags=frozenset(row["tags"]),
        calendar=Calendar(
            time_zone=row["time_zone"],
            working_days=frozenset(ISO_WEEKDAYS[day] for day in row["working_days"]),
            holidays=days_off.get((row["holiday_country"], row["holiday_subdivision"]), frozenset())
            | frozenset(map(date.fromisoformat, row["closures"])),
            cutoff=row["cutoff"] and time.fromisoformat(row["cutoff"]),
            handling_days=row["handling_days"],
        ),
        daily_capacity=row["daily_capacity"],
        packing_minor=float(row["packing_minor"]),
        handling_minor=float(row["handling_minor"]),
    )


def _rate(row: Mapping[str, Any]) -> Rate:
    return Rate(
        carrier=row["carrier"],
        service=row["service"],
        base_minor=float(row["base_minor"]),
        per_kg_minor=float(row["per_kg_minor"]),
        per_kg_1000km_minor=float(row["per_kg_1000km_minor"]),
        first_days=row["first_days"],
        km_per_day=row["km_per_day"],
        location_kinds=frozenset(map(LocationKind, row["location_kinds"])),
        location_ids=frozenset(map(FastUUID, row["location_ids"])),
        countries=frozenset(row["countries"]),
        max_weight_grams=row["max_weight_grams"],
        takes_hazmat=row["takes_hazmat"],
    )


# -- shadow prices -------------------------------------------------------------------------------------------------


STALE = timedelta(days=8)
"""Older prices tell of stock that is long gone: whose workers stopped solving routes without any."""


async def _prices(connection: Any, channel_id: UUID, solved_at: str | None) -> Prices:
    if solved_at is None or datetime.fromisoformat(solved_at) < datetime.now(UTC) - STALE:
        return Prices()
    stock: dict[tuple[UUID, UUID], float] = {}
    for index, row in enumerate(await connection.fetch(STOCK_PRICES, channel_id)):
        stock[row[0], row[1]] = row[2]
        if index % AT_ONCE == AT_ONCE - 1:
            await asyncio.sleep(0)
    capacity = dict(map(tuple, await connection.fetch(CAPACITY_PRICES, channel_id)))
    return Prices(stock, capacity, datetime.fromisoformat(solved_at).astimezone(UTC))


async def store_prices(connection: Any, channel_id: UUID, prices: Prices) -> None:
    """Put these prices in the place of the channel's; its network has a new version from then on.

    To be called inside a transaction: whoever reads in between sees the former ones whole.
    """
    solved_at = prices.solved_at or datetime.now(UTC)
    await connection.execute(
        "update channels set network_version = network_version + 1, prices_solved_at = $2 where id = $1",
        channel_id,
        solved_at,
    )
    await connection.execute("delete from routing_prices where channel_id = $1", channel_id)
    await connection.execute("delete from routing_capacity_prices where channel_id = $1", channel_id)
    await connection.copy_records_to_table(
        "routing_prices",
        columns=("channel_id", "location_id", "variant_id", "price_minor"),
        records=[(channel_id, place, variant, price) for (place, variant), price in prices.stock.items() if price],
    )
    await connection.copy_records_to_table(
        "routing_capacity_prices",
        columns=("channel_id", "location_id", "price_minor"),
        records=[(channel_id, place, price) for place, price in prices.capacity.items() if price],
    )
