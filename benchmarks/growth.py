"""`make growth`: whether a question takes as long in a shop of a million orders as in one of ten thousand.

Both shops lie in one PostgreSQL. Every question that the root of the schema can be asked (`questions.py`) is explained
in the bigger one, where nothing may read a table of more than 10,000 rows from end to end, and then timed in both by
turns. Ends with an error when a table is so read, or a question takes more than 1.5 times as long.
"""

import argparse
import asyncio
import json
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from app.migrate import upgrade
from app.postgres import EmbeddedPostgres
from benchmarks.grown import grow
from benchmarks.harness import reachable_folder
from benchmarks.questions import Question, Values, questions, values_of, viewers_of
from domain.viewer import Viewer
from resolvers.database import READING, Connection, open_database, open_pool
from resolvers.engine import Engine
from resolvers.writing import World
from schema.build import build

LARGE_ROWS = 10_000
"""A table with more rows than this must not be read from end to end."""
RATIO = 1.5
SMALL = 10_000
RUNS = 30
WARM_UP = 3
ATTEMPTS = 3
"""A machine that others use is slow now and then: what seems to grow is timed again, and the best attempt counts."""
LONGEST_SECONDS = 3.0
"""What one side of a question may take in all: a slow one is run less often, but never fewer than `FEWEST` times."""
FEWEST = 3


# -- a grown shop ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Statement:
    """A question as the engine compiled it."""

    sql: str
    parameters: list[Any]


@dataclass(frozen=True, slots=True)
class Shop:
    """One database, and what is needed to ask it anything."""

    engine: Engine
    connection: Connection
    values: Values
    viewers: dict[str, Viewer]

    async def compiled(self, question: Question) -> Statement:
        """The statement that answers a question here."""
        viewer = self.viewers[question.role]
        document = await self.engine.documents.get(question.text, None)
        variables = document.coerce(question.variables(self.values))
        plan = self.engine.plan(document, variables, viewer)
        if plan is None:
            raise LookupError(f"{question.name} does not compile: {question.text}")
        return Statement(plan.sql, plan.parameters(variables, viewer))

    async def seconds(self, statement: Statement) -> float:
        """How long one answer takes."""
        began = time.perf_counter()
        await self.connection.fetchval(statement.sql, *statement.parameters)
        return time.perf_counter() - began

    async def size(self, statement: Statement) -> int:
        """How many bytes the answer has."""
        return len(await self.connection.fetchval(statement.sql, *statement.parameters))


async def open_shop(stack: AsyncExitStack, url: str) -> Shop:
    """A grown database with the settings that every read of ours has."""
    database = await stack.enter_async_context(open_database(url, reads=1, writes=1))
    pool = await stack.enter_async_context(open_pool(url, 1, READING))  # one of its own: it is kept for minutes
    connection = await stack.enter_async_context(pool.acquire())
    engine = Engine(build()._schema, World(database))  # noqa: SLF001 (strawberry has no other way to the schema itself)
    return Shop(engine, connection, await values_of(connection, engine.schema), await viewers_of(connection))


# -- what is read from end to end ------------------------------------------------------------------------------------

LARGE = """
    select relname from (
        select relname, sum(reltuples) over (partition by coalesce(inhparent, oid)) as size
        from pg_class left join pg_inherits on inhrelid = oid
        where relkind = 'r' and relnamespace = 'public'::regnamespace
    ) sized where size > $1
"""
"""A partition is as large as all of its table."""


async def large_tables(connection: Connection) -> frozenset[str]:
    """The tables that must not be read from end to end; statistics must be fresh."""
    return frozenset(row["relname"] for row in await connection.fetch(LARGE, LARGE_ROWS))


async def scanned(connection: Connection, statement: Statement) -> frozenset[str]:
    """The tables that it reads from end to end, by its generic plan, which is the one that is run."""
    return frozenset(
        node["Relation Name"]
        for node in _nodes(await _explained(connection, statement, "costs off"))
        if node["Node Type"] == "Seq Scan"
    )


async def pages(connection: Connection, statement: Statement) -> int:
    """How many pages one answer touches, which no neighbour on the machine disturbs."""
    plan = await _explained(connection, statement, "analyze, timing off")
    return int(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])


async def _explained(connection: Connection, statement: Statement, how: str) -> dict[str, Any]:
    await connection.execute(f"prepare asked as {statement.sql}")
    given = ", ".join(literal(value) for value in statement.parameters)
    told = await connection.fetchval(f"explain ({how}, format json) execute asked{f'({given})' if given else ''}")
    await connection.execute("deallocate asked")
    return json.loads(told)[0]["Plan"]  # type: ignore[no-any-return]


def literal(value: Any) -> str:
    """A parameter as SQL text: EXECUTE takes no parameters."""
    if value is None:
        return "null"
    if isinstance(value, list | tuple) and not any(isinstance(each, dict) for each in value):
        text = "{" + ",".join(orjson.dumps(str(each)).decode() for each in value) + "}"
    else:
        text = str(value) if isinstance(value, str | int | UUID | datetime) else orjson.dumps(value).decode()
    return "'" + text.replace("'", "''") + "'"


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for inner in plan.get("Plans", ()):
        yield from _nodes(inner)


async def assert_session(connection: Connection) -> None:
    """Explained is what will be run only under the session's own settings."""
    for name, wanted in READING.items():
        if (found := await connection.fetchval("select current_setting($1)", name)) != wanted:
            raise LookupError(f"{name} is {found}, not {wanted}")


