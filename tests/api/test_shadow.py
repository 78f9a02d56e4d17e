"""Rules in shadow: they decide nothing, are asked about everything, and what they would have saved is told."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from app.aside import Asides
from domain.store import relays as places
from domain.viewer import Scope
from resolvers import relays, shadows
from resolvers.asides import decide_in_shadow
from resolvers.database import as_bytes, open_database
from resolvers.jobs import Crew
from resolvers.writing import World
from tests.api.shop import AGENT, OPERATIONS, Answer, Shop, app
from tests.api.test_simulation import priced

FIGURES = "{ cost { amount currency } parcels splitRate onTimeRate averageDistanceKm unfilledUnits }"
REPORT = f"""
    query ($channel: String!, $from: DateTime!, $to: DateTime!) {{
      routingShadowReport(channel: $channel, from: $from, to: $to) {{
        decisions orders changedCount waiting saved {{ amount currency }} current {FIGURES} shadow {FIGURES}
      }}
    }}
"""
ROUTING = """
    query ($id: ID!) {
      order(id: $id) {
        routing {
          id
          chosen { location { code } lines { sku quantity } }
          shadow {
            ruleset { name version } strategy changed costDelta { amount currency }
            chosen { location { code } lines { sku quantity } cost { amount } }
            unfilled { sku quantity reason }
          }
        }
      }
    }
