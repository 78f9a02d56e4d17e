"""Another system: a real HTTP server that hears webhooks and answers as a test tells it to."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson
import uvicorn
from standardwebhooks import Webhook

PATIENCE_SECONDS = 20
Headers = dict[str, str]


@dataclass(frozen=True)
class Heard:
    """One request."""

    path: str
    headers: Headers
    raw: bytes

    @property
    def id(self) -> str:
        """The id under which it came."""
        return self.headers["webhook-id"]

    @property
    def body(self) -> Any:
        """What it said."""
        return orjson.loads(self.raw)

    @property
    def data(self) -> Any:
        """What it is about."""
        return self.body["data"]

    def verify(self, secret: str) -> None:
        """Check the signature as any receiver would."""
        Webhook(secret).verify(self.raw, self.headers)


Answer = int | tuple[int, Headers, bytes]
Answers = Callable[[Heard], Answer | Awaitable[Answer]]


@dataclass
class Receiver:
    """Where webhooks arrive, and what came."""

    url: str = ""
    heard: list[Heard] = field(default_factory=list)
    answers: Answers = lambda _: 200

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """One request."""
        raw, more = b"", True
        while more:
            message = await receive()
            raw, more = raw + message["body"], message["more_body"]
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        heard = Heard(scope["path"], headers, raw)
        self.heard.append(heard)
        answer = self.answers(heard)
        if isinstance(answer, Awaitable):
            answer = await answer
        status, extra, body = (answer, {}, b"") if isinstance(answer, int) else answer
        told = [(name.encode(), value.encode()) for name, value in {"content-length": str(len(body)), **extra}.items()]
        await send({"type": "http.response.start", "status": status, "headers": told})
        await send({"type": "http.response.body", "body": body})

    def of(self, *, type: str | None = None, path: str = "") -> list[Heard]:
        """What came of a type, or to a path."""
        return [
            each for each in self.heard if each.path.startswith(path) and (type is None or each.body["type"] == type)
        ]

    async def until(self, number: int, **which: str) -> list[Heard]:
        """Wait until so many have come."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while len(self.of(**which)) < number:
                await asyncio.sleep(0.01)
        return self.of(**which)


class _QuietServer(uvicorn.Server):
    """Leaves signals to pytest."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    """A receiver on a port of its own."""
    receiver = Receiver()
    server = _QuietServer(
        uvicorn.Config(receiver, port=0, lifespan="off", log_level="error", timeout_graceful_shutdown=1)
    )
    running = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.005)
    receiver.url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    try:
        yield receiver
    finally:
        server.should_exit = True
        await running
