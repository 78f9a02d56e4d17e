"""GraphQL over server-sent events, over real HTTP."""

import asyncio
import socket
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from typing import Any

import asyncpg
import httpx
import orjson
import pytest

from app import serve, streaming
from app.settings import Settings
from app.tokens import sign
from domain import ids
from domain.viewer import Viewer
from resolvers.trusted import hash_of
from tests.conftest import SECRET, serving
from tests.logbook import AGENT, BEGINNING, ORDER_LIVE, write_event, write_order

Bearer = Callable[[Viewer], dict[str, str]]
Event = tuple[str, Any]
COSTS_3 = {"cost": {"requested": 3, "limit": 2000}}
AS_STREAM = {"Accept": "text/event-stream", "Content-Type": "application/json"}


@pytest.fixture
async def writer(database_url: str) -> AsyncGenerator[asyncpg.Connection, None]:
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


async def events_of(answer: httpx.Response) -> AsyncGenerator[Event, None]:
    """A stream's events: (name, data). Comments come as ("", None)."""
    name, data = "", list[str]()
    async for line in answer.aiter_lines():
        field, _, value = line.partition(":")
        if line.startswith(":"):
            yield "", None
        elif field == "event":
            name = value.strip()
        elif field == "data":
            data.append(value.removeprefix(" "))
        elif not line and name:
            text = "\n".join(data)
            yield name, orjson.loads(text) if text else None
            name, data = "", []


