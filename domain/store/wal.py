"""How far the write-ahead log has come: written by the primary, replayed by a replica.

An LSN alone says nothing once another server has taken over: the log then goes on from where that one was, and what
came after is lost. So it stands behind the epoch that `event_head` counts (see `log.enter_cluster`). A replica learns of
a new epoch from the log itself, after everything that was saved from the old one, so marks compare as pairs.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import asyncpg
from asyncpg.pool import PoolConnectionProxy

Connection = asyncpg.Connection | PoolConnectionProxy


class Mark(NamedTuple):
    """A point of the log. Who has replayed it, or a later one, has everything that was committed before it."""

    epoch: int
    lsn: int


BEGINNING = Mark(0, 0)

# Where the next record goes: behind every commit so far, also one that is not flushed (`synchronous_commit = off`).
WRITTEN = "SELECT epoch, pg_current_wal_insert_lsn() FROM event_head"

# What is flushed alone: the rest is not sent yet, and a replica without it is not slow.
SENT = "SELECT epoch, pg_current_wal_flush_lsn() FROM event_head"

# A promoted server goes on saying how far it had replayed; it is asked whether it still does.
REPLAYED = "SELECT epoch, CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() END FROM event_head"

# The mark first: reading may write as well (hint bits), and nobody has to wait for that.
READ_WITH_MARK = "SELECT (SELECT epoch FROM event_head), pg_current_wal_insert_lsn(), ({})"


class NotAReplica(Exception):
    """The server replays nobody's log: it is a primary, or was promoted to one."""


async def written(connection: Connection) -> Mark:
    """The mark behind everything that is committed by now; asks the primary."""
    return _mark(await connection.fetchrow(WRITTEN))


async def sent(connection: Connection) -> Mark:
    """The mark that a replica could have reached by now; asks the primary."""
    return _mark(await connection.fetchrow(SENT))


async def replayed(connection: asyncpg.Connection, *, within_seconds: float) -> Mark:
    """The mark that a replica has reached, or `NotAReplica`."""
    mark = _mark(await connection.fetchrow(REPLAYED, timeout=within_seconds))
    if mark.lsn is None:
        raise NotAReplica("it is no longer in recovery")
    return mark


async def read_with_mark(connection: Connection, sql: str, parameters: Sequence[Any]) -> tuple[Any, Mark]:
    """The only value that a statement reads, and the mark behind everything that was committed before, in one go."""
    row = await connection.fetchrow(READ_WITH_MARK.format(sql), *parameters)
    assert row is not None, "no FROM, so one row"
    epoch, lsn, value = row
    return value, Mark(epoch, lsn)


def _mark(row: asyncpg.Record | None) -> Mark:
    if row is None:
        raise LookupError("event_head has no row; the migrations put one there")
    return Mark(*row)
