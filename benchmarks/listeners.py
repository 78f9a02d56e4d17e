"""Subscribers: so many sockets that each subscribe and then listen. Run as its own process.

    python -m benchmarks.listeners PORT TOKEN COUNT FRAMES < subscribe messages, one a line

Socket n sends message n (beginning anew when there are fewer), and has begun when it gets its first answer: messages
name a cursor with an event after it. Prints a line of JSON when all have begun; then one whenever every socket could
have had one answer more (COUNT of them came), and after FRAMES answers the last. Each tells when (`at`), and the last
how long after their `recordedAt` answers came. Written to cost little: what it burns, the server lacks.
"""

import asyncio
import gc
import itertools
import json
import resource
import statistics
import sys
import time
from datetime import datetime
from typing import Any, cast

import uvloop

UPGRADE = (
    b"GET /graphql HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n"
)
ZEROS = b"\0\0\0\0"
"""The mask that leaves a client's frame as it is."""
TEXT, CLOSE, PING, PONG = 0x1, 0x8, 0x9, 0xA
CONNECTING_AT_ONCE = 100


def frame(opcode: int, payload: bytes) -> bytes:
    """A client's frame."""
    size = len(payload)
    length = bytes((0x80 | size,)) if size < 126 else b"\xfe" + size.to_bytes(2, "big")
    return bytes((0x80 | opcode,)) + length + ZEROS + payload


class Tally:
    """What all sockets share."""

    def __init__(self, count: int, expected: int) -> None:
        self.count = count
        self.expected = expected
        self.begun = self.answers = 0
        self.latencies: list[float] = []
        self.over = asyncio.get_running_loop().create_future()

    def begin(self) -> None:
        """One more has begun."""
        self.begun += 1
        if self.begun == self.count:
            say(begun=self.begun)

    def answer(self, answer: memoryview | bytes) -> None:
        """One more answer came."""
        self.answers += 1
        if self.answers % 10 == 0 or self.expected <= 20_000:
            self.latencies.append(time.time() - recorded_at(bytes(answer)))
        if self.answers == self.expected:
            cuts = statistics.quantiles(self.latencies, n=100)
            say(answers=self.answers, p50=cuts[49] * 1_000, p99=cuts[98] * 1_000, most=max(self.latencies) * 1_000)
            self.over.set_result(None)
        elif self.answers % self.count == 0:
            say(answers=self.answers)


def recorded_at(answer: bytes) -> float:
    """When an event was recorded, just before its commit."""
    begin = answer.index(b'"recordedAt"')
    text = answer[answer.index(b'"', begin + 13) + 1 :].split(b'"', 1)[0].decode()
    return datetime.fromisoformat(text).timestamp()


def say(**told: Any) -> None:
    """A line to whoever started us."""
    print(json.dumps({"at": time.time(), **told}), flush=True)


class Listener(asyncio.Protocol):
    """One socket."""

    __slots__ = ("begun", "buffer", "hello", "tally", "transport", "upgraded")

    def __init__(self, tally: Tally, hello: bytes) -> None:
        self.tally = tally
        self.hello = hello
        self.buffer = b""
        self.upgraded = self.begun = False
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for a WebSocket."""
        self.transport = cast("asyncio.Transport", transport)
        self.transport.write(UPGRADE)

    def data_received(self, data: bytes) -> None:
        """Take frames as they come."""
        data = self.buffer + data if self.buffer else data
        at = 0
        if not self.upgraded:
            end = data.find(b"\r\n\r\n")
            if end < 0:
                self.buffer = data
                return
            self.upgraded, at = True, end + 4
            self.transport.write(self.hello)
        while (rest := len(data) - at) >= 2:
            size, head = data[at + 1], 2
            if size == 126:
                size, head = int.from_bytes(data[at + 2 : at + 4], "big"), 4
            if rest < head or rest < head + size:
                break
            self.take(data[at] & 0xF, data[at + head : at + head + size])
            at += head + size
        self.buffer = data[at:]

    def take(self, opcode: int, payload: bytes) -> None:
        """One frame."""
        if opcode == PING:
            self.transport.write(frame(PONG, payload))
        elif opcode == CLOSE or (opcode == TEXT and b'"type":"error"' in payload[:80]):
            raise SystemExit(f"the server refuses: {payload!r}")
        elif payload.startswith(b'{"type"'):
            pass  # the greeting was understood
        elif self.begun:
            self.tally.answer(payload)
        else:
            self.begun = True
            self.tally.begin()

    def connection_lost(self, exc: Exception | None) -> None:
        """A server that hangs up has failed."""
        if not self.tally.over.done():
            self.tally.over.set_exception(exc or ConnectionResetError())


async def listen(port: int, token: str, count: int, expected: int, messages: list[bytes]) -> None:
    """All sockets together, until whoever started us is done."""
    loop, tally = asyncio.get_running_loop(), Tally(count, expected)
    greeting = frame(TEXT, json.dumps({"type": "connection_init", "payload": {"token": token}}).encode())
    hellos = (greeting + frame(TEXT, message) for message in itertools.cycle(messages))
    for first in range(0, count, CONNECTING_AT_ONCE):
        number = min(CONNECTING_AT_ONCE, count - first)
        wanted = [Listener(tally, next(hellos)) for _ in range(number)]
        await asyncio.gather(*[loop.create_connection(lambda each=each: each, "127.0.0.1", port) for each in wanted])  # type: ignore[misc]
        while tally.begun < first + number // 2:  # noqa: ASYNC110 - a quiet wait, before anything is measured
            await asyncio.sleep(0.001)
    await tally.over
    await asyncio.Event().wait()


def main() -> None:
    """As the module says."""
    port, token, count, expected = sys.argv[1:]
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    messages = [line.rstrip(b"\n") for line in sys.stdin.buffer]
    gc.disable()
    uvloop.run(listen(int(port), token, int(count), int(expected), messages))


if __name__ == "__main__":
    main()
