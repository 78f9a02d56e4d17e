"""The contract's operations on the demo, each by whom its file is for: whoever pastes one sees something."""

import itertools
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import httpx
import pytest

from app import demo
from app.demo.goods import EVERYWHERE
from app.demo.supply import COUNTED
from app.settings import Settings
from app.sign_in import Request, viewer_for
from domain.store.sign_in import examples
from domain.viewer import Role, Viewer
from tests.api.shop import Answer, Shop
from tests.contract import document, names
from tests.live import live
from tests.logbook import BEGINNING

NOTHING_THERE = {
    "OrderDesk",  # nothing can be tagged yet
    "Deliveries",  # nobody listens
}
ADDRESS = {
    "line1": "Rua do Sol 1", "city": "São Paulo", "region": "SP", "postalCode": "01000-000", "country": "BR",
    "latitude": -23.55, "longitude": -46.63,
}  # fmt: skip
SKU = EVERYWHERE[0].sku

ORDERS = """query ($status: [OrderStatus!]!) { orders(first: 100, filter: { status: $status }) { nodes {
    id number status availableActions holds { id }
    lines { id quantities { allocated } returnability { returnable } } returns { id status lines { id } } } } }"""
MINE = """{ viewer { customer { id orders(first: 100) { nodes {
    id availableActions lines { id returnability { returnable } } } } } } }"""
WORK = """{ fulfillmentOrders(first: 100) { nodes { id status lines { id sku quantity } packages { id } } } }"""


class Newcomer:
    """Somebody with the tokens of the welcome page, who looks ids up and pastes operations."""

    def __init__(self, shop: Shop, who: dict[str, Viewer]) -> None:
        self.shop, self.who, self.pasted = shop, who, set[str]()

    async def ask(self, who: str, query: str, /, **variables: Any) -> Answer:
        """Looks something up."""
        return await self.shop.ask(self.who[who], query, **variables)

    async def paste(self, who: str | Viewer, name: str, /, **variables: Any) -> Any:
        """Something is found, or done: nothing is refused."""
        self.pasted.add(name)
        viewer = self.who[who] if isinstance(who, str) and who in self.who else who
        found = await self.shop.contract(viewer, name, **variables)
        refused = found["userErrors"] if isinstance(found, dict) and "userErrors" in found else []
        assert not refused, (name, who, refused)
        empty = not found or (isinstance(found, dict) and found.get("edges") == [])
        assert empty == (name in NOTHING_THERE), (name, who, found)
        return found

    def key(self) -> dict[str, str]:
        """A key that nobody used."""
        return {"key": self.shop.new("pasted")}


@pytest.fixture(scope="module")
async def connection(settings: Settings) -> AsyncIterator[asyncpg.Connection]:
    """A connection to a database with the demo in it."""
    await demo.load(settings, lambda *_: None)
    opened = await asyncpg.connect(settings.database_url)
    yield opened
    await opened.close()


@pytest.fixture(scope="module")
async def newcomer(connection: asyncpg.Connection, client: httpx.AsyncClient) -> Newcomer:
    """Everybody whom the welcome page has a token for, and a warehouse that works at two places."""
    found = await examples(connection)
    assert found.store
    assert found.warehouse
    requests = {
        "agent": Request(Role.AGENT),
        "operations": Request(Role.OPERATIONS),
        "store": Request(Role.STORE, locations=(found.store,)),
        "warehouse": Request(Role.WAREHOUSE, locations=(found.warehouse,)),
        "both": Request(Role.WAREHOUSE, locations=(found.warehouse, "REC1")),
        "customer": Request(Role.CUSTOMER, email=found.customer_email),
        "shopper": Request(Role.SHOPPER, channels=(found.channel or "",)),
    }
    return Newcomer(Shop(client), {who: await viewer_for(request, connection) for who, request in requests.items()})


async def orders(newcomer: Newcomer, *status: str) -> list[Answer]:
    """Some orders, as the call centre finds them."""
    return (await newcomer.ask("agent", ORDERS, status=list(status)))["orders"]["nodes"]  # type: ignore[no-any-return]


async def home(newcomer: Newcomer, who: str) -> str:
    """Where somebody works."""
    found = await newcomer.ask(who, "{ viewer { locations { id } } }")
    return found["viewer"]["locations"][0]["id"]  # type: ignore[no-any-return]


