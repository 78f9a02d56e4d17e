"""Prices of scarce stock: solved every night by a process beside this one."""

from domain.store.jobs import Job
from resolvers.jobs import Done, Kind
from resolvers.jobs import Outcome as Ended
from resolvers.writing import World

KIND = "SOLVE_ROUTING_PRICES"
EVERY_SECONDS = 86_400.0
LEASE_SECONDS = 1_800.0
"""Programmes of a shop with forty locations take minutes."""


def solving(world: World) -> Kind:
    """Solve for every channel."""

    async def handle(_: Job) -> Ended:
        await world.aside("solve_prices", {})
        return Done()

    return Kind(KIND, handle, lease_seconds=LEASE_SECONDS, every_seconds=EVERY_SECONDS)
