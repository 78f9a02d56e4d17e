"""An act: one thing somebody did at one moment, and the cause that every ledger entry and event of it names."""

from datetime import datetime
from uuid import UUID

from domain.model import row


@row
class Act:
    """Who did something, when it happened (`at`) and when we were told (`recorded_at`)."""

    id: UUID
    at: datetime
    recorded_at: datetime
    actor_kind: str
    actor_id: str
    actor_name: str