@asynccontextmanager
async def stream_of(
    client: httpx.AsyncClient, query: str, token: str | None = None, **variables: Any
) -> AsyncGenerator[AsyncGenerator[Event, None], None]:
    headers = {**AS_STREAM, **({"Authorization": f"Bearer {token}"} if token else {})}
    body = orjson.dumps({"query": query, "variables": variables})
    async with client.stream("POST", "/graphql", content=body, headers=headers) as answer:
        assert (answer.status_code, answer.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
        assert "no-store" in answer.headers["cache-control"]
        async with aclosing(events_of(answer)) as events:
            yield events


def agent(ttl_seconds: int = 60) -> str:
    return sign(AGENT, SECRET, ttl_seconds)


async def test_a_query_is_one_next_and_complete(client: httpx.AsyncClient) -> None:
    async with stream_of(client, "{ __typename viewer { kind } }") as events:
        found = [event async for event in events]
    assert found == [
        ("next", {"data": {"__typename": "Query", "viewer": {"kind": "ANONYMOUS"}}, "extensions": COSTS_3}),
        ("complete", None),
    ]


async def test_answers_of_several_lines_come_whole(client: httpx.AsyncClient, writer: asyncpg.Connection) -> None:
    for _ in range(3):
        await write_order(writer)
    async with stream_of(client, "{ orders { nodes { id } } }", agent()) as events:
        [(_, answer), _] = [event async for event in events]
    assert len(answer["data"]["orders"]["nodes"]) >= 3


@pytest.mark.parametrize("query", ["{", "{ nothing }", "subscription { nothing }"])
async def test_a_document_that_fails_is_a_next_without_data_and_complete(client: httpx.AsyncClient, query: str) -> None:
    async with stream_of(client, query) as events:
        [(kind, answer), end] = [event async for event in events]
    assert (kind, set(answer), end) == ("next", {"errors"}, ("complete", None))


async def test_an_order_that_may_not_be_seen_ends_the_stream(
    client: httpx.AsyncClient, writer: asyncpg.Connection
) -> None:
    order_id = ids.encode("Order", await write_order(writer))
    async with stream_of(client, ORDER_LIVE, orderId=order_id) as events:
        [(_, answer), end] = [event async for event in events]
    assert answer["errors"][0]["extensions"]["code"] == "NOT_FOUND"
    assert end == ("complete", None)


async def test_events_come_as_they_are_committed_and_a_cursor_goes_on(
    client: httpx.AsyncClient, writer: asyncpg.Connection
) -> None:
    order_id = await write_order(writer)
    given = {"orderId": ids.encode("Order", order_id)}
    await write_event(writer, order_id)
    async with stream_of(client, ORDER_LIVE, agent(), **given, after=BEGINNING) as events:
        _, first = await anext(events)
        await write_event(writer, order_id)
        _, second = await anext(events)
    await write_event(writer, order_id)
    cursor = second["data"]["orderEvents"]["cursor"]
    async with stream_of(client, ORDER_LIVE, agent(), **given, after=cursor) as events:
        _, third = await anext(events)
    assert [each["data"]["orderEvents"]["sequence"] for each in (first, second, third)] == [1, 2, 3]


async def test_a_subscription_may_stand_in_the_url(client: httpx.AsyncClient, writer: asyncpg.Connection) -> None:
    order_id = await write_order(writer)
    await write_event(writer, order_id)
    variables = orjson.dumps({"orderId": ids.encode("Order", order_id), "after": BEGINNING}).decode()
    headers = {"Accept": "text/event-stream", "Authorization": f"Bearer {agent()}"}
    params = {"query": ORDER_LIVE, "variables": variables}
    async with client.stream("GET", "/graphql", params=params, headers=headers) as answer:
        kind, told = await anext(events_of(answer))
    assert (kind, told["data"]["orderEvents"]["sequence"]) == ("next", 1)


async def test_a_document_may_be_named_by_its_hash(client: httpx.AsyncClient) -> None:
    text = "{ streamed: __typename }"
    by_hash = {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": hash_of(text)}}}
    told = []
    for body in (by_hash, {"query": text, **by_hash}, by_hash):
        (_, answer), _ = [each async for each in events_of(await client.post("/graphql", json=body, headers=AS_STREAM))]
        told.append(answer)
    assert told[0]["errors"][0]["message"] == "PersistedQueryNotFound"
    assert told[1]["data"] == told[2]["data"] == {"streamed": "Query"}


async def test_who_accepts_both_gets_json_for_a_query_and_a_stream_for_a_subscription(
    client: httpx.AsyncClient,
) -> None:
    headers = {**AS_STREAM, "Accept": "application/json, text/event-stream"}
    query = await client.post("/graphql", content='{"query":"{__typename}"}', headers=headers)
    assert query.json()["data"] == {"__typename": "Query"}
    body = '{"query":"subscription { orderEvents(orderId: \\"x\\") { id } }"}'
    subscription = await client.post("/graphql", content=body, headers=headers)
    assert subscription.headers["content-type"].startswith("text/event-stream")
    assert "NOT_FOUND" in subscription.text


@pytest.mark.parametrize(("token", "status"), [("x", 401), (agent(-1), 401)])
async def test_a_bad_token_is_refused_by_status(client: httpx.AsyncClient, token: str, status: int) -> None:
    headers = {**AS_STREAM, "Authorization": f"Bearer {token}"}
    answer = await client.post("/graphql", content='{"query":"{__typename}"}', headers=headers)
    assert answer.status_code == status


async def test_a_silent_stream_has_a_heartbeat(
    client: httpx.AsyncClient, writer: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streaming, "HEARTBEAT_SECONDS", 0.02)
    order_id = ids.encode("Order", await write_order(writer))
    async with stream_of(client, ORDER_LIVE, agent(), orderId=order_id) as events:
        assert [await anext(events) for _ in range(3)] == [("", None)] * 3


async def test_a_stream_ends_with_its_token(client: httpx.AsyncClient, writer: asyncpg.Connection) -> None:
    order_id = ids.encode("Order", await write_order(writer))
    async with asyncio.timeout(5), stream_of(client, ORDER_LIVE, agent(2), orderId=order_id) as events:
        [(_, answer), end] = [event async for event in events]
    assert answer["errors"][0]["extensions"]["code"] == "TOKEN_EXPIRED"
    assert end == ("complete", None)


def streams() -> int:
    """How many streams the server, in this very process, is telling."""
    return sum(task.get_coro().__qualname__ == "_tell" for task in asyncio.all_tasks())  # type: ignore[union-attr]


async def test_a_client_that_leaves_is_forgotten(client: httpx.AsyncClient, writer: asyncpg.Connection) -> None:
    order_id = ids.encode("Order", await write_order(writer))
    before = streams()
    async with stream_of(client, ORDER_LIVE, agent(), orderId=order_id):
        assert streams() == before + 1
    async with asyncio.timeout(2):
        while streams() > before:
            await asyncio.sleep(0.01)


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="Linux has it")
async def test_a_client_that_takes_nothing_in_is_forgotten(
    settings: Settings, writer: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serve, "UNHEARD_SECONDS", 1)
    order_id = await write_order(writer)
    body = orjson.dumps({"query": ORDER_LIVE, "variables": {"orderId": ids.encode("Order", order_id)}})
    before = streams()
    async with serving(settings) as url, httpx.AsyncClient(base_url=url) as client:
        headers = {**AS_STREAM, "Authorization": f"Bearer {agent()}"}
        async with client.stream("POST", "/graphql", content=body, headers=headers):  # and reads no more than its head
            assert streams() == before + 1
            async with asyncio.timeout(20):
                while streams() > before:
                    await write_event(writer, order_id, message="x" * 100_000)


async def test_the_server_ends_streams_at_once_and_without_complete(
    settings: Settings, writer: asyncpg.Connection
) -> None:
    order_id = ids.encode("Order", await write_order(writer))
    async with AsyncExitStack() as server, httpx.AsyncClient() as client:
        client.base_url = await server.enter_async_context(serving(settings))
        async with stream_of(client, ORDER_LIVE, agent(), orderId=order_id) as events:
            reading = asyncio.create_task(_all(events))
            await asyncio.sleep(0.1)
            async with asyncio.timeout(2):
                await server.aclose()
            assert await reading == []


async def _all(events: AsyncGenerator[Event, None]) -> list[Event]:
    return [event async for event in events]
