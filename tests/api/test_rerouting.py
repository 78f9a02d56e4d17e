"""Deciding anew: work is declined, moved, split, merged and pinned, and counts take promises back that cannot be kept."""

import asyncio

import asyncpg
import pytest

from tests.api.shop import AGENT, OPERATIONS, Answer, Shop, quantities
from tests.api.test_lifecycle import impossible, work_of
from tests.api.test_races import sound, told


def located(order: Answer) -> list[tuple[str, str, list[int]]]:
    """An order's work that still holds units: where, how far, and how many units each line asks for."""
    live = [work for work in order["fulfillmentOrders"] if work["status"] not in ("CANCELED", "REJECTED")]
    return sorted((work["location"]["code"], work["status"], sorted(_held(work))) for work in live)


def _held(work: Answer) -> list[int]:
    units = (line["quantity"] - line["short"] - line["canceled"] for line in work["lines"])
    return [each for each in units if each]


async def opened(shop: Shop, sku: str, units: int) -> Answer:
    """An order whose work is offered."""
    return await shop.confirm(await shop.place((sku, units)))


def only(order: Answer, status: str) -> Answer:
    """The one fulfillment order in a status."""
    (work,) = (each for each in order["fulfillmentOrders"] if each["status"] == status)
    return work  # type: ignore[no-any-return]


# -- declining -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("accepted", [False, True])
async def test_what_a_location_declines_ships_from_elsewhere_and_its_count_goes_on_record(
    shop: Shop, *, accepted: bool
) -> None:
    sku = await shop.variant(SAO1=5, CWB1=5)
    order = await opened(shop, sku, 2)
    order = await shop.accept(order) if accepted else order
    (work,) = order["fulfillmentOrders"]

    done = await shop.contract(
        shop.floor("SAO1"), "Reject", id=work["id"], lineId=work["lines"][0]["id"], key=shop.new("key")
    )

    rerouted = done["rerouted"][0]
    assert done == {
        "fulfillmentOrder": {"id": work["id"], "status": "REJECTED"},
        "rerouted": [
            {
                "id": rerouted["id"],
                "location": {"id": shop.places["CWB1"], "code": "CWB1"},
                "lines": [{"id": rerouted["lines"][0]["id"], "sku": sku, "quantity": 2}],
            }
        ],
        "userErrors": [],
    }
    assert await shop.stock(sku) == {"SAO1": {}, "CWB1": {"onHand": 5, "available": 3, "allocated": 2}}
    after = await shop.order(order["id"])
    assert located(after) == [("CWB1", "OPEN", [2])]
    assert after["lines"][0]["quantities"] == quantities(2, allocated=2)
    assert (await shop.deliver(await shop.ship(await shop.pack(await shop.pick(await shop.accept(after))))))[
        "status"
    ] == "COMPLETED"


@pytest.mark.parametrize(
    ("reason", "left"),
    [
        ("NOT_FOUND", {"onHand": 3, "available": 3}),
        ("DAMAGED", {"onHand": 5, "available": 3, "damaged": 2}),
        ("CLOSED", {"onHand": 5, "available": 5}),
    ],
)
async def test_without_a_count_the_reason_says_what_becomes_of_the_units(shop: Shop, reason: str, left: Answer) -> None:
    sku = await shop.variant(SAO1=5, CWB1=5)
    order = await opened(shop, sku, 2)
    (work,) = order["fulfillmentOrders"]

    await shop.do(shop.floor("SAO1"), "fulfillmentOrderReject", id=work["id"], reason=reason)

    assert (await shop.stock(sku))["SAO1"] == left
    assert located(await shop.order(order["id"])) == [("CWB1", "OPEN", [2])]


