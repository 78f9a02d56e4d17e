"""`python -m benchmarks.subscribers`: what subscribers cost, on real sockets, with events that mutations write.

    many        10,000 subscribers of one question on one process: memory of each, CPU of each for one event
    paced       1,000 subscribers, 50 events/s, each event reaching 20: how long after it was recorded they hear of it
    distinct    1,000 questions that share an event: time and CPU for each

An event's time begins when it is recorded, which is before its commit.
"""

import argparse
import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Any
from uuid import uuid4

import asyncpg
import httpx

from app.migrate import upgrade
from app.postgres import running_postgres
from app.tokens import sign
from benchmarks.harness import Target, cpu_seconds, free_port, reachable_folder, resident_mib, server
from domain.ids import encode, new_id
from domain.viewer import SCOPES, Role, Viewer, ViewerKind

SECRET = "benchmarks sign with this and nothing else"
BEGINNING = "WyJQT1NJVElPTiIsMCwwXQ=="
SELECTION = "{ id cursor type occurredAt recordedAt message subject { __typename id } }"
CUSTOMER_LIVE = f"""subscription CustomerLive($customerId: ID!, $after: String) {{
  customerEvents(customerId: $customerId, after: $after) {SELECTION}
}}"""
LOG_LIVE = f"""subscription LogLive($customerId: ID!, $to: DateTime!, $after: String) {{
  events(filter: {{ customerId: $customerId, occurredTo: $to }}, after: $after) {SELECTION}
}}"""
NOTE = "mutation ($input: CustomerNoteAddInput!) { customerNoteAdd(input: $input) { note { id } userErrors { code } } }"
CUSTOMER = "INSERT INTO customers (id, kind, display_name, created_at) VALUES ($1, 'REGISTERED', 'Bia', now())"


