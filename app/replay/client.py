"""A client as lean as the endpoint it talks to: it shares the machine with the server that it drives.

One caller, one connection, one question at a time. httpx spends as long on a request as the server on its answer.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httptools
import orjson

from app.failure import Failure

ANSWER_SECONDS = 60.0
"""How long one answer may take."""
PATIENCE_SECONDS = 180.0
"""How long a question is asked again: a server may be away, or a machine stand still, longer than one answer takes."""
PAUSE_SECONDS = 0.25


class CallError(Failure):
    """The API does not answer, or not as it should; the message says what it said."""


class AnswerError(CallError):
    """The API answers this one question with an error; others may fare better."""


@contextmanager
def one_failure() -> Iterator[None]:
    """Where many ask at once and the API fails them all, one of them says so."""
    try:
        yield
    except* CallError as failures:
        first: BaseException = failures
        while isinstance(first, BaseExceptionGroup):
            first = first.exceptions[0]
        raise first from None


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where the API is, and as whom it is asked."""

    url: str
    token: str

    @property
    def head(self) -> bytes:
        """The head of every request, up to the body's length."""
        parts = urlsplit(self.url)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        lines = (
            f"POST {target} HTTP/1.1",
            f"host: {parts.netloc.rpartition('@')[2]}",
            f"authorization: Bearer {self.token}",
            "content-type: application/json",
            "accept: application/json",
            "content-length: ",
        )
        return "\r\n".join(lines).encode()

    @property
    def address(self) -> dict[str, Any]:
        """Where to connect."""
        parts = urlsplit(self.url)
        secure = parts.scheme == "https"
        try:
            return {"host": parts.hostname, "port": parts.port or (443 if secure else 80), "ssl": secure or None}
        except ValueError as error:
            raise CallError(f"{self.url}: {error}") from None


class Document:
    """A GraphQL document, encoded once."""

    __slots__ = ("prefix",)

    def __init__(self, text: str) -> None:
        self.prefix = b'{"query":' + orjson.dumps(text) + b',"variables":'

    def body(self, variables: dict[str, Any]) -> bytes:
        """The body of a request."""
        return self.prefix + orjson.dumps(variables) + b"}"


class Caller:
    """Asks over one connection that it keeps; a broken one is made anew and the question asked again.

    Every mutation carries an idempotency key, so asking again is safe.
    """

    def __init__(self, endpoint: Endpoint, patience_seconds: float = PATIENCE_SECONDS) -> None:
        self.endpoint = endpoint
        self.patience_seconds = patience_seconds
        self.head = endpoint.head
        self.line: _Line | None = None

    async def ask(self, document: Document, variables: dict[str, Any]) -> dict[str, Any]:
        """The answer's data; `CallError` when there is none."""
        body = document.body(variables)
        request = self.head + b"%d\r\n\r\n" % len(body) + body
        deadline = asyncio.get_running_loop().time() + self.patience_seconds
        while True:
            try:
                status, answer = await self._exchange(request)
            except OSError as error:
                status, answer = 0, str(error).encode()
            if status in {200, 500}:
                return _data(answer)
            if status not in {0, 502, 503, 504} or asyncio.get_running_loop().time() > deadline:
                raise CallError(f"{self.endpoint.url} answers {status or 'nothing'}: {_said(answer)}")
            await asyncio.sleep(PAUSE_SECONDS)

    async def _exchange(self, request: bytes) -> tuple[int, bytes]:
        if self.line is None or self.line.closed:
            loop = asyncio.get_running_loop()
            _, self.line = await loop.create_connection(_Line, **self.endpoint.address)
        return await self.line.exchange(request)

    def close(self) -> None:
        """Hang up."""
        if self.line is not None and not self.line.closed:
            self.line.transport.abort()


class _Line(asyncio.Protocol):
    """One connection. httptools calls the `on_…` methods as it reads."""

    def __init__(self) -> None:
        self.closed = False
        self.parts: list[bytes] = []
        self.waiter: asyncio.Future[tuple[int, bytes]] | None = None

    async def exchange(self, request: bytes) -> tuple[int, bytes]:
        """Send a request; its (status, body)."""
        loop = asyncio.get_running_loop()
        self.waiter = loop.create_future()
        self.parts.clear()
        self.parser = httptools.HttpResponseParser(self)
        self.transport.write(request)
        alarm = loop.call_later(ANSWER_SECONDS, self.transport.abort)
        try:
            return await self.waiter
        finally:
            alarm.cancel()
            if not self.waiter.done() or self.waiter.cancelled():
                self.transport.abort()  # half an answer is of no use to the next question

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep what is written to."""
        self.transport: Any = transport

    def data_received(self, data: bytes) -> None:
        """Hand on to the parser."""
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._fail(f"this is no HTTP: {error}")
            self.transport.abort()

    def connection_lost(self, error: Exception | None) -> None:
        """Whoever waits learns it."""
        self.closed = True
        self._fail(str(error or "the connection was closed"))

    def on_body(self, body: bytes) -> None:
        """A part of the body."""
        self.parts.append(body)

    def on_message_complete(self) -> None:
        """The whole answer is there."""
        if self.waiter is not None and not self.waiter.done():
            self.waiter.set_result((self.parser.get_status_code(), b"".join(self.parts)))
        if not self.parser.should_keep_alive():
            self.closed = True
            self.transport.close()

    def _fail(self, reason: str) -> None:
        if self.waiter is not None and not self.waiter.done():
            self.waiter.set_exception(ConnectionError(reason))


def _data(answer: bytes) -> dict[str, Any]:
    try:
        found = orjson.loads(answer)
    except orjson.JSONDecodeError:
        found = {}
    if found.get("errors") or not found.get("data"):
        raise AnswerError(_said(answer))
    return found["data"]  # type: ignore[no-any-return]


def _said(answer: bytes) -> str:
    """What an answer without data says, in a line."""
    try:
        errors = orjson.loads(answer)["errors"]
        return "; ".join(f"{each.get('extensions', {}).get('code', 'ERROR')}: {each['message']}" for each in errors)
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return answer[:200].decode(errors="replace")