async def test_some_units_of_some_lines_are_declined_and_the_rest_stays(shop: Shop) -> None:
    first, second = await shop.variant(SAO1=9, CWB1=9), await shop.variant(SAO1=9)
    order = await shop.confirm(await shop.place((first, 4), (second, 1)))
    (work,) = order["fulfillmentOrders"]
    line = next(each["id"] for each in work["lines"] if each["sku"] == first)
    lines = [{"fulfillmentOrderLineId": line, "quantity": 3, "reason": "NO_CAPACITY"}]

    done = await shop.do(
        OPERATIONS, "fulfillmentOrderReject", "fulfillmentOrder { id status }", id=work["id"], lines=lines
    )

    after = await shop.order(order["id"])
    assert done["fulfillmentOrder"] == {"id": work["id"], "status": "OPEN"}
    assert located(after) == [("CWB1", "OPEN", [3]), ("SAO1", "OPEN", [1, 1])]
    assert [line["short"] for line in only(after, "REJECTED")["lines"]] == [3]
    assert await shop.stock(first) == {
        "SAO1": {"onHand": 9, "available": 8, "allocated": 1},
        "CWB1": {"onHand": 9, "available": 6, "allocated": 3},
    }


async def test_a_location_that_declined_is_not_asked_again_the_same_day(shop: Shop) -> None:
    sku = await shop.variant(SAO1=5)
    order = await opened(shop, sku, 2)
    await shop.do(OPERATIONS, "fulfillmentOrderReject", id=order["fulfillmentOrders"][0]["id"], reason="CLOSED")

    await shop.do(AGENT, "orderRoute", id=order["id"])
    nowhere = await shop.order(order["id"])
    await shop.count(sku, "RIO1", 2)
    await shop.do(AGENT, "orderRoute", id=order["id"])

    assert nowhere["lines"][0]["quantities"] == quantities(2, open=2)
    assert located(await shop.order(order["id"])) == [("RIO1", "OPEN", [2])]


async def test_a_declining_count_takes_other_orders_units_too(shop: Shop) -> None:
    sku = await shop.variant(SAO1=6, CWB1=2)
    orders = [await opened(shop, sku, 2) for _ in range(3)]
    work = orders[0]["fulfillmentOrders"][0]
    lines = [{"fulfillmentOrderLineId": work["lines"][0]["id"], "reason": "NOT_FOUND", "countedOnHand": 1}]

    done = await shop.do(OPERATIONS, "fulfillmentOrderReject", "rerouted { id }", id=work["id"], lines=lines)

    after = [await shop.order(order["id"]) for order in orders]
    assert [located(order) for order in after] == [
        [("CWB1", "OPEN", [2])],
        [("SAO1", "OPEN", [1])],
        [],
    ]
    assert [order["lines"][0]["quantities"]["open"] for order in after] == [0, 1, 2]
    assert [each["id"] for each in done["rerouted"]] == [only(after[0], "OPEN")["id"]]
    assert (await shop.stock(sku))["SAO1"] == {"onHand": 1, "allocated": 1}


async def test_what_was_picked_cannot_be_declined(shop: Shop) -> None:
    order = await shop.advance(await shop.place((await shop.variant(SAO1=1), 1)), "pick")
    given = {"id": order["fulfillmentOrders"][0]["id"], "reason": "CLOSED"}
    assert await shop.refused(OPERATIONS, "fulfillmentOrderReject", **given) == impossible(
        "PICKING", "REJECT", "PICK", "PACK", "CANCEL"
    )


async def test_declining_says_what_is_wrong_with_it(shop: Shop) -> None:
    order = await opened(shop, await shop.variant(SAO1=2), 2)
    (work,) = order["fulfillmentOrders"]
    line = {"fulfillmentOrderLineId": work["lines"][0]["id"], "reason": "OTHER"}

    async def refusal(**given: object) -> tuple[str, list[str] | None]:
        found = await shop.refused(OPERATIONS, "fulfillmentOrderReject", id=work["id"], **given)
        return found["code"], found["field"]

    assert await refusal() == ("INVALID_INPUT", ["reason"])
    assert await refusal(lines=[]) == ("INVALID_INPUT", ["lines"])
    assert await refusal(lines=[line, line]) == ("INVALID_INPUT", ["lines"])
    assert await refusal(lines=[{**line, "quantity": 3}]) == ("QUANTITY_EXCEEDS", ["lines", "0", "quantity"])
    assert await refusal(lines=[{**line, "quantity": 0}]) == ("QUANTITY_EXCEEDS", ["lines", "0", "quantity"])
    assert await refusal(lines=[{**line, "countedOnHand": -1}]) == ("INVALID_INPUT", ["lines", "0", "countedOnHand"])
    other = {**line, "fulfillmentOrderLineId": "fln_01a20eb1-00cd-7a86-88ee-16969a4e61b8"}
    assert await refusal(lines=[other]) == ("NOT_FOUND", ["lines", "0", "fulfillmentOrderLineId"])
    assert await shop.order(order["id"]) == order


