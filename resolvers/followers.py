"""Who follows what: news is left with everyone whom it concerns, found by the ids that the news carries."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from domain.store.log import EVERYTHING, News, Place, Topic

WAITING_LIMIT = 1_000
"""News that a follower may leave unread, at some 200 bytes each."""


class FellBehind(Exception):
    """More news came than the follower has room for; the log still has them."""


class Follower:
    """News of some topics, from `since` on, waiting to be read."""

    def __init__(self, since: Place) -> None:
        self.since = since
        self.latest = since
        """The last news that it was told of, though it may have been dropped."""
        self.fell_behind = False
        self.wants: Callable[[News], bool] | None = None
        """Which of the news; all if it is None."""
        self.wakes: Callable[[], None] | None = None
        """Is called when there is something to read, instead of waiting for `next`."""
        self._waiting: deque[News] = deque()
        self._more = asyncio.Event()

    def tell(self, news: News) -> None:
        """Leave news for the follower; beyond the limit it has fallen behind, and gets none until it starts again."""
        if self.wants is not None and not self.wants(news):
            return
        self.latest = news.place
        if self.fell_behind:
            return
        self._waiting.append(news)
        if len(self._waiting) > WAITING_LIMIT:
            self.fall_behind()
            return
        self._stir()

    def fall_behind(self) -> None:
        """There was news that could not be left."""
        self._waiting.clear()
        self.fell_behind = True
        self._stir()

    def _stir(self) -> None:
        self._more.set()
        if self.wakes is not None:
            self.wakes()

    def start_again(self) -> None:
        """Gather news anew; what came before must be read from the log."""
        self._waiting.clear()
        self.fell_behind = False

    @property
    def has_news(self) -> bool:
        """Whether there is anything to take."""
        return bool(self._waiting)

    def take(self, most: int) -> list[News]:
        """The next news, as far as there is any."""
        return [self._waiting.popleft() for _ in range(min(most, len(self._waiting)))]

    async def next(self) -> News:
        """The next news, as soon as there is any, or `FellBehind`."""
        while not self._waiting:
            if self.fell_behind:
                raise FellBehind
            self._more.clear()
            await self._more.wait()
        return self._waiting.popleft()


class Followers:
    """Followers by topic. One that follows several topics hears news once that concerns more of them."""

    def __init__(self) -> None:
        self._by_topic: dict[Topic, set[Follower]] = {}

    def __bool__(self) -> bool:
        return bool(self._by_topic)

    @contextmanager
    def joined(self, topics: Iterable[Topic], follower: Follower) -> Iterator[Follower]:
        """Leave news of any of the topics with the follower, for as long as the block runs."""
        wanted = frozenset(topics)
        for topic in wanted:
            self._by_topic.setdefault(topic, set()).add(follower)
        try:
            yield follower
        finally:
            for topic in wanted:
                self._leave(topic, follower)

    def _leave(self, topic: Topic, follower: Follower) -> None:
        others = self._by_topic[topic]
        others.discard(follower)
        if not others:
            del self._by_topic[topic]

    def fall_behind(self) -> None:
        """Nobody was told of some news; the log may have it."""
        for followers in self._by_topic.values():
            for follower in followers:
                follower.fall_behind()

    def tell(self, news: News) -> None:
        """Leave news with everyone whom it concerns."""
        concerned: set[Follower] = set(self._by_topic.get(EVERYTHING, ()))
        for topic in news.topics:
            concerned |= self._by_topic.get(topic, set())
        for follower in concerned:
            follower.tell(news)
