"""The feed and subscriptions over it, on real PostgreSQL: every event once, each subject in order, whatever happens."""

import asyncio
import random
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager, suppress
from typing import Any
from uuid import UUID

import asyncpg
import orjson
import pytest

from domain import ids
from domain.store import log
from domain.viewer import ANONYMOUS, Viewer
from resolvers import feed as feeds
from resolvers import followers, stamper
from resolvers.database import Unavailable, open_database
from resolvers.documents import RequestError
from resolvers.engine import Engine, Request
from resolvers.feed import LogFeed, open_feed
from resolvers.subscriptions import Subscriptions
from resolvers.writing import World
from schema.build import build
from tests.conftest import Connect
from tests.logbook import AGENT, BEGINNING, ORDER_LIVE, customer, write_event, write_foreign_event, write_order
from tests.relay import relay_to

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")

Event = dict[str, Any]


class Node:
    """One process: its feed and its subscriptions."""

    def __init__(self, feed: LogFeed, subscriptions: Subscriptions) -> None:
        self.feed = feed
        self.subscriptions = subscriptions

    async def live(
        self, order_id: UUID, after: str | None = None, viewer: Viewer = AGENT, document: str = ORDER_LIVE
    ) -> AsyncGenerator[Event, None]:
        """An order's events as a subscriber reads them."""
        request = Request(document, None, {"orderId": ids.encode("Order", order_id), "after": after})
        async with aclosing(self.subscriptions.run(request, viewer)) as answers:
            async for answer in answers:
                yield orjson.loads(answer)["data"]["orderEvents"]

    async def first(self, number: int, order_id: UUID, after: str | None = None, viewer: Viewer = AGENT) -> list[Event]:
        """The first events that a subscriber gets."""
        found: list[Event] = []
        if number == 0:
            return found
        async with asyncio.timeout(20), aclosing(self.live(order_id, after, viewer)) as events:
            async for event in events:
                found.append(event)
                if len(found) == number:
                    break
        return found


@asynccontextmanager
async def node_on(url: str) -> AsyncIterator[Node]:
    """A process on a database."""
    async with open_database(url, reads=3, writes=2) as database, open_feed(url) as feed:
        world = World(database=database, providers={}, sign=lambda *_: "", stamp_soon=feed.stamp_soon)
        yield Node(feed, Subscriptions(Engine(build()._schema, world), feed))


@pytest.fixture
async def node(fresh_database_url: str) -> AsyncIterator[Node]:
    async with node_on(fresh_database_url) as node:
        yield node


@pytest.fixture
async def order_id(writer: asyncpg.Connection) -> UUID:
    return await write_order(writer)


async def joined(node: Node, order_id: UUID, number: int, **given: Any) -> "asyncio.Task[list[Event]]":
    """A subscriber that has begun and waits for that many events."""
    before = len(node.feed.followers._by_topic.get(("order_id", order_id), ()))
    task = asyncio.create_task(node.first(number, order_id, **given))
    while len(node.feed.followers._by_topic.get(("order_id", order_id), ())) == before and not task.done():
        await asyncio.sleep(0.002)
    return task


def sequences(events: list[Event]) -> list[int]:
    return [event["sequence"] for event in events]


# -- what a subscriber gets --------------------------------------------------------------------------------------------


async def test_a_subscriber_gets_what_is_committed_from_now_on(
    node: Node, writer: asyncpg.Connection, order_id: UUID
) -> None:
    await write_event(writer, order_id, "ORDER_PLACED")
    while await log.has_unstamped(writer) or node.feed._at != await log.head(writer):
        await asyncio.sleep(0.01)
    reading = await joined(node, order_id, 2)
    id_ = await write_event(writer, order_id)
    node.feed.stamp_soon()
    await write_event(writer, order_id, "ORDER_HELD")
    first, second = await reading
    assert first["id"] == f"evt_{id_}"
    assert [first["type"], second["type"]] == ["ORDER_CONFIRMED", "ORDER_HELD"]
    assert sequences([first, second]) == [2, 3]
    assert first["order"] == {
        "id": f"ord_{order_id}", "number": str(order_id), "status": "PENDING",
        "total": {"amount": "12.90", "currency": "BRL"},
    }  # fmt: skip


