"""Migrating: once, whoever comes first, and never backwards."""

import asyncio
import time
from collections.abc import AsyncIterator

import asyncpg
import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection

from app.migrate import FOLDER, MigrationError, current_revision, engine_for, newest_revision, upgrade
from domain.store.tables import metadata
from tests.logbook import write_event, write_order


@pytest.fixture
async def empty_url(postgres: str) -> AsyncIterator[str]:
    """A database without any step applied."""
    admin = await asyncpg.connect(postgres.replace("{database}", "postgres"))
    await admin.execute("DROP DATABASE IF EXISTS never_migrated WITH (FORCE)")
    await admin.execute("CREATE DATABASE never_migrated TEMPLATE template0")
    yield postgres.replace("{database}", "never_migrated")
    await admin.execute("DROP DATABASE never_migrated WITH (FORCE)")
    await admin.close()


async def test_processes_that_migrate_at_once_apply_each_step_once(empty_url: str) -> None:
    changed = await asyncio.gather(*(upgrade(empty_url) for _ in range(4)))
    assert sorted(changed) == [False, False, False, True]
    connection = await asyncpg.connect(empty_url)
    assert await current_revision(connection) == newest_revision()
    await connection.close()


async def test_a_migrated_database_costs_milliseconds(database_url: str) -> None:
    times = []
    for _ in range(5):
        started = time.perf_counter()
        assert await upgrade(database_url) is False
        times.append(time.perf_counter() - started)
    assert min(times) < 0.1


async def test_a_database_of_a_newer_release_is_refused(fresh_database_url: str) -> None:
    connection = await asyncpg.connect(fresh_database_url)
    await connection.execute("UPDATE alembic_version SET version_num = '9999'")
    await connection.close()
    with pytest.raises(MigrationError, match="needs a newer release"):
        await upgrade(fresh_database_url)


async def test_the_steps_make_what_the_tables_say(connection: asyncpg.Connection) -> None:
    rows = await connection.fetch(
        "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'"
    )
    made = {(row["table_name"], row["column_name"]) for row in rows if row["table_name"] != "alembic_version"}
    assert made >= {(table.name, column.name) for table in metadata.sorted_tables for column in table.columns}


async def test_the_steps_make_the_indexes_that_the_tables_say(empty_url: str, connection: asyncpg.Connection) -> None:
    engine = engine_for(empty_url)
    async with engine.begin() as said:
        await said.run_sync(metadata.create_all)
    await engine.dispose()
    asked = """
        SELECT indexname, indexdef FROM pg_indexes JOIN pg_class ON pg_class.oid = tablename::regclass
        WHERE schemaname = 'public' AND indexname NOT LIKE 'alembic%' AND NOT relispartition
    """
    other = await asyncpg.connect(empty_url)
    made, wanted = [sorted(map(tuple, await each.fetch(asked))) for each in (connection, other)]
    assert made == wanted
    await other.close()


async def test_the_log_that_there_was_becomes_its_first_partition(empty_url: str) -> None:
    engine = engine_for(empty_url)
    async with engine.begin() as migrating:
        await migrating.run_sync(upgrade_to, "0004")
    await engine.dispose()
    connection = await asyncpg.connect(empty_url)
    order = await write_order(connection)
    await connection.execute("SELECT setval('events_id_seq', 7)")
    before = await write_event(connection, order)
    assert await upgrade(empty_url)
    after = await write_event(connection, order)
    found = await connection.fetch("SELECT id, sequence, tableoid::regclass::text FROM events ORDER BY id")
    assert [tuple(row) for row in found] == [(before, 1, "events_first"), (after, 2, "events_first")]
    assert (before, after) == (8, 9)
    await connection.close()


def upgrade_to(connection: Connection, revision: str) -> None:
    """Apply the steps up to one of them."""
    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    config.attributes["connection"] = connection
    command.upgrade(config, revision)
