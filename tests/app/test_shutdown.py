"""A server process that is told to end: nobody is cut off amid an answer, and not all come back in one moment."""

import asyncio
import os
import re
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from functools import partial
from subprocess import PIPE
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import orjson
import pytest

from app.lines import Lines
from app.tokens import sign
from domain import ids
from tests.app.test_multipart import APOLLO, END, parts_of
from tests.app.test_sse import AS_STREAM, events_of
from tests.app.test_websocket import Client, _socket, event_of, live, subscribe
from tests.conftest import SECRET, reachable_folder
from tests.logbook import AGENT, BEGINNING, ORDER_LIVE, write_event, write_order

SOCKETS = 36
COME_BACK = {1001, 1005, 1006, 1012, 1013, 1014}
"""Of the codes below 4000, those that graphql-ws 6 does not take for the end (`isFatalInternalCloseCode`)."""

HOLD = """
    mutation Hold($id: ID!, $key: String!) {
      orderHold(input: { id: $id, idempotencyKey: $key, kind: CUSTOMER, reason: "is away" }) {
        order { onHold }
        userErrors { code }
      }
    }
"""


@pytest.fixture
async def writer(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


class Process:
    """`ordergraph serve`, and where it listens."""

    def __init__(self, popen: "subprocess.Popen[str]", url: str) -> None:
        self.popen = popen
        self.url = url

    def end(self) -> None:
        self.popen.send_signal(signal.SIGTERM)

    async def ended(self) -> int:
        """Its exit code; it complained of nothing."""
        _, errors = await asyncio.to_thread(self.popen.communicate, timeout=20)
        assert "error" not in errors, errors
        return self.popen.returncode


@pytest.fixture
async def server(database_url: str) -> AsyncIterator[Process]:
    with reachable_folder() as home:
        environment = {name: os.environ[name] for name in ("PATH", "LANG", "HOME") if name in os.environ}
        environment |= {"ORDERGRAPH_HOME": str(home), "ORDERGRAPH_SECRET": SECRET, "DATABASE_URL": database_url}
        command = [sys.executable, "-c", "from app.cli import main; main()", "serve", "--port", "0"]
        with subprocess.Popen(command, env=environment, text=True, stdout=PIPE, stderr=PIPE) as popen:
            try:
                yield Process(popen, await _address(popen))
            finally:
                popen.kill()


async def _address(popen: "subprocess.Popen[str]") -> str:
    assert popen.stdout is not None
    while True:
        line = await asyncio.to_thread(popen.stdout.readline)
        assert line, popen.stderr.read() if popen.stderr else ""
        if found := re.search(r"http://localhost:\d+", line):
            return found[0].replace("localhost", "127.0.0.1")


@asynccontextmanager
async def following(server: Process, order_id: UUID) -> AsyncGenerator[Client, None]:
    """A socket that follows an order, and has heard its first event."""
    async with _socket(server.url) as socket:
        client = Client(socket)
        await client.greet(sign(AGENT, SECRET, 60))
        await client.send(live("a", order_id, BEGINNING))
        assert event_of(await client.next()) == ("a", 1)
        yield client


async def test_sockets_are_told_to_come_back_and_not_all_at_once(server: Process, writer: asyncpg.Connection) -> None:
    order_id = await write_order(writer)
    await write_event(writer, order_id)
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(following(server, order_id)) for _ in range(SOCKETS)]
        server.end()
        closes = await asyncio.gather(*[_how_and_when_it_closes(client) for client in clients])
    assert {code for code, _ in closes} <= COME_BACK
    moments = sorted(moment for _, moment in closes)
    assert moments[-1] - moments[0] > 1
    assert moments[SOCKETS // 2] - moments[0] > 0.5
    assert await server.ended() == 0


async def _how_and_when_it_closes(client: Client) -> tuple[int, float]:
    async with asyncio.timeout(20):
        await client.socket.wait_closed()
    return client.socket.close_code or 0, asyncio.get_running_loop().time()


async def test_what_was_asked_is_answered_first(server: Process, writer: asyncpg.Connection) -> None:
    orders = [await write_order(writer) for _ in range(4)]
    await write_event(writer, orders[3])
    async with httpx.AsyncClient(base_url=server.url, headers=_bearer(), timeout=20) as http:
        async with following(server, orders[3]) as client:
            async with writer.transaction():
                await writer.execute("SELECT FROM orders WHERE id = ANY($1) FOR UPDATE", orders[:3])
                await client.send(subscribe("hold", HOLD, **_hold(orders[0])))
                posted, streamed = [
                    asyncio.create_task(http.post("/graphql", json=_holding(order_id), headers=headers))
                    for order_id, headers in ((orders[1], {}), (orders[2], AS_STREAM))
                ]
                await _wait_for_locks(writer, 3)
                server.end()
                await asyncio.sleep(0.5)
            held = await client.next()
            assert held["payload"]["data"]["orderHold"] == {"order": {"onHold": True}, "userErrors": []}
            assert (await client.next())["type"] == "complete"
            assert await client.closed() == (1012, "Service restart")
        assert (await posted).json()["data"]["orderHold"]["order"] == {"onHold": True}
        (_, told), (kind, _) = [event async for event in events_of(await streamed)]
        assert (told["data"]["orderHold"]["order"], kind) == ({"onHold": True}, "complete")
    assert await server.ended() == 0


def _bearer() -> dict[str, str]:
    return {"Authorization": f"Bearer {sign(AGENT, SECRET, 60)}"}


def _hold(order_id: UUID) -> dict[str, str]:
    return {"id": ids.encode("Order", order_id), "key": str(order_id)}


def _holding(order_id: UUID) -> dict[str, Any]:
    return {"query": HOLD, "variables": _hold(order_id)}


async def _wait_for_locks(connection: asyncpg.Connection, most: int) -> None:
    async with asyncio.timeout(5):
        while most > await connection.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        ):
            await connection.execute("SELECT pg_stat_clear_snapshot()")  # a transaction would see one moment only
            await asyncio.sleep(0.02)


async def test_streams_end_so_that_their_clients_come_back(server: Process, writer: asyncpg.Connection) -> None:
    order_id = await write_order(writer)
    await write_event(writer, order_id)
    variables = {"orderId": ids.encode("Order", order_id), "after": BEGINNING}
    body = orjson.dumps({"query": ORDER_LIVE, "variables": variables})
    async with httpx.AsyncClient(base_url=server.url, headers=AS_STREAM | _bearer()) as http:
        async with (
            http.stream("POST", "/graphql", content=body) as streamed,
            http.stream("POST", "/graphql", content=body, headers={"Accept": APOLLO}) as multipart,
        ):
            events, parts = events_of(streamed), parts_of(multipart)
            await anext(events)
            await anext(parts)
            server.end()
            assert [event async for event in events] == []
            told, end = [part async for part in parts]
        assert (told["errors"][0]["extensions"]["code"], end) == ("SERVICE_UNAVAILABLE", END)
        with pytest.raises(httpx.ConnectError):  # nor is the old connection there to be used once more
            await http.post("/graphql", content=body)
    assert await server.ended() == 0


async def test_who_is_in_a_hurry_does_not_wait_between_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.lines.LONGEST_PAUSE_SECONDS", 3_600)
    monkeypatch.setattr("app.lines.SPREAD_SECONDS", 3_600)
    lines, left = Lines(), list[int]()
    with ExitStack() as stack:
        for number in range(100):
            stack.enter_context(lines.holding(partial(left.append, number)))
        await lines.let_go(lambda: True)
    assert sorted(left) == list(range(100))
    assert lines.open == set()
