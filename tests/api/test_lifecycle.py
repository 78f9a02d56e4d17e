"""An order's life step by step: what each step does, and what it is refused for."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import orjson
import pytest

from app.adapters import payments as adapters
from domain.payments import PaymentOutcome, PaymentRequest
from domain.viewer import Viewer
from resolvers import payments
from resolvers.database import open_database
from resolvers.engine import Engine, Request
from resolvers.writing import World
from schema.build import build
from tests.api.shop import ADDRESS, AGENT, HISTORIAN, OPERATIONS, Answer, Shop, entries, money, quantities

ZERO = money("0.00")


def impossible(state: str, action: str, *allowed: str, place: str | None = None) -> Answer:
    """The refusal of a step that the lifecycle does not have."""
    field = [place] if place else None
    return {"code": "INVALID_TRANSITION", "field": field, "state": state, "action": action, "allowed": list(allowed)}


def work_of(order: Answer) -> list[tuple[str, str, list[tuple[int, int]]]]:
    """An order's work: where, how far, and each line's (units, picked)."""
    return sorted(
        (work["location"]["code"], work["status"], [(line["quantity"], line["picked"]) for line in work["lines"]])
        for work in order["fulfillmentOrders"]
    )


# -- steps out of order --------------------------------------------------------------------------------------------


async def test_an_order_is_confirmed_once(shop: Shop) -> None:
    order = await shop.confirm(await shop.place((await shop.variant(SAO1=1), 1)))
    assert await shop.refused(AGENT, "orderConfirm", id=order["id"]) == impossible(
        "CONFIRMED", "CONFIRM", "HOLD", "RELEASE_HOLD", "PIN", "START_FULFILLMENT", "CANCEL"
    )
    assert await shop.order(order["id"]) == order


async def test_work_waits_for_the_order_and_goes_step_by_step(shop: Shop) -> None:
    order = await shop.place((await shop.variant(SAO1=1), 1))
    work = order["fulfillmentOrders"][0]["id"]

    async def refusals() -> list[tuple[str, list[str]]]:
        """What each step of the work is refused for: (state, allowed)."""
        found = [
            await shop.send(OPERATIONS, "fulfillmentOrderAccept", id=work),
            await shop.send(OPERATIONS, "fulfillmentOrderPick", id=work),
            await shop.send(OPERATIONS, "fulfillmentOrderPack", id=work, packages=[{}]),
            await shop.send(OPERATIONS, "shipmentCreate", fulfillmentOrderId=work, carrier="correios"),
        ]
        told = [payload["userErrors"] for payload in found]
        assert {each["code"] for errors in told for each in errors} <= {"INVALID_TRANSITION"}
        return [(each["state"], each["allowed"]) for errors in told for each in errors]

    assert await refusals() == [("SCHEDULED", ["RELEASE", "MOVE", "SPLIT", "MERGE", "CANCEL"])] * 4
    await shop.do(AGENT, "orderConfirm", id=order["id"])
    assert await refusals() == []  # each in its turn is done
    assert await refusals() == [("SHIPPED", [])] * 4


async def test_a_shipment_is_handed_over_and_delivered_once(shop: Shop) -> None:
    order = await shop.bought(until="ship")
    shipment = order["shipments"][0]["id"]
    await shop.do(OPERATIONS, "shipmentHandOver", ids=[shipment, shipment])

    again = await shop.refused(OPERATIONS, "shipmentHandOver", ids=[shipment])
    await shop.do(OPERATIONS, "shipmentDeliver", id=shipment)
    twice = await shop.refused(OPERATIONS, "shipmentDeliver", id=shipment)

    assert again == impossible("HANDED_OVER", "HAND_OVER", "TRANSPORT", "TAKE_OUT", "DELIVER", "RETURN", "LOSE")
    assert twice == impossible("DELIVERED", "DELIVER")


async def test_what_is_done_takes_no_more_steps(shop: Shop) -> None:
    done = await shop.bought()
    off = await shop.place((await shop.variant(SAO1=1), 1))
    await shop.do(AGENT, "orderCancel", id=off["id"], reason="OTHER")
    steps: list[tuple[str, str, Answer]] = [
        ("orderConfirm", "CONFIRM", {}),
        ("orderHold", "HOLD", {"kind": "MANUAL", "reason": "wait"}),
        ("orderCancel", "CANCEL", {"reason": "OTHER"}),
        ("orderRoute", "ROUTE", {}),
    ]

    for order, state in ((done, "COMPLETED"), (off, "CANCELED")):
        for mutation, action, given in steps:
            assert await shop.refused(AGENT, mutation, id=order["id"], **given) == impossible(state, action)
        lines = [{"orderLineId": order["lines"][0]["id"], "quantity": 1}]
        by_line = await shop.refused(AGENT, "orderCancel", id=order["id"], reason="OTHER", lines=lines)
        assert by_line == impossible(state, "CANCEL")


async def test_a_return_goes_step_by_step(shop: Shop) -> None:
    order = await shop.bought()
    lines = [{"orderLineId": order["lines"][0]["id"], "quantity": 1, "reason": "OTHER"}]
    made = await shop.do(AGENT, "returnRequest", "return { id lines { id } }", method="MAIL", lines=lines)
    back, line = {"id": made["return"]["id"]}, made["return"]["lines"][0]["id"]
    arrived = {"locationId": shop.places["SAO1"], "lines": [{"returnLineId": line, "quantity": 1}]}
    found = {"lines": [{"returnLineId": line, "quantity": 1, "condition": "USED", "disposition": "DAMAGED"}]}

    early = [
        await shop.refused(OPERATIONS, "returnReceive", **back, **arrived),
        await shop.refused(OPERATIONS, "returnInspect", **back, **found),
        await shop.refused(OPERATIONS, "returnClose", **back),
    ]
    await shop.do(AGENT, "returnApprove", **back)
    approved = [
        await shop.refused(AGENT, "returnApprove", **back),
        await shop.refused(AGENT, "returnDecline", **back, reason="late"),
    ]
    await shop.do(OPERATIONS, "returnReceive", **back, **arrived)
    unseen = await shop.refused(OPERATIONS, "returnClose", **back)
    await shop.do(OPERATIONS, "returnInspect", **back, **found)
    await shop.do(OPERATIONS, "returnClose", **back)
    late = await shop.refused(OPERATIONS, "returnClose", **back)

    assert early == [
        impossible("REQUESTED", "RECEIVE", "APPROVE", "DECLINE", "CANCEL"),
        {"code": "INVALID_INPUT", "field": ["id"], "reason": "nothing has arrived yet"},
        impossible("REQUESTED", "CLOSE", "APPROVE", "DECLINE", "CANCEL"),
    ]
    allowed = ("CANCEL", "SEND", "RECEIVE_PART", "RECEIVE", "EXPIRE")
    assert approved == [impossible("APPROVED", "APPROVE", *allowed), impossible("APPROVED", "DECLINE", *allowed)]
    assert unseen == {"code": "INVALID_INPUT", "field": ["id"], "reason": "1 units are not inspected yet"}
    assert late == impossible("CLOSED", "CLOSE")
    assert (await shop.stock(order["lines"][0]["sku"]))["SAO1"]["damaged"] == 1


# -- holds ---------------------------------------------------------------------------------------------------------


async def test_nothing_goes_on_while_anything_holds_the_order(shop: Shop) -> None:
    order = await shop.advance(await shop.place((await shop.variant(SAO1=1), 1)), "accept")
    work = order["fulfillmentOrders"][0]["id"]
    for kind in ("FRAUD", "ADDRESS"):
        await shop.do(AGENT, "orderHold", id=order["id"], kind=kind, reason="odd")
    held = await shop.order(order["id"])

    refusals = [await shop.refused(OPERATIONS, "fulfillmentOrderPick", id=work)]
    await shop.do(AGENT, "orderHoldRelease", orderId=order["id"], holdId=held["holds"][0]["id"])
    refusals.append(await shop.refused(OPERATIONS, "fulfillmentOrderPick", id=work))
    await shop.do(AGENT, "orderHoldRelease", orderId=order["id"], holdId=held["holds"][1]["id"])
    after = await shop.pick(await shop.order(order["id"]))

    assert refusals == [
        {"code": "ON_HOLD", "field": None, "kinds": ["FRAUD", "ADDRESS"]},
        {"code": "ON_HOLD", "field": None, "kinds": ["ADDRESS"]},
    ]
    assert (after["onHold"], after["holds"], work_of(after)) == (False, [], [("SAO1", "PICKING", [(1, 1)])])


async def test_a_hold_before_the_confirmation_keeps_work_closed_until_it_is_released(shop: Shop) -> None:
    order = await shop.place((await shop.variant(SAO1=1), 1))
    await shop.do(AGENT, "orderHold", id=order["id"], kind="PAYMENT", reason="no money yet")

    held = await shop.confirm(order)
    await shop.do(AGENT, "orderHoldRelease", orderId=order["id"], holdId=held["holds"][0]["id"])
    after = await shop.order(order["id"])

    assert [work["status"] for work in held["fulfillmentOrders"] + after["fulfillmentOrders"]] == ["SCHEDULED", "OPEN"]


async def test_a_held_order_can_be_canceled(shop: Shop) -> None:
    sku = await shop.variant(SAO1=1)
    order = await shop.confirm(await shop.place((sku, 1)))
    await shop.do(AGENT, "orderHold", id=order["id"], kind="FRAUD", reason="odd")
    await shop.do(AGENT, "orderCancel", id=order["id"], reason="FRAUD")
    assert (await shop.order(order["id"]))["status"] == "CANCELED"
    assert await shop.stock(sku) == {"SAO1": {"onHand": 1, "available": 1}}


# -- shipping in parts ---------------------------------------------------------------------------------------------


async def test_what_does_not_ship_becomes_work_of_its_own_and_ships_later(shop: Shop) -> None:
    shirt, shoe = await shop.variant("10.00", SAO1=9), await shop.variant("20.00", SAO1=9)
    order = await shop.advance(await shop.place((shirt, 3), (shoe, 2)), "pick")
    work = order["fulfillmentOrders"][0]
    lines = {line["sku"]: line["id"] for line in work["lines"]}
    packages = [
        {"lines": [{"fulfillmentOrderLineId": lines[shirt], "quantity": 2}]},
        {"lines": [{"fulfillmentOrderLineId": lines[shirt], "quantity": 1}]},
    ]
    await shop.do(OPERATIONS, "fulfillmentOrderPack", id=work["id"], packages=packages)
    packed = (await shop.order(order["id"]))["fulfillmentOrders"][0]["packages"]
    (leaves,) = (package["id"] for package in packed if package["lines"][0]["quantity"] == 2)
    (stays,) = (package["id"] for package in packed if package["id"] != leaves)

    given = {"fulfillmentOrderId": work["id"], "carrier": "correios"}
    await shop.do(OPERATIONS, "shipmentCreate", **given, packages=[{"packageId": leaves}])
    parted = await shop.order(order["id"])

    (rest,) = (each for each in parted["fulfillmentOrders"] if each["id"] != work["id"])
    (shipped,) = (each for each in parted["fulfillmentOrders"] if each["id"] == work["id"])
    assert parted["fulfillmentStatus"] == "PARTIALLY_FULFILLED"
    assert [line["quantities"] for line in parted["lines"]] == [
        quantities(3, shipped=2, picked=1),
        quantities(2, picked=2),
    ]
    assert (shipped["status"], [package["id"] for package in shipped["packages"]]) == ("SHIPPED", [leaves])
    assert [(line["sku"], line["quantity"], line["shipped"]) for line in shipped["lines"]] == [(shirt, 2, 2)]
    assert (rest["status"], [package["id"] for package in rest["packages"]]) == ("PACKED", [stays])
    assert sorted((line["sku"], line["quantity"], line["picked"]) for line in rest["lines"]) == [
        (shirt, 1, 1),
        (shoe, 2, 2),
    ]
    (kept,) = rest["packages"][0]["lines"]
    assert kept["fulfillmentOrderLine"]["id"] in {line["id"] for line in rest["lines"] if line["sku"] == shirt}
    assert await shop.stock(shirt) == {"SAO1": {"onHand": 7, "available": 6, "allocated": 1}}
    assert await shop.stock(shoe) == {"SAO1": {"onHand": 9, "available": 7, "allocated": 2}}

    await shop.do(OPERATIONS, "fulfillmentOrderPack", id=rest["id"], packages=[{}])
    done = await shop.deliver(await shop.ship(await shop.order(order["id"])))

    assert (done["status"], done["fulfillmentStatus"]) == ("COMPLETED", "FULFILLED")
    assert [line["quantities"] for line in done["lines"]] == [
        quantities(3, shipped=3, delivered=3),
        quantities(2, shipped=2, delivered=2),
    ]
    assert sorted(sum(line["quantity"] for line in shipment["lines"]) for shipment in done["shipments"]) == [2, 3]
    assert await shop.stock(shirt) == {"SAO1": {"onHand": 6, "available": 6}}


async def test_a_line_ships_in_three_parts(shop: Shop) -> None:
    sku = await shop.variant(SAO1=3)
    order = await shop.advance(await shop.place((sku, 3)), "pick")
    for _ in range(3):
        (work,) = (each for each in order["fulfillmentOrders"] if each["status"] in ("PICKING", "PACKED"))
        lines = [{"fulfillmentOrderLineId": work["lines"][0]["id"], "quantity": 1}]
        await shop.do(OPERATIONS, "fulfillmentOrderPack", id=work["id"], packages=[{"lines": lines}])
        await shop.do(OPERATIONS, "shipmentCreate", fulfillmentOrderId=work["id"], carrier="correios")
        order = await shop.order(order["id"])

    order = await shop.deliver(order)

    assert (order["status"], len(order["shipments"])) == ("COMPLETED", 3)
    assert await shop.stock(sku) == {"SAO1": {}}


async def test_an_order_of_two_locations_is_complete_with_the_last_delivery(shop: Shop) -> None:
    here, there = await shop.variant(SAO1=1), await shop.variant(CWB1=1)
    order = await shop.advance(await shop.place((here, 1), (there, 1)), "ship")

    await shop.do(OPERATIONS, "shipmentDeliver", id=order["shipments"][0]["id"])
    half = await shop.order(order["id"])
    await shop.do(OPERATIONS, "shipmentDeliver", id=order["shipments"][1]["id"])
    whole = await shop.order(order["id"])

    assert [each["status"] for each in (half, whole)] == ["IN_FULFILLMENT", "COMPLETED"]
    assert whole["availableActions"] == []


async def test_late_words_of_a_carrier_move_nothing_back(shop: Shop) -> None:
    order = await shop.advance(await shop.place((await shop.variant(SAO1=1), 1)), "pack")
    work, number = order["fulfillmentOrders"][0], shop.new("BR")
    parcel = {"packageId": work["packages"][0]["id"], "trackingNumber": number}
    await shop.do(OPERATIONS, "shipmentCreate", fulfillmentOrderId=work["id"], carrier="correios", packages=[parcel])
    statuses, told = [], {}
    for day, code in enumerate(
        ("IN_TRANSIT", "PICKED_UP", "OUT_FOR_DELIVERY", "DELIVERED", "IN_TRANSIT", "DELIVERED"), 1
    ):
        said = {
            "carrier": "correios",
            "trackingNumber": number,
            "code": code,
            "occurredAt": f"2018-05-0{day}T00:00:00Z",
        }
        told = await shop.do(OPERATIONS, "trackingEventAdd", "shipment { status trackingEvents { code } }", **said)
        statuses.append(told["shipment"]["status"])

    assert statuses == ["IN_TRANSIT", "IN_TRANSIT", "OUT_FOR_DELIVERY", "DELIVERED", "DELIVERED", "DELIVERED"]
    assert len(told["shipment"]["trackingEvents"]) == 6
    assert (await shop.order(order["id"]))["lines"][0]["quantities"] == quantities(1, shipped=1, delivered=1)


# -- canceling -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("until", "left"),
    [
        (None, {"available": 5}),
        ("confirm", {"available": 5}),
        ("accept", {"available": 5}),
        ("pick", {"available": 3, "qualityControl": 2}),
        ("pack", {"available": 3, "qualityControl": 2}),
    ],
)
async def test_a_whole_cancellation_gives_everything_back_at_each_stage(
    shop: Shop, until: str | None, left: dict[str, int]
) -> None:
    sku = await shop.variant("10.00", SAO1=5)
    lines = [{"sku": sku, "quantity": 2}]
    order = await shop.place((sku, 2), viewer=HISTORIAN, lines=lines, shippingPrice=money("7.50"), token="tok_visa")
    order = await shop.advance(order, until) if until else order

    await shop.do(AGENT, "orderCancel", id=order["id"], reason="CUSTOMER_REQUEST")
    after = await shop.order(order["id"])

    assert (after["status"], after["paymentStatus"], after["balance"]) == ("CANCELED", "VOIDED", ZERO)
    assert {each["kind"]: each["amount"]["amount"] for each in after["adjustments"]} == {
        "ITEMS": "20.00",
        "SHIPPING": "7.50",
        "CANCELLATION": "-27.50",
    }
    assert [work["status"] for work in after["fulfillmentOrders"]] == ["CANCELED"]
    assert after["lines"][0]["quantities"] == quantities(2, canceled=2)
    assert await shop.stock(sku) == {"SAO1": {"onHand": 5, **left}}


@pytest.mark.parametrize(
    ("until", "stands", "left"),
    [
        (None, "allocated", {"available": 3, "allocated": 2}),
        ("accept", "allocated", {"available": 3, "allocated": 2}),
        ("pick", "picked", {"available": 2, "allocated": 2, "qualityControl": 1}),
        ("pack", "picked", {"available": 2, "allocated": 2, "qualityControl": 1}),
    ],
)
async def test_a_cancellation_in_part_leaves_the_rest_to_be_shipped(
    shop: Shop, until: str | None, stands: str, left: dict[str, int]
) -> None:
    sku = await shop.variant("10.00", SAO1=5)
    order = await shop.place((sku, 3), token="tok_visa")
    order = await shop.advance(order, until) if until else order
    lines = [{"orderLineId": order["lines"][0]["id"], "quantity": 1}]

    await shop.do(AGENT, "orderCancel", id=order["id"], reason="OTHER", lines=lines)
    after = await shop.order(order["id"])
    stock = await shop.stock(sku)
    after_all = after if until else await shop.confirm(after)
    for step in (shop.accept, shop.pick, shop.pack, shop.ship, shop.deliver):
        after_all = await step(after_all)

    assert after["lines"][0]["quantities"] == quantities(3, canceled=1, **{stands: 2})
    assert (after["balance"], after["total"]) == (money("20.00"), money("30.00"))
    assert stock == {"SAO1": {"onHand": 5, **left}}
    assert (after_all["status"], after_all["fulfillmentStatus"]) == ("COMPLETED", "FULFILLED")
    assert after_all["lines"][0]["quantities"] == quantities(3, canceled=1, shipped=2, delivered=2)
    assert sum(line["quantity"] for line in after_all["shipments"][0]["lines"]) == 2


async def test_parcels_hold_what_is_left_when_packed_units_are_canceled(shop: Shop) -> None:
    shirt, shoe = await shop.variant(SAO1=3), await shop.variant(SAO1=1)
    order = await shop.advance(await shop.place((shirt, 3), (shoe, 1)), "pick")
    work = order["fulfillmentOrders"][0]
    lines = {line["sku"]: line["id"] for line in work["lines"]}
    packages = [
        {"lines": [{"fulfillmentOrderLineId": lines[shirt], "quantity": 1}]},
        {"lines": [{"fulfillmentOrderLineId": lines[sku], "quantity": 1} for sku in (shirt, shoe)]},
        {"lines": [{"fulfillmentOrderLineId": lines[shirt], "quantity": 1}]},
    ]
    await shop.do(OPERATIONS, "fulfillmentOrderPack", id=work["id"], packages=packages)
    off = [{"orderLineId": line["id"], "quantity": 2} for line in order["lines"] if line["sku"] == shirt]
    before = (await shop.order(order["id"]))["fulfillmentOrders"][0]["packages"]

    await shop.do(AGENT, "orderCancel", id=order["id"], reason="OTHER", lines=off)
    packed = (await shop.order(order["id"]))["fulfillmentOrders"][0]["packages"]
    done = await shop.deliver(await shop.ship(await shop.order(order["id"])))

    assert (len(before), sum(line["quantity"] for package in packed for line in package["lines"])) == (3, 2)
    assert {package["id"] for package in packed} < {package["id"] for package in before}
    assert (done["status"], await shop.stock(shirt)) == ("COMPLETED", {"SAO1": {"onHand": 2, "qualityControl": 2}})


async def test_nothing_ships_that_is_not_packed_any_more(shop: Shop) -> None:
    shirt, shoe = await shop.variant(SAO1=1), await shop.variant(SAO1=1)
    order = await shop.advance(await shop.place((shirt, 1), (shoe, 1)), "pick")
    work, line = order["fulfillmentOrders"][0], order["lines"][0]
    (first,) = (each["id"] for each in work["lines"] if each["sku"] == line["sku"])
    packages = [{"lines": [{"fulfillmentOrderLineId": first, "quantity": 1}]}]
    await shop.do(OPERATIONS, "fulfillmentOrderPack", id=work["id"], packages=packages)
    off = [{"orderLineId": line["id"], "quantity": 1}]
    await shop.do(AGENT, "orderCancel", id=order["id"], reason="OTHER", lines=off)

    refusal = await shop.refused(OPERATIONS, "shipmentCreate", fulfillmentOrderId=work["id"], carrier="correios")
    await shop.do(OPERATIONS, "fulfillmentOrderPack", id=work["id"], packages=[{}])
    done = await shop.deliver(await shop.ship(await shop.order(order["id"])))

    assert refusal == {"code": "INVALID_INPUT", "field": ["packages"], "reason": "nothing is packed"}
    assert done["status"] == "COMPLETED"


async def test_canceling_the_last_units_completes_an_order_of_which_the_others_arrived(shop: Shop) -> None:
    here, there = await shop.variant(SAO1=1), await shop.variant(CWB1=1)
    order = await shop.advance(await shop.place((here, 1), (there, 1)), "confirm")
    (work,) = (each["id"] for each in order["fulfillmentOrders"] if each["location"]["code"] == "SAO1")
    await shop.do(OPERATIONS, "fulfillmentOrderAccept", id=work)
    order = await shop.deliver(await shop.ship(await shop.pack(await shop.pick(await shop.order(order["id"])))))

    await shop.do(AGENT, "orderCancel", id=order["id"], reason="OUT_OF_STOCK")
    after = await shop.order(order["id"])

    assert (order["status"], after["status"], after["fulfillmentStatus"]) == (
        "IN_FULFILLMENT",
        "COMPLETED",
        "FULFILLED",
    )
    assert [line["quantities"] for line in after["lines"]] == [
        quantities(1, shipped=1, delivered=1),
        quantities(1, canceled=1),
    ]


async def test_what_has_left_cannot_be_canceled(shop: Shop) -> None:
    order = await shop.bought(until="ship")
    assert await shop.refused(AGENT, "orderCancel", id=order["id"], reason="OTHER") == impossible(
        "IN_FULFILLMENT", "CANCEL"
    )
    assert "CANCEL" not in order["availableActions"]


async def test_a_customer_cancels_until_a_location_has_begun_and_is_told_so(shop: Shop) -> None:
    customer, sku = await shop.customer(), await shop.variant(SAO1=1)
    order = await shop.confirm(await shop.place((sku, 1), viewer=customer))
    asked = "query ($id: ID!) { order(id: $id) { availableActions } }"

    before = await shop.ask(customer, asked, id=order["id"])
    await shop.accept(order)
    after = await shop.ask(customer, asked, id=order["id"])
    refusal = await shop.refused(customer, "orderCancel", id=order["id"], reason="CUSTOMER_REQUEST")

    assert [each["order"]["availableActions"] for each in (before, after)] == [["CANCEL"], []]
    assert refusal == impossible("IN_FULFILLMENT", "CANCEL")


async def test_the_rest_of_a_line_is_canceled_by_its_parts(shop: Shop) -> None:
    sku = await shop.variant("10.00", SAO1=4)
    order = await shop.place((sku, 4), token="tok_visa")
    line = order["lines"][0]["id"]
    for _ in range(4):
        lines = [{"orderLineId": line, "quantity": 1}]
        await shop.do(AGENT, "orderCancel", id=order["id"], reason="OTHER", lines=lines)

    after = await shop.order(order["id"])

    assert (after["status"], after["balance"], after["paymentStatus"]) == ("CANCELED", ZERO, "VOIDED")


# -- routing -------------------------------------------------------------------------------------------------------


async def test_what_nobody_has_stays_open_until_it_can_be_routed(shop: Shop) -> None:
    sku = await shop.variant(SAO1=2)
    order = await shop.advance(await shop.place((sku, 2)), "accept")
    work = order["fulfillmentOrders"][0]
    lost = {"fulfillmentOrderLineId": work["lines"][0]["id"], "short": 2, "shortReason": "NOT_FOUND"}

    picked = await shop.do(OPERATIONS, "fulfillmentOrderPick", "rerouted { id }", id=work["id"], lines=[lost])
    nowhere = await shop.order(order["id"])
    await shop.do(AGENT, "orderRoute", id=order["id"])
    still = await shop.order(order["id"])
    await shop.count(sku, "CWB1", 5)
    await shop.do(AGENT, "orderRoute", id=order["id"])
    found = await shop.order(order["id"])

    assert picked == {"rerouted": []}
    assert [each["lines"][0]["quantities"] for each in (nowhere, still)] == [quantities(2, open=2)] * 2
    assert await shop.stock(sku) == {"SAO1": {}, "CWB1": {"onHand": 5, "available": 3, "allocated": 2}}
    assert work_of(found) == [("CWB1", "OPEN", [(2, 0)]), ("SAO1", "CANCELED", [(2, 0)])]
    decisions = await shop.contract(OPERATIONS, "WhyRouted", orderId=order["id"])
    assert decisions["routing"][1]["unfilled"] == [{"sku": sku, "quantity": 2, "reason": "NO_STOCK", "retryAt": None}]
    done = await shop.deliver(await shop.ship(await shop.pack(await shop.pick(await shop.accept(found)))))
    assert done["status"] == "COMPLETED"


async def test_routing_an_order_of_which_nothing_is_open_changes_nothing(shop: Shop) -> None:
    order = await shop.place((await shop.variant(SAO1=1), 1))
    await shop.do(AGENT, "orderRoute", id=order["id"])
    assert await shop.order(order["id"]) == order


async def test_short_units_need_a_reason(shop: Shop) -> None:
    order = await shop.advance(await shop.place((await shop.variant(SAO1=1), 1)), "accept")
    work = order["fulfillmentOrders"][0]
    lines = [{"fulfillmentOrderLineId": work["lines"][0]["id"], "short": 1}]
    refusal = await shop.refused(OPERATIONS, "fulfillmentOrderPick", id=work["id"], lines=lines)
    assert refusal == {
        "code": "INVALID_INPUT",
        "field": ["lines", "0", "shortReason"],
        "reason": "say why units are short",
    }


async def test_an_order_may_come_from_several_locations(shop: Shop) -> None:
    sku = await shop.variant(SAO1=2, RIO1=2, CWB1=2)
    order = await shop.place((sku, 5))
    assert work_of(order) == [
        ("CWB1", "SCHEDULED", [(2, 0)]),
        ("RIO1", "SCHEDULED", [(1, 0)]),
        ("SAO1", "SCHEDULED", [(2, 0)]),
    ]


# -- drafts --------------------------------------------------------------------------------------------------------


async def drafted(shop: Shop, viewer: Viewer, *lines: tuple[str, int], **given: str) -> Answer:
    """A draft as it stands."""
    wanted = [{"sku": sku, "quantity": units} for sku, units in lines]
    who = {"customer": {"email": f"{shop.new('dora')}@example.com"}, "shippingAddress": ADDRESS}
    made = await shop.do(viewer, "orderDraft", "order { id }", channel="web", lines=wanted, **who, **given)
    return await shop.order(made["order"]["id"])


async def test_a_draft_holds_nothing_and_is_placed_as_it_stands(shop: Shop) -> None:
    sku = await shop.variant("10.00", SAO1=5)
    draft = await drafted(shop, AGENT, (sku, 2), externalReference=shop.new("REF"), note="ring twice")
    before = await shop.stock(sku)

    method = {"provider": "test", "token": "tok_visa"}
    placed = await shop.do(AGENT, "orderPlace", "order { id note }", draftId=draft["id"], paymentMethod=method)
    order = await shop.order(draft["id"])

    assert (draft["status"], draft["balance"], before) == ("DRAFT", ZERO, {"SAO1": {"onHand": 5, "available": 5}})
    assert placed["order"] == {"id": draft["id"], "note": "ring twice"}
    assert (order["status"], order["number"], order["externalReference"]) == (
        "PENDING",
        draft["number"],
        draft["externalReference"],
    )
    assert [(line["sku"], line["quantities"]) for line in order["lines"]] == [(sku, quantities(2, allocated=2))]
    assert (order["total"], order["balance"], order["paymentStatus"]) == (money("20.00"), money("20.00"), "AUTHORIZED")
    assert await shop.stock(sku) == {"SAO1": {"onHand": 5, "available": 3, "allocated": 2}}
    again = await shop.refused(AGENT, "orderPlace", draftId=draft["id"])
    assert again == impossible("PENDING", "PLACE", "CONFIRM", "HOLD", "RELEASE_HOLD", "PIN", "CANCEL", "EXPIRE")
    done = await shop.advance(order, "deliver")
    assert done["status"] == "COMPLETED"


async def test_a_draft_is_placed_with_its_own_lines_and_what_else_is_given_goes_before_what_it_holds(
    shop: Shop,
) -> None:
    customer, sku = await shop.customer(), await shop.variant("3.00", SAO1=5)
    draft = await drafted(shop, customer, (sku, 4), note="old")
    lines = [{"sku": sku, "quantity": 1}]
    other = await shop.refused(customer, "orderPlace", draftId=draft["id"], lines=lines)
    stale = await shop.refused(customer, "orderPlace", draftId=draft["id"], expectedVersion=draft["version"] + 1)

    given = {"draftId": draft["id"], "note": "new", "expectedVersion": draft["version"]}
    placed = await shop.do(customer, "orderPlace", "order { note }", **given)
    order = await shop.order(draft["id"])

    reason = "a draft is placed with the lines it holds"
    assert other == {"code": "INVALID_INPUT", "field": ["lines"], "reason": reason}
    assert stale["code"] == "VERSION_CONFLICT"
    assert placed["order"] == {"note": "new"}
    assert [(line["sku"], line["quantities"]) for line in order["lines"]] == [(sku, quantities(4, allocated=4))]
    assert (order["total"], order["balance"]) == (money("12.00"), money("12.00"))


async def test_a_draft_takes_no_other_step_but_being_canceled(shop: Shop) -> None:
    sku = await shop.variant("10.00", SAO1=5)
    draft = await drafted(shop, AGENT, (sku, 2))
    id_, order_id = {"id": draft["id"]}, {"orderId": draft["id"]}
    allowed = ("PLACE", "CANCEL", "EXPIRE")

    refusals = [
        await shop.refused(AGENT, "orderConfirm", **id_),
        await shop.refused(AGENT, "orderHold", **id_, kind="MANUAL", reason="wait"),
        await shop.refused(AGENT, "orderRoute", **id_),
    ]
    pay = {"paymentMethod": {"provider": "test", "token": "tok_visa"}}
    paid = [
        await shop.refused(AGENT, "paymentAuthorize", **order_id, **pay),
        await shop.refused(OPERATIONS, "paymentCapture", **order_id, recorded=True, amount=money("1.00")),
    ]
    await shop.do(AGENT, "orderCancel", **id_, reason="OTHER")

    assert refusals == [impossible("DRAFT", action, *allowed) for action in ("CONFIRM", "HOLD", "ROUTE")]
    assert paid == [
        impossible("DRAFT", "AUTHORIZE", place="orderId"),
        impossible("DRAFT", "CAPTURE", place="orderId"),
    ]
    after = await shop.order(draft["id"])
    assert (after["status"], after["balance"], after["adjustments"]) == ("CANCELED", ZERO, [])
    assert (await shop.refused(AGENT, "orderPlace", draftId=draft["id"]))["state"] == "CANCELED"


# -- money ---------------------------------------------------------------------------------------------------------


async def test_money_is_promised_taken_in_parts_and_the_rest_released(shop: Shop) -> None:
    order = await shop.place((await shop.variant("100.00", SAO1=1), 1))
    id_ = {"orderId": order["id"]}
    pay = {"paymentMethod": {"provider": "test", "token": "tok_visa"}}
    entry = "order { paymentStatus balance { amount } } payments { kind status amount { amount } }"
    statuses = []
    steps: list[tuple[str, Answer]] = [
        ("paymentAuthorize", pay),
        ("paymentCapture", {"amount": money("30.00")}),
        ("paymentCapture", {"amount": money("20.00")}),
        ("paymentVoid", {}),
    ]
    for mutation, given in steps:
        done = await shop.do(AGENT, mutation, entry, **id_, **given)
        assert len(done["payments"]) == 1
        statuses.append((done["order"]["paymentStatus"], done["order"]["balance"]["amount"]))

    assert statuses == [
        ("AUTHORIZED", "100.00"),
        ("PARTIALLY_PAID", "70.00"),
        ("PARTIALLY_PAID", "50.00"),
        ("PARTIALLY_PAID", "50.00"),
    ]
    settled = [each for each in entries(await shop.order(order["id"])) if each[1] == "SUCCEEDED"]
    assert settled == [
        ("AUTHORIZATION", "SUCCEEDED", "100.00"),
        ("CAPTURE", "SUCCEEDED", "30.00"),
        ("CAPTURE", "SUCCEEDED", "20.00"),
        ("VOID", "SUCCEEDED", "50.00"),
    ]


async def test_no_more_is_taken_than_was_promised_and_nothing_released_twice(shop: Shop) -> None:
    order = await shop.place((await shop.variant("100.00", SAO1=1), 1), token="tok_visa")
    id_ = {"orderId": order["id"]}

    too_much = await shop.refused(AGENT, "paymentCapture", **id_, amount=money("100.01"))
    await shop.do(AGENT, "paymentVoid", **id_)
    nothing = await shop.refused(AGENT, "paymentCapture", **id_)
    twice = await shop.refused(AGENT, "paymentVoid", **id_)

    assert too_much == {"code": "AMOUNT_EXCEEDS", "field": ["amount"], "left": money("100.00")}
    assert nothing == {"code": "AMOUNT_EXCEEDS", "field": ["amount"], "left": ZERO}
    assert twice == impossible("VOIDED", "VOID", place="orderId")


async def test_refunds_end_at_what_was_captured(shop: Shop) -> None:
    order = await shop.captured(await shop.place((await shop.variant("100.00", SAO1=1), 1), token="tok_visa"))
    given = {"orderId": order["id"], "reason": "GOODWILL", "destination": "ORIGINAL_PAYMENT"}

    over = await shop.refused(AGENT, "refundCreate", **given, amount=money("100.01"))
    done = await shop.do(
        AGENT, "refundCreate", "refund { status reason amount { amount } }", **given, amount=money("60.00")
    )
    more = await shop.refused(AGENT, "refundCreate", **given, amount=money("40.01"))
    await shop.do(AGENT, "refundCreate", **given, amount=money("40.00"))
    last = await shop.refused(AGENT, "refundCreate", **given, amount=money("0.01"))
    after = await shop.order(order["id"])

    assert [each["refundable"] for each in (over, more, last)] == [money("100.00"), money("40.00"), ZERO]
    assert {each["code"] for each in (over, more, last)} == {"REFUND_EXCEEDS_BALANCE"}
    assert done["refund"] == {"status": "SUCCEEDED", "reason": "GOODWILL", "amount": {"amount": "60.00"}}
    assert (after["paymentStatus"], after["balance"]) == ("REFUNDED", ZERO)


async def test_goodwill_is_a_credit_and_paid_out_at_the_till_if_asked(shop: Shop) -> None:
    order = await shop.captured(await shop.place((await shop.variant("100.00", SAO1=1), 1), token="tok_visa"))
    given = {"orderId": order["id"], "amount": money("15.00"), "reason": "GOODWILL", "destination": "MANUAL"}

    await shop.do(AGENT, "refundCreate", **given, note="scratched")
    after = await shop.order(order["id"])

    assert [(each["kind"], each["amount"]["amount"]) for each in after["adjustments"]] == [
        ("ITEMS", "100.00"),
        ("GOODWILL", "-15.00"),
    ]
    assert entries(after)[-1] == ("REFUND", "SUCCEEDED", "15.00")
    assert (after["paymentStatus"], after["balance"]) == ("PARTIALLY_REFUNDED", ZERO)


async def test_what_happened_elsewhere_is_recorded_and_nobody_is_asked(shop: Shop) -> None:
    order = await shop.place((await shop.variant("80.00", SAO1=1), 1))
    id_ = {"orderId": order["id"]}

    await shop.do(OPERATIONS, "paymentAuthorize", **id_, method="credit_card", reference="X-1")
    await shop.do(OPERATIONS, "paymentCapture", **id_)
    taken = await shop.order(order["id"])
    await shop.do(OPERATIONS, "paymentCapture", **id_, recorded=True, amount=money("5.00"), method="voucher")
    over = await shop.order(order["id"])
    await shop.do(
        AGENT, "refundCreate", **id_, amount=money("5.00"), reason="OVERPAYMENT", destination="ORIGINAL_PAYMENT"
    )
    after = await shop.order(order["id"])

    assert (taken["paymentStatus"], taken["balance"]) == ("PAID", ZERO)
    assert (over["paymentStatus"], over["balance"]) == ("OVERPAID", money("-5.00"))
    assert entries(after) == [
        ("AUTHORIZATION", "SUCCEEDED", "80.00"),
        ("CAPTURE", "SUCCEEDED", "80.00"),
        ("CAPTURE", "SUCCEEDED", "5.00"),
        ("REFUND", "SUCCEEDED", "5.00"),
    ]
    assert (after["paymentStatus"], after["balance"]) == ("PARTIALLY_REFUNDED", ZERO)


async def test_a_declined_card_leaves_the_order_placed_and_unpaid(shop: Shop) -> None:
    sku = await shop.variant(SAO1=1)
    given: Answer = {"channel": "web", "lines": [{"sku": sku, "quantity": 1}]}
    given |= {"paymentMethod": {"provider": "test", "token": "tok_declined"}, "idempotencyKey": shop.new("key")}

    first = await shop.send(OPERATIONS, "orderPlace", "order { id }", **given)
    again = await shop.send(OPERATIONS, "orderPlace", "order { id }", **given)
    order = await shop.order(first["order"]["id"])
    pay = {"paymentMethod": {"provider": "test", "token": "tok_visa"}}
    await shop.do(OPERATIONS, "paymentAuthorize", orderId=order["id"], **pay)
    after = await shop.order(order["id"])

    assert first == again
    assert first["userErrors"] == [{"code": "PAYMENT_DECLINED", "field": None, "reason": "card_declined"}]
    assert (order["status"], order["paymentStatus"]) == ("PENDING", "NONE")
    assert [(each["status"], each["failure"]) for each in order["payments"]] == [
        ("REQUESTED", None),
        ("FAILED", "card_declined"),
    ]
    assert (after["paymentStatus"], len(after["payments"])) == ("AUTHORIZED", 4)


@pytest.mark.parametrize("provider", ["manual", "nobody", ""])
async def test_only_providers_that_take_tokens_are_given_tokens(shop: Shop, provider: str) -> None:
    order = await shop.place((await shop.variant(SAO1=2), 1))
    lines = [{"sku": order["lines"][0]["sku"], "quantity": 1}]
    method = {"provider": provider, "token": "tok_visa"}

    refusals = [
        await shop.refused(OPERATIONS, "orderPlace", channel="web", lines=lines, paymentMethod=method),
        await shop.refused(OPERATIONS, "paymentAuthorize", orderId=order["id"], paymentMethod=method),
    ]

    assert [(each["code"], each["field"]) for each in refusals] == [
        ("INVALID_INPUT", ["paymentMethod", "provider"])
    ] * 2


async def test_a_challenge_is_answered_and_the_payment_goes_on(shop: Shop) -> None:
    order = await shop.place((await shop.variant(SAO1=1), 1))
    given = {"orderId": order["id"], "paymentMethod": {"provider": "test", "token": "tok_challenge"}}
    selection = "paymentAction { kind redirectUrl clientSecret } order { paymentStatus }"
    key = shop.new("key")

    asked = await shop.do(OPERATIONS, "paymentAuthorize", selection, **given, idempotencyKey=key)
    again = await shop.do(OPERATIONS, "paymentAuthorize", selection, **given, idempotencyKey=key)

    assert asked == again
    assert asked["paymentAction"]["kind"] == "REDIRECT"
    assert asked["paymentAction"]["redirectUrl"].endswith(asked["paymentAction"]["clientSecret"])
    assert asked["order"] == {"paymentStatus": "NONE"}
    pay = {"paymentMethod": {"provider": "test", "token": "tok_challenge_passed"}}
    passed = await shop.do(OPERATIONS, "paymentAuthorize", selection, orderId=order["id"], **pay)
    assert passed == {"paymentAction": None, "order": {"paymentStatus": "AUTHORIZED"}}


class Silent(adapters.TestProvider):
    """Does as it is asked, then does not answer, or breaks the line, as long as `silence` lasts."""

    def __init__(self, silence: list[type[Exception]]) -> None:
        super().__init__()
        self.silence = silence
        self.asked: list[str] = []

    async def authorize(self, request: PaymentRequest) -> PaymentOutcome:
        """The deed is done whether or not anybody hears of it."""
        self.asked.append(request.idempotency_key)
        outcome = await super().authorize(request)
        if self.silence:
            raise self.silence.pop()
        return outcome


@asynccontextmanager
async def engine_with(provider: Silent, database_url: str) -> AsyncIterator[Engine]:
    """The engine on the shop's database, with a provider of our own behind the same protocol."""
    async with open_database(database_url, reads=2, writes=4) as database:
        yield Engine(build()._schema, World(database, providers={**adapters.providers(), "test": provider}))


