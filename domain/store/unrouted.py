"""Questions about the queue of what nobody could ship: who is due, who waits for what arrived, who has waited too long."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

DUE = """
    SELECT id, id, route_again_at FROM orders
    WHERE unrouted_at IS NOT NULL AND route_again_at <= $1 AND (route_again_at, id) > ($2, $3)
    ORDER BY route_again_at, id LIMIT $4
"""

OVERDUE = """
    SELECT o.id, c.unrouted_policy, o.placed_at FROM orders o JOIN channels c ON c.id = o.channel_id
    WHERE o.unrouted_at IS NOT NULL AND c.unrouted_policy <> 'WAIT'
      AND o.unrouted_at <= $1::timestamptz - make_interval(hours => c.unrouted_after_hours) AND (o.placed_at, o.id) > ($2, $3)
    ORDER BY o.placed_at, o.id LIMIT $4
"""

WANTED = """
    SELECT v.id FROM unnest($1::uuid[]) AS v (id)
    WHERE EXISTS (
        SELECT FROM order_lines line JOIN orders o ON o.id = line.order_id
        WHERE line.variant_id = v.id AND line.open > 0 AND o.unrouted_at IS NOT NULL
    )
"""

WANTING = """
    SELECT o.id, o.placed_at FROM orders o
    WHERE o.unrouted_at IS NOT NULL AND (o.placed_at, o.id) > ($2, $3)
      AND o.id IN (SELECT order_id FROM order_lines WHERE variant_id = $1 AND open > 0)
      AND EXISTS (
        SELECT FROM stock_levels level
        JOIN location_channels here ON here.location_id = level.location_id AND here.channel_id = o.channel_id
        WHERE level.variant_id = $1 AND level.available > 0
      )
    ORDER BY o.placed_at, o.id LIMIT $4
"""

OPEN = """
    SELECT o.version, line.id, line.open FROM orders o JOIN order_lines line ON line.order_id = o.id
    WHERE o.id = $1 AND o.unrouted_at IS NOT NULL AND line.open > 0 AND line.kit_line_id IS NULL ORDER BY line.position
"""

SET_POLICY = """
    UPDATE channels SET
        unrouted_policy = coalesce($2, unrouted_policy),
        unrouted_after_hours = coalesce($3, unrouted_after_hours),
        wave_minutes = coalesce($4, wave_minutes),
        wave_saving_percent = coalesce($5, wave_saving_percent)
    WHERE id = $1
"""

After = tuple[datetime, UUID]


async def due(connection: Any, until: datetime, after: After, limit: int) -> list[tuple[UUID, UUID, datetime]]:
    """(order, order, moment) of orders to be tried again, those first that waited longest for it."""
    return [tuple(row) for row in await connection.fetch(DUE, until, *after, limit)]


async def overdue(connection: Any, now: datetime, after: After, limit: int) -> list[tuple[UUID, str, datetime]]:
    """(order, its channel's policy, when it was placed) of orders that have waited as long as their channel lets them."""
    return [tuple(row) for row in await connection.fetch(OVERDUE, now, *after, limit)]


async def wanted(connection: Any, variant_ids: Sequence[UUID]) -> list[UUID]:
    """Those of these variants that somebody waits for."""
    return [row["id"] for row in await connection.fetch(WANTED, list(variant_ids))]


async def wanting(connection: Any, variant_id: UUID, after: After, limit: int) -> list[tuple[UUID, datetime]]:
    """(order, when it was placed) of who waits for a variant that a location of their channel has, the oldest first."""
    return [tuple(row) for row in await connection.fetch(WANTING, variant_id, *after, limit)]


async def open_units(connection: Any, order_id: UUID) -> tuple[int, list[tuple[UUID, int]]] | None:
    """(version, units by line) of what waits of an order; None where nothing does any more."""
    rows = await connection.fetch(OPEN, order_id)
    return (rows[0]["version"], [(row["id"], row["open"]) for row in rows]) if rows else None


async def set_policy(connection: Any, channel_id: UUID, *settings: Any) -> None:
    """A channel's policy, its hours, and when and for what it re-routes in waves; what is null stays as it is."""
    if any(setting is not None for setting in settings):
        await connection.execute(SET_POLICY, channel_id, *settings)
