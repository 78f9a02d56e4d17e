"""Several server processes, one stock: whatever is asked of them at once, no unit is sold or held twice."""

import asyncio
import itertools
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import asyncpg
import httpx
import pytest

from app.tokens import sign
from benchmarks.harness import free_port
from domain.store.verify import verify
from domain.viewer import Viewer
from tests.api.shop import ADDRESS, Answer, Shop
from tests.chaos.fleet import ORDERGRAPH, listens
from tests.conftest import SECRET

PROCESSES = 3
START_SECONDS = 120
BUYERS, UNITS = 300, 100

PLACE = """mutation ($input: OrderPlaceInput!) { orderPlace(input: $input) {
    order { id } userErrors { code ... on InsufficientStock { sku requested sellable } } } }"""
RESERVE = """mutation ($input: StockReserveInput!) { stockReserve(input: $input) {
    reservation { id } userErrors { code } } }"""
RELEASE = """mutation ($input: ReservationReleaseInput!) { reservationRelease(input: $input) {
    reservation { id } userErrors { code } } }"""


@pytest.fixture(scope="module")
async def servers(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[list[str]]:
    """`ordergraph serve` in processes of their own: their addresses."""
    folder = tmp_path_factory.mktemp("servers")
    ports = [free_port() for _ in range(PROCESSES)]
    async with AsyncExitStack() as stack:
        with (folder / "log").open("ab") as log:
            for port in ports:
                await _start(stack, port, database_url, folder / str(port), log.fileno())
        async with asyncio.timeout(START_SECONDS):
            while not all([await listens(port) for port in ports]):
                await asyncio.sleep(0.05)
        yield [f"http://127.0.0.1:{port}" for port in ports]


async def _start(stack: AsyncExitStack, port: int, database_url: str, home: Path, log: int) -> None:
    settings = {"DATABASE_URL": database_url, "ORDERGRAPH_SECRET": SECRET, "ORDERGRAPH_HOME": str(home)}
    command = [*ORDERGRAPH, "serve", "--port", str(port)]
    process = await asyncio.create_subprocess_exec(*command, env=settings, stdout=log, stderr=log)
    stack.push_async_callback(process.wait)
    stack.callback(process.terminate)


@pytest.fixture
async def crowd(servers: list[str]) -> AsyncIterator["Crowd"]:
    """Everybody who wants it."""
    async with AsyncExitStack() as stack:
        limits = httpx.Limits(max_connections=None)
        clients = [
            await stack.enter_async_context(httpx.AsyncClient(base_url=url, timeout=60, limits=limits))
            for url in servers
        ]
        yield Crowd(clients)


@pytest.fixture(scope="module")
async def shop(servers: list[str], database_url: str) -> AsyncIterator[Shop]:
    """The shop that they all serve."""
    async with httpx.AsyncClient(base_url=servers[0], timeout=60) as client:
        opened = Shop(client)
        await opened.open()
        yield opened


class Crowd:
    """Buyers who ask whichever server comes next."""

    def __init__(self, clients: list[httpx.AsyncClient]) -> None:
        self.next = itertools.cycle(clients)
        self.keys = itertools.count(1)

    async def ask(self, viewer: Viewer, query: str, **input_: object) -> Answer:
        """A mutation's payload."""
        input_ = {"idempotencyKey": f"{id(self)}:{next(self.keys)}", **input_}
        headers = {"Authorization": f"Bearer {sign(viewer, SECRET, 600)}"}
        body = {"query": query, "variables": {"input": input_}}
        answer = (await next(self.next).post("/graphql", json=body, headers=headers)).json()
        assert "errors" not in answer, answer
        (payload,) = answer["data"].values()
        return payload  # type: ignore[no-any-return]

    async def place(self, viewer: Viewer, sku: str, **more: object) -> Answer:
        """One buyer of one unit."""
        buyer = {"email": f"buyer{next(self.keys)}@example.com"}
        lines = [{"sku": sku, "quantity": 1}]
        given = {"channel": "web", "lines": lines, "customer": buyer, "shippingAddress": ADDRESS}
        return await self.ask(viewer, PLACE, **given, **more)


async def units(database_url: str, sku: str) -> Counter[str]:
    """What there is of a SKU, by bucket, over all locations; every invariant holds."""
    connection = await asyncpg.connect(database_url)
    try:
        assert await verify(connection) == []
        asked = """SELECT sum(on_hand) AS on_hand, sum(available) AS available, sum(reserved) AS reserved,
                   sum(allocated) AS allocated FROM stock_levels JOIN variants v ON v.id = variant_id WHERE sku = $1"""
        found = await connection.fetchrow(asked, sku)
        assert found is not None
        return Counter(dict(found.items()))
    finally:
        await connection.close()


async def test_three_hundred_buyers_of_a_hundred_units_buy_a_hundred(
    shop: Shop, crowd: Crowd, database_url: str
) -> None:
    sku, shopper = await shop.variant(SAO1=50, RIO1=30, CWB1=20), shop.shopper()

    payloads = await asyncio.gather(*(crowd.place(shopper, sku) for _ in range(BUYERS)))

    refusals = [error for payload in payloads for error in payload["userErrors"]]
    bought = [payload["order"]["id"] for payload in payloads if payload["order"]]
    assert len(set(bought)) == len(bought) == UNITS
    assert len(refusals) == BUYERS - UNITS
    assert {(each["code"], each["sku"], each["requested"], each["sellable"]) for each in refusals} == {
        ("INSUFFICIENT_STOCK", sku, 1, 0)
    }
    assert await units(database_url, sku) == {"on_hand": UNITS, "allocated": UNITS, "available": 0, "reserved": 0}


async def test_carts_and_orders_of_the_same_units_share_them(shop: Shop, crowd: Crowd, database_url: str) -> None:
    """Of those who reserve, one half buys, one gives back, and one does nothing; others buy without a cart."""
    sku, shopper = await shop.variant(SAO1=40, RIO1=30, CWB1=30), shop.shopper()

    async def with_cart(number: int) -> str:
        given = {"channel": "web", "lines": [{"sku": sku, "quantity": 1}], "reference": f"race-{number}"}
        made = await crowd.ask(shopper, RESERVE, **given)
        if made["reservation"] is None:
            return str(made["userErrors"][0]["code"])
        cart = made["reservation"]["id"]
        if number % 4 == 0:
            assert (await crowd.ask(shopper, RELEASE, id=cart))["userErrors"] == []
            return "given back"
        if number % 4 == 1:
            return "held"
        placed = await crowd.place(shopper, sku, reservationId=cart)
        return "bought" if placed["order"] else f"held and refused: {placed['userErrors']}"

    async def without() -> str:
        placed = await crowd.place(shopper, sku)
        return "bought" if placed["order"] else str(placed["userErrors"][0]["code"])

    halves = [with_cart(number) for number in range(BUYERS // 2)], [without() for _ in range(BUYERS // 2)]
    told = Counter(await asyncio.gather(*itertools.chain.from_iterable(zip(*halves, strict=True))))

    stock = await units(database_url, sku)
    assert set(told) == {"bought", "held", "given back", "INSUFFICIENT_STOCK"}
    assert (stock["allocated"], stock["reserved"]) == (told["bought"], told["held"])
    assert stock["available"] == UNITS - told["bought"] - told["held"]
    assert told["bought"] > 0
