"""The log's months: one partition each, of the ids that were drawn in that month.

Ids come from one sequence. Month M, counted from the year 0, holds those from M · 2³⁶ on; when a month begins, the
sequence moves on to its first id. So the order of ids stays the order of the log, an id tells its partition, and
nothing depends on clocks: what is written before somebody has moved the sequence on goes to the month before. All ids
of this millennium are whole numbers to JavaScript too.
"""

import re
from datetime import datetime
from typing import Any, NamedTuple

import asyncpg

IDS = 2**36
"""More than anybody draws in a month. Who does goes on in the next month's partition, and nothing else happens."""

WRITTEN = re.compile(r"(\d{4})-(0[1-9]|1[0-2])")
LOCK_MILLISECONDS = 500
"""How long writers may have to stand behind us, while we wait for one that is slow."""


class Month(NamedTuple):
    """One month of the calendar, by UTC."""

    year: int
    number: int

    @classmethod
    def read(cls, written: str) -> "Month | None":
        """The month in a text such as 2026-11."""
        found = WRITTEN.fullmatch(written)
        return cls(int(found[1]), int(found[2])) if found and int(found[1]) > 0 else None

    @property
    def next(self) -> "Month":
        """The month after."""
        return Month(self.year + self.number // 12, self.number % 12 + 1)

    @property
    def first_id(self) -> int:
        """Its first id."""
        return (self.year * 12 + self.number - 1) * IDS

    @property
    def table(self) -> str:
        """The name of its partition."""
        return f"events_{self.year:04}_{self.number:02}"

    def __str__(self) -> str:
        return f"{self.year:04}-{self.number:02}"


FIRST_MONTH = Month(2000, 1)
"""Ids before this month's are in the first partition: what was written before anybody had moved the sequence on."""

NOW = "SELECT now() AT TIME ZONE 'UTC'"

# What changes partitions stands in line here. Writers and readers pass, and so does the vacuum of a partition.
LOCK_SHAPE = "LOCK TABLE ONLY events IN SHARE UPDATE EXCLUSIVE MODE"

# No writer is between drawing an id and committing, and of those who move the sequence there is one.
LOCK_WRITERS = "LOCK TABLE ONLY events IN SHARE ROW EXCLUSIVE MODE"

IS_THERE = "SELECT to_regclass($1) IS NOT NULL"

IS_ATTACHED = """
    SELECT EXISTS (SELECT FROM pg_inherits WHERE inhparent = 'events'::regclass AND inhrelid = to_regclass($1))
"""

IS_BEHIND = "SELECT last_value < $1 FROM events_id_seq"

MOVE_ON = "SELECT setval('events_id_seq', $1, false) FROM events_id_seq WHERE last_value < $1"


NOT_WHILE_SMALL = (
    "autovacuum_analyze_threshold = 10000, autovacuum_vacuum_threshold = 10000, "
    "autovacuum_vacuum_insert_threshold = 10000"
)
"""A partition that is known to be small is read from end to end, by plans that then stay while it grows."""

AS_IF_OF_MANY = "n_distinct = 100"
"""A statement is planned once for all values: where most events are of one channel, it would walk the log for any other."""


def _making(month: Month) -> str:
    """What makes a month's partition. To attach a table that is ready makes no writer wait, unlike PARTITION OF.

    PostgreSQL has no uniqueness across partitions but of the id; each has its own, and `verify` proves it of all.
    """
    name = month.table
    return f"""
        CREATE TABLE {name} (LIKE events INCLUDING DEFAULTS) WITH ({NOT_WHILE_SMALL});
        ALTER TABLE {name} ADD CONSTRAINT uq_{name}_subject_id_sequence UNIQUE (subject_id, sequence);
        CREATE UNIQUE INDEX uq_{name}_epoch_position ON {name} (epoch, position);
        ALTER TABLE {name} ALTER COLUMN channel_id SET ({AS_IF_OF_MANY});
        ALTER TABLE events ATTACH PARTITION {name} FOR VALUES FROM ({month.first_id}) TO ({month.next.first_id});
    """


async def now(connection: Any) -> Month:
    """The month that the database's clock shows."""
    moment: datetime = await connection.fetchval(NOW)
    return Month(moment.year, moment.month)


async def make(connection: Any, month: Month) -> bool:
    """Make a month's partition, unless it is there or was: no id of it is drawn any more. Whether it was made."""
    async with connection.transaction():
        await connection.execute(LOCK_SHAPE)
        is_there = await connection.fetchval(IS_THERE, month.table)
        if is_there or not await connection.fetchval(IS_BEHIND, month.first_id):
            return False
        await connection.execute(_making(month))
        return True


async def begin(connection: Any, month: Month) -> bool:
    """Let the ids that are drawn from now on be the month's, if they are not that far; whether they are, or further.

    No transaction that may have drawn an id before is left when the sequence moves. So the months before are closed, and
    as the stamper goes by ids, places follow the months too. False where one was in the way: try again.
    """
    if not await connection.fetchval(IS_BEHIND, month.first_id):
        return True
    try:
        async with connection.transaction():
            await connection.execute(f"SET LOCAL lock_timeout = {LOCK_MILLISECONDS}")
            await connection.execute(LOCK_WRITERS)
            if await connection.fetchval(IS_ATTACHED, month.table):
                await connection.execute(MOVE_ON, month.first_id)
    except asyncpg.LockNotAvailableError:
        return False
    return True
