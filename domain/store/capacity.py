"""Questions about the parcels of locations' days. They are locked by location and day, after stock levels."""

from collections.abc import Iterable
from datetime import date
from typing import Any
from uuid import UUID

LOCK = """
    insert into location_days as d (location_id, day, parcels)
    select v.location_id, v.day, 0 from unnest($1::uuid[], $2::date[]) as v (location_id, day)
    order by v.location_id, v.day
    on conflict (location_id, day) do update set parcels = d.parcels
    returning location_id, day, parcels
"""
"""A day that nobody was given anything for yet can be waited for as well."""


async def lock_days(connection: Any, days: Iterable[tuple[UUID, date]]) -> dict[tuple[UUID, date], int]:
    """How many parcels locations were given for days; nobody gives more of them before we are done."""
    wanted = sorted(set(days))
    rows = await connection.fetch(LOCK, [place for place, _ in wanted], [day for _, day in wanted])
    return {(row["location_id"], row["day"]): row["parcels"] for row in rows}
