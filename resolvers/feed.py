"""The feed: wakes whoever follows something when an event concerns it.

The log is the truth and a feed only says that there is news, so it may die and nothing is lost: whoever comes back
reads on from the last place they know. What its wire carries is believed only where it goes on right after that place.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import AbstractAsyncContextManager, AbstractContextManager, asynccontextmanager, contextmanager
from typing import Protocol

import asyncpg
import structlog

from domain.store import log as store
from domain.store.log import CursorExpired, News, Place, Topic
from resolvers.database import Unavailable
from resolvers.followers import Follower, Followers
from resolvers.holding import hold, set_within
from resolvers.redis_wire import RedisWire
from resolvers.stamper import Stamper, enter_cluster

log = structlog.get_logger()

BATCH = 500
POLL_SECONDS = 5.0
"""How long news goes unnoticed that the wire lost or holds back, and a dead line too."""
START_SECONDS = 5.0


class Feed(Protocol):
    """What subscriptions and writers need of a feed."""

    def stamp_soon(self) -> None:
        """Events were committed: give them their places. Cheap; many calls make one batch."""

    def follow(self, topics: Iterable[Topic]) -> AbstractContextManager[Follower]:
        """Gather news of any of these topics from now on, for as long as the block runs."""


class Wire(Protocol):
    """What carries word from the process that stamped events to all others. It may lose, repeat and delay it."""

    def open(self, connection: asyncpg.Connection, at: Place) -> AbstractAsyncContextManager[None]:
        """Listen for what comes after a place, for as long as the block runs. The connection is the log's."""

    async def hear(self) -> list[News]:
        """Wait until something was heard or it is time to look: the news itself, as far as the wire carries that."""

    def tell(self, news: list[News]) -> None:
        """These were just stamped here, and are committed."""


class NotifyWire:
    """PostgreSQL's NOTIFY, sent by the stamper's statement. It says that there is news, and not which."""

    def __init__(self) -> None:
        self._notified = asyncio.Event()

    @asynccontextmanager
    async def open(self, connection: asyncpg.Connection, _at: Place) -> AsyncIterator[None]:
        """LISTEN; the connection's end is heard too."""
        connection.add_termination_listener(lambda _: self._notified.set())
        await connection.add_listener(store.CHANNEL, lambda *_: self._notified.set())
        yield

    async def hear(self) -> list[News]:
        """Wait for a notification."""
        await set_within(self._notified, POLL_SECONDS)
        self._notified.clear()
        return []

    def tell(self, news: list[News]) -> None:
        """The statement that stamped them has told."""


class LogFeed:
    """The feed of one process, which reads the log as it grows."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.stamper = Stamper(wire.tell)
        self.ready = asyncio.Event()
        self._at: Place | None = None
        self._looked_at = 0.0
        self.followers = Followers()

    def stamp_soon(self) -> None:
        """Events were committed: give them their places."""
        self.stamper.soon()

    @contextmanager
    def follow(self, topics: Iterable[Topic]) -> Iterator[Follower]:
        """Gather news of any of these topics from now on."""
        if self._at is None:
            raise Unavailable("the feed has not reached the database yet")
        with self.followers.joined(topics, Follower(self._at)) as follower:
            yield follower

    async def listen(self, connection: asyncpg.Connection) -> None:
        """Tell followers what is new, for as long as the connection holds; begins where the last one ended.

        The log enters the cluster first: whoever comes with a cursor from before a restore is not ahead of it.
        """
        await enter_cluster(connection)
        async with self.wire.open(connection, self._at or await store.head(connection)):
            heard: list[News] = []
            while True:
                if not self._take(heard) or asyncio.get_running_loop().time() - self._looked_at > POLL_SECONDS:
                    await self._catch_up(connection)
                self.ready.set()
                heard = await self.wire.hear()

    def _take(self, heard: list[News]) -> bool:
        """Tell what was heard as far as it goes on right after what is known; whether it did, all of it."""
        before = self._at
        for news in heard:
            if self._at is None or news.place > self._at.next:
                return False
            if news.place == self._at.next:
                self.followers.tell(news)
                self._at = news.place
        return self._at != before

    async def _catch_up(self, connection: asyncpg.Connection) -> None:
        """Read what is new; where nobody follows anything, only how far the log has come."""
        self._looked_at = asyncio.get_running_loop().time()
        if not self.followers:
            head = await store.head(connection)
            if not self.followers:  # nobody came while we asked
                self._at = head
        try:
            while self.followers and self._at and (news := await store.news_after(connection, self._at, BATCH)):
                for each in news:
                    self.followers.tell(each)
                self._at = news[-1].place
        except CursorExpired as error:
            log.warning("the feed slept until what it had not read was archived", at=self._at, reason=str(error))
            self._at = error.earliest
            self.followers.fall_behind()


@asynccontextmanager
async def open_feed(url: str, redis_url: str | None = None) -> AsyncIterator[LogFeed]:
    """A running feed, for as long as the block runs. Without its servers it starts all the same, and goes on trying."""
    feed = LogFeed(NotifyWire() if redis_url is None else RedisWire(redis_url))
    tasks = [
        asyncio.create_task(hold(url, "ordergraph feed", feed.listen)),
        asyncio.create_task(hold(url, "ordergraph stamper", feed.stamper.run)),
    ]
    try:
        await set_within(feed.ready, START_SECONDS)
        yield feed
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
