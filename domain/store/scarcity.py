"""Questions about channels whose stock is to be priced."""

from typing import Any
from uuid import UUID

CHANNELS = "select id, code from channels where $1::text is null or code = $1 order by code"

STOCK = """
    select s.location_id, s.variant_id, s.available as units
    from stock_levels s
    join location_channels lc on lc.location_id = s.location_id and lc.channel_id = $1
    where s.available > 0 and s.variant_id = any($2)
"""

IS_PRICED = "select prices_solved_at is not null from channels where id = $1"


async def channels(connection: Any, code: str | None) -> list[tuple[UUID, str]]:
    """(id, code) of a channel, or of each."""
    return [tuple(row) for row in await connection.fetch(CHANNELS, code)]


async def stock_of(connection: Any, channel_id: UUID, variant_ids: set[UUID]) -> dict[UUID, dict[UUID, int]]:
    """What is available of some variants, by location and variant, where the channel ships from."""
    found: dict[UUID, dict[UUID, int]] = {}
    for location_id, variant_id, units in await connection.fetch(STOCK, channel_id, list(variant_ids)):
        found.setdefault(location_id, {})[variant_id] = units
    return found


async def is_priced(connection: Any, channel_id: UUID) -> bool:
    """Whether the channel's stock has prices."""
    found: bool = await connection.fetchval(IS_PRICED, channel_id)
    return found
