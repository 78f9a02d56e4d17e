"""Questions about what waits for supply. Whoever adds to it holds the variants' rows; whoever fills it never waits.

Filling comes last in an act that holds stock already, so orders and levels that others hold are passed over: a job comes
back for them.
"""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.model import StockLevel
from domain.store.stock import COLUMNS, MOMENT, locked

LOCK = "select id from variants where id = any($1) order by id for no key update"
WAITING = """
    select variant_id, sum(backordered)::int from order_lines where variant_id = any($1) and backordered > 0 group by 1
"""

ANYBODY = "select exists (select from order_lines where variant_id = any($1) and backordered > 0)"

OLDEST = """
    select wait.order_id, wait.channel_id, min(wait.backordered_at) as since
    from unnest($1::uuid[]) as wanted (id)
    join variants v on v.id = wanted.id and (v.backorder_policy <> 'PREORDER' or v.releases_at <= $2)
    cross join lateral (
        select line.order_id, o.channel_id, line.backordered_at
        from order_lines line join orders o on o.id = line.order_id
        where line.variant_id = v.id and line.backordered > 0 and (line.backordered_at, line.order_id) > ($3, $4)
          and exists (
            select from stock_levels s
            join location_channels serves on serves.location_id = s.location_id and serves.channel_id = o.channel_id
            where s.variant_id = v.id and s.available > 0
          )
        order by line.backordered_at, line.order_id limit $5
    ) wait
    group by wait.order_id, wait.channel_id order by since, wait.order_id limit $5
"""

LOCK_ORDERS = "select id from orders where id = any($1) order by id for update skip locked"

LOCK_LEVELS = MOMENT.format(
    f"select {COLUMNS} from stock_levels where id = any($1) order by variant_id, location_id for no key update skip locked"
)

UNRELEASED = "select id from variants where id = any($1) and backorder_policy = 'PREORDER' and releases_at > $2"

SUPPLIED = """
    select distinct line.variant_id from order_lines line
    join variants v on v.id = line.variant_id and (v.backorder_policy <> 'PREORDER' or v.releases_at <= $1)
    where line.backordered > 0
      and exists (select from stock_levels s where s.variant_id = line.variant_id and s.available > 0)
"""

Place = tuple[datetime, UUID]
"""Where an order stands in the queue: since when, and its id."""


async def waiting(connection: Any, variant_ids: Collection[UUID]) -> dict[UUID, int]:
    """Units that wait, by variant. The variants are locked until the act ends, so nobody else can add to them."""
    await connection.execute(LOCK, list(variant_ids))
    return dict(await connection.fetch(WAITING, list(variant_ids)))


async def anybody(connection: Any, variant_ids: Collection[UUID]) -> bool:
    """Whether anybody waits for these variants."""
    found: bool = await connection.fetchval(ANYBODY, list(variant_ids))
    return found


async def oldest(
    connection: Any, variant_ids: Collection[UUID], now: datetime, after: Place, limit: int
) -> list[tuple[UUID, UUID, datetime]]:
    """(order, channel, since when) of whoever waits and could be served by a location that has some, the longest first."""
    return [tuple(row) for row in await connection.fetch(OLDEST, list(variant_ids), now, *after, limit)]


async def lock_orders(connection: Any, order_ids: Iterable[UUID]) -> set[UUID]:
    """The orders that nobody else holds, locked."""
    return {row["id"] for row in await connection.fetch(LOCK_ORDERS, list(order_ids))}


async def lock_levels(connection: Any, level_ids: Iterable[UUID]) -> tuple[dict[UUID, StockLevel], datetime | None]:
    """The levels that nobody else holds, locked, and since when."""
    levels, moment = locked(await connection.fetch(LOCK_LEVELS, list(level_ids)))
    return {level.id: level for level in levels}, moment


async def unreleased(connection: Any, variant_ids: Iterable[UUID], now: datetime) -> set[UUID]:
    """Which variants nothing is given of yet."""
    return {row["id"] for row in await connection.fetch(UNRELEASED, list(variant_ids), now)}


async def supplied(connection: Any, now: datetime) -> list[UUID]:
    """Variants that somebody waits for, and that there is stock of."""
    return [row["variant_id"] for row in await connection.fetch(SUPPLIED, now)]
