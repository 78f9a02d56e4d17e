"""`ordergraph routing solve`: price scarce stock now, as workers do every night."""

from app.database import connected, running_database
from app.failure import Failure
from app.settings import Settings
from app.terminal import out
from app.verify import refuse_another_shape
from resolvers.asides import solve_prices


class RoutingError(Failure):
    """Nothing can be solved; the message says why."""


async def solve(settings: Settings, channel: str | None) -> None:
    """Solve, and print of how much there is a price now."""
    async with running_database(settings) as url, connected(url) as connection:
        await refuse_another_shape(connection)
        answers = await solve_prices(connection, channel)
    if channel is not None and not answers:
        raise RoutingError(f"there is no channel {channel}")
    for each in answers:
        prices = f"{each['levels']} stock levels and {each['locations']} locations' days are scarce"
        out.print(f"{each['channel']}: {each['orders']} orders: {each['reason'] or prices}.")
