"""Lists of work and claims read what is still to be done, however much was done before."""

from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from typing import Any

import asyncpg
import orjson
import pytest

from domain.ids import new_id
from domain.store.work import QUEUES
from resolvers.database import open_database
from resolvers.engine import Engine
from resolvers.writing import World
from schema.build import build
from tests.api.shop import AGENT, OPERATIONS
from tests.contract import document

DONE = 20_000
MANY_YEARS = f"""
    INSERT INTO work_items (id, kind, queue, status, priority, attempts, max_attempts, ready_at, created_at, closed_at, failure)
    SELECT gen_random_uuid(), 'K', CASE n % 4 WHEN 0 THEN 'erp' ELSE 'call-center' END, status, n % 3, 1, 5, now(), now(),
           CASE WHEN status <> 'READY' THEN now() END, CASE status WHEN 'DEAD' THEN 'no' END
    FROM (SELECT n, CASE n % 2000 WHEN 0 THEN 'READY' WHEN 1 THEN 'DEAD' ELSE 'DONE' END AS status
          FROM generate_series(1, {DONE}) n) item
"""
LIST = "query ($filter: WorkItemFilter) { workItems(first: 20, filter: $filter) { nodes { id } } }"


@pytest.fixture(scope="module")
async def old(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    """A database in which much was done."""
    connection: asyncpg.Connection = await asyncpg.connect(database_url)
    await connection.execute(MANY_YEARS)
    await connection.execute("VACUUM ANALYZE work_items")
    yield connection
    await connection.close()


def rows_read(plan: dict[str, Any]) -> Iterator[float]:
    """How many rows each scan of work items met, those included that a filter took away."""
    if plan.get("Relation Name") == "work_items":
        yield (plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0)) * plan["Actual Loops"]
    for inner in plan.get("Plans", ()):
        yield from rows_read(inner)


async def read(connection: asyncpg.Connection, sql: str, *parameters: Any) -> float:
    """How many work items a statement met."""
    (row,) = await connection.fetch(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}", *parameters)
    return sum(rows_read(orjson.loads(row[0])[0]["Plan"]))


@pytest.mark.parametrize("viewer", [OPERATIONS, AGENT], ids=lambda viewer: viewer.display_name)
@pytest.mark.parametrize(
    "filter",
    [
        {"status": ["READY"]},
        {"status": ["READY", "LEASED", "FAILED"]},
        {"status": ["DEAD"]},
        {"queue": "call-center", "status": ["READY"]},
        {"queue": "erp", "status": ["READY", "DEAD"]},
        {"kind": "K", "status": ["DEAD"]},
        {"queue": "call-center"},
        {},
    ],
)
async def test_a_list_meets_little_that_it_does_not_show(
    old: asyncpg.Connection, database_url: str, viewer: Any, filter: dict[str, Any]
) -> None:
    async with open_database(database_url, reads=1, writes=1) as database:
        engine = Engine(build()._schema, World(database))
        asked = await engine.documents.get(LIST, None)
        variables = asked.coerce({"filter": filter})
        plan = engine.plan(asked, variables, viewer)
    assert plan is not None

    assert await read(old, plan.sql, *plan.parameters(variables, viewer)) <= DONE / 2000 * 2 + 20


async def test_the_contracts_list_and_a_claim_meet_little_besides(old: asyncpg.Connection, database_url: str) -> None:
    async with open_database(database_url, reads=1, writes=1) as database:
        engine = Engine(build()._schema, World(database))
        asked = await engine.documents.get(document("Work"), None)
        variables = asked.coerce({"queue": "erp"})
        plan = engine.plan(asked, variables, OPERATIONS)
    assert plan is not None
    claim: tuple[Any, ...] = (1, new_id(), timedelta(seconds=60), "erp", [], "me", None, None, None)

    assert 0 < await read(old, plan.sql, *plan.parameters(variables, OPERATIONS)) <= 20
    assert await read(old, QUEUES._offer, *claim) == 1
