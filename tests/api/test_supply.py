"""Supply through HTTP: bought, moved, counted; and who waited for it."""

import asyncio
from typing import Any

import asyncpg
import pytest

from tests.api.shop import ADDRESS, AGENT, OPERATIONS, Answer, Shop, money, quantities

FAR = "2030-01-01T12:00:00Z"
PURCHASE = "purchaseOrder { id number status version lines { sku ordered received damaged canceled outstanding } }"
TRANSFER = "transfer { id number status version lines { sku quantity shipped received damaged missing inTransit } }"
COUNT = "stockCount { id number status lines(first: 50) { nodes { sku expected counted variance } } }"
FILLED = "backordersFilled { order { id } orderLine { sku } quantity }"


@pytest.fixture(scope="module")
async def supplier(shop: Shop) -> str:
    """Whom we buy from."""
    made = await shop.do(OPERATIONS, "supplierSet", "supplier { id }", code="acme", name="Acme Têxtil", leadTimeDays=10)
    return made["supplier"]["id"]  # type: ignore[no-any-return]


async def buy(shop: Shop, supplier: str, code: str, *lines: tuple[str, int], **given: Any) -> Answer:
    """A purchase order."""
    wanted = [{"sku": sku, "quantity": units, "unitCost": money("4.20")} for sku, units in lines]
    base = {"supplierId": supplier, "locationId": shop.places[code], "expectedAt": FAR, "lines": wanted}
    payload = await shop.do(OPERATIONS, "purchaseOrderCreate", PURCHASE, **{**base, **given})
    return payload["purchaseOrder"]  # type: ignore[no-any-return]


async def move(shop: Shop, sender: str, receiver: str, *lines: tuple[str, int]) -> Answer:
    """A planned transfer."""
    wanted = [{"sku": sku, "quantity": units} for sku, units in lines]
    ends = {"fromLocationId": shop.places[sender], "toLocationId": shop.places[receiver]}
    payload = await shop.do(OPERATIONS, "transferCreate", TRANSFER, **ends, expectedAt=FAR, lines=wanted)
    return payload["transfer"]  # type: ignore[no-any-return]


async def backorderable(shop: Shop, limit: int | None = None, policy: str = "BACKORDER", **given: Any) -> str:
    """A fresh SKU that may be sold before there is any."""
    sku = shop.new("SKU")
    backorder = {"policy": policy, "limit": limit, **given}
    prices = [{"channel": "web", "price": money("50.00")}]
    await shop.do(
        OPERATIONS, "variantsSet", variants=[{"sku": sku, "name": sku, "prices": prices, "backorder": backorder}]
    )
    return sku


async def messages(shop: Shop, order: Answer) -> list[str]:
    """What is told of an order, once it has its places in the log."""
    asked = "query ($id: ID!) { events(first: 50, filter: {orderId: $id}) { nodes { message } } }"
    for _ in range(100):
        found = await shop.ask(OPERATIONS, asked, id=order["id"])
        if found["events"]["nodes"]:
            return [each["message"] for each in found["events"]["nodes"]]
        await asyncio.sleep(0.02)
    raise AssertionError("nothing is told")


# -- buying --------------------------------------------------------------------------------------------------------


async def test_what_is_bought_arrives_in_parts(shop: Shop, supplier: str) -> None:
    sku, place = await shop.variant(), shop.places["SAO1"]

    payload = await shop.contract(
        OPERATIONS, "Buy", supplierId=supplier, locationId=place, sku=sku, key=shop.new("key")
    )
    bought = payload["purchaseOrder"]
    assert payload == {
        "purchaseOrder": {"id": bought["id"], "number": bought["number"], "status": "ORDERED"},
        "userErrors": [],
    }
    received = await shop.contract(shop.floor("SAO1"), "ReceiveGoods", id=bought["id"], sku=sku, key=shop.new("key"))

    assert received == {
        "purchaseOrder": {
            "id": bought["id"],
            "status": "PARTIALLY_RECEIVED",
            "lines": [{"ordered": 100, "received": 60}],
        },
        "backordersFilled": [],
        "userErrors": [],
    }
    assert await shop.stock(sku) == {"SAO1": {"onHand": 60, "available": 60, "incoming": 40}}


