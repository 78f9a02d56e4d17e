"""Backorders beyond one transaction: who is served at once, who by the job, who is passed over, and when a release comes."""

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from app.adapters.payments import providers
from domain.ids import new_id
from domain.store.jobs import Job
from resolvers.backorders import AT_ONCE, FILL, fill_backorders, find_backorders
from resolvers.database import open_database
from resolvers.jobs import Done, Kind
from resolvers.writing import World
from tests.api.shop import OPERATIONS, Answer, Shop, money, quantities

FAR = "2030-01-01T12:00:00Z"
LONG_AGO = "2018-01-01T12:00:00Z"
FILLED = "backordersFilled { order { id } quantity }"


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    """What jobs reach."""
    async with open_database(database_url, reads=1, writes=2) as database:
        yield World(database, providers=providers())


async def do(kind: Kind, **payload: str) -> None:
    """A job is done."""
    job = Job(1, kind.name, payload, 1, lease=new_id(), created_at=None)  # type: ignore[arg-type]
    assert await kind.handle(job) == Done()


async def variant(shop: Shop, **backorder: Any) -> str:
    """A SKU with a policy, and none of it."""
    sku = shop.new("SKU")
    await let(shop, sku, **backorder)
    return sku


async def let(shop: Shop, sku: str, **backorder: Any) -> None:
    """What may be sold of it."""
    prices = [{"channel": "web", "price": money("5.00")}]
    await shop.do(
        OPERATIONS, "variantsSet", variants=[{"sku": sku, "name": sku, "prices": prices, "backorder": backorder}]
    )


async def find(shop: Shop, sku: str, units: int) -> list[Answer]:
    """Units turn up in São Paulo; gives who was served at once."""
    lines = [{"sku": sku, "setOnHand": units}]
    found = await shop.do(
        OPERATIONS, "stockAdjust", FILLED, locationId=shop.places["SAO1"], reason="FOUND", lines=lines
    )
    return found["backordersFilled"]  # type: ignore[no-any-return]


async def waiting(shop: Shop, order: Answer) -> int:
    """Units of an order that wait."""
    found = await shop.order(order["id"])
    return sum(line["quantities"]["backordered"] for line in found["lines"])


async def test_the_first_are_served_at_once_and_a_job_goes_on_with_the_rest(
    shop: Shop, world: World, connection: asyncpg.Connection
) -> None:
    sku = await variant(shop, policy="BACKORDER")
    orders = [await shop.place((sku, 1)) for _ in range(AT_ONCE + 5)]

    served = await find(shop, sku, AT_ONCE + 3)
    at_once = [await waiting(shop, order) for order in orders]
    jobs = await connection.fetch("SELECT payload ->> 'variant' AS id FROM jobs WHERE kind = $1", FILL)
    for job in jobs:
        await do(fill_backorders(world), variant=job["id"])
    after = [await waiting(shop, order) for order in orders]

    assert [each["order"]["id"] for each in served] == [order["id"] for order in orders[:AT_ONCE]]
    assert at_once == [0] * AT_ONCE + [1] * 5
    assert len(jobs) == 1
    assert after == [0] * (AT_ONCE + 3) + [1] * 2


async def test_an_order_that_somebody_holds_is_passed_over_and_served_later(
    shop: Shop, world: World, database_url: str
) -> None:
    sku = await variant(shop, policy="BACKORDER")
    first, second = [await shop.place((sku, 1)) for _ in range(2)]
    other = await asyncpg.connect(database_url)
    async with other.transaction():
        await other.execute("SELECT 1 FROM orders WHERE id = $1 FOR UPDATE", shop.key(first["id"]))
        served = await find(shop, sku, 2)
    await other.close()
    await do(find_backorders(world))

    assert [each["order"]["id"] for each in served] == [second["id"]]
    assert await waiting(shop, first) == 0


