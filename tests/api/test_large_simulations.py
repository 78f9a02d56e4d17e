"""What if, over more orders than anybody waits for: a job, which goes on where it stood, and a caller who goes away."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import asyncpg
import httpx
import orjson
import pytest

from app.aside import AsideError, Asides
from app.tokens import sign
from domain.store import jobs
from domain.store import simulations as stored
from resolvers import asides
from resolvers.database import as_bytes, open_database
from resolvers.jobs import Crew, Dead
from resolvers.simulations import ATTEMPTS, SIMULATE, WAITED_FOR, simulating
from resolvers.writing import World
from tests.api.shop import AGENT, OPERATIONS, Answer, Shop
from tests.api.test_simulation import ASKED, NOT_FROM_SAO1, SIMULATION
from tests.conftest import SECRET

ORDERS = WAITED_FOR + 200
FROM, TO = "2018-03-01T00:00:00Z", "2018-04-01T00:00:00Z"
JOB = f"id status progress processed total error rulesetName channel {{ code }} simulation {{ {SIMULATION} }}"
JOB_OF = f"query ($id: ID!) {{ routingSimulationJob(id: $id) {{ {JOB} }} }}"

PLACED = """
    WITH placed AS (
        INSERT INTO orders (
            id, number, channel_id, status, payment_status, fulfillment_status, return_status, currency, subtotal_minor,
            discount_minor, shipping_minor, tax_minor, total_minor, created_at, placed_at, country, latitude, longitude
        )
        SELECT gen_random_uuid(), 'L' || n, c.id, 'PENDING', 'NONE', 'UNFULFILLED', 'NONE', c.currency, 0, 0, 0, 0, 0,
            moment, moment, 'BR', -23 - n % 7, -45 - n % 11
        FROM generate_series(1, $1) AS n, channels c,
            LATERAL (SELECT $2::timestamptz + make_interval(mins => n) AS moment) AS at
        WHERE c.code = 'web' RETURNING id, number
    )
    INSERT INTO order_lines (
        id, order_id, position, variant_id, sku, name, quantity, open, currency, unit_price_minor, total_minor
    )
    SELECT gen_random_uuid(), placed.id, 1, v.id, v.sku, v.name, 1, 1, 'BRL', 0, 0
    FROM placed, variants v WHERE v.sku = $3
