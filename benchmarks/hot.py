"""A hot SKU: orders that all want the same units wait for each other's commit; how much slower are they than others?

Orders of one line each, all for one SKU at one location, against as many for a thousand SKUs. Rounds alternate between
the two, because machines drift; each round's pair gives one ratio.
"""

import asyncio
import json
import random
import statistics
import sys
from pathlib import Path
from typing import Any

import asyncpg
import httpx

from app.migrate import upgrade
from app.postgres import running_postgres
from app.tokens import sign
from benchmarks import operations
from benchmarks.harness import Target, cpu_seconds, free_port, load, reachable_folder, server
from domain.viewer import SCOPES, Role, Viewer, ViewerKind

SECRET = "benchmarks sign with this and nothing else"
WANTED = 0.7
HOT = f"B-{operations.VARIANTS - 1}"
BUYERS = 200
MOST_A_SECOND = 3_000


def order(sku: str) -> bytes:
    """An order of one unit."""
    buyer = f"buyer{random.randrange(BUYERS)}@example.com"
    lines, key = [{"sku": sku, "quantity": 1}], operations.key()
    given = operations.body(operations.PLACE, key=key, email=buyer, lines=lines, address=operations.ADDRESS)
    return json.dumps(given).encode()


def orders(seconds: float, *, hot: bool) -> list[bytes]:
    """More than can be placed in so many seconds."""
    skus = [HOT] if hot else [f"B-{number}" for number in range(operations.VARIANTS)]
    return [order(random.choice(skus)) for _ in range(int(seconds * MOST_A_SECOND))]


def prepare(target: Target) -> None:
    """A channel, a location and a thousand SKUs with a million units each."""
    with httpx.Client(base_url=f"http://127.0.0.1:{target.port}", timeout=60) as client:
        headers = {"Authorization": f"Bearer {target.token}"}

        def send(body: dict[str, Any]) -> dict[str, Any]:
            answer = client.post("/graphql", json=body, headers=headers).json()
            if answer.get("errors") or any(payload["userErrors"] for payload in answer["data"].values()):
                raise SystemExit(f"the data cannot be prepared: {answer}")
            return answer["data"]  # type: ignore[no-any-return]

        send(operations.channel())
        location = send(operations.location("BENCH", "bench"))["locationSet"]["location"]["id"]
        for body in operations.catalog(location):
            send(body)
    load(target, "/graphql", 60, [order(f"B-{number % operations.VARIANTS}") for number in range(1_000)], cycle=False)


async def tidied(url: str) -> None:
    """As a database is that is looked after."""
    connection = await asyncpg.connect(url)
    await connection.execute("vacuum analyze")
    await connection.close()


def compare(target: Target, rounds: int, seconds: float) -> dict[str, Any]:
    """Alternate the two."""
    rates: dict[bool, list[float]] = {True: [], False: []}
    busy: dict[bool, list[float]] = {True: [], False: []}
    for number in range(rounds + 1):
        for hot in (False, True):
            bodies, before = orders(seconds, hot=hot), cpu_seconds(target.pid)
            tally = load(target, "/graphql", seconds, bodies, cycle=False)
            if number:  # the first round warms up
                rates[hot].append(tally["requests"] / tally["seconds"])
                busy[hot].append((cpu_seconds(target.pid) - before) / tally["seconds"])
    ratios = [hot / others for hot, others in zip(rates[True], rates[False], strict=True)]
    row = {
        "operation": "hot SKU",
        "hot": round(statistics.median(rates[True])),
        "others": round(statistics.median(rates[False])),
        "ratio": round(statistics.median(ratios), 2),
        "from": round(min(ratios), 2),
        "to": round(max(ratios), 2),
        "wanted": WANTED,
    }
    told = "\nhot SKU: {hot} orders/s for one SKU, {others} over 1,000 SKUs: {ratio} ({from}–{to}), at least {wanted}"
    print(told.format(**row), flush=True)
    cores = {hot: round(statistics.median(each), 2) for hot, each in busy.items()}
    print(f"         the server was busy with {cores[True]} and {cores[False]} of a core", flush=True)
    return row


def main(rounds: int, seconds: float) -> list[dict[str, Any]]:
    """On a server and a database of its own."""
    staff = Viewer(ViewerKind.STAFF, Role.OPERATIONS, "bench", "Bench", SCOPES[Role.OPERATIONS])
    with reachable_folder() as folder, running_postgres(folder / "postgres") as postgres:
        asyncio.run(upgrade(postgres.url))
        port = free_port()
        serve = [str(Path(sys.executable).with_name("ordergraph")), "serve"]
        environment = {"DATABASE_URL": postgres.url, "PORT": str(port), "ORDERGRAPH_SECRET": SECRET}
        with server(serve, port, ORDERGRAPH_HOME=str(folder / "home"), **environment) as pid:
            target = Target(port, sign(staff, SECRET, 36_000), pid)
            prepare(target)
            asyncio.run(tidied(postgres.url))
            return [compare(target, rounds, seconds)]
