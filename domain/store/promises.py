"""What promises are learned from, what was learned, and how well promises were kept."""

from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson

from domain.ids import new_id
from domain.promises import YEAR_DAYS, Journey, Model, Past, read, region, told
from domain.routing.distance import distance_km

CHANNELS = "select id, code, time_zone from channels where $1::text is null or code = $1 order by code"

MOST_PARCELS = 300_000
"""The latest are learned from: some 200 bytes and 20 microseconds for each."""

PAST = """
    select o.placed_at at time zone $2 as ordered_at, f.location_id, f.service,
        l.country as from_country, l.region as from_region, l.latitude as from_latitude, l.longitude as from_longitude,
        o.country, o.region, o.postal_code, o.latitude, o.longitude,
        (
            select case when bool_and(s.status = 'DELIVERED') then max(s.delivered_at) end
            from shipments s where s.fulfillment_order_id = f.id and s.status <> 'CANCELED'
        ) at time zone $2 as delivered_at
    from orders o
    join fulfillment_orders f on f.order_id = o.id
    join locations l on l.id = f.location_id
    where o.channel_id = $1 and o.placed_at >= $3 and o.placed_at < $4 and o.status in ('PENDING', 'CONFIRMED', 'IN_FULFILLMENT', 'COMPLETED')
        and f.kind = 'DELIVERY' and f.status not in ('CANCELED', 'REJECTED')
    order by o.placed_at desc
    limit $5
"""

KEEP = """
    with kept as (
        insert into promise_models (id, channel_id, learned_at, parcels, model) values ($1, $2, $3, $4, $5::jsonb)
    )
    update channels set promise_model_id = $1 where id = $2
"""

FORGET = """
    update promise_models set model = null
    where channel_id = $1 and model is not null
        and id not in (select id from promise_models where channel_id = $1 order by id desc limit $2)
"""
KEPT_MODELS = 8
"""Of older ones stays that they were: what they promised is on the orders."""

LOAD = "select model::text from promise_models where id = $1"

REPORT = """
    with promised as (
        select (o.placed_at at time zone c.time_zone)::date as ordered,
            (o.deliver_by_latest at time zone c.time_zone)::date as latest,
            (now() at time zone c.time_zone)::date as today,
            (
                select case when bool_and(s.status = 'DELIVERED') then (max(s.delivered_at) at time zone c.time_zone)::date end
                from shipments s where s.order_id = o.id and s.status <> 'CANCELED'
            ) as delivered,
            o.status, o.deliver_by_confidence
        from orders o join channels c on c.id = o.channel_id
        where c.code = $1 and o.placed_at >= $2 and o.placed_at < $3 and o.deliver_by_latest is not null
            and o.status not in ('DRAFT', 'CANCELED', 'EXPIRED')
    ),
    ended as (
        select *, status = 'COMPLETED' as arrived from promised
        where (status = 'COMPLETED' and delivered is not null) or (status <> 'COMPLETED' and latest < today)
    )
    select json_build_object(
        'orders', count(*),
        'overdue', count(*) filter (where not arrived),
        'late_rate', avg((not arrived or delivered > latest)::int)::float8,
        'promised_rate', avg(1 - deliver_by_confidence)::float8,
        'mean_promise_days', avg(latest - ordered)::float8,
        'mean_absolute_error_days', avg(abs(delivered - latest)) filter (where arrived)::float8
    )
    from ended
"""


async def channels(connection: Any, code: str | None) -> list[tuple[UUID, str, str]]:
    """(id, code, time zone) of one channel, or of all."""
    return [tuple(row) for row in await connection.fetch(CHANNELS, code)]


async def past(connection: Any, channel_id: UUID, time_zone: str, at: datetime) -> list[Past]:
    """The channel's parcels of the last year, as is known of them."""
    since = at - timedelta(days=YEAR_DAYS)
    rows = await connection.fetch(PAST, channel_id, time_zone, since, at, MOST_PARCELS)
    return [Past(_journey(row), row["delivered_at"] and row["delivered_at"].date()) for row in rows]


def _journey(row: Any) -> Journey:
    ends = row["from_latitude"], row["from_longitude"], row["latitude"], row["longitude"]
    return Journey(
        ordered_at=row["ordered_at"],
        location=str(row["location_id"]),
        origin=region(row["from_country"], row["from_region"]),
        destination=region(row["country"], row["region"]),
        postal_code=row["postal_code"],
        distance_km=None if None in ends else distance_km(*ends),
        service=row["service"],
    )


async def keep(connection: Any, channel_id: UUID, model: Model) -> UUID:
    """Put what was learned on record: it promises from now on."""
    id_ = new_id()
    packed = orjson.dumps(told(model)).decode()
    await connection.execute(KEEP, id_, channel_id, model.learned_at, model.parcels, packed)
    await connection.execute(FORGET, channel_id, KEPT_MODELS)
    return id_


async def load(connection: Any, model_id: UUID) -> Model | None:
    """What was learned; None where it was forgotten."""
    packed = await connection.fetchval(LOAD, model_id)
    return None if packed is None else read(orjson.loads(packed))


async def report(connection: Any, channel: str, first: date | datetime, end: date | datetime) -> dict[str, Any]:
    """How the promises of a time were kept. Days are those of the channel's clock."""
    found: dict[str, Any] = orjson.loads(await connection.fetchval(REPORT, channel, first, end))
    return found