async def test_damaged_units_are_kept_apart_and_the_rest_can_be_given_up(shop: Shop, supplier: str) -> None:
    sku = await shop.variant()
    bought = await buy(shop, supplier, "SAO1", (sku, 10))
    lines = [{"sku": sku, "received": 6, "damaged": 1}]

    done = await shop.do(
        OPERATIONS, "purchaseOrderReceive", PURCHASE, id=bought["id"], lines=lines, closeShort=True, reference="NF 17"
    )

    (line,) = done["purchaseOrder"]["lines"]
    assert done["purchaseOrder"]["status"] == "RECEIVED"
    assert line == {"sku": sku, "ordered": 10, "received": 6, "damaged": 1, "canceled": 3, "outstanding": 0}
    assert await shop.stock(sku) == {"SAO1": {"onHand": 7, "available": 6, "damaged": 1}}
    ledger = await shop.ask(
        OPERATIONS,
        """query ($sku: String!, $id: ID!) {
             stockMovements(filter: {sku: $sku}) { nodes { kind quantity toBucket cause { __typename id } } }
             purchaseOrder(id: $id) { receipts { id reference source { __typename id } movements { quantity } } }
           }""",
        sku=sku,
        id=bought["id"],
    )
    (receipt,) = ledger["purchaseOrder"]["receipts"]
    cause = {"__typename": "GoodsReceipt", "id": receipt["id"]}
    assert receipt["source"] == {"__typename": "PurchaseOrder", "id": bought["id"]}
    assert (receipt["reference"], [each["quantity"] for each in receipt["movements"]]) == ("NF 17", [6, 1])
    assert ledger["stockMovements"]["nodes"] == [
        {"kind": "RECEIVE", "quantity": 1, "toBucket": "DAMAGED", "cause": cause},
        {"kind": "RECEIVE", "quantity": 6, "toBucket": "AVAILABLE", "cause": cause},
    ]


async def test_a_tenth_more_than_ordered_may_arrive_and_no_more(shop: Shop, supplier: str) -> None:
    sku = await shop.variant()
    bought = await buy(shop, supplier, "SAO1", (sku, 50))
    receive = ("purchaseOrderReceive",)

    too_many = await shop.refused(OPERATIONS, *receive, id=bought["id"], lines=[{"sku": sku, "received": 56}])
    nothing = await shop.refused(OPERATIONS, *receive, id=bought["id"], lines=[{"sku": sku}])
    unknown = await shop.refused(OPERATIONS, *receive, id=bought["id"], lines=[{"sku": "NOPE", "received": 1}])
    twice = await shop.refused(OPERATIONS, *receive, id=bought["id"], lines=[{"sku": sku, "received": 1}] * 2)
    never = await shop.refused(OPERATIONS, *receive, id=bought["id"], closeShort=True)
    done = await shop.do(OPERATIONS, *receive, PURCHASE, id=bought["id"], lines=[{"sku": sku, "received": 55}])
    again = await shop.refused(OPERATIONS, *receive, id=bought["id"], lines=[{"sku": sku, "received": 1}])

    assert (too_many["code"], too_many["available"]) == ("QUANTITY_EXCEEDS", 55)
    assert nothing["code"] == "QUANTITY_EXCEEDS"
    assert unknown["reason"] == "NOPE is not in this purchase order"
    assert twice["reason"] == "a SKU is named twice"
    assert never["reason"] == "nothing has arrived: cancel it instead"
    assert done["purchaseOrder"]["status"] == "RECEIVED"
    assert (again["code"], again["state"]) == ("INVALID_TRANSITION", "RECEIVED")


async def test_a_draft_is_expected_of_nobody_until_it_is_ordered(shop: Shop, supplier: str) -> None:
    sku = await shop.variant()
    draft = await buy(shop, supplier, "SAO1", (sku, 5), draft=True, expectedAt=None)
    early = await shop.refused(OPERATIONS, "purchaseOrderReceive", id=draft["id"], lines=[{"sku": sku, "received": 5}])
    ordered = await shop.do(OPERATIONS, "purchaseOrderOrder", PURCHASE, id=draft["id"])
    late = await shop.do(
        OPERATIONS, "purchaseOrderReschedule", "purchaseOrder { expectedAt }", id=draft["id"], expectedAt=FAR
    )
    canceled = await shop.do(OPERATIONS, "purchaseOrderCancel", PURCHASE, id=draft["id"])

    assert (draft["status"], early["code"], early["allowed"]) == (
        "DRAFT",
        "INVALID_TRANSITION",
        ["ORDER", "RESCHEDULE", "CANCEL"],
    )
    assert ordered["purchaseOrder"]["status"] == "ORDERED"
    assert late["purchaseOrder"]["expectedAt"].startswith("2030-01-01T12:00:00")
    assert canceled["purchaseOrder"]["status"] == "CANCELED"
    assert canceled["purchaseOrder"]["lines"][0]["outstanding"] == 0