PLACED = "mutation ($input: OrderPlaceInput!) { orderPlace(input: $input) { order { id } userErrors { code } } }"


async def place_with(engine: Engine, input_: Answer) -> Answer:
    """A placement's payload, straight from the engine."""
    answer = await engine.answer(Request(PLACED, None, {"input": input_}), OPERATIONS)
    return orjson.loads(answer)["data"]["orderPlace"]  # type: ignore[no-any-return]


@pytest.mark.parametrize("silence", [TimeoutError, ConnectionResetError])
async def test_a_lost_answer_is_asked_for_again_and_settles_the_payment_once(
    shop: Shop, database_url: str, silence: type[Exception]
) -> None:
    sku, provider = await shop.variant(SAO1=1), Silent([silence, silence])
    given: Answer = {"channel": "web", "lines": [{"sku": sku, "quantity": 1}], "idempotencyKey": shop.new("key")}
    given["paymentMethod"] = {"provider": "test", "token": "tok_visa"}

    async with engine_with(provider, database_url) as engine:
        payloads = [await place_with(engine, given) for _ in range(4)]

    assert len({payload["order"]["id"] for payload in payloads}) == 1
    assert [payload["userErrors"] for payload in payloads] == [
        [{"code": "PAYMENT_UNRESOLVED"}],
        [{"code": "PAYMENT_UNRESOLVED"}],
        [],
        [],
    ]
    assert provider.asked == provider.asked[:1] * 3
    order = await shop.order(payloads[0]["order"]["id"])
    assert [each["status"] for each in order["payments"]] == ["REQUESTED", "SUCCEEDED"]
    assert order["paymentStatus"] == "AUTHORIZED"


