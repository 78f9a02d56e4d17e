"""Receipts, transfers, counts, orders and cancellations at random, several at once: whatever happens, it all adds up.

The module's shop is verified when it is done. Each seed is a story of its own; what is refused is refused by name.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import pytest

from app.adapters.payments import providers
from domain.store.jobs import Job
from resolvers.backorders import find_backorders
from resolvers.database import open_database
from resolvers.writing import World
from tests.api.shop import ADDRESS, OPERATIONS, Answer, Shop, money

SEEDS = (2, 7, 1811)
STEPS = 45
AT_ONCE = 3
LIMIT = 12
FAR = "2030-01-01T12:00:00Z"

EXPECTED = {
    "INSUFFICIENT_STOCK", "QUANTITY_EXCEEDS", "INVALID_TRANSITION", "INVALID_INPUT", "STOCK_CHANGED", "ON_HOLD",
    "UNITS_COMMITTED", "UNROUTABLE", "NOT_FOUND",
}  # fmt: skip
"""What may be refused where several do as they like: what somebody else was faster with."""


@dataclass
class Story:
    """One seed's shop: its SKUs, and whatever is open."""

    shop: Shop
    chance: random.Random
    supplier: str
    skus: list[str] = field(default_factory=list)
    orders: list[str] = field(default_factory=list)
    purchases: list[str] = field(default_factory=list)
    transfers: list[str] = field(default_factory=list)
    counts: list[tuple[str, list[str]]] = field(default_factory=list)
    refused: set[str] = field(default_factory=set)
    filled: int = 0

    async def send(self, mutation: str, selection: str, **input: Any) -> Answer:
        """Do something; refused is as good, by one of the names that are to be expected."""
        payload = await self.shop.send(OPERATIONS, mutation, selection, **input)
        codes = {each["code"] for each in payload["userErrors"]}
        assert codes <= EXPECTED, payload
        self.refused |= codes
        self.filled += sum(each["quantity"] for each in payload.get("backordersFilled") or ())
        return payload

    def place(self) -> str:
        """A location."""
        return self.shop.places[self.chance.choice(["SAO1", "CWB1", "RIO1"])]

    def some(self, most: int) -> list[tuple[str, int]]:
        """A few SKUs, and units of each."""
        chosen = self.chance.sample(self.skus, self.chance.randint(1, len(self.skus)))
        return [(sku, self.chance.randint(1, most)) for sku in chosen]

    # -- what people do --------------------------------------------------------------------------------------------

    async def buy(self) -> None:
        """An order of some things, of which there may be none."""
        lines = [{"sku": sku, "quantity": units} for sku, units in self.some(4)]
        email = {"email": f"{self.shop.new('mixed')}@example.com"}
        given = {"channel": "web", "lines": lines, "customer": email, "shippingAddress": ADDRESS}
        payload = await self.send("orderPlace", "order { id }", **given)
        if payload["order"]:
            self.orders.append(payload["order"]["id"])

    async def cancel(self) -> None:
        """An order is called off, or one unit of it."""
        if not self.orders:
            return
        order = await self.shop.order(self.chance.choice(self.orders))
        part = (
            {"lines": [{"orderLineId": order["lines"][0]["id"], "quantity": 1}]} if self.chance.random() < 0.6 else {}
        )
        await self.send("orderCancel", "order { id }", id=order["id"], reason="CUSTOMER_REQUEST", **part)

    async def work(self) -> None:
        """An order goes a step on; now and then work is declined, or a unit is not where it should be."""
        if not self.orders:
            return
        order = await self.shop.order(self.chance.choice(self.orders))
        if order["status"] == "PENDING":
            await self.send("orderConfirm", "order { id }", id=order["id"])
        for work in order["fulfillmentOrders"]:
            if work["status"] == "OPEN" and self.chance.random() < 0.2:
                held = [line for line in work["lines"] if line["quantity"] > line["short"] + line["canceled"]]
                declined = {"fulfillmentOrderLineId": held[0]["id"], "reason": "NOT_FOUND"}
                lines = [{**declined, "countedOnHand": 0}]
                await self.send("fulfillmentOrderReject", "fulfillmentOrder { id }", id=work["id"], lines=lines)
            elif work["status"] == "OPEN":
                await self.send("fulfillmentOrderAccept", "fulfillmentOrder { id }", id=work["id"])
            elif work["status"] == "ACCEPTED":
                await self._pick(work)
            elif work["status"] == "PICKING":
                await self.send("fulfillmentOrderPack", "fulfillmentOrder { id }", id=work["id"], packages=[{}])
            elif work["status"] == "PACKED":
                parcel = {"fulfillmentOrderId": work["id"], "carrier": "correios"}
                await self.send("shipmentCreate", "shipment { id }", **parcel)

    async def _pick(self, work: Answer) -> None:
        line = work["lines"][0]
        left = line["quantity"] - line["picked"] - line["short"] - line["canceled"]
        if left and self.chance.random() < 0.3:
            short = {"picked": left - 1, "short": 1, "shortReason": self.chance.choice(["NOT_FOUND", "DAMAGED"])}
            given: Answer = {"lines": [{"fulfillmentOrderLineId": line["id"], **short}]}
        else:
            given = {}
        await self.send("fulfillmentOrderPick", "fulfillmentOrder { id }", id=work["id"], **given)

    async def purchase(self) -> None:
        """Something is ordered from the supplier."""
        lines = [{"sku": sku, "quantity": units, "unitCost": money("1.00")} for sku, units in self.some(20)]
        given = {"supplierId": self.supplier, "locationId": self.place(), "expectedAt": FAR, "lines": lines}
        payload = await self.send("purchaseOrderCreate", "purchaseOrder { id }", **given)
        self.purchases.append(payload["purchaseOrder"]["id"])

    async def receive(self) -> None:
        """Some of it arrives, some of that broken; the rest may be given up, called off, or late."""
        if not self.purchases:
            return
        id_ = self.chance.choice(self.purchases)
        what = self.chance.random()
        if what < 0.1:
            await self.send("purchaseOrderCancel", "purchaseOrder { id }", id=id_)
        elif what < 0.2:
            await self.send("purchaseOrderReschedule", "purchaseOrder { id }", id=id_, expectedAt=FAR)
        else:
            arrived = self._arrived(self.some(12))
            close = {"closeShort": self.chance.random() < 0.2}
            await self.send("purchaseOrderReceive", "backordersFilled { quantity }", id=id_, lines=arrived, **close)

    def _arrived(self, units: list[tuple[str, int]]) -> list[Answer]:
        return [{"sku": sku, "received": n, "damaged": self.chance.choice([0, 0, 1])} for sku, n in units]

    async def transfer(self) -> None:
        """Something is to be moved, and leaves if it is there."""
        ends = {"fromLocationId": self.place(), "toLocationId": self.place()}
        lines = [{"sku": sku, "quantity": units} for sku, units in self.some(3)]
        payload = await self.send("transferCreate", "transfer { id }", expectedAt=FAR, lines=lines, **ends)
        if payload["transfer"]:
            self.transfers.append(payload["transfer"]["id"])
            await self.send("transferShip", "transfer { id }", id=payload["transfer"]["id"])

    async def arrive(self) -> None:
        """A transfer arrives, in part, damaged, or not at all."""
        if not self.transfers:
            return
        id_ = self.chance.choice(self.transfers)
        what = self.chance.random()
        if what < 0.15:
            await self.send("transferCancel", "transfer { id }", id=id_)
        elif what < 0.3:
            await self.send("transferReceive", "backordersFilled { quantity }", id=id_, closeShort=True)
        else:
            found = await self.shop.ask(
                OPERATIONS, "query ($id: ID!) { transfer(id: $id) { lines { sku inTransit } } }", id=id_
            )
            left = [(line["sku"], line["inTransit"]) for line in found["transfer"]["lines"] if line["inTransit"]]
            lines = [{"sku": sku, "received": n - 1, "damaged": 1} for sku, n in left[:2]]
            if lines:
                await self.send("transferReceive", "backordersFilled { quantity }", id=id_, lines=lines)

    async def adjust(self) -> None:
        """Somebody found some, or did not."""
        lines = [{"sku": sku, "setOnHand": units} for sku, units in self.some(8)]
        given = {"locationId": self.place(), "reason": self.chance.choice(["FOUND", "LOST", "CORRECTION"])}
        await self.send("stockAdjust", "backordersFilled { quantity }", lines=lines, **given)

    async def count(self) -> None:
        """Somebody counts: begins, says what was found, is done."""
        if not self.counts or self.chance.random() < 0.4:
            skus = [sku for sku, _ in self.some(1)]
            payload = await self.send("stockCountStart", "stockCount { id }", locationId=self.place(), skus=skus)
            if payload["stockCount"]:
                self.counts.append((payload["stockCount"]["id"], skus))
            return
        id_, skus = self.counts.pop(self.chance.randrange(len(self.counts)))
        lines = [{"sku": sku, "counted": self.chance.randint(0, 6)} for sku in skus]
        await self.send("stockCountRecord", "stockCount { id }", id=id_, lines=lines)
        await self.send("stockCountComplete", "backordersFilled { quantity }", id=id_)

    @property
    def acts(self) -> list[Callable[[], Awaitable[None]]]:
        """Whatever may happen next, as often as it should."""
        often = [self.buy] * 5 + [self.work] * 4 + [self.receive] * 4
        return [*often, self.cancel, self.purchase, self.purchase, self.transfer, self.transfer, self.arrive,
                self.arrive, self.adjust, self.count, self.count]  # fmt: skip

    async def tell(self) -> None:
        """One of those who do as they like."""
        for _ in range(STEPS):
            await self.chance.choice(self.acts)()