async def test_a_shopper_and_a_customer(newcomer: Newcomer) -> None:
    paste, key = newcomer.paste, newcomer.key
    await paste("shopper", "WhoAmI")
    await paste("shopper", "Availability", skus=[SKU], postalCode="01000-000", country="BR")
    lines = [{"sku": SKU, "quantity": 2}]
    (option, *_) = await paste("shopper", "FulfillmentOptions", lines=lines, destination=ADDRESS)
    cart = (await paste("shopper", "ReserveCart", sku=SKU, **key()))["reservation"]
    await paste("shopper", "ExtendCart", id=cart["id"], **key())
    await paste("shopper", "ReleaseCart", id=cart["id"], **key())
    bought = {"email": "you@example.com", "sku": SKU, "address": ADDRESS, "optionId": option["id"]}
    order = (await paste("shopper", "PlaceOrder", idempotencyKey="pasted", **bought))["order"]
    guest = await paste("shopper", "GuestSignIn", number=order["number"], email="you@example.com")
    await paste(guest["accessToken"], "OrderStatusById", id=order["id"])

    await paste("customer", "MyOrders")
    mine = (await newcomer.ask("customer", MINE))["viewer"]["customer"]["orders"]["nodes"]
    await paste(
        "customer", "CustomerCancels", id=next(o["id"] for o in mine if "CANCEL" in o["availableActions"]), **key()
    )
    back = next(line["id"] for o in mine for line in o["lines"] if line["returnability"]["returnable"])
    await paste("customer", "CustomerRequestsReturn", lineId=back, **key())


async def test_the_call_center(newcomer: Newcomer) -> None:
    paste, key = newcomer.paste, newcomer.key
    customer = (await paste("agent", "FindCustomer", query="Nunes"))["edges"][0]["node"]["id"]
    await paste("agent", "SingleCustomerView", id=customer)
    await paste("agent", "AddNote", customerId=customer, **key())
    pending = [each for each in await orders(newcomer, "PENDING") if "CONFIRM" in each["availableActions"]]
    first, second, third, *_ = pending
    line = next(each["id"] for each in first["lines"] if each["quantities"]["allocated"])
    await paste("agent", "CancelLine", orderId=first["id"], lineId=line, **key())
    await paste("agent", "OrderMoney", id=first["id"])
    await paste("agent", "Approve", id=second["id"], **key())
    held = await paste("agent", "PutOnHold", id=third["id"], **key())
    await paste("agent", "ReleaseHold", id=third["id"], holdId=held["order"]["holds"][0]["id"], **key())
    asked = [
        back["id"]
        for o in await orders(newcomer, "COMPLETED")
        for back in o["returns"]
        if back["status"] == "REQUESTED"
    ]
    await paste("agent", "ApproveReturn", id=asked[0], **key())
    await paste("agent", "DeclineReturn", id=asked[1], **key())


async def test_a_store(newcomer: Newcomer) -> None:
    paste, key, place = newcomer.paste, newcomer.key, await home(newcomer, "store")
    done = await orders(newcomer, "COMPLETED")
    await paste("store", "FindOrderAtCounter", query=done[0]["number"])
    line = next(line["id"] for o in done for line in o["lines"] if line["returnability"]["returnable"])
    await paste("store", "ReturnInPerson", lineId=line, locationId=place, **key())
    await paste("store", "PickupsWaiting", locationId=place)


async def test_a_warehouse_ships(newcomer: Newcomer) -> None:
    paste, key, place = newcomer.paste, newcomer.key, await home(newcomer, "warehouse")
    queue = [edge["node"] for edge in (await paste("warehouse", "Queue", locationId=place))["edges"]]
    waiting = [each for each in queue if each["status"] == "OPEN"]
    await paste("warehouse", "Accept", id=waiting[0]["id"], **key())
    work = (await newcomer.ask("warehouse", WORK))["fulfillmentOrders"]["nodes"]
    committed = {line["sku"] for each in work if each["status"] in ("PICKING", "PACKED") for line in each["lines"]}
    committed.add(COUNTED.sku)
    gone = ((each, line) for each in waiting[1:] for line in each["lines"] if line["sku"] not in committed)
    declined, line = next(gone)
    await paste("warehouse", "Reject", id=declined["id"], lineId=line["id"], **key())
    to = (await newcomer.ask("agent", '{ location(code: "REC1") { id } }'))["location"]["id"]
    moved = [each for each in waiting[1:] if each is not declined]
    await paste("both", "MoveWork", id=moved[0]["id"], to=to, **key())

    status = itertools.groupby(sorted(work, key=lambda each: each["status"]), key=lambda each: each["status"])
    by = {name: list(several) for name, several in status}
    taken, line = next((each, line) for each in by["ACCEPTED"] for line in each["lines"] if line["quantity"] > 1)
    await paste("warehouse", "Pick", id=taken["id"], lineId=line["id"], **key())
    packed = by["PICKING"][0]
    await paste("warehouse", "Pack", id=packed["id"], lineId=packed["lines"][0]["id"], **key())
    shipped = by["PACKED"][0]
    left = await paste("warehouse", "Ship", id=shipped["id"], packageId=shipped["packages"][0]["id"], **key())
    await paste("warehouse", "HandToCarrier", ids=[left["shipment"]["id"]], **key())
    await paste("warehouse", "Track", number="BR123456789", **key())


