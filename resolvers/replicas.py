"""Read replicas: which of them may answer a read, and who answers instead.

Each replica is watched over a connection of its own, which says how far it has replayed, and notices at once when it is
gone. A read goes to those in service only; whatever a replica cannot answer, the primary does.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from itertools import count
from random import uniform
from typing import TypeVar

import asyncpg
import structlog

from domain.store import wal
from domain.store.wal import BEGINNING, Mark, NotAReplica
from resolvers.database import (
    GONE,
    NOT_HERE,
    READING,
    SESSION,
    Connection,
    Database,
    Elsewhere,
    Unavailable,
    open_pool,
)

T = TypeVar("T")

log = structlog.get_logger()

CONNECT_SECONDS = 2
"""Shorter than with the primary, because there is somebody else to ask."""
LOOK_SECONDS = 5
"""How long a replica may be silent. A busy one should not lose all its reads to the primary for a hiccup."""
GRACE_SECONDS = 2
"""For the reads that a replica has when it goes out of service; those it still has then are asked elsewhere."""
WATCH_SECONDS = 0.5
"""Between two questions to a replica for which nobody waits."""
POLL_SECONDS = 0.005
"""Between two while somebody does; one connection asks for all who wait."""
PATIENCE_SECONDS = 0.2
"""How long a read waits for a replica to reach its token before it goes to the primary."""
FIRST_DELAY_SECONDS = 0.1
LONGEST_DELAY_SECONDS = 5.0

Ask = Callable[[Connection], Awaitable[T]]


class Replica:
    """One replica. In service while it has a pool; `replayed` is what it said last, so it is never more than is so."""

    def __init__(self, url: str, size: int, number: int) -> None:
        self.url = url
        self.size = size
        self.number = number
        self.pool: asyncpg.Pool | None = None
        self.replayed = BEGINNING
        self._complaint = ""
        self._waiting = 0
        self._wanted = asyncio.Event()
        self._news = asyncio.Event()

    # -- reading ---------------------------------------------------------------------------------------------------

    async def ask(self, ask: Ask[T]) -> T:
        """What `ask` finds here, or `Elsewhere`."""
        pool = self.pool
        if pool is None:
            raise Elsewhere
        try:
            async with pool.acquire() as connection:
                if self.pool is not pool:  # it went out of service while we queued
                    raise Elsewhere
                try:
                    return await ask(connection)
                except TimeoutError as error:  # it has had its time: the primary would not be quicker
                    raise Unavailable(str(error)) from error
        except NOT_HERE as error:
            self._wanted.set()  # the watch finds out whether that was more than this read's misfortune
            raise Elsewhere from error

    async def reaches(self, mark: Mark) -> bool:
        """Whether the replica replays a mark within a short while."""
        self._waiting += 1
        self._wanted.set()
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while self.pool is not None and self.replayed < mark:
                    await self._news.wait()
        except TimeoutError:
            return False
        finally:
            self._waiting -= 1
        return self.pool is not None

    # -- watching --------------------------------------------------------------------------------------------------

    async def watch(self) -> None:
        """Keep it in service for as long as it answers, and again whenever it comes back."""
        delay = FIRST_DELAY_SECONDS
        while True:
            began = _now()
            try:
                await self._serve()
            except (*GONE, asyncpg.PostgresError, NotAReplica, LookupError) as error:
                self._complain(str(error) or type(error).__name__)
            except Exception:
                log.exception("watching a replica failed", replica=self.number)  # reads go on without it
            lasted = _now() - began
            delay = FIRST_DELAY_SECONDS if lasted > LONGEST_DELAY_SECONDS else min(delay * 2, LONGEST_DELAY_SECONDS)
            await asyncio.sleep(uniform(delay / 2, delay))  # noqa: S311 - spread, not secrecy

    async def _serve(self) -> None:
        """One time in service, ended by whatever goes wrong."""
        async with (
            open_pool(self.url, self.size, READING, CONNECT_SECONDS) as pool,
            _watching(self.url) as connection,
        ):
            connection.add_termination_listener(lambda _: self._leave())
            await self._look(connection)
            self.pool = pool
            self._complaint = ""
            log.info("a replica is used", replica=self.number)
            try:
                while self.pool is not None:
                    await self._pause()
                    await self._look(connection)
            finally:
                self._leave()
                with suppress(TimeoutError):
                    await asyncio.wait_for(pool.close(), GRACE_SECONDS)

    async def _look(self, connection: asyncpg.Connection) -> None:
        self.replayed = await wal.replayed(connection, within_seconds=LOOK_SECONDS)
        self._tell()

    async def _pause(self) -> None:
        if self._waiting:
            await asyncio.sleep(POLL_SECONDS)
            return
        with suppress(TimeoutError):
            await asyncio.wait_for(self._wanted.wait(), WATCH_SECONDS)
        self._wanted.clear()

    def _complain(self, reason: str) -> None:
        """Log why it is not used, once: it may be away for days."""
        if reason != self._complaint:
            log.warning("a replica is not used", replica=self.number, reason=reason)
        self._complaint = reason

    def _leave(self) -> None:
        self.pool = None
        self._wanted.set()
        self._tell()

    def _tell(self) -> None:
        """Wake who waits, to see for themselves."""
        self._news.set()
        self._news = asyncio.Event()


@asynccontextmanager
async def _watching(url: str) -> AsyncIterator[asyncpg.Connection]:
    settings = {**SESSION, "application_name": "ordergraph watch"}
    connection = await asyncpg.connect(url, timeout=CONNECT_SECONDS, server_settings=settings)
    try:
        yield connection
    finally:
        connection.terminate()


class Replicas:
    """All replicas of one primary."""

    def __init__(self, replicas: Sequence[Replica], primary: Database, longest_lag_seconds: float) -> None:
        self.replicas = replicas
        self.primary = primary
        self.longest_lag_seconds = longest_lag_seconds
        self.due = BEGINNING
        """What the primary had sent that long ago: who has not replayed it by now is too far behind."""
        self._turns = count()

    async def ask(self, ask: Ask[T], after: Mark | None) -> T:
        """What `ask` finds on a replica that is fit for it, or `Elsewhere`."""
        for replica in await self._fit(after):
            with suppress(Elsewhere):
                return await replica.ask(ask)
        raise Elsewhere

    async def _fit(self, after: Mark | None) -> Sequence[Replica]:
        """Who may answer a read that has to see `after`, each in its turn first."""
        turn = next(self._turns) % len(self.replicas)
        in_turn = (*self.replicas[turn:], *self.replicas[:turn])
        serving = [each for each in in_turn if each.pool is not None and each.replayed >= self.due]
        if after is None or not serving:
            return serving
        ready = [each for each in serving if each.replayed >= after]
        if ready:
            return ready
        foremost = max(serving, key=lambda each: each.replayed)
        return [foremost] if await foremost.reaches(after) else []

    async def remember(self) -> None:
        """Note what the primary sends. While it does not answer nothing is due: late answers are all there are then."""
        sent: deque[tuple[float, Mark]] = deque()
        while True:
            try:
                sent.append((_now(), await self.primary.sent()))
            except (Unavailable, asyncpg.PostgresError, LookupError):
                sent.clear()
                self.due = BEGINNING
            while sent and sent[0][0] <= _now() - self.longest_lag_seconds:
                self.due = sent.popleft()[1]
            await asyncio.sleep(WATCH_SECONDS)


@asynccontextmanager
async def with_replicas(
    primary: Database, urls: Sequence[str], *, reads: int, longest_lag_seconds: float
) -> AsyncIterator[Database]:
    """The database with its replicas, for as long as the block runs. It waits for none of them."""
    if not urls:
        yield primary
        return
    replicas = Replicas(
        [Replica(url, reads, number) for number, url in enumerate(urls, 1)], primary, longest_lag_seconds
    )
    tasks = [asyncio.create_task(each.watch()) for each in replicas.replicas]
    tasks.append(asyncio.create_task(replicas.remember()))
    try:
        yield replace(primary, replicas=replicas)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _now() -> float:
    return asyncio.get_running_loop().time()
