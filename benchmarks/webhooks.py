"""`python -m benchmarks.webhooks`: events to a local receiver by one worker. Deliveries per second, CPU for each.

Worker, receiver and PostgreSQL are processes of their own and share the machine. The receiver's clock counts, from the
first delivery to the last: queueing, signing, sending and putting on record are all in it.
"""

import argparse
import asyncio
import json
import statistics
import sys
import time
import uuid
from pathlib import Path
from typing import Any

import asyncpg
import httptools
import httpx
import uvloop

from app.migrate import upgrade
from app.postgres import running_postgres
from benchmarks.harness import cpu_seconds, free_port, reachable_folder, server, started
from domain.webhooks import new_secret

EVENTS = 5_000
OF_ONE_SUBJECT = 5
"""As many as an order has: they are delivered one after another."""
ROUNDS = 3
WANTED = 500
SECRET = "benchmarks sign with this and nothing else"
QUERY = "query ($eventId: ID!) { node(id: $eventId) { ... on Event { id type message occurredAt order { number } } } }"

LISTEN = """
    INSERT INTO webhook_endpoints (id, url, secret, types, format, status, owner_subject, owner, created_at, query)
    VALUES ($1, $2, $3, '{}', 'STANDARD', 'ACTIVE', 'bench', $4, now(), $5)
"""
OWNER = {"kind": "STAFF", "name": "Bench", "role": "OPERATIONS", "scopes": ["events:read", "webhooks:write"]}

UNDONE = "SELECT EXISTS (SELECT FROM jobs WHERE kind = 'WEBHOOK_DELIVERY')"
READS = "SELECT EXISTS (SELECT FROM relays WHERE name = 'webhooks')"

HAPPEN = """
    INSERT INTO events (type, subject_type, subject_id, sequence, order_id, customer_id, channel_id, actor_kind, actor_id,
                        actor_name, message, data, occurred_at, recorded_at)
    SELECT 'ORDER_PLACED', 'Order', subject, sequence, subject, subject, subject, 'STAFF', 'bench', 'Bench',
           'The order was placed.', '{"total": {"amount": "129.90", "currency": "BRL"}, "lines": 3}', now(), now()
    FROM unnest($1::uuid[]) AS s (subject), generate_series(1, $2) AS n (sequence) ORDER BY sequence, subject
"""


# -- the receiver ------------------------------------------------------------------------------------------------------


class Receiver(asyncio.Protocol):
    """Answers every POST with 200 and a GET with how many there were, when the first and the last came."""

    count = 0
    first = last = 0.0
    ids: set[bytes] = set()  # noqa: RUF012 - all connections count together

    def connection_made(self, transport: Any) -> None:
        """A sender came."""
        self.transport = transport
        self.parser = httptools.HttpRequestParser(self)

    def data_received(self, data: bytes) -> None:
        """Some of a request."""
        self.parser.feed_data(data)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Under which id it came."""
        if name.lower() == b"webhook-id":
            Receiver.ids.add(value)

    def on_message_complete(self) -> None:
        """All of a request."""
        if self.parser.get_method() == b"GET":
            told = json.dumps({"ids": len(Receiver.ids), "seconds": Receiver.last - Receiver.first}).encode()
            if self.url == b"/forget":
                Receiver.ids, Receiver.first = set(), 0.0
        else:
            told = b""
            Receiver.last = time.perf_counter()
            Receiver.first = Receiver.first or Receiver.last
        self.transport.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(told), told))

    def on_url(self, url: bytes) -> None:
        """What is asked for."""
        self.url = url


async def receive(port: int) -> None:
    listening = await asyncio.get_running_loop().create_server(Receiver, "127.0.0.1", port)
    await listening.serve_forever()


# -- measuring ---------------------------------------------------------------------------------------------------------


async def heard(port: int, path: str = "/") -> dict[str, Any]:
    async with httpx.AsyncClient() as client:
        found: dict[str, Any] = (await client.get(f"http://127.0.0.1:{port}{path}")).json()
        return found


async def measure(url: str, port: int, pids: tuple[int, int], events: int) -> dict[str, float]:
    """One round: so many events at once, until the last is on record."""
    connection = await asyncpg.connect(url)
    before = [cpu_seconds(pid) for pid in pids]
    await connection.execute(HAPPEN, [uuid.uuid4() for _ in range(events // OF_ONE_SUBJECT)], OF_ONE_SUBJECT)
    while (tally := await heard(port))["ids"] < events:  # noqa: ASYNC110 - another process has no event for us
        await asyncio.sleep(0.2)
    while await connection.fetchval(UNDONE):  # noqa: ASYNC110 - as above
        await asyncio.sleep(0.05)
    worker, postgres = (cpu_seconds(pid) - used for pid, used in zip(pids, before, strict=True))
    await connection.close()
    await heard(port, "/forget")
    return {
        "rate": events / tally["seconds"],
        "worker_us": worker / events * 1e6,
        "postgres_us": postgres / events * 1e6,
    }


async def listen(url: str, port: int, query: str | None) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute("UPDATE webhook_endpoints SET status = 'DELETED'")
    given = f"http://127.0.0.1:{port}/", new_secret(), json.dumps(OWNER), query
    await connection.execute(LISTEN, uuid.uuid4(), *given)
    while not await connection.fetchval(READS):  # noqa: ASYNC110 - as above
        await asyncio.sleep(0.05)
    await connection.execute("VACUUM ANALYZE")
    await connection.close()


def main(events: int = EVENTS, rounds: int = ROUNDS) -> list[dict[str, Any]]:
    """Print and return the medians."""
    rows = []
    command = str(Path(sys.executable).with_name("ordergraph"))
    with reachable_folder() as folder, running_postgres(folder / "postgres") as postgres:
        asyncio.run(upgrade(postgres.url))
        port = free_port()
        environment = {
            "DATABASE_URL": postgres.url,
            "ORDERGRAPH_SECRET": SECRET,
            "ORDERGRAPH_HOME": str(folder / "home"),
        }
        with (
            server([sys.executable, "-m", "benchmarks.webhooks", "--receive", str(port)], port),
            started([command, "worker"], **environment) as worker,
        ):
            print(f"\n{'webhooks, one worker':34} {'/s':>7} {'wanted':>7}   CPU us a delivery: worker, PostgreSQL")
            for name, query in (("the event as it is", None), ("shaped by a query", QUERY)):
                asyncio.run(listen(postgres.url, port, query))
                pids = worker, postgres.pid or 0
                found = [asyncio.run(measure(postgres.url, port, pids, events)) for _ in range(rounds + 1)][1:]
                row = {key: statistics.median(each[key] for each in found) for key in found[0]}
                rows.append({"operation": f"webhook: {name}", **row})
                print(f"{name:34} {row['rate']:7.0f} {WANTED:7}   {row['worker_us']:.0f}, {row['postgres_us']:.0f}")
    return rows


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.webhooks", description=__doc__)
    parser.add_argument("--receive", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--events", type=int, default=EVENTS, help="events in a round")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="rounds to measure, after one that warms up")
    given = parser.parse_args()
    if given.receive:
        uvloop.run(receive(given.receive))
    else:
        main(given.events, given.rounds)
