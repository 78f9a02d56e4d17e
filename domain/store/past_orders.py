"""Questions about orders of the past: what was to be shipped, and what of today's stock they took themselves.

Orders are read as the router was asked for them: what of their lines is not canceled, to where, at which moment, by when.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from asyncpg.pgproto.pgproto import UUID as FastUUID  # noqa: N811 - a uuid.UUID that parses six times faster

from domain.routing.model import DemandLine, Point
from domain.routing.network import Destination, Request
from domain.routing.simulation import PastOrder, Stock
from domain.sourcing import UNKNOWN_GRAMS


@dataclass(frozen=True, slots=True)
class Window:
    """A channel's orders of a time: from `placed_from` on, before `placed_to`."""

    channel_id: UUID
    placed_from: datetime
    placed_to: datetime


WINDOW = "o.channel_id = $1 and o.placed_at >= $2 and o.placed_at < $3 and o.status not in ('DRAFT', 'EXPIRED')"

SHIPPED_LINES = """
    l.order_id = o.id and l.quantity > l.canceled
    and not exists (select from order_lines component where component.kit_line_id = l.id)
"""
"""A kit ships as its components, whose lines say so."""

COUNT = f"""
    select count(*) from (
        select from orders o
        where {WINDOW} and exists (select from order_lines l where {SHIPPED_LINES})
        limit $4
    ) as found
"""

ENDS = f"select min(o.placed_at), max(o.placed_at) from orders o where {WINDOW}"

PROMISED_BY_ROUTER = """
    (
        select o.deliver_by_latest = max((parcel->>'deliver_by')::timestamptz)
            and o.deliver_by_earliest = min((parcel->>'deliver_from')::timestamptz)
        from jsonb_array_elements((
            select d.chosen from routing_decisions d where d.order_id = o.id order by d.id limit 1
        )) as parcel
    )
"""
"""Whether what the buyer was told is what the router itself came to: then nobody asked it of the router."""

ORDERS = f"""
    select json_build_array(
        o.id, o.placed_at, o.latitude, o.longitude, o.country, o.region, o.postal_code,
        o.deliver_by_latest, coalesce({PROMISED_BY_ROUTER}, false), l.lines
    )
    from orders o
    cross join lateral (
        select json_agg(
            json_build_array(
                l.id, l.sku, l.variant_id, l.quantity - l.canceled, v.weight_grams, l.unit_price_minor,
                greatest(v.length_mm, v.width_mm, v.height_mm), v.hazmat
            )
            order by l.position
        ) as lines
        from order_lines l join variants v on v.id = l.variant_id
        where {SHIPPED_LINES}
    ) as l
    where {WINDOW} and (o.placed_at, o.id) > ($4, $5) and l.lines is not null
    order by o.placed_at, o.id limit $6
"""

TAKEN = f"""
    select f.location_id, fl.variant_id, sum(fl.quantity - fl.short - fl.canceled) as units
    from orders o
    join fulfillment_orders f on f.order_id = o.id
    join fulfillment_order_lines fl on fl.fulfillment_order_id = f.id
    where {WINDOW} and f.status not in ('REJECTED', 'CANCELED')
    group by f.location_id, fl.variant_id
    having sum(fl.quantity - fl.short - fl.canceled) > 0
"""

STOCK = f"""
    select s.location_id, s.variant_id, s.available as units
    from stock_levels s
    join location_channels lc on lc.location_id = s.location_id and lc.channel_id = $1
    where s.available > 0 and s.variant_id in (
        select l.variant_id from orders o join order_lines l on l.order_id = o.id where {WINDOW}
    )
"""


async def count(connection: Any, window: Window, most: int) -> int:
    """How many orders there are; nobody counts on beyond `most`."""
    found: int = await connection.fetchval(COUNT, *_of(window), most)
    return found


async def years(connection: Any, window: Window) -> range:
    """The years in which the orders were placed, and the next, in which the last of them may ship."""
    first, last = await connection.fetchrow(ENDS, *_of(window))
    return range(first.year, last.year + 2) if first else range(0)


async def some(connection: Any, window: Window, after: tuple[datetime, UUID], limit: int) -> list[PastOrder]:
    """The next orders, in the order in which they were placed."""
    rows = await connection.fetch(ORDERS, *_of(window), *after, limit)
    return [_order(*orjson.loads(row[0])) for row in rows]


async def available(connection: Any, window: Window) -> Stock:
    """What is available today of all that these orders wanted."""
    return summed(await connection.fetch(STOCK, *_of(window)))


async def available_before(connection: Any, window: Window) -> Stock:
    """The same with what these orders took themselves put back to where they took it."""
    rows = [each for question in (STOCK, TAKEN) for each in await connection.fetch(question, *_of(window))]
    return summed(rows)


def summed(rows: Iterable[tuple[UUID, UUID, int]]) -> Stock:
    """Units of (location, variant, units)."""
    found: Stock = {}
    for location_id, variant_id, units in rows:
        at = found.setdefault(location_id, {})
        at[variant_id] = at.get(variant_id, 0) + int(units)
    return found


def _of(window: Window) -> tuple[UUID, datetime, datetime]:
    return window.channel_id, window.placed_from, window.placed_to


def _order(
    id_: str,
    placed_at: str,
    latitude: float | None,
    longitude: float | None,
    country: str | None,
    region: str | None,
    postal_code: str | None,
    promised: str | None,
    promised_by_router: bool,
    lines: list[list[Any]],
) -> PastOrder:
    promise = datetime.fromisoformat(promised) if promised else None
    point = None if latitude is None or longitude is None else Point(latitude, longitude)
    request = Request(
        lines=tuple(_lines(lines)),
        destination=Destination(point, country, region, postal_code),
        at=datetime.fromisoformat(placed_at),
        deliver_by=None if promised_by_router else promise,
    )
    return PastOrder(FastUUID(id_), request, promise)


def _lines(packed: list[list[Any]]) -> Iterator[DemandLine]:
    for id_, sku, variant_id, units, weight_grams, price_minor, longest_mm, hazmat in packed:
        yield DemandLine(
            line_id=FastUUID(id_),
            sku=sku,
            variant_id=FastUUID(variant_id),
            quantity=units,
            weight_grams=UNKNOWN_GRAMS if weight_grams is None else weight_grams,
            value_minor=price_minor,
            longest_mm=longest_mm,
            hazmat=hazmat,
        )
