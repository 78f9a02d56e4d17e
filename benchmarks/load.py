"""The load: so many connections that each send the next request when the last is answered. Run as its own process.

    python -m benchmarks.load PORT PATH TOKEN CONNECTIONS SECONDS cycle|once [RATE] < bodies

Reads one request body per line and prints JSON: requests, seconds, failures, and with a rate also p50 and p99 in
milliseconds. With a rate, requests come due at even intervals whatever the server does, and each is timed from when it
was due: a server that stalls is charged for everyone who waited. It is written to cost little: what it burns on these
two cores, the server lacks.
"""

import asyncio
import gc
import itertools
import json
import statistics
import sys
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import cast

import uvloop

HEAD = "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n{auth}Content-Length: {length}\r\n\r\n"


def request(path: str, auth: str, body: bytes) -> bytes:
    """The bytes of one request."""
    return HEAD.format(path=path, auth=auth, length=len(body)).encode() + body


@dataclass
class Run:
    """What all connections share: what to send, until when, and what came of it."""

    requests: Iterator[bytes]
    until: float
    done: int = 0
    failed: int = 0
    due: deque[float] = field(default_factory=deque)
    idle: deque["Connection"] = field(default_factory=deque)
    paced: bool = False
    waits: list[float] = field(default_factory=list)


class Connection(asyncio.Protocol):
    """One connection: sends a request, reads its answer, goes on."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.over = asyncio.get_running_loop().create_future()
        self.answer = b""
        self.size = 0
        self.started = 0.0
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self.transport = cast("asyncio.Transport", transport)
        self.next()

    def next(self) -> None:
        """Send the next request, if it is due; else wait for it."""
        if time.perf_counter() >= self.run.until:
            self.end()
        elif not self.run.paced:
            self.send(time.perf_counter())
        elif self.run.due:
            self.send(self.run.due.popleft())
        else:
            self.run.idle.append(self)

    def send(self, due: float) -> None:
        """Send the next request, to be timed from when it was due."""
        sent = next(self.run.requests, None)
        if sent is None:
            self.end()
            return
        self.started, self.answer, self.size = due, b"", 0
        self.transport.write(sent)

    def data_received(self, data: bytes) -> None:
        """Gather one answer."""
        self.answer += data
        if not self.size:
            end = self.answer.find(b"\r\n\r\n")
            if end < 0:
                return
            head = self.answer[:end].lower()
            at = head.index(b"content-length:") + 15
            self.size = end + 4 + int(head[at:].split(b"\r\n", 1)[0])
        if len(self.answer) >= self.size:
            self.finish()

    def finish(self) -> None:
        """Count one answer, and go on."""
        run, answer = self.run, self.answer
        run.done += 1
        if run.paced:
            run.waits.append(time.perf_counter() - self.started)
        refused = b'"errors"' in answer or b'"userErrors":[{' in answer or b'"userErrors" : [{' in answer
        run.failed += answer[9:12] != b"200" or refused
        self.next()

    def end(self) -> None:
        """Close."""
        if not self.over.done():
            self.over.set_result(None)
        self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """A server that hangs up has failed."""
        if not self.over.done():
            self.run.failed += 1
            self.over.set_result(exc)


async def pace(run: Run, rate: float) -> None:
    """Let requests come due at even intervals."""
    start, number = time.perf_counter(), 0
    while time.perf_counter() < run.until:
        now = time.perf_counter()
        while (due := start + number / rate) <= now:
            number += 1
            if run.idle:  # late by our own clock, not by the server
                run.idle.popleft().send(time.perf_counter())
            else:
                run.due.append(due)
        await asyncio.sleep(0.001)
    while run.idle:
        run.idle.popleft().end()


async def measure(port: int, requests: Iterator[bytes], connections: int, seconds: float, rate: float) -> Run:
    """All connections together."""
    loop = asyncio.get_running_loop()
    run = Run(requests, time.perf_counter() + seconds, paced=rate > 0)
    made = [await loop.create_connection(lambda: Connection(run), "127.0.0.1", port) for _ in range(connections)]
    pacing = asyncio.create_task(pace(run, rate)) if rate else None
    await asyncio.gather(*[protocol.over for _, protocol in made])
    if pacing:
        await pacing
    return run


def main() -> None:
    """As the module says."""
    port, path, auth, connections, seconds, forever, *rate = sys.argv[1:]
    header = f"Authorization: Bearer {auth}\r\n" if auth != "-" else ""
    sent = [request(path, header, line.rstrip(b"\n")) for line in sys.stdin.buffer]
    stream = itertools.cycle(sent) if forever == "cycle" else iter(sent)
    gc.disable()  # a run is short, and a pause of ours would be charged to the server
    start = time.perf_counter()
    run = uvloop.run(measure(int(port), stream, int(connections), float(seconds), float(rate[0]) if rate else 0.0))
    told = {"requests": run.done, "seconds": time.perf_counter() - start, "failures": run.failed}
    if len(run.waits) > 100:
        cuts = statistics.quantiles(run.waits, n=100)
        told |= {"p50": cuts[49] * 1_000, "p99": cuts[98] * 1_000}
    print(json.dumps(told))


if __name__ == "__main__":
    main()