async def test_twins_that_settle_at_once_settle_once(shop: Shop, database_url: str) -> None:
    sku, provider = await shop.variant(SAO1=1), Silent([TimeoutError])
    given: Answer = {"channel": "web", "lines": [{"sku": sku, "quantity": 1}], "idempotencyKey": shop.new("key")}
    given["paymentMethod"] = {"provider": "test", "token": "tok_visa"}

    async with engine_with(provider, database_url) as engine:
        unresolved = await place_with(engine, given)
        twins = await asyncio.gather(*(place_with(engine, given) for _ in range(8)))

    assert unresolved["userErrors"] == [{"code": "PAYMENT_UNRESOLVED"}]
    assert [twin["userErrors"] for twin in twins] == [[]] * 8
    order = await shop.order(unresolved["order"]["id"])
    assert [each["status"] for each in order["payments"]] == ["REQUESTED", "SUCCEEDED"]


async def test_a_caller_waits_for_a_provider_less_long_than_for_a_connection() -> None:
    assert payments.PROVIDER_SECONDS <= 10


# -- returns -------------------------------------------------------------------------------------------------------


async def create_return(shop: Shop, order: Answer, units: int, viewer: Viewer = AGENT, **given: str) -> Answer:
    """An approved return of units of the order's first line."""
    lines = [{"orderLineId": order["lines"][0]["id"], "quantity": units, "reason": "DOES_NOT_FIT"}]
    made = await shop.do(
        viewer, "returnCreate", "return { id status lines { id } }", method="MAIL", lines=lines, **given
    )
    return made["return"]  # type: ignore[no-any-return]


