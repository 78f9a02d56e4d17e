"""`python -m tests.chaos SECONDS --seed N`: what is killed and how, who writes and listens, and what must hold then."""

import argparse
import asyncio
import random
import sys
from collections import Counter
from contextlib import AsyncExitStack

import asyncpg

from app.migrate import upgrade
from app.postgres import EmbeddedPostgres
from benchmarks.harness import reachable_folder
from domain.store.verify import verify
from tests.chaos.crowd import Customers, Shop, Subscriber
from tests.chaos.fleet import Fleet
from tests.chaos.judge import Judge
from tests.receiver import receiving
from tests.valkey import Valkey, valkey

WRITERS, SUBSCRIBERS = 4, 8
PAUSE_SECONDS = (0.5, 2.0)
"""Between two kills."""


async def strike(
    fleet: Fleet, database: EmbeddedPostgres, feed: Valkey, seconds: float, dice: random.Random
) -> Counter[str]:
    """Kill somebody, again and again; how often whom."""
    struck: Counter[str] = Counter()
    until = asyncio.get_running_loop().time() + seconds
    while asyncio.get_running_loop().time() < until:
        await asyncio.sleep(dice.uniform(*PAUSE_SECONDS))
        victim = dice.choice([*fleet.names, *fleet.names, "feed", "database"])
        struck[victim] += 1
        if victim == "feed":
            feed.kill()
            await asyncio.sleep(dice.random())
            await feed.start()
        elif victim == "database":
            fleet.kill_pid(database.pid)
        else:
            fleet.kill(victim)
    return struck


async def run(seconds: float, seed: int) -> bool:
    """One run; whether everything held."""
    dice = random.Random(seed)
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(reachable_folder())
        database = await stack.enter_async_context(EmbeddedPostgres(folder / "postgres"))
        await upgrade(database.url)
        feed = await stack.enter_async_context(valkey())
        receiver = await stack.enter_async_context(receiving())
        fleet = await stack.enter_async_context(Fleet(database.url, feed.url, folder))
        shop = await stack.enter_async_context(Shop(fleet, dice))
        await shop.set_up(receiver.url, database.url)
        subscribers = [Subscriber(fleet, dice, by_socket=number % 4 != 3) for number in range(SUBSCRIBERS)]
        listening = [asyncio.create_task(each.listen()) for each in subscribers]
        customers = Customers(shop, dice)
        writing = [asyncio.create_task(customers.buy()) for _ in range(WRITERS)]
        struck = await strike(fleet, database, feed, seconds, dice)
        customers.enough = True
        await asyncio.gather(*writing)
        print(f"killed: {', '.join(f'{name} {number} times' for name, number in sorted(struck.items()))}", flush=True)
        judge = Judge(await _connect(database.url), subscribers, receiver, customers)
        await judge.wait_until_quiet()
        for task in listening:
            task.cancel()
        await asyncio.gather(*listening, return_exceptions=True)
        complaints = await judge.complaints()
        complaints += [f"verify: {each.invariant.name}, {each.offenders}" for each in await verify(judge.connection)]
        await judge.connection.close()
    for complaint in complaints:
        print(f"WRONG: {complaint}", flush=True)
    print(judge.summary, flush=True)
    print("Nobody missed anything." if not complaints else f"{len(complaints)} things are wrong.", flush=True)
    return not complaints


async def _connect(url: str) -> asyncpg.Connection:
    """As soon as the database is back."""
    while True:
        try:
            return await asyncpg.connect(url)
        except (OSError, asyncpg.PostgresError):
            await asyncio.sleep(0.2)


def main() -> int:
    """As the module says."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("seconds", nargs="?", type=float, default=60, help="how long things are killed")
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000), help="whom and when")
    given = parser.parse_args()
    print(f"{given.seconds:.0f} s of it, --seed {given.seed}", flush=True)
    return 0 if asyncio.run(run(given.seconds, given.seed)) else 1


if __name__ == "__main__":
    sys.exit(main())
