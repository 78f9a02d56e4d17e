"""A subscriber on a real socket: one operation on a connection of its own, by a client that others wrote."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import orjson
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from app.tokens import sign
from domain.viewer import Viewer
from tests.conftest import SECRET

PATIENCE = 5.0


class Live:
    """What a subscriber is told."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket

    async def next(self) -> dict[str, Any]:
        """The next event."""
        message = await self.message()
        assert message["type"] == "next", message
        (event,) = message["payload"]["data"].values()
        return event  # type: ignore[no-any-return]

    async def several(self, number: int) -> list[dict[str, Any]]:
        """The next so many events."""
        return [await self.next() for _ in range(number)]

    async def refusal(self) -> str:
        """The code with which the operation ended."""
        message = await self.message()
        assert message["type"] == "error", message
        return message["payload"][0]["extensions"]["code"]  # type: ignore[no-any-return]

    async def message(self) -> dict[str, Any]:
        """The next message."""
        async with asyncio.timeout(PATIENCE):
            return orjson.loads(await self.socket.recv())  # type: ignore[no-any-return]


@asynccontextmanager
async def live(
    base_url: str,
    viewer: Viewer | None,
    query: str,
    /,
    *,
    named: str = "1",
    max_queue: int = 16,
    **variables: Any,
) -> AsyncIterator[Live]:
    """A subscription for as long as the block runs. When it has begun, nobody says."""
    url, protocols = f"{base_url.replace('http', 'ws', 1)}/graphql", [Subprotocol("graphql-transport-ws")]
    async with connect(url, subprotocols=protocols, close_timeout=1, max_queue=max_queue) as socket:
        token = {"payload": {"token": sign(viewer, SECRET, 60)}} if viewer else {}
        await socket.send(orjson.dumps({"type": "connection_init", **token}).decode())
        assert orjson.loads(await socket.recv())["type"] == "connection_ack"
        payload = {"query": query, "variables": variables}
        await socket.send(orjson.dumps({"type": "subscribe", "id": named, "payload": payload}).decode())
        yield Live(socket)