async def test_another_locations_work_is_not_declined(shop: Shop) -> None:
    order = await opened(shop, await shop.variant(SAO1=2), 2)
    given = {"id": order["fulfillmentOrders"][0]["id"], "reason": "CLOSED"}
    assert (await shop.refused(shop.floor("CWB1"), "fulfillmentOrderReject", **given))["code"] == "NOT_FOUND"
    assert await shop.order(order["id"]) == order


async def test_work_is_declined_while_the_order_is_on_hold(shop: Shop) -> None:
    sku = await shop.variant(SAO1=2, CWB1=2)
    order = await shop.accept(await opened(shop, sku, 2))
    await shop.do(AGENT, "orderHold", id=order["id"], kind="FRAUD", reason="look")

    await shop.do(OPERATIONS, "fulfillmentOrderReject", id=order["fulfillmentOrders"][0]["id"], reason="CLOSED")

    assert located(await shop.order(order["id"])) == [("CWB1", "SCHEDULED", [2])]


# -- moving ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("until", ["place", "confirm", "accept"])
async def test_work_of_which_nothing_is_picked_goes_to_another_location(shop: Shop, until: str) -> None:
    sku = await shop.variant(SAO1=5, RIO1=2)
    order = await shop.place((sku, 2))
    order = order if until == "place" else await shop.advance(order, until)

    moved = await shop.contract(
        OPERATIONS, "MoveWork", id=order["fulfillmentOrders"][0]["id"], to=shop.places["RIO1"], key=shop.new("key")
    )

    status = "SCHEDULED" if until == "place" else "OPEN"
    after = await shop.order(order["id"])
    assert moved["userErrors"] == []
    assert moved["fulfillmentOrder"]["location"] == {"id": shop.places["RIO1"], "code": "RIO1"}
    assert located(after) == [("RIO1", status, [2])]
    assert moved["fulfillmentOrder"]["id"] == only(after, status)["id"]
    assert await shop.stock(sku) == {"SAO1": {"onHand": 5, "available": 5}, "RIO1": {"onHand": 2, "allocated": 2}}
    asked = "query ($id: ID!) { order(id: $id) { routing(last: 1) { strategy decidedBy { displayName } } } }"
    assert (await shop.ask(OPERATIONS, asked, id=order["id"]))["order"]["routing"] == [
        {"strategy": "MOVED", "decidedBy": {"displayName": "Olga"}}
    ]


async def test_work_does_not_move_to_where_the_goods_are_not(shop: Shop) -> None:
    sku = await shop.variant(SAO1=5, RIO1=1)
    order = await opened(shop, sku, 2)
    work = order["fulfillmentOrders"][0]["id"]
    foreign = await shop.do(
        OPERATIONS, "locationSet", "location { id }", code="MIA1", name="Miami", kind="WAREHOUSE", channels=["abroad"]
    )

    async def refusal(location: str) -> Answer:
        return await shop.refused(OPERATIONS, "fulfillmentOrderMove", id=work, locationId=location)

    place = ["locationId"]
    few = {"code": "INSUFFICIENT_STOCK", "field": place, "sku": sku, "requested": 2}
    assert await refusal(shop.places["RIO1"]) == {**few, "sellable": 1}
    assert await refusal(shop.places["CWB1"]) == {**few, "sellable": 0}
    assert await refusal(foreign["location"]["id"]) == {
        "code": "LOCATION_NOT_IN_CHANNEL", "field": place, "location": "MIA1", "channel": "web"
    }  # fmt: skip
    assert await refusal(shop.places["SAO1"]) == {
        "code": "INVALID_INPUT", "field": place, "reason": "it is there already"
    }  # fmt: skip
    assert await shop.order(order["id"]) == order