async def test_a_cursor_goes_on_after_its_event(node: Node, writer: asyncpg.Connection, order_id: UUID) -> None:
    begun = await joined(node, order_id, 3)
    for _ in range(250):
        await write_event(writer, order_id)
    node.feed.stamp_soon()
    three = await begun
    rest = await node.first(247, order_id, after=three[-1]["cursor"])
    assert sequences(three + rest) == list(range(1, 251))


async def test_events_of_other_orders_stay_away(node: Node, writer: asyncpg.Connection, order_id: UUID) -> None:
    other = await write_order(writer)
    reading = await joined(node, order_id, 1)
    await write_event(writer, other)
    await write_event(writer, order_id)
    node.feed.stamp_soon()
    assert [event["order"]["id"] for event in await reading] == [f"ord_{order_id}"]


async def test_aliases_fragments_and_variables_work_as_in_a_query(
    node: Node, writer: asyncpg.Connection, order_id: UUID
) -> None:
    document = """
        subscription ($orderId: ID!, $after: String, $deep: Boolean = false) {
          orderEvents: orderEvents(orderId: $orderId, after: $after) {
            ...E when: occurredAt __typename order @include(if: $deep) { number }
          }
        }
        fragment E on Event { n: sequence }
    """
    await write_event(writer, order_id)
    async with aclosing(node.live(order_id, BEGINNING, document=document)) as events:
        event = await anext(events)
    assert set(event) == {"n", "when", "__typename"}


# -- who may hear ------------------------------------------------------------------------------------------------------


async def test_an_order_that_the_viewer_may_not_see_is_not_found(node: Node, writer: asyncpg.Connection) -> None:
    mine, theirs = ids.new_id(), ids.new_id()
    await write_order(writer, mine)
    hidden = await write_order(writer, theirs)
    for viewer in (customer(mine), ANONYMOUS):
        with pytest.raises(RequestError) as refused:
            await node.first(1, hidden, viewer=viewer)
        assert refused.value.errors[0].extensions == {"code": "NOT_FOUND"}


@pytest.mark.parametrize("id_", ["", "ord_1", "loc_0190163d-8694-739b-aea5-966c26f8ad91", "ord_" + "0" * 36])
async def test_an_id_that_is_none_is_not_found(node: Node, id_: str) -> None:
    with pytest.raises(RequestError) as refused:
        await anext(node.subscriptions.run(Request(ORDER_LIVE, None, {"orderId": id_}), AGENT))
    assert refused.value.errors[0].extensions == {"code": "NOT_FOUND"}


async def test_a_customer_hears_only_what_is_theirs_to_know(node: Node, writer: asyncpg.Connection) -> None:
    me = ids.new_id()
    order_id = await write_order(writer, me)
    reading = await joined(node, order_id, 2, viewer=customer(me))
    for type_ in ("ORDER_PLACED", "ORDER_ROUTED", "ORDER_HELD", "ORDER_CONFIRMED"):
        await write_event(writer, order_id, type_)
    assert [event["type"] for event in await reading] == ["ORDER_PLACED", "ORDER_CONFIRMED"]


async def test_a_right_that_is_lost_is_lost_from_the_next_event_on(node: Node, writer: asyncpg.Connection) -> None:
    me, heir = ids.new_id(), ids.new_id()
    order_id = await write_order(writer, me)
    await write_order(writer, heir)
    reading = await joined(node, order_id, 2, viewer=customer(me))
    await write_event(writer, order_id)
    async with writer.transaction():
        await writer.execute("UPDATE orders SET customer_id = $2 WHERE id = $1", order_id, heir)
        await write_event(writer, order_id)
    await asyncio.sleep(0.05)
    await writer.execute("UPDATE orders SET customer_id = $2 WHERE id = $1", order_id, me)
    await write_event(writer, order_id)
    node.feed.stamp_soon()
    assert sequences(await reading)[1:] == [3]