"""


@pytest.fixture(scope="module")
async def shop(client: httpx.AsyncClient, database_url: str) -> Shop:
    """A shop with a long history, written in bulk: orders that wait for stock."""
    opened = Shop(client)
    await opened.open()
    sku = await opened.variant(SAO1=ORDERS // 2, RIO1=ORDERS // 2, CWB1=ORDERS // 2)
    connection = await asyncpg.connect(database_url)
    await connection.execute(PLACED, ORDERS, datetime(2018, 3, 1, tzinfo=UTC), sku)
    await connection.execute("ANALYZE")
    await connection.close()
    return opened


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database_url)
    await as_bytes(connection)
    yield connection
    await connection.close()


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    """A world with somebody beside it."""
    async with open_database(database_url, reads=1, writes=2) as database:
        yield World(database, aside=Asides(database_url))


def asked(until: str = TO) -> Answer:
    """What is asked of the orders, or of those before a moment."""
    return {"orders": {"placedFrom": FROM, "placedTo": until}, "ruleset": NOT_FROM_SAO1}


async def started(shop: Shop, until: str = TO, **input: Any) -> Answer:
    done = await shop.do(OPERATIONS, "routingSimulationStart", f"job {{ {JOB} }}", **asked(until), **input)
    return done["job"]  # type: ignore[no-any-return]


async def job_of(shop: Shop, job: Answer) -> Answer:
    return (await shop.ask(AGENT, JOB_OF, id=job["id"]))["routingSimulationJob"]  # type: ignore[no-any-return]


async def test_a_query_for_too_many_orders_names_the_mutation_that_takes_them(shop: Shop) -> None:
    answer = (await shop.post(OPERATIONS, ASKED, {"input": asked()})).json()

    assert answer["data"] == {"routingSimulation": None}
    (error,) = answer["errors"]
    assert error["extensions"] == {
        "code": "TOO_MANY_ORDERS",
        "limit": WAITED_FOR,
        "instead": "routingSimulationStart",
        "field": ["orders"],
    }
    assert "routingSimulationStart" in error["message"]


async def test_a_worker_does_what_is_too_much_for_a_query_and_it_can_be_asked_for(shop: Shop, world: World) -> None:
    begun = await started(shop)
    assert begun == {
        "id": begun["id"],
        "status": "WAITING",
        "progress": 0.0,
        "processed": 0,
        "total": ORDERS,
        "error": None,
        "rulesetName": "not from SAO1",
        "channel": {"code": "web"},
        "simulation": None,
    }
    crew = asyncio.create_task(Crew(world.database, [simulating(world)]).run())
    try:
        async with asyncio.timeout(120):
            while (done := await job_of(shop, begun))["status"] not in ("DONE", "FAILED"):
                assert 0 <= done["processed"] <= ORDERS
                await asyncio.sleep(0.2)
    finally:
        crew.cancel()
        await asyncio.gather(crew, return_exceptions=True)

    assert (done["status"], done["progress"], done["processed"], done["error"]) == ("DONE", 1.0, ORDERS, None)
    assert done["simulation"]["orders"] == ORDERS
    assert 0 < done["simulation"]["changedCount"] < ORDERS
    assert len(done["simulation"]["changed"]) == 50


async def test_a_job_comes_to_the_same_as_the_query(shop: Shop, connection: asyncpg.Connection) -> None:
    until = "2018-03-01T10:00:00Z"
    begun = await started(shop, until)

    await asides.go_on_simulating(connection, begun["id"].removeprefix("sim_"))

    found = (await shop.ask(OPERATIONS, ASKED, input=asked(until)))["routingSimulation"]
    assert found["orders"] == 599
    assert (await job_of(shop, begun))["simulation"] == found


async def test_a_job_goes_on_where_a_killed_worker_left_it(
    shop: Shop, world: World, connection: asyncpg.Connection
) -> None:
    whole, killed = await started(shop), await started(shop)
    await asides.go_on_simulating(connection, whole["id"].removeprefix("sim_"))
    key = killed["id"].removeprefix("sim_")

    working = asyncio.ensure_future(world.aside("go_on_simulating", {"id": key, "save_seconds": 0.0}))
    async with asyncio.timeout(60):
        while not (left := await job_of(shop, killed))["processed"]:
            await asyncio.sleep(0.02)
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)
    left = await job_of(shop, killed)
    state = await connection.fetchval("SELECT state FROM routing_simulations WHERE id = $1", shop.key(killed["id"]))
    assert left["status"] == "RUNNING"
    assert left["processed"] < ORDERS
    assert state is not None

    looked_at: list[int] = []
    connection.add_query_logger(lambda query: looked_at.append(1) if "json_agg" in query.query else None)
    await asides.go_on_simulating(connection, key)

    assert (await job_of(shop, killed))["simulation"] == (await job_of(shop, whole))["simulation"]
    assert len(looked_at) <= (ORDERS - left["processed"]) // asides.CHUNK + 3


async def test_a_job_begins_anew_where_the_network_has_changed_meanwhile(
    shop: Shop, world: World, connection: asyncpg.Connection
) -> None:
    begun = await started(shop, "2018-03-02T00:00:00Z")
    key = begun["id"].removeprefix("sim_")
    await asides.go_on_simulating(connection, key, save_seconds=0.0)
    state = {"network": -1, "after": [TO, key], "orders": 10**6}
    await connection.execute("UPDATE routing_simulations SET status = 'RUNNING', result = NULL, finished_at = NULL")
    await stored.advance(connection, shop.key(begun["id"]), 7, state)

    await asides.go_on_simulating(connection, key)

    assert (await job_of(shop, begun))["simulation"]["orders"] == 24 * 60 - 1


async def test_a_simulation_that_cannot_be_done_says_so_in_the_end(shop: Shop, world: World) -> None:
    begun = await started(shop)

    async def fails(_task: str, _given: dict[str, Any]) -> None:
        raise AsideError("the process that worked it out ended with 1")

    kind = simulating(World(world.database, aside=fails))
    async with world.database.writes.acquire() as connection:
        (job,) = [
            each
            for each in await jobs.take(connection, SIMULATE, 100, shop.key(begun["id"]), 60)
            if each.payload == {"simulation": begun["id"].removeprefix("sim_")}
        ]
    with pytest.raises(AsideError):
        await kind.handle(job)
    assert (await job_of(shop, begun))["status"] == "WAITING"
    ended = await kind.handle(replace(job, attempts=ATTEMPTS))

    assert ended == Dead("the process that worked it out ended with 1")
    failed = await job_of(shop, begun)
    assert (failed["status"], failed["error"]) == ("FAILED", "the process that worked it out ended with 1")


async def test_the_same_key_begins_one_job(shop: Shop) -> None:
    first = await started(shop, idempotencyKey="twice")
    assert await started(shop, idempotencyKey="twice") == first
    refusal = await shop.refused(
        OPERATIONS, "routingSimulationStart", **{**asked(), "orders": {"placedFrom": TO, "placedTo": FROM}}
    )
    assert (refusal["code"], refusal["field"]) == ("INVALID_INPUT", ["orders", "placedTo"])


ASIDES = (
    "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'ordergraph aside' AND datname = current_database()"
)


async def test_a_caller_who_goes_away_calls_it_off(shop: Shop, base_url: str, connection: asyncpg.Connection) -> None:
    body = orjson.dumps({"query": ASKED, "variables": {"input": asked("2018-03-04T10:00:00Z")}})
    headers = {"Authorization": f"Bearer {sign(OPERATIONS, SECRET, 60)}", "Content-Type": "application/json"}
    async with httpx.AsyncClient(base_url=base_url) as caller:
        asking = asyncio.create_task(caller.post("/graphql", content=body, headers=headers, timeout=60))
        async with asyncio.timeout(30):
            while not await connection.fetchval(ASIDES):
                await asyncio.sleep(0.01)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)

    async with asyncio.timeout(2):
        while await connection.fetchval(ASIDES):
            await asyncio.sleep(0.01)
    assert (await shop.ask(OPERATIONS, "{ viewer { kind } }"))["viewer"] == {"kind": "STAFF"}