async def test_what_is_being_picked_does_not_move(shop: Shop) -> None:
    order = await shop.advance(await shop.place((await shop.variant(SAO1=1, RIO1=1), 1)), "pick")
    given = {"id": order["fulfillmentOrders"][0]["id"], "locationId": shop.places["RIO1"]}
    assert (await shop.refused(OPERATIONS, "fulfillmentOrderMove", **given))["code"] == "INVALID_TRANSITION"


async def test_staff_of_locations_move_work_between_their_own(shop: Shop) -> None:
    order = await opened(shop, await shop.variant(SAO1=1, RIO1=1), 1)
    given = {"id": order["fulfillmentOrders"][0]["id"], "locationId": shop.places["RIO1"]}
    elsewhere = {"code": "FORBIDDEN", "field": ["locationId"], "scope": "routing:write"}
    assert await shop.refused(shop.floor("SAO1"), "fulfillmentOrderMove", **given) == elsewhere
    nowhere = {**given, "locationId": "loc_01a20eb1-00cd-7a86-88ee-16969a4e61b8"}
    assert (await shop.refused(shop.floor("SAO1"), "fulfillmentOrderMove", **nowhere))["code"] == "NOT_FOUND"
    await shop.do(shop.floor("SAO1", "RIO1"), "fulfillmentOrderMove", **given)
    assert located(await shop.order(order["id"])) == [("RIO1", "OPEN", [1])]


# -- splitting and merging -------------------------------------------------------------------------------------------


async def test_work_is_split_and_merged_again(shop: Shop) -> None:
    first, second = await shop.variant(SAO1=9), await shop.variant(SAO1=9)
    order = await shop.confirm(await shop.place((first, 3), (second, 1)))
    (work,) = order["fulfillmentOrders"]
    line = {each["sku"]: each["id"] for each in work["lines"]}
    lines = [
        {"fulfillmentOrderLineId": line[first], "quantity": 2},
        {"fulfillmentOrderLineId": line[second], "quantity": 1},
    ]
    stock = await shop.stock(first)

    split = await shop.do(
        OPERATIONS, "fulfillmentOrderSplit", "fulfillmentOrder { id } splitOff { id lines { sku quantity } }",
        id=work["id"], lines=lines,
    )  # fmt: skip
    apart = await shop.order(order["id"])
    merged = await shop.do(
        OPERATIONS, "fulfillmentOrderMerge", "fulfillmentOrder { id lines { sku quantity } }",
        ids=[work["id"], split["splitOff"]["id"]],
    )  # fmt: skip
    whole = await shop.order(order["id"])

    assert split["fulfillmentOrder"] == {"id": work["id"]}
    assert {each["sku"]: each["quantity"] for each in split["splitOff"]["lines"]} == {first: 2, second: 1}
    assert located(apart) == [("SAO1", "OPEN", [1]), ("SAO1", "OPEN", [1, 2])]
    assert {each["sku"]: each["quantity"] for each in merged["fulfillmentOrder"]["lines"]} == {first: 3, second: 1}
    assert located(whole) == [("SAO1", "OPEN", [1, 3])]
    assert await shop.stock(first) == stock
    assert [each["quantities"] for each in whole["lines"]] == [each["quantities"] for each in order["lines"]]


async def test_something_stays_when_work_is_split(shop: Shop) -> None:
    order = await opened(shop, await shop.variant(SAO1=2), 2)
    (work,) = order["fulfillmentOrders"]

    async def refusal(*quantities: int) -> str:
        lines = [{"fulfillmentOrderLineId": work["lines"][0]["id"], "quantity": each} for each in quantities]
        return (await shop.refused(OPERATIONS, "fulfillmentOrderSplit", id=work["id"], lines=lines))["code"]  # type: ignore[no-any-return]

    assert [await refusal(2), await refusal(3), await refusal(0), await refusal(1, 1), await refusal()] == [
        "INVALID_INPUT", "QUANTITY_EXCEEDS", "QUANTITY_EXCEEDS", "INVALID_INPUT", "INVALID_INPUT"
    ]  # fmt: skip
    assert await shop.order(order["id"]) == order


