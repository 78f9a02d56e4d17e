"""What was built apart, used together: kits, carts, quotes, backorders, counts, transfers and a day's capacity.

When the module is done, its database is verified.
"""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from tests.api.shop import OPERATIONS, Answer, Shop, quantities
from tests.api.test_backorders import FILLED, variant, waiting
from tests.api.test_kits import kit, lines, units
from tests.api.test_options import PAC, SEDEX, bought, labelled, offered, priced, refused
from tests.api.test_reservations import held, reserve
from tests.api.test_supply import FAR, move

CANCEL = {"reason": "CUSTOMER_REQUEST"}


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


async def found(shop: Shop, sku: str, many: int, code: str = "SAO1") -> list[Answer]:
    """So many are on a shelf; gives who was served."""
    given = {"locationId": shop.places[code], "reason": "FOUND", "lines": [{"sku": sku, "setOnHand": many}]}
    return (await shop.do(OPERATIONS, "stockAdjust", FILLED, **given))["backordersFilled"]  # type: ignore[no-any-return]


async def waiting_kit(shop: Shop) -> tuple[str, str, str]:
    """A kit of one shirt that is there and two socks that may wait."""
    shirt, sock = await shop.variant(SAO1=10), await variant(shop, policy="BACKORDER")
    return await kit(shop, (shirt, 1), (sock, 2)), shirt, sock


# -- kits ----------------------------------------------------------------------------------------------------------


async def test_a_kit_waits_for_the_component_that_may_wait_and_is_filled(shop: Shop) -> None:
    outfit, _, sock = await waiting_kit(shop)
    order = await shop.place((outfit, 2))
    (line,) = await lines(shop, order)
    assert units(line) == {"backordered": 2}
    served = await found(shop, sock, 3)
    assert [each["quantity"] for each in served] == [3]
    (line,) = await lines(shop, order)
    assert units(line) == {"allocated": 1, "backordered": 1}
    await found(shop, sock, 4)
    (line,) = await lines(shop, order)
    assert units(line) == {"allocated": 2}
    order = await shop.advance(await shop.order(order["id"]), "deliver")
    assert order["status"] == "COMPLETED"


async def test_a_kit_that_waits_is_called_off_whole(shop: Shop) -> None:
    outfit, shirt, sock = await waiting_kit(shop)
    order = await shop.place((outfit, 3))
    (line,) = await lines(shop, order)
    one = [{"orderLineId": line["id"], "quantity": 1}]
    await shop.do(OPERATIONS, "orderCancel", id=order["id"], lines=one, **CANCEL)
    (line,) = await lines(shop, order)
    assert units(line) == {"backordered": 2, "canceled": 1}
    assert await shop.stock(shirt) == {"SAO1": {"onHand": 10, "available": 8, "allocated": 2}}
    assert [each["quantity"] for each in await found(shop, sock, 10)] == [4]
    await shop.do(OPERATIONS, "orderCancel", id=order["id"], **CANCEL)
    assert await shop.stock(shirt) == {"SAO1": {"onHand": 10, "available": 10}}
    assert await shop.stock(sock) == {"SAO1": {"onHand": 10, "available": 10}}


async def test_a_kits_component_is_declined_moved_and_counted_short(shop: Shop) -> None:
    shirt, sock = await shop.variant(SAO1=5, CWB1=5), await shop.variant(SAO1=5, CWB1=5)
    outfit = await kit(shop, (shirt, 1), (sock, 2))
    order = await shop.confirm(await shop.place((outfit, 2)))
    (work,) = order["fulfillmentOrders"]
    socks = next(part for part in work["lines"] if part["sku"] == sock)
    await shop.do(
        OPERATIONS,
        "fulfillmentOrderReject",
        id=work["id"],
        lines=[{"fulfillmentOrderLineId": socks["id"], "reason": "NOT_FOUND", "countedOnHand": 0}],
    )
    (line,) = await lines(shop, order)
    assert units(line) == {"allocated": 2}
    order = await shop.order(order["id"])
    for each in [w for w in order["fulfillmentOrders"] if w["status"] == "OPEN" and w["location"]["code"] == "SAO1"]:
        await shop.do(OPERATIONS, "fulfillmentOrderMove", id=each["id"], locationId=shop.places["CWB1"])
    (line,) = await lines(shop, order)
    assert units(line) == {"allocated": 2}
    order = await shop.order(order["id"])
    for step in (shop.accept, shop.pick, shop.pack, shop.ship, shop.deliver):
        order = await step(order)
    assert order["status"] == "COMPLETED"


