"""A server of the replay's own: `ordergraph serve` in another process, on a free port, for as long as it is needed."""

import asyncio
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import IO

import httpx

from app.failure import Failure
from app.settings import Settings

START_SECONDS = 150.0
"""The first start makes a database; one after a crash recovers it."""
STOP_SECONDS = 30.0
PROGRAM = "from app.cli import main; main()"


class ServerError(Failure):
    """The server did not start; the message is what it said."""


@asynccontextmanager
async def own_server(settings: Settings) -> AsyncIterator[str]:
    """The address of its `/graphql`."""
    port = _free_port(settings.host)
    with tempfile.TemporaryFile() as said:
        process = _start(settings.host, port, said)
        try:
            base = f"http://{f'[{settings.host}]' if ':' in settings.host else settings.host}:{port}"
            await _until_ready(process, base, said)
            yield f"{base}/graphql"
        finally:
            await asyncio.to_thread(_stop, process)


def _free_port(host: str) -> int:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port


def _start(host: str, port: int, said: IO[bytes]) -> "subprocess.Popen[bytes]":
    """In a session of its own: Ctrl-C is for the replay, which ends the server when its orders are done."""
    return subprocess.Popen(  # noqa: S603 - ourselves
        [sys.executable, "-c", PROGRAM, "serve", "--host", host, "--port", str(port)],
        env={**os.environ, "DATABASE_REPLICA_URLS": ""},  # what it compares is what was written a moment ago
        stdin=subprocess.DEVNULL,
        stdout=said,
        stderr=said,
        start_new_session=True,
        preexec_fn=_last_wish(),  # noqa: PLW1509 - one system call, no lock taken
    )


def _last_wish() -> Callable[[], None] | None:
    """The server ends with us, however we end."""
    if sys.platform == "win32":
        return None
    from app.postgres import die_with_parent  # noqa: PLC0415 - Unix only

    return die_with_parent(os.getpid())


async def _until_ready(process: "subprocess.Popen[bytes]", base: str, said: IO[bytes]) -> None:
    deadline = asyncio.get_running_loop().time() + START_SECONDS
    async with httpx.AsyncClient(base_url=base) as client:
        while not await _is_ready(client):
            if process.poll() is not None or asyncio.get_running_loop().time() > deadline:
                raise ServerError(f"the server did not start:\n{_tail(said)}")
            await asyncio.sleep(0.05)


async def _is_ready(client: httpx.AsyncClient) -> bool:
    try:
        return (await client.get("/readyz")).status_code == 200
    except httpx.TransportError:
        return False


def _tail(said: IO[bytes]) -> str:
    said.seek(0)
    return said.read()[-2000:].decode(errors="replace").strip()


def _stop(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