# -- how long it takes -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Timing:
    """Medians of one question, and what its plan reads from end to end in the big shop."""

    question: Question
    small_ms: float
    big_ms: float
    small_pages: int
    big_pages: int
    longer: float
    """How much longer the big shop's answer is, in bytes: where there is more to find, there is more to send."""
    scans: frozenset[str]

    @property
    def ratio(self) -> float:
        """How much longer the big shop takes."""
        return self.big_ms / self.small_ms

    @property
    def fails(self) -> bool:
        """Whether it does not hold what is promised."""
        return bool(self.scans) or (self.ratio > RATIO * max(1, self.longer) and not self.question.is_count)

    def __str__(self) -> str:
        failing = " reads " + ", ".join(sorted(self.scans)) if self.scans else " grows" if self.fails else ""
        return (
            f"{self.question.role:12} {self.question.name:84} {self.small_ms:9.2f} {self.big_ms:9.2f} {self.ratio:6.2f}"
            f" {self.small_pages:7} {self.big_pages:7} {self.longer:6.2f}{failing}{' counts' if self.question.is_count else ''}"
        )


HEAD = (
    f"{'who asks':12} {'what':84} {'small, ms':>9} {'big, ms':>9} {'ratio':>6} {'pages':>7} {'pages':>7} {'longer':>6}"
)


async def measured(question: Question, small: Shop, big: Shop, large: frozenset[str]) -> Timing:
    """Explain it in both shops, and time it until it holds or was tried often enough."""
    pair = [(shop, await shop.compiled(question)) for shop in (small, big)]
    small_pages, big_pages = [await pages(shop.connection, statement) for shop, statement in pair]
    short, long = [await shop.size(statement) for shop, statement in pair]
    scans = await scanned(big.connection, pair[1][1]) & large
    best = None
    for _ in range(ATTEMPTS):
        small_ms, big_ms = await _medians(pair)
        timing = Timing(question, small_ms, big_ms, small_pages, big_pages, long / short, scans)
        best = timing if best is None or timing.ratio < best.ratio else best
        if not best.fails or scans:
            break
    assert best is not None
    return best


async def _medians(pair: list[tuple[Shop, Statement]]) -> list[float]:
    """Milliseconds in each shop, run by turns."""
    slowest = max([await shop.seconds(statement) for shop, statement in pair * WARM_UP][2:])
    runs = max(FEWEST, min(RUNS, int(LONGEST_SECONDS / slowest)))
    taken: list[list[float]] = [[], []]
    for _ in range(runs):
        for side, (shop, statement) in zip(taken, pair, strict=True):
            side.append(await shop.seconds(statement))
    return [statistics.median(side) * 1000 for side in taken]


async def compare(small: Shop, big: Shop, only: str) -> list[Timing]:
    """Every question; those that come to the same statement and values for several roles once."""
    await assert_session(big.connection)
    large = await large_tables(big.connection)
    seen: set[str] = set()
    timings = []
    print(HEAD, flush=True)
    for question in questions(big.engine.schema):
        statement = await big.compiled(question)
        key = f"{statement.sql} {statement.parameters}"
        if key in seen or only not in f"{question.role} {question.name}":
            continue
        seen.add(key)
        timings.append(await measured(question, small, big, large))
        print(timings[-1], flush=True)
    return timings


# -- the command -----------------------------------------------------------------------------------------------------


async def run(server: EmbeddedPostgres, orders: int, only: str) -> list[Timing]:
    """Make both shops and compare them."""
    urls = [await make(server, size) for size in (SMALL, orders)]
    async with AsyncExitStack() as stack:
        small, big = [await open_shop(stack, url) for url in urls]
        return await compare(small, big, only)


async def make(server: EmbeddedPostgres, orders: int) -> str:
    """A database with so many orders."""
    began = time.perf_counter()
    admin = await asyncpg.connect(server.url)
    await admin.execute(f"create database shop_{orders}")
    await admin.close()
    url = server.url_of(f"shop_{orders}")
    await upgrade(url)
    await grow(url, orders, say=lambda told: print(told, file=sys.stderr, flush=True))
    print(f"{orders:,} orders made in {time.perf_counter() - began:.0f} s", flush=True)
    return url


async def measure(given: argparse.Namespace, folder: Path) -> list[Timing]:
    """Start PostgreSQL, and do it all."""
    async with EmbeddedPostgres(folder / "postgres", durable=False) as server:
        return await run(server, given.orders, given.only)


def main() -> None:
    """As the module says."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.growth", description=__doc__)
    parser.add_argument("--orders", type=int, default=1_000_000, help="orders of the big shop")
    parser.add_argument("--only", default="", help="questions whose line holds this text, such as 'operations events'")
    parser.add_argument("--json", type=Path, help="also write the rows here")
    given = parser.parse_args()
    with reachable_folder() as folder:
        timings = asyncio.run(measure(given, folder))
    if given.json:
        given.json.write_text(json.dumps([row_of(timing) for timing in timings], indent=2) + "\n")
    failing = [timing for timing in timings if timing.fails]
    print(f"\n{len(timings)} questions, {len(failing)} fail", *failing, sep="\n")
    sys.exit(1 if failing else 0)


def row_of(timing: Timing) -> dict[str, Any]:
    """A timing as JSON."""
    return {
        "role": timing.question.role,
        "question": timing.question.name,
        "small_ms": round(timing.small_ms, 3),
        "big_ms": round(timing.big_ms, 3),
        "ratio": round(timing.ratio, 2),
        "small_pages": timing.small_pages,
        "big_pages": timing.big_pages,
        "longer": round(timing.longer, 2),
        "scans": sorted(timing.scans),
        "fails": timing.fails,
    }


if __name__ == "__main__":
    main()