async def test_stock_that_somebody_holds_is_left_alone(shop: Shop, world: World, database_url: str) -> None:
    sku = await variant(shop, policy="BACKORDER")
    order = await shop.place((sku, 3))
    other = await asyncpg.connect(database_url)
    await find(shop, sku, 1)
    lines = [{"sku": sku, "setOnHand": 1}]
    await shop.do(OPERATIONS, "stockAdjust", locationId=shop.places["CWB1"], reason="FOUND", lines=lines)
    async with other.transaction():
        await other.execute(
            "SELECT 1 FROM stock_levels WHERE location_id = $1 FOR UPDATE", shop.key(shop.places["SAO1"])
        )
        lines = [{"sku": sku, "setOnHand": 2}]
        found = await shop.do(
            OPERATIONS, "stockAdjust", FILLED, locationId=shop.places["CWB1"], reason="FOUND", lines=lines
        )
    await other.close()

    assert [each["quantity"] for each in found["backordersFilled"]] == [1]
    assert await waiting(shop, order) == 0


async def test_with_its_release_a_preorder_gets_what_is_there_in_the_order_of_placing(shop: Shop, world: World) -> None:
    sku = await variant(shop, policy="PREORDER", releasesAt=FAR, limit=10)
    await find(shop, sku, 4)
    first, second = [await shop.place((sku, units)) for units in (3, 3)]

    await do(find_backorders(world))
    before = [await waiting(shop, order) for order in (first, second)]
    await let(shop, sku, policy="PREORDER", releasesAt=LONG_AGO, limit=10)
    queued = await shop.place((sku, 1))
    await do(find_backorders(world))
    after = [await waiting(shop, order) for order in (first, second, queued)]
    await find(shop, sku, 8)
    sold = await shop.place((sku, 1))
    refused = await shop.refused(
        OPERATIONS, "orderPlace", channel="web", lines=[{"sku": sku, "quantity": 1}],
        customer={"email": f"{shop.new('late')}@example.com"},
    )  # fmt: skip

    assert before == [3, 3]
    assert queued["lines"][0]["quantities"] == quantities(1, backordered=1)
    assert after == [0, 2, 1]
    assert sold["lines"][0]["quantities"] == quantities(1, allocated=1)
    assert (refused["code"], refused["sellable"]) == ("INSUFFICIENT_STOCK", 0)


async def test_a_policy_that_ends_lets_go_on_waiting_whoever_waits(shop: Shop) -> None:
    sku = await variant(shop, policy="BACKORDER")
    order = await shop.place((sku, 2))

    await let(shop, sku, policy="NONE")
    refused = await shop.refused(
        OPERATIONS, "orderPlace", channel="web", lines=[{"sku": sku, "quantity": 1}],
        customer={"email": f"{shop.new('late')}@example.com"},
    )  # fmt: skip
    served = await find(shop, sku, 2)

    assert refused["code"] == "INSUFFICIENT_STOCK"
    assert [each["order"]["id"] for each in served] == [order["id"]]


async def test_only_a_location_that_serves_the_channel_fills_its_orders(shop: Shop) -> None:
    made = await shop.do(
        OPERATIONS, "locationSet", "location { id }", code="LIS1", name="Lisboa", kind="WAREHOUSE", channels=["abroad"]
    )
    sku = await variant(shop, policy="BACKORDER")
    order = await shop.place((sku, 1))

    lines = [{"sku": sku, "setOnHand": 5}]
    found = await shop.do(
        OPERATIONS, "stockAdjust", FILLED, locationId=made["location"]["id"], reason="FOUND", lines=lines
    )

    assert found["backordersFilled"] == []
    assert await waiting(shop, order) == 1


async def test_an_order_that_ships_complete_waits_whole_and_is_filled_whole(shop: Shop) -> None:
    first, second = [await variant(shop, policy="BACKORDER") for _ in range(2)]
    await find(shop, first, 1)
    rules = {"channel": "web", "name": "complete", "rules": [], "shipComplete": True}
    made = await shop.do(OPERATIONS, "routingRulesetActivate", "ruleset { id }", ruleset=rules)

    order = await shop.place((first, 1), (second, 2))
    placed = await waiting(shop, order)
    part = await find(shop, second, 1)
    whole = await find(shop, second, 2)
    await shop.do(OPERATIONS, "routingRulesetRetire", id=made["ruleset"]["id"])
    filled = await shop.order(order["id"])

    assert (placed, part) == (3, [])
    assert sorted(each["quantity"] for each in whole) == [1, 2]
    assert [line["quantities"]["allocated"] for line in filled["lines"]] == [1, 2]