"""
SHADOW = {
    "name": "not from SAO1",
    "channel": "web",
    "mode": "SHADOW",
    "rules": [{"name": "no-sao1", "where": {"locationCodes": ["SAO1"]}, "effect": {"exclude": True}}],
}


@pytest.fixture(scope="module")
async def world(database_url: str) -> AsyncIterator[World]:
    """A world with somebody beside it."""
    async with open_database(database_url, reads=1, writes=2) as database:
        async with database.writes.acquire() as connection:
            await places.begin(connection, shadows.noting().name)
        yield World(database, aside=Asides(database_url))


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database_url)
    await as_bytes(connection)
    yield connection
    await connection.close()


@pytest.fixture
async def shadow(shop: Shop, world: World) -> AsyncIterator[Answer]:
    """Rules in shadow, for one test."""
    made = await shop.do(OPERATIONS, "routingRulesetActivate", "ruleset { id version }", ruleset=SHADOW)
    yield made["ruleset"]
    await shop.do(OPERATIONS, "routingRulesetRetire", id=made["ruleset"]["id"])


@pytest.fixture(scope="module", autouse=True)
async def rates(shop: Shop) -> None:
    """What carriers charge is known."""
    await priced(shop)


async def noted(world: World, connection: asyncpg.Connection) -> None:
    """The relay has read the whole log."""
    async with asyncio.timeout(10):
        while await connection.fetchval("SELECT count(*) FROM events WHERE position IS NULL"):
            await asyncio.sleep(0.01)
        while await relays.step(shadows.noting(), world.database):
            pass


async def routing_of(shop: Shop, order: Answer) -> Answer:
    """The one decision about an order."""
    (decision,) = (await shop.ask(OPERATIONS, ROUTING, id=order["id"]))["order"]["routing"]
    return decision  # type: ignore[no-any-return]


def codes(decision: Answer) -> list[str]:
    return [each["location"]["code"] for each in decision["chosen"]]


async def test_rules_in_shadow_decide_nothing_and_what_they_would_have_chosen_is_kept_beside(
    shop: Shop, world: World, connection: asyncpg.Connection, shadow: Answer
) -> None:
    sku = await shop.variant(SAO1=5, RIO1=5)
    order = await shop.place((sku, 2))
    assert (await routing_of(shop, order))["shadow"] is None

    await noted(world, connection)
    await shadows.deciding(world).handle(None)  # type: ignore[arg-type]

    decision = await routing_of(shop, order)
    assert codes(decision) == ["SAO1"]
    beside = decision["shadow"]
    assert beside["ruleset"] == {"name": "not from SAO1", "version": shadow["version"]}
    assert codes(beside) == ["RIO1"]
    assert beside["chosen"][0]["lines"] == [{"sku": sku, "quantity": 2}]
    assert (beside["changed"], beside["unfilled"]) == (True, [])
    assert float(beside["costDelta"]["amount"]) > 0
    assert await shop.stock(sku) == {
        "SAO1": {"onHand": 5, "available": 3, "allocated": 2},
        "RIO1": {"onHand": 5, "available": 5},
    }


async def test_the_shadow_is_asked_on_the_stock_of_then_however_late_it_is(
    shop: Shop, world: World, connection: asyncpg.Connection, shadow: Answer
) -> None:
    sku = await shop.variant(SAO1=5, CWB1=1, RIO1=5)
    first = await shop.place((sku, 1))
    await shop.count(sku, "CWB1", 0)
    second = await shop.place((sku, 1))
    await shop.count(sku, "RIO1", 0)
    third = await shop.place((sku, 1))
    await shop.count(sku, "CWB1", 9)

    await noted(world, connection)
    await decide_in_shadow(connection)

    beside = [(await routing_of(shop, order))["shadow"] for order in (first, second, third)]
    assert [codes(each) for each in beside] == [["CWB1"], ["RIO1"], []]
    assert [(each["sku"], each["quantity"]) for each in beside[2]["unfilled"]] == [(sku, 1)]


async def test_the_report_sums_up_what_the_shadow_would_have_saved(
    shop: Shop, world: World, connection: asyncpg.Connection, shadow: Answer
) -> None:
    begun = datetime.now(UTC)
    moved, stayed = await shop.variant(SAO1=5, RIO1=5), await shop.variant(CWB1=5)
    for sku in (moved, moved, stayed):
        await shop.place((sku, 1))
    span = {"channel": "web", "from": begun.isoformat(), "to": (begun + timedelta(hours=1)).isoformat()}
    await noted(world, connection)
    waiting = (await shop.ask(OPERATIONS, REPORT, **span))["routingShadowReport"]

    assert await decide_in_shadow(connection) == 3

    told = (await shop.ask(AGENT, REPORT, **span))["routingShadowReport"]
    assert (waiting["waiting"], waiting["decisions"]) == (3, 3)
    assert (told["decisions"], told["orders"], told["changedCount"], told["waiting"]) == (3, 3, 2, 0)
    assert told["current"]["parcels"] == told["shadow"]["parcels"] == 3
    saved = float(told["current"]["cost"]["amount"]) - float(told["shadow"]["cost"]["amount"])
    assert float(told["saved"]["amount"]) == round(saved, 2) < 0
    assert float(told["current"]["cost"]["amount"]) >= 30
    assert told["shadow"]["averageDistanceKm"] > told["current"]["averageDistanceKm"]


async def test_nobody_is_asked_where_no_rules_are_in_shadow(
    shop: Shop, world: World, connection: asyncpg.Connection
) -> None:
    order = await shop.place((await shop.variant(SAO1=5), 1))

    await noted(world, connection)

    assert await decide_in_shadow(connection) == 0
    assert (await routing_of(shop, order))["shadow"] is None


async def test_rules_are_not_asked_about_what_was_decided_before_they_were_there(
    shop: Shop, world: World, connection: asyncpg.Connection
) -> None:
    order = await shop.place((await shop.variant(SAO1=5), 1))
    made = await shop.do(OPERATIONS, "routingRulesetActivate", "ruleset { id }", ruleset=SHADOW)

    await noted(world, connection)
    await decide_in_shadow(connection)

    assert (await routing_of(shop, order))["shadow"] is None
    await shop.do(OPERATIONS, "routingRulesetRetire", id=made["ruleset"]["id"])


async def test_rules_that_were_retired_meanwhile_still_answer_for_their_time(
    shop: Shop, world: World, connection: asyncpg.Connection
) -> None:
    made = await shop.do(OPERATIONS, "routingRulesetActivate", "ruleset { id }", ruleset=SHADOW)
    order = await shop.place((await shop.variant(SAO1=5, RIO1=5), 1))
    await noted(world, connection)
    await shop.do(OPERATIONS, "routingRulesetRetire", id=made["ruleset"]["id"])

    await decide_in_shadow(connection)

    assert codes((await routing_of(shop, order))["shadow"]) == ["RIO1"]


async def test_a_worker_does_all_that_by_itself(shop: Shop, world: World, connection: asyncpg.Connection) -> None:
    made = await shop.do(OPERATIONS, "routingRulesetActivate", "ruleset { id }", ruleset=SHADOW)
    order = await shop.place((await shop.variant(SAO1=5, RIO1=5), 1))
    await noted(world, connection)
    crew = asyncio.create_task(Crew(world.database, [shadows.deciding(world)]).run())
    try:
        async with asyncio.timeout(60):
            while (await routing_of(shop, order))["shadow"] is None:
                await asyncio.sleep(0.1)
    finally:
        crew.cancel()
        await asyncio.gather(crew, return_exceptions=True)
    await shop.do(OPERATIONS, "routingRulesetRetire", id=made["ruleset"]["id"])


async def test_the_report_is_refused_in_words_for_programs(shop: Shop) -> None:
    span = {"from": "2018-05-01T00:00:00Z", "to": "2018-05-02T00:00:00Z"}
    backwards = {"from": span["to"], "to": span["from"]}

    async def refused(viewer: Any, **variables: Any) -> Answer:
        answer = (await shop.post(viewer, REPORT, variables)).json()
        assert answer["data"] == {"routingShadowReport": None}
        return answer["errors"][0]["extensions"]  # type: ignore[no-any-return]

    nowhere = {"code": "NOT_FOUND", "noun": "Channel", "id": "nowhere", "field": ["channel"]}
    assert await refused(OPERATIONS, channel="nowhere", **span) == nowhere
    assert (await refused(OPERATIONS, channel="web", **backwards))["code"] == "INVALID_INPUT"
    assert (await refused(app(Scope.ORDERS_READ), channel="web", **span))["code"] == "FORBIDDEN"
