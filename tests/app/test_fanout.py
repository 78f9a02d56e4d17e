"""Many subscribers and many processes, over real sockets."""

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from app import frames
from app.frames import FramesProtocol
from app.settings import Settings
from domain import ids
from domain.store import log
from tests.conftest import serving
from tests.live import Live, live
from tests.logbook import AGENT, BEGINNING, ORDER_LIVE, write_event, write_order


@pytest.fixture
async def writer(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


async def happen(writer: asyncpg.Connection, order_id: UUID, message: str = "Confirmed.") -> None:
    """An event in its place: nobody waits for a sweep."""
    await write_event(writer, order_id, message=message)
    await log.stamp(writer, 100)


def sequences(events: list[dict[str, Any]]) -> list[int]:
    return [event["sequence"] for event in events]


async def test_processes_behind_a_load_balancer_behave_as_one(settings: Settings, writer: asyncpg.Connection) -> None:
    order_id = await write_order(writer)
    asked: dict[str, Any] = {"orderId": ids.encode("Order", order_id)}

    async def write() -> None:
        for _ in range(60):
            await happen(writer, order_id)
            await asyncio.sleep(0.01)

    async def read(urls: list[str]) -> list[dict[str, Any]]:
        """A client that is sent to the next process after every few events."""
        found: list[dict[str, Any]] = []
        while len(found) < 60:
            after = found[-1]["cursor"] if found else BEGINNING
            async with live(urls[len(found) // 6 % 2], AGENT, ORDER_LIVE, after=after, **asked) as subscriber:
                found += await subscriber.several(6)
        return found

    async with AsyncExitStack() as stack:
        urls = [await stack.enter_async_context(serving(settings)) for _ in range(2)]
        writing = asyncio.create_task(write())
        clients = await asyncio.gather(*[read(urls[turn:] + urls[:turn]) for turn in range(2) for _ in range(3)])
        await writing
    assert all(sequences(found) == list(range(1, 61)) for found in clients)


async def test_subscribers_of_one_group_hear_the_same_under_their_own_ids(
    base_url: str, writer: asyncpg.Connection
) -> None:
    order_id = await write_order(writer)
    await write_event(writer, order_id)
    asked: dict[str, Any] = {"orderId": ids.encode("Order", order_id), "after": BEGINNING}
    async with AsyncExitStack() as stack:
        names = [str(number) * (number + 1) for number in range(8)]
        crowd = [
            await stack.enter_async_context(live(base_url, AGENT, ORDER_LIVE, named=name, **asked)) for name in names
        ]
        for subscriber in crowd:
            assert (await subscriber.next())["sequence"] == 1
        await crowd.pop().socket.close()
        for sequence in range(2, 12):
            await happen(writer, order_id, "ñ" * sequence * 10)
            told = [await subscriber.message() for subscriber in crowd]
            assert [message["id"] for message in told] == names[:-1]
            assert [message["payload"] for message in told] == [told[0]["payload"]] * len(told)
            assert told[0]["payload"]["data"]["orderEvents"]["sequence"] == sequence


async def test_what_waits_for_one_who_does_not_read_is_bounded_and_the_others_hear_on(
    base_url: str, writer: asyncpg.Connection
) -> None:
    order_id = await write_order(writer)
    await write_event(writer, order_id)
    asked: dict[str, Any] = {"orderId": ids.encode("Order", order_id), "after": BEGINNING}
    size = 200_000
    async with (
        live(base_url, AGENT, ORDER_LIVE, **asked) as quick,
        live(base_url, AGENT, ORDER_LIVE, max_queue=1, **asked) as slow,
    ):
        await quick.next()
        await slow.next()
        slow.socket.transport.pause_reading()
        for _ in range(80):
            await happen(writer, order_id, "x" * size)
            await quick.next()
            assert waiting() < frames.WAITING_BYTES + 2 * size
        slow.socket.transport.resume_reading()
        assert await refused_after(slow) > 1
        await happen(writer, order_id)
        assert (await quick.next())["sequence"] == 82


def waiting() -> int:
    """The most that waits for any client of the servers in this very process."""
    sockets = [
        each for each in gc.get_objects() if issubclass(type(each), FramesProtocol) and not each.transport.is_closing()
    ]
    most: int = max(each.transport.get_write_buffer_size() for each in sockets)
    return most


async def refused_after(slow: Live) -> int:
    """How many answers came before the one that says where to go on."""
    number = 0
    while (message := await slow.message())["type"] == "next":
        number += 1
    assert message["payload"][0]["extensions"]["code"] == "SUBSCRIBER_TOO_SLOW"
    return number
