"""`ordergraph routing …`: what workers do by the clock, at once: waves, and prices of scarce stock."""

from app.adapters import payments
from app.aside import Asides
from app.database import connected, running_database
from app.failure import Failure
from app.settings import Settings
from app.terminal import out
from app.verify import refuse_another_shape
from domain.store import waves as stored
from resolvers.database import open_database
from resolvers.waves import wave
from resolvers.writing import World


async def send_wave(settings: Settings, channel: str) -> None:
    """Send a wave through a channel, and say how many orders ship otherwise now."""
    async with running_database(settings) as url, open_database(url, reads=1, writes=1) as database:
        async with connected(url) as connection:
            await refuse_another_shape(connection)
            found = await stored.channel(connection, channel)
        if found is None:
            raise Failure(f"there is no channel {channel}")
        seen, moved = await wave(World(database, providers=payments.providers()), *found)
    out.print(f"{moved} of {seen} orders that nobody has accepted ship otherwise now.")


async def solve(settings: Settings, channel: str | None) -> None:
    """Price scarce stock, and print of how much there is a price now."""
    async with running_database(settings) as url, connected(url) as connection:
        await refuse_another_shape(connection)
        # As workers have it done: the solver prints its name wherever it is, and there that is no output of ours.
        answers = await Asides(url)("solve_prices", {"channel": channel})
    if channel is not None and not answers:
        raise Failure(f"there is no channel {channel}")
    for each in answers:
        prices = f"{each['levels']} stock levels and {each['locations']} locations' days are scarce"
        out.print(f"{each['channel']}: {each['orders']} orders: {each['reason'] or prices}.")
