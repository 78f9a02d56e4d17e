"""Telling a story: an order's steps, one after the other, through the API.

Keys are made of the order and the step, so a story told twice happens once, and one that was cut short goes on.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app.replay import documents
from app.replay.client import AnswerError, Caller, Document
from app.replay.recordings import COUNTRY, CURRENCY, Item, Paid, Place
from app.replay.story import Story

CARRIER = "OLIST"
PAYMENTS_AT_ONCE = 20
EXAMPLES_KEPT = 5

Input = dict[str, Any]


class Refused(Exception):
    """A step was refused: the rest of the order's life cannot be told."""


@dataclass(slots=True)
class Tally:
    """How the telling went."""

    told: int = 0
    refusals: Counter[tuple[str, str]] = field(default_factory=Counter)
    """(step, code): how often."""
    examples: dict[tuple[str, str], list[str]] = field(default_factory=dict)

    def refused(self, step: str, code: str, example: str) -> None:
        """Count a refusal, and keep the first few in words."""
        self.refusals[step, code] += 1
        kept = self.examples.setdefault((step, code), [])
        if len(kept) < EXAMPLES_KEPT:
            kept.append(example)


class Player:
    """Tells stories over one connection."""

    def __init__(self, caller: Caller, channel: str, tally: Tally) -> None:
        self.caller = caller
        self.channel = channel
        self.tally = tally

    async def tell(self, story: Story) -> None:
        """All of an order's life that can be told."""
        try:
            await self._tell(story)
        except Refused:
            return
        except AnswerError as error:
            self.tally.refused("any", "ERROR", f"{story.recorded.id}: {error}")
            return
        self.tally.told += 1

    async def _tell(self, story: Story) -> None:
        placed = await self._ask(story, documents.PLACE, {"place": place_input(story, self.channel)})
        order = placed["place"]["order"]
        work = [each["id"] for each in order["fulfillmentOrders"]]
        answer = await self._steps(
            story, confirming(story, order["id"]) | working(story, work) | canceling(story, order["id"])
        )
        if not story.handed_over_at:
            return
        packages = [
            [each["id"] for each in answer[f"pack{n}"]["fulfillmentOrder"]["packages"]] for n in range(len(work))
        ]
        answer = await self._steps(story, shipping(story, work, packages))
        shipments = [answer[f"ship{n}"]["shipment"]["id"] for n in range(len(work))]
        await self._steps(story, delivering(story, shipments))

    async def _steps(self, story: Story, inputs: Mapping[str, Input]) -> dict[str, Any]:
        if not inputs:
            return {}
        keyed = {name: {"idempotencyKey": f"{story.recorded.id}:{name}", **given} for name, given in inputs.items()}
        return await self._ask(story, documents.steps(*keyed), keyed)

    async def _ask(self, story: Story, document: Document, inputs: Mapping[str, Input]) -> dict[str, Any]:
        answer = await self.caller.ask(document, dict(inputs))
        if any(payload["userErrors"] for payload in answer.values()):
            self._note(story, answer)
            raise Refused
        return answer

    def _note(self, story: Story, answer: Mapping[str, Any]) -> None:
        for name, payload in answer.items():
            for error in payload["userErrors"]:
                step = name.rstrip("0123456789")
                self.tally.refused(step, error["code"], f"{story.recorded.id}: {error['message']}")


# -- what each step says -----------------------------------------------------------------------------------------------


def place_input(story: Story, channel: str) -> Input:
    """The order as it was placed."""
    recorded = story.recorded
    freight = sum(item.freight_minor for item in recorded.items)
    given = {
        "idempotencyKey": f"{recorded.id}:place",
        "channel": channel,
        "customer": {"email": f"{recorded.person}@olist.example"},
        "shippingAddress": address(recorded.place),
        "lines": lines_of(recorded.items),
        "shippingPrice": money(freight),
        "externalReference": recorded.id,
        "placedAt": recorded.purchased_at,
    }
    return given | ({"promisedDelivery": {"latest": recorded.promised_at}} if recorded.promised_at else {})


def lines_of(items: Iterable[Item]) -> list[Input]:
    """Units of the same product, seller and price are one line."""
    units = Counter((item.product_id, item.seller_id, item.price_minor) for item in items)
    return [
        {"sku": sku, "quantity": quantity, "unitPrice": money(price), "locationCode": seller}
        for (sku, seller, price), quantity in units.items()
    ]


def money(minor: int) -> Input:
    """Cents as the API takes them."""
    return {"amount": f"{minor // 100}.{minor % 100:02}", "currency": CURRENCY}


def address(place: Place) -> Input:
    """A postal area as the API takes it."""
    return {
        "city": place.city,
        "region": place.region,
        "postalCode": place.postal_code,
        "country": COUNTRY,
        "latitude": place.latitude,
        "longitude": place.longitude,
    }


def confirming(story: Story, order_id: str) -> dict[str, Input]:
    """The order's approval, with the money that was taken."""
    at = story.confirmed_at
    if at is None:
        return {}
    paid = [each for each in story.recorded.payments if each.amount_minor]
    first, rest = paid[:PAYMENTS_AT_ONCE], paid[PAYMENTS_AT_ONCE:]
    records = [{"kind": "CAPTURE", "occurredAt": at, **_paid(each)} for each in first]
    more = {"orderId": order_id, "recorded": True, "occurredAt": at}
    return {"confirm": {"id": order_id, "payments": records, "occurredAt": at}} | {
        f"capture{n}": more | _paid(each) for n, each in enumerate(rest)
    }


def _paid(paid: Paid) -> Input:
    return {"amount": money(paid.amount_minor), "method": paid.method}


def working(story: Story, work: list[str]) -> dict[str, Input]:
    """What each seller did until the parcel was ready, at the moment that it left."""
    if story.handed_over_at is None:
        return {}
    steps: dict[str, Input] = {}
    for n, id_ in enumerate(work):
        given = {"id": id_, "occurredAt": story.handed_over_at}
        steps |= {f"accept{n}": given, f"pick{n}": given, f"pack{n}": {**given, "packages": [{}]}}
    return steps


def shipping(story: Story, work: list[str], packages: list[list[str]]) -> dict[str, Input]:
    """The parcels leave."""
    return {
        f"ship{n}": leaving(story, id_, parcels, str(n))
        for n, (id_, parcels) in enumerate(zip(work, packages, strict=True))
    }


def leaving(story: Story, work: str, parcels: list[str], name: str) -> Input:
    """The parcels of one work leave, each under a number that a clerk can look up."""
    numbered = [
        {"packageId": each, "trackingNumber": f"{story.recorded.id}-{name}-{m}"} for m, each in enumerate(parcels)
    ]
    return {
        "fulfillmentOrderId": work,
        "carrier": CARRIER,
        "packages": numbered,
        "occurredAt": story.handed_over_at,
    }


def delivering(story: Story, shipments: list[str]) -> dict[str, Input]:
    """The carrier has the parcels; the recipient has them."""
    handed: dict[str, Input] = {"hand": {"ids": shipments, "occurredAt": story.handed_over_at}}
    at: datetime | None = story.delivered_at
    return handed | {f"deliver{n}": {"id": id_, "occurredAt": at} for n, id_ in enumerate(shipments) if at}


def canceling(story: Story, order_id: str) -> dict[str, Input]:
    """Everything is called off."""
    if story.canceled_at is None or story.reason is None:
        return {}
    return {"cancel": {"id": order_id, "reason": story.reason.value, "occurredAt": story.canceled_at}}
