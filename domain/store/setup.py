"""Setting up channels, locations and the catalog: upserts by code or SKU, which a repeated call leaves as they are."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.ids import new_id

SET_CHANNEL = """
    insert into channels (id, code, name, currency, time_zone, return_window_days, created_at, locale)
    values ($1, $2, $3, $4, $5, coalesce($6, 30), $7, $8)
    on conflict (code) do update set
        name = excluded.name,
        time_zone = excluded.time_zone,
        return_window_days = coalesce($6, channels.return_window_days),
        locale = coalesce($8, channels.locale),
        network_version = channels.network_version + 1
    returning id, currency
"""

SET_LOCATION = """
    insert into locations
        (id, code, name, kind, line1, line2, city, region, postal_code, country, latitude, longitude, created_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
    on conflict (code) do update set
        name = excluded.name, kind = excluded.kind, line1 = excluded.line1, line2 = excluded.line2,
        city = excluded.city, region = excluded.region, postal_code = excluded.postal_code,
        country = excluded.country, latitude = excluded.latitude, longitude = excluded.longitude
    returning id
"""

CHANNELS_BY_CODE = "select code, id, currency from channels where code = any($1)"
CHANNEL_NAMES = "select code, name from channels order by code limit 100"

SERVE = """
    with others as (delete from location_channels where location_id = $1 and channel_id <> all($2::uuid[]))
    insert into location_channels (location_id, channel_id)
    select $1, unnest($2::uuid[])
    on conflict do nothing
"""

SET_COSTS = """
    with others as (delete from location_costs where location_id = $1 and currency <> all($2::text[]))
    insert into location_costs (location_id, currency, packing_minor, handling_minor)
    select $1, v.* from unnest($2::text[], $3::bigint[], $4::bigint[]) as v (currency, packing_minor, handling_minor)
    on conflict (location_id, currency) do update set
        packing_minor = excluded.packing_minor, handling_minor = excluded.handling_minor
"""

SET_PRODUCTS = """
    insert into products (id, code, name, category, created_at)
    select v.id, v.code, v.name, v.category, $5
    from unnest($1::uuid[], $2::text[], $3::text[], $4::text[]) as v (id, code, name, category)
    order by v.code
    on conflict (code) do update set name = excluded.name, category = coalesce(excluded.category, products.category)
    returning code, id
"""

SET_VARIANTS = """
    insert into variants (id, product_id, sku, name, weight_grams, length_mm, width_mm, height_mm, hazmat, created_at)
    select v.id, v.product_id, v.sku, v.name, v.weight_grams, v.length_mm, v.width_mm, v.height_mm, v.hazmat, $10
    from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::int[], $6::int[], $7::int[], $8::int[], $9::bool[])
        as v (id, product_id, sku, name, weight_grams, length_mm, width_mm, height_mm, hazmat)
    order by v.sku
    on conflict (sku) do update set
        product_id = excluded.product_id, name = excluded.name, weight_grams = excluded.weight_grams,
        length_mm = excluded.length_mm, width_mm = excluded.width_mm, height_mm = excluded.height_mm,
        hazmat = excluded.hazmat
    returning sku, id
"""

SET_PRICES = """
    insert into variant_prices (variant_id, channel_id, currency, amount_minor)
    select v.variant_id, v.channel_id, v.currency, v.amount_minor
    from unnest($1::uuid[], $2::uuid[], $3::text[], $4::bigint[]) as v (variant_id, channel_id, currency, amount_minor)
    order by v.variant_id, v.channel_id, v.currency
    on conflict (variant_id, channel_id, currency) do update set amount_minor = excluded.amount_minor
"""

SET_POLICIES = """
    update variants set backorder_policy = v.policy, backorder_limit = v.most, releases_at = v.moment
    from unnest($1::uuid[], $2::text[], $3::int[], $4::timestamptz[]) as v (id, policy, most, moment)
    where variants.id = v.id