async def test_only_work_of_one_order_and_place_that_nobody_accepted_is_merged(shop: Shop) -> None:
    sku = await shop.variant(SAO1=2, RIO1=2)
    order, other = await opened(shop, sku, 3), await opened(shop, await shop.variant(SAO1=1), 1)
    near, far = (each["id"] for each in sorted(order["fulfillmentOrders"], key=lambda each: each["location"]["code"]))
    foreign = other["fulfillmentOrders"][0]["id"]

    async def refusal(*ids: str) -> str:
        return (await shop.refused(OPERATIONS, "fulfillmentOrderMerge", ids=list(ids)))["code"]  # type: ignore[no-any-return]

    assert [await refusal(near, far), await refusal(near, foreign), await refusal(near), await refusal(near, near)] == [
        "INVALID_INPUT"
    ] * 4
    line = next(each for each in order["fulfillmentOrders"] if each["id"] == far)["lines"][0]
    part = await shop.do(
        OPERATIONS, "fulfillmentOrderSplit", "splitOff { id }", id=far,
        lines=[{"fulfillmentOrderLineId": line["id"], "quantity": 1}],
    )  # fmt: skip
    await shop.do(OPERATIONS, "fulfillmentOrderAccept", id=far)
    assert await refusal(part["splitOff"]["id"], far) == "INVALID_TRANSITION"


# -- pinning ---------------------------------------------------------------------------------------------------------


async def test_a_pinned_order_ships_from_there_and_waits_until_it_can(shop: Shop) -> None:
    sku = await shop.variant(SAO1=5, RIO1=2)
    order = await opened(shop, sku, 2)
    assert "PIN" in order["availableActions"]

    await shop.do(OPERATIONS, "orderPin", id=order["id"], locationId=shop.places["RIO1"])
    there = await shop.order(order["id"])
    await shop.do(OPERATIONS, "fulfillmentOrderReject", id=only(there, "OPEN")["id"], reason="NOT_FOUND")
    waiting = await shop.order(order["id"])
    await shop.count(sku, "RIO1", 2)
    await shop.do(AGENT, "orderRoute", id=order["id"])
    still = await shop.order(order["id"])
    await shop.do(OPERATIONS, "orderPin", id=order["id"])

    assert located(there) == [("RIO1", "OPEN", [2])]
    assert [each["lines"][0]["quantities"]["open"] for each in (waiting, still)] == [2, 2]
    assert located(await shop.order(order["id"])) == [("SAO1", "OPEN", [2])]


async def test_one_line_is_pinned_and_says_so(shop: Shop) -> None:
    first, second = await shop.variant(SAO1=5, CWB1=5), await shop.variant(SAO1=5, CWB1=5)
    order = await shop.place((first, 1), (second, 1))
    line = order["lines"][0]["id"]

    await shop.do(OPERATIONS, "orderLinePin", id=line, locationId=shop.places["CWB1"])

    asked = "query ($id: ID!) { order(id: $id) { lines { pinnedTo { code } } } }"
    found = await shop.ask(OPERATIONS, asked, id=order["id"])
    assert found["order"]["lines"] == [{"pinnedTo": {"code": "CWB1"}}, {"pinnedTo": None}]
    assert located(await shop.order(order["id"])) == [("CWB1", "SCHEDULED", [1]), ("SAO1", "SCHEDULED", [1])]


