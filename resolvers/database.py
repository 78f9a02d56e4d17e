"""The pools: small ones, because a big pool on few cores only lengthens the queue inside PostgreSQL.

No statement of ours sets session state, so connections skip asyncpg's reset, a hidden second round trip.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import asyncpg
import orjson

from domain.store import wal
from domain.store.wal import Mark
from resolvers.lender import Lender, lending

if TYPE_CHECKING:
    from resolvers.replicas import Replicas

T = TypeVar("T")

STATEMENTS_KEPT = 1_000
CONNECT_SECONDS = 10
STATEMENT_SECONDS = 30
SESSION = {
    "TimeZone": "UTC",
    "jit": "off",
    "application_name": "ordergraph",
    "plan_cache_mode": "force_generic_plan",
}
WRITING = {**SESSION, "statement_timeout": f"{STATEMENT_SECONDS}s"}
READING = {
    **WRITING,
    "default_transaction_read_only": "on",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "max_parallel_workers_per_gather": "0",
}
"""A read is a page: its rows are found one by one, by index and in order. Other joins and helpers pay for whole tables,
and the planner takes to them where it misjudges how many rows two columns that go together will leave.
"""
SILENCE_SECONDS = STATEMENT_SECONDS + 5
"""After which a server that should have ended a statement is taken for gone."""
TRANSACTION_SECONDS = 120
"""The same for a transaction, which has several."""

Connection = asyncpg.Connection | asyncpg.pool.PoolConnectionProxy


class Unavailable(Exception):
    """The database does not answer; the caller may try again."""


class Elsewhere(Exception):
    """No replica answers this read; the primary does."""


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
    asyncpg.QueryCanceledError,  # it took longer than any may
)
"""What asyncpg raises when the server goes away, is not back yet, is full, or lets nobody into the database, or takes too long."""

NOT_HERE = (
    *GONE,
    asyncpg.TransactionRollbackError,  # the read stood in the way of the replay
    asyncpg.InsufficientResourcesError,
    asyncpg.SyntaxOrAccessError,  # a migration that has not arrived, or a right that was not given
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
)
"""What a replica may fail with where the primary may not."""


@dataclass(frozen=True, slots=True)
class Database:
    """One pool to read from, one to write with; replicas, where there are any, to read from first."""

    reads: Lender
    writes: Lender
    replicas: "Replicas | None" = None

    async def read(self, sql: str, *parameters: Any, after: Mark | None = None) -> bytes:
        """The JSON that a statement builds, untouched: as of now, or of a moment ago but not before `after`."""
        if self.replicas is None:
            return await self.read_own(sql, *parameters)
        return await self.ask_any(lambda connection: connection.fetchval(sql, *parameters), after)

    async def read_own(self, sql: str, *parameters: Any) -> bytes:
        """The same, certain to see everything that is committed: never a replica's."""
        try:
            built: bytes = await self.reads.fetchval(sql, *parameters)
            return built
        except GONE as error:
            raise Unavailable(str(error)) from error

    async def read_marked(self, sql: str, *parameters: Any) -> tuple[bytes, Mark | None]:
        """The same with its mark, in the same statement; there is none without replicas, where nobody needs it."""
        if self.replicas is None:
            return await self.read_own(sql, *parameters), None
        return await self.ask(lambda connection: wal.read_with_mark(connection, sql, parameters))

    async def mark(self) -> Mark | None:
        """The mark alone."""
        return None if self.replicas is None else await self.ask(wal.written)

    async def sent(self) -> Mark:
        """What the primary has sent to its replicas."""
        return await self.ask(wal.sent)

    async def ask_any(self, ask: Callable[[Connection], Awaitable[T]], after: Mark | None) -> T:
        """What `ask` finds on a replica that has replayed `after`, or else on the primary."""
        if self.replicas is not None:
            with suppress(Elsewhere):
                return await self.replicas.ask(ask, after)
        return await self.ask(ask)

    async def ask(self, ask: Callable[[Connection], Awaitable[T]]) -> T:
        """What `ask` finds on the primary."""
        try:
            async with self.reads.acquire() as connection:
                return await ask(connection)
        except GONE as error:
            raise Unavailable(str(error)) from error


async def as_bytes(connection: asyncpg.Connection) -> None:
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


def open_pool(
    url: str,
    size: int,
    session: dict[str, str],
    connect_seconds: float = CONNECT_SECONDS,
    statement_seconds: float | None = STATEMENT_SECONDS,
) -> asyncpg.Pool:
    """A pool that connects when it is asked, to be entered."""
    return asyncpg.create_pool(
        url,
        min_size=0,
        max_size=size,
        server_settings=session,
        timeout=connect_seconds,
        command_timeout=statement_seconds,
        init=as_bytes,
        reset=_tidy,
        statement_cache_size=STATEMENTS_KEPT,
        max_cached_statement_lifetime=0,
        max_cacheable_statement_size=200_000,
    )


@asynccontextmanager
async def open_database(url: str, *, reads: int, writes: int) -> AsyncIterator[Database]:
    """Both pools, for as long as the block runs."""
    async with (
        open_pool(url, reads, READING, statement_seconds=None) as reader,
        lending(reader, reads, SILENCE_SECONDS) as reading,
        open_pool(url, writes, WRITING, statement_seconds=None) as writer,
        lending(writer, writes, TRANSACTION_SECONDS) as writing,
    ):
        yield Database(reading, writing)
