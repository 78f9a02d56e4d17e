"""The queue of what nobody could ship: tried again by the clock and when supply arrives, and given up as the channel says."""

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from app.adapters import payments as adapters
from domain.store import log
from domain.store import relays as positions
from resolvers import relays, unrouted
from resolvers.database import open_database
from resolvers.jobs import Crew
from resolvers.unrouted import noticing_supply, route_unrouted, route_what_waited
from resolvers.writing import World
from tests.api.shop import AGENT, OPERATIONS, Answer, Shop, entries, money, quantities
from tests.api.test_exceptions import do
from tests.api.test_rerouting import counted, located, opened


@pytest.fixture(scope="module")
async def world(database_url: str) -> AsyncIterator[World]:
    async with open_database(database_url, reads=1, writes=2) as database:
        yield World(database, providers=adapters.providers())


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.execute("UPDATE channels SET unrouted_policy = 'WAIT'")
    await connection.close()


async def waiting(shop: Shop, sku: str, units: int, token: str | None = None) -> Answer:
    """A confirmed order whose units a count did not find."""
    order = await shop.confirm(await shop.place((sku, units), token=token))
    await counted(shop, sku, 0)
    after = await shop.order(order["id"])
    assert after["lines"][0]["quantities"] == quantities(units, open=units)
    return after


async def due(connection: asyncpg.Connection, shop: Shop, order: Answer, hours: int = 0) -> None:
    """Let it be time, after so many hours in the queue."""
    await connection.execute(
        "UPDATE orders SET route_again_at = now(), unrouted_at = unrouted_at - make_interval(hours => $2) WHERE id = $1",
        shop.key(order["id"]),
        hours,
    )


async def retry_at(connection: asyncpg.Connection, shop: Shop, order: Answer) -> tuple[int, Any]:
    """(attempts, minutes until the next)."""
    row = await connection.fetchrow(
        "SELECT route_attempts, extract(epoch FROM route_again_at - now()) / 60 AS minutes FROM orders WHERE id = $1",
        shop.key(order["id"]),
    )
    assert row
    return row["route_attempts"], row["minutes"] and float(row["minutes"])


async def policy(shop: Shop, name: str, hours: int = 72) -> None:
    """Set the channel's policy."""
    given = {"code": "web", "name": "Web", "currency": "BRL", "timeZone": "America/Sao_Paulo"}
    asked = "channel { unroutedPolicy unroutedAfterHours }"
    done = await shop.do(OPERATIONS, "channelSet", asked, **given, unroutedPolicy=name, unroutedAfterHours=hours)
    assert done["channel"] == {"unroutedPolicy": name, "unroutedAfterHours": hours}


# -- trying again ----------------------------------------------------------------------------------------------------


async def test_who_waits_is_tried_again_ever_more_rarely_and_routed_once_there_is_stock(
    shop: Shop, world: World, connection: asyncpg.Connection
) -> None:
    sku = await shop.variant(SAO1=2)
    order = await waiting(shop, sku, 2)
    assert await retry_at(connection, shop, order) == (0, pytest.approx(5, abs=1))

    for attempt, minutes in ((1, 5), (2, 10), (3, 20)):
        await due(connection, shop, order)
        await do(route_unrouted(world))
        assert await retry_at(connection, shop, order) == (attempt, pytest.approx(minutes, abs=1))
    unchanged = await shop.order(order["id"])
    await shop.count(sku, "CWB1", 2)
    await do(route_unrouted(world))
    early = await shop.order(order["id"])
    await due(connection, shop, order)
    await do(route_unrouted(world))

    assert unchanged == early == order
    assert located(await shop.order(order["id"])) == [("CWB1", "OPEN", [2])]
    assert await retry_at(connection, shop, order) == (0, None)


async def test_a_part_of_what_waits_is_routed_and_the_rest_goes_on_waiting(
    shop: Shop, world: World, connection: asyncpg.Connection
) -> None:
    sku = await shop.variant(SAO1=3)
    order = await waiting(shop, sku, 3)
    await shop.count(sku, "CWB1", 1)
    await due(connection, shop, order)

    await do(route_unrouted(world))

    assert (await shop.order(order["id"]))["lines"][0]["quantities"] == quantities(3, open=2, allocated=1)
    assert await retry_at(connection, shop, order) == (1, pytest.approx(5, abs=1))


