"""A store has not got what a customer was to fetch there: nobody posts it to them, a person decides, and they are told."""

from collections.abc import AsyncIterator

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
from tests.api.shop import AGENT, OPERATIONS, Answer, Shop, entries, quantities
from tests.api.test_exceptions import do
from tests.api.test_lifecycle import impossible
from tests.api.test_options import offered
from tests.api.test_rerouting import counted, only
from tests.api.test_unrouted import due, policy, retry_at

WORK = "{ kind status service location { code } lines { sku quantity short } }"
ORDER = f"""query ($id: ID!) {{ order(id: $id) {{
  status unroutedAt fulfillmentOrders {WORK} pickups {{ status location {{ name }} }}
  routing(last: 1) {{ strategy unfilled {{ sku quantity reason retryAt }} }}
}} }}"""


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


@pytest.fixture(scope="module", autouse=True)
async def second_store(shop: Shop) -> None:
    """Another store, and carriers that take nothing from the first: who fetches goods asks no carrier."""
    place = {"name": "Niterói", "kind": "STORE", "latitude": -22.8, "longitude": -43.1, "channels": ["web"]}
    made = await shop.do(OPERATIONS, "locationSet", "location { id }", code="NIT1", **place)
    shop.places["NIT1"] = made["location"]["id"]
    rates = [{"service": "PAC", "base": "10.00", "locationCodes": ["SAO1", "CWB1", "NIT1"]}]
    await shop.do(OPERATIONS, "carrierRatesSet", carrier="post", currency="BRL", rates=rates)


async def fetched(shop: Shop, *lines: tuple[str, int], token: str | None = None) -> Answer:
    """A confirmed order that is to be fetched at RIO1."""
    found = [each for each in await offered(shop, *lines) if each["kind"] == "PICKUP"]
    (option,) = [each for each in found if each["parcels"][0]["location"]["name"] == "RIO1"]
    order = await shop.place(*lines, viewer=shop.shopper(), token=token, fulfillmentOptionId=option["id"])
    return await shop.confirm(order)


async def declined(shop: Shop, *lines: tuple[str, int], reason: str = "NOT_FOUND", token: str | None = None) -> Answer:
    """An order that RIO1 declined."""
    order = await fetched(shop, *lines, token=token)
    await shop.do(shop.store("RIO1"), "fulfillmentOrderReject", id=order["fulfillmentOrders"][0]["id"], reason=reason)
    return await shop.order(order["id"])


async def works(shop: Shop, order: Answer) -> list[tuple[str, str, str, list[int]]]:
    """Work that is to be done: how the goods reach the customer, where, how far it is, units."""
    found = (await shop.ask(OPERATIONS, ORDER, id=order["id"]))["order"]["fulfillmentOrders"]
    return sorted(
        (each["kind"], each["location"]["code"], each["status"], [line["quantity"] for line in each["lines"]])
        for each in found
        if each["status"] not in ("REJECTED", "CANCELED")
    )


async def waits(shop: Shop, order: Answer) -> list[tuple[str, int, str]]:
    """What the last decision left unfilled, and why."""
    found = (await shop.ask(OPERATIONS, ORDER, id=order["id"]))["order"]["routing"][0]["unfilled"]
    return [(gap["sku"], gap["quantity"], gap["reason"]) for gap in found]


async def told(connection: asyncpg.Connection, shop: Shop, order: Answer) -> list[int]:
    """Units of an order of which its customer is told that they cannot be fetched."""
    rows = await connection.fetch(
        "SELECT (data->>'units')::int AS units FROM events WHERE order_id = $1 AND type = 'PICKUP_DECLINED' ORDER BY id",
        shop.key(order["id"]),
    )
    return [row["units"] for row in rows]


# -- a store says no ---------------------------------------------------------------------------------------------------


async def test_what_a_store_declines_waits_for_a_person_though_others_could_post_it(
    shop: Shop, connection: asyncpg.Connection
) -> None:
    sku = await shop.variant(RIO1=2, SAO1=9, NIT1=9)
    order = await fetched(shop, (sku, 2))
    (work,) = order["fulfillmentOrders"]

    done = await shop.do(
        shop.store("RIO1"), "fulfillmentOrderReject", "rerouted { id }", id=work["id"], reason="NOT_FOUND"
    )

    after = await shop.order(order["id"])
    assert done["rerouted"] == []
    assert after["lines"][0]["quantities"] == quantities(2, open=2)
    assert await works(shop, order) == []
    assert await waits(shop, order) == [(sku, 2, "PICKUP_DECLINED")]
    assert await told(connection, shop, order) == [2]
    assert (await retry_at(connection, shop, order))[1] == pytest.approx(5, abs=1)
    queue = "{ orders(first: 50, filter: { unrouted: true }) { nodes { id } } }"
    assert {"id": order["id"]} in (await shop.ask(AGENT, queue))["orders"]["nodes"]
    assert (await shop.stock(sku))["SAO1"] == {"onHand": 9, "available": 9}


