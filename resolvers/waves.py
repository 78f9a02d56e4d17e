"""Waves: route anew, order by order, what nobody has accepted; as often as a channel says, or when somebody asks."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

import structlog

from domain import fulfilling, ids, rerouting, waves
from domain.events import EventType
from domain.ids import new_id
from domain.ordering import decided
from domain.orders import LIVE
from domain.rerouting import Why
from domain.sourcing import record
from domain.stock import Ledger
from domain.store import waves as stored
from domain.store.jobs import Job
from domain.viewer import SYSTEM, Scope
from resolvers.deciding import patiently
from resolvers.fulfillment import locked, offered_for
from resolvers.jobs import Done, Kind
from resolvers.jobs import Outcome as Ended
from resolvers.writing import Outcome, Work, World, perform, verb

log = structlog.get_logger()

EVERY_SECONDS = 60.0
CHUNK = 200


@dataclass(frozen=True, slots=True)
class Waved:
    """The input of the verb that waves alone use."""

    id: str
    idempotency_key: str
    saving_percent: int


@verb("orderRoute", Scope.ORDERS_WRITE)
async def decide_anew(work: Work, input: Waved) -> Outcome:
    """Route anew what nobody accepted of an order, if that saves enough; else nothing changes and nothing is told."""
    order = await work.order("Order", input.id)
    works = waves.movable(order) if order.status in LIVE else []
    if not works:
        return Outcome({"moved": []})
    offered = await offered_for(work, order, {line.sku for ful in works for line in ful.lines})
    offered, levels = await locked(work, offered, [line.stock_level_id for ful in works for line in ful.lines])
    offered = rerouting.without(offered, rerouting.declined_by(order, work.act.recorded_at))
    found = await patiently(lambda each: waves.better(order, works, each, input.saving_percent), offered)
    if found is None:
        return Outcome({"moved": []})

    ledger = Ledger(work.act, "RoutingDecision", found.id, levels.values())
    why = Why("WAVE", ended=EventType.FULFILLMENT_ORDER_MOVED)
    after, told = rerouting.taken_off(order, found.units, why, ledger, work.act)
    offered = waves.given_back(offered, works)
    after, made, more = fulfilling.rerouted(after, found.new, found.id, offered, ledger, work.act)
    records = (record(order, found.decision, found.id, work.act),)
    work.store(order, decided(after, work.act, [*told, *more], ledger, records), levels)
    return Outcome({"moved": [ful.id for ful in made]})


async def wave(world: World, channel_id: UUID, saving_percent: int) -> tuple[int, int]:
    """(orders that were looked at, orders that ship otherwise now) of a channel."""
    seen, moved, after = 0, 0, UUID(int=0)
    while True:
        async with world.database.writes.acquire() as connection:
            found = await stored.waiting(connection, channel_id, after, CHUNK)
        if not found:
            return seen, moved
        for order_id in found:
            input = Waved(ids.encode("Order", order_id), f"wave:{new_id()}", saving_percent)
            outcome = await perform(world, decide_anew, input, {"id": input.id}, SYSTEM)
            moved += bool(outcome.subjects.get("moved"))
        seen, after = seen + len(found), found[-1]


def route_in_waves(world: World) -> Kind:
    """Every minute: whether a channel is due."""

    async def handle(_: Job) -> Ended:
        async with world.database.writes.acquire() as connection:
            due = await stored.due(connection, world.now())
        for channel_id, saving_percent in due:
            seen, moved = await wave(world, channel_id, saving_percent)
            log.info("a wave went through", channel=ids.encode("Channel", channel_id), orders=seen, moved=moved)
        return Done()

    return Kind("ROUTE_IN_WAVES", handle, every_seconds=EVERY_SECONDS)