async def test_a_location_sees_and_receives_its_own_purchases_alone(shop: Shop, supplier: str) -> None:
    sku = await shop.variant()
    bought = await buy(shop, supplier, "CWB1", (sku, 5))
    asked = "query ($sku: String!) { purchaseOrders(filter: {sku: $sku, awaited: true}) { nodes { id } } }"

    seen = {code: await shop.ask(shop.floor(code), asked, sku=sku) for code in ("SAO1", "CWB1")}
    lines = [{"sku": sku, "received": 5}]
    stranger = await shop.refused(shop.floor("SAO1"), "purchaseOrderReceive", id=bought["id"], lines=lines)
    forbidden = await shop.refused(shop.store("CWB1"), "purchaseOrderCancel", id=bought["id"])
    cost = await shop.ask(
        shop.store("CWB1"),
        "query ($id: ID!) { purchaseOrder(id: $id) { lines { unitCost { amount } } } }",
        id=bought["id"],
    )

    assert seen["SAO1"]["purchaseOrders"]["nodes"] == []
    assert seen["CWB1"]["purchaseOrders"]["nodes"] == [{"id": bought["id"]}]
    assert (stranger["code"], stranger["noun"]) == ("NOT_FOUND", "PurchaseOrder")
    assert (forbidden["code"], forbidden["scope"]) == ("FORBIDDEN", "supply:write")
    assert cost["purchaseOrder"]["lines"] == [{"unitCost": None}]


async def test_a_warehouse_buys_for_itself_and_for_nobody_else(shop: Shop, supplier: str) -> None:
    sku, floor = await shop.variant(), shop.floor("CWB1")
    wanted = {"supplierId": supplier, "sku": sku}

    made = await shop.contract(floor, "Buy", **wanted, locationId=shop.places["CWB1"], key=shop.new("key"))
    other = await shop.contract(floor, "Buy", **wanted, locationId=shop.places["SAO1"], key=shop.new("key"))
    received = await shop.contract(floor, "ReceiveGoods", id=made["purchaseOrder"]["id"], sku=sku, key=shop.new("key"))
    asked = "query ($id: ID!) { purchaseOrder(id: $id) { lines { unitCost { amount } } } }"
    cost = await shop.ask(floor, asked, id=made["purchaseOrder"]["id"])
    suppliers = await shop.refused(floor, "supplierSet", code="acme", name="Mine")

    assert (made["purchaseOrder"]["status"], made["userErrors"]) == ("ORDERED", [])
    assert [(each["code"], each["field"]) for each in other["userErrors"]] == [("NOT_FOUND", ["locationId"])]
    assert received["purchaseOrder"]["status"] == "PARTIALLY_RECEIVED"
    assert cost["purchaseOrder"]["lines"] == [{"unitCost": {"amount": "4.20"}}]
    assert (suppliers["code"], suppliers["scope"]) == ("FORBIDDEN", "catalog:write")


async def test_the_same_receipt_sent_twice_is_received_once(shop: Shop, supplier: str) -> None:
    sku = await backorderable(shop)
    order = await shop.place((sku, 2))
    bought = await buy(shop, supplier, "SAO1", (sku, 10))
    receive = {"idempotencyKey": shop.new("key"), "id": bought["id"], "lines": [{"sku": sku, "received": 4}]}

    first = await shop.do(OPERATIONS, "purchaseOrderReceive", f"{PURCHASE} {FILLED}", **receive)
    twin = await shop.do(OPERATIONS, "purchaseOrderReceive", f"{PURCHASE} {FILLED}", **receive)

    assert first == twin
    assert first["backordersFilled"] == [{"order": {"id": order["id"]}, "orderLine": {"sku": sku}, "quantity": 2}]
    assert await shop.stock(sku) == {"SAO1": {"onHand": 4, "available": 2, "allocated": 2, "incoming": 6}}


# -- moving --------------------------------------------------------------------------------------------------------


