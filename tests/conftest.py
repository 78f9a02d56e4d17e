"""One PostgreSQL for the whole run, one migrated template in it, one clone of that for each test module.

With xdist the controller starts the server and tells the workers where it is, so it outlives each of them.
"""

import asyncio
import itertools
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
import structlog

from app.migrate import upgrade
from app.postgres import running_postgres
from app.serve import Server, bound, configuration
from app.settings import Settings
from app.tokens import sign
from domain.viewer import Viewer

SECRET = "tests sign with this and nothing else does"
TEMPLATE = "template_of_tests"
ADMIN = "postgres"

SERVER = pytest.StashKey[str]()
CLOSING = pytest.StashKey[Any]()

structlog.configure(
    processors=[
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="%H:%M:%S"),
        structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback),
    ]
)
# A traceback with every local value of a running system takes seconds to print, in the middle of what is tested.


# ── The server ──


def pytest_configure(config: pytest.Config) -> None:
    """With xdist: start the server before the workers."""
    if _is_controller(config):
        closing = _server()
        config.stash[SERVER] = closing.__enter__()
        config.stash[CLOSING] = closing


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop what `pytest_configure` started."""
    if CLOSING in config.stash:
        config.stash[CLOSING].__exit__(None, None, None)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker where the server is."""
    node.workerinput["postgres"] = node.config.stash[SERVER]


def _is_controller(config: pytest.Config) -> bool:
    spread = config.getoption("dist", "no") != "no"
    return spread and not hasattr(config, "workerinput") and not config.getoption("collectonly")


@contextmanager
def _server() -> Iterator[str]:
    """A server with a migrated template; the URL's database part is left for `_at` to fill in."""
    with reachable_folder() as folder, running_postgres(folder / "postgres", durable=False) as server:
        asyncio.run(_make_template(server.url_of("{database}")))
        yield server.url_of("{database}")


@contextmanager
def reachable_folder() -> Iterator[Path]:
    """A new folder that the server's account can enter too; pytest's own are closed when root runs the tests."""
    folder = Path(tempfile.mkdtemp(prefix="ordergraph-tests-"))
    if os.geteuid() == 0:
        folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


async def _make_template(server: str) -> None:
    await _administer(server, f"CREATE DATABASE {TEMPLATE}")
    await upgrade(_at(server, TEMPLATE))


def _at(server: str, database: str) -> str:
    return server.replace("{database}", database)


async def _administer(server: str, statement: str) -> None:
    connection = await asyncpg.connect(_at(server, ADMIN))
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


# ── Databases ──


@pytest.fixture(scope="session")
def postgres(request: pytest.FixtureRequest) -> Iterator[str]:
    """The server's URL with `{database}` in the database's place."""
    given = getattr(request.config, "workerinput", {}).get("postgres")
    if given is not None:
        yield given
        return
    with _server() as server:
        yield server


_numbers = itertools.count(1)


@asynccontextmanager
async def _clone(server: str, worker: str) -> AsyncIterator[str]:
    name = f"test_{worker}_{next(_numbers)}"
    await _administer(server, f"CREATE DATABASE {name} TEMPLATE {TEMPLATE} STRATEGY file_copy")
    yield _at(server, name)
    await _administer(server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="module")
async def database_url(postgres: str, worker_id: str) -> AsyncIterator[str]:
    """A migrated, empty database that this test module has to itself."""
    async with _clone(postgres, worker_id) as url:
        yield url


@pytest.fixture
async def fresh_database_url(postgres: str, worker_id: str) -> AsyncIterator[str]:
    """A migrated, empty database that this one test has to itself."""
    async with _clone(postgres, worker_id) as url:
        yield url


Connect = Callable[[], Any]


@pytest.fixture
async def connect(fresh_database_url: str) -> AsyncIterator[Connect]:
    """Opens connections to the test's own database, that end with the test."""
    async with AsyncExitStack() as stack:

        async def connect() -> asyncpg.Connection:
            connection: asyncpg.Connection = await asyncpg.connect(fresh_database_url)
            stack.push_async_callback(connection.close)
            return connection

        yield connect


@pytest.fixture
async def writer(connect: Connect) -> asyncpg.Connection:
    """One of them."""
    connection: asyncpg.Connection = await connect()
    return connection


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection to the module's database; what the test does is undone."""
    connection = await asyncpg.connect(database_url)
    transaction = connection.transaction()
    await transaction.start()
    yield connection
    await transaction.rollback()
    await connection.close()


# ── The running system ──


@pytest.fixture(scope="module")
def settings(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings of a system on the module's database; nothing of the environment counts but what is not set here."""
    return settings_on(database_url, tmp_path_factory.mktemp("home"))


def settings_on(database_url: str, home: Path) -> Settings:
    """Settings of a system on any database."""
    return Settings(
        database_url=database_url,
        redis_url=None,
        host="127.0.0.1",
        port=0,
        ORDERGRAPH_HOME=home,
        ORDERGRAPH_SECRET=SECRET,
        read_pool_size=2,
        write_pool_size=4,
    )


@asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator[str]:
    """The application on a port of its own, run as `ordergraph serve` runs it; yields its base URL."""
    server = _QuietServer(configuration(settings))
    with bound(settings) as listener:
        running = asyncio.create_task(server.serve([listener]))
        await _started(server, running)
        try:
            yield f"http://{settings.host}:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            await running


async def _started(server: Server, running: asyncio.Task[None]) -> None:
    while not server.started:
        if running.done():
            running.result()
        await asyncio.sleep(0.005)


class _QuietServer(Server):
    """Leaves signals to pytest."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


@pytest.fixture(scope="module")
async def base_url(settings: Settings) -> AsyncIterator[str]:
    """The running application's address."""
    async with serving(settings) as url:
        yield url


@pytest.fixture(scope="module")
async def client(base_url: str) -> AsyncIterator[httpx.AsyncClient]:
    """An HTTP client of the running application."""
    async with httpx.AsyncClient(base_url=base_url, timeout=30) as client:
        yield client


Bearer = Callable[[Viewer], dict[str, str]]


@pytest.fixture(scope="session")
def bearer() -> Bearer:
    """Makes the headers that sign a request in as a viewer."""
    return lambda viewer: {"Authorization": f"Bearer {sign(viewer, SECRET, 3600)}"}
