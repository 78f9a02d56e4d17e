"""The router against an optimum that knows the future: cost, what a wrong forecast does to it, and CPU time a decision.

    python -m benchmarks --only router

The routing bench generates shops and referees every decision; it drives this module as a subprocess (`play`), one JSON
line a question, and what answers is the production `route` with the production `prices`. It needs numpy, scipy and highspy.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import mean
from typing import Any
from uuid import UUID

from domain.routing.model import Decision, DemandLine, Point
from domain.routing.network import (
    Calendar,
    Destination,
    Network,
    NetworkLocation,
    Rate,
    Request,
    Ruleset,
    Snapshot,
)
from domain.routing.prices import prices
from domain.routing.router import route
from domain.stock import LocationKind

ROOT = Path(__file__).parents[1]
BENCH = ROOT.parent / "shared" / "routing-bench"
DAY_ZERO = datetime(2026, 1, 1, tzinfo=UTC)
SOLVED_EVERY_DAYS = 1

JUDGED = (101, 102, 103, 104, 105)
"""Seeds below 100 are for tuning."""


@dataclass(frozen=True)
class Figure:
    """One family of shops, and what is promised there."""

    name: str
    family: str
    cover: float
    drift: float
    figure: str
    wanted: float


FIGURES = (
    Figure("5 locations, stock 1.1 × demand", "S", 1.1, 0.0, "ratio_to_clairvoyant", 1.09),
    Figure("5 locations, stock 1.4 × demand", "S", 1.4, 0.0, "ratio_to_clairvoyant", 1.05),
    Figure("12 locations, stock 1.1 × demand", "M", 1.1, 0.0, "ratio_to_clairvoyant", 1.15),
    Figure("5 locations, the forecast is wrong", "S", 1.1, 0.6, "vs_myopic", 1.005),
)
LARGEST = Figure("40 locations", "L", 1.1, 0.0, "vs_myopic", 1.0)
MOST_MS = {"M": 5.0, "L": 25.0}


# -- the player ----------------------------------------------------------------------------------------------------


class Player:
    """A shop of the bench as our router knows it, with a ledger of its own."""

    def __init__(self, shop: dict[str, Any], every: int) -> None:
        self.days, self.every = shop["days"], every
        self.location = {node["id"]: UUID(int=number) for number, node in enumerate(shop["nodes"])}
        self.node = {location: node for node, location in self.location.items()}
        self.variant = {sku["id"]: UUID(int=number) for number, sku in enumerate(shop["skus"])}
        self.grams = {sku["id"]: round(1000 * sku["kg"]) for sku in shop["skus"]}
        self.stock = {
            self.location[node]: {self.variant[sku]: units for sku, units in shelf.items()}
            for node, shelf in shop["inventory"].items()
        }
        self.parcels: Counter[UUID] = Counter()
        self.past = [self.request(order) for order in shop["history"]]
        self.network = self._network(shop)
        self.seconds: list[float] = []

    def _network(self, shop: dict[str, Any]) -> Network:
        ground, express = shop["rate"]["ground"], shop["rate"]["express"]
        rules = Ruleset(
            max_parcels=shop["split_limit"],
            split_lines=False,
            late_allowed=False,
            wait_for_capacity=False,
            split_minor=0.0,
            unfilled_minor_per_unit=100 * shop["unfilled_cost_per_unit"],
        )
        rates = (_rate("ground", ground, shop["rate"]["ground_km_per_day"]), _rate("express", express, None))
        locations = [self._location(node) for node in shop["nodes"]]
        return Network(1, "USD", {location.id: location for location in locations}, rates, rules)

    def _location(self, node: dict[str, Any]) -> NetworkLocation:
        return NetworkLocation(
            self.location[node["id"]],
            node["id"],
            LocationKind.WAREHOUSE if node["kind"] == "dc" else LocationKind.STORE,
            Point(node["lat"], node["lng"]),
            calendar=Calendar(handling_days=node["handling_days"]),
            daily_capacity=node["daily_cap"],
            packing_minor=100 * node["pack_cost"],
        )

    def request(self, order: dict[str, Any]) -> Request:
        """An order as we are asked for it. A line's id is its place."""
        lines = tuple(
            [
                DemandLine(UUID(int=at), line["sku"], self.variant[line["sku"]], line["qty"], self.grams[line["sku"]])
                for at, line in enumerate(order["lines"])
            ]
        )
        placed = DAY_ZERO + timedelta(days=order["day"])
        destination = Destination(Point(order["lat"], order["lng"]), postal_code=order["zip3"])
        return Request(lines, destination, placed, placed + timedelta(days=order["promise_days"]))

    def dawn(self, day: int) -> None:
        """A new day: nobody has parcels yet, and now and then prices are solved anew."""
        self.parcels.clear()
        if self.every and day % self.every == 0:
            found = prices(self.past, self.network, Snapshot(self.stock), self.days - day)
            self.network = replace(self.network, prices=found)

    def assign(self, order: dict[str, Any]) -> list[str | None]:
        """Route one order, and book what was decided."""
        request = self.request(order)
        before = time.process_time()
        decision = route(request, self.network, Snapshot(self.stock, self.parcels))
        self.seconds.append(time.process_time() - before)
        self.past.append(request)
        return self._booked(request, decision)

    def _booked(self, request: Request, decision: Decision) -> list[str | None]:
        nodes: list[str | None] = [None] * len(request.lines)
        for parcel in decision.chosen:
            self.parcels[parcel.location_id] += 1
            for line in parcel.lines:
                at = line.line_id.int
                self.stock[parcel.location_id][request.lines[at].variant_id] -= line.quantity
                nodes[at] = self.node[parcel.location_id]
        return nodes


