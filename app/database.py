"""The database that this process works on: the one it was pointed at, or its own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from app.failure import Failure
from app.settings import Settings


class DatabaseError(Failure):
    """The database does not answer as it should; the message says what to look at."""


@asynccontextmanager
async def running_database(settings: Settings) -> AsyncIterator[str]:
    """The URL of the database, for as long as the block runs; the embedded PostgreSQL where none was given."""
    if settings.database_url is not None:
        yield settings.database_url
        return
    from app.postgres import EmbeddedPostgres  # noqa: PLC0415 - Unix only; a given database works anywhere

    async with EmbeddedPostgres(settings.data_dir) as server:
        yield server.url


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[asyncpg.Connection]:
    """One connection, or `DatabaseError` in words."""
    try:
        connection = await asyncpg.connect(url, timeout=10)
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, ValueError) as error:
        raise DatabaseError(f"the database does not answer: {str(error) or type(error).__name__}") from error
    try:
        yield connection
    finally:
        await connection.close()
