"""The command line as a person types it: help, answers, refusals, exit codes."""

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import httpx
import psutil
import pytest

from app.tokens import verify
from domain.viewer import SCOPES, Role, Scope
from tests.conftest import SECRET, reachable_folder

ORDERGRAPH = [sys.executable, "-c", "from app.cli import main; main()"]
Run = Callable[..., "subprocess.CompletedProcess[str]"]

TWO_PLACES = """
    INSERT INTO channels (id, code, name, currency, time_zone, created_at)
    VALUES ('00000000-0000-7000-8000-000000000001', 'web', 'Web', 'EUR', 'Europe/Berlin', now());
    INSERT INTO locations (id, code, name, kind, country, created_at)
    VALUES ('00000000-0000-7000-8000-000000000002', 'BERLIN', 'Berlin', 'STORE', 'DE', now());
    INSERT INTO customers (id, kind, email, display_name, created_at)
    VALUES ('00000000-0000-7000-8000-000000000003', 'REGISTERED', 'Ada@example.com', 'Ada', now());
"""


@pytest.fixture
def home() -> Iterator[Path]:
    with reachable_folder() as folder:
        yield folder


@pytest.fixture
def environment(home: Path) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "HOME") if name in os.environ}
    return kept | {"ORDERGRAPH_HOME": str(home), "ORDERGRAPH_SECRET": SECRET, "COLUMNS": "200", "NO_COLOR": "1"}


@pytest.fixture
def run(environment: dict[str, str]) -> Run:
    def run(*arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [*ORDERGRAPH, *arguments],
            check=False,
            env=environment | variables,
            capture_output=True,
            text=True,
            timeout=60,
        )

    return run


@pytest.fixture(scope="module")
async def places_url(database_url: str) -> str:
    connection = await asyncpg.connect(database_url)
    await connection.execute(TWO_PLACES)
    await connection.close()
    return database_url


@pytest.mark.parametrize(
    "command",
    [
        [],
        ["serve"],
        ["worker"],
        ["demo"],
        ["migrate"],
        ["token"],
        ["replay"],
        ["verify"],
        ["schema"],
        ["message"],
        ["promise"],
    ],
)
def test_every_command_explains_itself(run: Run, command: list[str]) -> None:
    done = run(*command, "--help")
    assert done.returncode == 0
    assert "Usage:" in done.stdout
    assert done.stderr == ""


@pytest.mark.parametrize("arguments", [["fly"], ["token"], ["token", "--role", "king"], ["serve", "--port", "x"]])
def test_wrong_usage_exits_with_2(run: Run, arguments: list[str]) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert "Usage:" in done.stderr
    assert done.stdout == ""


def test_token_prints_a_token_and_nothing_else(run: Run) -> None:
    done = run("token", "--role", "agent", "--name", "Anna")
    assert (done.returncode, done.stderr) == (0, "")
    viewer = verify(done.stdout.removesuffix("\n"), SECRET)
    assert (viewer.role, viewer.display_name, viewer.scopes) == (Role.AGENT, "Anna", SCOPES[Role.AGENT])


def test_an_apps_token_lists_its_scopes(run: Run) -> None:
    done = run("token", "--role", "app", "--scope", "orders:read", "--scope", "history:write")
    assert verify(done.stdout.strip(), SECRET).scopes == {Scope.ORDERS_READ, Scope.HISTORY_WRITE}


@pytest.mark.parametrize(
    ("arguments", "bound"),
    [
        (["store", "--location", "BERLIN"], "location_ids"),
        (["warehouse", "--location", "BERLIN"], "location_ids"),
        (["shopper", "--channel", "web"], "channel_ids"),
        (["customer", "--email", "ada@EXAMPLE.com"], "customer_id"),
    ],
)
def test_names_are_looked_up(run: Run, places_url: str, arguments: list[str], bound: str) -> None:
    done = run("token", "--role", *arguments, DATABASE_URL=places_url)
    assert done.returncode == 0, done.stderr
    assert getattr(verify(done.stdout.strip(), SECRET), bound)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["store"], "needs --location"),
        (["shopper"], "needs --channel"),
        (["customer"], "needs --email"),
        (["guest"], "needs --order"),
        (["app"], "needs --scope"),
        (["agent", "--email", "a@b.c"], "--email has no meaning for role 'agent'"),
        (["store", "--location", "ATLANTIS"], "no location with the code 'ATLANTIS'"),
        (["shopper", "--channel", "fax"], "no channel with the code 'fax'"),
        (["customer", "--email", "no@body"], "no customer with the e-mail address 'no@body'"),
        (["guest", "--order", "0"], "no order with the number '0'"),
    ],
)
def test_a_token_that_cannot_be_made_is_refused_in_words(
    run: Run, database_url: str, arguments: list[str], complaint: str
) -> None:
    done = run("token", "--role", *arguments, DATABASE_URL=database_url)
    assert done.returncode == 1
    assert complaint in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("arguments", [["--scope", "orders:steal"], ["--ttl", "soon"], ["--ttl", "0d"]])
