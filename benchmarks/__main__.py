"""`make bench`: our server and the floor side by side, each one process, on one PostgreSQL; ratios, medians.

Rounds alternate between the two, because these machines are noisy and drift; each round's pair gives one ratio.
"""

import argparse
import asyncio
import json
import os
import random
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import httpx

from app.migrate import upgrade
from app.postgres import running_postgres
from app.tokens import sign
from benchmarks import operations
from domain.viewer import SCOPES, Role, Scope, Viewer, ViewerKind

SECRET = "benchmarks sign with this and nothing else"
HERE = Path(__file__).parent
CONNECTIONS = 16
CUSTOMERS = 200
READS, WRITES = 6, 8


@dataclass(frozen=True, slots=True)
class Target:
    """A running server."""

    port: int
    token: str


@contextmanager
def server(command: list[str], port: int, **environment: str) -> Iterator[None]:
    """A server as a child process, once it listens."""
    child = subprocess.Popen(command, env={**os.environ, **environment}, stdout=subprocess.DEVNULL)
    try:
        for _ in range(400):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        else:
            raise SystemExit(f"{command} does not listen on {port}")
        yield
    finally:
        child.terminate()
        child.wait()


def free_port() -> int:
    """A port that nobody has."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def reachable_folder() -> Iterator[Path]:
    """A folder that PostgreSQL's account can enter too."""
    folder = Path(tempfile.mkdtemp(prefix="ordergraph-bench-"))
    if os.geteuid() == 0:
        folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def load(port: int, path: str, token: str, seconds: float, bodies: list[bytes], *, cycle: bool) -> float:
    """Requests per second that a load process gets answered; anything but success ends the run."""
    command = [sys.executable, "-m", "benchmarks.load", str(port), path, token, str(CONNECTIONS), str(seconds)]
    done = subprocess.run(
        [*command, "cycle" if cycle else "once"], input=b"\n".join(bodies), stdout=subprocess.PIPE, check=True
    )
    tally = json.loads(done.stdout)
    if tally["failures"]:
        raise SystemExit(f"{tally['failures']} of {tally['requests']} requests to {path} failed")
    return float(tally["requests"] / tally["seconds"])


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
        location = (await send(operations.location()))["locationSet"]["location"]["id"]
        for body in operations.catalog(location):
            await send(body)
    bodies = [json.dumps(operations.place(f"buyer{n % CUSTOMERS}@example.com")).encode() for n in range(CUSTOMERS * 10)]
    load(graph.port, "/graphql", graph.token, 600, bodies, cycle=False)
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
    """Both sides answer the same JSON, or there is nothing to compare."""
    headers = {"Authorization": f"Bearer {graph.token}"}
    got = httpx.post(f"http://127.0.0.1:{graph.port}/graphql", json=ours, headers=headers).json()
    wanted = httpx.post(f"http://127.0.0.1:{floor.port}{path}", json=theirs).json()
    if got != wanted:
        raise SystemExit(f"{path}: the two answers differ\n{json.dumps(got)[:600]}\n{json.dumps(wanted)[:600]}")


# -- measuring -----------------------------------------------------------------------------------------------------


def measure(name: str, target: float, rounds: int, seconds: float, pair: Any) -> dict[str, Any]:
    """Alternate the two, print the medians and the ratio of each pair."""
    ours, floor = [], []
    for number in range(rounds + 1):
        floor_rate, our_rate = pair(seconds)
        if number:  # the first round warms both up
            floor.append(floor_rate)
            ours.append(our_rate)
    ratios = [mine / theirs for mine, theirs in zip(ours, floor, strict=True)]
    row = {
        "operation": name,
        "ours": round(statistics.median(ours)),
        "floor": round(statistics.median(floor)),
        "ratio": round(statistics.median(ratios), 2),
        "from": round(min(ratios), 2),
        "to": round(max(ratios), 2),
        "wanted": target,
    }
    print("{operation:34} {ours:>8} {floor:>8} {ratio:>7} ({from}–{to}) {wanted:>8}".format(**row), flush=True)
    return row


def measure_all(url: str, graph: Target, floor: Target, rounds: int, seconds: float) -> list[dict[str, Any]]:
    """Every operation."""
    orders, customers = asyncio.run(ids_of(url))
    print(f"{'':34} {'ours/s':>8} {'floor/s':>8} {'ratio':>7} {'':11} {'wanted':>8}", flush=True)
    rows = []
    for name, path, ours, theirs in operations.reads(orders, customers):
        same(graph, floor, path, ours[0], theirs[0])
        mine, hand = ([json.dumps(body).encode() for body in bodies] for bodies in (ours, theirs))

        def pair(seconds: float, mine: Any = mine, hand: Any = hand, path: str = path) -> tuple[float, float]:
            return (
                load(floor.port, path, "-", seconds, hand, cycle=True),
                load(graph.port, "/graphql", graph.token, seconds, mine, cycle=True),
            )

        rows.append(measure(name, 0.7, rounds, seconds, pair))
    rows.append(measure("place an order, 3 lines", 0.6, rounds, seconds, lambda each: placing(graph, floor, each)))
    return rows


def placing(graph: Target, floor: Target, seconds: float) -> tuple[float, float]:
    """Both writers, each with fresh keys."""
    count = int(seconds * 3_000)
    buyers = [f"buyer{random.randrange(CUSTOMERS)}@example.com" for _ in range(count)]
    hand = [json.dumps(operations.place_by_hand(buyer)).encode() for buyer in buyers]
    mine = [json.dumps(operations.place(buyer)).encode() for buyer in buyers]
    return (
        load(floor.port, "/place", "-", seconds, hand, cycle=False),
        load(graph.port, "/graphql", graph.token, seconds, mine, cycle=False),
    )


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
    print(f"{'replay, all steps of each order':34} {told['ordersPerSecond']:>8} orders/s {'':18} {60:>8}")


def main() -> None:
    """As the module says."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="pairs to measure, after one that warms up")
    parser.add_argument("--seconds", type=float, default=3, help="length of one side of a pair")
    parser.add_argument("--json", type=Path, help="also write the rows here")
    recordings = HERE.parents[1] / "shared" / "data" / "olist"
    parser.add_argument("--recordings", type=Path, default=recordings, help="recorded orders to replay")
    given = parser.parse_args()
    app = Viewer(ViewerKind.APP, Role.APP, "bench", "Bench", frozenset(Scope) | SCOPES[Role.OPERATIONS])
    with reachable_folder() as folder, running_postgres(folder / "postgres") as postgres:
        asyncio.run(upgrade(postgres.url))
        graph, floor = Target(free_port(), sign(app, SECRET, 36_000)), Target(free_port(), "-")
        serve = [str(Path(sys.executable).with_name("ordergraph")), "serve"]
        by_hand = [sys.executable, "-m", "benchmarks.serve_floor", postgres.url, str(floor.port)]
        environment = {"DATABASE_URL": postgres.url, "PORT": str(graph.port), "ORDERGRAPH_SECRET": SECRET}
        with (
            server(serve, graph.port, ORDERGRAPH_HOME=str(folder / "home"), **environment),
            server(by_hand, floor.port, READS=str(READS), WRITES=str(WRITES)),
        ):
            asyncio.run(prepare(postgres.url, graph))
            rows = measure_all(postgres.url, graph, floor, given.rounds, given.seconds)
    with reachable_folder() as folder:
        replayed(folder, given.recordings)
    if given.json:
        given.json.write_text(json.dumps(rows, indent=2) + "\n")


if __name__ == "__main__":
    main()
