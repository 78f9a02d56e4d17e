"""A small shop, set up and driven through the public API: what every end-to-end test stands on.

A test buys SKUs of its own (`Shop.variant`), so tests share a database without sharing stock.
"""

import itertools
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

import httpx
import orjson

from app.tokens import sign
from domain import ids
from domain.viewer import SCOPES, Role, Scope, Viewer, ViewerKind
from tests.conftest import SECRET
from tests.contract import document

Answer = dict[str, Any]

OPERATIONS = Viewer(ViewerKind.STAFF, Role.OPERATIONS, "operations:olga", "Olga", SCOPES[Role.OPERATIONS])
AGENT = Viewer(ViewerKind.STAFF, Role.AGENT, "agent:ana", "Ana", SCOPES[Role.AGENT])
HISTORIAN = Viewer(ViewerKind.APP, Role.APP, "app:historian", "Historian", frozenset(Scope))

ADDRESS: Answer = {
    "line1": "Rua Augusta 1024",
    "city": "São Paulo",
    "region": "SP",
    "postalCode": "01304-001",
    "country": "BR",
    "latitude": -23.55,
    "longitude": -46.65,
}
"""In São Paulo: SAO1 is the nearest location, then CWB1, then RIO1."""

PLACES: dict[str, tuple[str, float, float]] = {
    "SAO1": ("WAREHOUSE", -23.5, -46.6),
    "RIO1": ("STORE", -22.9, -43.2),
    "CWB1": ("WAREHOUSE", -25.4, -49.3),
}

REFUSALS = """
    userErrors {
      code field
      ... on NotFound { noun id }
      ... on Forbidden { scope }
      ... on InvalidTransition { state action allowed }
      ... on InsufficientStock { sku requested sellable }
      ... on VersionConflict { expected actual }
      ... on InvalidInput { reason }
      ... on UnknownSku { sku }
      ... on CurrencyMismatch { expectedCurrency: expected actualCurrency: actual }
      ... on DuplicateReference { reference }
      ... on PaymentDeclined { reason }
      ... on PaymentUnresolved { reason }
      ... on RefundExceedsBalance { refundable { amount currency } }
      ... on AmountExceeds { left: available { amount currency } }
      ... on NotReturnable { orderLineId reason returnableQuantity }
      ... on QuantityExceeds { available }
      ... on NotReversible { reason }
      ... on StockChanged { sku expectedOnHand actualOnHand }
      ... on TotalChanged { expectedTotal { amount currency } actualTotal { amount currency } }
      ... on OnHold { kinds }
      ... on UnitsCommitted { sku committed picked reserved setAside }
      ... on LocationNotInChannel { location channel }
      ... on WorkItemNotLeased { state leasedBy }
    }
"""
"""Every refusal with all its data; the sentence for people is left out, programs do not read it."""

ORDER = """
    id number status paymentStatus fulfillmentStatus returnStatus version onHold availableActions externalReference
    total { amount currency } balance { amount currency }
    lines {
      id sku quantity unitPrice { amount }
      quantities { ordered open backordered allocated picked shipped delivered canceled returned }
    }
    holds { id kind reason }
    adjustments { kind amount { amount } }
    payments { id kind status amount { amount } failure }
    fulfillmentOrders {
      id status location { id code }
      lines { id sku quantity picked short shipped canceled }
      packages { id lines { quantity fulfillmentOrderLine { id } } }
    }
    shipments {
      id status carrier lines { quantity orderLine { id sku } } packages { id trackingNumber }
    }
    returns { id number status lines { id quantity receivedQuantity } refunds { id status amount { amount } } }
"""


def money(amount: str, currency: str = "BRL") -> Answer:
    """An amount as the graph takes and gives it."""
    return {"amount": amount, "currency": currency}


def quantities(ordered: int, **elsewhere: int) -> Answer:
    """A line's quantities: what is not named is zero."""
    names = ("open", "backordered", "allocated", "picked", "shipped", "delivered", "canceled", "returned")
    return {"ordered": ordered, **dict.fromkeys(names, 0), **elsewhere}


def app(*scopes: Scope, name: str = "app:test") -> Viewer:
    """Another system with just these scopes."""
    return Viewer(ViewerKind.APP, Role.APP, name, name, frozenset(scopes))


def entries(order: Answer) -> list[tuple[str, str, str]]:
    """An order's payment entries as (kind, status, amount)."""
    return [(each["kind"], each["status"], each["amount"]["amount"]) for each in order["payments"]]