async def receive(shop: Shop, back: Answer, units: int, code: str = "SAO1") -> Answer:
    """Units of a return's first line arrive."""
    lines = [{"returnLineId": back["lines"][0]["id"], "quantity": units}]
    given = {"id": back["id"], "locationId": shop.places[code], "lines": lines}
    return (await shop.do(OPERATIONS, "returnReceive", "return { status }", **given))["return"]  # type: ignore[no-any-return]


async def inspect(shop: Shop, back: Answer, *found: tuple[int, str]) -> Answer:
    """What was found of a return's first line: (units, disposition)."""
    line = back["lines"][0]["id"]
    lines = [
        {"returnLineId": line, "quantity": units, "condition": "OPENED", "disposition": disposition}
        for units, disposition in found
    ]
    selection = "return { status refunds { status amount { amount } } }"
    return (await shop.do(OPERATIONS, "returnInspect", selection, id=back["id"], lines=lines))["return"]  # type: ignore[no-any-return]


async def test_no_more_comes_back_than_was_delivered_however_often_it_is_asked(shop: Shop) -> None:
    order = await shop.bought(units=3)
    line = order["lines"][0]["id"]
    announced = {"orderLineId": line, "reason": "OTHER"}
    left = {"code": "NOT_RETURNABLE", "field": ["lines", "0", "quantity"], "orderLineId": line}

    too_many = await shop.refused(AGENT, "returnRequest", method="MAIL", lines=[{**announced, "quantity": 4}])
    await create_return(shop, order, 2)
    second = await shop.refused(AGENT, "returnRequest", method="MAIL", lines=[{**announced, "quantity": 2}])
    await create_return(shop, order, 1)
    third = await shop.refused(AGENT, "returnRequest", method="MAIL", lines=[{**announced, "quantity": 1}])

    assert too_many == {**left, "reason": "ALREADY_RETURNED", "returnableQuantity": 3}
    assert second == {**left, "reason": "ALREADY_RETURNED", "returnableQuantity": 1}
    assert third == {**left, "reason": "ALREADY_RETURNED", "returnableQuantity": 0}


