"""Questions about what kits consist of."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

COMPONENTS = "select sku, id from variants where sku = any($1) order by id for no key update"
"""Locked, so that nobody makes a kit of one meanwhile."""

SET = """
    with others as (
        delete from kit_components where kit_variant_id = any($1) and not exists (
            select from unnest($2::uuid[], $3::uuid[]) as v (kit, part)
            where (v.kit, v.part) = (kit_variant_id, component_variant_id)
        )
    )
    insert into kit_components (kit_variant_id, component_variant_id, quantity)
    select v.* from unnest($2::uuid[], $3::uuid[], $4::int[]) as v (kit, part, quantity)
    on conflict (kit_variant_id, component_variant_id) do update set quantity = excluded.quantity
"""

NESTED = """
    select v.sku from variants v
    where v.id = any($1) and exists (select from kit_components where kit_variant_id = v.id)
      and exists (select from kit_components where component_variant_id = v.id)
    order by v.sku limit 1
"""

STOCKED = """
    select v.sku from variants v join kit_components kit on kit.kit_variant_id = v.id
    where v.id = any($1) and exists (select from stock_levels where variant_id = v.id and on_hand > 0)
    order by v.sku limit 1
"""

KITS = """
    select v.sku from variants v
    where v.sku = any($1) and exists (select from kit_components where kit_variant_id = v.id) order by v.sku limit 1
"""


async def components(connection: Any, skus: Iterable[str]) -> dict[str, UUID]:
    """Variants by SKU, locked."""
    return {row["sku"]: row["id"] for row in await connection.fetch(COMPONENTS, sorted(skus))}


async def set_components(connection: Any, parts_of: Mapping[UUID, Sequence[tuple[UUID, int]]]) -> None:
    """Each of these kits consists of these (variant, units), and of nothing else."""
    rows = [(kit, part, units) for kit, parts in parts_of.items() for part, units in parts]
    await connection.execute(SET, list(parts_of), *([row[place] for row in rows] for place in range(3)))


async def nested(connection: Any, variant_ids: Iterable[UUID]) -> str | None:
    """One of these that is both a kit and a component."""
    found: str | None = await connection.fetchval(NESTED, list(variant_ids))
    return found


async def stocked(connection: Any, variant_ids: Iterable[UUID]) -> str | None:
    """One of these that is a kit and lies on a shelf."""
    found: str | None = await connection.fetchval(STOCKED, list(variant_ids))
    return found


async def kit_among(connection: Any, skus: Iterable[str]) -> str | None:
    """One of these that is a kit."""
    found: str | None = await connection.fetchval(KITS, list(skus))
    return found
