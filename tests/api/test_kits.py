"""Kits through the API: one line and one price for the buyer, components for everybody who touches them."""

from typing import Any

import pytest

from tests.api.shop import AGENT, OPERATIONS, Answer, Shop, money, quantities
from tests.api.test_reservations import held, ledger, reserve

PARTS = """lines { id sku quantity quantities { ordered open backordered allocated picked shipped delivered canceled returned }
    returnability { returnable quantity reason }
    components { id sku quantity unitPrice { amount } kit { sku } returnability { returnable reason }
      quantities { ordered open backordered allocated picked shipped delivered canceled returned } } }"""


async def kit(shop: Shop, *parts: tuple[str, int], price: str = "100.00") -> str:
    """A fresh kit of (SKU, units)."""
    sku = shop.new("KIT")
    components = [{"sku": part, "quantity": units} for part, units in parts]
    prices = [{"channel": "web", "price": money(price)}]
    variants = [{"sku": sku, "name": sku.title(), "prices": prices, "components": components}]
    await shop.do(OPERATIONS, "variantsSet", variants=variants)
    return sku


async def lines(shop: Shop, order: Answer) -> list[Answer]:
    """The lines of an order, each with its components."""
    asked = f"query ($id: ID!) {{ order(id: $id) {{ {PARTS} }} }}"
    return (await shop.ask(OPERATIONS, asked, id=order["id"]))["order"]["lines"]  # type: ignore[no-any-return]


def units(line: Answer) -> Answer:
    """Where a line's units are, without the zeros."""
    return {name: many for name, many in line["quantities"].items() if many and name != "ordered"}


async def bundle(shop: Shop, **stock: Any) -> tuple[str, str, str]:
    """A kit of one shirt and two socks, and its components."""
    shirt, sock = await shop.variant("60.00", SAO1=10), await shop.variant("30.00", SAO1=10)
    return await kit(shop, (shirt, 1), (sock, 2), **stock), shirt, sock


async def test_a_kit_is_bought_as_one_line_and_ships_as_its_components(shop: Shop) -> None:
    outfit, shirt, sock = await bundle(shop)

    order = await shop.place((outfit, 2), token="tok_visa")

    assert order["total"] == money("200.00")
    (line,) = await lines(shop, order)
    assert (line["sku"], line["quantity"], line["quantities"]) == (outfit, 2, quantities(2, allocated=2))
    parts = {part["sku"]: part for part in line["components"]}
    assert {sku: (part["quantity"], part["unitPrice"]["amount"], part["kit"]) for sku, part in parts.items()} == {
        shirt: (2, "0.00", {"sku": outfit}),
        sock: (4, "0.00", {"sku": outfit}),
    }
    assert await shop.stock(shirt) == {"SAO1": {"onHand": 10, "available": 8, "allocated": 2}}
    assert await shop.stock(sock) == {"SAO1": {"onHand": 10, "available": 6, "allocated": 4}}
    (work,) = order["fulfillmentOrders"]
    assert {(part["sku"], part["quantity"]) for part in work["lines"]} == {(shirt, 2), (sock, 4)}

    for step, stand in (("pick", "picked"), ("ship", "shipped")):
        order = await shop.advance(order, step) if step == "pick" else await shop.ship(await shop.pack(order))
        assert units((await lines(shop, order))[0]) == {stand: 2}
    order = await shop.deliver(order)
    assert units((await lines(shop, order))[0]) == {"shipped": 2, "delivered": 2}
    assert (order["status"], order["fulfillmentStatus"]) == ("COMPLETED", "FULFILLED")


async def test_a_kit_is_sold_as_long_as_its_scarcest_component(shop: Shop) -> None:
    outfit, _, sock = await bundle(shop)
    wanted = {"channel": "web", "lines": [{"sku": outfit, "quantity": 6}]}
    for mutation, more in (("orderPlace", {}), ("stockReserve", {"reference": "kits"})):
        refusal = await shop.refused(AGENT, mutation, **wanted, **more)
        assert refusal == {
            "code": "INSUFFICIENT_STOCK", "field": ["lines"], "sku": outfit, "requested": 6, "sellable": 5,
        }  # fmt: skip
    await shop.place((outfit, 4), (sock, 2))
    refusal = await shop.refused(AGENT, "orderPlace", channel="web", lines=[{"sku": outfit, "quantity": 1}])
    assert (refusal["requested"], refusal["sellable"]) == (1, 0)


