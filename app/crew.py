"""Everything that is done outside of requests: which kinds of jobs there are, and who reads the log."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import structlog

from resolvers.engine import Engine
from resolvers.housekeeping import forget_claims
from resolvers.jobs import Crew, Kind

log = structlog.get_logger()

PAUSE_SECONDS = 1.0


def kinds(engine: Engine) -> list[Kind]:
    """Every kind of job that a worker does."""
    return [forget_claims(engine.database)]


@asynccontextmanager
async def working(engine: Engine) -> AsyncIterator[None]:
    """Work beside the block, for as long as it runs."""
    crew = Crew(engine.database, kinds(engine))
    tasks = [asyncio.create_task(_always("jobs", crew.run))]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _always(doing: str, run: Callable[[], Awaitable[None]]) -> None:
    """Begin again after a bug: what was at hand is still there, and its lease runs out."""
    while True:
        try:
            await run()
        except Exception:
            log.exception("a worker's task failed", doing=doing)
        await asyncio.sleep(PAUSE_SECONDS)
