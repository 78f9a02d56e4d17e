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
    """The environment in which checks find the server: its address, and the tokens of an agent and a shopper."""
    with reachable_folder() as home:
        environment = _clean() | {"ORDERGRAPH_HOME": str(home / "ordergraph"), "PORT": str(_free_port())}
        said = (home / "said").open("wb")
        server = subprocess.Popen([*_ordergraph(), "serve", "--with-demo"], env=environment, stdout=said, stderr=said)
        try:
            base = f"http://127.0.0.1:{environment['PORT']}"
            _wait(server, base, home / "said")
            yield environment | {
                "ORDERGRAPH_URL": f"{base}/graphql",
                "AGENT_TOKEN": _token(environment, "--role", "agent"),
                "SHOPPER_TOKEN": _token(environment, "--role", "shopper", "--channel", "web"),
            }
        finally:
            server.terminate()
            server.wait(STOP_SECONDS)
            said.close()


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
