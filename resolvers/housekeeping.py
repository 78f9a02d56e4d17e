"""What has to be put away in time, and what has to be ready in time."""

from domain.store import claims, demand, months
from domain.store.jobs import Job
from resolvers.database import Database
from resolvers.jobs import Again, Done, Kind, Outcome

CHUNK = 5_000
BUSY_SECONDS = 60.0
"""How long until the log's next month is begun again where a long transaction was in the way."""


def forget_claims(database: Database) -> Kind:
    """Every hour, the idempotency keys that nobody will repeat any more."""

    async def handle(_: Job) -> Outcome:
        forgotten = CHUNK
        while forgotten == CHUNK:
            async with database.writes.acquire() as connection:
                forgotten = await claims.forget(connection, CHUNK)
        return Done()

    return Kind("FORGET_CLAIMS", handle, every_seconds=3_600)


def forget_demand(database: Database) -> Kind:
    """Every hour, what was ordered on days that nobody asks for any more."""

    async def handle(_: Job) -> Outcome:
        forgotten = CHUNK
        while forgotten == CHUNK:
            async with database.writes.acquire() as connection:
                forgotten = await demand.forget(connection, CHUNK)
        return Done()

    return Kind("FORGET_DEMAND", handle, every_seconds=3_600)


def begin_months(database: Database) -> Kind:
    """Every hour: whether the log has the partitions of this month and of the next two, and goes on in this month's."""

    async def handle(_: Job) -> Outcome:
        async with database.writes.acquire() as connection:
            this = await months.now(connection)
            for month in (this, this.next, this.next.next):
                await months.make(connection, month)
            begun = await months.begin(connection, this)
        return Done() if begun else Again(BUSY_SECONDS)

    return Kind("BEGIN_MONTHS", handle, every_seconds=3_600)
