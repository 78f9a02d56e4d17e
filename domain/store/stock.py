"""Questions about stock levels. They are locked by variant and location, in that order, always last."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import Uuid, bindparam, select

from domain.ids import new_id
from domain.model import StockLevel, StockMovement
from domain.store import tables as t
from domain.store import visibility
from domain.store.changes import columns_of
from domain.store.sql import Statement, compiled
from domain.store.visibility import VIEWER_PARAMETERS
from domain.viewer import Role, Scope, Viewer

COLUMNS = ", ".join(columns_of(StockLevel))

MOMENT = "with locked as ({}) select *, clock_timestamp() as now from locked"
"""What is locked, and when: asked of PostgreSQL once the lock is held, because every server has a clock of its own."""

LOCK = MOMENT.format(
    f"select {COLUMNS} from stock_levels where id = any($1) order by variant_id, location_id for no key update"
)

ENSURE = """
    insert into stock_levels (id, variant_id, location_id)
    select * from unnest($1::uuid[], $2::uuid[], $3::uuid[])
    on conflict (variant_id, location_id) do nothing
"""

LOCK_AT = MOMENT.format(f"""
    select {COLUMNS} from stock_levels
    where (variant_id, location_id) in (select * from unnest($1::uuid[], $2::uuid[]))
    order by variant_id, location_id for no key update
""")


LOCK_BOTH = MOMENT.format(f"""
    select {COLUMNS} from stock_levels where id in (
        select unnest($1::uuid[])
        union
        select level.id from unnest($2::uuid[], $3::uuid[]) as wanted (variant_id, location_id)
        join stock_levels level using (variant_id, location_id)
    )
    order by variant_id, location_id for no key update
""")

HOLDERS = """
    select work.order_id, part.held from fulfillment_order_lines part
    join fulfillment_orders work on work.id = part.fulfillment_order_id
    join orders o on o.id = work.order_id
    where part.stock_level_id = $1 and part.held > 0 and work.status in ('SCHEDULED', 'OPEN', 'ACCEPTED')
    order by work.status = 'ACCEPTED', o.placed_at desc, o.id
    limit $2
"""


def locked(rows: Iterable[Any]) -> tuple[list[StockLevel], datetime | None]:
    """Locked levels, and since when all of them are."""
    found = [tuple(row) for row in rows]
    return [StockLevel(*level) for *level, _ in found], max((moment for *_, moment in found), default=None)


async def lock_levels(connection: Any, ids: Iterable[UUID]) -> tuple[dict[UUID, StockLevel], datetime | None]:
    """Levels by id, locked in the global order, and since when."""
    levels, moment = locked(await connection.fetch(LOCK, list(set(ids))))
    return {level.id: level for level in levels}, moment


async def lock_levels_at(
    connection: Any, places: Iterable[tuple[UUID, UUID]], new_ids: Iterable[UUID]
) -> tuple[dict[tuple[UUID, UUID], StockLevel], datetime | None]:
    """Levels by (variant, location), locked, and since when; a level that does not exist yet is begun empty."""
    wanted = sorted(set(places))
    variants, locations = [variant for variant, _ in wanted], [location for _, location in wanted]
    fresh = [id_ for id_, _ in zip(new_ids, wanted, strict=False)]
    await connection.execute(ENSURE, fresh, variants, locations)
    levels, moment = locked(await connection.fetch(LOCK_AT, variants, locations))
    return {(level.variant_id, level.location_id): level for level in levels}, moment


async def lock_levels_and_places(
    connection: Any, ids: Iterable[UUID], places: Iterable[tuple[UUID, UUID]], new_ids: Iterable[UUID]
) -> tuple[dict[UUID, StockLevel], datetime | None]:
    """The same of levels by id together with those at places, all in the one order."""
    wanted = sorted(set(places))
    variants, locations = [variant for variant, _ in wanted], [location for _, location in wanted]
    fresh = [id_ for id_, _ in zip(new_ids, wanted, strict=False)]
    if wanted:
        await connection.execute(ENSURE, fresh, variants, locations)
    levels, moment = locked(await connection.fetch(LOCK_BOTH, list(set(ids)), variants, locations))
    return {level.id: level for level in levels}, moment


async def holders(connection: Any, level_id: UUID, limit: int) -> list[tuple[UUID, int]]:
    """(order, units) of work at a level of which nothing is picked, those first that lose their units first."""
    return [tuple(row) for row in await connection.fetch(HOLDERS, level_id, limit)]


BOUND = f"""
    select level.id, sum(waiting.units)
    from stock_levels level
    cross join lateral (
        select (line ->> 'quantity')::integer as units
        from work_items item cross join lateral jsonb_array_elements(item.payload -> 'lines') line
        where item.location_id = level.location_id and item.urgency < {3 * t.RANK // 2}
          and item.kind = 'PUT_BACK' and item.status <> 'DONE' and line ->> 'stockLevelId' = 'stk_' || level.id
        union all
        select line.received_quantity - line.inspected_quantity
        from return_lines line
        join returns back on back.id = line.return_id and back.location_id = level.location_id
        join order_lines bought on bought.id = line.order_line_id and bought.variant_id = level.variant_id
        where line.received_quantity > line.inspected_quantity
    ) waiting
    where level.id = any($1)
    group by level.id
"""


async def bound(connection: Any, level_ids: Iterable[UUID]) -> dict[UUID, int]:
    """By level: units in quality control that a return's inspection or a put-back still waits for. Lock levels first."""
    return dict(await connection.fetch(BOUND, list(level_ids)))


ENTRY = columns_of(StockMovement)


@cache
def _entry(role: Role | None, scopes: frozenset[Scope]) -> Statement:
    row = t.stock_movements.alias()
    shaped = Viewer(kind=None, role=role, subject="", display_name="", scopes=scopes)  # type: ignore[arg-type]
    wanted = select(*(row.c[name] for name in ENTRY)).where(row.c.id == bindparam("id", type_=Uuid))
    return compiled(wanted.where(visibility.stock(shaped, row)))


async def entry(connection: Any, key: UUID, viewer: Viewer) -> StockMovement | None:
    """A ledger entry, if the viewer may see it."""
    statement = _entry(viewer.role, viewer.scopes)
    given = [key if name == "id" else VIEWER_PARAMETERS[name](viewer) for name in statement.names]
    row = await connection.fetchrow(statement.sql, *given)
    return StockMovement(*row) if row else None


async def undone_by(connection: Any, key: UUID) -> UUID | None:
    """The reversal of an entry. Lock its level first."""
    return await connection.fetchval("select id from stock_movements where reverses_id = $1", key)  # type: ignore[no-any-return]


THRESHOLDS = """
    insert into channel_thresholds (id, channel_id, variant_id, units)
    select id, $1, variant_id, units from unnest($2::uuid[], $3::uuid[], $4::int[]) given (id, variant_id, units)
    order by variant_id
    on conflict (channel_id, variant_id) do update set units = excluded.units
"""


async def set_thresholds(connection: Any, channel_id: UUID, units: Mapping[UUID | None, int]) -> None:
    """What a channel does not sell of variants; None stands for all that have no threshold of their own."""
    fresh = [new_id() for _ in units]
    await connection.execute(THRESHOLDS, channel_id, fresh, list(units), list(units.values()))