@dataclass(slots=True)
class Shop:
    """The shop's API as tests use it."""

    client: httpx.AsyncClient
    places: dict[str, str] = field(default_factory=dict)
    """Location ids by code."""
    channels: dict[str, str] = field(default_factory=dict)
    numbers: Iterable[int] = field(default_factory=lambda: itertools.count(1))

    # -- asking ----------------------------------------------------------------------------------------------------

    def new(self, prefix: str) -> str:
        """A text that nobody used before."""
        return f"{prefix}-{next(self.numbers)}"  # type: ignore[call-overload]

    async def post(self, viewer: Viewer | str | None, query: str, variables: Answer | None = None) -> httpx.Response:
        """One request, by a viewer or with a token as it stands."""
        token = sign(viewer, SECRET, 3600) if isinstance(viewer, Viewer) else viewer
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        headers |= {"Authorization": f"Bearer {token}"} if token is not None else {}
        body = orjson.dumps({"query": query, "variables": variables or {}})
        return await self.client.post("/graphql", content=body, headers=headers)

    async def ask(self, viewer: Viewer | str | None, query: str, /, **variables: Any) -> Answer:
        """The data of an answer without errors."""
        answer = await self.post(viewer, query, variables)
        assert (answer.status_code, answer.json().get("errors")) == (200, None), answer.text
        return answer.json()["data"]  # type: ignore[no-any-return]

    async def contract(self, viewer: Viewer | str | None, name: str, /, **variables: Any) -> Any:
        """One of the contract's operations, word for word; gives its only root field."""
        (answer,) = (await self.ask(viewer, document(name), **variables)).values()
        return answer

    async def send(self, viewer: Viewer | str | None, mutation: str, selection: str = "", /, **input: Any) -> Answer:
        """A mutation's payload; a key is made up where none is given and one is needed."""
        if mutation != "guestOrderAccess":
            input = {"idempotencyKey": self.new("key"), **input}
        type_ = f"{mutation[0].upper()}{mutation[1:]}Input!"
        query = f"mutation ($input: {type_}) {{ {mutation}(input: $input) {{ {selection} {REFUSALS} }} }}"
        return (await self.ask(viewer, query, input=input))[mutation]  # type: ignore[no-any-return]

    async def do(self, viewer: Viewer | str | None, mutation: str, selection: str = "", /, **input: Any) -> Answer:
        """The payload of a mutation that is not refused."""
        payload = await self.send(viewer, mutation, selection, **input)
        assert payload.pop("userErrors") == []
        return payload

    async def refused(self, viewer: Viewer | str | None, mutation: str, /, **input: Any) -> Answer:
        """The one refusal of a mutation, without its message."""
        payload = await self.send(viewer, mutation, **input)
        (refusal,) = payload["userErrors"]
        return refusal  # type: ignore[no-any-return]

    # -- setting up ------------------------------------------------------------------------------------------------

    async def open(self) -> None:
        """Two channels and three locations."""
        for code, currency in (("web", "BRL"), ("abroad", "USD")):
            made = await self.do(OPERATIONS, "channelSet", "channel { id }", code=code, name=code.title(),
                                 currency=currency, timeZone="America/Sao_Paulo")  # fmt: skip
            self.channels[code] = made["channel"]["id"]
        for code, (kind, latitude, longitude) in PLACES.items():
            made = await self.do(OPERATIONS, "locationSet", "location { id }", code=code, name=code, kind=kind,
                                 latitude=latitude, longitude=longitude, channels=["web"])  # fmt: skip
            self.places[code] = made["location"]["id"]

    async def variant(self, price: str = "50.00", **stock: int) -> str:
        """A fresh SKU at a price, with units on hand by location code."""
        sku = self.new("SKU")
        prices = [{"channel": "web", "price": money(price)}]
        await self.do(OPERATIONS, "variantsSet", variants=[{"sku": sku, "name": sku.title(), "prices": prices}])
        for code, units in stock.items():
            await self.count(sku, code, units)
        return sku

    async def count(self, sku: str, code: str, units: int) -> None:
        """Put units on a location's shelf."""
        lines = [{"sku": sku, "setOnHand": units}]
        await self.do(OPERATIONS, "stockAdjust", locationId=self.places[code], reason="RECEIVED", lines=lines)

    async def stock(self, sku: str) -> dict[str, Answer]:
        """What each location has of a SKU, by bucket; empty buckets are left out."""
        inventory = (await self.contract(OPERATIONS, "StockOf", sku=sku))["inventory"]
        levels = [edge["node"] for edge in inventory["levels"]["edges"]]
        return {
            level["location"]["code"]: {
                name: units for name, units in level.items() if isinstance(units, int) and units
            }
            for level in levels
        }

    # -- who asks --------------------------------------------------------------------------------------------------

    def shopper(self, channel: str = "web") -> Viewer:
        """Somebody with a channel's publishable token."""
        viewer = Viewer(ViewerKind.ANONYMOUS, Role.SHOPPER, f"shopper:{channel}", "Shopper", SCOPES[Role.SHOPPER])
        return replace(viewer, channel_ids=(self.key(self.channels[channel]),))

    def floor(self, *codes: str, role: Role = Role.WAREHOUSE) -> Viewer:
        """Somebody who works at locations."""
        viewer = Viewer(ViewerKind.STAFF, role, f"{role.lower()}:{'+'.join(codes)}", "Wim", SCOPES[role])
        return replace(viewer, location_ids=tuple(self.key(self.places[code]) for code in codes))

    def store(self, *codes: str) -> Viewer:
        """Somebody at a till."""
        return self.floor(*codes, role=Role.STORE)

    async def customer(self, email: str | None = None) -> Viewer:
        """A signed-in customer, known from an order."""
        sku = await self.variant("1.00", SAO1=1)
        order = await self.place((sku, 1), email=email or f"{self.new('ana')}@example.com")
        found = await self.ask(AGENT, "query ($id: ID!) { order(id: $id) { customer { id } } }", id=order["id"])
        return self.signed_in(found["order"]["customer"]["id"])

    def signed_in(self, id_: str) -> Viewer:
        """A customer by their id."""
        viewer = Viewer(ViewerKind.CUSTOMER, Role.CUSTOMER, f"customer:{id_}", "Ana Souza", SCOPES[Role.CUSTOMER])
        return replace(viewer, customer_id=self.key(id_))

    def guest(self, order: Answer) -> Viewer:
        """Somebody who proved one order."""
        viewer = Viewer(ViewerKind.GUEST, Role.GUEST, f"guest:{order['id']}", "Guest", SCOPES[Role.GUEST])
        return replace(viewer, order_id=self.key(order["id"]))

    @staticmethod
    def key(id_: str) -> UUID:
        """The key inside an id."""
        key = ids.key_of(id_)
        assert key is not None
        return key

    # -- an order's life -------------------------------------------------------------------------------------------

    async def order(self, id_: str, viewer: Viewer = OPERATIONS) -> Answer:
        """An order as it is now."""
        found = await self.ask(viewer, f"query ($id: ID!) {{ order(id: $id) {{ {ORDER} }} }}", id=id_)
        assert found["order"] is not None
        return found["order"]  # type: ignore[no-any-return]

    async def place(
        self, *lines: tuple[str, int], viewer: Viewer | None = None, token: str | None = None, **input: Any
    ) -> Answer:
        """Place an order for (SKU, units); paid by card where a token is given."""
        method = {"paymentMethod": {"provider": "test", "token": token}} if token else {}
        email = input.pop("email", None) or f"{self.new('buyer')}@example.com"
        wanted = [{"sku": sku, "quantity": units} for sku, units in lines]
        given = {"channel": "web", "lines": wanted, "customer": {"email": email}, "shippingAddress": ADDRESS}
        placed = await self.do(viewer or OPERATIONS, "orderPlace", "order { id }", **{**given, **method, **input})
        return await self.order(placed["order"]["id"])

    async def confirm(self, order: Answer) -> Answer:
        """Accept the order."""
        await self.do(OPERATIONS, "orderConfirm", id=order["id"])
        return await self.order(order["id"])

    async def accept(self, order: Answer) -> Answer:
        """Every location takes its work on."""
        for work in order["fulfillmentOrders"]:
            if work["status"] == "OPEN":
                await self.do(OPERATIONS, "fulfillmentOrderAccept", id=work["id"])
        return await self.order(order["id"])

    async def pick(self, order: Answer) -> Answer:
        """Everything is found."""
        for work in order["fulfillmentOrders"]:
            if work["status"] == "ACCEPTED":
                await self.do(OPERATIONS, "fulfillmentOrderPick", id=work["id"])
        return await self.order(order["id"])

    async def pack(self, order: Answer) -> Answer:
        """One parcel for each location's work."""
        for work in order["fulfillmentOrders"]:
            if work["status"] == "PICKING":
                await self.do(OPERATIONS, "fulfillmentOrderPack", id=work["id"], packages=[{"weightGrams": 900}])
        return await self.order(order["id"])

    async def ship(self, order: Answer) -> Answer:
        """Every packed parcel leaves."""
        for work in order["fulfillmentOrders"]:
            if work["status"] == "PACKED":
                await self.do(OPERATIONS, "shipmentCreate", fulfillmentOrderId=work["id"], carrier="correios")
        return await self.order(order["id"])

    async def deliver(self, order: Answer) -> Answer:
        """Every shipment arrives."""
        for shipment in order["shipments"]:
            if shipment["status"] != "DELIVERED":
                await self.do(OPERATIONS, "shipmentDeliver", id=shipment["id"])
        return await self.order(order["id"])

    async def advance(self, order: Answer, until: str) -> Answer:
        """Take an order on, step by step, up to and including `until`."""
        for step in (self.confirm, self.accept, self.pick, self.pack, self.ship, self.deliver):
            order = await step(order)
            if step.__name__ == until:
                return order
        raise ValueError(until)

    async def captured(self, order: Answer) -> Answer:
        """Take what was authorized."""
        await self.do(OPERATIONS, "paymentCapture", orderId=order["id"])
        return await self.order(order["id"])

    async def bought(self, price: str = "50.00", units: int = 2, until: str = "deliver", **input: Any) -> Answer:
        """An order of one line of a fresh SKU, paid by card, taken on to a step."""
        sku = await self.variant(price, SAO1=units + 10, RIO1=10)
        return await self.advance(await self.place((sku, units), token="tok_visa", **input), until)