async def test_a_transfer_leaves_travels_and_arrives(shop: Shop) -> None:
    sku = await shop.variant(SAO1=12)
    ends = {"from": shop.places["SAO1"], "to": shop.places["RIO1"]}

    planned = await shop.contract(OPERATIONS, "Transfer", **ends, sku=sku, key=shop.new("key"))
    id_ = planned["transfer"]["id"]
    before = await shop.stock(sku)
    shipped = await shop.contract(shop.floor("SAO1"), "TransferShip", id=id_, key=shop.new("key"))
    away = await shop.stock(sku)
    received = await shop.contract(shop.store("RIO1"), "TransferReceive", id=id_, sku=sku, key=shop.new("key"))

    line = {"sku": sku, "quantity": 10, "shipped": 0, "received": 0}
    assert planned == {"transfer": {"id": id_, "status": "DRAFT", "lines": [line]}, "userErrors": []}
    assert before == {"SAO1": {"onHand": 12, "available": 12}}
    assert shipped == {"transfer": {"id": id_, "status": "IN_TRANSIT"}, "userErrors": []}
    assert away == {"SAO1": {"onHand": 2, "available": 2}}
    assert received == {
        "transfer": {
            "id": id_,
            "status": "RECEIVED",
            "lines": [{"sku": sku, "shipped": 10, "received": 9, "damaged": 1, "missing": 0}],
        },
        "backordersFilled": [],
        "userErrors": [],
    }
    assert await shop.stock(sku) == {
        "SAO1": {"onHand": 2, "available": 2},
        "RIO1": {"onHand": 10, "available": 9, "damaged": 1},
    }


async def test_what_never_arrives_is_missing(shop: Shop) -> None:
    sku = await shop.variant(SAO1=10)
    transfer = await move(shop, "SAO1", "RIO1", (sku, 10))
    await shop.do(OPERATIONS, "transferShip", id=transfer["id"])

    part = await shop.do(
        OPERATIONS, "transferReceive", TRANSFER, id=transfer["id"], lines=[{"sku": sku, "received": 4, "damaged": 1}]
    )
    more = await shop.refused(OPERATIONS, "transferReceive", id=transfer["id"], lines=[{"sku": sku, "received": 6}])
    back = await shop.refused(OPERATIONS, "transferCancel", id=transfer["id"])
    rest = await shop.do(OPERATIONS, "transferReceive", TRANSFER, id=transfer["id"], closeShort=True)

    line = {"sku": sku, "quantity": 10, "shipped": 10, "received": 4, "damaged": 1}
    assert part["transfer"]["status"] == "PARTIALLY_RECEIVED"
    assert part["transfer"]["lines"] == [{**line, "missing": 0, "inTransit": 5}]
    assert (more["code"], more["available"]) == ("QUANTITY_EXCEEDS", 5)
    assert (back["code"], back["state"]) == ("INVALID_TRANSITION", "PARTIALLY_RECEIVED")
    assert (rest["transfer"]["status"], rest["transfer"]["lines"]) == (
        "RECEIVED",
        [{**line, "missing": 5, "inTransit": 0}],
    )


async def test_a_transfer_takes_only_what_is_free(shop: Shop) -> None:
    sku = await shop.variant(SAO1=5)
    await shop.place((sku, 3))
    transfer = await move(shop, "SAO1", "RIO1", (sku, 4))

    refused = await shop.refused(shop.floor("SAO1"), "transferShip", id=transfer["id"])
    stranger = await shop.refused(shop.store("RIO1"), "transferShip", id=transfer["id"])
    lines = [{"sku": sku, "quantity": 2}]
    shipped = await shop.do(shop.floor("SAO1"), "transferShip", TRANSFER, id=transfer["id"], lines=lines)

    assert refused == {
        "code": "INSUFFICIENT_STOCK",
        "field": ["lines", "0"],
        "sku": sku,
        "requested": 4,
        "sellable": 2,
    }
    assert stranger["code"] == "NOT_FOUND"
    assert shipped["transfer"]["lines"][0]["shipped"] == 2
    assert await shop.stock(sku) == {"SAO1": {"onHand": 3, "allocated": 3}}


