"""What a feed promises, asked of each on real servers: every event once, in the order of the log, whatever dies.

Who was there from the beginning has heard exactly what the log holds. One suite for both; what only Redis can do wrong
follows it.
"""

import asyncio
import random
import sys
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import orjson
import pytest

from domain.store import log
from domain.store.invariants import events as invariants
from domain.store.log import EVERYTHING, News, Place
from domain.store.verify import check
from resolvers import feed as feeds
from resolvers import redis_wire
from resolvers.feed import LogFeed, open_feed
from resolvers.followers import FellBehind, Follower
from resolvers.holding import LOST
from resolvers.redis_wire import RedisWire
from tests.logbook import write_event, write_order
from tests.relay import relay_to
from tests.valkey import Valkey, valkey

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")

WRITERS = 6
SECONDS = 40
"""After which what has not come will not come."""

SOUND = (
    invariants.EVENTS_ARE_NUMBERED_WITHOUT_GAPS,
    invariants.POSITIONS_HAVE_NO_GAPS,
    invariants.POSITIONS_KEEP_EACH_SUBJECTS_ORDER,
)


class House:
    """A database, perhaps a Redis, and processes on them."""

    def __init__(self, url: str, redis: Valkey | None, stack: AsyncExitStack) -> None:
        self.url = url
        self.redis_url = None if redis is None else redis.url
        self.stack = stack
        self.feeds: list[LogFeed] = []
        self._redis = redis

    @property
    def redis(self) -> Valkey:
        """The Redis of a house that has one."""
        assert self._redis is not None
        return self._redis

    async def feed(self, url: str | None = None) -> LogFeed:
        """One more process."""
        feed = await self.stack.enter_async_context(open_feed(url or self.url, self.redis_url))
        self.feeds.append(feed)
        return feed

    async def connect(self) -> asyncpg.Connection:
        """One more connection."""
        connection: asyncpg.Connection = await asyncpg.connect(self.url)
        self.stack.callback(connection.terminate)
        return connection

    def follower(self, feed: LogFeed) -> Follower:
        """Hears everything from now on."""
        return self.stack.enter_context(feed.follow([EVERYTHING]))

    async def kill(self, name: str) -> None:
        """End the connections that bear a name."""
        admin = await self.connect()
        await admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND application_name LIKE $1 AND pid <> pg_backend_pid()",
            name,
        )


@pytest.fixture(params=["postgres", "redis"])
async def house(request: pytest.FixtureRequest, fresh_database_url: str) -> AsyncIterator[House]:
    async with AsyncExitStack() as stack:
        redis = await stack.enter_async_context(valkey()) if request.param == "redis" else None
        yield House(fresh_database_url, redis, stack)


@pytest.fixture
async def redis_house(fresh_database_url: str) -> AsyncIterator[House]:
    async with AsyncExitStack() as stack:
        yield House(fresh_database_url, await stack.enter_async_context(valkey()), stack)


async def heard(follower: Follower, number: int) -> list[News]:
    """The next so many news."""
    async with asyncio.timeout(SECONDS):
        return [await follower.next() for _ in range(number)]


async def whole_log(connection: asyncpg.Connection) -> list[News]:
    """All of it, once every event has its place."""
    async with asyncio.timeout(SECONDS):
        while await log.has_unstamped(connection):
            await asyncio.sleep(0.02)
    return await log.news_after(connection, Place(0, 0), 100_000)


async def is_connected(feed: LogFeed) -> None:
    """Wait until a process hears Redis."""
    assert isinstance(feed.wire, RedisWire)
    async with asyncio.timeout(SECONDS):
        while feed.wire.is_away:
            await asyncio.sleep(0.01)


# -- whatever happens --------------------------------------------------------------------------------------------------


async def nothing(_: House) -> None:
    """Only what writers do."""


async def feeds_lose_the_database(house: House) -> None:
    for _ in range(3):
        await house.kill("ordergraph feed")
        await asyncio.sleep(0.15)


async def stampers_die(house: House) -> None:
    for _ in range(5):
        await house.kill("ordergraph stamper")
        await asyncio.sleep(0.1)


async def another_cluster_takes_over(house: House) -> None:
    connection = await house.connect()
    for name in ("the one that burned down", "the one that was flooded"):
        await connection.execute("UPDATE event_head SET cluster = $1", name)
        await house.kill("ordergraph%")
        await asyncio.sleep(0.3)


async def redis_restarts_empty(house: House) -> None:
    for _ in range(2):
        house.redis.kill()
        await asyncio.sleep(0.2)
        await house.redis.start()
        await asyncio.sleep(0.4)


async def redis_is_emptied(house: House) -> None:
    async with house.redis.direct as client:
        for _ in range(10):
            await client.flushall()
            await asyncio.sleep(0.03)


async def redis_is_cut_off(house: House) -> None:
    for _ in range(4):
        house.redis.relay.cut()
        await asyncio.sleep(0.1)
        house.redis.relay.mend()
        await asyncio.sleep(0.1)