async def test_a_cart_of_kits_is_bought_by_its_quote(shop: Shop) -> None:
    await set_up(shop)
    shirt, sock = await shop.variant(SAO1=2), await shop.variant(SAO1=4)
    outfit = await kit(shop, (shirt, 1), (sock, 2))
    cart = await reserve(shop, (outfit, 2))
    assert held(cart) == {(shirt, 2, "SAO1"), (sock, 4, "SAO1")}
    cheap = labelled(await offered(shop, (outfit, 2), reservationId=cart["id"]), "CHEAPEST")
    order = await bought(shop, cheap, (outfit, 2), reservationId=cart["id"])
    assert [w["location"]["code"] for w in order["fulfillmentOrders"]] == ["SAO1"]
    assert await shop.stock(shirt) == {"SAO1": {"onHand": 2, "allocated": 2}}


async def test_a_kit_comes_back_whole_and_its_components_serve_who_waits(shop: Shop) -> None:
    shirt, sock = await variant(shop, policy="BACKORDER"), await shop.variant(SAO1=2)
    await found(shop, shirt, 1)
    outfit = await kit(shop, (shirt, 1), (sock, 2))
    order = await shop.advance(await shop.place((outfit, 1), token="tok_visa"), "deliver")
    later = await shop.place((shirt, 1))
    assert await waiting(shop, later) == 1
    (line,) = await lines(shop, order)
    back = [
        {
            "orderLineId": line["id"],
            "quantity": 1,
            "reason": "DEFECTIVE",
            "condition": "UNOPENED",
            "disposition": "RESTOCK",
        }
    ]
    await shop.do(
        OPERATIONS, "returnCreate", method="IN_STORE", locationId=shop.places["SAO1"], receiveNow=True, lines=back
    )
    assert await waiting(shop, later) == 0
    assert (await shop.stock(sock))["SAO1"] == {"onHand": 2, "available": 2}


async def test_past_kits_are_simulated(shop: Shop) -> None:
    shirt, sock = await shop.variant(SAO1=20, CWB1=20), await shop.variant(SAO1=20, CWB1=20)
    outfit = await kit(shop, (shirt, 1), (sock, 2))
    await shop.place((outfit, 2))
    given = {
        "orders": {"placedFrom": "2018-01-01T00:00:00Z", "placedTo": "2040-01-01T00:00:00Z"},
        "ruleset": {"name": "x", "channel": "web"},
    }
    asked = "query ($input: RoutingSimulationInput!) { routingSimulation(input: $input) { orders proposed { unfilledUnits } current { unfilledUnits } } }"
    told = (await shop.ask(OPERATIONS, asked, input=given))["routingSimulation"]
    assert told["orders"] > 0
    assert told["proposed"] == told["current"]


async def test_a_kit_pinned_by_its_line(shop: Shop) -> None:
    shirt, sock = await shop.variant(SAO1=5, CWB1=5), await shop.variant(SAO1=5, CWB1=5)
    outfit = await kit(shop, (shirt, 1), (sock, 2))
    order = await shop.place((outfit, 1))
    (line,) = await lines(shop, order)
    await shop.do(OPERATIONS, "orderLinePin", id=line["id"], locationId=shop.places["CWB1"])
    order = await shop.order(order["id"])
    live = [w for w in order["fulfillmentOrders"] if w["status"] != "CANCELED"]
    assert [w["location"]["code"] for w in live] == ["CWB1"]


# -- reservations --------------------------------------------------------------------------------------------------