async def test_the_same_line_twice_counts_twice(shop: Shop) -> None:
    order = await shop.bought(units=2)
    line = {"orderLineId": order["lines"][0]["id"], "quantity": 1, "reason": "OTHER"}
    over = await shop.refused(AGENT, "returnRequest", method="MAIL", lines=[{**line, "quantity": 2}, line])
    assert (over["code"], over["returnableQuantity"]) == ("NOT_RETURNABLE", 2)


async def test_nothing_comes_back_when_the_window_is_closed(shop: Shop) -> None:
    order = await shop.bought(until="ship")
    long_ago = (datetime.now(UTC) - timedelta(days=31)).isoformat()
    await shop.do(HISTORIAN, "shipmentDeliver", id=order["shipments"][0]["id"], occurredAt=long_ago)
    line = order["lines"][0]["id"]
    lines = [{"orderLineId": line, "quantity": 1, "reason": "OTHER"}]

    refusal = await shop.refused(AGENT, "returnRequest", method="MAIL", lines=lines)
    in_time = (datetime.now(UTC) - timedelta(days=2)).isoformat()
    allowed = await shop.do(
        HISTORIAN, "returnRequest", "return { status }", method="MAIL", lines=lines, occurredAt=in_time
    )

    assert refusal == {
        "code": "NOT_RETURNABLE",
        "field": ["lines", "0", "quantity"],
        "orderLineId": line,
        "reason": "WINDOW_CLOSED",
        "returnableQuantity": 0,
    }
    assert allowed["return"] == {"status": "REQUESTED"}


