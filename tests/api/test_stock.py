"""Stock through the API: its ledger, what it was at any moment before, and what may be undone."""

import random
from typing import Any

from domain.viewer import Scope
from tests.api.shop import AGENT, OPERATIONS, Answer, Shop, app
from tests.contract import document

LEVELS = """
    query ($sku: String, $at: DateTime) {
      stockLevels(first: 100, filter: { sku: $sku }, asOf: $at) {
        nodes { location { code } onHand available reserved allocated safetyStock qualityControl damaged version }
      }
    }
"""
MOVES = """
    query ($sku: String!) {
      stockMovements(first: 100, filter: { sku: $sku }) {
        nodes { id kind quantity fromBucket toBucket recordedAt reason reverses { id } cause { __typename } }
      }
    }
"""


async def levels(shop: Shop, sku: str, at: str | None = None) -> dict[str, Answer]:
    """What each location has, or had."""
    found = await shop.ask(OPERATIONS, LEVELS, sku=sku, at=at)
    return {node.pop("location")["code"]: node for node in found["stockLevels"]["nodes"]}


async def moves(shop: Shop, sku: str) -> list[Answer]:
    """The ledger of a SKU, the latest first."""
    found = await shop.ask(OPERATIONS, MOVES, sku=sku)
    return found["stockMovements"]["nodes"]  # type: ignore[no-any-return]


async def redispose(shop: Shop, sku: str, units: int, was: str, becomes: str, code: str = "SAO1") -> Answer:
    """Judge units anew."""
    lines = [{"sku": sku, "quantity": units, "from": was, "to": becomes}]
    return await shop.send(OPERATIONS, "stockRedispose", "levels { available qualityControl damaged onHand }",
                           locationId=shop.places[code], lines=lines)  # fmt: skip


async def refusal(shop: Shop, *given: Any) -> Answer:
    """Why units cannot be judged anew."""
    payload = await redispose(shop, *given)
    (found,) = payload["userErrors"]
    return found  # type: ignore[no-any-return]


# -- the ledger ----------------------------------------------------------------------------------------------------


async def test_the_ledger_tells_every_movement_and_what_was_there_at_any_moment(shop: Shop) -> None:
    sku = await shop.variant(SAO1=40)
    (received,) = await moves(shop, sku)
    order = await shop.place((sku, 3))

    found = await shop.ask(OPERATIONS, document("Ledger"), sku=sku, at=received["recordedAt"])

    allocated, counted = [edge["node"] for edge in found["stockMovements"]["edges"]]
    assert (allocated["kind"], allocated["quantity"]) == ("ALLOCATE", 3)
    assert (allocated["fromBucket"], allocated["fromBalanceAfter"]) == ("AVAILABLE", 37)
    assert (allocated["toBucket"], allocated["toBalanceAfter"]) == ("ALLOCATED", 3)
    assert allocated["cause"]["__typename"] == "RoutingDecision"
    assert allocated["actor"] == {"displayName": "Olga"}
    assert (counted["kind"], counted["fromBucket"], counted["toBalanceAfter"]) == ("RECEIVE", None, 40)
    (then,) = [edge["node"] for edge in found["stockLevels"]["edges"]]
    assert (then["location"]["code"], then["onHand"], then["available"]) == ("SAO1", 40, 40)
    assert (await levels(shop, sku))["SAO1"]["allocated"] == order["lines"][0]["quantities"]["allocated"] == 3


async def test_before_anything_was_recorded_a_level_is_empty(shop: Shop) -> None:
    sku = await shop.variant(SAO1=4)
    (then,) = (await levels(shop, sku, "2001-01-01T00:00:00Z")).values()
    assert set(then.values()) == {0}


async def test_any_moment_reads_as_the_levels_said_then(shop: Shop) -> None:
    """Random histories; after each step the levels are written down, and all of them are asked for at the end."""
    chance = random.Random(5)
    for _ in range(3):
        sku = await shop.variant(SAO1=20, CWB1=20)
        written: list[tuple[str, dict[str, Answer]]] = []
        for _ in range(25):
            await _anything(shop, sku, chance)
            last = (await moves(shop, sku))[0]["recordedAt"]
            written.append((last, await levels(shop, sku)))
        for at, then in written:
            assert await levels(shop, sku, at) == then


