"""Apollo's multipart protocol for subscriptions, over real HTTP."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from typing import Any

import asyncpg
import httpx
import orjson
import pytest

from app import streaming
from app.settings import Settings
from domain import ids
from tests.app.test_sse import agent, streams
from tests.conftest import serving
from tests.logbook import BEGINNING, ORDER_LIVE, write_event, write_order

Part = dict[str, Any]
DELIMITER = b"\r\n--graphql"
END: Part = {"the last": "boundary"}
APOLLO = (
    "multipart/mixed;boundary=graphql;subscriptionSpec=1.0,application/graphql-response+json,application/json;q=0.9"
)
"""What Apollo Client 4 sends with a subscription, word for word."""
DOCUMENTED = 'multipart/mixed;subscriptionSpec="1.0", application/json'
ONLY = "multipart/mixed; subscriptionSpec=1.0"


@pytest.fixture
async def writer(database_url: str) -> AsyncGenerator[asyncpg.Connection, None]:
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


async def parts_of(answer: httpx.Response) -> AsyncGenerator[Part, None]:
    """A response's parts, each as soon as the boundary after it has come; then `END`, if it ends as it should."""
    got = b""
    async for chunk in answer.aiter_bytes():
        got += chunk
        while DELIMITER in got:
            part, _, got = got.partition(DELIMITER)
            if part:
                head, _, body = part.partition(b"\r\n\r\n")
                assert head == b"\r\ncontent-type: application/json"
                yield orjson.loads(body)
    if got == b"--\r\n":
        yield END


@asynccontextmanager
async def in_parts(
    client: httpx.AsyncClient, query: str, token: str | None = None, accept: str = APOLLO, **variables: Any
) -> AsyncGenerator[AsyncGenerator[Part, None], None]:
    headers = {"Accept": accept, **({"Authorization": f"Bearer {token}"} if token else {})}
    body = {"query": query, "variables": variables}
    async with client.stream("POST", "/graphql", json=body, headers=headers) as answer:
        told = answer.headers["content-type"]
        assert (answer.status_code, told) == (200, 'multipart/mixed;boundary="graphql";subscriptionSpec=1.0')
        assert "no-store" in answer.headers["cache-control"]
        async with aclosing(parts_of(answer)) as parts:
            yield parts


def sequence_in(part: Part) -> int:
    sequence: int = part["payload"]["data"]["orderEvents"]["sequence"]
    return sequence


@pytest.mark.parametrize("accept", [APOLLO, DOCUMENTED, ONLY])
async def test_events_come_as_they_are_committed_and_a_cursor_goes_on(
    client: httpx.AsyncClient, writer: asyncpg.Connection, accept: str
) -> None:
    order_id = await write_order(writer)
    given = {"orderId": ids.encode("Order", order_id), "accept": accept}
    await write_event(writer, order_id)
    async with in_parts(client, ORDER_LIVE, agent(), **given, after=BEGINNING) as parts:
        first = await anext(parts)
        await write_event(writer, order_id)
        second = await anext(parts)
    await write_event(writer, order_id)
    cursor = second["payload"]["data"]["orderEvents"]["cursor"]
    async with in_parts(client, ORDER_LIVE, agent(), **given, after=cursor) as parts:
        third = await anext(parts)
    assert [sequence_in(part) for part in (first, second, third)] == [1, 2, 3]


async def test_a_query_is_answered_as_json_to_who_takes_both(client: httpx.AsyncClient) -> None:
    answer = await client.post("/graphql", json={"query": "{ __typename }"}, headers={"Accept": APOLLO})
    assert answer.headers["content-type"] == "application/graphql-response+json; charset=utf-8"
    assert answer.json()["data"] == {"__typename": "Query"}


async def test_a_query_is_one_part_to_who_takes_nothing_else(client: httpx.AsyncClient) -> None:
    async with in_parts(client, "{ __typename }", accept=ONLY) as parts:
        first, end = [part async for part in parts]
    assert (first["payload"]["data"], end) == ({"__typename": "Query"}, END)


@pytest.mark.parametrize("accept", ["multipart/mixed", 'multipart/mixed;subscriptionSpec="2.0"', "multipart/mixed;deferSpec=20220824"])  # fmt: skip
async def test_other_kinds_of_parts_are_not_promised(client: httpx.AsyncClient, accept: str) -> None:
    body = {"query": "{ __typename }"}
    assert (await client.post("/graphql", json=body, headers={"Accept": accept})).status_code == 406
    both = await client.post("/graphql", json=body, headers={"Accept": f"{accept}, application/json"})
    assert both.json()["data"] == {"__typename": "Query"}


