"""The log's own statements: giving events their places, and reading what came after a place.

Writers insert events without a place. A stamper locks the head row, so one at a time in the whole cluster, and gives
every event that is committed by then the next positions in id order. The id was drawn while the subject was locked,
so a subject's events stand in the log as they happened; and a position that can be read is followed by no smaller one.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg
from asyncpg.pool import PoolConnectionProxy

Connection = asyncpg.Connection | PoolConnectionProxy

CHANNEL = "ordergraph_events"
"""What the stamper notifies, once per batch, and never a writer: NOTIFY takes a lock until its transaction ends."""


class Place(NamedTuple):
    """Where an event stands: positions go on through epochs, a fail-over or restore begins a new epoch."""

    epoch: int
    position: int

    @property
    def next(self) -> "Place":
        """The only place that can come right after, unless an epoch begins."""
        return Place(self.epoch, self.position + 1)


ORDER = "POSITION"
"""The name of the log's order in cursors."""


class CursorExpired(Exception):
    """What came right after a cursor was archived; the log goes on from `earliest`."""

    def __init__(self, earliest: Place) -> None:
        super().__init__(f"the log begins after {earliest.epoch}:{earliest.position}")
        self.earliest = earliest

    @classmethod
    def of(cls, error: asyncpg.NoDataFoundError) -> "CursorExpired":
        """As `log_holds_after` raised it."""
        epoch, position = str(error.detail).split(":")
        return cls(Place(int(epoch), int(position)))


Topic = tuple[str, UUID | None]
"""What can be followed: a column of the log and the id in it."""

EVERYTHING: Topic = ("", None)
TOPICS = ("order_id", "customer_id", "location_id", "channel_id", "variant_id")


@dataclass(frozen=True, slots=True)
class News:
    """That an event has its place, and whom it concerns."""

    place: Place
    id: int
    type: str
    order_id: UUID | None
    customer_id: UUID | None
    location_id: UUID | None
    channel_id: UUID | None
    variant_id: UUID | None

    @property
    def topics(self) -> Iterator[Topic]:
        """Every topic that it is news of, `EVERYTHING` aside."""
        for column in TOPICS:
            id_ = getattr(self, column)
            if id_ is not None:
                yield column, id_


NEWS_COLUMNS = ("epoch", "position", "id", "type", *TOPICS)
NEWS = ", ".join(NEWS_COLUMNS)


# -- stamping ----------------------------------------------------------------------------------------------------------

MAY_READ_CONTROL = "SELECT has_function_privilege('pg_control_system()', 'EXECUTE')"

# The timeline of the WAL being written, not the last checkpoint's: that one is late by minutes after a promotion.
TIMELINE = "left(pg_walfile_name(pg_current_wal_lsn()), 8)"
CLUSTER = f"SELECT system_identifier::text || '/' || {TIMELINE} FROM pg_control_system()"
CLUSTER_WITHOUT_CONTROL = f"SELECT oid::text || '/' || {TIMELINE} FROM pg_database WHERE datname = current_database()"

ENTER_CLUSTER = """
    UPDATE event_head SET cluster = $1, epoch = epoch + CASE cluster WHEN '' THEN 0 ELSE 1 END
    WHERE cluster <> $1
    RETURNING epoch
"""

HAS_UNSTAMPED = "SELECT EXISTS (SELECT FROM events WHERE position IS NULL)"

# A statement of its own: what the next one sees must begin after the lock was won.
LOCK_HEAD = "SELECT epoch, position FROM event_head FOR UPDATE"

STAMP = f"""
    WITH fresh AS MATERIALIZED (
        SELECT id FROM events WHERE position IS NULL ORDER BY id LIMIT $1
    ), places AS (
        SELECT id, $3::bigint + row_number() OVER (ORDER BY id) AS position FROM fresh
    ), stamped AS (
        UPDATE events SET epoch = $2::integer, position = places.position FROM places WHERE events.id = places.id
        RETURNING (occurred_at AT TIME ZONE 'UTC')::date AS day, {", ".join(f"events.{name}" for name in NEWS_COLUMNS)}
    ), days AS (
        INSERT INTO event_days (day, first_epoch, first_position, last_epoch, last_position)
        SELECT day, $2, min(position), $2, max(position) FROM stamped GROUP BY day
        ON CONFLICT (day) DO UPDATE SET last_epoch = excluded.last_epoch, last_position = excluded.last_position
    ), head AS (
        UPDATE event_head SET position = last.position
        FROM (SELECT max(position) AS position FROM places) AS last WHERE last.position IS NOT NULL
        RETURNING event_head.epoch, event_head.position
    )
    SELECT {NEWS}, (SELECT pg_notify($4::text, epoch || ':' || position) FROM head) FROM stamped ORDER BY position
"""


async def enter_cluster(connection: Connection) -> int | None:
    """Begin a new epoch where the log was last stamped in another cluster or timeline: its number, or None."""
    known = await connection.fetchval(MAY_READ_CONTROL)
    cluster = await connection.fetchval(CLUSTER if known else CLUSTER_WITHOUT_CONTROL)
    epoch: int | None = await connection.fetchval(ENTER_CLUSTER, cluster)
    return epoch


async def has_unstamped(connection: Connection) -> bool:
    """Whether any committed event waits for its place."""
    found: bool = await connection.fetchval(HAS_UNSTAMPED)
    return found


async def stamp(connection: Connection, limit: int) -> list[News]:
    """Give up to `limit` events their places: those that got one, in order."""
    async with connection.transaction(isolation="read_committed"):
        epoch, position = await head(connection, LOCK_HEAD)
        rows = await connection.fetch(STAMP, limit, epoch, position, CHANNEL)
    return [_news(row[:-1]) for row in rows]


STREAM = """
    SELECT 'ordergraph:events:' || cluster || ':' || (SELECT oid FROM pg_database WHERE datname = current_database())
    FROM event_head
"""


async def stream_name(connection: Connection) -> str:
    """A name for this log's news that no other database has, nor this one after a restore."""
    name: str = await connection.fetchval(STREAM)
    return name


# -- reading -----------------------------------------------------------------------------------------------------------

HEAD = "SELECT epoch, position FROM event_head"

HOLDS_AFTER = "(SELECT log_holds_after($1, $2))"
"""In the statement that reads on from a place, so that both see the same log. A subselect is asked once, not by month."""

NEWS_AFTER = f"""
    SELECT {NEWS} FROM events
    WHERE {HOLDS_AFTER} AND (epoch, position) > ($1, $2)
    ORDER BY epoch, position LIMIT $3
"""


async def head(connection: Connection, question: str = HEAD) -> Place:
    """The last place that was given."""
    row = await connection.fetchrow(question)
    if row is None:
        raise LookupError("event_head has no row; the migrations put one there")
    return Place(row["epoch"], row["position"])


async def news_after(connection: Connection, place: Place, limit: int) -> list[News]:
    """What came after a place, in order, or `CursorExpired`."""
    with telling_expiry():
        return [_news(row) for row in await connection.fetch(NEWS_AFTER, *place, limit)]


@contextmanager
def telling_expiry() -> Iterator[None]:
    """`CursorExpired` where a statement of the block asked `HOLDS_AFTER` and the log did not."""
    try:
        yield
    except asyncpg.NoDataFoundError as error:
        raise CursorExpired.of(error) from error


def _news(row: Iterable[Any]) -> News:
    epoch, position, *rest = row
    return News(Place(epoch, position), *rest)
