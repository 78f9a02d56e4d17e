"""Everything that is done outside of requests: which kinds of jobs there are, and who reads the log."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from resolvers.engine import Engine
from resolvers.exceptions import watches
from resolvers.housekeeping import forget_claims
from resolvers.jobs import Crew, Kind
from resolvers.timers import ask_payment, find_unanswered, release_holds


def kinds(engine: Engine) -> list[Kind]:
    """Every kind of job that a worker does."""
    world = engine.world
    return [
        forget_claims(engine.database),
        *watches(world),
        release_holds(world),
        find_unanswered(world),
        ask_payment(world),
    ]


@asynccontextmanager
async def working(engine: Engine) -> AsyncIterator[None]:
    """Work beside the block, for as long as it runs."""
    crew = Crew(engine.database, kinds(engine))
    tasks = [asyncio.create_task(crew.run())]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