async def _anything(shop: Shop, sku: str, chance: random.Random) -> None:
    """One of the things that move stock; a refusal moves nothing."""
    code, units = chance.choice(["SAO1", "CWB1"]), chance.randint(1, 6)
    match chance.randint(0, 5):
        case 0:
            lines = [{"sku": sku, "setOnHand": 20 + units}]
            await shop.send(OPERATIONS, "stockAdjust", locationId=shop.places[code], reason="CYCLE_COUNT", lines=lines)
        case 1:
            await redispose(shop, sku, units, "RESTOCK", chance.choice(["QUARANTINE", "DAMAGED"]), code)
        case 2:
            await redispose(shop, sku, units, "QUARANTINE", chance.choice(["RESTOCK", "DISPOSE"]), code)
        case 3:
            order = await shop.place((sku, units))
            if chance.random() < 0.5:
                await shop.send(OPERATIONS, "orderCancel", id=order["id"], reason="OTHER")
        case 4:
            await shop.advance(await shop.place((sku, units)), chance.choice(["pick", "ship"]))
        case 5:
            entry = chance.choice(await moves(shop, sku))
            await shop.send(OPERATIONS, "stockMovementReverse", id=entry["id"])


async def test_a_store_sees_its_own_levels_alone(shop: Shop) -> None:
    sku = await shop.variant(SAO1=4, RIO1=2)
    found = await shop.ask(shop.store("RIO1"), LEVELS, sku=sku)
    assert [node["location"]["code"] for node in found["stockLevels"]["nodes"]] == ["RIO1"]
    found = await shop.ask(shop.shopper(), LEVELS, sku=sku)
    assert found["stockLevels"]["nodes"] == []


# -- judged anew -----------------------------------------------------------------------------------------------------


async def test_units_come_out_of_quarantine(shop: Shop) -> None:
    sku = await shop.variant(SAO1=5)
    await redispose(shop, sku, 2, "RESTOCK", "QUARANTINE")

    payload = await shop.contract(OPERATIONS, "Redispose", sku=sku, locationId=shop.places["SAO1"], key=shop.new("key"))

    assert payload["userErrors"] == []
    assert [(each["available"], each["qualityControl"]) for each in payload["levels"]] == [(4, 1)]
    assert [(move["kind"], move["fromBucket"], move["toBucket"]) for move in (await moves(shop, sku))[:2]] == [
        ("REDISPOSE", "QUALITY_CONTROL", "AVAILABLE"),
        ("REDISPOSE", "AVAILABLE", "QUALITY_CONTROL"),
    ]


async def test_what_is_disposed_of_leaves_the_house(shop: Shop) -> None:
    sku = await shop.variant(SAO1=5)
    payload = await redispose(shop, sku, 2, "RESTOCK", "DISPOSE")
    assert payload["levels"] == [{"available": 3, "qualityControl": 0, "damaged": 0, "onHand": 3}]


async def test_units_that_are_not_there_cannot_be_judged(shop: Shop) -> None:
    sku = await shop.variant(SAO1=5)
    refused = await refusal(shop, sku, 1, "DAMAGED", "RESTOCK")
    assert refused == {"code": "QUANTITY_EXCEEDS", "field": ["lines", "0", "quantity"], "available": 0}
    for units, was, becomes, place in (
        (1, "MISSING", "RESTOCK", "from"),
        (1, "RESTOCK", "MISSING", "to"),
        (1, "REFURBISH", "QUARANTINE", "to"),
        (0, "RESTOCK", "DAMAGED", "quantity"),
    ):
        refused = await refusal(shop, sku, units, was, becomes)
        assert (refused["code"], refused["field"]) == ("INVALID_INPUT", ["lines", "0", place])
    assert await refusal(shop, "none", 1, "RESTOCK", "DAMAGED") == {
        "code": "UNKNOWN_SKU", "field": ["lines", "0", "sku"], "sku": "none",
    }  # fmt: skip
    assert await shop.stock(sku) == {"SAO1": {"onHand": 5, "available": 5}}


async def test_units_that_an_inspection_or_a_put_back_waits_for_are_not_judged_beside_it(shop: Shop) -> None:
    order = await shop.bought(units=2)
    (line,) = order["lines"]
    made = await shop.do(OPERATIONS, "returnCreate", "return { id lines { id } }", method="MAIL",
                         lines=[{"orderLineId": line["id"], "quantity": 2, "reason": "OTHER"}])  # fmt: skip
    back = made["return"]
    await shop.do(OPERATIONS, "returnReceive", id=back["id"], locationId=shop.places["SAO1"],
                  lines=[{"returnLineId": back["lines"][0]["id"], "quantity": 2}])  # fmt: skip
    assert (await refusal(shop, line["sku"], 1, "QUARANTINE", "DISPOSE"))["available"] == 0
    inspected = {"returnLineId": back["lines"][0]["id"], "condition": "USED", "disposition": "QUARANTINE"}
    await shop.do(OPERATIONS, "returnInspect", id=back["id"], lines=[{**inspected, "quantity": 1}])
    assert (await redispose(shop, line["sku"], 1, "QUARANTINE", "DISPOSE"))["userErrors"] == []
    await shop.do(OPERATIONS, "returnInspect", id=back["id"], lines=[{**inspected, "quantity": 1}])

    sku = await shop.variant(SAO1=2)
    picked = await shop.advance(await shop.place((sku, 2)), "pick")
    await shop.do(OPERATIONS, "orderCancel", id=picked["id"], reason="OTHER")
    assert (await refusal(shop, sku, 1, "QUARANTINE", "DISPOSE"))["available"] == 0


