"""`ordergraph routing …`: have orders routed anew."""

from app.adapters import payments
from app.database import running_database
from app.failure import Failure
from app.settings import Settings
from app.terminal import out
from domain.store import waves as stored
from resolvers.database import open_database
from resolvers.waves import wave
from resolvers.writing import World


async def run(settings: Settings, channel: str) -> None:
    """Send a wave through a channel, and say how many orders ship otherwise now."""
    async with running_database(settings) as url, open_database(url, reads=1, writes=1) as database:
        async with database.writes.acquire() as connection:
            found = await stored.channel(connection, channel)
        if found is None:
            raise Failure(f"there is no channel {channel}")
        seen, moved = await wave(World(database, providers=payments.providers()), *found)
    out.print(f"{moved} of {seen} orders that nobody has accepted ship otherwise now.")
