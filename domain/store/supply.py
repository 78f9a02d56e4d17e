"""Questions about supply: suppliers, purchase orders, transfers and counts, each locked under the viewer's row scope."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import Table, Uuid, bindparam, select

from domain.counts import LINES_LIMIT, Shelf
from domain.ids import new_id
from domain.model import (
    PurchaseOrder,
    PurchaseOrderLine,
    StockCount,
    StockCountLine,
    StockLevel,
    StockMovement,
    Transfer,
    TransferLine,
)
from domain.store import tables as t
from domain.store import visibility
from domain.store.changes import columns_of
from domain.store.sql import Statement, compiled
from domain.store.visibility import VIEWER_PARAMETERS, Rule
from domain.viewer import Role, Scope, Viewer

# -- one by its id -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Noun:
    """What is locked by its own id: its row, its lines' rows, and who may act on it."""

    row: Any
    lines: Any
    key: str
    table: Table
    rule: Rule


NOUNS = {
    "PurchaseOrder": Noun(
        PurchaseOrder, PurchaseOrderLine, "purchase_order_id", t.purchase_orders, visibility.purchase_orders
    ),
    "TransferToPlan": Noun(Transfer, TransferLine, "transfer_id", t.transfers, visibility.transfers),
    "TransferToShip": Noun(Transfer, TransferLine, "transfer_id", t.transfers, visibility.transfers_from),
    "TransferToReceive": Noun(Transfer, TransferLine, "transfer_id", t.transfers, visibility.transfers_to),
    "StockCount": Noun(StockCount, StockCountLine, "stock_count_id", t.stock_counts, visibility.stock),
}
"""By what they are wanted for."""


@cache
def _lock(wanted: str, role: Role | None, scopes: frozenset[Scope]) -> Statement:
    noun = NOUNS[wanted]
    row = noun.table.alias()
    shaped = Viewer(kind=None, role=role, subject="", display_name="", scopes=scopes)  # type: ignore[arg-type]
    asked = select(*(row.c[name] for name in columns_of(noun.row)))
    return compiled(asked.where(row.c.id == bindparam("id", type_=Uuid), noun.rule(shaped, row)).with_for_update())


async def lock(connection: Any, wanted: str, key: UUID, viewer: Viewer) -> Any:
    """A purchase order, transfer or count with its lines, locked; None when the viewer may not act on it."""
    noun, statement = NOUNS[wanted], _lock(wanted, viewer.role, viewer.scopes)
    bounds = {name: VIEWER_PARAMETERS[name](viewer) for name in statement.names if name in VIEWER_PARAMETERS}
    found = await connection.fetchrow(statement.sql, *statement.values(id=key, **bounds))
    if found is None:
        return None
    columns = ", ".join(columns_of(noun.lines))
    asked = f"select {columns} from {noun.lines.table} where {noun.key} = $1 order by position"
    return noun.row(*found, tuple(noun.lines(*row) for row in await connection.fetch(asked, key)))


async def next_number(connection: Any, sequence: str) -> str:
    """The next number of purchase orders, transfers or counts."""
    number: str = await connection.fetchval("select nextval($1::regclass)::text", sequence)
    return number


# -- what is bought and moved --------------------------------------------------------------------------------------

SET_SUPPLIER = """
    insert into suppliers (id, code, name, email, phone, lead_time_days, created_at)
    values ($1, $2, $3, $4, $5, $6, $7)
    on conflict (code) do update set
        name = excluded.name, email = excluded.email, phone = excluded.phone, lead_time_days = excluded.lead_time_days
    returning id
"""


async def set_supplier(connection: Any, now: datetime, *columns: Any) -> UUID:
    """Create or change a supplier given as code, name, email, phone, lead time in days."""
    id_: UUID = await connection.fetchval(SET_SUPPLIER, new_id(), *columns, now)
    return id_


async def lead_time_of(connection: Any, supplier_id: UUID) -> tuple[UUID, int | None] | None:
    """(id, lead time in days) of a supplier; None where there is no such."""
    found = await connection.fetchrow("select id, lead_time_days from suppliers where id = $1", supplier_id)
    return tuple(found) if found else None


async def variants_by_sku(connection: Any, skus: Sequence[str]) -> dict[str, tuple[UUID, str]]:
    """(id, name) of variants by their SKUs."""
    rows = await connection.fetch("select sku, id, name from variants where sku = any($1)", list(skus))
    return {row["sku"]: (row["id"], row["name"]) for row in rows}


async def entries_that_left(connection: Any, transfer_id: UUID) -> list[StockMovement]:
    """The ledger's entries by which a transfer's units left the sender."""
    columns = ", ".join(columns_of(StockMovement))
    asked = f"select {columns} from stock_movements where act_id = $1 and kind = 'TRANSFER_OUT' order by id"
    return [StockMovement(*row) for row in await connection.fetch(asked, transfer_id)]


# -- what is counted -----------------------------------------------------------------------------------------------

SHELVES = f"""
    select {", ".join(f"level.{name}" for name in columns_of(StockLevel))}, v.sku, v.name,
        (
            select count.number from stock_count_lines line join stock_counts count on count.id = line.stock_count_id
            where line.stock_level_id = level.id and count.status = 'OPEN' limit 1
        )
    from stock_levels level join variants v on v.id = level.variant_id
    where level.id = any($1) order by v.sku
"""

LEVELS_THERE = """
    select s.id from stock_levels s
    where s.location_id = $1 and (s.on_hand > 0 or exists (select from stock_movements m where m.stock_level_id = s.id))
    limit $2
"""

SINCE = """
    select v.id, sum(case when m.from_bucket is null then m.quantity else -m.quantity end)::int
    from unnest($1::uuid[], $2::timestamptz[]) as v (id, moment)
    join stock_movements m on m.stock_level_id = v.id and m.recorded_at > v.moment
    where (m.from_bucket is null) <> (m.to_bucket is null) and ($3::text[] is null or m.kind = any($3))
    group by v.id
"""


async def levels_there(connection: Any, location_id: UUID) -> list[UUID]:
    """Levels of a location that have, or had, something; one more than a count may hold."""
    return [row["id"] for row in await connection.fetch(LEVELS_THERE, location_id, LINES_LIMIT + 1)]


async def shelves(connection: Any, level_ids: Collection[UUID]) -> list[Shelf]:
    """Levels as a count begins, by SKU. Lock them first: whoever counts one of them has committed then."""
    rows = await connection.fetch(SHELVES, list(level_ids))
    width = len(columns_of(StockLevel))
    return [Shelf(StockLevel(*row[:width]), *row[width:]) for row in map(tuple, rows)]


async def added_since(
    connection: Any, moments: Sequence[tuple[UUID, datetime]], kinds: Sequence[str] | None = None
) -> dict[UUID, int]:
    """What the ledger has added to each level since a moment, less what it took; of some kinds, or of all."""
    if not moments:
        return {}
    levels, since = zip(*moments, strict=True)
    return dict(await connection.fetch(SINCE, list(levels), list(since), list(kinds) if kinds else None))
