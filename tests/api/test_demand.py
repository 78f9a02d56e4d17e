"""Demand through the API: what is ordered by day and location, counted off the log, whatever is called off later."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from domain.store.jobs import Job
from resolvers.database import Connection, Database, open_database
from resolvers.demand import counting
from resolvers.housekeeping import forget_demand
from resolvers.relays import Relay, step
from tests.api.shop import HISTORIAN, OPERATIONS, Answer, Shop

DEMAND = """
    query ($sku: String!) {
      variant(sku: $sku) { inventory {
        demand { last7Days last30Days perDay daysOfCover }
        levels { nodes { location { code } demand { last7Days last30Days perDay daysOfCover } } }
      } }
    }
"""

COUNTED = "select units from demand_days where variant_id = $1 and location_id = $2"

ORDERED = """
    select work.variant_id, work.location_id, (o.placed_at at time zone 'UTC')::date as day,
           sum(work.quantity - work.canceled - work.short)::int as units
    from fulfillment_order_lines work
    join order_lines line on line.id = work.order_line_id join orders o on o.id = line.order_id
    group by 1, 2, 3 having sum(work.quantity - work.canceled - work.short) <> 0
"""


@pytest.fixture(scope="module")
async def database(database_url: str) -> AsyncIterator[Database]:
    """What a worker writes by."""
    async with open_database(database_url, reads=1, writes=2) as opened:
        yield opened


async def counted(database: Database) -> None:
    """Wait until every event has a place in the log, and count them."""
    async with database.writes.acquire() as connection:
        for _ in range(400):
            if not await connection.fetchval("select exists (select from events where position is null)"):
                break
            await asyncio.sleep(0.02)
    while await step(counting(), database):
        pass


async def demand(shop: Shop, sku: str) -> tuple[Answer, dict[str, Answer]]:
    """Demand everywhere, and by location."""
    found = (await shop.ask(OPERATIONS, DEMAND, sku=sku))["variant"]["inventory"]
    return found["demand"], {node["location"]["code"]: node["demand"] for node in found["levels"]["nodes"]}


async def test_what_was_ordered_is_demand_until_it_is_called_off(shop: Shop, database: Database) -> None:
    sku = await shop.variant(SAO1=20, RIO1=9)
    order = await shop.place((sku, 6))
    (line,) = order["lines"]
    await shop.place((sku, 4))
    await counted(database)
    everywhere, places = await demand(shop, sku)
    assert everywhere == {"last7Days": 10, "last30Days": 10, "perDay": 10, "daysOfCover": 1.9}
    assert places["SAO1"] == {"last7Days": 10, "last30Days": 10, "perDay": 10, "daysOfCover": 1}
    assert places["RIO1"] == {"last7Days": 0, "last30Days": 0, "perDay": 0, "daysOfCover": None}

    await shop.do(OPERATIONS, "orderCancel", id=order["id"], reason="OTHER",
                  lines=[{"orderLineId": line["id"], "quantity": 5}])  # fmt: skip
    await counted(database)
    everywhere, places = await demand(shop, sku)
    assert (everywhere["last30Days"], places["SAO1"]["last30Days"]) == (5, 5)


async def test_a_unit_that_is_called_off_late_is_taken_off_the_day_it_was_ordered(
    shop: Shop, database: Database, connection: asyncpg.Connection
) -> None:
    sku = await shop.variant(SAO1=20)
    then = (datetime.now(UTC) - timedelta(days=20)).isoformat()
    order = await shop.place((sku, 6), viewer=HISTORIAN, placedAt=then)
    old = (datetime.now(UTC) - timedelta(days=40)).isoformat()
    await shop.place((sku, 3), viewer=HISTORIAN, placedAt=old)
    await counted(database)
    everywhere, _ = await demand(shop, sku)
    assert (everywhere["last7Days"], everywhere["last30Days"]) == (0, 6)
    await shop.do(OPERATIONS, "orderCancel", id=order["id"], reason="OTHER")
    await counted(database)
    everywhere, places = await demand(shop, sku)
    assert everywhere["last30Days"] == places["SAO1"]["last30Days"] == 0
    assert everywhere["daysOfCover"] is None


async def test_what_ships_is_no_less_demand_and_what_is_short_moves_with_its_work(
    shop: Shop, database: Database
) -> None:
    sku = await shop.variant(SAO1=5, RIO1=5)
    await shop.advance(await shop.place((sku, 2)), "ship")
    accepted = await shop.advance(await shop.place((sku, 2)), "accept")
    (work,) = accepted["fulfillmentOrders"]
    short = {"fulfillmentOrderLineId": work["lines"][0]["id"], "picked": 1, "short": 1, "shortReason": "NOT_FOUND"}
    await shop.do(OPERATIONS, "fulfillmentOrderPick", id=work["id"], lines=[short])
    await counted(database)
    everywhere, places = await demand(shop, sku)
    assert everywhere["last7Days"] == 4
    assert sum(each["last7Days"] for each in places.values()) == 4


async def test_what_is_counted_is_what_was_ordered_whoever_counts_and_is_killed(
    shop: Shop, database: Database, connection: asyncpg.Connection
) -> None:
    chance = random.Random(2)
    skus = [await shop.variant(SAO1=50, CWB1=50, RIO1=20) for _ in range(3)]
    for _ in range(25):
        wanted = [(sku, chance.randint(1, 4)) for sku in chance.sample(skus, chance.randint(1, 3))]
        until = chance.choice(["", "accept", "pick", "ship"])
        order = await shop.place(*wanted)
        order = await shop.advance(order, until) if until else order
        if chance.random() < 0.4:
            await shop.send(OPERATIONS, "orderCancel", id=order["id"], reason="OTHER")
        if chance.random() < 0.3:
            await _killed(database)
    await asyncio.gather(*[counted(database) for _ in range(3)])

    ordered = {tuple(row)[:3]: row["units"] for row in await connection.fetch(ORDERED)}
    found = {
        tuple(row)[:3]: row["units"] for row in await connection.fetch("select * from demand_days") if row["units"]
    }
    assert found == ordered


async def _killed(database: Database) -> None:
    """Count some, and die before that is committed."""
    relay = counting()

    async def die(connection: Connection, events: list) -> None:  # type: ignore[type-arg]
        await relay.pass_on(connection, events)
        raise ConnectionAbortedError

    with suppress(ConnectionAbortedError):
        await step(Relay(relay.name, die), database)


async def test_a_postal_code_is_where_past_orders_were_sent(
    shop: Shop, database: Database, connection: asyncpg.Connection
) -> None:
    sku = await shop.variant(SAO1=5)
    for code, latitude in (("80010-100", -25.4), ("80010-200", -25.5), ("89999-000", -27.0)):
        address = {"country": "BR", "postalCode": code, "latitude": latitude, "longitude": -49.25}
        await shop.place((sku, 1), shippingAddress=address)
    await counted(database)
    found = {
        row["prefix"]: (row["addresses"], round(row["sum_latitude"] / row["addresses"], 3))
        for row in await connection.fetch("select * from postal_areas where country = 'BR' and prefix like '8%'")
    }
    assert found["80010100"] == (1, -25.4)
    assert found["80010"] == found["800"] == (2, -25.45)
    assert found["89"] == (1, -27.0)


async def test_orders_of_before_a_variant_was_entered_lengthen_the_days_that_they_are_spread_over(
    shop: Shop, database: Database
) -> None:
    sku = await shop.variant(SAO1=20)
    then = (datetime.now(UTC) - timedelta(days=9)).isoformat()
    await shop.place((sku, 5), viewer=HISTORIAN, placedAt=then)
    await counted(database)
    everywhere, places = await demand(shop, sku)
    assert (everywhere["perDay"], everywhere["daysOfCover"]) == (0.5, 30)
    assert places["SAO1"]["perDay"] == 0.5


async def test_days_that_nobody_asks_for_any_more_are_forgotten_and_no_demand_with_them(
    shop: Shop, database: Database
) -> None:
    sku = await shop.variant(SAO1=9)
    await shop.place((sku, 2))
    await counted(database)
    row = """
        insert into demand_days (variant_id, location_id, day, units)
        select variant_id, location_id, current_date - days, 1 from stock_levels, unnest('{399, 401, 5000}'::int[]) days
        where variant_id = $1
    """
    async with database.writes.acquire() as connection:
        variant = await connection.fetchval("select id from variants where sku = $1", sku)
        await connection.execute(row, variant)
        before = await demand(shop, sku)
        await forget_demand(database).handle(Job(1, "FORGET_DEMAND", {}, 1, variant, datetime.now(UTC)))
        kept = "select current_date - day from demand_days where variant_id = $1 order by day"
        assert [row[0] for row in await connection.fetch(kept, variant)] == [399, 0]
    assert await demand(shop, sku) == before