async def test_no_promise_is_given_up_for_a_pin(shop: Shop) -> None:
    sku = await shop.variant(SAO1=5, RIO1=1)
    order = await shop.place((sku, 2))
    given = {"id": order["id"], "locationId": shop.places["RIO1"]}
    assert await shop.refused(OPERATIONS, "orderPin", **given) == {
        "code": "INSUFFICIENT_STOCK", "field": ["locationId"], "sku": sku, "requested": 2, "sellable": 1
    }  # fmt: skip
    assert await shop.order(order["id"]) == order
    assert (await shop.refused(AGENT, "orderPin", **given))["code"] == "FORBIDDEN"


async def test_accepted_work_stays_where_it_is_when_its_order_is_pinned(shop: Shop) -> None:
    order = await shop.accept(await opened(shop, await shop.variant(SAO1=5, RIO1=5), 2))
    await shop.do(OPERATIONS, "orderPin", id=order["id"], locationId=shop.places["RIO1"])
    assert located(await shop.order(order["id"])) == [("SAO1", "ACCEPTED", [2])]


# -- counts ----------------------------------------------------------------------------------------------------------

SHORTFALLS = """
    levels { id onHand available }
    shortfalls { orderLine { id sku order { number } } quantity reroutedTo { code } }
"""


async def counted(shop: Shop, sku: str, units: int, code: str = "SAO1") -> Answer:
    """What a count of a SKU comes to."""
    given = {"locationId": shop.places[code], "reason": "CYCLE_COUNT", "lines": [{"sku": sku, "setOnHand": units}]}
    return await shop.send(shop.floor(code), "stockAdjust", SHORTFALLS, **given)


async def test_a_count_takes_back_the_youngest_promise_and_another_location_keeps_it(shop: Shop) -> None:
    sku = await shop.variant(SAO1=42, CWB1=9)
    orders = [await opened(shop, sku, 20), await opened(shop, sku, 4), await opened(shop, sku, 17)]
    line = orders[2]["lines"][0]["id"]

    done = await shop.contract(
        shop.floor("SAO1"), "Adjust", sku=sku, locationId=shop.places["SAO1"], key=shop.new("key")
    )

    assert done["shortfalls"] == [
        {"orderLine": {"id": line}, "quantity": 1, "reroutedTo": {"id": shop.places["CWB1"], "code": "CWB1"}}
    ]
    assert done["userErrors"] == []
    assert [(level["onHand"], level["available"]) for level in done["levels"]] == [(40, 0)]
    assert [located(await shop.order(order["id"])) for order in orders] == [
        [("SAO1", "OPEN", [20])],
        [("SAO1", "OPEN", [4])],
        [("CWB1", "OPEN", [1]), ("SAO1", "OPEN", [16])],
    ]


async def test_unaccepted_promises_go_before_accepted_ones_and_what_nobody_has_waits(shop: Shop) -> None:
    sku = await shop.variant(SAO1=6)
    old, accepted = await opened(shop, sku, 3), await shop.accept(await opened(shop, sku, 3))

    done = await counted(shop, sku, 2)

    assert done["userErrors"] == []
    assert [(each["orderLine"]["id"], each["quantity"], each["reroutedTo"]) for each in done["shortfalls"]] == [
        (old["lines"][0]["id"], 3, None),
        (accepted["lines"][0]["id"], 1, None),
    ]
    assert work_of(await shop.order(old["id"])) == [("SAO1", "CANCELED", [(3, 0)])]
    after = await shop.order(accepted["id"])
    assert located(after) == [("SAO1", "ACCEPTED", [2])]
    assert after["lines"][0]["quantities"] == quantities(3, open=1, allocated=2)


