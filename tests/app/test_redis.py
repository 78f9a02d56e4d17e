"""Two servers with one Redis between them: what one commits, the other's subscribers hear."""

from contextlib import AsyncExitStack

import asyncpg
import httpx

from app.settings import Settings
from domain import ids
from tests.app.test_sse import agent, stream_of
from tests.conftest import serving
from tests.logbook import BEGINNING, ORDER_LIVE, write_event, write_order
from tests.valkey import valkey

HOLD = """
    mutation($id: ID!) {
      orderHold(input: {id: $id, kind: MANUAL, reason: "a look at it", idempotencyKey: "k"}) { userErrors { code } }
    }
"""


async def test_what_one_server_commits_is_heard_at_another(settings: Settings, database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    order = await write_order(connection)
    await write_event(connection, order)
    given = {"orderId": ids.encode("Order", order), "after": BEGINNING}
    async with AsyncExitStack() as stack:
        redis = await stack.enter_async_context(valkey())
        shared = settings.model_copy(update={"redis_url": redis.url})
        here, there = [
            await stack.enter_async_context(httpx.AsyncClient(base_url=url, timeout=30))
            for url in [await stack.enter_async_context(serving(shared)) for _ in range(2)]
        ]
        events = await stack.enter_async_context(stream_of(there, ORDER_LIVE, agent(), **given))
        _, first = await anext(events)
        document = {"query": HOLD, "variables": {"id": given["orderId"]}}
        held = await here.post("/graphql", json=document, headers={"Authorization": f"Bearer {agent()}"})
        assert held.json()["data"] == {"orderHold": {"userErrors": []}}
        _, second = await anext(events)
    told = [each["data"]["orderEvents"]["type"] for each in (first, second)]
    assert told == ["ORDER_CONFIRMED", "ORDER_HELD"]
    await connection.close()
