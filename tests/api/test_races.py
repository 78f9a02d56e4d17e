"""Many at once: what two of them want, one gets; nothing is sold twice, nothing waits for ever."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import asynccontextmanager

import asyncpg

from domain.store.verify import verify
from tests.api.shop import OPERATIONS, Answer, Shop, money, quantities


async def told(asking: Sequence[Awaitable[Answer]]) -> Counter[str]:
    """What mutations that run at once are told: codes of refusals, "" for what was done."""
    payloads = await asyncio.gather(*asking)
    return Counter("".join(error["code"] for error in payload["userErrors"]) for payload in payloads)


async def sound(database_url: str) -> bool:
    """Whether every invariant holds right now."""
    connection = await asyncpg.connect(database_url)
    try:
        return await verify(connection) == []
    finally:
        await connection.close()


def bought(*lines: tuple[str, int]) -> Answer:
    """The input of a placement."""
    return {"channel": "web", "lines": [{"sku": sku, "quantity": units} for sku, units in lines]}


async def test_forty_buyers_of_fifteen_units_buy_fifteen(shop: Shop, database_url: str) -> None:
    sku = await shop.variant(SAO1=7, RIO1=5, CWB1=3)
    pay = {"paymentMethod": {"provider": "test", "token": "tok_visa"}}

    found = await told([shop.send(shop.shopper(), "orderPlace", **bought((sku, 1)), **pay) for _ in range(40)])

    assert found == {"": 15, "INSUFFICIENT_STOCK": 25}
    assert await shop.stock(sku) == {
        "SAO1": {"onHand": 7, "allocated": 7},
        "RIO1": {"onHand": 5, "allocated": 5},
        "CWB1": {"onHand": 3, "allocated": 3},
    }
    assert await sound(database_url)


async def test_buyers_of_more_than_one_location_has_never_oversell(shop: Shop, database_url: str) -> None:
    sku = await shop.variant(SAO1=5, RIO1=5, CWB1=5)

    found = await told([shop.send(OPERATIONS, "orderPlace", **bought((sku, 4))) for _ in range(12)])

    stock = await shop.stock(sku)
    assert found == {"": 3, "INSUFFICIENT_STOCK": 9}
    assert sum(level.get("available", 0) for level in stock.values()) == 3
    assert await sound(database_url)


async def test_pairs_of_skus_in_opposite_orders_wait_for_nobody_for_ever(shop: Shop, database_url: str) -> None:
    first, second = await shop.variant(SAO1=40, CWB1=40), await shop.variant(SAO1=40, CWB1=40)
    pairs = [((first, 2), (second, 2)), ((second, 2), (first, 2))] * 15

    found = await told([shop.send(OPERATIONS, "orderPlace", **bought(*pair)) for pair in pairs])

    assert found == {"": 30}
    for sku in (first, second):
        assert sum(level["allocated"] for level in (await shop.stock(sku)).values()) == 60
    assert await sound(database_url)


async def test_twins_of_an_order_that_waits_for_its_stock_are_one_order(shop: Shop, database_url: str) -> None:
    """They want the last unit and bear a reference that only one order can: neither is held against the second."""
    sku, key = await shop.variant(SAO1=1), shop.new("twin")
    given = {"idempotencyKey": key, "externalReference": key, **bought((sku, 1))}
    async with held(database_url, sku, for_=3):
        placing = [asyncio.create_task(shop.send(OPERATIONS, "orderPlace", "order { id }", **given)) for _ in range(3)]
    payloads = await asyncio.gather(*placing)

    assert [payload["userErrors"] for payload in payloads] == [[], [], []]
    assert len({payload["order"]["id"] for payload in payloads}) == 1
    assert await shop.stock(sku) == {"SAO1": {"onHand": 1, "allocated": 1}}
    assert await sound(database_url)


async def test_an_order_whose_units_somebody_took_meanwhile_ships_from_elsewhere(shop: Shop, database_url: str) -> None:
    sku = await shop.variant(SAO1=2, CWB1=2)
    async with held(database_url, sku, for_=3):
        placing = [asyncio.create_task(shop.send(OPERATIONS, "orderPlace", **bought((sku, 2)))) for _ in range(3)]
    payloads = await asyncio.gather(*placing)

    refused = [payload["userErrors"][0] for payload in payloads if payload["userErrors"]]
    assert [(error["code"], error["requested"], error["sellable"]) for error in refused] == [
        ("INSUFFICIENT_STOCK", 2, 0)
    ]
    assert await shop.stock(sku) == {code: {"onHand": 2, "allocated": 2} for code in ("SAO1", "CWB1")}
    assert await sound(database_url)


@asynccontextmanager
async def held(database_url: str, sku: str, *, for_: int) -> AsyncIterator[None]:
    """Hold a SKU's levels until so many of those who are asked in the block wait for us or for each other."""
    connection = await asyncpg.connect(database_url)
    try:
        async with connection.transaction():
            levels = "SELECT FROM stock_levels WHERE variant_id = (SELECT id FROM variants WHERE sku = $1) FOR UPDATE"
            await connection.execute(levels, sku)
            yield
            async with asyncio.timeout(10):
                while await connection.fetchval("SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted") < for_:
                    await asyncio.sleep(0.01)
    finally:
        await connection.close()