async def test_a_count_is_told_what_holds_the_units_that_it_did_not_find(shop: Shop) -> None:
    sku = await shop.variant(SAO1=9)
    await shop.advance(await shop.place((sku, 1)), "pick")
    cart = await shop.do(shop.shopper(), "stockReserve", "reservation { id }", channel="web", reference=sku,
                         ttlSeconds=900, lines=[{"sku": sku, "quantity": 5}])  # fmt: skip
    aside = {"sku": sku, "quantity": 1, "from": "RESTOCK", "to": "QUARANTINE"}
    await shop.do(OPERATIONS, "stockRedispose", locationId=shop.places["SAO1"], lines=[aside])

    (refused,) = (await counted(shop, sku, 3))["userErrors"]
    carts = "query ($sku: String!) { reservations(filter: { sku: $sku, status: [ACTIVE] }) { nodes { id } } }"
    (found,) = (await shop.ask(OPERATIONS, carts, sku=sku))["reservations"]["nodes"]
    await shop.do(OPERATIONS, "reservationRelease", id=found["id"])
    done = await counted(shop, sku, 3)

    assert found == cart["reservation"]
    assert {name: refused[name] for name in ("code", "committed", "picked", "reserved", "setAside")} == {
        "code": "UNITS_COMMITTED", "committed": 7, "picked": 1, "reserved": 5, "setAside": 1,
    }  # fmt: skip
    assert done["userErrors"] == []


async def test_what_is_picked_is_there_and_no_count_says_otherwise(shop: Shop) -> None:
    sku = await shop.variant(SAO1=6)
    picked, waiting = await shop.advance(await shop.place((sku, 4)), "pick"), await opened(shop, sku, 1)

    refused = await counted(shop, sku, 3)
    done = await counted(shop, sku, 4)

    assert refused["userErrors"] == [
        {
            "code": "UNITS_COMMITTED", "field": ["lines", "0", "setOnHand"], "sku": sku,
            "committed": 4, "picked": 4, "reserved": 0, "setAside": 0,
        }
    ]  # fmt: skip
    assert (refused["levels"], refused["shortfalls"]) == (None, None)
    assert [(each["orderLine"]["id"], each["quantity"]) for each in done["shortfalls"]] == [
        (waiting["lines"][0]["id"], 1)
    ]
    assert (await shop.order(picked["id"]))["lines"][0]["quantities"] == quantities(4, picked=4)


async def test_a_count_of_several_skus_re_routes_an_order_once(shop: Shop) -> None:
    first, second = await shop.variant(SAO1=2, CWB1=2), await shop.variant(SAO1=2, CWB1=2)
    order = await shop.confirm(await shop.place((first, 2), (second, 2)))
    lines = [{"sku": sku, "setOnHand": 0} for sku in (first, second)]

    done = await shop.do(
        OPERATIONS, "stockAdjust", SHORTFALLS, locationId=shop.places["SAO1"], reason="LOST", lines=lines
    )

    assert [(each["quantity"], each["reroutedTo"]["code"]) for each in done["shortfalls"]] == [(2, "CWB1")] * 2
    assert located(await shop.order(order["id"])) == [("CWB1", "OPEN", [2, 2])]


async def test_a_twin_of_a_count_is_told_of_the_same_shortfalls(shop: Shop) -> None:
    sku = await shop.variant(SAO1=2, CWB1=2)
    await opened(shop, sku, 2)
    given = {"locationId": shop.places["SAO1"], "reason": "LOST", "lines": [{"sku": sku, "setOnHand": 0}]}
    key = shop.new("key")
    twins = [await shop.do(OPERATIONS, "stockAdjust", SHORTFALLS, idempotencyKey=key, **given) for _ in range(2)]
    assert twins[0] == twins[1]
    assert len(twins[0]["shortfalls"]) == 1


async def test_counts_and_orders_and_pickers_at_once_leave_no_promise_without_a_unit(
    shop: Shop, database_url: str
) -> None:
    sku, other = await shop.variant(SAO1=40, CWB1=30), await shop.variant(SAO1=40, CWB1=30)
    orders = [await shop.confirm(await shop.place((sku, 1), (other, 1))) for _ in range(20)]
    lines = [{"sku": each, "setOnHand": 10} for each in (other, sku)]
    count = {"locationId": shop.places["SAO1"], "reason": "LOST", "lines": lines}
    more = {"channel": "web", "lines": [{"sku": each, "quantity": 1} for each in (sku, other)]}

    found = await told(
        [shop.send(OPERATIONS, "stockAdjust", **count) for _ in range(3)]
        + [shop.send(OPERATIONS, "orderPlace", **more) for _ in range(10)]
        + [shop.send(OPERATIONS, "fulfillmentOrderAccept", id=order["fulfillmentOrders"][0]["id"]) for order in orders]
    )

    assert set(found) <= {"", "INVALID_TRANSITION"}
    assert (await shop.stock(sku))["SAO1"]["onHand"] == 10
    assert await sound(database_url)