async def begin(shop: Shop, seed: int) -> Story:
    """A shop with little in it."""
    code = shop.new("supplier")
    made = await shop.do(OPERATIONS, "supplierSet", "supplier { id }", code=code, name=code)
    story = Story(shop, random.Random(seed), made["supplier"]["id"])
    for policy, limit in (("BACKORDER", LIMIT), ("BACKORDER", None), ("NONE", None)):
        sku = shop.new("SKU")
        prices = [{"channel": "web", "price": money("5.00")}]
        backorder = {"policy": policy, "limit": limit}
        await shop.do(
            OPERATIONS, "variantsSet", variants=[{"sku": sku, "name": sku, "prices": prices, "backorder": backorder}]
        )
        await shop.count(sku, "SAO1", 3)
        story.skus.append(sku)
    return story


LEFT_OVER = """
    select sku, sum(backordered) from order_lines where sku = any($1) and backordered > 0
      and exists (select from stock_levels s where s.variant_id = order_lines.variant_id and s.available > 0)
    group by 1
"""

WAITED = """
    select count(*), coalesce(max(waiting_after) filter (where limit_units is not null), 0) from backorders
    where variant_id in (select id from variants where sku = any($1))
"""


@pytest.mark.parametrize("seed", SEEDS)
async def test_whatever_is_mixed_in_nobody_waits_for_what_there_is(shop: Shop, seed: int, database_url: str) -> None:
    story = await begin(shop, seed)

    await asyncio.gather(*(story.tell() for _ in range(AT_ONCE)))
    async with open_database(database_url, reads=1, writes=1) as database:
        kind = find_backorders(World(database, providers=providers()))
        await kind.handle(Job(1, kind.name, {}, 1, lease=shop.key(story.supplier), created_at=None))  # type: ignore[arg-type]

    connection = await asyncpg.connect(database_url)
    left = await connection.fetch(LEFT_OVER, story.skus)
    waited, most = await connection.fetchrow(WAITED, story.skus)  # type: ignore[misc]
    await connection.close()
    assert left == []
    assert waited > 0
    assert 0 < most <= LIMIT
    assert story.filled > 0
    assert "INSUFFICIENT_STOCK" in story.refused
