"""What has to be put away in time."""

from domain.store import claims
from domain.store.jobs import Job
from resolvers.database import Database
from resolvers.jobs import Done, Kind, Outcome

CHUNK = 5_000


def forget_claims(database: Database) -> Kind:
    """Every hour, the idempotency keys that nobody will repeat any more."""

    async def handle(_: Job) -> Outcome:
        forgotten = CHUNK
        while forgotten == CHUNK:
            async with database.writes.acquire() as connection:
                forgotten = await claims.forget(connection, CHUNK)
        return Done()

    return Kind("FORGET_CLAIMS", handle, every_seconds=3_600)
