"""Alembic's entry: `app.migrate` hands over its connection; Alembic's own command line makes one from DATABASE_URL."""

import asyncio
from collections.abc import Iterable
from typing import Any

from alembic import context
from alembic.operations.ops import MigrationScript
from sqlalchemy import Connection

from app.migrate import engine_for, newest_revision
from app.settings import read_settings
from domain.store.tables import metadata


def migrate(connection: Connection) -> None:
    """Apply what the command asks for, all in one transaction."""
    context.configure(
        connection=connection,
        target_metadata=metadata,
        compare_server_default=True,
        process_revision_directives=number_in_order,
    )
    with context.begin_transaction():
        context.run_migrations()


def number_in_order(_context: Any, _revision: Any, directives: Iterable[MigrationScript]) -> None:
    """Give a new step the number after the newest."""
    for script in directives:
        script.rev_id = f"{int(newest_revision() or 0) + 1:04}"


async def migrate_on_own_connection() -> None:
    """What `alembic …` runs."""
    url = read_settings().database_url
    if url is None:
        raise SystemExit("Set DATABASE_URL: Alembic's own command line starts no embedded PostgreSQL.")
    engine = engine_for(url)
    async with engine.begin() as connection:
        await connection.run_sync(migrate)
    await engine.dispose()


given: Connection | None = context.config.attributes.get("connection")
if given is not None:
    migrate(given)
else:
    asyncio.run(migrate_on_own_connection())
