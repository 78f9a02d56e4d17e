"""A server for the clients: `ordergraph serve --with-demo` in a home of its own, and tokens as people make them."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.conftest import reachable_folder

START_SECONDS = 150
STOP_SECONDS = 30
OURS = ("ORDERGRAPH_", "DATABASE_", "REDIS_", "HOST", "PORT")


@contextmanager
def demo_shop() -> Iterator[dict[str, str]]:
    """The environment in which checks find the server: its address, and the tokens of an agent and a shopper.

    A second server works on the same data. A check may end it: that is what it is there for.
    """
    with reachable_folder() as home:
        environment = _clean() | {"ORDERGRAPH_HOME": str(home / "ordergraph")}
        with (
            _server(environment, home / "said", "--with-demo") as (base, _),
            _server(environment, home / "said by the second") as (second, pid),
        ):
            yield environment | {
                "ORDERGRAPH_URL": f"{base}/graphql",
                "SECOND_URL": f"{second}/graphql",
                "SECOND_PID": str(pid),
                "AGENT_TOKEN": _token(environment, "--role", "agent"),
                "SHOPPER_TOKEN": _token(environment, "--role", "shopper", "--channel", "web"),
            }


@contextmanager
def _server(environment: dict[str, str], log: Path, *options: str) -> Iterator[tuple[str, int]]:
    port = str(_free_port())
    command = [*_ordergraph(), "serve", "--port", port, *options]
    with log.open("wb") as said:
        server = subprocess.Popen(command, env=environment, stdout=said, stderr=said)
        try:
            base = f"http://127.0.0.1:{port}"
            _wait(server, base, log)
            yield base, server.pid
        finally:
            server.terminate()
            server.wait(STOP_SECONDS)


def _clean() -> dict[str, str]:
    """Our environment without what would point the server elsewhere."""
    return {name: value for name, value in os.environ.items() if not name.startswith(OURS)}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _ordergraph() -> list[str]:
    return [sys.executable, "-c", "from app.cli import main; main()"]


def _wait(server: "subprocess.Popen[bytes]", base: str, said: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not _is_ready(base):
        if server.poll() is not None or time.monotonic() > deadline:
            sys.exit(f"the server did not start:\n{said.read_text()}")
        time.sleep(0.1)


def _is_ready(base: str) -> bool:
    try:
        return httpx.get(f"{base}/readyz").status_code == 200
    except httpx.TransportError:
        return False


def _token(environment: dict[str, str], *whose: str) -> str:
    made = subprocess.run(
        [*_ordergraph(), "token", *whose], env=environment, check=True, capture_output=True, text=True
    )
    return made.stdout.strip()
