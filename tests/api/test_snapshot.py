"""A whole query is one snapshot: asked while an order ships, it tells all of before or all of after.

A query cannot be stopped in its middle from outside, so here it stops itself: `payments` becomes a view whose rows,
read from the pool for reading, wait for a lock. What stands before `payments` in the document was read by then, what
stands behind it was not.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from tests.api.shop import AGENT, OPERATIONS, Answer, Shop

LOCK = 20_180_101
ON_HAND = 12
ORDERED = 2

BEFORE, AFTER = "UNFULFILLED", "FULFILLED"

FIRST_HALF = """
    fulfillmentStatus version
    lines { quantity quantities { ordered open allocated picked shipped } }
"""
SECOND_HALF = """
    shipments { status lines { quantity } packages { lines { quantity } } }
    fulfillmentOrders { status lines { quantity picked shipped } shipments { status } }
"""
STOCK = """
    variant(sku: $sku) { inventory { total { onHand allocated } levels { nodes { onHand available allocated version } } } }
"""
WHOLE = f"""
    query ($id: ID!, $sku: String!) {{
        order(id: $id) {{ {FIRST_HALF} payments {{ kind status amount {{ amount }} }} {SECOND_HALF} }}
        {STOCK}
    }}
"""
ORDINARILY = WHOLE.replace(STOCK, f"{STOCK} __schema {{ queryType {{ name }} }}")
"""The same with introspection, which is left to the ordinary executor."""

BARRIER = """
    CREATE FUNCTION pass_barrier() RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
    BEGIN
        IF current_setting('default_transaction_read_only') = 'on' THEN
            PERFORM pg_advisory_lock_shared({lock});
            PERFORM pg_advisory_unlock_shared({lock});
        END IF;
        RETURN true;
    END $$;
    ALTER TABLE payments RENAME TO payments_behind;
    CREATE VIEW payments AS SELECT * FROM payments_behind WHERE pass_barrier();
"""


@pytest.fixture(scope="module", autouse=True)
async def barrier(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection that may hold the lock; made before anything else speaks to the database."""
    connection = await asyncpg.connect(database_url)
    await connection.execute(BARRIER.format(lock=LOCK))
    yield connection
    await connection.close()


async def somebody_waits(connection: asyncpg.Connection) -> None:
    """Return when a query stands at the barrier."""
    waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = $1 AND NOT granted"
    async with asyncio.timeout(30):
        while not await connection.fetchval(waiting, LOCK):
            await asyncio.sleep(0.005)


def torn(answer: Answer) -> list[str]:
    """What in an answer cannot have been true at one moment."""
    order, inventory = answer["order"], answer["variant"]["inventory"]
    quantities = [line["quantities"] for line in order["lines"]]
    shipped = sum(each["shipped"] for each in quantities)
    held = sum(each["allocated"] + each["picked"] for each in quantities)
    (level,) = inventory["levels"]["nodes"]
    told = {
        "the order's fulfillment status": order["fulfillmentStatus"] == (AFTER if shipped else BEFORE),
        "shipments": shipped == _sum(order["shipments"], "quantity"),
        "parcels": shipped == sum(_sum(each["packages"], "quantity") for each in order["shipments"]),
        "the work's lines": shipped == _sum(order["fulfillmentOrders"], "shipped"),
        "the work's status": all((each["status"] == "SHIPPED") == bool(shipped) for each in order["fulfillmentOrders"]),
        "the work's shipments": len(order["shipments"]) == sum(len(each["shipments"]) for each in order["fulfillmentOrders"]),
        "units on hand": level["onHand"] == ON_HAND - shipped == inventory["total"]["onHand"],
        "units held": level["allocated"] == held == inventory["total"]["allocated"],
        "the balance of the level": level["onHand"] == level["available"] + level["allocated"],
    }  # fmt: skip
    return [name for name, true in told.items() if not true]


def _sum(parents: list[Any], name: str) -> int:
    return sum(line[name] for each in parents for line in each["lines"])


async def packed(shop: Shop) -> tuple[Answer, str]:
    """An order that is ready to leave, and its SKU."""
    sku = await shop.variant(SAO1=ON_HAND)
    order = await shop.advance(await shop.place((sku, ORDERED), token="tok_visa"), "pack")
    return order, sku


async def ship(shop: Shop, order: Answer) -> None:
    """Ship what is packed; nothing is read back, which would stop at the barrier as well."""
    work = order["fulfillmentOrders"][0]["id"]
    await shop.do(OPERATIONS, "shipmentCreate", fulfillmentOrderId=work, carrier="correios")


@pytest.mark.parametrize("query", [WHOLE, ORDINARILY], ids=["compiled", "ordinary"])
async def test_a_query_that_is_overtaken_by_a_shipment_tells_of_before_alone(
    query: str, shop: Shop, barrier: asyncpg.Connection
) -> None:
    order, sku = await packed(shop)
    await barrier.execute("SELECT pg_advisory_lock($1)", LOCK)
    try:
        asking = asyncio.create_task(shop.ask(AGENT, query, id=order["id"], sku=sku))
        await somebody_waits(barrier)
        await ship(shop, order)
        assert not asking.done()
    finally:
        await barrier.execute("SELECT pg_advisory_unlock($1)", LOCK)

    overtaken, later = await asking, await shop.ask(AGENT, query, id=order["id"], sku=sku)

    assert torn(overtaken) == torn(later) == []
    assert (overtaken["order"]["fulfillmentStatus"], later["order"]["fulfillmentStatus"]) == (BEFORE, AFTER)
    assert overtaken["order"]["version"] < later["order"]["version"]


async def test_two_queries_with_a_shipment_between_them_are_torn(shop: Shop) -> None:
    """What a query would be if it were two statements in two snapshots: the invariants see it."""
    order, sku = await packed(shop)
    first = await shop.ask(AGENT, f"query ($id: ID!) {{ order(id: $id) {{ {FIRST_HALF} }} }}", id=order["id"])
    await ship(shop, order)
    second = await shop.ask(AGENT, WHOLE, id=order["id"], sku=sku)

    halves = {**second, "order": {**second["order"], **first["order"]}}

    assert torn(second) == []
    assert {"shipments", "parcels", "the work's lines", "units on hand", "units held"} <= {*torn(halves)}


async def test_readers_in_a_crowd_never_see_half_a_shipment(shop: Shop) -> None:
    orders = [await packed(shop) for _ in range(6)]
    leaving = asyncio.Event()

    async def watch(order: Answer, sku: str) -> set[str]:
        """Ask until the shipment is seen."""
        seen: set[str] = set()
        while AFTER not in seen:
            answer = await shop.ask(AGENT, WHOLE, id=order["id"], sku=sku)
            assert torn(answer) == []
            seen.add(answer["order"]["fulfillmentStatus"])
            leaving.set()
        return seen

    watching = [asyncio.create_task(watch(*each)) for each in orders for _ in range(2)]
    await leaving.wait()
    for order, _ in orders:
        await ship(shop, order)

    assert BEFORE in set().union(*await asyncio.gather(*watching))