async def test_units_arrive_in_rounds_and_each_goes_where_it_belongs(shop: Shop) -> None:
    order = await shop.captured(await shop.bought("10.00", units=6))
    sku = order["lines"][0]["sku"]
    first, second = await create_return(shop, order, 4), await create_return(shop, order, 2)

    arrived = [await receive(shop, first, 1, "CWB1"), await receive(shop, first, 3, "CWB1")]
    seen = [
        await inspect(shop, first, (1, "RESTOCK"), (1, "DAMAGED")),
        await inspect(shop, first, (1, "DISPOSE"), (1, "REFURBISH")),
    ]
    await shop.do(OPERATIONS, "returnClose", id=first["id"])
    stock = await shop.stock(sku)
    await receive(shop, second, 1, "CWB1")
    await inspect(shop, second, (1, "QUARANTINE"))
    await shop.do(OPERATIONS, "returnClose", id=second["id"])  # the other unit never came
    after = await shop.order(order["id"])

    assert [each["status"] for each in arrived] == ["PARTIALLY_RECEIVED", "RECEIVED"]
    assert [[refund["amount"]["amount"] for refund in each["refunds"]] for each in seen] == [["20.00"], ["20.00"] * 2]
    assert stock["CWB1"] == {"onHand": 3, "available": 1, "qualityControl": 1, "damaged": 1}
    assert after["lines"][0]["quantities"] == quantities(6, shipped=6, delivered=6, returned=5)
    assert (after["returnStatus"], after["paymentStatus"], after["balance"]) == (
        "PARTIALLY_RETURNED",
        "PARTIALLY_REFUNDED",
        ZERO,
    )
    assert [each["status"] for each in after["returns"]] == ["CLOSED", "CLOSED"]
    third = await create_return(shop, after, 1)
    assert third["status"] == "APPROVED"


