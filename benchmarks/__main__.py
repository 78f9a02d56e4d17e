"""`make bench`: our server and the floor side by side, each one process, on one PostgreSQL; ratios, medians.

Rounds alternate between the two, because machines drift; each round's pair gives one ratio. Beside requests per second
stands what a request costs in CPU, of the server and of PostgreSQL: the sturdier figure where load, server and database
share two cores.
"""

import argparse
import asyncio
import json
import os
import random
import statistics
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import asyncpg
import httpx

from app.migrate import upgrade
from app.postgres import running_postgres
from app.tokens import sign
from benchmarks import cold, hot, operations, promise, router, subscribers, webhooks
from benchmarks.harness import HERE, Target, cpu_seconds, free_port, load, reachable_folder, resident_mib, server
from domain.viewer import SCOPES, Role, Viewer, ViewerKind

SECRET = "benchmarks sign with this and nothing else"
CUSTOMERS = 200
READS, WRITES = 6, 8
SOAK = 1_000_000
SHARE_OF_PEAK = 0.7
PARTS = ("reads", "placing", "hot", "soak", "cold", "subscribers", "webhooks", "replay", "promise", "router")
BESIDE_THE_FLOOR = {"reads", "placing", "soak"}
MOST_MIB = 150


# -- data ----------------------------------------------------------------------------------------------------------


async def prepare(url: str, graph: Target) -> None:
    """A channel, a thousand variants with stock, and two hundred customers with ten orders each, through the API."""
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{graph.port}", timeout=60) as client:
        headers = {"Authorization": f"Bearer {graph.token}"}

        async def send(body: dict[str, Any]) -> dict[str, Any]:
            answer = (await client.post("/graphql", json=body, headers=headers)).json()
            if answer.get("errors") or any(payload["userErrors"] for payload in answer["data"].values()):
                raise SystemExit(f"the data cannot be prepared: {answer}")
            return answer["data"]  # type: ignore[no-any-return]

        await send(operations.channel())
        location = (await send(operations.location("BENCH", "bench")))["locationSet"]["location"]["id"]
        for body in operations.catalog(location):
            await send(body)
        for number in range(1, operations.LOCATIONS):
            other = (await send(operations.location(f"BENCH{number}")))["locationSet"]["location"]["id"]
            await send(operations.spread(other))
    bodies = [json.dumps(operations.place(f"buyer{n % CUSTOMERS}@example.com")).encode() for n in range(CUSTOMERS * 10)]
    load(graph, "/graphql", 600, bodies, cycle=False)
    connection = await asyncpg.connect(url)
    await connection.execute((HERE / "floor.sql").read_text())
    await connection.execute("vacuum analyze")
    await connection.close()


async def ids_of(url: str) -> tuple[list[str], list[str]]:
    """Public ids of orders and customers."""
    connection = await asyncpg.connect(url)
    orders = [f"ord_{row[0]}" for row in await connection.fetch("select id from orders order by random() limit 500")]
    customers = [f"cus_{row[0]}" for row in await connection.fetch("select id from customers limit 500")]
    await connection.close()
    return orders, customers


