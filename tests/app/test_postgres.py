"""The embedded PostgreSQL through its whole life: start, restart, sudden deaths, a second process, odd places."""

import asyncio
import os
import pwd
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import psutil
import pytest

from app.postgres import EmbeddedPostgres, PostgresError, Postmaster, running_postgres
from app.postgres_home import Account, account_for
from tests.conftest import reachable_folder

OWNER = """
import asyncio, sys
from pathlib import Path
from app.postgres import EmbeddedPostgres

async def main():
    async with EmbeddedPostgres(Path(sys.argv[1])) as server:
        print(server.pid, flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    with reachable_folder() as folder:
        yield folder


@pytest.fixture(scope="module")
def seed() -> Iterator[Path]:
    """An empty cluster to copy: a tenth of initdb's time."""
    with reachable_folder() as folder:
        with running_postgres(folder / "data", durable=False):
            pass
        yield folder / "data"


@pytest.fixture
def data_dir(folder: Path, seed: Path) -> Path:
    """Data of an earlier run, stopped cleanly."""
    subprocess.run(["cp", "-a", seed, folder / "data"], check=True)
    return folder / "data"


@asynccontextmanager
async def connected(server: EmbeddedPostgres) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(server.url)
    try:
        yield connection
    finally:
        await connection.close()


async def write(server: EmbeddedPostgres, value: int) -> None:
    async with connected(server) as connection:
        await connection.execute("CREATE TABLE IF NOT EXISTS kept (value int)")
        await connection.execute("INSERT INTO kept VALUES ($1)", value)


async def read(server: EmbeddedPostgres) -> list[int]:
    async with connected(server) as connection:
        return [row["value"] for row in await connection.fetch("SELECT value FROM kept ORDER BY value")]


async def eventually_read(server: EmbeddedPostgres, seconds: float = 20.0) -> list[int]:
    async with asyncio.timeout(seconds):
        while True:
            try:
                return await read(server)
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                await asyncio.sleep(0.05)


def is_alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


async def until_dead(pid: int, seconds: float = 15.0) -> None:
    async with asyncio.timeout(seconds):
        while is_alive(pid):
            await asyncio.sleep(0.02)