async def test_a_transfer_that_turns_back_is_undone_entry_by_entry(shop: Shop) -> None:
    sku = await shop.variant(SAO1=5)
    transfer = await move(shop, "SAO1", "RIO1", (sku, 4))
    await shop.do(OPERATIONS, "transferShip", id=transfer["id"])

    done = await shop.do(OPERATIONS, "transferCancel", TRANSFER, id=transfer["id"])

    assert (done["transfer"]["status"], done["transfer"]["lines"][0]["shipped"]) == ("CANCELED", 0)
    assert await shop.stock(sku) == {"SAO1": {"onHand": 5, "available": 5}}
    ledger = await shop.ask(
        OPERATIONS,
        "query ($sku: String!) { stockMovements(filter: {sku: $sku}) { nodes { id kind reverses { kind } } } }",
        sku=sku,
    )
    assert ledger["stockMovements"]["nodes"][0]["reverses"] == {"kind": "TRANSFER_OUT"}


async def test_both_ends_see_a_transfer_and_nobody_else(shop: Shop) -> None:
    sku = await shop.variant(SAO1=5)
    transfer = await move(shop, "SAO1", "RIO1", (sku, 4))
    asked = "query ($id: ID!) { transfer(id: $id) { id } node(id: $id) { id } }"

    seen = {code: await shop.ask(shop.floor(code), asked, id=transfer["id"]) for code in ("SAO1", "RIO1", "CWB1")}
    planned = await shop.do(
        shop.store("RIO1"), "transferCreate", TRANSFER, fromLocationId=shop.places["SAO1"],
        toLocationId=shop.places["RIO1"], expectedAt=FAR, lines=[{"sku": sku, "quantity": 1}],
    )  # fmt: skip
    strange = await shop.refused(
        shop.store("RIO1"), "transferCreate", fromLocationId=shop.places["SAO1"],
        toLocationId=shop.places["CWB1"], expectedAt=FAR, lines=[{"sku": sku, "quantity": 1}],
    )  # fmt: skip

    there = {"id": transfer["id"]}
    assert seen["SAO1"] == seen["RIO1"] == {"transfer": there, "node": there}
    assert seen["CWB1"] == {"transfer": None, "node": None}
    assert planned["transfer"]["status"] == "DRAFT"
    assert strange["code"] == "NOT_FOUND"


# -- counting ------------------------------------------------------------------------------------------------------


async def begin_count(shop: Shop, *skus: str) -> str:
    """A count at SAO1 of some SKUs."""
    made = await shop.do(
        OPERATIONS, "stockCountStart", "stockCount { id }", locationId=shop.places["SAO1"], skus=list(skus)
    )
    return made["stockCount"]["id"]  # type: ignore[no-any-return]


async def test_a_count_corrects_what_was_found_to_be_otherwise(shop: Shop) -> None:
    more, fewer, same, left = [await shop.variant(SAO1=10) for _ in range(4)]
    count = await begin_count(shop, more, fewer, same, left)
    found = [{"sku": sku, "counted": units} for sku, units in ((more, 12), (fewer, 7), (same, 10))]

    recorded = await shop.do(shop.floor("SAO1"), "stockCountRecord", COUNT, id=count, lines=found)
    untouched = await shop.stock(fewer)
    done = await shop.do(shop.floor("SAO1"), "stockCountComplete", COUNT, id=count)
    report = await shop.ask(
        OPERATIONS,
        "query ($id: ID!) { stockCount(id: $id) { lines(filter: {off: true}) { totalCount nodes { sku variance } } } }",
        id=count,
    )

    lines = {line["sku"]: line for line in recorded["stockCount"]["lines"]["nodes"]}
    assert lines[more] == {"sku": more, "expected": 10, "counted": 12, "variance": 2}
    assert lines[left] == {"sku": left, "expected": 10, "counted": None, "variance": None}
    assert untouched == {"SAO1": {"onHand": 10, "available": 10}}
    assert done["stockCount"]["status"] == "COMPLETED"
    after = {sku: (await shop.stock(sku))["SAO1"]["onHand"] for sku in (more, fewer, same, left)}
    assert after == {more: 12, fewer: 7, same: 10, left: 10}
    off = {line["sku"]: line["variance"] for line in report["stockCount"]["lines"]["nodes"]}
    assert off == {more: 2, fewer: -3}