async def test_a_cart_holds_what_there_is_of_what_may_wait_and_no_more_than_that_is_promised(shop: Shop) -> None:
    some, none = await variant(shop, policy="BACKORDER"), await variant(shop, policy="BACKORDER")
    await found(shop, some, 1)
    ahead = await variant(shop, policy="PREORDER", releasesAt=FAR, limit=10)
    await found(shop, ahead, 20)

    cart = await reserve(shop, (some, 3), (none, 3), (ahead, 3))
    assert held(cart) == {(some, 1, "SAO1")}
    wanted = {"channel": "web", "reference": cart["reference"], "lines": [{"sku": ahead, "quantity": 11}]}
    refusal = await shop.refused(shop.shopper(), "stockReserve", **wanted)
    assert (refusal["code"], refusal["sellable"]) == ("INSUFFICIENT_STOCK", 10)

    order = await shop.place((some, 3), (none, 3), (ahead, 3), viewer=shop.shopper(), reservationId=cart["id"])
    told = [line["quantities"] for line in order["lines"]]
    assert told == [quantities(3, allocated=1, backordered=2), *[quantities(3, backordered=3)] * 2]


async def test_a_quoted_price_outlives_its_cart(shop: Shop) -> None:
    await set_up(shop)
    sku = await shop.variant(SAO1=2)
    cart = await reserve(shop, (sku, 2))
    cheap = labelled(await offered(shop, (sku, 2), reservationId=cart["id"]), "CHEAPEST")
    await shop.do(shop.shopper(), "reservationRelease", id=cart["id"])
    order = await bought(shop, cheap, (sku, 2), reservationId=cart["id"])
    assert order["shipping"] == "0.00"


async def test_reserved_goods_are_not_shipped_elsewhere_nor_counted_away(shop: Shop) -> None:
    sku = await shop.variant(SAO1=3)
    cart = await reserve(shop, (sku, 2))
    transfer = await move(shop, "SAO1", "CWB1", (sku, 3))
    refusal = await shop.refused(OPERATIONS, "transferShip", id=transfer["id"])
    assert (refusal["code"], refusal["sellable"]) == ("INSUFFICIENT_STOCK", 1)
    lost = {"locationId": shop.places["SAO1"], "reason": "LOST", "lines": [{"sku": sku, "setOnHand": 0}]}
    refusal = await shop.refused(OPERATIONS, "stockAdjust", **lost)
    assert (refusal["code"], refusal["committed"]) == ("UNITS_COMMITTED", 2)
    count = await shop.do(
        OPERATIONS, "stockCountStart", "stockCount { id }", locationId=shop.places["SAO1"], skus=[sku]
    )
    count_id = count["stockCount"]["id"]
    await shop.do(OPERATIONS, "stockCountRecord", id=count_id, lines=[{"sku": sku, "counted": 1}])
    refusal = await shop.refused(OPERATIONS, "stockCountComplete", id=count_id)
    assert (refusal["code"], refusal["committed"]) == ("UNITS_COMMITTED", 2)

    assert await shop.stock(sku) == {"SAO1": {"onHand": 3, "available": 1, "reserved": 2}}
    await shop.place((sku, 2), viewer=shop.shopper(), reservationId=cart["id"])
    assert await shop.stock(sku) == {"SAO1": {"onHand": 3, "available": 1, "allocated": 2}}
    await shop.do(OPERATIONS, "stockCountCancel", id=count_id)


# -- backorders ----------------------------------------------------------------------------------------------------


async def test_a_cart_that_is_given_back_serves_who_waits(shop: Shop) -> None:
    sku = await variant(shop, policy="BACKORDER")
    await found(shop, sku, 2)
    cart = await reserve(shop, (sku, 2))
    order = await shop.place((sku, 2))
    assert await waiting(shop, order) == 2
    await shop.do(shop.shopper(), "reservationRelease", id=cart["id"])
    assert await waiting(shop, order) == 0


async def test_an_order_of_a_cart_that_wants_more_waits_for_the_rest(shop: Shop) -> None:
    sku = await variant(shop, policy="BACKORDER")
    await found(shop, sku, 2)
    cart = await reserve(shop, (sku, 2))
    order = await shop.place((sku, 5), viewer=shop.shopper(), reservationId=cart["id"])
    assert order["lines"][0]["quantities"] == quantities(5, allocated=2, backordered=3)
    assert await shop.stock(sku) == {"SAO1": {"onHand": 2, "allocated": 2}}