def same(graph: Target, floor: Target, path: str, ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    """Both sides answer the same data, or there is nothing to compare."""
    headers = {"Authorization": f"Bearer {graph.token}"}
    got = httpx.post(f"http://127.0.0.1:{graph.port}/graphql", json=ours, headers=headers).json()
    wanted = httpx.post(f"http://127.0.0.1:{floor.port}{path}", json=theirs).json()
    if got["data"] != wanted["data"]:
        raise SystemExit(f"{path}: the two answers differ\n{json.dumps(got)[:600]}\n{json.dumps(wanted)[:600]}")


# -- measuring -----------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Side:
    """One of the two, over all rounds: requests per second, and microseconds of CPU that a request costs."""

    target: Target
    postgres: int
    rates: list[float] = field(default_factory=list)
    server_us: list[float] = field(default_factory=list)
    postgres_us: list[float] = field(default_factory=list)

    def run(self, path: str, seconds: float, bodies: list[bytes], *, cycle: bool, kept: bool) -> None:
        """One round."""
        pids = self.target.pid, self.postgres
        before = [cpu_seconds(pid) for pid in pids]
        tally = load(self.target, path, seconds, bodies, cycle=cycle)
        server_s, postgres_s = (cpu_seconds(pid) - used for pid, used in zip(pids, before, strict=True))
        if kept:
            self.rates.append(tally["requests"] / tally["seconds"])
            self.server_us.append(server_s / tally["requests"] * 1e6)
            self.postgres_us.append(postgres_s / tally["requests"] * 1e6)


HEAD = f"{'':30} {'ours/s':>7} {'floor/s':>7} {'ratio':>6} {'':11} {'wanted':>6}   CPU us a request: server, PostgreSQL"
ROW = (
    "{operation:30} {ours:>7} {floor:>7} {ratio:>6} ({from}–{to}) {wanted:>6}"
    "   ours {server_us:>4}, {postgres_us:>4}   floor {floor_server_us:>4}, {floor_postgres_us:>4}"
)


class Bench:
    """Our server and the floor on one PostgreSQL."""

    def __init__(self, graph: Target, floor: Target, postgres: int, rounds: int, seconds: float) -> None:
        self.graph, self.floor, self.postgres = graph, floor, postgres
        self.rounds, self.seconds = rounds, seconds

    def compare(self, name: str, wanted: float, path: str, bodies: Iterator[tuple[list[bytes], list[bytes]]]) -> Any:
        """Alternate the two; print the medians and the ratio of each pair. `bodies` gives each round's, ours first."""
        ours, floor = Side(self.graph, self.postgres), Side(self.floor, self.postgres)
        cycle = path != "/place"
        for number in range(self.rounds + 1):
            mine, hand = next(bodies)
            for side, where, sent in ((floor, path, hand), (ours, "/graphql", mine)):
                side.run(where, self.seconds, sent, cycle=cycle, kept=number > 0)  # the first round warms up
        ratios = [mine / theirs for mine, theirs in zip(ours.rates, floor.rates, strict=True)]
        median = lambda each: round(statistics.median(each))  # noqa: E731 - said once, used six times
        row = {
            "operation": name,
            "ours": median(ours.rates),
            "floor": median(floor.rates),
            "ratio": round(statistics.median(ratios), 2),
            "from": round(min(ratios), 2),
            "to": round(max(ratios), 2),
            "wanted": wanted,
            "server_us": median(ours.server_us),
            "postgres_us": median(ours.postgres_us),
            "floor_server_us": median(floor.server_us),
            "floor_postgres_us": median(floor.postgres_us),
        }
        print(ROW.format(**row), flush=True)
        return row

    def reads(self, orders: list[str], customers: list[str]) -> list[dict[str, Any]]:
        """Every read, and how long it takes below the peak."""
        print(HEAD, flush=True)
        rows, quiet = [], []
        for name, wanted, path, ours, theirs in operations.reads(orders, customers):
            same(self.graph, self.floor, path, ours[0], theirs[0])
            mine, hand = ([json.dumps(body).encode() for body in bodies] for bodies in (ours, theirs))
            rows.append(self.compare(name, wanted, path, iter(lambda pair=(mine, hand): pair, None)))  # type: ignore[misc]
            quiet.append((name, path, rows[-1], mine, hand))
        print(
            f"\n{f'at {SHARE_OF_PEAK:.0%} of the peak':30} {'per s':>7} {'p50 ms':>7} {'p99 ms':>7} {'p99/p50':>8}   the floor at its own"
        )
        for name, path, row, mine, hand in quiet:
            row.update(self.below_peak(name, path, row, mine, hand))
        return rows

    def below_peak(
        self, name: str, path: str, row: dict[str, Any], mine: list[bytes], hand: list[bytes]
    ) -> dict[str, Any]:
        """Latency at an even rate, each request timed from when it was due; and the floor's, at the same share of its peak."""
        ours, floor = row["ours"] * SHARE_OF_PEAK, row["floor"] * SHARE_OF_PEAK
        told, by_hand = [], []
        for _ in range(self.rounds):
            by_hand.append(load(self.floor, path, self.seconds, hand, rate=floor))
            told.append(load(self.graph, "/graphql", self.seconds, mine, rate=ours))
        (p50, p99), (floor_p50, floor_p99) = (
            [statistics.median(each[cut] for each in runs) for cut in ("p50", "p99")] for runs in (told, by_hand)
        )
        print(
            f"{name:30} {ours:7.0f} {p50:7.2f} {p99:7.2f} {p99 / p50:8.1f}   {floor_p50:7.2f} {floor_p99:7.2f} {floor_p99 / floor_p50:8.1f}",
            flush=True,
        )
        return {"rate": ours, "p50_ms": p50, "p99_ms": p99, "floor_p50_ms": floor_p50, "floor_p99_ms": floor_p99}

    def placing(self) -> dict[str, Any]:
        """Both writers, each with fresh keys."""

        def fresh() -> Iterator[tuple[list[bytes], list[bytes]]]:
            count = int(self.seconds * 3_000)
            while True:
                buyers = [f"buyer{random.randrange(CUSTOMERS)}@example.com" for _ in range(count)]
                mine = [json.dumps(operations.place(buyer)).encode() for buyer in buyers]
                yield mine, [json.dumps(operations.place_by_hand(buyer)).encode() for buyer in buyers]

        print(f"\n{HEAD}", flush=True)
        row: dict[str, Any] = self.compare("place an order, 3 lines", 0.6, "/place", fresh())
        return row

    def soak(self, orders: list[str], requests: int) -> dict[str, Any]:
        """Memory of our server after so many requests more."""
        before, done = resident_mib(self.graph.pid), 0
        bodies = [json.dumps(operations.body(operations.ORDER_STATUS, id=id_)).encode() for id_ in orders]
        while done < requests:
            done += load(self.graph, "/graphql", 30, bodies)["requests"]
        after = resident_mib(self.graph.pid)
        print(
            f"\nmemory of the server: {before:.0f} MiB, after {done:,} requests more {after:.0f} MiB (at most {MOST_MIB})"
        )
        return {"operation": "memory", "before_mib": before, "after_mib": after, "requests": done}


def replayed(folder: Path, recordings: Path) -> None:
    """A week of recorded orders through HTTP, all steps of each, on a server and a database of their own."""
    if not recordings.is_dir():
        print(f"replay: not measured, there are no recordings in {recordings}")
        return
    report = folder / "replay.json"
    window = ["--from", "2018-01-08", "--to", "2018-01-15", "--report", str(report)]
    command = [str(Path(sys.executable).with_name("ordergraph")), "replay", str(recordings), *window]
    environment = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    subprocess.run(
        command, env={**environment, "ORDERGRAPH_HOME": str(folder / "replay")}, stdout=subprocess.DEVNULL, check=True
    )
    told = json.loads(report.read_text())
    print(f"\nreplay, all steps of each order: {told['ordersPerSecond']} orders/s (at least 60)")


def options() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--only", nargs="+", choices=PARTS, default=PARTS, help="what to measure; everything unless said"
    )
    parser.add_argument("--rounds", type=int, default=5, help="pairs to measure, after one that warms up")
    parser.add_argument("--seconds", type=float, default=3, help="length of one side of a pair")
    parser.add_argument("--soak", type=int, default=SOAK, help="requests after which memory is read; 0 for none")
    parser.add_argument("--json", type=Path, help="also write the rows here")
    recordings = HERE.parents[1] / "shared" / "data" / "olist"
    parser.add_argument("--recordings", type=Path, default=recordings, help="recorded orders to replay and promise")
    day = date.fromisoformat
    parser.add_argument("--promise-from", type=day, default=promise.FIRST, help="promises: the first day of purchase")
    parser.add_argument("--promise-to", type=day, default=promise.END, help="promises: the day after the last")
    parser.add_argument("--routing-bench", type=Path, default=router.BENCH, help="the routing bench's folder")
    return parser.parse_args()