async def test_a_twin_moves_nothing_again(shop: Shop) -> None:
    sku = await shop.variant(SAO1=5)
    lines = [{"sku": sku, "quantity": 1, "from": "RESTOCK", "to": "DAMAGED"}]
    for _ in range(2):
        await shop.do(
            OPERATIONS, "stockRedispose", locationId=shop.places["SAO1"], lines=lines, idempotencyKey=f"t-{sku}"
        )
    assert (await shop.stock(sku))["SAO1"]["damaged"] == 1


async def test_a_location_judges_its_own_stock(shop: Shop) -> None:
    sku = await shop.variant(SAO1=5)
    lines = [{"sku": sku, "quantity": 1, "from": "RESTOCK", "to": "DAMAGED"}]
    given = {"locationId": shop.places["SAO1"], "lines": lines}
    assert (await shop.refused(shop.floor("CWB1"), "stockRedispose", **given))["code"] == "NOT_FOUND"
    assert (await shop.refused(AGENT, "stockRedispose", **given))["code"] == "FORBIDDEN"
    await shop.do(shop.floor("SAO1"), "stockRedispose", **given)


# -- kept back -------------------------------------------------------------------------------------------------------


async def keep_back(shop: Shop, sku: str, units: int, code: str = "SAO1") -> Answer:
    """Set units aside at a location."""
    lines = [{"sku": sku, "quantity": units}]
    return await shop.send(OPERATIONS, "safetyStockSet", "levels { available safetyStock onHand }",
                           locationId=shop.places[code], lines=lines)  # fmt: skip


async def test_safety_stock_is_set_aside_by_entries_and_given_back(shop: Shop) -> None:
    sku = await shop.variant(SAO1=5)
    assert (await keep_back(shop, sku, 3))["levels"] == [{"available": 2, "safetyStock": 3, "onHand": 5}]
    assert (await keep_back(shop, sku, 1))["levels"] == [{"available": 4, "safetyStock": 1, "onHand": 5}]
    assert (await keep_back(shop, sku, 1))["levels"] == [{"available": 4, "safetyStock": 1, "onHand": 5}]
    told = [(move["quantity"], move["fromBucket"], move["toBucket"]) for move in await moves(shop, sku)]
    assert told[:2] == [(2, "SAFETY_STOCK", "AVAILABLE"), (3, "AVAILABLE", "SAFETY_STOCK")]
    assert len(told) == 3


async def test_no_more_is_kept_back_than_there_is(shop: Shop) -> None:
    sku = await shop.variant(SAO1=5)
    await shop.place((sku, 2))
    (refused,) = (await keep_back(shop, sku, 4))["userErrors"]
    assert refused == {"code": "QUANTITY_EXCEEDS", "field": ["lines", "0", "quantity"], "available": 3}
    assert (await shop.stock(sku))["SAO1"] == {"onHand": 5, "available": 3, "allocated": 2}


async def test_what_is_kept_back_is_said_once_and_of_one_place(shop: Shop) -> None:
    sku = await shop.variant(SAO1=5)
    here = {"locationId": shop.places["SAO1"]}
    line = {"sku": sku, "quantity": 1}
    for given, place in (
        ({"lines": [line]}, ["locationId"]),
        ({**here, "channel": "web", "lines": [line]}, ["locationId"]),
        ({**here, "lines": [{"quantity": 1}]}, ["lines", "0", "sku"]),
        ({**here, "lines": [line, line]}, ["lines", "1", "sku"]),
        ({**here, "lines": [{**line, "quantity": -1}]}, ["lines", "0", "quantity"]),
    ):
        refused = await shop.refused(OPERATIONS, "safetyStockSet", **given)
        assert (refused["code"], refused["field"]) == ("INVALID_INPUT", place)
    components = [{"sku": sku, "quantity": 1}]
    await shop.do(OPERATIONS, "variantsSet", variants=[{"sku": f"{sku}-KIT", "name": "Kit", "components": components}])
    for where in (here, {"channel": "web"}):
        refused = await shop.refused(OPERATIONS, "safetyStockSet", **where, lines=[{**line, "sku": f"{sku}-KIT"}])
        assert refused["reason"].startswith(f"{sku}-KIT is a kit")
    refused = await shop.refused(OPERATIONS, "safetyStockSet", channel="none", lines=[line])
    assert (refused["code"], refused["noun"]) == ("NOT_FOUND", "Channel")
    refused = await shop.refused(shop.floor("SAO1"), "safetyStockSet", channel="web", lines=[line])
    assert refused["code"] == "FORBIDDEN"