async def test_nothing_is_quoted_of_what_waits_and_a_quote_is_not_honoured_by_waiting(shop: Shop) -> None:
    await set_up(shop)
    sku = await variant(shop, policy="BACKORDER")
    assert await offered(shop, (sku, 1)) == []
    await found(shop, sku, 1)
    cheap = labelled(await offered(shop, (sku, 1)), "CHEAPEST")
    await shop.place((sku, 1))
    assert (await refused(shop, cheap, (sku, 1)))["code"] == "QUOTE_NOT_AVAILABLE"


async def test_who_waited_gets_a_day_each_of_a_location_that_ships_one_parcel_a_day_and_gives_it_back(
    shop: Shop, connection: asyncpg.Connection
) -> None:
    code = await tiny(shop)
    sku = await variant(shop, policy="BACKORDER")
    orders = [await shop.place((sku, 1)) for _ in range(3)]

    assert len(await found(shop, sku, 3, code)) == 3
    assert await days(connection, shop, code) == [1, 1, 1]
    await shop.do(OPERATIONS, "orderCancel", id=orders[0]["id"], **CANCEL)
    assert await days(connection, shop, code) == [1, 1]
    (work,) = (await shop.confirm(orders[1]))["fulfillmentOrders"]
    await shop.count(sku, "CWB1", 5)
    await shop.do(OPERATIONS, "fulfillmentOrderMove", id=work["id"], locationId=shop.places["CWB1"])
    assert await days(connection, shop, code) == [1]


# -- quotes --------------------------------------------------------------------------------------------------------


async def set_up(shop: Shop) -> None:
    await shop.do(OPERATIONS, "carrierRatesSet", carrier="post", currency="BRL", rates=[PAC, SEDEX])
    await priced(shop, SEDEX="29.90")


async def test_a_quoted_price_holds_when_the_rules_change(shop: Shop) -> None:
    await set_up(shop)
    sku = await shop.variant(SAO1=5, CWB1=5)
    fast = labelled(await offered(shop, (sku, 1)), "FASTEST")
    rule = {"name": "no-sao1", "where": {"locationCodes": ["SAO1"]}, "effect": {"exclude": True}}
    rules = {"name": "not from SAO1", "channel": "web", "rules": [rule]}
    made = await shop.do(OPERATIONS, "routingRulesetActivate", "ruleset { id }", ruleset=rules)
    order = await bought(shop, fast, (sku, 1))
    await shop.do(OPERATIONS, "routingRulesetRetire", id=made["ruleset"]["id"])

    assert [work["location"]["code"] for work in order["fulfillmentOrders"]] == ["CWB1"]
    assert (order["shipping"], order["deliverBy"]) == ("29.90", fast["deliverBy"])


async def test_what_the_buyer_fetches_stays_at_its_store_when_the_order_is_pinned_elsewhere(shop: Shop) -> None:
    await set_up(shop)
    sku = await shop.variant(RIO1=3, SAO1=5)
    pickup = labelled(await offered(shop, (sku, 2)), "PICKUP")
    placed = await shop.place((sku, 2), viewer=OPERATIONS, fulfillmentOptionId=pickup["id"])
    (work,) = placed["fulfillmentOrders"]
    away = {"locationId": shop.places["SAO1"]}

    await shop.do(OPERATIONS, "orderPin", id=placed["id"], **away)
    assert (await shop.order(placed["id"]))["fulfillmentOrders"] == [work]
    await shop.confirm(placed)
    refusal = await shop.refused(OPERATIONS, "fulfillmentOrderMove", id=work["id"], **away)
    assert refusal["code"] == "INVALID_INPUT"


