"""What nobody should send about stock, purchases, transfers and counts: each is refused by name, and nothing moves."""

from typing import Any

import pytest

from tests.api.shop import OPERATIONS, Answer, Shop, money

HUGE = 2**31 - 1
SOON = "2030-01-01T00:00:00Z"
ANY_ID = ("", "x", "loc_", "loc_zzz", "loc_00000000-0000-0000-0000-000000000000", "\U0001f4a5", "%", "a" * 5_000)
ANY_SKU = ("", " ", "none", "\U0001f4a5", "\u202e", "e\u0301", "x" * 201, "a\0b", "'; drop table orders; --")
ANY_UNITS = (-HUGE - 1, -1, 1_000_001, HUGE)
COMMON = {"NOT_FOUND", "INVALID_INPUT"}
LINES = {"INVALID_INPUT", "UNKNOWN_SKU", "QUANTITY_EXCEEDS", "INSUFFICIENT_STOCK"}

BY_ID: tuple[tuple[str, Answer], ...] = (
    ("stockMovementReverse", {}),
    ("transferShip", {}),
    ("transferCancel", {}),
    ("transferReschedule", {"expectedAt": SOON}),
    ("transferReceive", {"closeShort": True}),
    ("purchaseOrderOrder", {}),
    ("purchaseOrderCancel", {}),
    ("purchaseOrderReschedule", {"expectedAt": SOON}),
    ("purchaseOrderReceive", {"closeShort": True}),
    ("stockCountRecord", {"lines": [{"sku": "x", "counted": 1}]}),
    ("stockCountComplete", {}),
    ("stockCountCancel", {}),
)

Stored = dict[str, Any]


@pytest.fixture
async def stored(shop: Shop) -> Stored:
    """Something of each, of one SKU."""
    sku, here, there = await shop.variant(SAO1=20), shop.places["SAO1"], shop.places["CWB1"]
    made = await shop.do(OPERATIONS, "supplierSet", "supplier { id }", code="acme", name="Acme")
    lines = [{"sku": sku, "quantity": 5}]
    supplier = {"supplierId": made["supplier"]["id"], "locationId": here, "expectedAt": SOON}
    ends = {"fromLocationId": here, "toLocationId": there, "expectedAt": SOON}
    priced = [{**lines[0], "unitCost": money("1.00")}]
    bought = await shop.do(OPERATIONS, "purchaseOrderCreate", "purchaseOrder { id }", **supplier, lines=priced)
    moved = await shop.do(OPERATIONS, "transferCreate", "transfer { id }", **ends, lines=lines)
    await shop.do(OPERATIONS, "transferShip", id=moved["transfer"]["id"])
    counted = await shop.do(OPERATIONS, "stockCountStart", "stockCount { id }", locationId=here, skus=[sku])
    return {
        "sku": sku, "here": {"locationId": here}, "supplier": supplier, "ends": ends, "purchase": bought["purchaseOrder"],
        "transfer": moved["transfer"], "count": counted["stockCount"],
    }  # fmt: skip


async def refusals(shop: Shop, sent: list[tuple[str, Answer]]) -> list[tuple[str, Answer, set[str]]]:
    """What each mutation is refused as."""
    found = []
    for mutation, given in sent:
        payload = await shop.send(OPERATIONS, mutation, **given)
        found.append((mutation, given, {each["code"] for each in payload["userErrors"]}))
    return found


@pytest.mark.parametrize(("mutation", "rest"), BY_ID)
async def test_an_id_of_nothing_or_of_something_else_is_not_found(shop: Shop, mutation: str, rest: Answer) -> None:
    others = [shop.places["SAO1"], shop.channels["web"]]
    for _, given, codes in await refusals(shop, [(mutation, {"id": id_, **rest}) for id_ in (*ANY_ID, *others)]):
        assert codes, given
        assert codes <= COMMON, given


def bad_lines(sku: str, **units: Any) -> list[list[Answer]]:
    """None, too many, one SKU twice, SKUs that there are not, and units that nobody has. `units`: as one line has them."""
    (name, *_) = units
    line = {"sku": sku, **units}
    twice, many = [line, line], [{**line, "sku": f"none-{number}"} for number in range(201)]
    unknown = [[{**line, "sku": wrong}] for wrong in ANY_SKU]
    return [[], twice, many, *unknown, *([{**line, name: wrong}] for wrong in ANY_UNITS)]


async def test_lines_that_make_no_sense_are_refused_and_nothing_moves(shop: Shop, stored: Stored) -> None:
    sku, before = stored["sku"], await shop.stock(stored["sku"])
    judged, bought = {"from": "RESTOCK", "to": "DAMAGED"}, {"unitCost": money("1.00")}
    kinds: list[tuple[str, Answer, list[list[Answer]]]] = [
        ("stockAdjust", {**stored["here"], "reason": "FOUND"}, bad_lines(sku, setOnHand=15)),
        ("stockRedispose", stored["here"], bad_lines(sku, quantity=1, **judged)),
        ("safetyStockSet", stored["here"], bad_lines(sku, quantity=1)),
        ("safetyStockSet", {"channel": "web"}, bad_lines(sku, quantity=1)),
        ("transferCreate", stored["ends"], bad_lines(sku, quantity=1)),
        ("purchaseOrderCreate", stored["supplier"], bad_lines(sku, quantity=1, **bought)),
        ("purchaseOrderReceive", stored["purchase"], bad_lines(sku, received=1)),
        ("purchaseOrderReceive", stored["purchase"], bad_lines(sku, damaged=1)),
        ("transferReceive", stored["transfer"], bad_lines(sku, received=1)),
        ("transferReceive", stored["transfer"], bad_lines(sku, damaged=1)),
        ("stockCountRecord", stored["count"], bad_lines(sku, counted=1)),
    ]
    sent = [(mutation, {**given, "lines": lines}) for mutation, given, several in kinds for lines in several]
    sent += [
        (mutation, {**stored[noun], "lines": [{"sku": sku, "received": received, "damaged": damaged}]})
        for mutation, noun in (("purchaseOrderReceive", "purchase"), ("transferReceive", "transfer"))
        for received, damaged in ((HUGE, HUGE), (HUGE, -HUGE), (-1, 2), (2, -1), (0, 0))
    ]
    skus: list[list[str]] = [
        [],
        [sku, sku],
        [f"none-{number}" for number in range(1_001)],
        *([wrong] for wrong in ANY_SKU),
    ]
    sent += [("stockCountStart", {**stored["here"], "skus": several}) for several in skus]

    for mutation, given, codes in await refusals(shop, sent):
        assert codes, (mutation, given)
        assert codes <= LINES, (mutation, given, codes)
    assert await shop.stock(sku) == before