async def test_what_a_store_does_not_find_while_picking_waits_and_the_rest_is_fetched(
    shop: Shop, connection: asyncpg.Connection
) -> None:
    sku = await shop.variant(RIO1=5, SAO1=9)
    order = await shop.accept(await fetched(shop, (sku, 3)))
    (work,) = order["fulfillmentOrders"]
    found = {"fulfillmentOrderLineId": work["lines"][0]["id"], "picked": 1, "short": 2, "shortReason": "NOT_FOUND"}

    await shop.do(shop.store("RIO1"), "fulfillmentOrderPick", id=work["id"], lines=[found])

    assert (await shop.order(order["id"]))["lines"][0]["quantities"] == quantities(3, picked=1, open=2)
    assert await works(shop, order) == [("PICKUP", "RIO1", "PICKING", [3])]
    assert await waits(shop, order) == [(sku, 2, "PICKUP_DECLINED")]
    assert await told(connection, shop, order) == [2]


async def test_what_a_count_takes_from_a_pickup_waits(shop: Shop, connection: asyncpg.Connection) -> None:
    sku = await shop.variant(RIO1=3, SAO1=9)
    order = await fetched(shop, (sku, 3))

    done = await counted(shop, sku, 1, code="RIO1")

    assert [(each["quantity"], each["reroutedTo"]) for each in done["shortfalls"]] == [(2, None)]
    assert await works(shop, order) == [("PICKUP", "RIO1", "OPEN", [3])]
    assert await waits(shop, order) == [(sku, 2, "PICKUP_DECLINED")]
    assert await told(connection, shop, order) == [2]


async def test_a_line_of_which_some_was_to_be_brought_is_brought_still(shop: Shop) -> None:
    sku = await shop.variant(SAO1=2, CWB1=2)
    order = await shop.confirm(await shop.place((sku, 2)))
    await shop.do(OPERATIONS, "fulfillmentOrderReject", id=order["fulfillmentOrders"][0]["id"], reason="NOT_FOUND")
    assert await works(shop, order) == [("DELIVERY", "CWB1", "OPEN", [2])]


# -- it comes back -----------------------------------------------------------------------------------------------------


async def supplied(shop: Shop, world: World, connection: asyncpg.Connection, sku: str) -> None:
    """Let the log be read, and give what arrived to those who wait."""
    supply = noticing_supply(Crew(world.database, []))
    await log.stamp(connection, 10_000)
    while await relays.step(supply, world.database):
        pass
    variant = await connection.fetchval("SELECT id FROM variants WHERE sku = $1", sku)
    jobs = await connection.fetch("DELETE FROM jobs WHERE kind = $1 RETURNING payload", unrouted.SUPPLIED)
    assert any(str(variant) in row["payload"] for row in jobs)
    await do(route_what_waited(world), variant=str(variant))


@pytest.fixture
async def listening(world: World) -> None:
    """From now on the log is read."""
    async with world.database.writes.acquire() as writer:
        await positions.begin(writer, noticing_supply(Crew(world.database, [])).name)


@pytest.mark.usefixtures("listening")
@pytest.mark.parametrize("reason", ["NOT_FOUND", "CLOSED"])
async def test_what_arrives_at_the_store_is_fetched_there_and_what_arrives_elsewhere_is_not(
    shop: Shop, world: World, connection: asyncpg.Connection, reason: str
) -> None:
    sku = await shop.variant(RIO1=2)
    order = await declined(shop, (sku, 2), reason=reason)
    before = await shop.stock(sku)

    await shop.count(sku, "SAO1", 9)
    await supplied(shop, world, connection, sku)
    elsewhere = await works(shop, order)
    await shop.count(sku, "RIO1", before["RIO1"].get("onHand", 0) + 2)
    await supplied(shop, world, connection, sku)

    assert elsewhere == []
    assert await works(shop, order) == [("PICKUP", "RIO1", "OPEN", [2])]
    assert await retry_at(connection, shop, order) == (0, None)
    assert await told(connection, shop, order) == [2]