async def test_a_warehouse_keeps_stock(newcomer: Newcomer) -> None:
    paste, key, place = newcomer.paste, newcomer.key, await home(newcomer, "warehouse")
    here = {"sku": COUNTED.sku, "locationId": place}
    await paste("warehouse", "StockOf", sku=SKU)
    await paste("warehouse", "Adjust", **here, **key())
    await paste("warehouse", "Redispose", **here, **key())
    told = await newcomer.ask("warehouse", document("Ledger"), sku=COUNTED.sku, at="2100-01-01T00:00:00Z")
    assert all(each["edges"] for each in told.values())
    newcomer.pasted.add("Ledger")
    approved = [
        back for o in await orders(newcomer, "COMPLETED") for back in o["returns"] if back["status"] == "APPROVED"
    ]
    back = {"id": approved[0]["id"], "lineId": approved[0]["lines"][0]["id"]}
    await paste("warehouse", "ReceiveReturn", **back, locationId=place, **key())
    await paste("warehouse", "Inspect", **back, **key())

    to = (await newcomer.ask("agent", '{ location(code: "IPANEMA") { id } }'))["location"]["id"]
    sent = await paste("warehouse", "Transfer", **{"from": place, "to": to}, sku=SKU, **key())
    await paste("warehouse", "TransferShip", id=sent["transfer"]["id"], **key())
    coming = "{ transfers(first: 100) { nodes { id toLocation { id } lines { sku inTransit } } } }"
    way = (await newcomer.ask("warehouse", coming))["transfers"]["nodes"]
    here_soon = [(each["id"], line["sku"]) for each in way for line in each["lines"]
                 if each["toLocation"]["id"] == place and line["inTransit"] >= 10]  # fmt: skip
    await paste("warehouse", "TransferReceive", id=here_soon[0][0], sku=here_soon[0][1], **key())
    supplier = (await newcomer.ask("warehouse", "{ suppliers(first: 1) { nodes { id } } }"))["suppliers"]["nodes"][0]
    await paste("warehouse", "Buy", supplierId=supplier["id"], locationId=place, sku=SKU, **key())
    awaited = "{ purchaseOrders(first: 10, filter: { awaited: true }) { nodes { id lines { sku outstanding } } } }"
    bought = (await newcomer.ask("warehouse", awaited))["purchaseOrders"]["nodes"][0]
    await paste("warehouse", "ReceiveGoods", id=bought["id"], sku=bought["lines"][0]["sku"], **key())


async def test_operations(newcomer: Newcomer) -> None:
    paste, key = newcomer.paste, newcomer.key
    await paste("operations", "OrderDesk")
    await paste("operations", "Unrouted")
    order = (await orders(newcomer, "PENDING"))[0]
    await paste("operations", "WhyRouted", orderId=order["id"])
    await paste("operations", "History")
    await paste("operations", "Work", queue="call-center")
    item = (await paste("operations", "ClaimWork", queue="call-center", **key()))["workItem"]
    await paste("operations", "FinishWork", id=item["id"], **key())
    endpoint = (await paste("operations", "Listen", url="https://example.com/hook", **key()))["endpoint"]
    await paste("operations", "Deliveries", endpointId=endpoint["id"])
    asked = await paste("operations", "WhatIf", ruleset={"name": "mine", "channel": "web", "mode": "SHADOW"})
    assert asked["orders"] > 0
    assert float(asked["current"]["cost"]["amount"]) > 0
    await paste("operations", "SetRules", **key())
    await paste("operations", "SetUpVariants", variants=[{"sku": "NEW", "name": "New"}], **key())
    await paste("operations", "SetUpChannel", **key())
    address = {name: ADDRESS[name] for name in ("line1", "city", "region", "postalCode", "country")}
    await paste("operations", "SetUpLocation", address=address, **key())


async def test_whoever_listens(newcomer: Newcomer, base_url: str) -> None:
    customer = (await newcomer.ask("customer", MINE))["viewer"]["customer"]
    followed: dict[str, tuple[str, Answer]] = {
        "OrderLive": ("customer", {"orderId": customer["orders"]["nodes"][0]["id"]}),
        "CustomerLive": ("agent", {"customerId": customer["id"]}),
        "StoreQueue": ("store", {"locationId": await home(newcomer, "store")}),
        "Inventory": ("operations", {"skus": [SKU]}),
        "ChannelFeed": ("operations", {"channel": "web"}),
        "Trouble": ("operations", {}),
    }
    for name, (who, variables) in followed.items():
        newcomer.pasted.add(name)
        async with live(base_url, newcomer.who[who], document(name), after=BEGINNING, **variables) as subscriber:
            assert (await subscriber.next())["cursor"], name


def test_nothing_of_the_contract_was_left_out(newcomer: Newcomer) -> None:
    assert newcomer.pasted == set(names())