def test_a_bad_scope_or_duration_is_wrong_usage(run: Run, arguments: list[str]) -> None:
    done = run("token", "--role", "app", *arguments)
    assert done.returncode == 2
    assert arguments[0] in done.stderr


@pytest.mark.parametrize("command", [["migrate"], ["demo"], ["serve", "--port", "0"]])
def test_a_database_that_is_not_there_is_said_in_words(run: Run, command: list[str]) -> None:
    done = run(*command, DATABASE_URL="postgresql://nobody@127.0.0.1:1/none")
    assert done.returncode == 1
    assert "the database does not answer" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_bad_setting_is_said_in_words(run: Run) -> None:
    done = run("migrate", DATABASE_URL="mysql://localhost/x")
    assert done.returncode == 1
    assert "DATABASE_URL: must start with postgresql://" in done.stderr


def test_migrate_says_what_it_did(run: Run) -> None:
    first, second = run("migrate"), run("migrate")
    assert (first.returncode, second.returncode) == (0, 0), first.stderr
    assert first.stdout.startswith("Migrated to step")
    assert second.stdout.startswith("Already at step")


def test_the_demo_is_refused_where_something_is(run: Run, places_url: str) -> None:
    done = run("demo", DATABASE_URL=places_url)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "error: there are channels already: the demo is for an empty database\n"


def test_schema_prints_the_schema(run: Run) -> None:
    done = run("schema")
    assert done.returncode == 0, done.stderr
    assert "type Query" in done.stdout


def test_a_port_that_is_taken_is_said_before_anything_starts(run: Run, home: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = run("serve", PORT=str(taken.getsockname()[1]))
    assert done.returncode == 1
    assert "cannot listen on" in done.stderr
    assert list(home.iterdir()) == []


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
async def test_serve_starts_everything_and_a_signal_stops_it_all(
    environment: dict[str, str], how: signal.Signals
) -> None:
    with subprocess.Popen(
        [*ORDERGRAPH, "serve", "--port", "0"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stdout is not None
        lines: list[str] = []
        while not (found := re.search(r"http://localhost:(\d+)/graphql", "".join(lines))):
            line = await asyncio.to_thread(server.stdout.readline)
            assert line, server.stderr.read() if server.stderr else ""
            lines.append(line)
        async with httpx.AsyncClient() as client:
            assert (await client.get(f"http://localhost:{found[1]}/readyz")).text == "ok"
        children = psutil.Process(server.pid).children(recursive=True)
        server.send_signal(how)
        rest, errors = await asyncio.to_thread(server.communicate, timeout=20)
    assert server.returncode == 0, errors
    assert len(children) > 1
    assert not [child for child in children if child.is_running() and child.status() != psutil.STATUS_ZOMBIE]
    tokens = re.findall(r"eyJ[\w.-]+", "".join(lines) + rest)
    assert Role.AGENT in {verify(token, SECRET).role for token in tokens}


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
async def test_a_worker_works_beside_others_until_a_signal(
    environment: dict[str, str], run: Run, how: signal.Signals
) -> None:
    assert run("migrate").returncode == 0
    with subprocess.Popen([*ORDERGRAPH, "worker"], env=environment, stderr=subprocess.PIPE, text=True) as worker:
        assert worker.stderr is not None
        while "at work" not in (line := await asyncio.to_thread(worker.stderr.readline)):
            assert line
        worker.send_signal(how)
        await asyncio.to_thread(worker.communicate, timeout=20)
    assert worker.returncode == 0


def test_a_worker_refuses_a_database_of_another_shape(run: Run) -> None:
    done = run("worker")
    assert done.returncode == 1
    assert "run `ordergraph migrate`" in done.stderr


def test_production_logs_no_tokens_and_wants_a_secret(run: Run) -> None:
    done = run("serve", ORDERGRAPH_MODE="production", ORDERGRAPH_SECRET="")
    assert done.returncode == 1
    assert "ORDERGRAPH_SECRET is required" in done.stderr
