"""GraphQL over server-sent events, in "distinct connections mode": one request, one stream of its answers."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from dataclasses import dataclass

from starlette.types import Receive, Send

from app.graphql_request import Bearer
from app.refusals import tell
from app.tokens import ExpiredToken

HEARTBEAT_SECONDS = 15.0
"""Proxies drop a connection that is silent for a minute, some for half of one."""

COMPLETE = b"event: complete\ndata:\n\n"
"""With its empty data line, without which a browser's EventSource would not report it."""

Answers = AsyncGenerator[bytes, None]


@dataclass(frozen=True, slots=True)
class Line:
    """The connection that a stream goes over."""

    receive: Receive
    send: Send
    closing: asyncio.Event
    """Set when the server ends; clients see a stream without its `complete`, and come back."""
    frank: bool
    """Whether clients are told what a bug said."""


async def stream(answers: Answers, bearer: Bearer, line: Line) -> None:
    """Send answers until there are no more, the client leaves, or the server ends. The response has begun."""
    send = line.send
    telling = asyncio.create_task(_tell(answers, bearer, line))
    others = [asyncio.create_task(each) for each in (_client_leaves(line.receive), _beat(send), _closed(line.closing))]
    try:
        await asyncio.wait([telling, *others], return_when=asyncio.FIRST_COMPLETED)
        if telling.done():
            telling.result()
    finally:
        await _end([telling, *others])
        await send({"type": "http.response.body", "body": b""})


async def _end(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _tell(answers: Answers, bearer: Bearer, line: Line) -> None:
    """Every answer, or what went wrong, then that it is over."""
    send = line.send
    left = None if bearer.expires_at is None else bearer.expires_at - time.time()
    try:
        async with aclosing(answers), asyncio.timeout(left):
            async for answer in answers:
                await _write(send, next_event(answer))
    except TimeoutError:
        await _write(send, refusal(ExpiredToken("The token has expired.")))
    except Exception as error:  # noqa: BLE001 - whatever it is, the client is told and the log has the rest
        await _write(send, refusal(error, frank=line.frank))
    await _write(send, COMPLETE)


def next_event(answer: bytes) -> bytes:
    """One answer. PostgreSQL breaks long JSON into lines, and each needs its field name."""
    return b"event: next\ndata: " + answer.replace(b"\n", b"\ndata: ") + b"\n\n"


def refusal(error: Exception, *, frank: bool = False) -> bytes:
    """What went wrong, as an answer without data."""
    return next_event(tell(error, frank=frank).body)


async def _write(send: Send, event: bytes) -> None:
    await send({"type": "http.response.body", "body": event, "more_body": True})


async def _beat(send: Send) -> None:
    while True:
        await asyncio.sleep(HEARTBEAT_SECONDS)
        await _write(send, b":\n\n")


async def _closed(closing: asyncio.Event) -> None:
    await closing.wait()


async def _client_leaves(receive: Receive) -> None:
    with suppress(OSError):
        while (await receive())["type"] != "http.disconnect":
            pass