# -- bad cursors -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "cursor",
    [
        "", "x", "====", "bnVsbA==", "MQ==", "e30=", "W10=",
        "WyJQTEFDRURfQVQiLDEsMV0=",  # another list's
        "WyJQT1NJVElPTiIsMSwiMSJd",  # a position as text
        "WyJQT1NJVElPTiIsMSw5OTk5OTk5OTk5OTk5OTk5OTk5OTldCg==",  # beyond any number
        "WyJQT1NJVElPTiIsLTEsMV0=",  # before the beginning
        "WyJQT1NJVElPTiIsOTksOTldCg==",  # ahead of the log
    ],
)  # fmt: skip
async def test_a_malformed_cursor_is_a_typed_error(node: Node, order_id: UUID, cursor: str) -> None:
    with pytest.raises(RequestError) as refused:
        await node.first(1, order_id, after=cursor)
    assert refused.value.errors[0].extensions == {"code": "BAD_USER_INPUT"}


async def test_a_selection_that_makes_no_sense_is_refused_before_the_first_event(node: Node, order_id: UUID) -> None:
    document = "subscription($orderId: ID!) { orderEvents(orderId: $orderId) { order { events(first: 1000) { nodes { id } } } } }"
    with pytest.raises(RequestError):
        await anext(node.live(order_id, document=document))


# -- races -------------------------------------------------------------------------------------------------------------


async def test_events_that_commit_out_of_order_are_each_delivered_once(
    node: Node, connect: Connect, order_id: UUID
) -> None:
    early, late = await connect(), await connect()
    reading = await joined(node, order_id, 2)
    slow = early.transaction()
    await slow.start()
    first = await write_foreign_event(early, order_id, 1)
    second = await write_foreign_event(late, order_id, 1)
    node.feed.stamp_soon()
    [alone] = await node.first(1, order_id, after=BEGINNING)
    assert alone["id"] == f"evt_{second}"
    await slow.commit()
    node.feed.stamp_soon()
    assert [event["id"] for event in await reading] == [f"evt_{second}", f"evt_{first}"]
    [resumed] = await node.first(1, order_id, after=alone["cursor"])
    assert resumed["id"] == f"evt_{first}"


async def test_an_event_whose_writer_died_after_the_commit_is_swept_up(
    node: Node, writer: asyncpg.Connection, order_id: UUID
) -> None:
    reading = await joined(node, order_id, 1)
    await write_event(writer, order_id)
    async with asyncio.timeout(stamper.SWEEP_SECONDS + 2):
        assert sequences(await reading) == [1]


async def test_a_transaction_that_rolls_back_leaves_no_hole_that_anyone_waits_for(
    node: Node, writer: asyncpg.Connection, order_id: UUID
) -> None:
    reading = await joined(node, order_id, 1)
    dropped = writer.transaction()
    await dropped.start()
    await write_event(writer, order_id)
    await dropped.rollback()
    await write_event(writer, order_id)
    node.feed.stamp_soon()
    assert sequences(await reading) == [1]


async def write_some(node: Node, connection: asyncpg.Connection, orders: list[UUID], dice: random.Random) -> None:
    """One writer: transactions that take their time to commit; now and then it forgets to ask for a stamp."""
    for _ in range(40):
        order_id = dice.choice(orders)
        async with connection.transaction():
            for _ in range(dice.randint(1, 3)):
                await write_event(connection, order_id)
                await asyncio.sleep(dice.random() * 0.004)
        if dice.random() < 0.8:
            node.feed.stamp_soon()