async def test_what_is_confirmed_and_canceled_at_once_ends_canceled(shop: Shop) -> None:
    for _ in range(5):
        sku = await shop.variant(SAO1=1)
        order = await shop.place((sku, 1), token="tok_visa")
        id_ = {"id": order["id"]}

        found = await told(
            [shop.send(OPERATIONS, "orderConfirm", **id_), shop.send(OPERATIONS, "orderCancel", **id_, reason="OTHER")]
        )

        after = await shop.order(order["id"])
        assert found[""] + found["INVALID_TRANSITION"] == 2
        assert (after["status"], after["paymentStatus"], after["balance"]) == ("CANCELED", "VOIDED", money("0.00"))
        assert [work["status"] for work in after["fulfillmentOrders"]] == ["CANCELED"]
        assert await shop.stock(sku) == {"SAO1": {"onHand": 1, "available": 1}}


async def test_two_pickers_of_one_line_pick_it_once(shop: Shop) -> None:
    order = await shop.advance(await shop.place((await shop.variant(SAO1=5), 5)), "accept")
    work = order["fulfillmentOrders"][0]
    given = {"id": work["id"], "lines": [{"fulfillmentOrderLineId": work["lines"][0]["id"], "picked": 3}]}

    found = await told([shop.send(OPERATIONS, "fulfillmentOrderPick", **given) for _ in range(4)])

    assert found == {"": 1, "QUANTITY_EXCEEDS": 3}
    assert (await shop.order(order["id"]))["lines"][0]["quantities"] == quantities(5, allocated=2, picked=3)


async def test_what_ships_is_not_canceled_and_what_is_canceled_does_not_ship(shop: Shop) -> None:
    for _ in range(5):
        sku = await shop.variant(SAO1=2)
        order = await shop.advance(await shop.place((sku, 2)), "pack")
        work = order["fulfillmentOrders"][0]["id"]

        found = await told(
            [
                shop.send(OPERATIONS, "orderCancel", id=order["id"], reason="OTHER"),
                shop.send(OPERATIONS, "shipmentCreate", fulfillmentOrderId=work, carrier="correios"),
            ]
        )

        after = await shop.order(order["id"])
        assert found == {"": 1, "INVALID_TRANSITION": 1}
        shipped = after["status"] == "IN_FULFILLMENT"
        assert after["lines"][0]["quantities"] == quantities(2, **{"shipped" if shipped else "canceled": 2})
        assert await shop.stock(sku) == {"SAO1": {} if shipped else {"onHand": 2, "qualityControl": 2}}


async def test_a_delivery_told_twice_at_once_is_delivered_once(shop: Shop) -> None:
    order = await shop.bought(until="ship")
    shipment = order["shipments"][0]["id"]

    found = await told([shop.send(OPERATIONS, "shipmentDeliver", id=shipment) for _ in range(3)])

    assert found == {"": 1, "INVALID_TRANSITION": 2}
    assert (await shop.order(order["id"]))["lines"][0]["quantities"] == quantities(2, shipped=2, delivered=2)


async def test_a_unit_is_announced_for_return_once(shop: Shop) -> None:
    order = await shop.bought(units=1)
    lines = [{"orderLineId": order["lines"][0]["id"], "quantity": 1, "reason": "OTHER"}]

    found = await told([shop.send(OPERATIONS, "returnRequest", method="MAIL", lines=lines) for _ in range(4)])

    assert found == {"": 1, "NOT_RETURNABLE": 3}


async def test_what_was_captured_is_refunded_once(shop: Shop) -> None:
    order = await shop.captured(await shop.place((await shop.variant("30.00", SAO1=1), 1), token="tok_visa"))
    given = {
        "orderId": order["id"],
        "amount": money("20.00"),
        "reason": "GOODWILL",
        "destination": "ORIGINAL_PAYMENT",
    }

    found = await told([shop.send(OPERATIONS, "refundCreate", **given) for _ in range(4)])

    assert found == {"": 1, "REFUND_EXCEEDS_BALANCE": 3}
    assert (await shop.order(order["id"]))["balance"] == money("0.00")


async def test_a_new_buyer_who_orders_twice_at_once_is_one_customer(shop: Shop) -> None:
    sku, email = await shop.variant(SAO1=9), f"{shop.new('nina')}@example.com"

    orders = await asyncio.gather(*(shop.place((sku, 1), email=email) for _ in range(6)))

    asked = "query ($id: ID!) { order(id: $id) { customer { id } } }"
    found = [(await shop.ask(OPERATIONS, asked, id=order["id"]))["order"]["customer"]["id"] for order in orders]
    assert len(set(found)) == 1


async def test_counts_and_orders_of_the_same_stock_at_once_leave_it_sound(shop: Shop, database_url: str) -> None:
    sku = await shop.variant(SAO1=100)
    count = {"locationId": shop.places["SAO1"], "reason": "FOUND", "lines": [{"sku": sku, "setOnHand": 120}]}

    found = await told(
        [shop.send(OPERATIONS, "orderPlace", **bought((sku, 2))) for _ in range(15)]
        + [shop.send(OPERATIONS, "stockAdjust", **count) for _ in range(5)]
    )

    assert found == {"": 20}
    assert await shop.stock(sku) == {"SAO1": {"onHand": 120, "available": 90, "allocated": 30}}
    assert await sound(database_url)
