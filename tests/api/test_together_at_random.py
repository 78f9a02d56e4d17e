"""Everything about stock and routing, mixed at random and several at once: kits, carts, quotes, backorders, full days, rules.

What is refused is refused by name; when the module is done, its database is verified.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.api import test_supply_mixed as mixed
from tests.api.shop import ADDRESS, OPERATIONS, PLACES, Answer, Shop
from tests.api.test_kits import kit
from tests.api.test_options import PAC, SEDEX, priced

SEEDS = (3, 21)
STEPS = 60
AT_ONCE = 3
EXPECTED = mixed.EXPECTED | {
    "QUOTE_NOT_AVAILABLE", "QUOTE_MISMATCH", "NOT_RETURNABLE", "VERSION_CONFLICT", "NOT_REVERSIBLE",
}  # fmt: skip


@dataclass
class Story(mixed.Story):
    """One seed's shop, with carts, quotes and returns."""

    carts: list[tuple[str, list[Answer]]] = field(default_factory=list)
    done: dict[str, int] = field(default_factory=dict)
    kits: list[str] = field(default_factory=list)

    async def send(self, mutation: str, selection: str, **input: Any) -> Answer:
        payload = await self.shop.send(OPERATIONS, mutation, selection, **input)
        codes = {each["code"] for each in payload["userErrors"]}
        assert codes <= EXPECTED, (mutation, input, payload)
        for name in codes or {mutation}:
            key = f"{mutation}:{name}" if codes else name
            self.done[key] = self.done.get(key, 0) + 1
        return payload

    def wish(self) -> list[Answer]:
        """What somebody would buy: things, and kits."""
        wanted = [*self.some(3)]
        if self.chance.random() < 0.5:
            wanted = [*wanted[:1], (self.chance.choice(self.kits), self.chance.randint(1, 2))]
        return [{"sku": sku, "quantity": n} for sku, n in wanted]

    async def buy(self) -> None:
        lines = self.wish()
        more: Answer = {}
        if self.carts and self.chance.random() < 0.6:
            cart, lines_of = self.chance.choice(self.carts)
            more["reservationId"] = cart
            lines = lines_of if self.chance.random() < 0.7 else lines
        if self.chance.random() < 0.4:
            options = await self.options(lines, more.get("reservationId"))
            if options:
                more["fulfillmentOptionId"] = self.chance.choice(options)["id"]
        await self._placed(lines, more)

    async def _placed(self, lines: list[Answer], more: Answer) -> None:
        given = {
            "channel": "web",
            "lines": lines,
            "customer": {"email": f"{self.shop.new('mixed')}@example.com"},
            "shippingAddress": ADDRESS,
            **more,
        }
        key = self.shop.new("key")
        twice = await asyncio.gather(
            *(
                self.send("orderPlace", "order { id }", idempotencyKey=key, **given)
                for _ in range(self.chance.choice([1, 1, 2]))
            )
        )
        made = {each["order"]["id"] for each in twice if each["order"]}
        assert len(made) <= 1, twice
        if made:
            self.carts = [each for each in self.carts if each[0] != more.get("reservationId")]
            self.orders += made

    async def options(self, lines: list[Answer], cart: str | None) -> list[Answer]:
        query = "query ($input: FulfillmentOptionsInput!) { fulfillmentOptions(input: $input) { id kind } }"
        given = {"channel": "web", "lines": lines, "destination": ADDRESS, "reservationId": cart}
        answer = (await self.shop.post(OPERATIONS, query, {"input": given})).json()
        codes = {each["extensions"]["code"] for each in answer.get("errors", ())}
        assert codes <= EXPECTED, answer
        return answer["data"]["fulfillmentOptions"] or []

    async def reserve(self) -> None:
        lines = self.wish()
        given = {"channel": "web", "reference": self.chance.choice([self.shop.new("cart"), "shared"]), "lines": lines}
        payload = await self.send("stockReserve", "reservation { id }", **given)
        if payload["reservation"]:
            self.carts.append((payload["reservation"]["id"], lines))

    async def let_go(self) -> None:
        if self.carts:
            cart, _ = self.chance.choice(self.carts)
            await self.send(
                self.chance.choice(["reservationRelease", "reservationExtend"]), "reservation { id }", id=cart
            )

    async def shift(self) -> None:
        """Work is moved, split or pinned elsewhere."""
        if not self.orders:
            return
        order = await self.shop.order(self.chance.choice(self.orders))
        for work in order["fulfillmentOrders"][-2:]:
            what = self.chance.random()
            line = self.chance.choice(work["lines"])
            if what < 0.4:
                await self.send(
                    "fulfillmentOrderMove", "fulfillmentOrder { id }", id=work["id"], locationId=self.place()
                )
            elif what < 0.6:
                part = [{"fulfillmentOrderLineId": line["id"], "quantity": 1}]
                await self.send("fulfillmentOrderSplit", "splitOff { id }", id=work["id"], lines=part)
            elif what < 0.8:
                held = line["quantity"] - line["short"] - line["canceled"]
                lines = [
                    {
                        "fulfillmentOrderLineId": line["id"],
                        "reason": "NOT_FOUND",
                        "countedOnHand": self.chance.choice([0, 1, 5, held]),
                    }
                ]
                await self.send("fulfillmentOrderReject", "rerouted { id }", id=work["id"], lines=lines)
        if self.chance.random() < 0.4:
            place = self.chance.choice([None, self.place()])
            line = self.chance.choice(order["lines"])
            await self.send("orderLinePin", "order { id }", id=line["id"], locationId=place)

    async def back(self) -> None:
        """Something comes back."""
        for id_ in self.orders[-20:]:
            order = await self.shop.order(id_)
            for shipment in order["shipments"]:
                if shipment["status"] != "DELIVERED":
                    await self.send("shipmentDeliver", "shipment { id }", id=shipment["id"])
            lines = [
                line for line in order["lines"] if line["quantities"]["delivered"] > line["quantities"]["returned"]
            ]
            if lines:
                back = {
                    "orderLineId": lines[0]["id"],
                    "quantity": 1,
                    "reason": "DEFECTIVE",
                    "condition": "UNOPENED",
                    "disposition": "RESTOCK",
                }
                await self.send(
                    "returnCreate",
                    "return { id }",
                    method="IN_STORE",
                    locationId=self.place(),
                    receiveNow=True,
                    lines=[back],
                )

    async def keep(self) -> None:
        lines = [{"sku": sku, "quantity": n - 1} for sku, n in self.some(3)]
        await self.send("safetyStockSet", "levels { id }", locationId=self.place(), lines=lines)

    async def route(self) -> None:
        if self.orders:
            await self.send("orderRoute", "order { id }", id=self.chance.choice(self.orders))

    async def rules(self) -> None:
        """Other rules hold."""
        more: Answer = self.chance.choice(
            [{}, {"shipComplete": True}, {"allowSplit": False}, {"maxParcels": 2}, {"waitForCapacity": False}]
        )
        await self.send("routingRulesetActivate", "ruleset { id }", ruleset={"name": "r", "channel": "web", **more})

    async def capacity(self) -> None:
        """A location ships fewer or more a day."""
        code = self.chance.choice(["SAO1", "CWB1", "RIO1"])
        kind, latitude, longitude = PLACES[code]
        await self.send(
            "locationSet",
            "location { id }",
            code=code,
            name=code,
            kind=kind,
            latitude=latitude,
            longitude=longitude,
            channels=["web"],
            dailyCapacity=self.chance.choice([1, 3, None]),
        )

    @property
    def acts(self) -> list[Callable[[], Awaitable[None]]]:
        return [*super().acts, self.reserve, self.reserve, self.reserve, self.let_go, self.shift, self.shift, self.back, self.keep,
                self.route, self.rules, self.capacity, self.work, self.work, self.buy]  # fmt: skip


@pytest.mark.parametrize("seed", SEEDS)
async def test_whatever_is_mixed_together_adds_up(shop: Shop, seed: int) -> None:
    await shop.do(OPERATIONS, "carrierRatesSet", carrier="post", currency="BRL", rates=[PAC, SEDEX])
    await priced(shop, SEDEX="29.90")
    begun = await mixed.begin(shop, seed)
    story = Story(shop, random.Random(seed), begun.supplier, begun.skus)
    a, b, c = begun.skus
    story.kits = [await kit(shop, (a, 1), (b, 2)), await kit(shop, (b, 1), (c, 1))]

    await asyncio.gather(*(tell(story) for _ in range(AT_ONCE)))

    assert {"orderPlace", "stockReserve"} <= story.done.keys()


async def tell(story: Story) -> None:
    for _ in range(STEPS):
        await story.chance.choice(story.acts)()