async def read_restlessly(node: Node, order_id: UUID, dice: random.Random, total: "asyncio.Future[int]") -> list[Event]:
    """A subscriber that is cut off every few moments and goes on by its cursor, until it has as many as there are."""
    found: list[Event] = []
    while not (total.done() and len(found) >= total.result()):
        after = found[-1]["cursor"] if found else BEGINNING
        with suppress(TimeoutError, Unavailable):
            async with asyncio.timeout(dice.uniform(0.005, 0.1)), aclosing(node.live(order_id, after)) as events:
                async for event in events:
                    found.append(event)  # noqa: PERF401 - it never ends
    return found


async def read_steadily(node: Node, order_id: UUID, found: list[Event]) -> None:
    async for event in node.live(order_id):
        found.append(event)  # noqa: PERF401 - it never ends


@pytest.mark.slow
async def test_everyone_gets_every_event_once_and_in_order_whatever_the_writers_do(
    fresh_database_url: str, connect: Connect
) -> None:
    dice = random.Random(7)
    async with node_on(fresh_database_url) as one, node_on(fresh_database_url) as two, asyncio.timeout(60):
        setup = await connect()
        orders = [await write_order(setup) for _ in range(3)]
        totals = {order: asyncio.get_running_loop().create_future() for order in orders}
        restless = [asyncio.create_task(read_restlessly(one, order, dice, totals[order])) for order in orders]
        steady = [(order, node, list[Event]()) for order in orders for node in (one, two)]
        reading = [asyncio.create_task(read_steadily(node, order, found)) for order, node, found in steady]
        await asyncio.sleep(0.2)
        await asyncio.gather(*[write_some(node, await connect(), orders, dice) for node in [one, two] * 3])
        for order in orders:
            totals[order].set_result(await setup.fetchval("SELECT event_sequence FROM orders WHERE id = $1", order))
        for order, found in zip(orders, await asyncio.gather(*restless), strict=True):
            assert sequences(found) == list(range(1, totals[order].result() + 1))
        while any(len(found) < totals[order].result() for order, _, found in steady):
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)  # for what might come twice
        for order, _, found in steady:
            assert sequences(found) == list(range(1, totals[order].result() + 1))
        for task in reading:
            task.cancel()


# -- when things go away -----------------------------------------------------------------------------------------------

CUT = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"


async def test_a_feed_that_loses_its_connection_loses_no_event_and_doubles_none(
    node: Node, writer: asyncpg.Connection, order_id: UUID
) -> None:
    reading = await joined(node, order_id, 60)
    for number in range(60):
        await write_event(writer, order_id)
        node.feed.stamp_soon()
        if number % 20 == 10:
            await writer.execute(CUT)
    assert sequences(await reading) == list(range(1, 61))


async def test_the_database_may_go_away_and_come_back(
    fresh_database_url: str, writer: asyncpg.Connection, order_id: UUID
) -> None:
    async with relay_to(fresh_database_url) as relay, node_on(relay.url) as node:
        reading = await joined(node, order_id, 30)
        for number in range(30):
            await write_event(writer, order_id)
            node.feed.stamp_soon()
            await asyncio.sleep(0.01)
            if number == 10:
                relay.cut()
        assert not reading.done()
        relay.mend()
        assert sequences(await reading) == list(range(1, 31))


async def test_a_process_may_start_before_its_database_does(
    fresh_database_url: str, order_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeds, "START_SECONDS", 0.1)
    async with relay_to(fresh_database_url) as relay:
        relay.cut()
        async with node_on(relay.url) as node:
            with pytest.raises(Unavailable):
                await node.first(1, order_id)
            relay.mend()
            await asyncio.wait_for(node.feed.ready.wait(), 5)
            reading = await joined(node, order_id, 1)
            reading.cancel()


async def test_a_subscriber_may_come_while_the_feed_is_cut_off(
    node: Node, writer: asyncpg.Connection, order_id: UUID
) -> None:
    await writer.execute(CUT)
    reading = await joined(node, order_id, 2)
    await write_event(writer, order_id)
    await write_event(writer, order_id)
    assert sequences(await reading) == [1, 2]