def _rate(service: str, given: dict[str, float], km_per_day: float | None) -> Rate:
    return Rate(
        "Carrier", service, 100 * given["base"], 100 * given["per_kg"], 100 * given["per_kg_1000km"], 1, km_per_day
    )


def play(times: Path, every: int) -> None:
    """Answer the bench, line by line; at the end write how long each decision took."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # HiGHS introduces itself there
    player: Player | None = None
    for line in sys.stdin:
        message = json.loads(line)
        answer: dict[str, Any] = {}
        if message["type"] == "instance":
            player = Player(message, every)
        elif player and message["type"] == "day":
            player.dawn(message["day"])
        elif player:
            answer = {"assign": player.assign(message)}
        print(json.dumps(answer), file=answers, flush=True)
    if player:
        times.write_text(json.dumps(player.seconds))


# -- the figures ---------------------------------------------------------------------------------------------------


def judged(bench: Path, figure: Figure, seed: int, every: int) -> tuple[dict[str, Any], list[float]]:
    """One shop, refereed; and the CPU seconds of every decision."""
    with tempfile.TemporaryDirectory() as folder:
        times = Path(folder) / "times.json"
        player = f"{sys.executable} -m benchmarks.router {times} {every}"
        shop = ["--family", figure.family, "--cover", str(figure.cover), "--drift", str(figure.drift)]
        reference = "lp" if figure.figure == "ratio_to_clairvoyant" else "none"
        asked = ["--cmd", player, *shop, "--seeds", str(seed), "--ref", reference]
        command = [sys.executable, str(bench / "evaluate_external.py"), *asked]
        told = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout
        found = json.loads(told.splitlines()[-1])
        return found, json.loads(times.read_text())


def measured(bench: Path, figure: Figure, seeds: tuple[int, ...], jobs: int, every: int) -> dict[str, Any]:
    """One family over all seeds."""
    with ThreadPoolExecutor(jobs) as pool:
        runs = list(pool.map(lambda seed: judged(bench, figure, seed, every), seeds))
    seconds = sorted(second for _, taken in runs for second in taken)
    return {
        "operation": f"router, {figure.name}",
        "seeds": list(seeds),
        "each": [run[figure.figure] for run, _ in runs],
        "mean": round(mean(run[figure.figure] for run, _ in runs), 4),
        "wanted": figure.wanted,
        "vs_myopic": round(mean(run["vs_myopic"] for run, _ in runs), 4),
        "p50_ms": round(1000 * seconds[len(seconds) // 2], 2),
        "p99_ms": round(1000 * seconds[len(seconds) * 99 // 100], 2),
    }


def main(
    bench: Path = BENCH, seeds: tuple[int, ...] = JUDGED, figures: tuple[Figure, ...] = FIGURES, jobs: int = 2
) -> list[dict[str, Any]]:
    """Print every figure beside what is promised."""
    if not (bench / "evaluate_external.py").is_file():
        print(f"router: not measured, there is no routing bench in {bench} (--routing-bench says where)")
        return []
    return list(_rows(bench, seeds, figures, jobs))


def _rows(bench: Path, seeds: tuple[int, ...], figures: tuple[Figure, ...], jobs: int) -> Iterator[dict[str, Any]]:
    print(
        f"\n{'router':36} {'mean':>7} {'wanted':>7}  {'each seed':38} {'to exact per order':>18} {'CPU ms p50':>11} {'p99':>6}"
    )
    for figure in figures:
        row = measured(bench, figure, seeds, jobs, SOLVED_EVERY_DAYS)
        each = " ".join(f"{value:.3f}" for value in row["each"])
        print(
            f"{figure.name:36} {row['mean']:7.4f} {figure.wanted:7.3f}  {each:38} {row['vs_myopic']:18.4f}"
            f" {row['p50_ms']:11.2f} {row['p99_ms']:6.2f}",
            flush=True,
        )
        yield row
    row = measured(bench, LARGEST, seeds[:1], 1, 0)
    print(
        f"{'40 locations, without prices':36} {'':7} {'':7}  {'':38} {row['vs_myopic']:18.4f}"
        f" {row['p50_ms']:11.2f} {row['p99_ms']:6.2f}   (p99 at most 5 at 12 locations, 25 at 40)"
    )
    yield row


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.router", description="Play against the routing bench.")
    parser.add_argument("times", type=Path, help="where to write the seconds of every decision")
    parser.add_argument("every", type=int, help="days between two solutions of the prices; 0 for none")
    given = parser.parse_args()
    play(given.times, given.every)