async def redis_is_slow(house: House) -> None:
    for _ in range(5):
        house.redis.relay.stall()
        await asyncio.sleep(0.15)
        house.redis.relay.mend()
        await asyncio.sleep(0.02)


OF_BOTH = (nothing, feeds_lose_the_database, stampers_die, another_cluster_takes_over)
OF_REDIS = (redis_restarts_empty, redis_is_emptied, redis_is_cut_off, redis_is_slow)


async def write_some(house: House, orders: list[UUID], dice: random.Random) -> None:
    """Transactions that take their time; some are killed before the commit, some forget to ask for a stamp after it."""
    connection = await house.connect()
    for _ in range(30):
        if connection.is_closed():
            connection = await house.connect()
        with suppress(*LOST):
            async with connection.transaction():
                order = dice.choice(orders)
                for _ in range(dice.randint(1, 3)):
                    await write_event(connection, order)
                    await asyncio.sleep(dice.random() * 0.004)
                if dice.random() < 0.1:
                    connection.terminate()
        if dice.random() < 0.8:
            dice.choice(house.feeds).stamp_soon()


async def hold_back(house: House, storm: asyncio.Event) -> None:
    """A transaction that has drawn its id before all others, and commits after them."""
    connection = await house.connect()
    order = await write_order(connection)
    async with connection.transaction():
        await write_event(connection, order)
        await storm.wait()


async def collect(follower: Follower, found: list[News]) -> None:
    while True:
        found.append(await follower.next())


async def prove(house: House, fault: Callable[[House], Awaitable[None]]) -> None:
    """Writers write, the fault happens, and two processes have heard the log from its beginning to its end."""
    dice, storm = random.Random(11), asyncio.Event()
    setup = await house.connect()
    orders = [await write_order(setup) for _ in range(4)]
    found: list[list[News]] = [[], []]
    listening = [
        asyncio.create_task(collect(house.follower(await house.feed()), each))
        for each in found
    ]  # fmt: skip
    slow = asyncio.create_task(hold_back(house, storm))
    await asyncio.gather(fault(house), *[write_some(house, orders, dice) for _ in range(WRITERS)])
    storm.set()
    await slow

    expected = await whole_log(setup)
    async with asyncio.timeout(SECONDS):
        while any(len(each) < len(expected) for each in found):
            await asyncio.sleep(0.02)
    await asyncio.sleep(0.1)  # for what might come twice
    for task in listening:
        task.cancel()
    assert len(expected) > WRITERS * 30
    assert found == [expected, expected]
    assert await check(setup, SOUND) == []


@pytest.mark.slow
@pytest.mark.parametrize("fault", OF_BOTH, ids=lambda fault: fault.__name__)
async def test_every_event_is_heard_once_and_in_order(house: House, fault: Callable[[House], Awaitable[None]]) -> None:
    await prove(house, fault)


@pytest.mark.slow
@pytest.mark.parametrize("fault", OF_REDIS, ids=lambda fault: fault.__name__)
async def test_every_event_is_heard_once_and_in_order_when(
    redis_house: House, fault: Callable[[House], Awaitable[None]]
) -> None:
    await prove(redis_house, fault)


