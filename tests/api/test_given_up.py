"""The queue's end, attacked: what waited too long is called off or backordered, with kits, money, limits and pickers about."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator

import asyncpg
import pytest

from app.adapters import payments as adapters
from domain.store import log
from resolvers.database import open_database
from resolvers.unrouted import route_unrouted
from resolvers.waves import wave
from resolvers.writing import World
from tests.api.shop import OPERATIONS, Answer, Shop, entries, money, quantities
from tests.api.test_exceptions import do
from tests.api.test_kits import kit, lines, units
from tests.api.test_races import sound
from tests.api.test_rerouting import counted, located, only, opened
from tests.api.test_unrouted import due, policy, waiting


@pytest.fixture(scope="module")
async def world(database_url: str) -> AsyncIterator[World]:
    async with open_database(database_url, reads=1, writes=4) as database:
        yield World(database, providers=adapters.providers())


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.execute("UPDATE channels SET unrouted_policy = 'WAIT'")
    await connection.close()


async def over(shop: Shop, world: World, connection: asyncpg.Connection, name: str, *orders: Answer) -> None:
    """The time of these orders is over, and two workers look at once, and one again."""
    await policy(shop, name, 1)
    for order in orders:
        await due(connection, shop, order, hours=2)
    await asyncio.gather(do(route_unrouted(world)), do(route_unrouted(world)))
    await do(route_unrouted(world))


def paid_back(order: Answer) -> list[str]:
    """What went back to the buyer."""
    return [amount for kind, status, amount in entries(order) if (kind, status) == ("REFUND", "SUCCEEDED")]


async def events_of(shop: Shop, connection: asyncpg.Connection, order: Answer) -> Counter[str]:
    """How often which event was told of an order and what hangs on it."""
    await log.stamp(connection, 10_000)
    rows = await connection.fetch("SELECT type FROM events WHERE order_id = $1", shop.key(order["id"]))
    return Counter(row["type"] for row in rows)


# -- called off --------------------------------------------------------------------------------------------------------


async def test_money_of_what_is_called_off_goes_back_once_whoever_looks(
    shop: Shop, world: World, connection: asyncpg.Connection, database_url: str
) -> None:
    sku = await shop.variant("20.00", SAO1=3)
    order = await shop.captured(await shop.confirm(await shop.place((sku, 3), token="tok_visa")))
    await counted(shop, sku, 1)

    await over(shop, world, connection, "CANCEL", order)

    after, told = await shop.order(order["id"]), await events_of(shop, connection, order)
    assert after["lines"][0]["quantities"] == quantities(3, canceled=2, allocated=1)
    assert paid_back(after) == ["40.00"]
    assert (told["ORDER_LINES_CANCELED"], told["PAYMENT_REFUNDED"], told["ORDER_CANCELED"]) == (1, 1, 0)
    assert after["balance"] == money("0.00")
    assert await shop.stock(sku) == {"SAO1": {"onHand": 1, "allocated": 1}}
    assert await sound(database_url)


async def test_an_order_of_which_nothing_is_left_is_canceled_and_what_was_only_promised_is_let_go(
    shop: Shop, world: World, connection: asyncpg.Connection
) -> None:
    sku = await shop.variant("20.00", SAO1=2)
    order = await waiting(shop, sku, 2, token="tok_visa")

    await over(shop, world, connection, "CANCEL", order)

    after, told = await shop.order(order["id"]), await events_of(shop, connection, order)
    assert after["status"] == "CANCELED"
    assert [kind for kind, status, _ in entries(after) if status == "SUCCEEDED"] == ["AUTHORIZATION", "VOID"]
    assert (told["ORDER_CANCELED"], told["PAYMENT_VOIDED"], told["ORDER_LINES_CANCELED"]) == (1, 1, 0)


async def test_units_that_wait_for_supply_are_not_called_off_with_those_that_nobody_has(
    shop: Shop, world: World, connection: asyncpg.Connection
) -> None:
    sku = await shop.variant(SAO1=2)
    backorder = {"policy": "BACKORDER"}
    await shop.do(OPERATIONS, "variantsSet", variants=[{"sku": sku, "name": sku, "backorder": backorder}])
    order = await shop.confirm(await shop.place((sku, 5)))
    await counted(shop, sku, 1)

    await over(shop, world, connection, "CANCEL", order)

    assert (await shop.order(order["id"]))["lines"][0]["quantities"] == quantities(
        5, allocated=1, backordered=3, canceled=1
    )


async def test_a_kit_of_which_a_component_is_nowhere_is_called_off_whole_and_paid_back_once(
    shop: Shop, world: World, connection: asyncpg.Connection, database_url: str
) -> None:
    shirt, sock = await shop.variant(SAO1=3), await shop.variant(SAO1=6)
    outfit = await kit(shop, (shirt, 1), (sock, 2), price="30.00")
    order = await shop.captured(await shop.confirm(await shop.place((outfit, 3), token="tok_visa")))
    await counted(shop, sock, 3)

    await over(shop, world, connection, "CANCEL", order)

    (line,) = await lines(shop, order)
    assert units(line) == {"allocated": 1, "canceled": 2}
    assert {part["sku"]: units(part) for part in line["components"]} == {
        shirt: {"allocated": 1, "canceled": 2}, sock: {"allocated": 2, "canceled": 4}
    }  # fmt: skip
    after = await shop.order(order["id"])
    assert paid_back(after) == ["60.00"]
    assert await shop.stock(shirt) == {"SAO1": {"onHand": 3, "available": 2, "allocated": 1}}
    assert await shop.stock(sock) == {"SAO1": {"onHand": 3, "available": 1, "allocated": 2}}
    assert await sound(database_url)


async def test_a_component_that_lies_on_the_packing_table_is_put_back_with_its_kit(
    shop: Shop, world: World, connection: asyncpg.Connection, database_url: str
) -> None:
    shirt, sock = await shop.variant(SAO1=1), await shop.variant(SAO1=1)
    outfit = await kit(shop, (shirt, 1), (sock, 1))
    order = await shop.accept(await shop.confirm(await shop.place((outfit, 1))))
    (work,) = order["fulfillmentOrders"]
    line = {each["sku"]: each["id"] for each in work["lines"]}
    found = [
        {"fulfillmentOrderLineId": line[shirt], "picked": 1},
        {"fulfillmentOrderLineId": line[sock], "short": 1, "shortReason": "NOT_FOUND"},
    ]
    await shop.do(OPERATIONS, "fulfillmentOrderPick", id=work["id"], lines=found)

    await over(shop, world, connection, "CANCEL", order)

    assert (await shop.order(order["id"]))["status"] == "CANCELED"
    assert await shop.stock(shirt) == {"SAO1": {"onHand": 1, "qualityControl": 1}}
    assert await sound(database_url)


async def test_what_has_left_in_part_goes_on_waiting(
    shop: Shop, world: World, connection: asyncpg.Connection, database_url: str
) -> None:
    """A kit of which a part has left is not called off: it waits, and a person finds it in the queue."""
    shirt, sock = await shop.variant(SAO1=1), await shop.variant(CWB1=1)
    outfit = await kit(shop, (shirt, 1), (sock, 1))
    order = await shop.confirm(await shop.place((outfit, 1)))
    far = next(each for each in order["fulfillmentOrders"] if each["location"]["code"] == "CWB1")
    await shop.do(OPERATIONS, "fulfillmentOrderReject", id=far["id"], reason="NOT_FOUND")
    await shop.ship(await shop.pack(await shop.pick(await shop.accept(await shop.order(order["id"])))))

    await over(shop, world, connection, "CANCEL", order)

    (line,) = await lines(shop, order)
    assert units(line) == {"open": 1}
    queue = "query ($id: ID!) { order(id: $id) { unroutedAt } }"
    assert (await shop.ask(OPERATIONS, queue, id=order["id"]))["order"]["unroutedAt"] is not None
    await shop.count(sock, "SAO1", 1)
    await due(connection, shop, order)
    await do(route_unrouted(world))
    assert located(await shop.order(order["id"]))[0] == ("SAO1", "OPEN", [1])
    assert await sound(database_url)


async def test_staff_who_are_quicker_than_the_clock_pay_back_once(
    shop: Shop, world: World, connection: asyncpg.Connection
) -> None:
    sku = await shop.variant("20.00", SAO1=2)
    order = await shop.captured(await waiting(shop, sku, 2, token="tok_visa"))
    await policy(shop, "CANCEL", 1)
    await due(connection, shop, order, hours=2)

    refund = {"destination": "ORIGINAL_PAYMENT"}
    await asyncio.gather(
        do(route_unrouted(world)),
        shop.send(OPERATIONS, "orderCancel", id=order["id"], reason="OTHER", refund=refund),
        do(route_unrouted(world)),
    )

    after = await shop.order(order["id"])
    assert after["status"] == "CANCELED"
    assert paid_back(after) == ["40.00"]


# -- backordered -------------------------------------------------------------------------------------------------------


async def test_what_is_backordered_after_its_time_is_told_once_and_served_before_later_orders(
    shop: Shop, world: World, connection: asyncpg.Connection, database_url: str
) -> None:
    sku = await shop.variant("20.00", SAO1=2)
    order = await shop.captured(await waiting(shop, sku, 2, token="tok_visa"))

    await over(shop, world, connection, "BACKORDER", order)
    told = await events_of(shop, connection, order)
    await shop.count(sku, "CWB1", 2)

    after = await shop.order(order["id"])
    assert told["ORDER_BACKORDERED"] == 1
    assert paid_back(after) == []
    assert located(after) == [("CWB1", "OPEN", [2])]
    assert await shop.stock(sku) == {"SAO1": {}, "CWB1": {"onHand": 2, "allocated": 2}}
    assert await sound(database_url)


async def test_beyond_a_variants_limit_units_go_on_waiting_in_the_queue(
    shop: Shop, world: World, connection: asyncpg.Connection
) -> None:
    sku = await shop.variant(SAO1=3)
    backorder = {"policy": "BACKORDER", "limit": 2}
    await shop.do(OPERATIONS, "variantsSet", variants=[{"sku": sku, "name": sku, "backorder": backorder}])
    order = await waiting(shop, sku, 3)

    await over(shop, world, connection, "BACKORDER", order)

    after = await shop.order(order["id"])
    assert after["lines"][0]["quantities"] == quantities(3, open=3)
    assert (await events_of(shop, connection, order))["ORDER_BACKORDERED"] == 0
    await shop.count(sku, "CWB1", 3)
    await due(connection, shop, order)
    await do(route_unrouted(world))
    assert located(await shop.order(order["id"])) == [("CWB1", "OPEN", [3])]


async def test_a_kit_on_backorder_is_filled_by_the_component_that_was_missing(
    shop: Shop, world: World, connection: asyncpg.Connection, database_url: str
) -> None:
    shirt, sock = await shop.variant(SAO1=1), await shop.variant(SAO1=2)
    outfit = await kit(shop, (shirt, 1), (sock, 2))
    order = await shop.confirm(await shop.place((outfit, 1)))
    await counted(shop, sock, 1)

    await over(shop, world, connection, "BACKORDER", order)
    (waits,) = await lines(shop, order)
    await shop.count(sock, "SAO1", 2)

    (line,) = await lines(shop, order)
    assert units(waits) == {"backordered": 1}
    assert units(line) == {"allocated": 1}
    assert await sound(database_url)


# -- waves over all of it ----------------------------------------------------------------------------------------------


async def test_a_wave_moves_what_a_kit_and_a_backorder_have_and_leaves_what_waits(
    shop: Shop, world: World, connection: asyncpg.Connection, database_url: str
) -> None:
    shirt, sock, cap = await shop.variant(RIO1=2), await shop.variant(RIO1=4), await shop.variant(RIO1=1)
    outfit = await kit(shop, (shirt, 1), (sock, 2))
    backorder = {"policy": "BACKORDER"}
    await shop.do(OPERATIONS, "variantsSet", variants=[{"sku": cap, "name": cap, "backorder": backorder}])
    mixed = await shop.confirm(await shop.place((outfit, 2), (cap, 3)))
    short = await opened(shop, one := await shop.variant(RIO1=2), 2)
    await counted(shop, one, 1, code="RIO1")
    before = [await lines(shop, order) for order in (mixed, short)]
    for sku, many in ((shirt, 2), (sock, 4), (one, 1)):
        await shop.count(sku, "SAO1", many)
    rates = [{"service": "STANDARD", "base": "5.00", "perKgPer1000Km": "100.00"}]
    await shop.do(OPERATIONS, "carrierRatesSet", carrier="post", currency="BRL", rates=rates)

    for _ in range(2):
        await wave(world, shop.key(shop.channels["web"]), 10)

    after = [await lines(shop, order) for order in (mixed, short)]
    assert [units(line) for line in after[0] + after[1]] == [units(line) for line in before[0] + before[1]]
    assert located(await shop.order(mixed["id"])) == [("RIO1", "OPEN", [1]), ("SAO1", "OPEN", [2, 4])]
    assert located(await shop.order(short["id"])) == [("SAO1", "OPEN", [1])]
    assert await sound(database_url)
    await shop.count(cap, "SAO1", 2)
    work = only(await shop.order(short["id"]), "OPEN")
    await shop.do(OPERATIONS, "fulfillmentOrderReject", id=work["id"], reason="CLOSED")
    assert await sound(database_url)