@pytest.mark.usefixtures("listening")
async def test_units_that_the_store_would_not_hand_out_are_no_arrival(
    shop: Shop, world: World, connection: asyncpg.Connection
) -> None:
    sku = await shop.variant(RIO1=5)
    order = await declined(shop, (sku, 2), reason="CLOSED")
    assert (await shop.stock(sku))["RIO1"] == {"onHand": 5, "available": 5}

    await supplied(shop, world, connection, sku)
    await due(connection, shop, order)
    await do(route_unrouted(world))
    await shop.do(AGENT, "orderRoute", id=order["id"])

    assert await works(shop, order) == []
    assert await waits(shop, order) == [(sku, 2, "PICKUP_DECLINED")]


async def test_units_short_while_picking_are_not_looked_for_again_until_some_arrive(
    shop: Shop, world: World, connection: asyncpg.Connection
) -> None:
    one, other = await shop.variant(RIO1=5), await shop.variant(RIO1=5)
    order = await shop.accept(await fetched(shop, (one, 2), (other, 1)))
    (work,) = order["fulfillmentOrders"]
    for sku in (one, other):  # the second must not bring the first back
        (line,) = [each for each in work["lines"] if each["sku"] == sku]
        found = {"fulfillmentOrderLineId": line["id"], "short": line["quantity"], "shortReason": "OTHER"}
        await shop.do(OPERATIONS, "fulfillmentOrderPick", id=work["id"], lines=[found])
    await due(connection, shop, order)
    await do(route_unrouted(world))
    nowhere = await works(shop, order)

    await shop.count(one, "RIO1", 6)
    await due(connection, shop, order)
    await do(route_unrouted(world))

    assert nowhere == []
    assert await works(shop, order) == [("PICKUP", "RIO1", "OPEN", [2])]
    assert await waits(shop, order) == [(other, 1, "PICKUP_DECLINED")]


async def test_lines_declined_one_after_the_other_all_wait(shop: Shop) -> None:
    one, other = await shop.variant(RIO1=5), await shop.variant(RIO1=5)
    order = await fetched(shop, (one, 2), (other, 1))
    for sku in (one, other):
        work = only(await shop.order(order["id"]), "OPEN")
        (line,) = [each["id"] for each in work["lines"] if each["sku"] == sku]
        lines = [{"fulfillmentOrderLineId": line, "reason": "OTHER"}]
        await shop.do(OPERATIONS, "fulfillmentOrderReject", id=work["id"], lines=lines)
    assert await works(shop, order) == []
    assert await waits(shop, order) == [(one, 2, "PICKUP_DECLINED"), (other, 1, "PICKUP_DECLINED")]


async def test_a_day_later_the_store_is_asked_again(shop: Shop, world: World, connection: asyncpg.Connection) -> None:
    sku = await shop.variant(RIO1=2)
    order = await declined(shop, (sku, 2), reason="CLOSED")
    key = shop.key(order["id"])
    yesterday = "closed_at = closed_at - interval '25 hours'"
    await connection.execute(f"UPDATE fulfillment_orders SET {yesterday} WHERE order_id = $1", key)
    await connection.execute(
        "UPDATE stock_movements SET recorded_at = recorded_at - interval '25 hours' WHERE variant_id = "
        "(SELECT id FROM variants WHERE sku = $1)", sku,
    )  # fmt: skip
    await due(connection, shop, order)
    await do(route_unrouted(world))
    assert await works(shop, order) == [("PICKUP", "RIO1", "OPEN", [2])]


# -- what is agreed with the customer ----------------------------------------------------------------------------------


async def test_a_clerk_has_it_brought_instead(shop: Shop) -> None:
    sku = await shop.variant(RIO1=2, SAO1=9)
    order = await declined(shop, (sku, 2))

    await shop.do(AGENT, "orderRoute", id=order["id"], kind="DELIVERY")

    assert await works(shop, order) == [("DELIVERY", "SAO1", "OPEN", [2])]
    assert (await shop.order(order["id"]))["total"] == order["total"]
    again = await shop.order(order["id"])
    work = only(again, "OPEN")
    await shop.count(sku, "CWB1", 9)
    await shop.do(OPERATIONS, "fulfillmentOrderReject", id=work["id"], reason="CLOSED")
    assert await works(shop, order) == [("DELIVERY", "CWB1", "OPEN", [2])]


