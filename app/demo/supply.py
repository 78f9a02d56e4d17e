"""What the demo's buyers and docks have done: purchases, transfers and counts in each state, and goods that may be waited for."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from app.demo.goods import PLACES, VARIANTS, money
from app.demo.shop import Shop

SUPPLIERS: tuple[dict[str, Any], ...] = (
    {"code": "tear-sul", "name": "Tear do Sul", "email": "pedidos@tear-sul.example", "leadTimeDays": 12},
    {"code": "kiln", "name": "Kiln & Co.", "phone": "+551131112222", "leadTimeDays": 30},
)

BOUGHT = VARIANTS[10:13]
"""What is bought, moved and counted: no story depends on there being more or less of it."""
UNITS = 100
"""How many of each are bought at once."""
AWAITED = VARIANTS[20]
"""What may be sold before it is there."""
COUNTED, ON_HAND = VARIANTS[30], 42
"""What was counted at GRU1 last, and how many there were; some of them somebody should look at."""
STORES = {place.code for place in PLACES if place.kind == "STORE"}


@dataclass(frozen=True, slots=True)
class Purchase:
    """A purchase order; `then` are the mutations that follow, with what they are given."""

    supplier: str
    to: str
    days: int
    note: str
    draft: bool = False
    then: tuple[tuple[str, Mapping[str, Any]], ...] = ()


def _arrived(received: int, damaged: int = 0) -> list[dict[str, Any]]:
    return [{"sku": each.sku, "received": received, "damaged": damaged} for each in BOUGHT]


PURCHASES = (
    Purchase("tear-sul", "GRU1", 9, "For the winter.", draft=True),
    Purchase("kiln", "GRU1", 21, "On the ship."),
    Purchase("tear-sul", "GRU1", -2, "The rest is late.",
             then=(("purchaseOrderReceive", {"lines": _arrived(24, 1), "reference": "NF 20.118"}),)),
    Purchase("tear-sul", "IPANEMA", 1, "All there.",
             then=(("purchaseOrderReceive", {"lines": _arrived(UNITS), "reference": "NF 20.204"}),)),
    Purchase("kiln", "IPANEMA", 5, "They do not make it any more.", then=(("purchaseOrderCancel", {}),)),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Move:
    """A transfer, and who did what with it then."""

    note: str
    then: tuple[tuple[str, str, Mapping[str, Any]], ...] = field(default=())
    ends: tuple[str, str] = ("GRU1", "IPANEMA")
    units: int = 6


MOVES = (
    Move("The shop asks for these."),
    Move("With the Tuesday van.", (("GRU1", "transferShip", {}),)),
    Move("Half of it came.", (
        ("GRU1", "transferShip", {}),
        ("IPANEMA", "transferReceive", {"lines": [{"sku": BOUGHT[0].sku, "received": 3}]}),
    )),
    Move("The van turned back.", (("GRU1", "transferShip", {}), ("GRU1", "transferCancel", {}))),
    Move("One was crushed, one never came.", (
        ("GRU1", "transferShip", {}),
        ("IPANEMA", "transferReceive", {"lines": [{"sku": BOUGHT[0].sku, "received": 4, "damaged": 1}], "closeShort": True}),
    )),
    Move("Too many of these up north.", (("REC1", "transferShip", {}),), ("REC1", "GRU1"), 10),
)  # fmt: skip


async def supply(shop: Shop, now: datetime) -> None:
    """Buy, move and count. Every key is derived, so what was done before is not done twice."""
    suppliers = {}
    for given in SUPPLIERS:
        made = await _do(shop, "supplierSet", given["code"], given)
        suppliers[given["code"]] = made["supplier"]["id"]
    for number, purchase in enumerate(PURCHASES):
        await _buy(shop, number, purchase, suppliers[purchase.supplier], now)
    for number, move in enumerate(MOVES):
        await _move(shop, number, move, now)
    await _count(shop)
    await _set_aside(shop)
    awaited = AWAITED.as_input() | {"backorder": {"policy": "BACKORDER", "limit": 20}}
    await _do(shop, "variantsSet", "awaited", {"variants": [awaited]})


async def _buy(shop: Shop, number: int, purchase: Purchase, supplier_id: str, now: datetime) -> None:
    key = f"purchase:{number}"
    cost = money(2100, "BRL")
    lines = [{"sku": each.sku, "quantity": UNITS, "unitCost": cost} for each in BOUGHT]
    place = {"supplierId": supplier_id, "locationId": shop.locations[purchase.to]}
    expected = (now + timedelta(days=purchase.days)).isoformat()
    given = {"lines": lines, "expectedAt": expected, "draft": purchase.draft, "note": purchase.note, **place}
    made = await _do(shop, "purchaseOrderCreate", key, given)
    for mutation, then in purchase.then:
        await _do(shop, mutation, f"{key}:{mutation}", {"id": made["purchaseOrder"]["id"], **then})


async def _move(shop: Shop, number: int, move: Move, now: datetime) -> None:
    key = f"transfer:{number}"
    sender, receiver = (shop.locations[code] for code in move.ends)
    ends = {"fromLocationId": sender, "toLocationId": receiver}
    lines, expected = [{"sku": BOUGHT[0].sku, "quantity": move.units}], (now + timedelta(days=2)).isoformat()
    made = await _do(shop, "transferCreate", key, {**ends, "lines": lines, "expectedAt": expected, "note": move.note})
    for code, mutation, then in move.then:
        who = shop.counter(code) if code in STORES else shop.floor(code)
        given = {"idempotencyKey": f"demo:supply:{key}:{mutation}", "id": made["transfer"]["id"], **then}
        await shop.do(who, mutation, given)


async def _count(shop: Shop) -> None:
    """One count waits for somebody to go on, one is done, one was given up."""
    place = {"locationId": shop.locations["IPANEMA"]}
    started = [
        (await _do(shop, "stockCountStart", f"count:{number}", {**place, "skus": [each.sku]}))["stockCount"]["id"]
        for number, each in enumerate(BOUGHT)
    ]
    lines = [{"sku": BOUGHT[1].sku, "counted": 38}]
    await _do(shop, "stockCountRecord", "count:record", {"id": started[1], "lines": lines})
    await _do(shop, "stockCountComplete", "count:complete", {"id": started[1]})
    await _do(shop, "stockCountCancel", "count:cancel", {"id": started[2]})


async def _set_aside(shop: Shop) -> None:
    """What a count found of one SKU, and that the seals of some are broken."""
    place = {"locationId": shop.locations["GRU1"]}
    counted = [{"sku": COUNTED.sku, "setOnHand": ON_HAND}]
    await _do(shop, "stockAdjust", "counted", {**place, "reason": "CYCLE_COUNT", "lines": counted})
    broken = [{"sku": COUNTED.sku, "quantity": 2, "from": "RESTOCK", "to": "QUARANTINE"}]
    await _do(shop, "stockRedispose", "set aside", {**place, "reason": "The seals are broken.", "lines": broken})


async def _do(shop: Shop, mutation: str, key: str, given: Mapping[str, Any]) -> dict[str, Any]:
    return await shop.do(shop.owner, mutation, {"idempotencyKey": f"demo:supply:{key}", **given})
