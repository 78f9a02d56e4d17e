"""How far each reader of the log has come. It moves in the transaction that holds what the reader made of the events."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.store.log import HOLDS_AFTER, Place, telling_expiry

BEGIN = """
    INSERT INTO relays (name, epoch, position) SELECT $1, epoch, position FROM event_head
    ON CONFLICT (name) DO NOTHING
"""

LOCK = "SELECT epoch, position FROM relays WHERE name = $1 FOR UPDATE SKIP LOCKED"

MOVE = "UPDATE relays SET epoch = $2, position = $3 WHERE name = $1"

COLUMNS = (
    "epoch, position, id, type, subject_type, subject_id, sequence, order_id, customer_id, location_id, channel_id, "
    "variant_id, data, occurred_at, recorded_at"
)

AFTER = f"""
    SELECT {COLUMNS} FROM events WHERE {HOLDS_AFTER} AND (epoch, position) > ($1, $2) ORDER BY epoch, position LIMIT $3
"""


@dataclass(frozen=True, slots=True)
class LoggedEvent:
    """An event as it stands in the log."""

    epoch: int
    position: int
    id: int
    type: str
    subject_type: str
    subject_id: UUID
    sequence: int
    order_id: UUID | None
    customer_id: UUID | None
    location_id: UUID | None
    channel_id: UUID | None
    variant_id: UUID | None
    data: dict[str, Any]
    occurred_at: datetime
    recorded_at: datetime


async def begin(connection: Any, name: str) -> None:
    """A reader that is new begins at the log's end: what happened before it was there is not its business."""
    await connection.execute(BEGIN, name)


async def lock(connection: Any, name: str) -> Place | None:
    """How far the reader has come; None where another process reads for it just now."""
    row = await connection.fetchrow(LOCK, name)
    return Place(*row) if row else None


async def events_after(connection: Any, place: Place, limit: int) -> list[LoggedEvent]:
    """What came after a place, in order, or `CursorExpired`."""
    with telling_expiry():
        return [LoggedEvent(*row) for row in await connection.fetch(AFTER, *place, limit)]


async def move(connection: Any, name: str, event: LoggedEvent) -> None:
    """The reader has come as far as this event."""
    await connection.execute(MOVE, name, event.epoch, event.position)