@asynccontextmanager
async def owned_elsewhere(data_dir: Path) -> AsyncIterator["subprocess.Popen[str]"]:
    """Another process that runs a server on `data_dir`."""
    with subprocess.Popen([sys.executable, "-c", OWNER, data_dir], stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        try:
            pid = int(await asyncio.to_thread(owner.stdout.readline))
            yield owner
        finally:
            owner.kill()
        await until_dead(pid)


async def test_it_is_postgresql_18_and_speaks_through_a_private_socket_only(data_dir: Path) -> None:
    async with EmbeddedPostgres(data_dir, durable=False) as server, connected(server) as connection:
        assert await connection.fetchval("SHOW server_version_num") >= "180000"
        assert await connection.fetchval("SHOW listen_addresses") == ""
        assert await connection.fetchval("SHOW server_encoding") == "UTF8"
        assert await connection.fetchval("SELECT upper('é')") == "É"
        assert data_dir.stat().st_mode & 0o077 == 0


async def test_by_default_a_commit_survives_a_crash_of_the_machine(data_dir: Path) -> None:
    async with EmbeddedPostgres(data_dir) as server, connected(server) as connection:
        shown = [await connection.fetchval(f"SHOW {name}") for name in ("fsync", "synchronous_commit")]
    assert shown == ["on", "on"]


async def test_a_restart_keeps_the_data(data_dir: Path) -> None:
    for value in (1, 2):
        async with EmbeddedPostgres(data_dir, durable=False) as server:
            await write(server, value)
    async with EmbeddedPostgres(data_dir, durable=False) as server:
        assert await read(server) == [1, 2]


async def test_nothing_is_left_running_and_no_socket_either(data_dir: Path) -> None:
    async with EmbeddedPostgres(data_dir, durable=False) as server:
        pid = server.pid
    assert pid is not None
    assert not is_alive(pid)
    assert not (data_dir / "postmaster.pid").exists()
    assert not list(data_dir.glob(".s.PGSQL*"))


async def test_after_kill_9_of_the_server_it_comes_back_with_its_data(data_dir: Path) -> None:
    async with EmbeddedPostgres(data_dir) as server:
        await write(server, 1)
        first = server.pid
        assert first is not None
        os.kill(first, signal.SIGKILL)
        await until_dead(first)
        assert await eventually_read(server) == [1]
        assert server.pid != first
        assert server.is_ours


async def test_after_kill_9_of_a_backend_it_comes_back_with_its_data(data_dir: Path) -> None:
    async with EmbeddedPostgres(data_dir) as server:
        await write(server, 1)
        connection = await asyncpg.connect(server.url)
        os.kill(await connection.fetchval("SELECT pg_backend_pid()"), signal.SIGKILL)
        connection.terminate()
        assert await eventually_read(server) == [1]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent died")
async def test_after_kill_9_of_its_owner_the_server_stops_cleanly(data_dir: Path) -> None:
    async with owned_elsewhere(data_dir) as owner:
        postmaster = Postmaster.of(data_dir)
        assert postmaster is not None
        owner.kill()
        await until_dead(postmaster.pid)
    assert not (data_dir / "postmaster.pid").exists()


async def test_after_kill_9_of_both_the_next_start_recovers(data_dir: Path) -> None:
    async with owned_elsewhere(data_dir) as owner:
        async with EmbeddedPostgres(data_dir, durable=False) as attached:
            await write(attached, 1)
        postmaster = Postmaster.of(data_dir)
        assert postmaster is not None
        os.kill(owner.pid, signal.SIGSTOP)  # it must not bring the server back
        os.kill(postmaster.pid, signal.SIGKILL)  # and as it does not wait for it, this leaves a zombie
        await until_dead(postmaster.pid)
        async with EmbeddedPostgres(data_dir, durable=False) as server:
            assert server.is_ours
            assert await read(server) == [1]


async def test_a_pid_file_that_names_another_program_is_no_obstacle(data_dir: Path) -> None:
    async with EmbeddedPostgres(data_dir, durable=False) as server:
        await write(server, 1)
        stale = (data_dir / "postmaster.pid").read_text().splitlines()
    (data_dir / "postmaster.pid").write_text("\n".join([str(os.getpid()), *stale[1:]]) + "\n")
    async with EmbeddedPostgres(data_dir, durable=False) as server:
        assert await read(server) == [1]


async def test_a_second_process_attaches_and_leaves_the_server_running(data_dir: Path) -> None:
    async with owned_elsewhere(data_dir):
        postmaster = Postmaster.of(data_dir)
        assert postmaster is not None
        async with EmbeddedPostgres(data_dir, durable=False) as attached:
            assert (attached.pid, attached.is_ours) == (postmaster.pid, False)
            await write(attached, 1)
        assert is_alive(postmaster.pid)


async def test_who_is_attached_takes_over_when_the_owner_goes(data_dir: Path) -> None:
    async with owned_elsewhere(data_dir) as owner, EmbeddedPostgres(data_dir, durable=False) as attached:
        await write(attached, 1)
        first = attached.pid
        assert first is not None
        owner.kill()
        await until_dead(first)
        assert await eventually_read(attached) == [1]
        assert attached.is_ours


async def test_of_several_that_start_at_once_one_starts_the_server(data_dir: Path) -> None:
    servers = [EmbeddedPostgres(data_dir, durable=False) for _ in range(4)]
    try:
        await asyncio.gather(*(server.__aenter__() for server in servers))
        assert len({server.pid for server in servers}) == 1
        assert [server.is_ours for server in servers].count(True) == 1
    finally:
        for server in sorted(servers, key=lambda each: each.is_ours):
            await server.__aexit__()


@pytest.mark.parametrize("name", ["with a space, a comma", "d" * 120, "Bücher"], ids=["space", "long", "umlaut"])
async def test_odd_and_long_paths_get_a_socket_elsewhere_and_leave_nothing_there(folder: Path, name: str) -> None:
    async with EmbeddedPostgres(folder / name, durable=False) as server:
        await write(server, 1)
        postmaster = Postmaster.of(folder / name)
        assert postmaster is not None
    assert not (postmaster.socket_dir / ".s.PGSQL.5432").exists()
    if postmaster.socket_dir != folder / name:
        assert not postmaster.socket_dir.exists()


async def test_a_killed_initdb_leaves_no_half_made_data(folder: Path) -> None:
    (folder / "data.new").mkdir()
    (folder / "data.new" / "PG_VERSION").write_text("18")
    async with EmbeddedPostgres(folder / "data", durable=False) as server:
        await write(server, 1)
    assert not (folder / "data.new").exists()


async def test_a_folder_with_other_things_in_it_is_left_alone(folder: Path) -> None:
    server = EmbeddedPostgres(folder / "data", durable=False)
    (folder / "data").mkdir()
    (folder / "data" / "letters.txt").write_text("dear diary")
    os.chown(folder / "data", server.account.uid, server.account.gid)
    with pytest.raises(PostgresError, match="holds no database"):
        await server.__aenter__()


async def test_data_of_another_release_is_refused_by_its_number(folder: Path) -> None:
    server = EmbeddedPostgres(folder / "data", durable=False)
    (folder / "data").mkdir(mode=0o700)
    (folder / "data" / "PG_VERSION").write_text("16\n")
    os.chown(folder / "data", server.account.uid, server.account.gid)
    with pytest.raises(PostgresError, match="PostgreSQL 16; this is 18"):
        await server.__aenter__()


async def test_a_server_that_cannot_start_says_what_it_said(data_dir: Path) -> None:
    async with EmbeddedPostgres(data_dir, durable=False):
        pass
    (data_dir / "postgresql.conf").write_text("no_such_setting = on\n")
    with pytest.raises(PostgresError, match="no_such_setting"):
        await EmbeddedPostgres(data_dir, durable=False).__aenter__()


async def test_a_place_that_is_a_file_is_refused(folder: Path) -> None:
    (folder / "file").write_text("")
    with pytest.raises(PostgresError, match="Cannot use"):
        await EmbeddedPostgres(folder / "file" / "data", durable=False).__aenter__()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the server as somebody else")
async def test_a_home_that_the_servers_account_cannot_reach_is_refused_and_not_opened(folder: Path) -> None:
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    with pytest.raises(PostgresError, match="cannot reach"):
        await EmbeddedPostgres(closed / "data", durable=False).__aenter__()
    assert closed.stat().st_mode & 0o777 == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give data away")
def test_root_runs_the_server_as_the_owner_of_the_data(folder: Path) -> None:
    (folder / "data").mkdir()
    nobody = pwd.getpwnam("nobody")
    os.chown(folder / "data", nobody.pw_uid, nobody.pw_gid)
    assert account_for(folder / "data") == Account("nobody", nobody.pw_uid, nobody.pw_gid)


def test_callers_without_an_event_loop_have_it_too(folder: Path) -> None:
    with running_postgres(folder / "data", durable=False) as server:
        asyncio.run(write(server, 1))
    assert server.pid is None
