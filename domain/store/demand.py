"""What is counted off the log: demand by day, and where postal codes are."""

from collections.abc import Collection, Mapping
from datetime import date
from typing import Any
from uuid import UUID

from domain.demand import KEPT_DAYS

DAYS = """
    select id, (placed_at at time zone 'UTC')::date from orders where id = any($1) and placed_at is not null
"""

COUNT = """
    insert into demand_days as known (variant_id, location_id, day, units)
    select * from unnest($1::uuid[], $2::uuid[], $3::date[], $4::int[])
    on conflict (variant_id, location_id, day) do update set units = known.units + excluded.units
"""

ADDRESSES = """
    select country, postal_code, latitude, longitude from orders
    where id = any($1) and country is not null and postal_code is not null
      and latitude is not null and longitude is not null
"""

PLACE = """
    insert into postal_areas as known (country, prefix, addresses, sum_latitude, sum_longitude)
    select * from unnest($1::text[], $2::text[], $3::bigint[], $4::float8[], $5::float8[])
    on conflict (country, prefix) do update set
        addresses = known.addresses + excluded.addresses,
        sum_latitude = known.sum_latitude + excluded.sum_latitude,
        sum_longitude = known.sum_longitude + excluded.sum_longitude
"""


FORGET = """
    delete from demand_days where (variant_id, location_id, day) in (
        select old.variant_id, old.location_id, old.day
        from locations place
        cross join lateral (
            select * from demand_days counted
            where counted.location_id = place.id and counted.day < (now() at time zone 'UTC')::date - $1::integer limit $2
        ) old
        limit $2
    )
"""
"""Location by location, because that is what there is an index for."""


async def days_of(connection: Any, order_ids: Collection[UUID]) -> dict[UUID, date]:
    """The day, in UTC, on which each order was placed."""
    return dict(await connection.fetch(DAYS, list(order_ids)))


async def count(connection: Any, units: Mapping[tuple[UUID, UUID, date], int]) -> None:
    """Add units to the days of variants at locations."""
    cells = list(units)
    columns = [[cell[at] for cell in cells] for at in range(3)]
    await connection.execute(COUNT, *columns, list(units.values()))


async def forget(connection: Any, limit: int) -> int:
    """Forget up to so many counts of days too long ago; how many there were."""
    tag: str = await connection.execute(FORGET, KEPT_DAYS, limit)
    return int(tag.rpartition(" ")[2])


async def addresses_of(connection: Any, order_ids: Collection[UUID]) -> list[tuple[str, str, float, float]]:
    """Country, postal code, latitude and longitude of the orders that tell all of them."""
    return [tuple(row) for row in await connection.fetch(ADDRESSES, list(order_ids))]


async def place(connection: Any, areas: Mapping[tuple[str, str], tuple[int, float, float]]) -> None:
    """Add addresses to areas: how many, and the sums of their coordinates."""
    columns = zip(*[(*area, *sums) for area, sums in sorted(areas.items())], strict=True)
    await connection.execute(PLACE, *map(list, columns))
