"""Everything that is done outside of requests: which kinds of jobs there are, and who reads the log."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from resolvers.engine import Engine
from resolvers.housekeeping import begin_months, forget_claims
from resolvers.jobs import Crew, Kind


def kinds(engine: Engine) -> list[Kind]:
    """Every kind of job that a worker does."""
    return [forget_claims(engine.database), begin_months(engine.database)]


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
