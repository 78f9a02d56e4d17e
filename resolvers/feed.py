"""The feed: gives events their places, and wakes whoever follows an order when one of them concerns it.

The log is the truth and the feed only says that there is news, so it may die and nothing is lost: whoever comes back
reads on from the last place they know.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager, suppress
from random import uniform
from typing import Protocol
from uuid import UUID

import asyncpg
import structlog

from domain.store import log as store
from domain.store.log import News, Place
from resolvers.database import CONNECT_SECONDS, GONE, STATEMENT_SECONDS, Unavailable

log = structlog.get_logger()

BATCH = 500
BREATH_SECONDS = 0.025
"""Between two batches: under load, one commit then stamps what many writers left."""
SWEEP_SECONDS = 1.0
"""How long an event waits whose writer died before it could ask for a stamp."""
POLL_SECONDS = 5.0
"""How long a lost notification goes unnoticed, and a dead line too."""
FIRST_DELAY_SECONDS = 0.1
LONGEST_DELAY_SECONDS = 2.0
WAITING_LIMIT = 1_000
"""News that a follower may leave unread, at some 200 bytes each."""
START_SECONDS = 5.0

LOST = (*GONE, asyncpg.InternalClientError)
"""How asyncpg tells that a connection ended; the last where the server's farewell crossed the next question."""

SESSION = {"TimeZone": "UTC", "jit": "off", "enable_seqscan": "off"}
"""The log is read by its indexes alone, whatever the planner believes of a table that nobody has analyzed yet."""


class FellBehind(Exception):
    """More news came than the follower has room for; the log still has them."""


class Follower:
    """News of one order, from `since` on, waiting to be read."""

    def __init__(self, since: Place) -> None:
        self.since = since
        self.fell_behind = False
        self._waiting: deque[News] = deque()
        self._more = asyncio.Event()

    def tell(self, news: News) -> None:
        """Leave news for the follower; beyond the limit it has fallen behind, and gets none until it starts again."""
        if self.fell_behind:
            return
        self._waiting.append(news)
        self._more.set()
        if len(self._waiting) > WAITING_LIMIT:
            self._waiting.clear()
            self.fell_behind = True

    def start_again(self) -> None:
        """Gather news anew; what came before must be read from the log."""
        self._waiting.clear()
        self.fell_behind = False

    async def next(self) -> News:
        """The next news, as soon as there is any, or `FellBehind`."""
        while not self._waiting:
            if self.fell_behind:
                raise FellBehind
            self._more.clear()
            await self._more.wait()
        return self._waiting.popleft()


class Feed(Protocol):
    """What subscriptions and writers need of a feed."""

    def stamp_soon(self) -> None:
        """Events were committed: give them their places. Cheap; many calls make one batch."""

    def follow(self, order_id: UUID) -> AbstractContextManager[Follower]:
        """Gather an order's news from now on, for as long as the block runs."""


class Stamper:
    """Gives committed events their places; many may run, and take turns at the head row."""

    def __init__(self) -> None:
        self._asked = asyncio.Event()

    def soon(self) -> None:
        """Stamp at the next opportunity."""
        self._asked.set()

    async def run(self, connection: asyncpg.Connection) -> None:
        """Stamp for as long as the connection holds."""
        epoch = await store.enter_cluster(connection)
        if epoch is not None:
            log.info("the log entered a cluster", epoch=epoch)
        connection.add_termination_listener(lambda _: self._asked.set())
        while True:
            asked = await _set_within(self._asked, SWEEP_SECONDS)
            self._asked.clear()
            if asked or await store.has_unstamped(connection):
                while await store.stamp(connection, BATCH) == BATCH:
                    pass
            await asyncio.sleep(BREATH_SECONDS)


class PostgresFeed:
    """A feed by LISTEN and NOTIFY."""

    def __init__(self) -> None:
        self.stamper = Stamper()
        self.ready = asyncio.Event()
        self._at: Place | None = None
        self._followers: dict[UUID, set[Follower]] = {}
        self._notified = asyncio.Event()

    def stamp_soon(self) -> None:
        """Events were committed: give them their places."""
        self.stamper.soon()

    @contextmanager
    def follow(self, order_id: UUID) -> Iterator[Follower]:
        """Gather an order's news from now on."""
        if self._at is None:
            raise Unavailable("the feed has not reached the database yet")
        follower = Follower(self._at)
        self._followers.setdefault(order_id, set()).add(follower)
        try:
            yield follower
        finally:
            self._leave(order_id, follower)

    def _leave(self, order_id: UUID, follower: Follower) -> None:
        others = self._followers[order_id]
        others.discard(follower)
        if not others:
            del self._followers[order_id]

    async def listen(self, connection: asyncpg.Connection) -> None:
        """Tell followers what is new, for as long as the connection holds; begins where the last one ended."""
        connection.add_termination_listener(lambda _: self._notified.set())
        await connection.add_listener(store.CHANNEL, lambda *_: self._notified.set())
        while True:
            self._notified.clear()
            await self._catch_up(connection)
            self.ready.set()
            await _set_within(self._notified, POLL_SECONDS)

    async def _catch_up(self, connection: asyncpg.Connection) -> None:
        """Read what is new; where nobody follows anything, only how far the log has come."""
        if not self._followers:
            head = await store.head(connection)
            if not self._followers:  # nobody came while we asked
                self._at = head
        while self._followers and self._at and (news := await store.news_after(connection, self._at, BATCH)):
            for each in news:
                self._tell(each)
            self._at = news[-1].place

    def _tell(self, news: News) -> None:
        if news.order_id is not None:
            for follower in self._followers.get(news.order_id, ()):
                follower.tell(news)


@asynccontextmanager
async def open_feed(url: str) -> AsyncIterator[PostgresFeed]:
    """A running feed, for as long as the block runs. Without its database it starts all the same, and goes on trying."""
    feed = PostgresFeed()
    tasks = [
        asyncio.create_task(hold(url, "ordergraph feed", feed.listen)),
        asyncio.create_task(hold(url, "ordergraph stamper", feed.stamper.run)),
    ]
    try:
        await _set_within(feed.ready, START_SECONDS)
        yield feed
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def hold(url: str, name: str, live: Callable[[asyncpg.Connection], Awaitable[None]]) -> None:
    """Run `live` on a connection of its own, and again on another whenever that one is lost."""
    delay = FIRST_DELAY_SECONDS
    while True:
        began = asyncio.get_running_loop().time()
        try:
            async with _connected(url, name) as connection:
                await live(connection)
        except (*LOST, asyncpg.PostgresError) as error:
            log.warning("the feed lost its connection", connection=name, reason=str(error) or type(error).__name__)
        except Exception:
            log.exception("the feed failed", connection=name)  # and goes on: without it nobody would hear of anything
        lasted = asyncio.get_running_loop().time() - began
        delay = FIRST_DELAY_SECONDS if lasted > LONGEST_DELAY_SECONDS else min(delay * 2, LONGEST_DELAY_SECONDS)
        await asyncio.sleep(uniform(delay / 2, delay))  # noqa: S311 - spread, not secrecy


@asynccontextmanager
async def _connected(url: str, name: str) -> AsyncIterator[asyncpg.Connection]:
    settings = {"application_name": name, **SESSION}
    connection = await asyncpg.connect(
        url, timeout=CONNECT_SECONDS, command_timeout=STATEMENT_SECONDS, server_settings=settings
    )
    try:
        yield connection
    finally:
        connection.terminate()


async def _set_within(event: asyncio.Event, seconds: float) -> bool:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
    return event.is_set()
