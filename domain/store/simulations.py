"""Simulations that are too large to be waited for: begun, gone on with from where they stand, and ended."""

import zlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from domain.store.past_orders import Window

BEGIN = """
    insert into routing_simulations (
        id, channel_id, ruleset_name, ruleset, placed_from, placed_to, status, total,
        requested_by_kind, requested_by, requested_at
    )
    values ($1, $2, $3, $4, $5, $6, 'WAITING', $7, $8, $9, $10)
"""

UNFINISHED = """
    select channel_id, placed_from, placed_to, ruleset, state from routing_simulations
    where id = $1 and finished_at is null
"""

ADVANCE = """
    update routing_simulations set status = 'RUNNING', processed = least($2, total), state = coalesce($3, state)
    where id = $1 and finished_at is null
"""

FINISH = """
    update routing_simulations
    set status = 'DONE', processed = total, state = null, result = $2, finished_at = now()
    where id = $1 and finished_at is null
"""

FAIL = """
    update routing_simulations set status = 'FAILED', state = null, error = $2, finished_at = now()
    where id = $1 and finished_at is null
"""


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A simulation that is to be begun, or gone on with."""

    window: Window
    ruleset: dict[str, Any]
    state: dict[str, Any] | None
    """Where it stood when that was last put on record."""


async def begin(
    connection: Any,
    id_: UUID,
    window: Window,
    ruleset: dict[str, Any],
    total: int,
    requested: tuple[str, str, datetime],
) -> None:
    """Put a simulation on record. `requested`: by which kind of party, by whom, and when."""
    times = window.placed_from, window.placed_to
    await connection.execute(BEGIN, id_, window.channel_id, ruleset["name"], ruleset, *times, total, *requested)


async def unfinished(connection: Any, id_: UUID) -> Unfinished | None:
    """A simulation, unless it has ended."""
    row = await connection.fetchrow(UNFINISHED, id_)
    if row is None:
        return None
    state = row["state"] and orjson.loads(zlib.decompress(row["state"]))
    return Unfinished(Window(row["channel_id"], row["placed_from"], row["placed_to"]), row["ruleset"], state)


async def advance(connection: Any, id_: UUID, processed: int, state: dict[str, Any] | None) -> None:
    """Say how far it has come; with a state, whoever goes on with it begins from here."""
    packed = None if state is None else zlib.compress(orjson.dumps(state), 1)
    await connection.execute(ADVANCE, id_, processed, packed)


async def finish(connection: Any, id_: UUID, result: dict[str, Any]) -> None:
    """Keep what came of it."""
    await connection.execute(FINISH, id_, result)


async def fail(connection: Any, id_: UUID, error: str) -> None:
    """Say that nothing comes of it, and why."""
    await connection.execute(FAIL, id_, error)