class Listener:
    """A process of its own."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    async def next(self) -> Place:
        """The next place that it says."""
        assert self.process.stdout is not None
        async with asyncio.timeout(SECONDS):
            epoch, position = (await self.process.stdout.readline()).split()
        return Place(int(epoch), int(position))

    async def kill(self) -> None:
        """With no chance to say good-bye."""
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()


async def listener(house: House) -> Listener:
    given = [house.url, *([house.redis_url] if house.redis_url else [])]
    started = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.listener", *given, stdout=PIPE, stderr=DEVNULL, cwd=Path(__file__).parents[2]
    )
    house.stack.push_async_callback((found := Listener(started)).kill)
    return found


@pytest.mark.slow
async def test_processes_that_are_killed_leave_nothing_unheard(house: House) -> None:
    """There is always another that stamps, and whoever starts hears everything from where it says that it does."""
    connection = await house.connect()
    order = await write_order(connection)
    steady, doomed = [await listener(house) for _ in range(2)]
    begun = await steady.next()
    for _ in range(3):
        await doomed.next()
        for _ in range(20):
            await write_event(connection, order)
            await asyncio.sleep(0.01)
        await doomed.kill()
        doomed = await listener(house)
    since = await doomed.next()
    for _ in range(20):
        await write_event(connection, order)
    places = [news.place for news in await whole_log(connection)]
    assert len(places) == 80
    for process, place in ((steady, begun), (doomed, since)):
        expected = [each for each in places if each > place]
        assert [await process.next() for _ in expected] == expected


async def test_what_was_archived_while_a_process_slept_is_no_silent_gap(house: House) -> None:
    connection = await house.connect()
    order = await write_order(connection)
    async with relay_to(house.url) as relay:
        follower = house.follower(await house.feed(relay.url))
        await write_event(connection, order)
        await log.stamp(connection, 10)
        assert [news.place for news in await heard(follower, 1)] == [Place(1, 1)]
        relay.cut()
        for _ in range(3):
            await write_event(connection, order)
        await log.stamp(connection, 10)
        await connection.execute("DELETE FROM events WHERE position < 4")
        await connection.execute("UPDATE event_head SET floor_epoch = 1, floor_position = 3")
        relay.mend()
        with pytest.raises(FellBehind):
            await heard(follower, 1)
        follower.start_again()
        await write_event(connection, order)
        await log.stamp(connection, 10)
        assert (await heard(follower, 1))[0].place.position in {4, 5}


# -- what the stream carries -------------------------------------------------------------------------------------------


async def test_news_is_heard_without_asking_the_database(redis_house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redis_wire, "QUIET_SECONDS", 30.0)
    monkeypatch.setattr(feeds, "POLL_SECONDS", 30.0)
    connection = await redis_house.connect()
    order = await write_order(connection)
    async with relay_to(redis_house.url) as relay:
        here, there = await redis_house.feed(), await redis_house.feed(relay.url)
        follower = redis_house.follower(there)
        await is_connected(there)
        relay.stall()
        for _ in range(5):
            await write_event(connection, order)
        here.stamp_soon()
        found = await heard(follower, 5)
        relay.mend()
    assert found == await whole_log(connection)


async def test_what_another_process_stamped_without_redis_is_found_in_the_log(redis_house: House) -> None:
    connection = await redis_house.connect()
    order = await write_order(connection)
    follower = redis_house.follower(await redis_house.feed())
    for _ in range(3):
        await write_event(connection, order)
    await log.stamp(connection, 10)
    assert await heard(follower, 3) == await whole_log(connection)


async def test_a_process_begins_without_redis_and_finds_it_later(redis_house: House) -> None:
    redis_house.redis.kill()
    connection = await redis_house.connect()
    order = await write_order(connection)
    feed = await redis_house.feed()
    follower = redis_house.follower(feed)
    await write_event(connection, order)
    feed.stamp_soon()
    await heard(follower, 1)
    await redis_house.redis.start()
    await is_connected(feed)
    await write_event(connection, order)
    feed.stamp_soon()
    await heard(follower, 1)
    async with redis_house.redis.direct as client, asyncio.timeout(SECONDS):
        while not await client.exists(await log.stream_name(connection)):
            await asyncio.sleep(0.01)


async def test_a_redis_that_says_nothing_any_more_is_not_waited_for(redis_house: House) -> None:
    connection = await redis_house.connect()
    order = await write_order(connection)
    feed = await redis_house.feed()
    follower = redis_house.follower(feed)
    await is_connected(feed)
    redis_house.redis.relay.stall()
    for _ in range(3):
        await write_event(connection, order)
        feed.stamp_soon()
        await heard(follower, 1)


GARBAGE: dict[str, Any] = {
    "no news": {"else": "x"},
    "no JSON": {"news": b"{"},
    "too little": {"news": b"[1]"},
    "no ids": {"news": orjson.dumps(["x", "y", 1, 2, 3, 4, 5])},
}


@pytest.mark.parametrize("fields", GARBAGE.values(), ids=GARBAGE)
@pytest.mark.parametrize("place", ["1-1", "1-3", "1-99999", "7-1"])
async def test_what_somebody_else_writes_to_the_stream_is_not_believed(
    redis_house: House, fields: Any, place: str
) -> None:
    connection = await redis_house.connect()
    order = await write_order(connection)
    feed = await redis_house.feed()
    follower = redis_house.follower(feed)
    await is_connected(feed)
    async with redis_house.redis.direct as client:
        await client.xadd(await log.stream_name(connection), fields, id=place)
    for _ in range(4):
        await write_event(connection, order)
    feed.stamp_soon()
    assert await heard(follower, 4) == await whole_log(connection)


async def test_a_place_far_ahead_is_not_believed(redis_house: House) -> None:
    connection = await redis_house.connect()
    order = await write_order(connection)
    feed = await redis_house.feed()
    follower = redis_house.follower(feed)
    await is_connected(feed)
    told = orjson.dumps([1, "ORDER_PLACED", str(order), None, None, None, None])
    async with redis_house.redis.direct as client:
        await client.xadd(await log.stream_name(connection), {"news": told}, id="1-50")
    for _ in range(4):
        await write_event(connection, order)
    feed.stamp_soon()
    assert await heard(follower, 4) == await whole_log(connection)


async def test_a_key_that_is_no_stream_costs_time_alone(redis_house: House) -> None:
    connection = await redis_house.connect()
    order = await write_order(connection)
    feed = await redis_house.feed()
    async with redis_house.redis.direct as client:
        await client.set(await log.stream_name(connection), "x")
    follower = redis_house.follower(feed)
    await write_event(connection, order)
    feed.stamp_soon()
    assert await heard(follower, 1) == await whole_log(connection)


async def test_no_other_log_has_the_same_stream(fresh_database_url: str, database_url: str) -> None:
    names = []
    for url in (fresh_database_url, database_url):
        connection = await asyncpg.connect(url)
        names.append(await log.stream_name(connection))
        await connection.execute("UPDATE event_head SET cluster = 'restored'")
        names.append(await log.stream_name(connection))
        await connection.close()
    assert len(set(names)) == 4
