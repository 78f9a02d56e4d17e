"""`ordergraph promise train`: learn now what workers learn every night."""

from app.database import connected, running_database
from app.failure import Failure
from app.settings import Settings
from app.terminal import out
from app.verify import refuse_another_shape
from domain.promises import LEAST_DELIVERED
from resolvers.asides import learn_promises


class PromiseError(Failure):
    """Nothing can be learned; the message says why."""


async def run(settings: Settings, channel: str | None) -> None:
    """Learn, and print from how much."""
    async with running_database(settings) as url, connected(url) as connection:
        await refuse_another_shape(connection)
        answers = await learn_promises(connection, channel)
    if channel is not None and not answers:
        raise PromiseError(f"there is no channel {channel}")
    for each in answers:
        found = f"{each['delivered']} parcels were delivered in the last year"
        said = "learned" if each["learned"] else f"not learned, at least {LEAST_DELIVERED} are needed"
        out.print(f"{each['channel']}: {found}: {said}.")
