"""A response that goes on: the answers to one operation as they come, in the words of the protocol that was asked for."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, nullcontext, suppress
from dataclasses import dataclass
from functools import partial

from starlette.types import Receive, Send

from app.graphql_request import Bearer
from app.lines import Lines
from app.refusals import tell
from app.tokens import ExpiredToken

HEARTBEAT_SECONDS = 15.0
"""Proxies drop a connection that is silent for a minute, some for half of one."""

Answers = AsyncGenerator[bytes, None]


@dataclass(frozen=True, slots=True)
class Framing:
    """How a protocol puts what there is to say."""

    accept: bytes
    """How clients ask for it."""
    content_type: bytes
    opening: bytes
    answer: Callable[[bytes], bytes]
    """One answer; its JSON may have several lines."""
    refusal: Callable[[bytes], bytes]
    """Why a line ends that had begun, by a JSON object of errors."""
    heartbeat: bytes
    complete: bytes
    """There is no more to tell."""
    leaving: bytes
    """The server ends; there is more to tell, and clients come back for it."""


@dataclass(frozen=True, slots=True)
class Line:
    """The connection that a stream goes over."""

    receive: Receive
    send: Send
    framing: Framing
    lines: Lines
    ends: bool
    """Whether it ends by itself, and soon: then a server that ends waits for it."""
    frank: bool
    """Whether clients are told what a bug said."""


async def stream(answers: Answers, bearer: Bearer, line: Line) -> None:
    """Send answers until there are no more, the client leaves, or the server ends. The response has begun."""
    leaving: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    with nullcontext() if line.ends else line.lines.holding(partial(_settle, leaving)):
        telling = asyncio.create_task(_tell(answers, bearer, line))
        others = [asyncio.create_task(each) for each in (_client_leaves(line.receive), _beat(line))]
        last = b""
        try:
            await asyncio.wait([telling, leaving, *others], return_when=asyncio.FIRST_COMPLETED)
            if telling.done():
                telling.result()
            elif leaving.done():
                last = line.framing.leaving
        finally:
            await _end([telling, *others])
            await line.send({"type": "http.response.body", "body": last})


def _settle(leaving: "asyncio.Future[None]") -> None:
    if not leaving.done():
        leaving.set_result(None)


async def _end(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _tell(answers: Answers, bearer: Bearer, line: Line) -> None:
    """Every answer, or what went wrong, then that it is over."""
    framing = line.framing
    left = None if bearer.expires_at is None else bearer.expires_at - time.time()
    put = framing.answer
    if framing.opening:
        await _write(line, framing.opening)
    try:
        async with aclosing(answers), asyncio.timeout(left):
            async for answer in answers:
                await _write(line, framing.answer(answer))
                put = framing.refusal
    except TimeoutError:
        await _write(line, framing.refusal(tell(ExpiredToken("The token has expired.")).body))
    except Exception as error:  # noqa: BLE001 - whatever it is, the client is told and the log has the rest
        await _write(line, put(tell(error, frank=line.frank).body))
    await _write(line, framing.complete)


async def _write(line: Line, part: bytes) -> None:
    await line.send({"type": "http.response.body", "body": part, "more_body": True})


async def _beat(line: Line) -> None:
    while True:
        await asyncio.sleep(HEARTBEAT_SECONDS)
        await _write(line, line.framing.heartbeat)


async def _client_leaves(receive: Receive) -> None:
    with suppress(OSError):
        while (await receive())["type"] != "http.disconnect":
            pass
