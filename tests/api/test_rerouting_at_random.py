"""Everything that decides anew, mixed at random and some of it at once: whatever happens, every invariant holds."""

import asyncio
from random import Random
from typing import Any

import asyncpg
import pytest

from domain.store.verify import verify
from tests.api.shop import OPERATIONS, PLACES, Answer, Shop

STEPS = 60
AT_ONCE = 3

WORK = """
    query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Order {
        id status onHold holds { id } lines { id }
        fulfillmentOrders { id status location { id code } lines { id quantity picked short canceled shipped } }
    } } }
"""


class Floor:
    """A shop floor on which people do what occurs to them: what they may not do is refused, never an error."""

    def __init__(self, shop: Shop, random: Random, skus: list[str], orders: list[str]) -> None:
        self.shop, self.random, self.skus, self.orders = shop, random, skus, orders
        self.done: dict[str, int] = {}
        self.found: list[Answer] = []

    async def look(self) -> None:
        """See what there is to do."""
        self.found = (await self.shop.ask(OPERATIONS, WORK, ids=self.orders[-100:]))["nodes"]

    async def act(self) -> None:
        """One thing, whichever."""
        acts = (
            self.reject, self.reject, self.move, self.split, self.merge, self.adjust, self.adjust, self.pin, self.pin_line,
            self.short, self.accept, self.accept, self.ship, self.cancel, self.place, self.hold, self.route,
        )  # fmt: skip
        wish = self.random.choice(acts)()
        if wish is not None:
            mutation, given = wish
            payload = await self.shop.send(OPERATIONS, mutation, **given)
            told = "".join(error["code"] for error in payload["userErrors"])
            self.done[told or mutation] = self.done.get(told or mutation, 0) + 1

    # -- what they look at -----------------------------------------------------------------------------------------

    def order(self) -> Answer:
        return self.random.choice(self.found)

    def work(self, *statuses: str) -> Answer | None:
        works = [each for order in self.found for each in order["fulfillmentOrders"] if each["status"] in statuses]
        return self.random.choice(works) if works else None

    def place_id(self) -> str:
        return self.shop.places[self.random.choice(list(PLACES))]

    def lines(self, work: Answer, **more: Any) -> list[Answer]:
        """Some units of some lines."""
        found: list[Answer] = []
        for line in work["lines"]:
            held = line["quantity"] - line["picked"] - line["short"] - line["canceled"]
            if held and (not found or self.random.random() < 0.5):
                quantity = self.random.randint(1, held)
                found.append({"fulfillmentOrderLineId": line["id"], "quantity": quantity, **more})
        return found

    # -- what they do ----------------------------------------------------------------------------------------------

    def reject(self) -> tuple[str, Answer] | None:
        work = self.work("OPEN", "ACCEPTED")
        if work is None:
            return None
        reason = self.random.choice(["NOT_FOUND", "DAMAGED", "NO_CAPACITY", "CLOSED"])
        if self.random.random() < 0.3:
            return "fulfillmentOrderReject", {"id": work["id"], "reason": reason}
        counted = {"countedOnHand": self.random.randint(0, 12)} if self.random.random() < 0.6 else {}
        return "fulfillmentOrderReject", {"id": work["id"], "lines": self.lines(work, reason=reason, **counted)}

    def move(self) -> tuple[str, Answer] | None:
        work = self.work("SCHEDULED", "OPEN", "ACCEPTED")
        return ("fulfillmentOrderMove", {"id": work["id"], "locationId": self.place_id()}) if work else None

    def split(self) -> tuple[str, Answer] | None:
        work = self.work("SCHEDULED", "OPEN", "ACCEPTED")
        return ("fulfillmentOrderSplit", {"id": work["id"], "lines": self.lines(work)}) if work else None

    def merge(self) -> tuple[str, Answer] | None:
        order = self.order()
        ids = [each["id"] for each in order["fulfillmentOrders"] if each["status"] in ("SCHEDULED", "OPEN")]
        return ("fulfillmentOrderMerge", {"ids": ids}) if len(ids) > 1 else None

    def adjust(self) -> tuple[str, Answer]:
        lines = [
            {"sku": sku, "setOnHand": self.random.randint(0, 25)}
            for sku in self.random.sample(self.skus, self.random.randint(1, 3))
        ]
        return "stockAdjust", {"locationId": self.place_id(), "reason": "CYCLE_COUNT", "lines": lines}

    def pin(self) -> tuple[str, Answer]:
        where = {"locationId": self.place_id()} if self.random.random() < 0.6 else {}
        return "orderPin", {"id": self.order()["id"], **where}

    def pin_line(self) -> tuple[str, Answer]:
        where = {"locationId": self.place_id()} if self.random.random() < 0.6 else {}
        return "orderLinePin", {"id": self.random.choice(self.order()["lines"])["id"], **where}

    def short(self) -> tuple[str, Answer] | None:
        work = self.work("ACCEPTED", "PICKING")
        if work is None:
            return None
        lines = [
            {
                "fulfillmentOrderLineId": line["fulfillmentOrderLineId"],
                "picked": line["quantity"] - 1,
                "short": 1,
                "shortReason": self.random.choice(["NOT_FOUND", "DAMAGED", "OTHER"]),
            }
            for line in self.lines(work)
        ]
        return "fulfillmentOrderPick", {"id": work["id"], "lines": lines}

    def accept(self) -> tuple[str, Answer] | None:
        work = self.work("OPEN")
        return ("fulfillmentOrderAccept", {"id": work["id"]}) if work else None

    def ship(self) -> tuple[str, Answer] | None:
        work = self.work("ACCEPTED", "PICKING", "PACKED")
        if work is None:
            return None
        if work["status"] == "PACKED":
            return "shipmentCreate", {"fulfillmentOrderId": work["id"], "carrier": "correios"}
        if work["status"] == "PICKING":
            return "fulfillmentOrderPack", {"id": work["id"], "packages": [{"weightGrams": 500}]}
        return "fulfillmentOrderPick", {"id": work["id"]}

    def cancel(self) -> tuple[str, Answer]:
        order = self.order()
        lines = [{"orderLineId": self.random.choice(order["lines"])["id"], "quantity": 1}]
        return "orderCancel", {"id": order["id"], "reason": "OTHER", "lines": lines}

    def place(self) -> tuple[str, Answer]:
        skus = self.random.sample(self.skus, self.random.randint(1, 3))
        lines = [{"sku": sku, "quantity": self.random.randint(1, 3)} for sku in skus]
        return "orderPlace", {"channel": "web", "lines": lines}

    def hold(self) -> tuple[str, Answer]:
        order = self.order()
        if order["holds"]:
            return "orderHoldRelease", {"orderId": order["id"], "holdId": order["holds"][0]["id"]}
        return "orderHold", {"id": order["id"], "kind": "MANUAL", "reason": "wait"}

    def route(self) -> tuple[str, Answer]:
        return "orderRoute", {"id": self.order()["id"]}


@pytest.mark.parametrize("seed", range(4))
async def test_whatever_is_decided_anew_every_invariant_holds(shop: Shop, database_url: str, seed: int) -> None:
    random = Random(seed)
    skus = [await shop.variant(SAO1=15, CWB1=10, RIO1=random.randint(0, 10)) for _ in range(4)]
    orders = []
    for number in range(12):
        wanted = [(sku, random.randint(1, 3)) for sku in random.sample(skus, random.randint(1, 3))]
        order = await shop.place(*wanted)
        orders.append(order["id"])
        if number % 4:
            await shop.do(OPERATIONS, "orderConfirm", id=order["id"])
    floor = Floor(shop, random, skus, orders)

    connection = await asyncpg.connect(database_url)
    try:
        for _ in range(STEPS // AT_ONCE):
            await floor.look()
            await asyncio.gather(*(floor.act() for _ in range(AT_ONCE)))
            broken = await verify(connection)
            assert broken == [], f"seed {seed}: {[each.invariant.name for each in broken]} after {floor.done}"
    finally:
        await connection.close()
    assert {"fulfillmentOrderReject", "stockAdjust"} <= floor.done.keys()