async def test_a_kit_is_as_far_as_its_last_component(shop: Shop) -> None:
    outfit, shirt, _ = await bundle(shop)
    order = await shop.advance(await shop.place((outfit, 2)), "accept")
    work = order["fulfillmentOrders"][0]
    shirts = next(part for part in work["lines"] if part["sku"] == shirt)
    found = [{"fulfillmentOrderLineId": shirts["id"], "picked": 2}]

    await shop.do(OPERATIONS, "fulfillmentOrderPick", id=work["id"], lines=found)

    (line,) = await lines(shop, order)
    assert units(line) == {"allocated": 2}
    assert [units(part) for part in line["components"] if part["sku"] == shirt] == [{"picked": 2}]


async def test_a_component_that_is_not_found_leaves_its_kit_open(shop: Shop) -> None:
    shirt, sock = await shop.variant(SAO1=1), await shop.variant(SAO1=2)
    outfit = await kit(shop, (shirt, 1), (sock, 2))
    order = await shop.advance(await shop.place((outfit, 1)), "accept")
    work = order["fulfillmentOrders"][0]
    socks = next(part for part in work["lines"] if part["sku"] == sock)
    found = [{"fulfillmentOrderLineId": socks["id"], "picked": 1, "short": 1, "shortReason": "NOT_FOUND"}]

    await shop.do(OPERATIONS, "fulfillmentOrderPick", id=work["id"], lines=found)

    (line,) = await lines(shop, order)
    assert units(line) == {"open": 1}


async def test_a_kit_is_called_off_whole_and_its_price_given_back(shop: Shop) -> None:
    outfit, shirt, sock = await bundle(shop)
    order = await shop.place((outfit, 3), token="tok_visa")
    (line,) = await lines(shop, order)
    part = line["components"][0]
    one = {"id": order["id"], "reason": "OTHER"}

    refusal = await shop.refused(OPERATIONS, "orderCancel", **one, lines=[{"orderLineId": part["id"], "quantity": 1}])
    assert (refusal["code"], refusal["field"]) == ("INVALID_INPUT", ["lines", "0", "orderLineId"])
    await shop.do(OPERATIONS, "orderCancel", **one, lines=[{"orderLineId": line["id"], "quantity": 1}])

    (line,) = await lines(shop, order)
    assert units(line) == {"canceled": 1, "allocated": 2}
    assert {part["sku"]: units(part) for part in line["components"]} == {
        shirt: {"canceled": 1, "allocated": 2},
        sock: {"canceled": 2, "allocated": 4},
    }
    assert (await shop.order(order["id"]))["balance"] == money("200.00")
    assert await shop.stock(sock) == {"SAO1": {"onHand": 10, "available": 6, "allocated": 4}}
    await shop.do(OPERATIONS, "orderCancel", **one)
    after = await shop.order(order["id"])
    assert (after["status"], after["balance"]) == ("CANCELED", money("0.00"))


async def test_a_kit_of_which_a_part_has_left_is_not_called_off(shop: Shop) -> None:
    shirt, sock = await shop.variant(SAO1=1), await shop.variant(CWB1=2)
    order = await shop.place((await kit(shop, (shirt, 1), (sock, 2)), 1))
    assert len(order["fulfillmentOrders"]) == 2
    order = await shop.advance(order, "confirm")
    first = next(work for work in order["fulfillmentOrders"] if work["location"]["code"] == "SAO1")
    for mutation, more in (
        ("fulfillmentOrderAccept", {}),
        ("fulfillmentOrderPick", {}),
        ("fulfillmentOrderPack", {"packages": [{"weightGrams": 1}]}),
    ):
        await shop.do(OPERATIONS, mutation, id=first["id"], **more)
    await shop.do(OPERATIONS, "shipmentCreate", fulfillmentOrderId=first["id"], carrier="correios")

    refusal = await shop.refused(OPERATIONS, "orderCancel", id=order["id"], reason="OTHER")

    assert refusal["code"] == "INVALID_TRANSITION"
    (line,) = await lines(shop, order)
    assert units(line) == {"allocated": 1}
    assert (await shop.order(order["id"]))["fulfillmentStatus"] == "PARTIALLY_FULFILLED"


