"""How many statements a placed order costs: as many for thirty lines as for one."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field

import asyncpg
import orjson
import pytest

from app.adapters.payments import providers
from resolvers.database import Database, open_database
from resolvers.engine import Engine, Request
from resolvers.writing import World
from schema.build import build
from tests.api.shop import ADDRESS, OPERATIONS, Answer, Shop, money
from tests.api.test_races import sound
from tests.contract import document

ALLOWED = 8
UNCOUNTED = ("BEGIN", "COMMIT", "ROLLBACK")

PLACED = document("OrderLive").partition("fragment OrderStatus")
PLACE = f"""
    mutation ($input: OrderPlaceInput!) {{
      orderPlace(input: $input) {{ order {{ ...OrderStatus }} userErrors {{ code }} }}
    }}
    {PLACED[1]}{PLACED[2]}
"""


@dataclass(slots=True)
class Counted:
    """An engine whose connections write down what they are asked."""

    engine: Engine
    connections: list[asyncpg.Connection]
    asked: list[str] = field(default_factory=list)

    def note(self, query: asyncpg.connection.LoggedQuery) -> None:
        """One statement."""
        if not query.query.strip(" ;").upper().startswith(UNCOUNTED):
            self.asked.append(query.query)

    @contextmanager
    def counting(self) -> Iterator[list[str]]:
        """What is asked in the block."""
        self.asked = []
        for connection in self.connections:
            connection.add_query_logger(self.note)
        yield self.asked
        for connection in self.connections:
            connection.remove_query_logger(self.note)

    async def place(self, lines: list[Answer], key: str, **given: Answer) -> Answer:
        """A placement's payload."""
        who = {"customer": {"email": f"{key}@example.com"}, "shippingAddress": ADDRESS}
        input_ = {"idempotencyKey": key, "channel": "web", "lines": lines, **who, **given}
        answer = await self.engine.answer(Request(PLACE, None, {"input": input_}), OPERATIONS)
        await asyncio.sleep(0)  # a logger hears of a statement a moment later
        payload: Answer = orjson.loads(answer)["data"]["orderPlace"]
        assert payload["userErrors"] == []
        return payload


@asynccontextmanager
async def counted(database_url: str) -> AsyncIterator[Counted]:
    """An engine on pools of one connection each, so that every statement is seen."""
    async with open_database(database_url, reads=1, writes=1) as database:
        yield Counted(
            Engine(build()._schema, World(database, providers=providers())),
            [await raw(database, "reads"), await raw(database, "writes")],
        )


async def raw(database: Database, which: str) -> asyncpg.Connection:
    """The pool's only connection itself: what is borrowed forgets its loggers when it is given back."""
    async with getattr(database, which).acquire() as borrowed:
        connection: asyncpg.Connection = borrowed._con
    return connection


@pytest.fixture(scope="module")
async def skus(shop: Shop) -> list[str]:
    """Thirty SKUs at two locations."""
    made = [shop.new("SKU") for _ in range(30)]
    prices = [{"channel": "web", "price": money("3.00")}]
    await shop.do(OPERATIONS, "variantsSet", variants=[{"sku": sku, "name": sku, "prices": prices} for sku in made])
    for code, some in (("SAO1", made[:15]), ("CWB1", made[15:])):
        lines = [{"sku": sku, "setOnHand": 500} for sku in some]
        await shop.do(OPERATIONS, "stockAdjust", locationId=shop.places[code], reason="RECEIVED", lines=lines)
    return made


async def statements_by_lines(shop: Shop, skus: list[str], node: Counted, **given: Answer) -> dict[int, int]:
    """Statements by number of lines, once the connections have learned PostgreSQL's types."""
    found: dict[int, int] = {}
    for many in (1, 30, 1, 30):
        lines = [{"sku": sku, "quantity": 2} for sku in skus[:many]]
        with node.counting() as asked:
            payload = await node.place(lines, shop.new("count"), **given)
        assert len(payload["order"]["lines"]) == many
        found[many] = len(asked)
    return found


async def test_placing_an_order_takes_as_many_statements_for_thirty_lines_as_for_one(
    shop: Shop, skus: list[str], database_url: str
) -> None:
    async with counted(database_url) as node:
        found = await statements_by_lines(shop, skus, node)

    assert found == {1: 3, 30: 3}
    assert max(found.values()) <= ALLOWED
    assert await sound(database_url)


async def test_a_card_adds_the_statements_that_keep_its_answer(shop: Shop, skus: list[str], database_url: str) -> None:
    method = {"provider": "test", "token": "tok_visa"}
    async with counted(database_url) as node:
        found = await statements_by_lines(shop, skus, node, paymentMethod=method)

    assert found == {1: 6, 30: 6}
    assert max(found.values()) <= ALLOWED


async def test_a_twin_takes_no_more_statements_than_the_first(shop: Shop, skus: list[str], database_url: str) -> None:
    key, lines = shop.new("count"), [{"sku": skus[0], "quantity": 1}]
    async with counted(database_url) as node:
        await node.place(lines, key)
        with node.counting() as asked:
            await node.place(lines, key)

    assert len(asked) == 2  # the answer that stands, the payload
