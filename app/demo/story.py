"""An order's story: the steps that a life is made of, each one mutation at its moment."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

from app.demo.goods import Variant, money
from app.demo.people import Person
from app.demo.shop import Shop
from domain.viewer import ANONYMOUS, Viewer

CARRIERS = {"BR": "tucano", "JP": "tsubame"}
PLACES = {"BR": ("Guarulhos", "Cajamar", "Contagem"), "JP": ("Ibaraki", "Atsugi", "Toda")}
SHIPPING_MINOR = {"BRL": (0, 1490, 2290), "JPY": (0, 550, 880)}


@dataclass(frozen=True, slots=True)
class Work:
    """A fulfillment order of the story."""

    id: str
    at: str
    """Its location's code."""
    lines: tuple[str, ...] = ()


@dataclass(slots=True)
class Story:
    """One order, from its first moment on. Everything that is drawn is drawn from the story's own number."""

    number: int
    person: Person
    channel: str
    currency: str
    goods: Sequence[tuple[Variant, int]]
    at: datetime
    """Where the story has come to."""
    now: datetime
    """The present: no step lies beyond it."""
    shop: Shop
    draw: Random
    steps: int = 0
    order_id: str = ""
    buyer: Viewer = ANONYMOUS
    """Nobody we know, before the order is placed."""
    lines: list[dict[str, Any]] = field(default_factory=list)
    work: list[Work] = field(default_factory=list)
    shipped: dict[str, str] = field(default_factory=dict)
    """Tracking numbers by shipment."""
    back: dict[str, Any] = field(default_factory=dict)
    is_paid: bool = False

    # -- how a step is taken ---------------------------------------------------------------------------------------

    async def do(self, who: Viewer, mutation: str, **given: Any) -> dict[str, Any]:
        """The next step. Its key follows from its place in the story, so that a step taken before is not taken twice."""
        self.steps += 1
        key = f"demo:{self.number}:{self.steps}"
        return await self.shop.do(who, mutation, {"idempotencyKey": key, **given})

    def moment(self) -> str:
        """Now, in the story."""
        return self.at.isoformat()

    def later(self, hours: float) -> str:
        """Some `hours` on, but never beyond the present."""
        self.at = min(self.at + timedelta(hours=hours * self.draw.uniform(0.6, 1.4)), self.now)
        return self.moment()

    @property
    def total_minor(self) -> int:
        """What the buyer owes."""
        return self.shipping_minor + sum(variant.price_minor(self.currency) * units for variant, units in self.goods)

    @property
    def shipping_minor(self) -> int:
        """What shipping costs: drawn once, by the number."""
        return SHIPPING_MINOR[self.currency][self.number % 3]

    @property
    def seller(self) -> Viewer:
        """Who takes the order down."""
        return self.shop.agent if self.channel == "call-center" else self.shop.web

    # -- buying ----------------------------------------------------------------------------------------------------

    def _basket(self) -> dict[str, Any]:
        promise = self.at + timedelta(days=self.draw.randint(4, 8))
        return {
            "channel": self.channel,
            "customer": self.person.as_customer(),
            "shippingAddress": self.person.address,
            "lines": [{"sku": variant.sku, "quantity": units} for variant, units in self.goods],
            "shippingPrice": money(self.shipping_minor, self.currency),
            "promisedDelivery": {"latest": promise.isoformat()},
            "externalReference": f"D-{self.number:04}",
        }

    async def begin_draft(self) -> None:
        """Put an order together without placing it."""
        made = await self.do(self.seller, "orderDraft", occurredAt=self.moment(), **self._basket())
        self.order_id = made["order"]["id"]

    async def place(self, **payment: Any) -> None:
        """Place the order, or the draft; paid as given."""
        basket = {"draftId": self.order_id} if self.order_id else self._basket()
        when = self.later(1) if self.order_id else self.moment()
        made = await self.do(self.seller, "orderPlace", placedAt=when, **basket, **payment)
        order = made["order"]
        self.order_id, self.lines = order["id"], order["lines"]
        self.buyer = self.shop.customer(order["customer"]["id"], f"{self.person.first_name} {self.person.last_name}")
        self.work = [_work(each) for each in order["fulfillmentOrders"]]

    def promised(self) -> dict[str, Any]:
        """A payment that the card's bank promised, elsewhere."""
        return self._recorded("AUTHORIZATION", "credit_card")

    def transferred(self) -> dict[str, Any]:
        """A payment that came at once, elsewhere."""
        self.is_paid = True
        return self._recorded("CAPTURE", "pix" if self.currency == "BRL" else "konbini")

    def _recorded(self, kind: str, method: str) -> dict[str, Any]:
        amount, reference = money(self.total_minor, self.currency), f"{method}-{self.number:04}"
        known = {"kind": kind, "amount": amount, "method": method, "reference": reference}
        return {"payments": [{**known, "occurredAt": self.moment()}]}

    # -- deciding --------------------------------------------------------------------------------------------------

    async def confirm(self, hours: float = 2) -> None:
        """Accept it."""
        await self.do(self.shop.agent, "orderConfirm", id=self.order_id, occurredAt=self.later(hours))

    async def hold(self, kind: str, reason: str, hours: float = 1) -> str | None:
        """Give a reason not to go on; the hold's id, unless it was taken off before the load was broken off."""
        told = {"id": self.order_id, "kind": kind, "reason": reason, "occurredAt": self.later(hours)}
        held = await self.do(self.shop.agent, "orderHold", **told)
        return next((each["id"] for each in held["order"]["holds"]), None)

    async def release(self, hold_id: str | None, hours: float = 4) -> None:
        """Take a hold off."""
        told = {"orderId": self.order_id, "holdId": hold_id, "occurredAt": self.later(hours)}
        if hold_id is None:
            self.steps += 1
        else:
            await self.do(self.shop.agent, "orderHoldRelease", **told)

    async def cancel(self, reason: str, who: Viewer | None = None, hours: float = 3, **more: Any) -> None:
        """Call it off, or the units that are given."""
        told = {"id": self.order_id, "reason": reason, "occurredAt": self.later(hours), **more}
        await self.do(who or self.shop.agent, "orderCancel", **told)

    def some(self, units: int) -> list[dict[str, Any]]:
        """Units of the first line, to call off."""
        return [{"orderLineId": self.lines[0]["id"], "quantity": units}]

    # -- money -----------------------------------------------------------------------------------------------------

    async def capture(self, amount_minor: int | None = None, **more: Any) -> None:
        """Take what was promised, unless it came at once."""
        if self.is_paid and not more:
            return
        self.is_paid = True
        amount = {} if amount_minor is None else {"amount": money(amount_minor, self.currency)}
        told = {"orderId": self.order_id, "occurredAt": self.later(0.2), **amount, **more}
        await self.do(self.shop.till, "paymentCapture", **told)

    async def refund(self, amount_minor: int, reason: str, note: str | None = None) -> None:
        """Give money back."""
        amount = money(amount_minor, self.currency)
        told = {"orderId": self.order_id, "amount": amount, "reason": reason, "destination": "ORIGINAL_PAYMENT"}
        await self.do(self.shop.agent, "refundCreate", **told, note=note, occurredAt=self.later(20))

    # -- working ---------------------------------------------------------------------------------------------------

    async def accept(self, work: Work, hours: float = 3) -> None:
        """The location takes it on."""
        await self._at_work(work, "fulfillmentOrderAccept", self.later(hours))

    async def pick(self, work: Work, hours: float = 2, **more: Any) -> list[Work]:
        """Take everything off the shelf, or what is given; work that others got instead."""
        made = await self._at_work(work, "fulfillmentOrderPick", self.later(hours), **more)
        return [_work(each) for each in made["rerouted"] or ()]

    async def pack(self, work: Work, parcels: Sequence[dict[str, Any]] | None = None) -> list[str]:
        """Put it into parcels: one, if none are given."""
        sizes = {"lengthMm": 400, "widthMm": 300, "heightMm": 200, "weightGrams": self.draw.randint(300, 4000)}
        packages = [{**sizes, **parcel} for parcel in parcels or [{}]]
        made = await self._at_work(work, "fulfillmentOrderPack", self.later(1), packages=packages)
        return [package["id"] for package in made["fulfillmentOrder"]["packages"]]

    async def ship(self, work: Work, packages: Sequence[str] = ()) -> list[Work]:
        """Parcels leave, under the carrier's numbers where parcels are given; all the order's work by then."""
        country = self.person.country
        number = f"{country}{self.number:05}{self.steps:02}"
        given = [{"packageId": id_, "trackingNumber": f"{number}{at}"} for at, id_ in enumerate(packages)] or None
        told = {"fulfillmentOrderId": work.id, "carrier": CARRIERS[country], "packages": given}
        made = await self.do(self.shop.floor(work.at), "shipmentCreate", **told, occurredAt=self.later(3))
        self.shipped[made["shipment"]["id"]] = f"{number}0"
        return [_work(each) for each in made["shipment"]["order"]["fulfillmentOrders"]]

    async def _at_work(self, work: Work, mutation: str, when: str, **given: Any) -> dict[str, Any]:
        return await self.do(self.shop.floor(work.at), mutation, id=work.id, occurredAt=when, **given)

    # -- on its way ------------------------------------------------------------------------------------------------

    async def hand_over(self) -> None:
        """The carrier takes everything that left."""
        by = self.shop.floor(self.work[0].at) if len(self.work) == 1 else self.shop.owner
        await self.do(by, "shipmentHandOver", ids=list(self.shipped), occurredAt=self.later(4))

    async def say(self, code: str, hours: float, message: str, *, on_the_way: bool = False) -> None:
        """The carrier says something about every shipment: from some hub on the way, or from the buyer's city."""
        when, country = self.later(hours), self.person.country
        place = self.draw.choice(PLACES[country]) if on_the_way else self.person.address["city"]
        for number in self.shipped.values():
            told = {"carrier": CARRIERS[country], "trackingNumber": number, "code": code, "message": message}
            await self.do(self.shop.carrier, "trackingEventAdd", **told, place=place, occurredAt=when)

    async def deliver(self) -> None:
        """Somebody says that it arrived."""
        when = self.later(60)
        for shipment in self.shipped:
            await self.do(self.shop.carrier, "shipmentDeliver", id=shipment, occurredAt=when)

    # -- coming back -----------------------------------------------------------------------------------------------

    def _announced(self, reason: str, **found: str) -> list[dict[str, Any]]:
        """Every unit of the first line."""
        line = self.lines[0]
        return [{"orderLineId": line["id"], "quantity": line["quantity"], "reason": reason, **found}]

    async def ask_back(self, reason: str, hours: float = 60) -> None:
        """The customer asks to send the first line back."""
        told = {"method": "MAIL", "lines": self._announced(reason), "occurredAt": self.later(hours)}
        self.back = (await self.do(self.buyer, "returnRequest", **told))["return"]

    async def bring_back(self, store: str, refund: str) -> None:
        """The customer brings the first line to a counter: one call."""
        lines = self._announced("DEFECTIVE", condition="OPENED", disposition="QUARANTINE")
        told = {"method": "IN_STORE", "locationId": self.shop.locations[store], "receiveNow": True, "lines": lines}
        given = {"refund": {"destination": refund}, "occurredAt": self.later(50)}
        await self.do(self.shop.counter(store), "returnCreate", **told, **given)

    async def approve(self) -> None:
        """Allow it."""
        await self.do(self.shop.agent, "returnApprove", id=self.back["id"], occurredAt=self.later(8))

    async def decline(self, reason: str) -> None:
        """Refuse it."""
        told = {"id": self.back["id"], "reason": reason, "occurredAt": self.later(8)}
        await self.do(self.shop.agent, "returnDecline", **told)

    async def receive(self, units: int | None = None, hours: float = 70) -> None:
        """Units arrive where they came from: all of them, if none are given."""
        line = self.back["lines"][0]
        lines = [{"returnLineId": line["id"], "quantity": units or line["quantity"]}]
        home = self.work[0].at
        told = {"id": self.back["id"], "locationId": self.shop.locations[home], "lines": lines}
        await self.do(self.shop.floor(home), "returnReceive", **told, occurredAt=self.later(hours))

    async def inspect(self, condition: str, disposition: str) -> None:
        """Somebody looks at it, and money goes back."""
        line = self.back["lines"][0]
        found = {"quantity": line["quantity"], "condition": condition, "disposition": disposition}
        told = {"id": self.back["id"], "lines": [{"returnLineId": line["id"], **found}], "occurredAt": self.later(5)}
        await self.do(self.shop.floor(self.work[0].at), "returnInspect", **told)

    async def settle(self) -> None:
        """Close the return."""
        await self.do(self.shop.floor(self.work[0].at), "returnClose", id=self.back["id"], occurredAt=self.later(2))


def _work(told: dict[str, Any]) -> Work:
    return Work(told["id"], told["location"]["code"], tuple(line["id"] for line in told.get("lines", ())))
