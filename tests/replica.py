"""Streaming replicas of an embedded PostgreSQL, made by its own `pg_basebackup`."""

import asyncio
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg

from app.postgres import EmbeddedPostgres
from app.postgres_home import binaries_for, private_folder


def copied(primary: EmbeddedPostgres, data_dir: Path) -> EmbeddedPostgres:
    """A replica of a running server, not started yet; it follows as soon as it is."""
    private_folder(data_dir, primary.account)
    command: list[str | Path] = [
        binaries_for(primary.account) / "pg_basebackup",
        "--dbname",
        primary.url_of("postgres"),
    ]
    command += ["--pgdata", data_dir, "--write-recovery-conf", "--checkpoint=fast", "--no-sync"]
    done = subprocess.run(command, capture_output=True, cwd="/", check=False, **primary._identity())
    assert done.returncode == 0, done.stderr.decode()
    (data_dir / ".s.PGSQL.5432.lock").unlink()  # the primary's: its socket lies in its data, and all files are copied
    return EmbeddedPostgres(data_dir)


@asynccontextmanager
async def connected(server: EmbeddedPostgres) -> AsyncIterator[asyncpg.Connection]:
    """A connection of the test's own."""
    connection = await asyncpg.connect(server.url)
    try:
        yield connection
    finally:
        await connection.close()


async def value(server: EmbeddedPostgres, question: str, *given: Any) -> Any:
    """One value, asked on a fresh connection: the server may just have come back."""
    async with connected(server) as connection:
        return await connection.fetchval(question, *given)


@asynccontextmanager
async def paused(replica: EmbeddedPostgres) -> AsyncIterator[None]:
    """The replica receives, and replays nothing, in the block."""
    async with connected(replica) as connection:
        await connection.execute("SELECT pg_wal_replay_pause()")
        while await connection.fetchval("SELECT pg_get_wal_replay_pause_state()") != "paused":
            await asyncio.sleep(0.005)
        try:
            yield
        finally:
            await connection.execute("SELECT pg_wal_replay_resume()")
