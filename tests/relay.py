"""A wire to PostgreSQL that can be cut and mended: the database goes away and comes back, as the server sees it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import parse_qs, urlsplit


class Relay:
    """Carries TCP connections to the server's socket, while it is not cut."""

    def __init__(self, target: str) -> None:
        parts = urlsplit(target)
        self.user, self.database = parts.username, parts.path.lstrip("/")
        self.socket = f"{parse_qs(parts.query)['host'][0]}/.s.PGSQL.5432"
        self.is_cut = False
        self.wires: set[asyncio.StreamWriter] = set()
        self.port = 0

    @property
    def url(self) -> str:
        """The database by way of the relay."""
        return f"postgresql://{self.user}@127.0.0.1:{self.port}/{self.database}?sslmode=disable"

    def cut(self) -> None:
        """Nothing gets through, and who was connected is so no more."""
        self.is_cut = True
        for wire in self.wires:
            wire.transport.abort()

    def mend(self) -> None:
        """Whoever connects anew gets through."""
        self.is_cut = False

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        if self.is_cut:
            writer.transport.abort()
            return
        far_reader, far_writer = await asyncio.open_unix_connection(self.socket)
        self.wires |= {writer, far_writer}
        await asyncio.gather(_pump(reader, far_writer), _pump(far_reader, writer))
        self.wires -= {writer, far_writer}


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    writer.close()


@asynccontextmanager
async def relay_to(url: str) -> AsyncIterator[Relay]:
    """A relay to a database on the tests' server."""
    relay = Relay(url)
    server = await asyncio.start_server(relay.carry, "127.0.0.1", 0)
    relay.port = server.sockets[0].getsockname()[1]
    try:
        yield relay
    finally:
        relay.cut()
        server.close()
        await server.wait_closed()
        await asyncio.sleep(0.01)
