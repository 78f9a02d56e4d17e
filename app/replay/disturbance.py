"""What goes on beside the orders that are told: goods are bought, arrive late, in part and damaged, and are moved about.

A seed draws it. Only goods that came this way are moved again, so that no recorded order finds its shelf empty because
of it, unless they were sold meanwhile to an order that went wrong elsewhere.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from app.replay.client import Caller, CallError, Document, Endpoint
from app.replay.documents import ERRORS
from app.replay.recordings import CURRENCY

PLACES = 12
PRODUCTS = 40
"""So many locations and products at most: where little is touched, the same is touched again and again."""
PAUSE_SECONDS = 0.02
LATE = timedelta(days=3)

LOCATIONS = Document("query ReplayLocations { locations(first: 100) { nodes { id code } } }")

FIELDS = {
    "supplierSet": "supplier { id }",
    "purchaseOrderCreate": "purchaseOrder { id }",
    "purchaseOrderReschedule": "purchaseOrder { id }",
    "purchaseOrderReceive": "purchaseOrder { status }",
    "transferCreate": "transfer { id }",
    "transferShip": "transfer { id }",
    "transferReceive": "transfer { status }",
    "transferCancel": "transfer { id }",
}
"""The mutations, and what is asked of each."""

DOCUMENTS = {
    name: Document(
        f"mutation ReplaySupply($input: {name[0].upper()}{name[1:]}Input!) "
        f"{{ done: {name}(input: $input) {{ {asked} {ERRORS} }} }}"
    )
    for name, asked in FIELDS.items()
}


@dataclass(slots=True)
class Coming:
    """Goods on their way: how many of each product are still to come, and where to."""

    id: str
    place: str
    left: Counter[str]


@dataclass(slots=True)
class Disturbance:
    """Somebody who buys and moves goods for as long as orders are told."""

    caller: Caller
    chance: random.Random
    products: Sequence[str]
    began_at: datetime
    places: list[str] = field(default_factory=list)
    supplier: str = ""
    bought: list[Coming] = field(default_factory=list)
    moved: list[Coming] = field(default_factory=list)
    spare: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Units by (location, product) that came this way."""
    acts: Counter[str] = field(default_factory=Counter)

    async def run(self, stop: asyncio.Event) -> None:
        """Until it is to stop; then whatever is still on its way arrives, or never will."""
        await self._begin()
        while not stop.is_set():
            await self.chance.choice((self.buy, self.receive, self.receive, self.move, self.arrive, self.delay))()
            await asyncio.sleep(PAUSE_SECONDS)
        await self._finish()
        self.caller.close()

    async def _begin(self) -> None:
        found = (await self.caller.ask(LOCATIONS, {}))["locations"]["nodes"]
        self.places = sorted(each["id"] for each in found)[:PLACES]
        made = await self._do("supplierSet", code="replay", name="Whoever supplies the replay", leadTimeDays=3)
        self.supplier = made["supplier"]["id"]

    async def _finish(self) -> None:
        for coming in list(self.bought):
            await self._receive("purchaseOrderReceive", self.bought, coming, everything=True)
        for coming in list(self.moved):
            await self._receive("transferReceive", self.moved, coming, everything=True)

    # -- what is done ----------------------------------------------------------------------------------------------

    async def buy(self) -> None:
        """Some of this and some of that, for one location."""
        place = self.chance.choice(self.places)
        units = {
            sku: self.chance.randint(1, 9) for sku in self.chance.sample(self.products, min(3, len(self.products)))
        }
        cost = {"amount": "1.00", "currency": CURRENCY}
        lines = [{"sku": sku, "quantity": many, "unitCost": cost} for sku, many in units.items()]
        given = {"supplierId": self.supplier, "locationId": place, "expectedAt": self.began_at + LATE, "lines": lines}
        made = await self._do("purchaseOrderCreate", **given)
        self.bought.append(Coming(made["purchaseOrder"]["id"], place, Counter(units)))

    async def delay(self) -> None:
        """The supplier will be late."""
        if self.bought:
            coming = self.chance.choice(self.bought)
            await self._do("purchaseOrderReschedule", id=coming.id, expectedAt=self.began_at + 2 * LATE)

    async def receive(self) -> None:
        """Some of what was bought arrives."""
        if self.bought:
            await self._receive("purchaseOrderReceive", self.bought, self.chance.choice(self.bought))

    async def arrive(self) -> None:
        """Some of what was moved arrives."""
        if self.moved:
            await self._receive("transferReceive", self.moved, self.chance.choice(self.moved))

    async def move(self) -> None:
        """What came this way goes on to another location; now and then it turns back."""
        there = [key for key, units in self.spare.items() if units > 0]
        if not there:
            return
        sender, sku = self.chance.choice(sorted(there))
        units = self.chance.randint(1, self.spare[sender, sku])
        receiver = self.chance.choice([place for place in self.places if place != sender] or [sender])
        if receiver == sender:
            return
        given = {"fromLocationId": sender, "toLocationId": receiver, "expectedAt": self.began_at + LATE}
        made = await self._do("transferCreate", lines=[{"sku": sku, "quantity": units}], **given)
        if not await self._sent(made["transfer"]["id"]):
            self.spare[sender, sku] = 0
            return
        if self.chance.random() < 0.1:
            await self._do("transferCancel", id=made["transfer"]["id"])
            return
        self.spare[sender, sku] -= units
        self.moved.append(Coming(made["transfer"]["id"], receiver, Counter({sku: units})))

    async def _sent(self, transfer: str) -> bool:
        """Whether a transfer left; it is called off where its goods were sold or counted away meanwhile."""
        given = {"idempotencyKey": uuid4().hex, "id": transfer}
        answer = await self.caller.ask(DOCUMENTS["transferShip"], {"input": given})
        codes = {error["code"] for error in answer["done"]["userErrors"]}
        if codes - {"INSUFFICIENT_STOCK"}:
            raise CallError(f"transferShip was refused beside the replay: {', '.join(sorted(codes))}")
        await self._do("transferCancel", id=transfer) if codes else self.acts.update(["transferShip"])
        return not codes

    async def _receive(self, name: str, all_: list[Coming], coming: Coming, *, everything: bool = False) -> None:
        lines, close = [], everything or self.chance.random() < 0.2
        for sku, left in list(coming.left.items()):
            units = self.chance.randint(1, left)
            damaged = self.chance.randint(0, 1) if units > 1 else 0
            lines.append({"sku": sku, "received": units - damaged, "damaged": damaged})
            coming.left[sku] -= units
            self.spare[coming.place, sku] += units - damaged
        coming.left = +coming.left
        await self._do(name, id=coming.id, lines=lines, closeShort=close)
        if close or not coming.left:
            all_.remove(coming)

    async def _do(self, mutation: str, /, **given: Any) -> dict[str, Any]:
        answer = await self.caller.ask(DOCUMENTS[mutation], {"input": {"idempotencyKey": uuid4().hex, **given}})
        for error in answer["done"]["userErrors"]:
            raise CallError(f"{mutation} was refused beside the replay: {error['code']}: {error['message']}")
        self.acts[mutation] += 1
        return answer["done"]  # type: ignore[no-any-return]


def disturbance(endpoint: Endpoint, seed: int, products: Sequence[str], began_at: datetime) -> Disturbance:
    """Somebody who goes about it as a seed has it."""
    chance = random.Random(seed)  # noqa: S311 - a story, not a secret
    chosen = chance.sample(sorted(products), min(PRODUCTS, len(products)))
    return Disturbance(Caller(endpoint), chance, chosen, began_at)
