"""Questions about what customers fetch at stores."""

from datetime import datetime
from typing import Any
from uuid import UUID

DECLINED = """
    SELECT part.variant_id, part.location_id, EXISTS (
        SELECT FROM stock_movements came
        WHERE came.stock_level_id = part.stock_level_id AND came.to_bucket = 'AVAILABLE'
          AND coalesce(came.from_bucket, '') NOT IN ('ALLOCATED', 'RESERVED')
          AND came.recorded_at > max(lost.recorded_at)
    ) AS arrived
    FROM order_lines line
    JOIN fulfillment_order_lines part ON part.order_line_id = line.id AND part.location_id = line.pickup_location_id
    JOIN fulfillment_orders work ON work.id = part.fulfillment_order_id
    JOIN stock_movements lost ON lost.line_id = part.id
        AND lost.stock_level_id = part.stock_level_id AND lost.from_bucket = 'ALLOCATED'
    WHERE line.order_id = $1 AND line.open > 0 AND work.kind = 'PICKUP' AND part.short > 0
    GROUP BY part.variant_id, part.location_id, part.stock_level_id
    HAVING max(lost.recorded_at) > $2
"""
"""What left a promise of a shelf and came back to it is no arrival: it was there when the store said no."""


async def declined(connection: Any, order_id: UUID, since: datetime) -> dict[tuple[UUID, UUID], bool]:
    """(variant, store) where an order's units are to be fetched and were not there; whether any arrived there since."""
    rows = await connection.fetch(DECLINED, order_id, since)
    return {(row["variant_id"], row["location_id"]): row["arrived"] for row in rows}
