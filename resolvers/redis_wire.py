"""News by a Redis (or Valkey) stream, for many processes: they hear of events without asking PostgreSQL for them.

An entry's id is the event's place, so whoever comes back reads on from the last place they know, and Redis itself
refuses what comes too late. The stream is short and nobody relies on it: it may be trimmed, empty, slow or gone.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any
from uuid import UUID

import asyncpg
import orjson
import structlog
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from domain.store import log as store
from domain.store.log import TOPICS, News, Place

log = structlog.get_logger()

BATCH = 500
KEPT = 10_000
"""Entries that the stream keeps, more or less: some 3 MB. Whoever is further behind reads the log."""
UNTOLD = 2_000
"""News that waits to be sent; beyond it the oldest is dropped, and who misses it reads the log."""
QUIET_SECONDS = 1.0
"""After so long a silence the log is looked at."""
AWAY_SECONDS = 0.2
"""The same while Redis is away."""
CONNECT_SECONDS = 1.0
RETRY_SECONDS = 0.5
CANCEL_SECONDS = 0.1

AWAY = (RedisError, OSError, TimeoutError)


class RedisWire:
    """One process's end of the stream."""

    def __init__(self, url: str) -> None:
        self._redis: Any = Redis.from_url(  # typed for either of its protocols' answers, and so for none
            url,
            socket_connect_timeout=CONNECT_SECONDS,
            socket_timeout=QUIET_SECONDS + CONNECT_SECONDS,
            retry=Retry(NoBackoff(), 0),
            protocol=2,
        )
        self._heard: asyncio.Queue[list[News]] = asyncio.Queue(maxsize=1)
        self._untold: deque[News] = deque(maxlen=UNTOLD)
        self._has_untold = asyncio.Event()
        self.is_away = True

    @asynccontextmanager
    async def open(self, connection: asyncpg.Connection, at: Place) -> AsyncIterator[None]:
        """Listen to the log's stream and send to it."""
        stream = await store.stream_name(connection)
        works = (partial(self._listen, stream, at), partial(self._send, stream))
        tasks = [asyncio.create_task(_unfailing(work)) for work in works]
        try:
            yield
        finally:
            await _end(tasks)
            with suppress(*AWAY):
                await self._redis.aclose()

    async def hear(self) -> list[News]:
        """Wait for entries; not long, if Redis is away."""
        with suppress(TimeoutError):
            async with asyncio.timeout(AWAY_SECONDS if self.is_away else QUIET_SECONDS):
                return await self._heard.get()
        return []

    def tell(self, news: list[News]) -> None:
        """Leave news to be sent: the stamper waits for no Redis."""
        self._untold.extend(news)
        self._has_untold.set()

    async def _listen(self, stream: str, at: Place) -> None:
        after: bytes | str = _id(at)
        while True:
            patience = 1 if self.is_away else int(QUIET_SECONDS * 1000)  # first whether it answers at all
            try:
                found = await self._redis.xread({stream: after}, count=BATCH, block=patience)
            except AWAY as error:
                self._is_now(away=True, reason=str(error) or type(error).__name__)
                await self._redis.connection_pool.disconnect()  # what is idle in it is as dead
                await asyncio.sleep(RETRY_SECONDS)
                continue
            self._is_now(away=False)
            for _, entries in found or ():
                after = entries[-1][0]
                await self._heard.put([news for entry in entries if (news := _read(*entry)) is not None])

    async def _send(self, stream: str) -> None:
        while True:
            await self._has_untold.wait()
            self._has_untold.clear()
            news = [self._untold.popleft() for _ in range(len(self._untold))]
            with suppress(*AWAY):  # who listens says that it is away
                async with self._redis.pipeline(transaction=False) as pipeline:
                    for each in news:
                        pipeline.xadd(stream, _fields(each), id=_id(each.place), maxlen=KEPT, approximate=True)
                    await pipeline.execute(raise_on_error=False)

    def _is_now(self, *, away: bool, reason: str = "") -> None:
        if away and not self.is_away:
            log.warning("redis is away; the log is polled", reason=reason)
        elif self.is_away and not away:
            log.info("redis is there")
        self.is_away = away


async def _end(tasks: list[asyncio.Task[None]]) -> None:
    """Cancel until they have ended: redis-py was seen to swallow a cancellation, and go on."""
    pending = set(tasks)
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=CANCEL_SECONDS)


async def _unfailing(work: Callable[[], Awaitable[None]]) -> None:
    """A mistake of ours must not pass for silence, nor be the last that is heard."""
    while True:
        try:
            await work()
        except Exception:
            log.exception("the stream could not be used")
        await asyncio.sleep(RETRY_SECONDS)


def _id(place: Place) -> str:
    return f"{place.epoch}-{place.position}"


def _fields(news: News) -> dict[str, bytes]:
    told = [news.id, news.type, *[getattr(news, column) for column in TOPICS]]
    return {"news": orjson.dumps(told, default=str)}  # asyncpg's UUIDs are a kind of their own


def _read(id_: bytes, fields: dict[bytes, bytes]) -> News | None:
    """The news in an entry; None where somebody else wrote it, and the log is read instead."""
    try:
        epoch, position = id_.split(b"-")
        number, type_, *topics = orjson.loads(fields[b"news"])
        if len(topics) != len(TOPICS) or not isinstance(number, int) or not isinstance(type_, str):
            return None
        return News(
            Place(int(epoch), int(position)), number, type_, *[None if id_ is None else UUID(id_) for id_ in topics]
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
