"""Everything that is done outside of requests: which kinds of jobs there are, and who reads the log."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from app.adapters.webhooks import HttpCourier
from resolvers import relays
from resolvers.delivering import deliver, forget_deliveries, queue_deliveries
from resolvers.engine import Engine
from resolvers.feed import Feed
from resolvers.housekeeping import forget_claims
from resolvers.jobs import Crew, Kind
from resolvers.relays import Relay


def kinds(engine: Engine, courier: HttpCourier) -> list[Kind]:
    """Every kind of job that a worker does."""
    return [forget_claims(engine.database), forget_deliveries(engine.database), deliver(engine, courier)]


def readers(crew: Crew) -> list[Relay]:
    """Everyone who reads the log."""
    return [queue_deliveries(crew)]


@asynccontextmanager
async def working(engine: Engine, feed: Feed) -> AsyncIterator[None]:
    """Work beside the block, for as long as it runs."""
    async with HttpCourier(strict=engine.world.webhooks_strict) as courier:
        crew = Crew(engine.database, kinds(engine, courier))
        reading = [relays.run(relay, engine.database, feed) for relay in readers(crew)]
        tasks = [asyncio.create_task(each) for each in (crew.run(), *reading)]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
