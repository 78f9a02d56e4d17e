"""What falls due by the clock alone: holds that expire, providers that have not answered."""

from datetime import datetime
from typing import Any
from uuid import UUID

HOLDS_EXPIRED = """
    SELECT held.order_id, held.id, held.expires_at FROM order_holds held JOIN orders o ON o.id = held.order_id
    WHERE held.released_at IS NULL AND held.expires_at IS NOT NULL AND held.expires_at <= $1
      AND (held.expires_at, held.id) > ($2, $3)
      AND o.status IN ('PENDING', 'CONFIRMED', 'IN_FULFILLMENT')
    ORDER BY held.expires_at, held.id LIMIT $4
"""

UNANSWERED = """
    SELECT asked.order_id, asked.id, asked.recorded_at FROM payments asked
    WHERE asked.status = 'REQUESTED' AND asked.recorded_at <= $1 AND (asked.recorded_at, asked.id) > ($2, $3)
      AND NOT EXISTS (SELECT FROM payments answer WHERE answer.request_id = asked.id)
    ORDER BY asked.recorded_at, asked.id LIMIT $4
"""


async def holds_expired(
    connection: Any, until: datetime, after: tuple[datetime, UUID], limit: int
) -> list[tuple[UUID, UUID, datetime]]:
    """(order, hold, moment) of holds whose time is over, the longest first."""
    return [tuple(row) for row in await connection.fetch(HOLDS_EXPIRED, until, *after, limit)]


async def unanswered(
    connection: Any, until: datetime, after: tuple[datetime, UUID], limit: int
) -> list[tuple[UUID, UUID, datetime]]:
    """(order, requested entry, moment) of payments whose provider has not answered, the longest first."""
    return [tuple(row) for row in await connection.fetch(UNANSWERED, until, *after, limit)]


async def waits(connection: Any, request_id: UUID) -> bool:
    """Whether a requested payment has no answer yet."""
    found: bool = await connection.fetchval(
        "SELECT NOT EXISTS (SELECT FROM payments WHERE request_id = $1)", request_id
    )
    return found