async def test_a_kit_comes_back_whole_and_its_price_is_given_back(shop: Shop) -> None:
    outfit, shirt, sock = await bundle(shop)
    order = await shop.captured(await shop.place((outfit, 2), token="tok_visa"))
    order = await shop.advance(order, "deliver")
    (line,) = await lines(shop, order)
    assert line["returnability"] == {"returnable": True, "quantity": 2, "reason": None}
    assert {part["returnability"]["reason"] for part in line["components"]} == {"PART_OF_A_KIT"}
    part = {"orderLineId": line["components"][0]["id"], "quantity": 1, "reason": "OTHER"}
    refusal = await shop.refused(OPERATIONS, "returnRequest", method="MAIL", lines=[part])
    assert (refusal["code"], refusal["reason"]) == ("NOT_RETURNABLE", "PART_OF_A_KIT")

    back = [{"orderLineId": line["id"], "quantity": 1, "reason": "OTHER"}]
    made = await shop.do(
        OPERATIONS, "returnCreate", "return { id lines { id quantity } }", method="MAIL", lines=back, receiveNow=False
    )
    returned = made["return"]
    assert [each["quantity"] for each in returned["lines"]] == [1]
    where = {"id": returned["id"], "locationId": shop.places["RIO1"]}
    part_of = returned["lines"][0]["id"]
    await shop.do(OPERATIONS, "returnReceive", **where, lines=[{"returnLineId": part_of, "quantity": 1}])
    assert (await shop.stock(sock))["RIO1"] == {"onHand": 2, "qualityControl": 2}
    found = {"returnLineId": part_of, "quantity": 1, "condition": "LIKE_NEW", "disposition": "RESTOCK"}
    await shop.do(OPERATIONS, "returnInspect", id=returned["id"], lines=[found])

    assert (await shop.stock(shirt))["RIO1"] == {"onHand": 1, "available": 1}
    assert (await shop.stock(sock))["RIO1"] == {"onHand": 2, "available": 2}
    (line,) = await lines(shop, order)
    assert units(line) == {"shipped": 2, "delivered": 2, "returned": 1}
    after = await shop.order(order["id"])
    assert [refund["amount"] for refund in after["returns"][0]["refunds"]] == [{"amount": "100.00"}]
    assert after["returnStatus"] == "PARTIALLY_RETURNED"


async def test_a_kit_is_reserved_by_its_components(shop: Shop) -> None:
    outfit, shirt, sock = await bundle(shop)

    cart = await reserve(shop, (outfit, 2), (sock, 1))
    assert held(cart) == {(shirt, 2, "SAO1"), (sock, 5, "SAO1")}
    await shop.place((outfit, 1), viewer=AGENT, reservationId=cart["id"])

    assert await shop.stock(sock) == {"SAO1": {"onHand": 10, "available": 8, "allocated": 2}}
    assert [entry[:4] for entry in await ledger(shop, sock)] == [
        ("RESERVE", 5, "AVAILABLE", "RESERVED"),
        ("ALLOCATE", 2, "RESERVED", "ALLOCATED"),
        ("RELEASE", 3, "RESERVED", "AVAILABLE"),
    ]


async def test_a_draft_of_a_kit_is_taken_apart_when_it_is_placed(shop: Shop) -> None:
    outfit, shirt, sock = await bundle(shop)
    draft = await shop.do(AGENT, "orderDraft", "order { id }", channel="web", lines=[{"sku": outfit, "quantity": 1}])
    assert [line["components"] for line in await lines(shop, draft["order"])] == [[]]

    await shop.do(AGENT, "orderPlace", draftId=draft["order"]["id"], customer={"email": "kit@example.com"})

    (line,) = await lines(shop, draft["order"])
    assert {part["sku"] for part in line["components"]} == {shirt, sock}


async def test_orders_keep_what_their_kits_consisted_of(shop: Shop) -> None:
    outfit, shirt, sock = await bundle(shop)
    order = await shop.place((outfit, 1))
    changed = [{"sku": outfit, "name": "Outfit", "components": [{"sku": shirt, "quantity": 3}]}]
    await shop.do(OPERATIONS, "variantsSet", variants=changed)

    (line,) = await lines(shop, order)
    assert {(part["sku"], part["quantity"]) for part in line["components"]} == {(shirt, 1), (sock, 2)}
    asked = "query ($sku: String!) { variant(sku: $sku) { components { quantity variant { sku } } } }"
    found = (await shop.ask(OPERATIONS, asked, sku=outfit))["variant"]["components"]
    assert found == [{"quantity": 3, "variant": {"sku": shirt}}]