async def test_what_is_to_be_brought_and_is_nowhere_waits_for_anywhere(
    shop: Shop, world: World, connection: asyncpg.Connection
) -> None:
    sku = await shop.variant(RIO1=2)
    order = await declined(shop, (sku, 2))
    await shop.do(AGENT, "orderRoute", id=order["id"], kind="DELIVERY")
    assert await waits(shop, order) == [(sku, 2, "NO_STOCK")]
    await shop.count(sku, "SAO1", 2)
    await due(connection, shop, order)
    await do(route_unrouted(world))
    assert await works(shop, order) == [("DELIVERY", "SAO1", "OPEN", [2])]


async def test_a_clerk_has_it_fetched_at_another_store(shop: Shop) -> None:
    sku = await shop.variant(RIO1=2, NIT1=2, SAO1=9)
    order = await declined(shop, (sku, 2))

    await shop.do(AGENT, "orderRoute", id=order["id"], kind="PICKUP", locationId=shop.places["NIT1"])

    assert await works(shop, order) == [("PICKUP", "NIT1", "OPEN", [2])]
    work = only(await shop.order(order["id"]), "OPEN")
    await shop.do(shop.store("NIT1"), "fulfillmentOrderReject", id=work["id"], reason="NOT_FOUND")
    assert await waits(shop, order) == [(sku, 2, "PICKUP_DECLINED")]


async def test_a_clerk_who_spoke_with_the_store_has_it_fetched_there_after_all(shop: Shop) -> None:
    sku = await shop.variant(RIO1=2)
    order = await declined(shop, (sku, 2), reason="OTHER")
    await shop.do(AGENT, "orderRoute", id=order["id"], kind="PICKUP", locationId=shop.places["RIO1"])
    assert await works(shop, order) == [("PICKUP", "RIO1", "OPEN", [2])]


async def test_what_cannot_be_agreed_is_refused_and_changes_nothing(shop: Shop) -> None:
    sku = await shop.variant(RIO1=2, NIT1=1, SAO1=9)
    order = await declined(shop, (sku, 2))

    async def refusal(**given: str) -> tuple[str, list[str]]:
        found = await shop.refused(AGENT, "orderRoute", **{"id": order["id"], **given})
        return found["code"], found["field"]

    there = ["locationId"]
    assert await refusal(kind="PICKUP") == ("INVALID_INPUT", there)
    assert await refusal(kind="PICKUP", locationId=shop.places["NIT1"]) == ("INSUFFICIENT_STOCK", there)
    assert await refusal(kind="PICKUP", locationId=shop.places["SAO1"]) == ("INVALID_INPUT", there)
    assert await refusal(kind="DELIVERY", locationId=shop.places["SAO1"]) == ("INVALID_INPUT", there)
    assert await refusal(locationId=shop.places["SAO1"]) == ("INVALID_INPUT", there)
    whole = await shop.place((await shop.variant(SAO1=1), 1))
    assert await refusal(id=whole["id"], kind="DELIVERY") == ("INVALID_INPUT", ["kind"])
    assert await shop.order(order["id"]) == order


@pytest.mark.parametrize(("kind", "code", "after"), [
    ("PICKUP", "NIT1", ("PICKUP", "NIT1", "OPEN", [2])),
    ("DELIVERY", "SAO1", ("DELIVERY", "SAO1", "OPEN", [2])),
    ("DELIVERY", "RIO1", ("DELIVERY", "RIO1", "OPEN", [2])),
])  # fmt: skip
async def test_a_pickup_moves_only_as_was_agreed_with_its_customer(
    shop: Shop, kind: str, code: str, after: tuple[str, str, str, list[int]]
) -> None:
    sku = await shop.variant(RIO1=2, NIT1=2, SAO1=9)
    order = await fetched(shop, (sku, 2))
    given = {"id": order["fulfillmentOrders"][0]["id"], "locationId": shop.places[code]}
    if code != "RIO1":
        refusal = await shop.refused(OPERATIONS, "fulfillmentOrderMove", **given)
        assert (refusal["code"], refusal["field"]) == ("INVALID_INPUT", ["kind"])

    await shop.do(OPERATIONS, "fulfillmentOrderMove", **given, kind=kind)

    assert await works(shop, order) == [after]


