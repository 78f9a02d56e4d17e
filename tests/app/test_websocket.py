"""`graphql-transport-ws` over real WebSockets, by a client that others wrote."""

import asyncio
import gc
import socket
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any
from uuid import UUID

import asyncpg
import orjson
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.client import ClientProtocol
from websockets.typing import Subprotocol
from websockets.uri import parse_uri

from app import serve, websocket
from app.settings import Settings
from app.tokens import sign
from domain import ids
from resolvers import followers
from resolvers.trusted import hash_of
from tests.conftest import SECRET, serving
from tests.logbook import AGENT, BEGINNING, ORDER_LIVE, write_event, write_order

Message = dict[str, Any]
PROTOCOL = Subprotocol("graphql-transport-ws")
PATIENCE = 5.0


class Client:
    """A socket that speaks in messages."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket

    async def send(self, *messages: Any) -> None:
        for message in messages:
            await self.socket.send(message if isinstance(message, str | bytes) else orjson.dumps(message).decode())

    async def next(self) -> Message:
        async with asyncio.timeout(PATIENCE):
            return orjson.loads(await self.socket.recv())  # type: ignore[no-any-return]

    async def silent(self, seconds: float = 0.3) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await self.socket.recv()
        except TimeoutError:
            return True
        return False

    async def closed(self) -> tuple[int, str]:
        """How the server ends the socket; what came before does not matter."""
        async with asyncio.timeout(PATIENCE):
            await self.socket.wait_closed()
        return self.socket.close_code or 0, self.socket.close_reason or ""

    async def greet(self, token: str | None = None) -> None:
        payload = {"payload": {"authorization": f"Bearer {token}"}} if token else {}
        await self.send({"type": "connection_init", **payload})
        assert await self.next() == {"type": "connection_ack"}


Open = Callable[..., Any]


@pytest.fixture
async def opened(base_url: str) -> AsyncIterator[Open]:
    """Opens sockets that end with the test."""
    async with AsyncExitStack() as stack:

        async def opened(url: str = base_url, *, greeted: bool = False, **options: Any) -> Client:
            client = Client(await stack.enter_async_context(_socket(url, **options)))
            if greeted:
                await client.greet(sign(AGENT, SECRET, 60))
            return client

        yield opened


@asynccontextmanager
async def _socket(url: str, **options: Any) -> AsyncGenerator[ClientConnection, None]:
    options = {"subprotocols": [PROTOCOL], "close_timeout": 1, **options}
    async with connect(f"{url.replace('http', 'ws', 1)}/graphql", **options) as socket:
        yield socket


@pytest.fixture
async def writer(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


def subscribe(id_: Any, query: str = "{ __typename }", **variables: Any) -> Message:
    return {"type": "subscribe", "id": id_, "payload": {"query": query, "variables": variables}}


def live(id_: str, order_id: UUID, after: str | None = None) -> Message:
    return subscribe(id_, ORDER_LIVE, orderId=ids.encode("Order", order_id), after=after)


def event_of(message: Message) -> tuple[str, int]:
    assert message["type"] == "next", message
    return message["id"], message["payload"]["data"]["orderEvents"]["sequence"]


def code_of(message: Message) -> tuple[str, str]:
    assert message["type"] == "error", message
    return message["id"], message["payload"][0]["extensions"]["code"]


# -- operations --------------------------------------------------------------------------------------------------------


async def test_a_query_is_one_next_and_complete(opened: Open) -> None:
    client = await opened(greeted=True)
    assert client.socket.subprotocol == PROTOCOL
    await client.send(subscribe("1"))
    payload = {"data": {"__typename": "Query"}, "extensions": {"cost": {"requested": 1, "limit": 1_000_000}}}
    assert await client.next() == {"id": "1", "type": "next", "payload": payload}
    assert await client.next() == {"id": "1", "type": "complete"}


async def test_a_document_may_be_named_by_its_hash(opened: Open) -> None:
    client = await opened(greeted=True)
    text = "{ spoken: __typename }"
    by_hash = {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": hash_of(text)}}}
    await client.send({"type": "subscribe", "id": "1", "payload": by_hash})
    assert code_of(await client.next()) == ("1", "PERSISTED_QUERY_NOT_FOUND")
    for id_, payload in (("2", {"query": text, **by_hash}), ("3", by_hash)):
        await client.send({"type": "subscribe", "id": id_, "payload": payload})
        assert (await client.next())["payload"]["data"] == {"spoken": "Query"}
        assert (await client.next())["type"] == "complete"


async def test_a_mutation_works_too(opened: Open) -> None:
    client = await opened(greeted=True)
    await client.send(subscribe("1", "mutation { __typename }"))
    assert (await client.next())["payload"]["data"] == {"__typename": "Mutation"}


async def test_events_come_as_they_are_committed_and_a_cursor_goes_on_after_a_disconnect(
    opened: Open, writer: asyncpg.Connection
) -> None:
    order_id = await write_order(writer)
    await write_event(writer, order_id)
    client = await opened(greeted=True)
    await client.send(live("a", order_id, BEGINNING))
    assert event_of(await client.next()) == ("a", 1)
    await write_event(writer, order_id)
    last = await client.next()
    await client.socket.close()
    await write_event(writer, order_id)
    again = await opened(greeted=True)
    await again.send(live("b", order_id, last["payload"]["data"]["orderEvents"]["cursor"]))
    assert event_of(await again.next()) == ("b", 3)
    await write_event(writer, order_id)
    assert event_of(await again.next()) == ("b", 4)


async def test_many_operations_share_a_socket(opened: Open, writer: asyncpg.Connection) -> None:
    orders = [await write_order(writer) for _ in range(3)]
    client = await opened(greeted=True)
    await client.send(*[live(str(number), order_id, BEGINNING) for number, order_id in enumerate(orders)])
    for order_id in orders:
        await write_event(writer, order_id)
    await client.send(subscribe("q"))
    got = [await client.next() for _ in range(5)]
    assert sorted(message["id"] for message in got) == ["0", "1", "2", "q", "q"]


async def test_complete_ends_an_operation_and_frees_its_id(opened: Open, writer: asyncpg.Connection) -> None:
    order_id = await write_order(writer)
    client = await opened(greeted=True)
    await client.send(live("a", order_id, BEGINNING), {"type": "complete", "id": "a"})
    await write_event(writer, order_id)
    assert await client.silent(1.3)
    await client.send({"type": "complete", "id": "never seen"}, live("a", order_id, BEGINNING))
    assert event_of(await client.next()) == ("a", 1)


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (subscribe("x", "{"), "GRAPHQL_PARSE_FAILED"),
        (subscribe("x", "{ nothing }"), "GRAPHQL_VALIDATION_FAILED"),
        (subscribe("x", "query ($id: ID!) { order(id: $id) { id } }"), "BAD_USER_INPUT"),
        (subscribe("x", ORDER_LIVE, orderId="ord_x"), "NOT_FOUND"),
    ],
)
async def test_a_bad_document_ends_itself_and_nothing_else(
    opened: Open, writer: asyncpg.Connection, message: Message, code: str
) -> None:
    order_id = await write_order(writer)
    client = await opened(greeted=True)
    await client.send(live("a", order_id, BEGINNING), message)
    assert code_of(await client.next()) == ("x", code)
    await write_event(writer, order_id)
    assert event_of(await client.next()) == ("a", 1)


async def test_a_bad_cursor_is_a_typed_error(opened: Open, writer: asyncpg.Connection) -> None:
    order_id = await write_order(writer)
    client = await opened(greeted=True)
    await client.send(live("a", order_id, "nonsense"))
    assert code_of(await client.next()) == ("a", "BAD_USER_INPUT")


async def test_a_socket_carries_a_hundred_operations_and_not_one_more(opened: Open, writer: asyncpg.Connection) -> None:
    order_id = await write_order(writer)
    client = await opened(greeted=True)
    await client.send(*[live(str(number), order_id, BEGINNING) for number in range(101)])
    assert code_of(await client.next()) == ("100", "TOO_MANY_OPERATIONS")
    await write_event(writer, order_id)
    assert {event_of(await client.next()) for _ in range(100)} == {(str(number), 1) for number in range(100)}


# -- greeting ----------------------------------------------------------------------------------------------------------

WHO = "{ viewer { role } }"


@pytest.mark.parametrize("payload", [{"authorization": "Bearer {}"}, {"Authorization": "bearer {}"}, {"token": "{}"}])
async def test_the_greeting_names_the_token(opened: Open, payload: dict[str, str]) -> None:
    client = await opened()
    token = sign(AGENT, SECRET, 60)
    given = {name: value.format(token) for name, value in payload.items()}
    await client.send({"type": "connection_init", "payload": given}, subscribe("1", WHO))
    await client.next()
    assert (await client.next())["payload"]["data"]["viewer"] == {"role": "AGENT"}


async def test_the_upgrade_may_name_it_too(opened: Open) -> None:
    client = await opened(additional_headers={"Authorization": f"Bearer {sign(AGENT, SECRET, 60)}"})
    await client.send({"type": "connection_init", "payload": None}, subscribe("1", WHO))
    await client.next()
    assert (await client.next())["payload"]["data"]["viewer"] == {"role": "AGENT"}


async def test_without_a_token_the_client_is_nobody(opened: Open) -> None:
    client = await opened()
    await client.send({"type": "connection_init"}, subscribe("1", WHO))
    await client.next()
    assert (await client.next())["payload"]["data"]["viewer"] == {"role": None}


@pytest.mark.parametrize(
    "payload", [{"token": "x"}, {"token": 7}, {"token": ""}, {"authorization": "Basic x"}, {"authorization": ["x"]},
                {"token": sign(AGENT, "another secret that is long enough", 60)}]
)  # fmt: skip
async def test_a_bad_token_is_4403(opened: Open, payload: Message) -> None:
    client = await opened()
    await client.send({"type": "connection_init", "payload": payload})
    code, reason = await client.closed()
    assert (code, reason[:9]) == (4403, "Forbidden")


async def test_an_expired_token_is_4403_and_says_so(opened: Open) -> None:
    client = await opened()
    await client.send({"type": "connection_init", "payload": {"token": sign(AGENT, SECRET, -1)}})
    assert await client.closed() == (4403, "Token expired")


async def test_a_socket_ends_with_its_token(opened: Open, writer: asyncpg.Connection) -> None:
    client = await opened()
    await client.greet(sign(AGENT, SECRET, 2))
    await client.send(live("a", await write_order(writer)))
    assert await client.closed() == (4403, "Token expired")


async def test_who_does_not_greet_in_time_is_4408(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    assert websocket.INIT_SECONDS == 10
    monkeypatch.setattr(websocket, "INIT_SECONDS", 0.1)
    client = await opened()
    await client.send({"type": "ping"})
    assert await client.closed() == (4408, "Connection initialisation timeout")


async def test_who_asks_before_greeting_is_4401(opened: Open) -> None:
    client = await opened()
    await client.send(subscribe("1"))
    assert await client.closed() == (4401, "Unauthorized")


async def test_who_greets_twice_is_4429(opened: Open) -> None:
    client = await opened(greeted=True)
    await client.send({"type": "connection_init"})
    assert await client.closed() == (4429, "Too many initialisation requests")


@pytest.mark.parametrize("protocols", [None, ["graphql-ws"], ["soap"]])
async def test_another_protocol_is_4406(opened: Open, protocols: list[str] | None) -> None:
    client = await opened(subprotocols=protocols)
    assert await client.closed() == (4406, "Subprotocol not acceptable")


# -- what makes no sense -----------------------------------------------------------------------------------------------

OPERATION = {"query": "{__typename}"}

NONSENSE: list[Any] = [
    "", "x", "null", "1", '"a"', "[]", "[1,2]", "{}", "[" * 100_000, '{"type":' + "9" * 6_000 + "}",
    {"type": None}, {"type": 5}, {"type": "start"}, {"type": "next", "id": "1"}, {"type": "connection_ack"},
    {"type": "ping", "payload": "x"}, {"type": "ping", "payload": [1]}, {"type": "pong", "payload": 1},
    {"type": "complete"}, {"type": "complete", "id": 7}, {"type": "complete", "id": ""},
    {"type": "subscribe", "payload": OPERATION},
    {"type": "subscribe", "id": 7, "payload": OPERATION},
    {"type": "subscribe", "id": "", "payload": OPERATION},
    {"type": "subscribe", "id": None, "payload": OPERATION},
    {"type": "subscribe", "id": {}, "payload": OPERATION},
    {"type": "subscribe", "id": "x" * 300, "payload": OPERATION},
    {"type": "subscribe", "id": "1"},
    {"type": "subscribe", "id": "1", "payload": "x"},
    {"type": "subscribe", "id": "1", "payload": [OPERATION]},
    {"type": "subscribe", "id": "1", "payload": {}},
    {"type": "subscribe", "id": "1", "payload": {"query": 5}},
    {"type": "subscribe", "id": "1", "payload": {**OPERATION, "variables": [1]}},
    {"type": "subscribe", "id": "1", "payload": {**OPERATION, "variables": "{}"}},
    {"type": "subscribe", "id": "1", "payload": {**OPERATION, "operationName": 1}},
    {"type": "subscribe", "id": "1", "payload": {**OPERATION, "extensions": [1]}},
    {"type": "subscribe", "id": "1", "payload": {**OPERATION, "extensions": {"consistencyToken": 5}}},
    {"type": "subscribe", "id": "1", "payload": {**OPERATION, "extensions": {"persistedQuery": "x"}}},
    {"type": "subscribe", "id": "1", "payload": {**OPERATION, "documentId": 5}},
    '{"type":"subscribe","id":"\\ud800","payload":{"query":"{__typename}"}}',
    b"{}", b"\x00\xff",
]  # fmt: skip


@pytest.mark.parametrize("frame", NONSENSE, ids=lambda frame: str(frame)[:40])
async def test_a_malformed_message_is_4400(opened: Open, frame: Any) -> None:
    client = await opened(greeted=True)
    await client.send(frame)
    code, reason = await client.closed()
    assert (code, reason[:15]) == (4400, "Invalid message")


@pytest.mark.parametrize("frame", ["x", "[]", b"{}", {"type": "connection_init", "payload": "x"}])
async def test_a_malformed_message_is_4400_before_the_greeting_too(opened: Open, frame: Any) -> None:
    client = await opened()
    await client.send(frame)
    assert (await client.closed())[0] == 4400


async def test_an_id_that_is_in_use_is_4409(opened: Open, writer: asyncpg.Connection) -> None:
    order_id = await write_order(writer)
    client = await opened(greeted=True)
    await client.send(live("a" * 200, order_id), live("a" * 200, order_id))
    code, reason = await client.closed()
    assert (code, reason[:15]) == (4409, "Subscriber for ")


@pytest.mark.parametrize("id_", ["1", '"}', "\n", "\0", "ação 🛒", "x" * 256])
async def test_any_text_is_an_id_and_comes_back_as_it_was(opened: Open, id_: str) -> None:
    client = await opened(greeted=True)
    await client.send(subscribe(id_))
    assert [(await client.next())["id"] for _ in range(2)] == [id_, id_]


async def test_what_is_not_ours_in_a_message_is_ignored(opened: Open) -> None:
    client = await opened(greeted=True)
    payload = {"query": "{ __typename }", "extensions": {"tracing": True}, "more": 1}
    await client.send({"type": "subscribe", "id": "1", "payload": payload, "sentAt": 5})
    assert (await client.next())["type"] == "next"


async def test_the_id_of_an_operation_that_failed_is_free_again(opened: Open) -> None:
    client = await opened(greeted=True)
    for _ in range(2):
        await client.send(subscribe("x", "{ nothing }"))
        assert code_of(await client.next()) == ("x", "GRAPHQL_VALIDATION_FAILED")


BEYOND_THE_LIMIT = orjson.dumps(subscribe("1", "{__typename}" + " " * 300_000)).decode()


@pytest.mark.parametrize("message", [BEYOND_THE_LIMIT, [BEYOND_THE_LIMIT[:200_000], BEYOND_THE_LIMIT[200_000:]]])
async def test_a_message_beyond_the_limit_ends_the_socket_in_however_many_frames_it_comes(
    opened: Open, message: str | list[str]
) -> None:
    client = await opened(greeted=True)
    await client.socket.send(message)
    assert (await client.closed())[0] == 1009


async def test_a_message_may_come_in_several_frames(opened: Open) -> None:
    client = await opened(greeted=True)
    text = orjson.dumps(subscribe("1", "{ __typename }")).decode()
    await client.socket.send([text[:10], text[10:30], text[30:]])
    assert (await client.next())["payload"]["data"] == {"__typename": "Query"}


async def test_text_that_is_no_text_ends_the_socket(opened: Open) -> None:
    client = await opened(greeted=True)
    await client.socket.send(b"\xff\xfe", text=True)
    assert (await client.closed())[0] == 1007


# -- pings -------------------------------------------------------------------------------------------------------------


async def test_a_ping_is_echoed_with_its_payload_before_and_after_the_greeting(opened: Open) -> None:
    client = await opened()
    for _ in range(2):
        await client.send({"type": "ping"}, {"type": "ping", "payload": {"a": [1]}}, {"type": "pong"})
        assert [await client.next(), await client.next()] == [{"type": "pong"}, {"type": "pong", "payload": {"a": [1]}}]
        if _ == 0:
            await client.greet()


async def test_a_ping_with_an_empty_payload_is_answered_without_one(opened: Open) -> None:
    client = await opened()
    await client.send({"type": "ping", "payload": None})
    assert await client.next() == {"type": "pong"}


TEXT_FRAME, PING_FRAME = 0x81, 0x89


async def test_who_answers_no_ping_is_cut_off_without_a_word_and_forgotten(
    settings: Settings, writer: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serve, "PING_SECONDS", 0.3)
    before = operations()
    order_id = await write_order(writer)
    greeting = {"type": "connection_init", "payload": {"token": sign(AGENT, SECRET, 60)}}
    async with serving(settings) as url, asyncio.timeout(PATIENCE):
        frames = [each async for each in deaf(url, greeting, live("1", order_id))]
        assert set(frames) == {TEXT_FRAME, PING_FRAME}
        while operations() > before:
            await asyncio.sleep(0.01)


async def deaf(url: str, *messages: Message) -> AsyncGenerator[int, None]:
    """Says something and reacts to nothing; how each frame begins that comes until the line is cut."""
    peer = ClientProtocol(parse_uri(f"{url.replace('http', 'ws', 1)}/graphql"), subprotocols=[PROTOCOL])
    reader, writer = await asyncio.open_connection(peer.uri.host, peer.uri.port)
    peer.send_request(peer.connect())
    writer.writelines(peer.data_to_send())
    peer.receive_data(await reader.readuntil(b"\r\n\r\n"))
    for message in messages:
        peer.send_text(orjson.dumps(message))
    writer.writelines(peer.data_to_send())
    with suppress(asyncio.IncompleteReadError, ConnectionResetError):
        while True:
            first, length = await reader.readexactly(2)
            await reader.readexactly(length)  # they are all short
            yield first
    writer.close()


async def test_who_answers_pings_stays(settings: Settings, opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serve, "PING_SECONDS", 0.05)
    async with serving(settings) as url:
        client = await opened(url, greeted=True)
        assert await client.silent(0.5)
        await client.send(subscribe("1"))
        assert (await client.next())["type"] == "next"


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="Linux has it")
def test_connections_end_when_nothing_of_what_was_sent_arrives(settings: Settings) -> None:
    with serve.bound(settings) as listener:
        listener.listen()
        with socket.create_connection(listener.getsockname()), listener.accept()[0] as accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == serve.UNHEARD_SECONDS * 1000


# -- slow, gone, ending ------------------------------------------------------------------------------------------------


async def test_a_slow_reader_is_told_where_to_go_on_and_keeps_the_socket(
    opened: Open, writer: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(followers, "WAITING_LIMIT", 20)
    order_id = await write_order(writer)
    client = await opened(greeted=True, max_queue=1)
    await client.send(live("a", order_id, BEGINNING))
    client.socket.transport.pause_reading()
    for _ in range(120):
        await write_event(writer, order_id, message="x" * 100_000)
    await asyncio.sleep(1.5)
    client.socket.transport.resume_reading()
    last, message = 0, await client.next()
    while message["type"] == "next":
        assert event_of(message) == ("a", last + 1)
        last, message = last + 1, await client.next()
    assert code_of(message) == ("a", "SUBSCRIBER_TOO_SLOW")
    assert last < 120
    await client.send(live("b", order_id, message["payload"][0]["extensions"]["cursor"]))
    assert event_of(await client.next()) == ("b", last + 1)


def operations() -> int:
    """How many operations the server, in this very process, is running."""
    gc.collect()
    return sum(type(each) is websocket.Operation for each in gc.get_objects())


async def test_a_client_that_leaves_is_forgotten(opened: Open, writer: asyncpg.Connection) -> None:
    before = operations()
    client = await opened(greeted=True)
    await client.send(live("a", await write_order(writer)), subscribe("b"))
    while (await client.next())["type"] != "complete":
        pass
    assert operations() == before + 1
    client.socket.transport.abort()
    async with asyncio.timeout(2):
        while operations() > before:
            await asyncio.sleep(0.01)


async def test_a_server_that_ends_tells_clients_to_come_back(
    settings: Settings, opened: Open, writer: asyncpg.Connection
) -> None:
    async with AsyncExitStack() as server:
        client = await opened(await server.enter_async_context(serving(settings)), greeted=True)
        await client.send(live("a", await write_order(writer)))
        async with asyncio.timeout(2):
            await server.aclose()
        assert (await client.closed())[0] == 1012
