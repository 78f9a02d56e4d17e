"""Mending a ledger: each level in a transaction of its own, looked at anew under its lock."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from domain import repairing
from domain.store import repairing as stored
from domain.store import stock
from domain.store.changes import Changes, write
from domain.viewer import SYSTEM
from resolvers.writing import act_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from uuid import UUID


async def mend(connection: Any, level_ids: Iterable[UUID], reason: str) -> int:
    """Mend these levels; gives how many entries that took."""
    entries = 0
    for level_id in level_ids:
        async with connection.transaction():
            entries += await _mended(connection, level_id, reason)
    return entries


async def _mended(connection: Any, level_id: UUID, reason: str) -> int:
    levels, moment = await stock.lock_levels(connection, [level_id])
    drift = await stored.drift_of(connection, level_id)
    if drift is None:  # somebody was quicker
        return 0
    ledger = repairing.mend(drift, act_of(SYSTEM, None, moment or datetime.now(UTC)), reason)
    changes = Changes()
    changes.turn(levels[level_id], ledger.levels[level_id])
    for entry in ledger.movements:
        changes.add(entry)
    changes.log(ledger.act, ledger.events)
    await write(connection, changes)
    return len(ledger.movements)
