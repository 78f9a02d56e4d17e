"""Questions about reservations: one by its id or by its cart, locked, with its lines; and those whose time is over."""

from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import Uuid, bindparam, select

from domain.model import Reservation, ReservationLine
from domain.store import tables as t
from domain.store import visibility
from domain.store.changes import columns_of
from domain.store.sql import Statement, compiled
from domain.store.visibility import VIEWER_PARAMETERS
from domain.viewer import Role, Scope, Viewer

COLUMNS = columns_of(Reservation)

OF_CART = f"""
    SELECT {", ".join(COLUMNS)} FROM reservations
    WHERE channel_id = (SELECT id FROM channels WHERE code = $1) AND holder = $2 AND reference = $3
      AND status = 'ACTIVE' FOR UPDATE
"""

LINES = f"SELECT {', '.join(columns_of(ReservationLine))} FROM reservation_lines WHERE reservation_id = $1 ORDER BY id"

OVER = """
    SELECT id, id, expires_at FROM reservations
    WHERE status = 'ACTIVE' AND expires_at <= $1 AND (expires_at, id) > ($2, $3)
    ORDER BY expires_at, id LIMIT $4
"""


@cache
def _lock(role: Role | None, scopes: frozenset[Scope]) -> Statement:
    row = t.reservations.alias()
    shaped = Viewer(kind=None, role=role, subject="", display_name="", scopes=scopes)  # type: ignore[arg-type]
    found = row.c.id == bindparam("id", type_=Uuid)
    asked = select(*(row.c[name] for name in COLUMNS))
    return compiled(asked.where(found, visibility.reservations_in_hand(shaped, row)).with_for_update())


async def lock(connection: Any, key: UUID, viewer: Viewer) -> Reservation | None:
    """A reservation, locked; None when it is somebody else's."""
    statement = _lock(viewer.role, viewer.scopes)
    bounds = {name: VIEWER_PARAMETERS[name](viewer) for name in statement.names if name in VIEWER_PARAMETERS}
    return await _with_lines(connection, await connection.fetchrow(statement.sql, *statement.values(id=key, **bounds)))


async def lock_of_cart(connection: Any, channel: str, holder: str, reference: str) -> Reservation | None:
    """What is reserved for a cart now, locked."""
    return await _with_lines(connection, await connection.fetchrow(OF_CART, channel, holder, reference))


async def _with_lines(connection: Any, row: Any) -> Reservation | None:
    """Read after the lock: whoever had it may have changed the lines."""
    if row is None:
        return None
    lines = await connection.fetch(LINES, row["id"])
    return Reservation(**dict(row), lines=tuple(ReservationLine(*line) for line in lines))


async def over(
    connection: Any, until: datetime, after: tuple[datetime, UUID], limit: int
) -> list[tuple[UUID, UUID, datetime]]:
    """(reservation, reservation, moment) of those whose time is over, the longest first."""
    return [tuple(row) for row in await connection.fetch(OVER, until, *after, limit)]