"""

VARIANTS_BY_SKU = "select sku, id from variants where sku = any($1)"
LOCATION = "select id from locations where id = $1"


async def set_channel(connection: Any, now: datetime, **channel: Any) -> tuple[UUID, str]:
    """Create or change a channel; gives its id and the currency it has. A currency never changes."""
    row = await connection.fetchrow(
        SET_CHANNEL,
        new_id(),
        channel["code"],
        channel["name"],
        channel["currency"],
        channel["time_zone"],
        channel["return_window_days"],
        now,
        channel["locale"],
    )
    return row["id"], row["currency"]


async def set_location(connection: Any, now: datetime, columns: Sequence[Any], channel_ids: Sequence[UUID]) -> UUID:
    """Create or change a location, and say which channels it serves."""
    id_: UUID = await connection.fetchval(SET_LOCATION, new_id(), *columns, now)
    await connection.execute(SERVE, id_, list(channel_ids))
    return id_


async def set_network_of(
    connection: Any, location_id: UUID, columns: Mapping[str, Any], costs: Sequence[tuple[str, int, int]] | None
) -> None:
    """What routing knows of a location: some of its columns, and its costs where they are given."""
    if columns:
        sets = ", ".join(f"{name} = ${number}" for number, name in enumerate(columns, start=2))
        await connection.execute(f"update locations set {sets} where id = $1", location_id, *columns.values())
    if costs is not None:
        currencies, packing, handling = [[cost[part] for cost in costs] for part in range(3)]
        await connection.execute(SET_COSTS, location_id, currencies, packing, handling)


async def channel_names(connection: Any) -> dict[str, str]:
    """What channels are called, by code; the first hundred."""
    return {row["code"]: row["name"] for row in await connection.fetch(CHANNEL_NAMES)}


async def channels_by_code(connection: Any, codes: Sequence[str]) -> dict[str, tuple[UUID, str]]:
    """(id, currency) of channels by their codes."""
    rows = await connection.fetch(CHANNELS_BY_CODE, list(codes))
    return {row["code"]: (row["id"], row["currency"]) for row in rows}


async def set_products(connection: Any, now: datetime, rows: Sequence[tuple[str, str, str | None]]) -> dict[str, UUID]:
    """Create or change products given as (code, name, category); gives their ids by code."""
    codes, names, categories = zip(*rows, strict=True)
    fresh = [new_id() for _ in rows]
    found = await connection.fetch(SET_PRODUCTS, fresh, list(codes), list(names), list(categories), now)
    return {row["code"]: row["id"] for row in found}


async def set_variants(connection: Any, now: datetime, rows: Sequence[tuple[Any, ...]]) -> dict[str, UUID]:
    """Create or change variants given as (product, sku, name, grams, mm, mm, mm, hazmat); gives their ids by SKU."""
    columns = [list(column) for column in zip(*rows, strict=True)]
    found = await connection.fetch(SET_VARIANTS, [new_id() for _ in rows], *columns, now)
    return {row["sku"]: row["id"] for row in found}


async def set_prices(connection: Any, rows: Sequence[tuple[UUID, UUID, str, int]]) -> None:
    """Set list prices given as (variant, channel, currency, minor units)."""
    if rows:
        await connection.execute(SET_PRICES, *[list(column) for column in zip(*rows, strict=True)])


async def set_policies(connection: Any, rows: Sequence[tuple[UUID, str, int | None, datetime | None]]) -> None:
    """Set what may be sold beyond what is in stock, given as (variant, policy, limit, release)."""
    if rows:
        await connection.execute(SET_POLICIES, *[list(column) for column in zip(*rows, strict=True)])


async def variants_by_sku(connection: Any, skus: Sequence[str]) -> dict[str, UUID]:
    """Ids of variants by their SKUs."""
    return {row["sku"]: row["id"] for row in await connection.fetch(VARIANTS_BY_SKU, list(skus))}


async def location_exists(connection: Any, id_: UUID) -> bool:
    """Whether there is such a location."""
    return await connection.fetchval(LOCATION, id_) is not None
