"""A wire to a server that can be cut, stalled and mended: the server goes away and comes back, as seen from here."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from urllib.parse import parse_qs, urlsplit


class Relay:
    """Carries TCP connections to a server's socket, while it is not cut; `url_at` says how a port of it is asked for."""

    def __init__(self, socket: str, url_at: Callable[[int], str]) -> None:
        self.socket = socket
        self.url_at = url_at
        self.is_cut = False
        self.wires: set[asyncio.StreamWriter] = set()
        self.flowing = asyncio.Event()
        self.flowing.set()
        self.port = 0

    @property
    def url(self) -> str:
        """The server by way of the relay."""
        return self.url_at(self.port)

    def cut(self) -> None:
        """Nothing gets through, and who was connected is so no more."""
        self.is_cut = True
        for wire in self.wires:
            wire.transport.abort()

    def stall(self) -> None:
        """Nothing gets through for now, and nobody is told."""
        self.flowing.clear()

    def mend(self) -> None:
        """Whoever connects anew gets through, and so does what was held back."""
        self.is_cut = False
        self.flowing.set()

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        if self.is_cut:
            writer.transport.abort()
            return
        try:
            far_reader, far_writer = await asyncio.open_unix_connection(self.socket)
        except OSError:  # there is no server
            writer.transport.abort()
            return
        self.wires |= {writer, far_writer}
        await asyncio.gather(self._pump(reader, far_writer), self._pump(far_reader, writer))
        self.wires -= {writer, far_writer}

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(65_536):
                await self.flowing.wait()
                writer.write(data)
                await writer.drain()
        writer.close()


@asynccontextmanager
async def relay_to(url: str) -> AsyncIterator[Relay]:
    """A relay to a database on the tests' server."""
    parts = urlsplit(url)
    socket = f"{parse_qs(parts.query)['host'][0]}/.s.PGSQL.5432"
    asked = f"postgresql://{parts.username}@127.0.0.1:{{}}{parts.path}?sslmode=disable"
    async with relaying(Relay(socket, asked.format)) as relay:
        yield relay


@asynccontextmanager
async def relaying(relay: Relay) -> AsyncIterator[Relay]:
    """A relay at work, for as long as the block runs."""
    server = await asyncio.start_server(relay.carry, "127.0.0.1", 0)
    relay.port = server.sockets[0].getsockname()[1]
    try:
        yield relay
    finally:
        relay.cut()
        relay.flowing.set()
        server.close()
        await server.wait_closed()
        await asyncio.sleep(0.01)
