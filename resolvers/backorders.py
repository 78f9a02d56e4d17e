"""Backorders: placing what there is no stock for yet, and giving supply to whoever waited longest.

Whatever makes units available (a receipt, a count, a return, a cancellation, a reservation that is over) gives them in
the same transaction to the first few orders that wait for them; a job goes on with the rest. That comes last in an act,
which holds stock by then: orders and levels that others hold are passed over, never waited for.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

from domain import backorders as rules
from domain import fulfilling, placing, rerouting
from domain.acts import Act
from domain.ids import new_id
from domain.model import Decided, Order, StockLevel
from domain.ordering import decided
from domain.placing import Catalog, Routed
from domain.sourcing import Day, record
from domain.stock import Ledger
from domain.store import backorders as stored
from domain.store import jobs
from domain.store import orders as stored_orders
from domain.store.backorders import Place
from domain.store.catalog import code_of_channel
from domain.store.jobs import Job, NewJob
from domain.viewer import SYSTEM
from resolvers.capacity import with_days_locked
from resolvers.deciding import patiently
from resolvers.jobs import Done, Kind
from resolvers.jobs import Outcome as Ended
from resolvers.network import offered_by
from resolvers.writing import Outcome, Work, World

AT_ONCE = 10
"""Orders that are served in the transaction of a receipt: whoever receives a pallet does not wait for a thousand."""
EVERY_SECONDS = 30.0
"""How late somebody may be served where nothing announced the supply: a release date that has come, an order passed over."""
FIRST: Place = datetime(1, 1, 1, tzinfo=UTC), UUID(int=0)
FILL = "FILL_BACKORDERS"
FILLED = "backordersFilled"


async def let_wait(work: Work, routed: Routed, offered: Catalog) -> Routed:
    """Let wait what no location has, within the limits; always after the levels are locked."""
    if not routed.short:
        return routed
    short = {line.variant_id for line in routed.order.lines if line.id in routed.short}
    return placing.waiting(routed, offered, await stored.waiting(work.connection, short), work.act)


# -- filling -------------------------------------------------------------------------------------------------------


async def fill(work: Work, outcome: Outcome) -> Outcome:
    """Give what the act made available to those who waited longest, and say to whom."""
    variants = sorted(work.freed)
    if not await stored.anybody(work.connection, variants):
        return outcome
    await work.flush()
    fills, last = await _serve(work, variants, FIRST)
    if last is not None:
        wanted = [NewJob(FILL, {"variant": str(variant)}, key=str(variant)) for variant in variants]
        await jobs.enqueue(work.connection, wanted)
    return replace(outcome, subjects={**outcome.subjects, FILLED: fills})


async def _serve(work: Work, variants: Collection[UUID], after: Place) -> tuple[list[UUID], Place | None]:
    """Serve the next few orders that wait; gives what was filled, and the last of them if there may be more."""
    now = work.act.recorded_at
    queue = await stored.oldest(work.connection, variants, now, after, AT_ONCE)
    free = await stored.lock_orders(work.connection, [order_id for order_id, _, _ in queue])
    orders = [await stored_orders.load(work.connection, id_) for id_, _, _ in queue if id_ in free]
    offered = await _offered(work, orders)
    levels = await _levels(work, offered.values())
    offered = {channel_id: await with_days_locked(work, each) for channel_id, each in offered.items()}
    unreleased = await stored.unreleased(work.connection, {line.variant_id for o in orders for line in o.lines}, now)

    at_hand, given, fills = dict(levels), Counter[Day](), list[UUID]()
    for order in orders:
        await asyncio.sleep(0)  # others get their turn in between
        fills += await _filled(work, order, offered[order.channel_id], at_hand, given, levels, unreleased)
    await work.flush()
    passed_over = len(free) < len(queue)
    last = (queue[-1][2], queue[-1][0]) if queue and (len(queue) == AT_ONCE or passed_over) else None
    return fills, last


async def _offered(work: Work, orders: Sequence[Order]) -> dict[UUID, Catalog]:
    """What each channel offers of what its orders wait for, as it is after the act."""
    skus: dict[UUID, set[str]] = {}
    for order in orders:
        skus.setdefault(order.channel_id, set()).update(
            line.sku for line in order.lines if line.backordered or line.open
        )
    found = {}
    for channel_id, wanted in skus.items():
        code = await code_of_channel(work.connection, channel_id)
        offer = await offered_by(work, code, wanted)
        assert offer is not None
        found[channel_id] = offer
    return found


async def _levels(work: Work, offered: Iterable[Catalog]) -> dict[UUID, StockLevel]:
    """The levels that have some of it and that nobody else holds, locked."""
    wanted = {level for each in offered for level in placing.level_of(each).values()}
    found, moment = await stored.lock_levels(work.connection, wanted) if wanted else ({}, None)
    work.hear(moment)
    return found


async def _filled(
    work: Work,
    order: Order,
    offered: Catalog,
    at_hand: dict[UUID, StockLevel],
    given: Counter[Day],
    locked: dict[UUID, StockLevel],
    unreleased: Collection[UUID],
) -> list[UUID]:
    """Route what an order waits for and there is stock of.

    `at_hand` are the levels as they become, `given` the parcels that earlier orders of this act were given.
    """
    offered = placing.sellable(placing.on_shelves(offered, at_hand.values()))
    offered = rerouting.without(offered, rerouting.declined_by(order, work.act.recorded_at))
    offered = replace(offered, days=Counter(offered.days) + given)
    stock = {
        offer.variant_id: sum(units for _, _, units in offer.levels)
        for offer in offered.offers.values()
        if offer.variant_id not in unreleased
    }
    opened, units = rules.offer(order, stock, whole=offered.network.live.ship_complete)
    routing = await patiently(lambda each: fulfilling.reroute(opened, each, set()), offered) if units else None
    if routing is None:
        return []
    decision, decision_id = routing
    ledger = Ledger(work.act, "RoutingDecision", decision_id, at_hand.values())
    after, _, told = fulfilling.rerouted(opened, decision, decision_id, offered, ledger, work.act)
    after, fills, filled = rules.settle(order, after, units, decision_id, work.act)
    if filled is None:
        return []
    at_hand.update(ledger.levels)
    given.update((parcel.location_id, parcel.counts_on) for parcel in decision.chosen if parcel.counts_on)
    records = (record(order, decision, decision_id, work.act), *fills)
    done: Decided = decided(after, work.act, [filled, *told], ledger, records)
    work.store(order, done, locked)
    return [each.id for each in fills]


# -- going on ------------------------------------------------------------------------------------------------------


def fill_backorders(world: World) -> Kind:
    """Go on with the orders that wait for a variant, where a receipt left off."""

    async def handle(job: Job) -> Ended:
        await _serve_all(world, [UUID(job.payload["variant"])])
        return Done()

    return Kind(FILL, handle)


def find_backorders(world: World) -> Kind:
    """Every half minute: serve whoever waits for what there is."""

    async def handle(_: Job) -> Ended:
        async with world.database.writes.acquire() as connection:
            variants = await stored.supplied(connection, world.now())
        for variant in variants:
            await _serve_all(world, [variant])
        return Done()

    return Kind("FIND_BACKORDERS", handle, every_seconds=EVERY_SECONDS)


async def _serve_all(world: World, variants: Collection[UUID]) -> None:
    """Serve everybody who waits, a few in each transaction; nobody is asked twice."""
    after: Place | None = FIRST
    while after is not None:
        now = world.now()
        act = Act(new_id(), now, now, SYSTEM.kind.value, SYSTEM.subject, SYSTEM.display_name)
        async with world.database.writes.transaction() as connection:
            fills, after = await _serve(Work(world, connection, SYSTEM, act), variants, after)
        if fills:
            world.stamp_soon()