async def test_a_reader_that_falls_behind_is_told_where_to_go_on(
    node: Node, writer: asyncpg.Connection, order_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(followers, "WAITING_LIMIT", 5)
    await write_event(writer, order_id)
    events = node.live(order_id, BEGINNING)
    assert (await anext(events))["sequence"] == 1
    pending = asyncio.ensure_future(anext(events))
    await asyncio.sleep(0.05)
    await write_event(writer, order_id)
    node.feed.stamp_soon()
    assert (await pending)["sequence"] == 2
    for _ in range(10):
        await write_event(writer, order_id)
    node.feed.stamp_soon()
    await asyncio.sleep(0.3)
    with pytest.raises(RequestError) as ended:
        await anext(events)
    told = ended.value.errors[0].extensions or {}
    assert told["code"] == "SUBSCRIBER_TOO_SLOW"
    assert sequences(await node.first(10, order_id, after=told["cursor"])) == list(range(3, 13))


async def test_a_replay_longer_than_the_queue_still_gives_every_event(
    node: Node, writer: asyncpg.Connection, order_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(followers, "WAITING_LIMIT", 5)
    for _ in range(120):
        await write_event(writer, order_id)
    while await log.has_unstamped(writer):
        await asyncio.sleep(0.01)
    events, found = node.live(order_id, BEGINNING), []
    async for event in events:
        found.append(event)
        if len(found) in {1, 110}:
            for _ in range(20):
                await write_event(writer, order_id)
            node.feed.stamp_soon()
            await asyncio.sleep(0.3)
        if len(found) == 160:
            break
    assert sequences(found) == list(range(1, 161))


# -- epochs ------------------------------------------------------------------------------------------------------------


async def test_another_cluster_begins_a_new_epoch_and_cursors_go_on(
    fresh_database_url: str, writer: asyncpg.Connection, order_id: UUID
) -> None:
    await write_event(writer, order_id)
    async with node_on(fresh_database_url) as node:
        node.feed.stamp_soon()
        [before] = await node.first(1, order_id, after=BEGINNING)
    await writer.execute("UPDATE event_head SET cluster = 'the one that burned down', position = position - 1")
    await write_event(writer, order_id)
    async with node_on(fresh_database_url) as node:
        node.feed.stamp_soon()
        [after] = await node.first(1, order_id, after=before["cursor"])
    assert sequences([before, after]) == [1, 2]
    assert await log.head(writer) == (2, 1)


async def test_a_cursor_is_not_ahead_of_a_log_that_was_restored_under_a_process_that_runs(
    node: Node, writer: asyncpg.Connection, order_id: UUID
) -> None:
    await write_event(writer, order_id)
    node.feed.stamp_soon()
    [before] = await node.first(1, order_id, after=BEGINNING)
    await writer.execute("UPDATE event_head SET cluster = 'the one that burned down', position = position - 1")
    reading = await joined(node, order_id, 1, after=before["cursor"])
    await write_event(writer, order_id)
    node.feed.stamp_soon()
    assert sequences(await reading) == [2]
    assert await log.head(writer) == (2, 1)


async def test_the_same_cluster_keeps_its_epoch(fresh_database_url: str, writer: asyncpg.Connection) -> None:
    for _ in range(2):
        async with node_on(fresh_database_url):
            await asyncio.sleep(0.05)
    assert (await log.head(writer)).epoch == 1


async def test_a_role_without_special_rights_can_stamp(
    fresh_database_url: str, writer: asyncpg.Connection, order_id: UUID
) -> None:
    await write_event(writer, order_id)
    await writer.execute("REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC")
    role = f"plain_{order_id.hex}"
    await writer.execute(f"CREATE ROLE {role}; GRANT ALL ON ALL TABLES IN SCHEMA public TO {role}; SET ROLE {role}")
    assert await log.enter_cluster(writer) is not None
    assert len(await log.stamp(writer, 10)) == 1
    await writer.execute(f"RESET ROLE; DROP OWNED BY {role}; DROP ROLE {role}")
