"""The load: so many connections that each send the next request when the last is answered. Run as its own process.

    python -m benchmarks.load PORT PATH TOKEN CONNECTIONS SECONDS cycle|once < bodies

Reads one request body per line and prints `{"requests": …, "seconds": …, "failures": …}`.
"""

import asyncio
import itertools
import json
import sys
import time
from collections.abc import Iterator

HEAD = "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n{auth}Content-Length: {length}\r\n\r\n"


def request(path: str, auth: str, body: bytes) -> bytes:
    """The bytes of one request."""
    return HEAD.format(path=path, auth=auth, length=len(body)).encode() + body


async def exchange(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, sent: bytes) -> tuple[int, bytes]:
    """Send one request; its status and body."""
    writer.write(sent)
    head = await reader.readuntil(b"\r\n\r\n")
    lowered = head.lower()
    at = lowered.index(b"content-length:") + 15
    length = int(lowered[at : lowered.index(b"\r\n", at)])
    return int(head[9:12]), await reader.readexactly(length)


async def connection(port: int, requests: Iterator[bytes], until: float, tally: list[int]) -> None:
    """One connection's life."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while time.perf_counter() < until:
        sent = next(requests, None)
        if sent is None:
            break
        status, body = await exchange(reader, writer, sent)
        tally[0] += 1
        if status != 200 or b'"errors"' in body or b'"userErrors":[{' in body or b'"userErrors" : [{' in body:
            tally[1] += 1
    writer.close()


async def run(port: int, requests: Iterator[bytes], connections: int, seconds: float) -> dict[str, float]:
    """All connections together."""
    tally = [0, 0]
    start = time.perf_counter()
    await asyncio.gather(*[connection(port, requests, start + seconds, tally) for _ in range(connections)])
    return {"requests": tally[0], "seconds": time.perf_counter() - start, "failures": tally[1]}


def main() -> None:
    """As the module says."""
    port, path, auth, connections, seconds, forever = sys.argv[1:7]
    header = f"Authorization: Bearer {auth}\r\n" if auth != "-" else ""
    sent = [request(path, header, line.rstrip(b"\n")) for line in sys.stdin.buffer]
    stream = itertools.cycle(sent) if forever == "cycle" else iter(sent)
    print(json.dumps(asyncio.run(run(int(port), stream, int(connections), float(seconds)))))


if __name__ == "__main__":
    main()