async def test_a_delivery_becomes_a_pickup_where_its_customer_asks_for_it(shop: Shop) -> None:
    sku = await shop.variant(SAO1=2, NIT1=2)
    order = await shop.confirm(await shop.place((sku, 2)))
    given = {"id": order["fulfillmentOrders"][0]["id"], "kind": "PICKUP"}
    refusal = await shop.refused(OPERATIONS, "fulfillmentOrderMove", **given, locationId=shop.places["SAO1"])
    assert (refusal["code"], refusal["field"]) == ("INVALID_INPUT", ["locationId"])
    await shop.do(OPERATIONS, "fulfillmentOrderMove", **given, locationId=shop.places["NIT1"])
    assert await works(shop, order) == [("PICKUP", "NIT1", "OPEN", [2])]


async def test_a_clerk_calls_it_off_and_it_is_paid_back_once(shop: Shop) -> None:
    sku = await shop.variant("20.00", RIO1=2, SAO1=9)
    order = await shop.captured(await declined(shop, (sku, 2), token="tok_visa"))
    given = {"reason": "OUT_OF_STOCK", "refund": {"destination": "ORIGINAL_PAYMENT"}}
    await shop.do(AGENT, "orderCancel", id=order["id"], expectedVersion=order["version"], **given)
    after = await shop.order(order["id"])
    assert after["status"] == "CANCELED"
    assert entries(after).count(("REFUND", "SUCCEEDED", "40.00")) == 1


async def test_picked_goods_are_not_fetched_elsewhere(shop: Shop) -> None:
    sku = await shop.variant(RIO1=2, NIT1=2)
    order = await shop.pick(await shop.accept(await fetched(shop, (sku, 2))))
    given = {"id": order["fulfillmentOrders"][0]["id"], "locationId": shop.places["NIT1"], "kind": "PICKUP"}
    assert await shop.refused(OPERATIONS, "fulfillmentOrderMove", **given) == impossible(
        "PICKING", "MOVE", "PICK", "PACK", "CANCEL"
    )


# -- policies, waves, kits ---------------------------------------------------------------------------------------------


async def test_the_channels_policy_is_for_pickups_too(shop: Shop, world: World, connection: asyncpg.Connection) -> None:
    sku = await shop.variant("20.00", RIO1=2, SAO1=9)
    order = await declined(shop, (sku, 2))
    await policy(shop, "CANCEL", 1)
    await due(connection, shop, order, hours=2)
    await do(route_unrouted(world))
    assert (await shop.order(order["id"]))["lines"][0]["quantities"] == quantities(2, canceled=2)


async def test_a_pickup_on_backorder_is_filled_by_its_store_alone(
    shop: Shop, world: World, connection: asyncpg.Connection
) -> None:
    sku = await shop.variant(RIO1=2)
    order = await declined(shop, (sku, 2))
    await policy(shop, "BACKORDER", 1)
    await due(connection, shop, order, hours=2)
    await do(route_unrouted(world))
    waiting = (await shop.order(order["id"]))["lines"][0]["quantities"]
    await connection.execute(
        "UPDATE fulfillment_orders SET closed_at = closed_at - interval '3 days' WHERE order_id = $1",
        shop.key(order["id"]),
    )
    await shop.count(sku, "SAO1", 9)
    elsewhere = await works(shop, order)
    await shop.count(sku, "RIO1", 2)
    assert waiting == quantities(2, backordered=2)
    assert elsewhere == []
    assert await works(shop, order) == [("PICKUP", "RIO1", "OPEN", [2])]


async def test_a_kit_is_declined_by_its_components(shop: Shop, connection: asyncpg.Connection) -> None:
    shirt, shoe = await shop.variant(RIO1=2, SAO1=9), await shop.variant(RIO1=1, SAO1=9)
    kit = shop.new("KIT")
    parts = [{"sku": shirt, "quantity": 2}, {"sku": shoe, "quantity": 1}]
    price = [{"channel": "web", "price": {"amount": "90.00", "currency": "BRL"}}]
    await shop.do(OPERATIONS, "variantsSet",
                  variants=[{"sku": kit, "name": "Kit", "prices": price, "components": parts}])  # fmt: skip
    order = await declined(shop, (kit, 1), reason="CLOSED")
    assert sorted(await waits(shop, order)) == sorted([(shirt, 2, "PICKUP_DECLINED"), (shoe, 1, "PICKUP_DECLINED")])
    assert await told(connection, shop, order) == [3]
    await shop.do(AGENT, "orderRoute", id=order["id"], kind="DELIVERY")
    assert await works(shop, order) == [("DELIVERY", "SAO1", "OPEN", [2, 1])]
