"""Questions about waves: which channels are due, and which of their orders may still move."""

from datetime import datetime
from typing import Any
from uuid import UUID

DUE = """
    UPDATE channels SET waved_at = $1
    WHERE wave_minutes > 0 AND (waved_at IS NULL OR waved_at <= $1::timestamptz - make_interval(mins => wave_minutes))
    RETURNING id, wave_saving_percent
"""

CHANNEL = "SELECT id, wave_saving_percent FROM channels WHERE code = $1"

WAITING = """
    SELECT o.id FROM orders o
    WHERE o.channel_id = $1 AND o.status IN ('PENDING', 'CONFIRMED', 'IN_FULFILLMENT') AND o.id > $2
      AND o.id IN (SELECT order_id FROM fulfillment_orders WHERE status IN ('SCHEDULED', 'OPEN'))
    ORDER BY o.id LIMIT $3
"""


async def due(connection: Any, now: datetime) -> list[tuple[UUID, int]]:
    """(channel, percent to be saved) of channels whose next wave is due; from now on it is another's turn."""
    return [tuple(row) for row in await connection.fetch(DUE, now)]


async def channel(connection: Any, code: str) -> tuple[UUID, int] | None:
    """(channel, percent to be saved) by its code."""
    row = await connection.fetchrow(CHANNEL, code)
    return tuple(row) if row else None


async def waiting(connection: Any, channel_id: UUID, after: UUID, limit: int) -> list[UUID]:
    """Orders of a channel with work that nobody has accepted, by their ids."""
    return [row["id"] for row in await connection.fetch(WAITING, channel_id, after, limit)]
