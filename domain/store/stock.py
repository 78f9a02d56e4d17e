"""Questions about stock levels. They are locked by variant and location, in that order, always last."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from domain.model import StockLevel
from domain.store.changes import columns_of

COLUMNS = ", ".join(columns_of(StockLevel))

LOCK = f"select {COLUMNS} from stock_levels where id = any($1) order by variant_id, location_id for update"

ENSURE = """
    insert into stock_levels (id, variant_id, location_id)
    select * from unnest($1::uuid[], $2::uuid[], $3::uuid[])
    on conflict (variant_id, location_id) do nothing
"""

LOCK_AT = f"""
    select {COLUMNS} from stock_levels
    where (variant_id, location_id) in (select * from unnest($1::uuid[], $2::uuid[]))
    order by variant_id, location_id for update
"""


async def lock_levels(connection: Any, ids: Iterable[UUID]) -> dict[UUID, StockLevel]:
    """Levels by id, locked in the global order."""
    rows = await connection.fetch(LOCK, list(set(ids)))
    return {row["id"]: StockLevel(*row) for row in rows}


async def lock_levels_at(
    connection: Any, places: Iterable[tuple[UUID, UUID]], new_ids: Iterable[UUID]
) -> dict[tuple[UUID, UUID], StockLevel]:
    """Levels by (variant, location), locked; a level that does not exist yet is begun empty."""
    wanted = sorted(set(places))
    variants, locations = [variant for variant, _ in wanted], [location for _, location in wanted]
    fresh = [id_ for id_, _ in zip(new_ids, wanted, strict=False)]
    await connection.execute(ENSURE, fresh, variants, locations)
    rows = await connection.fetch(LOCK_AT, variants, locations)
    return {(row["variant_id"], row["location_id"]): StockLevel(*row) for row in rows}
