"""Taking whole months out of the log: what may go, its rows, and the steps that let it go.

First the floor is raised, so that whoever would read on from a place before it is refused; then the partition goes. Each
step may be repeated, and the partition stands, attached or not, until the last of them.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from domain.store.log import Place
from domain.store.months import FIRST_MONTH, Month

LOCK = "SELECT pg_try_advisory_lock(0x61726368697665)"
"""("archive" in ASCII.) One process at a time takes months out."""

# A partition that was detached and not dropped, because somebody was broken off, is still there under its name.
PARTITIONS = r"""
    SELECT relname AS name, inhrelid IS NOT NULL AS is_attached, coalesce(inhdetachpending, false) AS is_detaching
    FROM pg_class LEFT JOIN pg_inherits ON inhrelid = pg_class.oid AND inhparent = 'events'::regclass
    WHERE relnamespace = (SELECT relnamespace FROM pg_class WHERE oid = 'events'::regclass) AND relkind = 'r'
      AND (relname = 'events_first' OR relname ~ '^events_\d{4}_\d{2}$')
    ORDER BY relname <> 'events_first', relname
"""

IS_CLOSED = "SELECT last_value >= $1 FROM events_id_seq"

RELAYS_BEHIND = "SELECT name FROM relays WHERE (epoch, position) < ($1, $2) ORDER BY name"

RAISE_FLOOR = """
    UPDATE event_head
    SET (floor_epoch, floor_position) = (
            SELECT epoch, position FROM (VALUES (floor_epoch, floor_position), ($1::integer, $2::bigint)) AS place (epoch, position)
            ORDER BY epoch DESC, position DESC LIMIT 1
        ),
        floor_recorded_at = greatest(floor_recorded_at, $3::timestamptz)
    RETURNING pg_current_xact_id()::xid
"""

# A transaction that has its snapshot, and not yet read the log, would see the old floor and the partition gone.
IS_SNAPSHOT_OLDER = """
    SELECT EXISTS (
        SELECT FROM pg_stat_activity
        WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()
          AND age(backend_xmin) >= age($1::xid)
    )
"""


@dataclass(frozen=True, slots=True)
class Partition:
    """A month of the log, or what there was before the first; it may stand half taken out."""

    name: str
    is_attached: bool
    is_detaching: bool

    @property
    def month(self) -> Month | None:
        """Its month; None for the first partition."""
        return Month.read(self.name.removeprefix("events_").replace("_", "-"))

    @property
    def end_id(self) -> int:
        """The id after its last."""
        return self.month.next.first_id if self.month else FIRST_MONTH.first_id


@dataclass(frozen=True, slots=True)
class Contents:
    """What a partition holds. Places and times are None where it holds nothing."""

    events: int
    unstamped: int
    first_id: int | None
    last_id: int | None
    first: Place | None
    last: Place | None
    first_recorded_at: datetime | None
    last_recorded_at: datetime | None


async def lock(connection: Any) -> bool:
    """Whether nobody else takes months out, until this connection ends."""
    won: bool = await connection.fetchval(LOCK)
    return won


async def partitions(connection: Any) -> list[Partition]:
    """All there are, the oldest first."""
    return [Partition(*row) for row in await connection.fetch(PARTITIONS)]


async def is_closed(connection: Any, partition: Partition) -> bool:
    """Whether no id of it will be drawn any more; all that were are committed or lost, for `months.begin` waited."""
    closed: bool = await connection.fetchval(IS_CLOSED, partition.end_id)
    return closed


async def contents(connection: Any, partition: Partition) -> Contents:
    """What a partition holds."""
    place = "SELECT epoch, position FROM {} WHERE position IS NOT NULL ORDER BY epoch {way}, position {way} LIMIT 1"
    first, last = [await connection.fetchrow(place.format(partition.name, way=way)) for way in ("ASC", "DESC")]
    row = await connection.fetchrow(f"""
        SELECT count(*), count(*) FILTER (WHERE position IS NULL), min(id), max(id), min(recorded_at), max(recorded_at)
        FROM {partition.name}
    """)
    events, unstamped, first_id, last_id, *recorded = row
    return Contents(
        events,
        unstamped,
        first_id,
        last_id,
        Place(*first) if first else None,
        Place(*last) if last else None,
        *recorded,
    )


async def rows(connection: Any, partition: Partition) -> AsyncIterator[str]:
    """Every event as JSON, in the order of ids."""
    async with connection.transaction(readonly=True):
        asked = f"SELECT row_to_json(event)::text FROM {partition.name} AS event ORDER BY id"
        async for row in connection.cursor(asked, prefetch=1_000):
            yield row[0]


async def relays_behind(connection: Any, place: Place) -> list[str]:
    """Readers of the log that have not come as far as this."""
    return [row["name"] for row in await connection.fetch(RELAYS_BEHIND, *place)]


async def raise_floor(connection: Any, contents: Contents) -> int:
    """Let the log begin after a partition's last place; which transaction that was."""
    xid: int = await connection.fetchval(RAISE_FLOOR, *(contents.last or Place(0, 0)), contents.last_recorded_at)
    return xid


async def has_older_snapshot(connection: Any, xid: int) -> bool:
    """Whether anybody may still read the log as it was before the floor was raised."""
    older: bool = await connection.fetchval(IS_SNAPSHOT_OLDER, xid)
    return older


async def drop(connection: Any, partition: Partition) -> None:
    """Let a partition go, while others read and write: to detach it like that waits for those who read it now."""
    if partition.is_attached:
        how = "FINALIZE" if partition.is_detaching else "CONCURRENTLY"
        await connection.execute(f"ALTER TABLE events DETACH PARTITION {partition.name} {how}")
    await connection.execute(f"DROP TABLE {partition.name}")