async def test_what_comes_and_goes_while_it_is_counted_is_no_difference(shop: Shop, supplier: str) -> None:
    sku = await shop.variant(SAO1=10)
    count = await begin_count(shop, sku)
    await shop.advance(await shop.place((sku, 4)), "ship")

    recorded = await shop.do(OPERATIONS, "stockCountRecord", COUNT, id=count, lines=[{"sku": sku, "counted": 5}])
    bought = await buy(shop, supplier, "SAO1", (sku, 20))
    await shop.do(OPERATIONS, "purchaseOrderReceive", id=bought["id"], lines=[{"sku": sku, "received": 20}])
    await shop.do(OPERATIONS, "stockCountComplete", id=count)

    (line,) = recorded["stockCount"]["lines"]["nodes"]
    assert line == {"sku": sku, "expected": 6, "counted": 5, "variance": -1}
    assert await shop.stock(sku) == {"SAO1": {"onHand": 25, "available": 25}}


async def test_what_somebody_else_has_corrected_since_is_not_corrected_again(shop: Shop) -> None:
    sku = await shop.variant(SAO1=10)
    count = await begin_count(shop, sku)
    await shop.do(OPERATIONS, "stockCountRecord", id=count, lines=[{"sku": sku, "counted": 7}])
    lines = [{"sku": sku, "setOnHand": 8}]
    await shop.do(OPERATIONS, "stockAdjust", locationId=shop.places["SAO1"], reason="LOST", lines=lines)

    await shop.do(OPERATIONS, "stockCountComplete", id=count)

    assert await shop.stock(sku) == {"SAO1": {"onHand": 7, "available": 7}}


async def test_a_count_of_an_hour_ago_is_held_against_the_books_of_an_hour_ago(
    shop: Shop, connection: asyncpg.Connection
) -> None:
    sku = await shop.variant(SAO1=10)
    count = await begin_count(shop, sku)
    moment: Any = await connection.fetchval("SELECT clock_timestamp()")
    await shop.advance(await shop.place((sku, 4)), "ship")
    lines = [{"sku": sku, "counted": 10, "countedAt": moment.isoformat()}]

    recorded = await shop.do(OPERATIONS, "stockCountRecord", COUNT, id=count, lines=lines)

    assert recorded["stockCount"]["lines"]["nodes"] == [{"sku": sku, "expected": 10, "counted": 10, "variance": 0}]


async def test_a_sku_is_in_one_open_count_at_a_time(shop: Shop) -> None:
    sku = await shop.variant(SAO1=10)
    first = await begin_count(shop, sku)
    start = {"locationId": shop.places["SAO1"], "skus": [sku]}

    second = await shop.refused(OPERATIONS, "stockCountStart", **start)
    empty = await shop.refused(OPERATIONS, "stockCountComplete", id=first)
    await shop.do(OPERATIONS, "stockCountCancel", id=first)
    third = await shop.do(OPERATIONS, "stockCountStart", COUNT, **start)
    stranger = await shop.refused(shop.floor("RIO1"), "stockCountCancel", id=third["stockCount"]["id"])

    assert second["reason"].startswith(f"{sku} is being counted already")
    assert empty["reason"] == "nothing was counted: cancel it instead"
    assert stranger["code"] == "NOT_FOUND"


async def test_everything_at_a_location_is_counted_where_nothing_is_named(shop: Shop) -> None:
    made = await shop.do(
        OPERATIONS, "locationSet", "location { id }", code="BSB1", name="Brasília", kind="STORE", channels=["web"]
    )
    shop.places["BSB1"] = made["location"]["id"]
    skus = {await shop.variant(BSB1=3), await shop.variant(BSB1=4)}

    count = await shop.do(OPERATIONS, "stockCountStart", COUNT, locationId=shop.places["BSB1"])

    assert {line["sku"] for line in count["stockCount"]["lines"]["nodes"]} == skus


# -- waiting -------------------------------------------------------------------------------------------------------


async def test_what_is_short_waits_where_the_policy_lets_it(shop: Shop) -> None:
    sku = await backorderable(shop, limit=5)
    await shop.count(sku, "SAO1", 3)

    order = await shop.place((sku, 7))
    refused = await shop.refused(
        OPERATIONS, "orderPlace", channel="web", lines=[{"sku": sku, "quantity": 2}], shippingAddress=ADDRESS,
        customer={"email": f"{shop.new('late')}@example.com"},
    )  # fmt: skip
    log = await messages(shop, order)

    (line,) = order["lines"]
    assert line["quantities"] == quantities(7, allocated=3, backordered=4)
    assert [work["lines"][0]["quantity"] for work in order["fulfillmentOrders"]] == [3]
    assert (refused["code"], refused["requested"], refused["sellable"]) == ("INSUFFICIENT_STOCK", 2, 1)
    assert f"4 units of order {order['number']} wait for supply." in log
    total = (await shop.contract(AGENT, "StockOf", sku=sku))["inventory"]["total"]
    assert total["backordered"] == 4


