"""What looking for exceptions costs: each watch in a shop of 10,000 orders and in a larger one, all of whose open orders
are late. Once to raise what is wrong, then again and again where nothing has changed, which is what workers do all day.

It fails where a look at what has not changed takes longer for each open exception in the larger shop: it must cost what is
wrong, and not what there is.
"""

import argparse
import asyncio
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from app.postgres import EmbeddedPostgres
from benchmarks.growth import SMALL, make
from benchmarks.harness import reachable_folder
from domain.exceptions import RULES, Rule
from resolvers.database import open_database
from resolvers.exceptions import watch
from resolvers.writing import World

NOW = datetime(2025, 12, 31, tzinfo=UTC)
"""When the last orders came in."""
LOOKS = 5
RATIO = 1.5
FEW = 100
"""Open exceptions below which a look's fixed costs are all there is to see."""


async def milliseconds(step: Callable[[], Awaitable[None]]) -> float:
    """How long a step takes."""
    began = time.perf_counter()
    await step()
    return (time.perf_counter() - began) * 1_000


async def looked(world: World, rule: Rule) -> tuple[float, float, int]:
    """(ms to raise what is wrong, ms of a look at it afterwards, how many are open)."""
    first = await milliseconds(lambda: watch(world, rule))
    again = statistics.median([await milliseconds(lambda: watch(world, rule)) for _ in range(LOOKS)])
    async with world.database.writes.acquire() as connection:
        await connection.execute("vacuum analyze exceptions")
        number = await connection.fetchval(
            "select count(*) from exceptions where kind = $1 and subject_type = $2 and resolved_at is null",
            rule.kind.value,
            rule.subject_type,
        )
    return first, again, number


async def measure(server: EmbeddedPostgres, orders: int) -> list[tuple[float, float, int]]:
    """Every watch in a shop of so many orders."""
    async with open_database(await make(server, orders), reads=1, writes=1) as database:
        world = World(database, now=lambda: NOW)
        return [await looked(world, rule) for rule in RULES]


async def run(orders: int) -> int:
    """Print what each watch costs in both; how many cost more for each exception in the larger."""
    with reachable_folder() as folder:
        async with EmbeddedPostgres(folder / "postgres", durable=False) as server:
            both = [await measure(server, size) for size in (SMALL, orders)]
    failing = 0
    print(f"{'watch':38} {'orders':>9} {'open':>7} {'raise, ms':>10} {'look, ms':>9} {'each, us':>9}")
    for rule, *results in zip(RULES, *both, strict=True):
        each = []
        for size, (first, again, number) in zip((SMALL, orders), results, strict=True):
            each.append(again * 1_000 / max(number, 1))
            name = f"{rule.kind} of {rule.subject_type}"
            of_each = f"{each[-1]:9.1f}" if number else ""
            print(f"{name:38} {size:9,} {number:7,} {first:10.1f} {again:9.1f} {of_each}")
        enough = min(number for _, _, number in results) > FEW
        failing += enough and each[1] > RATIO * each[0]
    return failing


def main() -> None:
    """As the module says."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.watches", description=__doc__)
    parser.add_argument("--orders", type=int, default=1_000_000, help="orders of the larger shop")
    failing = asyncio.run(run(parser.parse_args().orders))
    print(f"\n{failing} grow")
    sys.exit(1 if failing else 0)


if __name__ == "__main__":
    main()