# -- undone ----------------------------------------------------------------------------------------------------------


async def test_an_entry_is_undone_by_its_exact_inverse_once(shop: Shop) -> None:
    sku = await shop.variant(SAO1=5)
    await redispose(shop, sku, 2, "RESTOCK", "DAMAGED")
    (wrong, received) = await moves(shop, sku)

    undone = await shop.do(
        OPERATIONS, "stockMovementReverse",
        "movement { id kind quantity fromBucket toBucket reason reverses { id } } level { available damaged }",
        id=wrong["id"], reason="mixed up",
    )  # fmt: skip

    assert undone["level"] == {"available": 5, "damaged": 0}
    assert undone["movement"] == {
        "id": undone["movement"]["id"], "kind": "REVERSAL", "quantity": 2, "fromBucket": "DAMAGED",
        "toBucket": "AVAILABLE", "reason": "mixed up", "reverses": {"id": wrong["id"]},
    }  # fmt: skip
    again = await shop.refused(OPERATIONS, "stockMovementReverse", id=wrong["id"])
    assert again == {"code": "NOT_REVERSIBLE", "field": ["id"], "reason": f"{undone['movement']['id']} undid it"}
    assert (await shop.refused(OPERATIONS, "stockMovementReverse", id=undone["movement"]["id"]))[
        "code"
    ] == "NOT_REVERSIBLE"
    await shop.do(OPERATIONS, "stockMovementReverse", id=received["id"])
    assert await shop.stock(sku) == {"SAO1": {}}


async def test_an_entry_whose_units_are_gone_cannot_be_undone(shop: Shop) -> None:
    sku = await shop.variant(SAO1=5)
    (received,) = await moves(shop, sku)
    await shop.place((sku, 2))
    refused = await shop.refused(OPERATIONS, "stockMovementReverse", id=received["id"])
    assert refused == {"code": "QUANTITY_EXCEEDS", "field": ["id"], "available": 3}


async def test_an_entry_that_changed_more_than_stock_is_undone_by_undoing_its_act(shop: Shop) -> None:
    sku = await shop.variant(SAO1=5)
    await shop.place((sku, 2))
    (allocated, received) = await moves(shop, sku)
    assert (await shop.refused(OPERATIONS, "stockMovementReverse", id=allocated["id"]))["code"] == "NOT_REVERSIBLE"
    for viewer, code in ((shop.floor("CWB1"), "NOT_FOUND"), (shop.shopper(), "FORBIDDEN")):
        assert (await shop.refused(viewer, "stockMovementReverse", id=received["id"]))["code"] == code
    assert (await shop.refused(OPERATIONS, "stockMovementReverse", id="mov_x"))["code"] == "NOT_FOUND"


async def test_a_floor_is_told_whose_order_moved_its_stock_and_what_a_count_took_from_whom(shop: Shop) -> None:
    sku = await shop.variant(SAO1=3, CWB1=3)
    order = await shop.place((sku, 3))
    lines = [{"sku": sku, "setOnHand": 1}]
    await shop.do(shop.floor("SAO1"), "stockAdjust", locationId=shop.places["SAO1"], reason="CYCLE_COUNT", lines=lines)
    asked = """query ($sku: String!) { stockMovements(first: 10, filter: { sku: $sku }) {
        nodes { kind reason order { number } } } }"""

    by_whom = [
        (await shop.ask(whom, asked, sku=sku))["stockMovements"]["nodes"]
        for whom in (shop.floor("SAO1"), shop.store("SAO1"), AGENT, app(Scope.STOCK_READ))
    ]

    told = {(each["kind"], each["reason"]): each["order"] for each in by_whom[0]}
    known = {"number": order["number"]}
    assert told == {
        ("RECEIVE", "RECEIVED"): None, ("ALLOCATE", None): known,
        ("DEALLOCATE", "COUNTED_SHORT"): known, ("COUNT", "CYCLE_COUNT"): None,
    }  # fmt: skip
    assert by_whom[1] == by_whom[0]
    assert [each["order"] for each in by_whom[2] if each["kind"] == "ALLOCATE"] == [known, known]
    assert {str(each["order"]) for each in by_whom[3]} == {"None"}
