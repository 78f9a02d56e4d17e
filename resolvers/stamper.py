"""The stamper: gives committed events their places in the log, and has everyone told."""

import asyncio
from collections.abc import Callable

import asyncpg
import structlog

from domain.store import log as store
from domain.store.log import News
from resolvers.holding import set_within

log = structlog.get_logger()

BATCH = 500
BREATH_SECONDS = 0.025
"""Between two batches: under load, one commit then stamps what many writers left."""
SWEEP_SECONDS = 1.0
"""How long an event waits whose writer died before it could ask for a stamp."""


class Stamper:
    """Gives committed events their places; many may run, and take turns at the head row."""

    def __init__(self, tell: Callable[[list[News]], None]) -> None:
        """`tell` is given what was stamped, when it is committed."""
        self._tell = tell
        self._asked = asyncio.Event()

    def soon(self) -> None:
        """Stamp at the next opportunity."""
        self._asked.set()

    async def run(self, connection: asyncpg.Connection) -> None:
        """Stamp for as long as the connection holds."""
        await enter_cluster(connection)
        connection.add_termination_listener(lambda _: self._asked.set())
        while True:
            asked = await set_within(self._asked, SWEEP_SECONDS)
            self._asked.clear()
            if asked or await store.has_unstamped(connection):
                await self._stamp_all(connection)
            await asyncio.sleep(BREATH_SECONDS)

    async def _stamp_all(self, connection: asyncpg.Connection) -> None:
        more = True
        while more:
            news = await store.stamp(connection, BATCH)
            self._tell(news)
            more = len(news) == BATCH


async def enter_cluster(connection: asyncpg.Connection) -> None:
    """Begin a new epoch if the log is in another cluster or timeline than when it was last stamped."""
    epoch = await store.enter_cluster(connection)
    if epoch is not None:
        log.info("the log entered a cluster", epoch=epoch)
