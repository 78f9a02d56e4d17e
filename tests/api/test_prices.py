"""Prices of scarce stock: solved from the shop's own orders, and what the router makes of them."""

import asyncio
import os
import re
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from resolvers.asides import LEAST_ORDERS, solve_prices
from tests.api.shop import HISTORIAN, OPERATIONS, Answer, Shop
from tests.api.test_simulation import priced
from tests.conftest import SECRET

SAO_PAULO: Answer = {"city": "São Paulo", "country": "BR", "latitude": -23.55, "longitude": -46.63}
BETWEEN: Answer = {"city": "Taubaté", "country": "BR", "latitude": -23.25, "longitude": -45.2}
"""A little nearer to SAO1 than to RIO1."""


async def source(shop: Shop, sku: str) -> str:
    """From where an order from between both ships."""
    order = await shop.place((sku, 1), shippingAddress=BETWEEN)
    (work,) = order["fulfillmentOrders"]
    return work["location"]["code"]  # type: ignore[no-any-return]


async def buy_in_sao_paulo(shop: Shop, sku: str, orders: int) -> None:
    """Orders of some days ago."""
    at = (datetime.now(UTC) - timedelta(days=3)).isoformat()

    async def some(count: int) -> None:
        for _ in range(count):
            await shop.place((sku, 1), viewer=HISTORIAN, placedAt=at, shippingAddress=SAO_PAULO)

    await asyncio.gather(*(some(orders // 5) for _ in range(5)))


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


async def test_scarce_stock_is_left_for_the_region_that_wants_it(shop: Shop, connection: asyncpg.Connection) -> None:
    await priced(shop)
    sku = await shop.variant(SAO1=LEAST_ORDERS + 30, RIO1=LEAST_ORDERS)
    few = await solve_prices(connection, "web")
    await buy_in_sao_paulo(shop, sku, LEAST_ORDERS)
    before = await source(shop, sku)

    (solved,) = await solve_prices(connection, "web")

    assert few[0]["reason"] is not None
    assert (solved["channel"], solved["reason"]) == ("web", None)
    assert solved["levels"] >= 2
    assert (before, await source(shop, sku)) == ("SAO1", "RIO1")


async def test_the_command_prints_what_it_did_and_not_what_its_solver_has_to_say(shop: Shop, database_url: str) -> None:
    await priced(shop)
    sku = await shop.variant(SAO1=LEAST_ORDERS + 30, RIO1=LEAST_ORDERS)
    await buy_in_sao_paulo(shop, sku, LEAST_ORDERS)
    command = [sys.executable, "-c", "from app.cli import main; main()", "routing", "solve", "--channel", "web"]
    environment = os.environ | {"DATABASE_URL": database_url, "ORDERGRAPH_SECRET": SECRET, "NO_COLOR": "1"}

    process = await asyncio.create_subprocess_exec(*command, env=environment, stdout=PIPE, stderr=PIPE)
    printed, complaints = await process.communicate()

    assert process.returncode == 0, complaints
    assert re.fullmatch(r"web: \d+ orders: \d+ stock levels and \d+ locations' days are scarce\.\n", printed.decode())


async def test_rules_that_give_prices_no_weight_have_none(shop: Shop, connection: asyncpg.Connection) -> None:
    ruleset = {"name": "by cost alone", "channel": "web", "mode": "LIVE", "weights": {"stock": "0"}}
    made = await shop.do(OPERATIONS, "routingRulesetActivate", "ruleset { id }", ruleset=ruleset)
    try:
        (solved,) = await solve_prices(connection, "web")
        left = await connection.fetchval("select count(*) from routing_prices")
    finally:
        await shop.do(OPERATIONS, "routingRulesetRetire", id=made["ruleset"]["id"])
    assert (solved["reason"], solved["levels"], left) == ("the rules give prices of stock no weight", 0, 0)


async def test_a_channel_that_is_not_there_has_no_prices(connection: asyncpg.Connection) -> None:
    assert await solve_prices(connection, "nowhere") == []
