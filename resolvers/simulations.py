"""What if: past orders by other rules. What is small is waited for; what is large becomes a job, and can be asked for."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from domain.ids import new_id
from domain.refusals import InvalidInput, TooManyOrders
from domain.store import jobs, past_orders, simulations
from domain.store.jobs import Job, NewJob
from domain.store.past_orders import Window
from domain.store.rulesets import columns_of
from domain.viewer import Scope, Viewer
from resolvers.database import Connection
from resolvers.jobs import Dead, Done, Kind
from resolvers.jobs import Outcome as Ended
from resolvers.routing import read_ruleset
from resolvers.writing import Outcome, Work, World, verb

if TYPE_CHECKING:
    from schema.inputs.simulations import RoutingSimulationInput, RoutingSimulationStartInput

Rules = dict[str, Any]
"""A ruleset as it is kept."""

WAITED_FOR = 5_000
"""Orders of which a caller can wait for the end: some ten seconds."""
MOST_ORDERS = 1_000_000
SIMULATE = "SIMULATE_ROUTING"
ATTEMPTS = 5


# -- what is small -----------------------------------------------------------------------------------------------------


async def simulate(world: World, _viewer: Viewer, *, input: RoutingSimulationInput) -> dict[str, Any]:
    """The answer to `routingSimulation`. Nothing is changed."""

    async def look(connection: Connection) -> tuple[Window, Rules, int]:
        window, rules = await _read(connection, input, world.now())
        return window, rules, await past_orders.count(connection, window, WAITED_FOR + 1)

    window, rules, found = await world.database.ask(look)
    if found > WAITED_FOR:
        raise TooManyOrders(WAITED_FOR, "routingSimulationStart", field=("orders",))
    answer: dict[str, Any] = await world.aside("simulate", {**asdict(window), "ruleset": rules})
    return answer


async def _read(
    connection: Connection, input: RoutingSimulationInput | RoutingSimulationStartInput, now: datetime
) -> tuple[Window, Rules]:
    """Which orders, and the rules as they are kept. Nothing that is placed while we look counts."""
    orders = input.orders
    if orders.channel not in (None, input.ruleset.channel):
        raise InvalidInput(f"the rules are for the channel {input.ruleset.channel}", field=("orders", "channel"))
    if not orders.placed_from < orders.placed_to:
        raise InvalidInput("placedTo comes after placedFrom", field=("orders", "placedTo"))
    channel_id, currency, ruleset = await read_ruleset(connection, input.ruleset, ("ruleset",))
    window = Window(channel_id, orders.placed_from, max(orders.placed_from, min(orders.placed_to, now)))
    return window, columns_of(ruleset, currency)


# -- what is large -----------------------------------------------------------------------------------------------------


@verb("routingSimulationStart", Scope.ROUTING_READ)
async def start(work: Work, input: RoutingSimulationStartInput) -> Outcome:
    """Have a simulation done by a worker."""
    window, rules = await _read(work.connection, input, work.act.recorded_at)
    total = await past_orders.count(work.connection, window, MOST_ORDERS + 1)
    if total > MOST_ORDERS:
        raise InvalidInput(f"a simulation has at most {MOST_ORDERS} orders", field=("orders",))
    id_, act = new_id(), work.act
    requested = act.actor_kind, act.actor_name, act.recorded_at
    await simulations.begin(work.connection, id_, window, rules, total, requested)
    await jobs.enqueue(work.connection, [NewJob(SIMULATE, {"simulation": str(id_)}, key=str(id_))])
    return Outcome({"job": id_})


def simulating(world: World) -> Kind:
    """Do simulations, one at a time in each worker: each keeps a core busy."""

    async def handle(job: Job) -> Ended:
        id_ = job.payload["simulation"]
        try:
            await world.aside("go_on_simulating", {"id": id_})
        except Exception as error:
            if job.attempts < ATTEMPTS:
                raise
            async with world.database.writes.acquire() as connection:
                await simulations.fail(connection, UUID(id_), str(error))
            return Dead(str(error))
        return Done()

    return Kind(SIMULATE, handle, attempts=ATTEMPTS)
