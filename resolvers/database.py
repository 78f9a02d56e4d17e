"""The pools: small ones, because a big pool on few cores only lengthens the queue inside PostgreSQL.

No statement of ours sets session state, so connections skip asyncpg's reset, a hidden second round trip.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg
import orjson

SESSION = {
    "TimeZone": "UTC",
    "jit": "off",
    "application_name": "ordergraph",
    "plan_cache_mode": "force_generic_plan",
}
READING = {
    **SESSION,
    "default_transaction_read_only": "on",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "max_parallel_workers_per_gather": "0",
}
"""A read is a page: its rows are found one by one, by index and in order. Other joins and helpers pay for whole tables,
and the planner takes to them where it misjudges how many rows two columns that go together will leave.
"""
STATEMENTS_KEPT = 1_000
CONNECT_SECONDS = 10
STATEMENT_SECONDS = 30

Connection = asyncpg.Connection | asyncpg.pool.PoolConnectionProxy


class Unavailable(Exception):
    """The database does not answer; the caller may try again."""


GONE = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
    asyncpg.ObjectNotInPrerequisiteStateError,
)
"""What asyncpg raises when the server goes away, is not back yet, is full, or lets nobody into the database."""


@dataclass(frozen=True, slots=True)
class Database:
    """One pool to read from, one to write with."""

    reads: asyncpg.Pool
    writes: asyncpg.Pool

    async def read(self, sql: str, *parameters: Any) -> bytes:
        """The JSON that a statement builds, untouched."""
        try:
            async with self.reads.acquire() as connection:
                built: bytes = await connection.fetchval(sql, *parameters)
                return built
        except GONE as error:
            raise Unavailable(str(error)) from error

    async def read_own(self, sql: str, *parameters: Any) -> bytes:
        """The same, certain to see what this process has just committed: never a replica's."""
        return await self.read(sql, *parameters)


async def _as_bytes(connection: asyncpg.Connection) -> None:
    """`json` comes as the bytes that PostgreSQL built; `jsonb` as Python values."""
    await connection.set_type_codec(
        "json", schema="pg_catalog", format="binary", encoder=orjson.dumps, decoder=lambda value: value
    )
    await connection.set_type_codec(
        "jsonb",
        schema="pg_catalog",
        encoder=lambda value: orjson.dumps(value, default=str).decode(),
        decoder=orjson.loads,
    )


async def _tidy(connection: asyncpg.Connection) -> None:
    """What asyncpg's reset undoes is never done here; only a transaction that was cut off has to end."""
    if connection.is_in_transaction():
        await connection.reset()


@asynccontextmanager
async def open_database(url: str, *, reads: int, writes: int) -> AsyncIterator[Database]:
    """Both pools, for as long as the block runs."""
    common: Any = {
        "dsn": url,
        "init": _as_bytes,
        "statement_cache_size": STATEMENTS_KEPT,
        "max_cached_statement_lifetime": 0,
        "max_cacheable_statement_size": 200_000,
        "timeout": CONNECT_SECONDS,
        "command_timeout": STATEMENT_SECONDS,
        "reset": _tidy,
    }
    async with (
        asyncpg.create_pool(**common, min_size=0, max_size=reads, server_settings=READING) as reader,
        asyncpg.create_pool(**common, min_size=0, max_size=writes, server_settings=SESSION) as writer,
    ):
        yield Database(reader, writer)