def beside_the_floor(given: argparse.Namespace) -> list[dict[str, Any]]:
    """Reads, placing and the soak."""
    staff = Viewer(ViewerKind.STAFF, Role.OPERATIONS, "bench", "Bench", SCOPES[Role.OPERATIONS])
    with reachable_folder() as folder, running_postgres(folder / "postgres") as postgres:
        asyncio.run(upgrade(postgres.url))
        port, by_hand_port, token = free_port(), free_port(), sign(staff, SECRET, 36_000)
        serve = [str(Path(sys.executable).with_name("ordergraph")), "serve"]
        by_hand = [sys.executable, "-m", "benchmarks.serve_floor", postgres.url, str(by_hand_port)]
        environment = {"DATABASE_URL": postgres.url, "PORT": str(port), "ORDERGRAPH_SECRET": SECRET}
        with (
            server(serve, port, ORDERGRAPH_HOME=str(folder / "home"), **environment) as pid,
            server(by_hand, by_hand_port, READS=str(READS), WRITES=str(WRITES)) as by_hand_pid,
        ):
            graph, floor = Target(port, token, pid), Target(by_hand_port, "-", by_hand_pid)
            asyncio.run(prepare(postgres.url, graph))
            orders, customers = asyncio.run(ids_of(postgres.url))
            bench = Bench(graph, floor, postgres.pid or 0, given.rounds, given.seconds)
            rows = bench.reads(orders, customers) if "reads" in given.only else []
            if "placing" in given.only:
                rows.append(bench.placing())
            if "soak" in given.only and given.soak:
                rows.append(bench.soak(orders, given.soak))
    return rows


def main() -> None:
    """As the module says."""
    given = options()
    rows = beside_the_floor(given) if BESIDE_THE_FLOOR & {*given.only} else []
    if "hot" in given.only:
        rows += hot.main(given.rounds, given.seconds)
    if "cold" in given.only:
        rows += cold.main()
    if "subscribers" in given.only:
        rows += subscribers.main()
    if "webhooks" in given.only:
        rows += webhooks.main()
    if "replay" in given.only:
        with reachable_folder() as folder:
            replayed(folder, given.recordings)
    if "promise" in given.only:
        rows += promise.main(given.recordings, given.promise_from, given.promise_to)
    if "router" in given.only:
        rows += router.main(given.routing_bench)
    if given.json:
        given.json.write_text(json.dumps(rows, indent=2) + "\n")


if __name__ == "__main__":
    main()