async def test_the_rest_of_a_return_arrives_where_the_first_units_did(shop: Shop) -> None:
    order = await shop.bought(units=2)
    back = await create_return(shop, order, 2)
    await receive(shop, back, 1, "SAO1")
    lines = [{"returnLineId": back["lines"][0]["id"], "quantity": 1}]

    refusal = await shop.refused(
        OPERATIONS, "returnReceive", id=back["id"], locationId=shop.places["CWB1"], lines=lines
    )

    assert (refusal["code"], refusal["field"]) == ("INVALID_INPUT", ["locationId"])
    await receive(shop, back, 1, "SAO1")
    await inspect(shop, back, (2, "RESTOCK"))


async def test_what_was_not_paid_is_not_paid_back(shop: Shop) -> None:
    order = await shop.bought("10.00", units=3)
    await shop.do(AGENT, "paymentCapture", orderId=order["id"], amount=money("25.00"))
    back = await create_return(shop, order, 1)
    await receive(shop, back, 1)

    seen = await inspect(shop, back, (1, "RESTOCK"))
    after = await shop.order(order["id"])

    assert [refund["amount"]["amount"] for refund in seen["refunds"]] == ["5.00"]  # 30 − 10 is owed, 25 was paid
    assert (after["balance"], after["paymentStatus"]) == (ZERO, "PARTIALLY_REFUNDED")