async def test_supply_goes_to_whoever_waited_longest(shop: Shop, supplier: str) -> None:
    sku = await backorderable(shop)
    first, second, third = [await shop.place((sku, units)) for units in (3, 4, 1)]
    bought = await buy(shop, supplier, "SAO1", (sku, 20))

    received = await shop.do(
        OPERATIONS, "purchaseOrderReceive", FILLED, id=bought["id"], lines=[{"sku": sku, "received": 5}]
    )
    halfway = [(await shop.order(each["id"]))["lines"][0]["quantities"] for each in (first, second, third)]
    rest = await shop.do(
        OPERATIONS, "purchaseOrderReceive", FILLED, id=bought["id"], lines=[{"sku": sku, "received": 10}]
    )
    log = await messages(shop, second)

    def filled(payload: Answer) -> list[tuple[str, int]]:
        return [(each["order"]["id"], each["quantity"]) for each in payload["backordersFilled"]]

    assert filled(received) == [(first["id"], 3), (second["id"], 2)]
    assert halfway == [
        quantities(3, allocated=3),
        quantities(4, allocated=2, backordered=2),
        quantities(1, backordered=1),
    ]
    assert filled(rest) == [(second["id"], 2), (third["id"], 1)]
    assert await shop.stock(sku) == {"SAO1": {"onHand": 15, "available": 7, "allocated": 8, "incoming": 5}}
    assert log.count(f"2 units that order {second['number']} waited for have arrived.") == 2


async def test_whatever_becomes_free_goes_to_whoever_waits(shop: Shop) -> None:
    sku = await backorderable(shop)
    await shop.count(sku, "SAO1", 2)
    has = await shop.place((sku, 2))
    waits = await shop.place((sku, 5))

    await shop.do(OPERATIONS, "orderCancel", id=has["id"], reason="CUSTOMER_REQUEST")
    after_cancel = (await shop.order(waits["id"]))["lines"][0]["quantities"]
    lines = [{"sku": sku, "setOnHand": 1}]
    found = await shop.do(
        OPERATIONS, "stockAdjust", FILLED, locationId=shop.places["RIO1"], reason="FOUND", lines=lines
    )
    transfer_sku = (await shop.order(waits["id"]))["lines"][0]["quantities"]

    assert after_cancel == quantities(5, allocated=2, backordered=3)
    assert [each["quantity"] for each in found["backordersFilled"]] == [1]
    assert transfer_sku == quantities(5, allocated=3, backordered=2)


async def test_a_restocked_return_and_a_transfer_fill_backorders_too(shop: Shop) -> None:
    sku = await backorderable(shop)
    await shop.count(sku, "SAO1", 4)
    sold = await shop.advance(await shop.place((sku, 1)), "deliver")
    transfer = await move(shop, "SAO1", "CWB1", (sku, 3))
    await shop.do(OPERATIONS, "transferShip", id=transfer["id"])
    waits = await shop.place((sku, 4))
    lines = [{"orderLineId": sold["lines"][0]["id"], "quantity": 1, "reason": "CHANGED_MIND"}]
    made = await shop.do(OPERATIONS, "returnCreate", "return { id lines { id } }", lines=lines, method="MAIL")
    back = made["return"]
    arrived = [{"returnLineId": back["lines"][0]["id"], "quantity": 1}]
    await shop.do(OPERATIONS, "returnReceive", id=back["id"], locationId=shop.places["SAO1"], lines=arrived)
    inspected = [{**arrived[0], "condition": "LIKE_NEW", "disposition": "RESTOCK"}]
    await shop.do(OPERATIONS, "returnInspect", id=back["id"], lines=inspected)
    restocked = (await shop.order(waits["id"]))["lines"][0]["quantities"]

    received = await shop.do(
        OPERATIONS, "transferReceive", FILLED, id=transfer["id"], lines=[{"sku": sku, "received": 3}]
    )

    assert restocked == quantities(4, allocated=1, backordered=3)
    assert [each["quantity"] for each in received["backordersFilled"]] == [3]