class Bench:
    """A server, its database, and customers whom things can happen to."""

    def __init__(self, graph: Target, postgres: int, client: httpx.Client) -> None:
        self.graph, self.postgres, self.client = graph, postgres, client
        self.customers: list[str] = []
        """Each with one event: listeners have begun when they hear of that."""

    def happen(self, customer: str) -> None:
        """One event."""
        given = {"customerId": customer, "body": "rang", "idempotencyKey": str(uuid4())}
        answer = self.client.post("/graphql", json={"query": NOTE, "variables": {"input": given}}).json()
        if answer.get("errors") or answer["data"]["customerNoteAdd"]["userErrors"]:
            raise SystemExit(f"nothing happened: {answer}")

    @contextmanager
    def listening(self, count: int, answers: int, messages: list[dict[str, Any]]) -> Iterator["Lines"]:
        """Listeners that have all begun."""
        words = [str(self.graph.port), self.graph.token, str(count), str(answers)]
        command = [sys.executable, "-m", "benchmarks.listeners", *words]
        child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert child.stdin
        assert child.stdout
        child.stdin.write("\n".join(map(json.dumps, messages)).encode())
        child.stdin.close()
        try:
            lines = Lines(child.stdout)
            lines.next()
            yield lines
        finally:
            child.kill()
            child.wait()

    def used(self) -> tuple[float, float]:
        """CPU so far: the server's, PostgreSQL's."""
        return cpu_seconds(self.graph.pid), cpu_seconds(self.postgres)

    # -- what is measured ------------------------------------------------------------------------------------------

    def many(self, count: int, events: int) -> list[dict[str, Any]]:
        """Memory of each, and CPU for each of one event to all."""
        customer = self.customers.pop()
        before = resident_mib(self.graph.pid)
        asked = [subscribe(CUSTOMER_LIVE, customerId=customer, after=BEGINNING) for _ in range(count)]
        started, used = time.time(), self.used()
        with self.listening(count, events * count, asked) as lines:
            began = time.time() - started
            begun = [(now - then) / count * 1e3 for now, then in zip(self.used(), used, strict=True)]
            time.sleep(2)
            kib = (resident_mib(self.graph.pid) - before) * 1024 / count
            idle = self.used()[0]
            time.sleep(2)
            idle = (self.used()[0] - idle) / 2
            spent, took = [], []
            for _ in range(events):
                used, at = self.used()[0], time.time()
                self.happen(customer)
                told = lines.next()
                took.append(told["at"] - at)
                time.sleep(0.2)
                spent.append((self.used()[0] - used - idle * (time.time() - at)) / count * 1e6)
        cpu, wall = sorted(spent)[events // 2], sorted(took)[events // 2]
        say(f"memory of a subscriber, {count:,} on one process", f"{kib:.1f} KiB", "40 KiB")
        say(f"    begun by a cursor in {began:.0f} s, CPU of the server, PostgreSQL for each",
            f"{begun[0]:.2f}, {begun[1]:.2f} ms", "")  # fmt: skip
        say(f"one event to {count:,} of one group, CPU of each", f"{cpu:.1f} us", "15 us")
        say("    until the last has it", f"{wall * 1e3:.0f} ms", "")
        say("    the same sockets at rest, CPU", f"{idle:.1%}", "")
        return [{"operation": "subscriber", "kib": kib, "us_per_event": cpu, "last_ms": wall * 1e3, "idle": idle}]

    def paced(self, count: int, reach: int, rate: float, seconds: float, *, alone: bool) -> list[dict[str, Any]]:
        """Latency while events keep coming, to groups of those who hear the same or to everyone `alone`."""
        groups, events = [self.customers.pop() for _ in range(count // reach)], int(rate * seconds)
        if alone:
            asked = [
                subscribe(LOG_LIVE, customerId=groups[n % len(groups)], to=day(n), after=BEGINNING)
                for n in range(count)
            ]
        else:
            asked = [subscribe(CUSTOMER_LIVE, customerId=each, after=BEGINNING) for each in groups]
        with self.listening(count, events * reach, asked) as lines:
            used, start = self.used(), time.time()
            for number in range(events):
                time.sleep(max(0.0, start + number / rate - time.time()))
                self.happen(groups[number % len(groups)])
            told = lines.last()
            server_s, postgres_s = (now - before for now, before in zip(self.used(), used, strict=True))
            took = time.time() - start
        alone_or_not = f"{reach} groups" if alone else f"{reach} of a group"
        what = f"{count:,} subscribers, {events / took:.0f} events/s, each to {alone_or_not}: p99"
        say(what, f"{told['p99']:.1f} ms", "100 ms")
        say(f"    p50 {told['p50']:.1f} ms, latest {told['most']:.1f} ms; CPU of the server, PostgreSQL",
            f"{server_s / took:.0%}, {postgres_s / took:.0%}", "")  # fmt: skip
        return [
            {
                "operation": "latency",
                "alone": alone,
                "p50_ms": told["p50"],
                "p99_ms": told["p99"],
                "most_ms": told["most"],
            }
        ]

    def distinct(self, count: int, events: int) -> list[dict[str, Any]]:
        """What a group costs that shares its event with no other subscriber."""
        customer = self.customers.pop()
        asked = [subscribe(LOG_LIVE, customerId=customer, to=day(number), after=BEGINNING) for number in range(count)]
        with self.listening(count, events * count, asked) as lines:
            walls, cpus = [], []
            for _ in range(events):
                used, at = self.used(), time.time()
                self.happen(customer)
                walls.append((lines.next()["at"] - at) / count * 1e3)
                cpus.append([(now - then) / count * 1e3 for now, then in zip(self.used(), used, strict=True)])
        wall, cpu = sorted(walls)[events // 2], sorted(cpus)[events // 2]
        say(f"{count:,} groups that share an event, each", f"{wall:.2f} ms", "1.5 ms")
        say("    CPU of the server, PostgreSQL", f"{cpu[0]:.2f}, {cpu[1]:.2f} ms", "")
        return [{"operation": "group", "ms": wall, "server_ms": cpu[0], "postgres_ms": cpu[1]}]


class Lines:
    """What listeners tell, line by line."""

    def __init__(self, stream: IO[bytes]) -> None:
        self.stream = stream

    def next(self) -> dict[str, Any]:
        """The next thing that they tell."""
        line = self.stream.readline()
        if not line:
            raise SystemExit("the listeners have failed; the reason is above")
        return json.loads(line)  # type: ignore[no-any-return]

    def last(self) -> dict[str, Any]:
        """What they tell in the end."""
        while "p99" not in (told := self.next()):
            pass
        return told


def day(number: int) -> str:
    """A day that is still to come: in a filter, it makes a question that nobody else asks."""
    return (datetime.now(UTC) + timedelta(days=1 + number)).isoformat()


def subscribe(query: str, **variables: Any) -> dict[str, Any]:
    """A message that begins a subscription. Clients give ids that nobody else has."""
    return {"type": "subscribe", "id": str(uuid4()), "payload": {"query": query, "variables": variables}}


def say(what: str, found: str, at_most: str) -> None:
    """A row of the report."""
    print(f"{what:75} {found:>14} {at_most:>9}", flush=True)


async def add_customers(url: str, number: int) -> list[str]:
    """People whom nothing has happened to yet."""
    connection = await asyncpg.connect(url)
    keys = [new_id() for _ in range(number)]
    await connection.executemany(CUSTOMER, [(key,) for key in keys])
    await connection.close()
    return [encode("Customer", key) for key in keys]


def main(scale: float = 1.0, only: str | None = None) -> list[dict[str, Any]]:
    """Every figure; `scale` makes crowds smaller where a machine has no room for them."""
    staff = Viewer(ViewerKind.STAFF, Role.OPERATIONS, "bench", "Bench", SCOPES[Role.OPERATIONS])
    port, token = free_port(), sign(staff, SECRET, 36_000)
    rows: list[dict[str, Any]] = []
    print(f"\n{'subscribers':75} {'measured':>14} {'at most':>9}", flush=True)
    with reachable_folder() as folder, running_postgres(folder / "postgres") as postgres:
        asyncio.run(upgrade(postgres.url))
        serve = [str(Path(sys.executable).with_name("ordergraph")), "serve"]
        environment = {"DATABASE_URL": postgres.url, "PORT": str(port), "ORDERGRAPH_SECRET": SECRET}
        headers = {"Authorization": f"Bearer {token}"}
        with (
            server(serve, port, ORDERGRAPH_HOME=str(folder / "home"), **environment) as pid,
            httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=60) as client,
        ):
            bench = Bench(Target(port, token, pid), postgres.pid or 0, client)
            bench.customers = asyncio.run(add_customers(postgres.url, 102))
            for customer in bench.customers:
                bench.happen(customer)
            if only in {None, "many"}:
                rows += bench.many(int(10_000 * scale), 11)
            if only in {None, "paced"}:
                for alone in (False, True):
                    rows += bench.paced(int(1_000 * scale), 20, 50, 20 * scale, alone=alone)
            if only in {None, "distinct"}:
                rows += bench.distinct(int(1_000 * scale), 7)
    return rows


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.subscribers", description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0, help="a tenth of everybody is 0.1")
    parser.add_argument("--only", choices=["many", "paced", "distinct"], help="one of the figures")
    given = parser.parse_args()
    main(given.scale, given.only)
