"""Who shares a group with whom, on real PostgreSQL, and many processes that behave as one."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from typing import Any

import asyncpg
import orjson
import pytest

from domain import ids
from domain.store.visibility import PUBLIC_EVENTS
from domain.viewer import Viewer
from resolvers.engine import Request
from tests.logbook import AGENT, BEGINNING, ORDER_LIVE, customer, write_event, write_order
from tests.resolvers.test_feed import Node, node_on

OTHER_AGENT = replace(AGENT, subject="agent:bob", display_name="Bob")


@pytest.fixture
async def node(fresh_database_url: str) -> AsyncIterator[Node]:
    async with node_on(fresh_database_url) as node:
        yield node


@pytest.fixture
async def writer(fresh_database_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(fresh_database_url)
    yield connection
    await connection.close()


class Listening:
    """Sinks that remember, and the groups that they came into."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.told: list[list[bytes]] = []

    async def begin(self, viewer: Viewer, document: str = ORDER_LIVE, **variables: Any) -> Any:
        """A subscriber's group."""
        told: list[bytes] = []

        class Sink:
            def tell(self, _place: object, answer: bytes) -> bool:
                told.append(answer)
                return True

            def end(self, error: Exception) -> None:
                raise error

        member = await self.node.subscriptions.join(Request(document, None, variables), viewer, Sink())
        assert member is not None
        self.told.append(told)
        async with aclosing(member.replay()) as replayed:
            told.extend([answer async for _, answer in replayed])
        return member.group

    async def hear(self, number: int) -> None:
        """Wait until everyone was told so much."""
        async with asyncio.timeout(10):
            while any(len(told) < number for told in self.told):
                await asyncio.sleep(0.01)


async def test_the_same_question_with_the_same_sight_is_one_group_and_one_answer(
    node: Node, writer: asyncpg.Connection
) -> None:
    order_id, listening = await write_order(writer), Listening(node)
    asked = {"orderId": ids.encode("Order", order_id)}
    one = await listening.begin(AGENT, **asked)
    assert await listening.begin(OTHER_AGENT, **asked) is one
    assert await listening.begin(AGENT, after=BEGINNING, **asked) is one
    await write_event(writer, order_id)
    node.feed.stamp_soon()
    await listening.hear(1)
    first, *others = (told[0] for told in listening.told)
    assert all(other is first for other in others)  # the same bytes, not their like
    assert orjson.loads(first)["data"]["orderEvents"]["sequence"] == 1


async def test_another_question_or_another_sight_is_another_group(node: Node, writer: asyncpg.Connection) -> None:
    mine, theirs = ids.new_id(), ids.new_id()
    order, other = await write_order(writer, mine), await write_order(writer, theirs)
    asked, elsewhere = {"orderId": ids.encode("Order", order)}, {"orderId": ids.encode("Order", other)}
    listening = Listening(node)
    groups = [
        await listening.begin(AGENT, **asked),
        await listening.begin(AGENT, **elsewhere),
        await listening.begin(AGENT, ORDER_LIVE.replace("message", "told: message"), **asked),
        await listening.begin(customer(mine), **asked),
        await listening.begin(customer(theirs), **elsewhere),
    ]
    assert len(set(map(id, groups))) == len(groups)
    assert len(node.subscriptions.groups) == len(groups)


async def test_a_group_ends_with_its_last_member(node: Node, writer: asyncpg.Connection) -> None:
    asked = {"orderId": ids.encode("Order", await write_order(writer))}
    group = await Listening(node).begin(AGENT, **asked)
    await Listening(node).begin(AGENT, **asked)
    for member in list(group.members):
        assert node.subscriptions.groups
        assert node.feed.followers
        member.leave()
    assert not node.subscriptions.groups
    assert not node.feed.followers


async def test_a_refused_subscriber_leaves_no_group_behind(node: Node, writer: asyncpg.Connection) -> None:
    ahead = "WyJQT1NJVElPTiIsOTksOTld"
    asked = {"orderId": ids.encode("Order", await write_order(writer)), "after": ahead}
    with pytest.raises(Exception, match="ahead of the log"):
        await Listening(node).begin(AGENT, **asked)
    assert not node.subscriptions.groups


async def test_a_group_reads_on_as_of_the_event_or_later_never_earlier(node: Node, writer: asyncpg.Connection) -> None:
    order_id, listening = await write_order(writer), Listening(node)
    await listening.begin(AGENT, orderId=ids.encode("Order", order_id))
    numbers = [str(number) for number in range(20)]
    for number in numbers:
        async with writer.transaction():
            await writer.execute("UPDATE orders SET number = $2 WHERE id = $1", order_id, number)
            await write_event(writer, order_id, message=number)
        node.feed.stamp_soon()
    await listening.hear(20)
    events = [orjson.loads(answer)["data"]["orderEvents"] for answer in listening.told[0]]
    assert [event["message"] for event in events] == numbers
    assert all(int(event["order"]["number"]) >= int(event["message"]) for event in events)


async def test_what_is_read_together_is_what_would_be_read_one_by_one(node: Node, writer: asyncpg.Connection) -> None:
    me, listening = ids.new_id(), Listening(node)
    order_id = await write_order(writer, me)
    asked = {"orderId": ids.encode("Order", order_id)}
    types = ["ORDER_PLACED", "ORDER_ROUTED", "ORDER_CONFIRMED", "STOCK_MOVED", "PAYMENT_CAPTURED", "ORDER_HELD"] * 20
    for viewer in (AGENT, customer(me)):
        await listening.begin(viewer, **asked)
    for type_ in types:
        await write_event(writer, order_id, type_)
        node.feed.stamp_soon()
        await asyncio.sleep(0.002)
    shown = [type_ for type_ in types if type_ in PUBLIC_EVENTS]
    async with asyncio.timeout(10):
        while len(listening.told[0]) < len(types) or len(listening.told[1]) < len(shown):
            await asyncio.sleep(0.01)
    for viewer in (AGENT, customer(me)):
        await listening.begin(viewer, after=BEGINNING, **asked)
    assert listening.told[2:] == listening.told[:2]
    assert [orjson.loads(answer)["data"]["orderEvents"]["type"] for answer in listening.told[1]] == shown


async def test_a_subscriber_may_go_on_in_another_process_and_misses_nothing(
    fresh_database_url: str, writer: asyncpg.Connection
) -> None:
    order_id = await write_order(writer)
    async with node_on(fresh_database_url) as one, node_on(fresh_database_url) as two:
        found: list[dict[str, Any]] = []
        writing = asyncio.create_task(write_many(writer, order_id, 60))
        for turn in range(20):
            after = found[-1]["cursor"] if found else BEGINNING
            found += await (one, two)[turn % 2].first(3, order_id, after=after)
        await writing
    assert [event["sequence"] for event in found] == list(range(1, 61))


async def write_many(writer: asyncpg.Connection, order_id: Any, number: int) -> None:
    for _ in range(number):
        await write_event(writer, order_id)
        await asyncio.sleep(0.005)