async def test_a_variant_without_components_is_no_kit_any_more(shop: Shop) -> None:
    outfit, _, _ = await bundle(shop)
    await shop.do(OPERATIONS, "variantsSet", variants=[{"sku": outfit, "name": "Kept as it is"}])
    assert (await shop.refused(OPERATIONS, "stockAdjust", **_count(shop, outfit)))["code"] == "INVALID_INPUT"
    await shop.do(OPERATIONS, "variantsSet", variants=[{"sku": outfit, "name": "Whole", "components": []}])
    await shop.do(OPERATIONS, "stockAdjust", **_count(shop, outfit))
    assert await shop.stock(outfit) == {"SAO1": {"onHand": 1, "available": 1}}


def _count(shop: Shop, sku: str) -> Answer:
    lines = [{"sku": sku, "setOnHand": 1}]
    return {"locationId": shop.places["SAO1"], "reason": "RECEIVED", "lines": lines}


async def test_kits_that_make_no_sense_are_refused(shop: Shop) -> None:
    outfit, shirt, sock = await bundle(shop)
    new = shop.new("KIT")

    async def refused(sku: str, *parts: tuple[str, int]) -> tuple[str, list[str]]:
        components = [{"sku": part, "quantity": units} for part, units in parts]
        refusal = await shop.refused(
            OPERATIONS, "variantsSet", variants=[{"sku": sku, "name": sku, "components": components}]
        )
        return refusal["code"], refusal["field"]

    place = ["variants", "0", "components"]
    assert await refused(new, ("nope", 1)) == ("UNKNOWN_SKU", [*place, "0", "sku"])
    assert await refused(new, (shirt, 0)) == ("INVALID_INPUT", [*place, "0", "quantity"])
    assert await refused(new, (shirt, 1_001)) == ("INVALID_INPUT", [*place, "0", "quantity"])
    assert await refused(new, (shirt, 1), (shirt, 1)) == ("INVALID_INPUT", place)
    assert await refused(new, (new, 1)) == ("INVALID_INPUT", [*place, "0", "sku"])
    assert await refused(new, (outfit, 1)) == ("INVALID_INPUT", ["variants"])
    other = await shop.variant()
    assert await refused(sock, (other, 1)) == ("INVALID_INPUT", ["variants"])
    stocked = await shop.variant(SAO1=1)
    assert await refused(stocked, (other, 1)) == ("INVALID_INPUT", place)
    assert (await shop.ask(OPERATIONS, "query ($s: String!) { variant(sku: $s) { id } }", s=new)) == {"variant": None}


@pytest.mark.parametrize("first", [0, 1])
async def test_whichever_comes_first_kits_are_not_nested(shop: Shop, first: int) -> None:
    inner, part, outer = await shop.variant(), await shop.variant(), await shop.variant()
    sets = [
        [{"sku": outer, "name": "outer", "components": [{"sku": inner}]}],
        [{"sku": inner, "name": "inner", "components": [{"sku": part}]}],
    ]
    await shop.do(OPERATIONS, "variantsSet", variants=sets[first])
    refusal = await shop.refused(OPERATIONS, "variantsSet", variants=sets[1 - first])
    assert refusal["code"] == "INVALID_INPUT"


async def test_a_kit_waits_for_a_component_that_may_be_backordered(shop: Shop) -> None:
    shirt, sock = await shop.variant(SAO1=3), await shop.variant(SAO1=1)
    outfit = await kit(shop, (shirt, 1), (sock, 2))
    given = {"sku": sock, "name": "Sock", "backorder": {"policy": "BACKORDER"}}
    await shop.do(OPERATIONS, "variantsSet", variants=[given])

    order = await shop.place((outfit, 1))

    (line,) = await lines(shop, order)
    assert units(line) == {"backordered": 1}
    assert {part["sku"]: units(part) for part in line["components"]} == {
        shirt: {"allocated": 1},
        sock: {"allocated": 1, "backordered": 1},
    }
    await shop.do(OPERATIONS, "orderCancel", id=order["id"], reason="OTHER")
    (line,) = await lines(shop, order)
    assert units(line) == {"canceled": 1}