async def test_a_quote_is_no_stock(shop: Shop) -> None:
    await set_up(shop)
    sku = await shop.variant(SAO1=2)
    cheap = labelled(await offered(shop, (sku, 1)), "CHEAPEST")
    await bought(shop, cheap, (sku, 1))
    await bought(shop, cheap, (sku, 1))
    assert (await refused(shop, cheap, (sku, 1)))["code"] == "QUOTE_NOT_AVAILABLE"
    assert await shop.stock(sku) == {"SAO1": {"onHand": 2, "allocated": 2}}


async def test_where_orders_ship_complete_a_cart_holds_nothing_of_what_waits_whole(shop: Shop) -> None:
    absent, there = await variant(shop, policy="BACKORDER"), await variant(shop, policy="BACKORDER")
    await found(shop, there, 1)
    rules = {"name": "whole", "channel": "web", "shipComplete": True}
    made = await shop.do(OPERATIONS, "routingRulesetActivate", "ruleset { id }", ruleset=rules)
    try:
        assert held(await reserve(shop, (absent, 1), (there, 1))) == set()
        order = await shop.place((absent, 1), (there, 1))
        assert await waiting(shop, order) == 2
        await found(shop, absent, 1)
        assert await waiting(shop, order) == 0
    finally:
        await shop.do(OPERATIONS, "routingRulesetRetire", id=made["ruleset"]["id"])


# -- a day's capacity ----------------------------------------------------------------------------------------------


async def tiny(shop: Shop, capacity: int | None = 1) -> str:
    """A warehouse nearby that ships one parcel a day."""
    code = shop.new("TINY")
    given = {"name": code, "kind": "WAREHOUSE", "channels": ["web"], "latitude": -23.55, "longitude": -46.65}
    made = await shop.do(
        OPERATIONS, "locationSet", "location { id }", code=code, handlingDays=0, dailyCapacity=capacity, **given
    )
    shop.places[code] = made["location"]["id"]
    return code


async def days(connection: asyncpg.Connection, shop: Shop, code: str) -> list[int]:
    """Parcels by day, the first first; days without any are left out."""
    asked = "SELECT parcels FROM location_days WHERE location_id = $1 AND parcels <> 0 ORDER BY day"
    return [row["parcels"] for row in await connection.fetch(asked, shop.key(shop.places[code]))]


async def test_work_on_a_limited_day_is_split_and_merged(shop: Shop, connection: asyncpg.Connection) -> None:
    code = await tiny(shop)
    sku = await shop.variant()
    await shop.count(sku, code, 3)
    order = await shop.confirm(await shop.place((sku, 3)))
    (work,) = order["fulfillmentOrders"]
    assert (work["location"]["code"], await days(connection, shop, code)) == (code, [1])

    part = [{"fulfillmentOrderLineId": work["lines"][0]["id"], "quantity": 1}]
    done = await shop.do(OPERATIONS, "fulfillmentOrderSplit", "splitOff { id }", id=work["id"], lines=part)
    assert sum(await days(connection, shop, code)) == 2
    await shop.do(OPERATIONS, "fulfillmentOrderMerge", ids=[work["id"], done["splitOff"]["id"]])
    assert await days(connection, shop, code) == [1]
    await shop.do(OPERATIONS, "orderCancel", id=order["id"], **CANCEL)
    assert await days(connection, shop, code) == []


@pytest.mark.parametrize(
    "moment", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z", "9999-12-31T20:59:59.999999-03:00"]
)
async def test_the_ends_of_time_are_refused_wherever_they_stand(shop: Shop, moment: str) -> None:
    backorder = {"policy": "PREORDER", "releasesAt": moment, "limit": 1}
    variants = [{"sku": shop.new("SKU"), "name": "Never", "backorder": backorder}]
    refusal = await shop.refused(OPERATIONS, "variantsSet", variants=variants)
    assert (refusal["code"], refusal["field"]) == ("INVALID_INPUT", ["variants", "0", "backorder", "releasesAt"])
    closed = {
        "code": "SAO1",
        "name": "SAO1",
        "kind": "WAREHOUSE",
        "channels": ["web"],
        "closures": ["2026-01-01", moment[:10]],
    }
    refusal = await shop.refused(OPERATIONS, "locationSet", **closed)
    assert (refusal["code"], refusal["field"]) == ("INVALID_INPUT", ["closures", "1"])