async def test_a_count_that_waits_for_a_picker_takes_nothing_that_he_picked(shop: Shop, database_url: str) -> None:
    sku = await shop.variant(SAO1=2)
    order = await shop.accept(await opened(shop, sku, 2))
    work = order["fulfillmentOrders"][0]
    picker = await asyncpg.connect(database_url)
    try:
        transaction = picker.transaction()
        await transaction.start()
        await picker.execute("select 1 from orders where id = $1 for update", shop.key(order["id"]))
        count = asyncio.create_task(counted(shop, sku, 0))
        while not await picker.fetchval("select count(*) from pg_locks where not granted"):
            await asyncio.sleep(0.01)
        await picker.execute("update fulfillment_orders set status = 'PICKING' where id = $1", shop.key(work["id"]))
        await picker.execute(
            "update fulfillment_order_lines set picked = 2 where fulfillment_order_id = $1", shop.key(work["id"])
        )
        await picker.execute(
            "update order_lines set picked = 2, allocated = 0 where order_id = $1", shop.key(order["id"])
        )
        await transaction.commit()
        assert [each["code"] for each in (await count)["userErrors"]] == ["UNITS_COMMITTED"]
    finally:
        await picker.close()
    assert (await shop.order(order["id"]))["lines"][0]["quantities"] == quantities(2, picked=2)


# -- the queue -------------------------------------------------------------------------------------------------------


async def test_what_nobody_can_ship_is_in_the_queue_with_its_reason_until_it_is_routed(shop: Shop) -> None:
    sku = await shop.variant(SAO1=2)
    order = await opened(shop, sku, 2)
    await counted(shop, sku, 0)

    async def queued() -> list[Answer]:
        edges = (await shop.contract(OPERATIONS, "Unrouted"))["edges"]
        return [edge["node"] for edge in edges if edge["node"]["id"] == order["id"]]

    (waiting,) = await queued()
    await shop.count(sku, "CWB1", 2)
    await shop.do(AGENT, "orderRoute", id=order["id"])

    (decision,) = waiting["routing"]
    gap = decision["unfilled"][0]
    assert decision["unfilled"] == [{"sku": sku, "quantity": 2, "reason": "NO_STOCK", "retryAt": gap["retryAt"]}]
    assert gap["retryAt"] > decision["decidedAt"]
    assert await queued() == []
    asked = "query ($id: ID!) { order(id: $id) { unroutedAt routing { unfilled { retryAt } } } }"
    found = (await shop.ask(OPERATIONS, asked, id=order["id"]))["order"]
    assert found["unroutedAt"] is None
    assert found["routing"][1]["unfilled"] == [{"retryAt": None}]


async def test_only_so_many_decisions_are_told(shop: Shop) -> None:
    order = await opened(shop, await shop.variant(SAO1=2, CWB1=2, RIO1=2), 2)
    for code in ("CWB1", "RIO1"):
        work = only(await shop.order(order["id"]), "OPEN")
        await shop.do(OPERATIONS, "fulfillmentOrderMove", id=work["id"], locationId=shop.places[code])
    asked = "query ($id: ID!, $n: Int) { order(id: $id) { routing(last: $n) { chosen { location { code } } } } }"

    async def told_of(last: int | None) -> list[str]:
        found = (await shop.ask(OPERATIONS, asked, id=order["id"], n=last))["order"]["routing"]
        return [each["chosen"][0]["location"]["code"] for each in found]

    assert [await told_of(last) for last in (1, 2, None)] == [["RIO1"], ["CWB1", "RIO1"], ["SAO1", "CWB1", "RIO1"]]
    answer = await shop.post(OPERATIONS, asked, {"id": order["id"], "n": 0})
    assert answer.json()["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