async def test_at_the_counter_the_state_of_the_goods_and_the_place_must_be_told(shop: Shop) -> None:
    order, store = await shop.bought(), shop.store("RIO1")
    line = {"orderLineId": order["lines"][0]["id"], "quantity": 1, "reason": "OTHER"}
    given = {"method": "IN_STORE", "receiveNow": True}
    place = {"locationId": shop.places["RIO1"]}
    found = {**line, "condition": "USED", "disposition": "MISSING"}

    refusals = [
        await shop.refused(store, "returnCreate", **given, lines=[line]),
        await shop.refused(store, "returnCreate", **given, **place, lines=[line]),
        await shop.refused(store, "returnCreate", **given, locationId=shop.places["SAO1"], lines=[found]),
        await shop.refused(store, "returnCreate", **given, **place, lines=[found]),
    ]

    assert [(each["code"], each["field"]) for each in refusals] == [
        ("INVALID_INPUT", ["locationId"]),
        ("INVALID_INPUT", ["lines", "0"]),
        ("NOT_FOUND", ["locationId"]),
        ("INVALID_INPUT", ["lines", "0", "disposition"]),
    ]
    assert (await shop.order(order["id"]))["returns"] == []


async def test_a_store_cannot_touch_another_stores_return(shop: Shop) -> None:
    order = await shop.bought()
    back = await create_return(shop, order, 1)
    await receive(shop, back, 1, "SAO1")
    lines = [{"returnLineId": back["lines"][0]["id"], "quantity": 1, "condition": "USED", "disposition": "RESTOCK"}]

    refusal = await shop.refused(shop.store("RIO1"), "returnInspect", id=back["id"], lines=lines)

    assert refusal == {"code": "NOT_FOUND", "field": ["id"], "noun": "Return", "id": back["id"]}


async def test_a_guest_follows_their_order_through_a_return(shop: Shop) -> None:
    order = await shop.bought()
    guest = replace(shop.guest(order))
    lines = [{"orderLineId": order["lines"][0]["id"], "quantity": 2, "reason": "ARRIVED_LATE", "comment": "too late"}]

    made = await shop.do(
        guest, "returnRequest", "return { status estimatedRefund { amount } }", method="MAIL", lines=lines
    )

    assert made["return"] == {"status": "REQUESTED", "estimatedRefund": {"amount": "100.00"}}