async def test_units_that_wait_can_be_canceled(shop: Shop, supplier: str) -> None:
    sku = await backorderable(shop, limit=3)
    order = await shop.place((sku, 3), token="tok_visa")

    part = await shop.do(
        OPERATIONS, "orderCancel", "order { status }", id=order["id"], reason="CUSTOMER_REQUEST",
        lines=[{"orderLineId": order["lines"][0]["id"], "quantity": 2}],
    )  # fmt: skip
    room = await shop.place((sku, 2))
    whole = await shop.do(OPERATIONS, "orderCancel", "order { status }", id=order["id"], reason="CUSTOMER_REQUEST")
    bought = await buy(shop, supplier, "SAO1", (sku, 3))
    received = await shop.do(
        OPERATIONS, "purchaseOrderReceive", FILLED, id=bought["id"], lines=[{"sku": sku, "received": 3}]
    )

    assert (part["order"]["status"], whole["order"]["status"]) == ("PENDING", "CANCELED")
    assert [each["order"]["id"] for each in received["backordersFilled"]] == [room["id"]]


async def test_a_filled_order_can_be_shipped_like_any_other(shop: Shop, supplier: str) -> None:
    sku = await backorderable(shop)
    await shop.count(sku, "CWB1", 1)
    order = await shop.confirm(await shop.place((sku, 3), token="tok_visa"))
    bought = await buy(shop, supplier, "SAO1", (sku, 2))
    await shop.do(OPERATIONS, "purchaseOrderReceive", id=bought["id"], lines=[{"sku": sku, "received": 2}])

    for step in (shop.accept, shop.pick, shop.pack, shop.ship, shop.deliver):
        order = await step(await shop.order(order["id"]))

    assert order["status"] == "COMPLETED"
    assert {work["location"]["code"] for work in order["fulfillmentOrders"]} == {"SAO1", "CWB1"}


async def test_a_hundred_buyers_at_once_never_wait_for_more_than_the_limit(shop: Shop) -> None:
    sku = await backorderable(shop, limit=7)

    async def buy_one(number: int) -> str | None:
        payload = await shop.send(
            OPERATIONS, "orderPlace", "order { id }", channel="web", lines=[{"sku": sku, "quantity": 1}],
            shippingAddress=ADDRESS, customer={"email": f"race{number}.{sku}@example.com"},
        )  # fmt: skip
        return payload["userErrors"][0]["code"] if payload["userErrors"] else None

    codes = await asyncio.gather(*map(buy_one, range(30)))

    assert codes.count(None) == 7
    assert set(codes) == {None, "INSUFFICIENT_STOCK"}


# -- pre-orders ----------------------------------------------------------------------------------------------------


async def test_a_preorder_waits_for_its_release_even_where_there_is_stock(shop: Shop, supplier: str) -> None:
    sku = await backorderable(shop, limit=10, policy="PREORDER", releasesAt=FAR)
    await shop.count(sku, "SAO1", 5)

    order = await shop.place((sku, 2))
    bought = await buy(shop, supplier, "SAO1", (sku, 5))
    early = await shop.do(
        OPERATIONS, "purchaseOrderReceive", FILLED, id=bought["id"], lines=[{"sku": sku, "received": 5}]
    )
    seen = await shop.ask(
        shop.shopper(),
        "query ($sku: String!) { variant(sku: $sku) { backorderPolicy backorderLimit releasesAt } }",
        sku=sku,
    )

    assert order["lines"][0]["quantities"] == quantities(2, backordered=2)
    assert order["fulfillmentOrders"] == []
    assert early["backordersFilled"] == []
    assert seen["variant"]["backorderPolicy"] == "PREORDER"
    assert seen["variant"]["releasesAt"].startswith("2030-01-01T12:00:00")


@pytest.mark.parametrize(
    ("backorder", "reason"),
    [
        ({"policy": "PREORDER"}, "say when it is released"),
        ({"policy": "NONE", "limit": 1}, "nothing may wait, so there is no limit"),
        ({"policy": "BACKORDER", "limit": -1}, "0 to 1,000,000 units may wait"),
    ],
)
async def test_a_policy_that_makes_no_sense_is_refused(shop: Shop, backorder: Answer, reason: str) -> None:
    variant = {"sku": "ODD", "name": "Odd", "backorder": backorder}
    refused = await shop.refused(OPERATIONS, "variantsSet", variants=[variant])
    assert refused["reason"] == f"ODD: {reason}"
