"""The feed: wakes whoever follows something when an event concerns it.

The log is the truth and the feed only says that there is news, so it may die and nothing is lost: whoever comes back
reads on from the last place they know.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from typing import Protocol

import asyncpg

from domain.store import log as store
from domain.store.log import Place, Topic
from resolvers.database import Unavailable
from resolvers.followers import Follower, Followers
from resolvers.holding import hold, set_within
from resolvers.stamper import Stamper

BATCH = 500
POLL_SECONDS = 5.0
"""How long a lost notification goes unnoticed, and a dead line too."""
START_SECONDS = 5.0


class Feed(Protocol):
    """What subscriptions and writers need of a feed."""

    def stamp_soon(self) -> None:
        """Events were committed: give them their places. Cheap; many calls make one batch."""

    def follow(self, topics: Iterable[Topic]) -> AbstractContextManager[Follower]:
        """Gather news of any of these topics from now on, for as long as the block runs."""


class PostgresFeed:
    """A feed by LISTEN and NOTIFY."""

    def __init__(self) -> None:
        self.stamper = Stamper()
        self.ready = asyncio.Event()
        self._at: Place | None = None
        self.followers = Followers()
        self._notified = asyncio.Event()

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
        """Tell followers what is new, for as long as the connection holds; begins where the last one ended."""
        connection.add_termination_listener(lambda _: self._notified.set())
        await connection.add_listener(store.CHANNEL, lambda *_: self._notified.set())
        while True:
            self._notified.clear()
            await self._catch_up(connection)
            self.ready.set()
            await set_within(self._notified, POLL_SECONDS)

    async def _catch_up(self, connection: asyncpg.Connection) -> None:
        """Read what is new; where nobody follows anything, only how far the log has come."""
        if not self.followers:
            head = await store.head(connection)
            if not self.followers:  # nobody came while we asked
                self._at = head
        while self.followers and self._at and (news := await store.news_after(connection, self._at, BATCH)):
            for each in news:
                self.followers.tell(each)
            self._at = news[-1].place


@asynccontextmanager
async def open_feed(url: str) -> AsyncIterator[PostgresFeed]:
    """A running feed, for as long as the block runs. Without its database it starts all the same, and goes on trying."""
    feed = PostgresFeed()
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
