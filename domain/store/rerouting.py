"""Questions about work that is decided anew."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

PLACES = "select id, variant_id, location_id, sku from fulfillment_order_lines where id = any($1)"

CODES_UNLESS_SERVED = """
    select place.code, channel.code from locations place, channels channel
    where place.id = $1 and channel.id = $2
      and not exists (select from location_channels where location_id = $1 and channel_id = $2)
"""


async def places_of(connection: Any, line_ids: Sequence[UUID]) -> dict[UUID, tuple[UUID, UUID, str]]:
    """(variant, location, SKU) of lines of work, which never change."""
    if not line_ids:
        return {}
    return {row["id"]: tuple(row)[1:] for row in await connection.fetch(PLACES, list(line_ids))}


async def codes_unless_served(connection: Any, location_id: UUID, channel_id: UUID) -> tuple[str, str] | None:
    """(location, channel) by their codes, where the location does not serve the channel."""
    row = await connection.fetchrow(CODES_UNLESS_SERVED, location_id, channel_id)
    return tuple(row) if row else None