async def test_more_orders_are_due_than_are_read_at_once(
    shop: Shop, world: World, connection: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("resolvers.unrouted.CHUNK", 2)
    sku = await shop.variant(SAO1=5)
    orders = [await opened(shop, sku, 1) for _ in range(5)]
    await counted(shop, sku, 0)
    await shop.count(sku, "CWB1", 5)
    for order in orders:
        await due(connection, shop, order)

    await do(route_unrouted(world))

    assert [located(await shop.order(order["id"])) for order in orders] == [[("CWB1", "OPEN", [1])]] * 5


# -- supply ----------------------------------------------------------------------------------------------------------


async def test_what_arrives_goes_to_who_ordered_first(
    shop: Shop, world: World, connection: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("resolvers.unrouted.FEW", 2)
    sku, other = await shop.variant(SAO1=5), await shop.variant(SAO1=1)
    orders = [await opened(shop, sku, 1) for _ in range(5)]
    bystander = await waiting(shop, other, 1)
    await counted(shop, sku, 0)
    supply = noticing_supply(Crew(world.database, []))
    async with world.database.writes.acquire() as writer:
        await positions.begin(writer, supply.name)
    await log.stamp(connection, 1_000)
    while await relays.step(supply, world.database):
        pass
    await connection.execute("DELETE FROM jobs WHERE kind = $1", unrouted.SUPPLIED)

    await shop.count(sku, "CWB1", 3)
    await log.stamp(connection, 1_000)
    while await relays.step(supply, world.database):
        pass
    found = await connection.fetch("SELECT payload FROM jobs WHERE kind = $1", unrouted.SUPPLIED)
    variant = await connection.fetchval("SELECT id FROM variants WHERE sku = $1", sku)
    await do(route_what_waited(world), variant=str(variant))

    assert [str(variant) in row["payload"] for row in found] == [True]
    assert [located(await shop.order(order["id"])) for order in orders] == [[("CWB1", "OPEN", [1])]] * 3 + [[]] * 2
    assert [(await retry_at(connection, shop, order))[0] for order in orders[3:]] == [1, 0]
    assert await shop.order(bystander["id"]) == bystander


# -- giving up -------------------------------------------------------------------------------------------------------


async def test_what_waited_too_long_is_canceled_and_paid_back(
    shop: Shop, world: World, connection: asyncpg.Connection
) -> None:
    sku = await shop.variant("20.00", SAO1=3)
    order = await shop.captured(await shop.confirm(await shop.place((sku, 3), token="tok_visa")))
    await counted(shop, sku, 1)
    await policy(shop, "CANCEL", 48)
    await due(connection, shop, order, hours=47)
    await do(route_unrouted(world))
    early = await shop.order(order["id"])
    await due(connection, shop, order, hours=2)

    for _ in range(2):
        await do(route_unrouted(world))

    after = await shop.order(order["id"])
    assert early["lines"][0]["quantities"] == quantities(3, open=2, allocated=1)
    assert after["lines"][0]["quantities"] == quantities(3, canceled=2, allocated=1)
    assert ("REFUND", "SUCCEEDED", "40.00") in entries(after)
    assert (after["balance"], after["status"]) == (money("0.00"), "CONFIRMED")
    assert await retry_at(connection, shop, order) == (0, None)


async def test_what_waited_too_long_is_tried_once_more_before_it_is_given_up(
    shop: Shop, world: World, connection: asyncpg.Connection
) -> None:
    sku = await shop.variant(SAO1=1)
    order = await waiting(shop, sku, 1)
    await shop.count(sku, "RIO1", 1)
    await policy(shop, "CANCEL", 0)

    await do(route_unrouted(world))

    assert located(await shop.order(order["id"])) == [("RIO1", "OPEN", [1])]


async def test_what_waited_too_long_is_backordered(shop: Shop, world: World, connection: asyncpg.Connection) -> None:
    sku = await shop.variant(SAO1=2)
    order = await waiting(shop, sku, 2)
    await policy(shop, "BACKORDER", 1)
    await due(connection, shop, order, hours=1)

    await do(route_unrouted(world))

    assert (await shop.order(order["id"]))["lines"][0]["quantities"] == quantities(2, backordered=2)
    assert await retry_at(connection, shop, order) == (0, None)


async def test_a_policy_is_within_reason(shop: Shop) -> None:
    given = {"code": "web", "name": "Web", "currency": "BRL", "timeZone": "America/Sao_Paulo"}
    for name, value in (("unroutedAfterHours", -1), ("waveMinutes", 10_081), ("waveSavingPercent", 101)):
        assert (await shop.refused(OPERATIONS, "channelSet", **given, **{name: value}))["field"] == [name]


async def test_buyers_do_not_learn_of_policies(shop: Shop) -> None:
    asked = "query ($id: ID!) { node(id: $id) { ... on Channel { code unroutedPolicy waveMinutes } } }"
    found = await shop.ask(shop.shopper(), asked, id=shop.channels["web"])
    assert found["node"] == {"code": "web", "unroutedPolicy": None, "waveMinutes": None}
    assert (await shop.ask(AGENT, asked, id=shop.channels["web"]))["node"]["unroutedPolicy"] == "WAIT"
