"""Questions about stock records that do not agree: levels, their ledger, and who claims their units."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson

from domain.model import StockLevel
from domain.repairing import Drift, drifted
from domain.stock import Bucket
from domain.store.changes import columns_of
from domain.store.invariants.stock import ENTRIES, LEVEL_BUCKETS

CLAIMS = """
    select stock_level_id, 'ALLOCATED' as bucket, sum(held) as units from fulfillment_order_lines group by 1
    union all
    select stock_level_id, 'RESERVED', sum(held) from reservation_lines where held > 0 group by 1
"""
"""By level and bucket: units that somebody can name."""

CLAIMED_BUCKETS = frozenset({Bucket.ALLOCATED, Bucket.RESERVED})

COLUMNS = columns_of(StockLevel)

DRIFTED = f"""
    with summed as (select stock_level_id, bucket, sum(units)::integer as units from ({ENTRIES}) entry group by 1, 2),
    claimed as ({CLAIMS}),
    odd as (
        select level.id
        from stock_levels level cross join lateral (values {LEVEL_BUCKETS}) bucket (name, units)
        left join summed on summed.stock_level_id = level.id and summed.bucket = bucket.name
        left join claimed on claimed.stock_level_id = level.id and claimed.bucket = bucket.name
        where bucket.units <> coalesce(summed.units, 0)
           or (bucket.name = any($1) and bucket.units <> coalesce(claimed.units, 0))
        group by level.id
    )
    select {", ".join(f"level.{name}" for name in COLUMNS)}, variant.sku, place.code,
           (select coalesce(json_object_agg(bucket, units), '{{}}') from summed where stock_level_id = level.id) as ledger,
           (select coalesce(json_object_agg(bucket, units), '{{}}') from claimed where stock_level_id = level.id) as claims,
           (
               select coalesce(json_agg(json_build_array(o.number, part.order_line_id, part.held) order by part.id), '[]')
               from (
                   select * from fulfillment_order_lines part where part.stock_level_id = level.id and part.held > 0
                   order by part.id limit 100
               ) part
               join order_lines line on line.id = part.order_line_id join orders o on o.id = line.order_id
           ) as holders
    from odd join stock_levels level on level.id = odd.id
    join variants variant on variant.id = level.variant_id join locations place on place.id = level.location_id
    order by level.id limit $2
"""

OF_LEVEL = f"""
    select {", ".join(f"level.{name}" for name in COLUMNS)},
           (select coalesce(json_object_agg(bucket, units), '{{}}') from (
               select bucket, sum(units)::integer as units from ({ENTRIES}) entry
               where stock_level_id = level.id group by 1
           ) summed) as ledger,
           (select coalesce(json_object_agg(bucket, units), '{{}}') from ({CLAIMS}) claimed
            where stock_level_id = level.id) as claims
    from stock_levels level where level.id = $1
"""

LINES = """
    with held as (select order_line_id, sum(held) as units from fulfillment_order_lines group by 1)
    select o.number, line.id, line.sku, line.allocated + line.picked, coalesce(held.units, 0)::integer
    from order_lines line join orders o on o.id = line.order_id left join held on held.order_line_id = line.id
    where line.allocated + line.picked <> coalesce(held.units, 0)
      and not exists (select from order_lines part where part.kit_line_id = line.id)
    order by line.id limit $1
"""


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds units of a level."""

    order: str
    line_id: UUID
    units: int


@dataclass(frozen=True, slots=True)
class DriftedLevel:
    """A level that drifted, as people know it, and the work that holds units of it (the first 100)."""

    drift: Drift
    sku: str
    location: str
    holders: tuple[Holder, ...]


@dataclass(frozen=True, slots=True)
class DriftedLine:
    """An order line that claims other units than its work holds: no stock entry can mend that."""

    order: str
    line_id: UUID
    sku: str
    claims: int
    holds: int


async def drifted_levels(connection: Any, limit: int) -> list[DriftedLevel]:
    """Levels that their ledger, or those who hold their units, contradict."""
    rows = await connection.fetch(DRIFTED, [bucket.value for bucket in CLAIMED_BUCKETS], limit)
    return [
        DriftedLevel(
            _drift(row), row["sku"], row["code"], tuple(Holder(*each) for each in orjson.loads(row["holders"]))
        )
        for row in rows
    ]


async def drifted_lines(connection: Any, limit: int) -> list[DriftedLine]:
    """Order lines whose work holds other units than they claim."""
    return [DriftedLine(*row) for row in await connection.fetch(LINES, limit)]


async def drift_of(connection: Any, level_id: UUID) -> Drift | None:
    """How a level stands that is locked; None where nothing drifted any more."""
    row = await connection.fetchrow(OF_LEVEL, level_id)
    found: Sequence[Drift] = drifted([_drift(row)]) if row else []
    return found[0] if found else None


def _drift(row: Any) -> Drift:
    level = StockLevel(*(row[name] for name in COLUMNS))
    summed = {Bucket(name): units for name, units in orjson.loads(row["ledger"]).items()}
    claims = {Bucket(name): int(units) for name, units in orjson.loads(row["claims"]).items()}
    return Drift(level, summed, {bucket: claims.get(bucket, 0) for bucket in CLAIMED_BUCKETS})
