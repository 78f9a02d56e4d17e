"""Bringing a database to the shape that this release expects. Milliseconds when it has it already."""

from pathlib import Path

import asyncpg
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

import migrations
from app.database import connected
from app.failure import Failure

FOLDER = Path(next(iter(migrations.__path__)))
LOCK = 0x6F72646572
"""The advisory lock ("order" in ASCII) that lets one process at a time migrate a database."""


class MigrationError(Failure):
    """The database cannot be brought to this release's shape; the message says why."""


async def upgrade(url: str) -> bool:
    """Apply the steps that are missing; whether there were any. Several processes may call this at once."""
    wanted = newest_revision()
    async with connected(url) as connection:
        if await _is_at(connection, wanted):
            return False
        await connection.execute("SELECT pg_advisory_lock($1)", LOCK)
        if await _is_at(connection, wanted):  # another process was first
            return False
        await _run_alembic(url)
        return True


def newest_revision() -> str | None:
    """The number of the last step, read from the file names: asking Alembic would load them all."""
    return max((path.name[:4] for path in (FOLDER / "versions").glob("[0-9][0-9][0-9][0-9]_*.py")), default=None)


async def current_revision(connection: asyncpg.Connection) -> str | None:
    """The last step that the database has seen."""
    if await connection.fetchval("SELECT to_regclass('alembic_version')") is None:
        return None
    found: str | None = await connection.fetchval("SELECT max(version_num) FROM alembic_version")
    return found


async def _is_at(connection: asyncpg.Connection, wanted: str | None) -> bool:
    current = await current_revision(connection)
    if current is not None and (wanted is None or current > wanted):
        raise MigrationError(
            f"The database is at step {current}, this release knows steps up to {wanted}: it needs a newer release."
        )
    return current == wanted


async def _run_alembic(url: str) -> None:
    engine = engine_for(url)
    try:
        async with engine.begin() as connection:
            await connection.run_sync(_upgrade_to_head)
    finally:
        await engine.dispose()


def _upgrade_to_head(connection: Connection) -> None:
    from alembic import command  # noqa: PLC0415 - a quarter of a second that most starts need not pay
    from alembic.config import Config  # noqa: PLC0415 - the same

    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def engine_for(url: str) -> AsyncEngine:
    """SQLAlchemy over asyncpg, which reads `url` itself: both forms of socket address are its own."""

    async def connect() -> asyncpg.Connection:
        return await asyncpg.connect(url)

    return create_async_engine("postgresql+asyncpg://", async_creator=connect, poolclass=NullPool)