@pytest.mark.parametrize(
    ("accept", "media"),
    [
        (f"{ONLY}, text/event-stream;q=0.5", "multipart/mixed"),
        (f"text/event-stream, {ONLY};q=0.5", "text/event-stream"),
        (f"{ONLY}, text/event-stream", "text/event-stream"),
        (f"{ONLY};q=0, text/event-stream;q=0.1", "text/event-stream"),
    ],
)
async def test_of_two_kinds_of_streams_the_more_welcome_is_sent(
    client: httpx.AsyncClient, accept: str, media: str
) -> None:
    answer = await client.post("/graphql", json={"query": "{ __typename }"}, headers={"Accept": accept})
    assert answer.headers["content-type"].partition(";")[0] == media


async def test_what_graphql_refuses_is_a_payload_with_errors_and_the_end(
    client: httpx.AsyncClient, writer: asyncpg.Connection
) -> None:
    order_id = ids.encode("Order", await write_order(writer))
    async with in_parts(client, ORDER_LIVE, orderId=order_id) as parts:
        told, end = [part async for part in parts]
    assert (set(told), set(told["payload"]), end) == ({"payload"}, {"errors"}, END)
    assert told["payload"]["errors"][0]["extensions"]["code"] == "NOT_FOUND"


async def test_a_document_that_is_not_valid_is_answered_before_a_stream_begins(client: httpx.AsyncClient) -> None:
    answer = await client.post("/graphql", json={"query": "subscription { no }"}, headers={"Accept": APOLLO})
    assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (400, "GRAPHQL_VALIDATION_FAILED")


@pytest.mark.parametrize("token", ["x", agent(-1)])
async def test_a_bad_token_is_refused_by_status(client: httpx.AsyncClient, token: str) -> None:
    headers = {"Accept": APOLLO, "Authorization": f"Bearer {token}"}
    assert (await client.post("/graphql", json={"query": ORDER_LIVE}, headers=headers)).status_code == 401


async def test_a_silent_line_has_a_heartbeat(
    client: httpx.AsyncClient, writer: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streaming, "HEARTBEAT_SECONDS", 0.02)
    order_id = ids.encode("Order", await write_order(writer))
    async with in_parts(client, ORDER_LIVE, agent(), orderId=order_id) as parts:
        assert [await anext(parts) for _ in range(3)] == [{}] * 3


async def test_a_token_that_ends_is_the_transports_error(client: httpx.AsyncClient, writer: asyncpg.Connection) -> None:
    order_id = ids.encode("Order", await write_order(writer))
    async with asyncio.timeout(5), in_parts(client, ORDER_LIVE, agent(2), orderId=order_id) as parts:
        told, end = [part async for part in parts]
    assert (told["payload"], told["errors"][0]["extensions"]["code"], end) == (None, "TOKEN_EXPIRED", END)


async def test_a_client_that_leaves_is_forgotten(client: httpx.AsyncClient, writer: asyncpg.Connection) -> None:
    order_id = ids.encode("Order", await write_order(writer))
    before = streams()
    async with in_parts(client, ORDER_LIVE, agent(), orderId=order_id):
        assert streams() == before + 1
    async with asyncio.timeout(2):
        while streams() > before:
            await asyncio.sleep(0.01)


async def test_a_server_that_ends_says_so_as_the_transports_error(
    settings: Settings, writer: asyncpg.Connection
) -> None:
    order_id = ids.encode("Order", await write_order(writer))
    async with AsyncExitStack() as server, httpx.AsyncClient() as client:
        client.base_url = await server.enter_async_context(serving(settings))
        async with in_parts(client, ORDER_LIVE, agent(), orderId=order_id) as parts:
            reading = asyncio.create_task(_all(parts))
            await asyncio.sleep(0.1)
            async with asyncio.timeout(2):
                await server.aclose()
            told, end = await reading
    assert (told["payload"], told["errors"][0]["extensions"]["code"], end) == (None, "SERVICE_UNAVAILABLE", END)


async def _all(parts: AsyncGenerator[Part, None]) -> list[Part]:
    return [part async for part in parts]
