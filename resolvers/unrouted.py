"""The queue of what nobody could ship: tried again by the clock and when supply arrives, and given up as the channel says."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TypeVar
from uuid import UUID

import structlog

from domain import ids, kits, placing, rerouting
from domain.backorders import Allowance, BackorderPolicy, begin
from domain.ids import new_id
from domain.ordering import decided
from domain.orders import CancelReason, UnroutedPolicy
from domain.payments import RefundDestination
from domain.stock import Bucket, Ledger
from domain.store import backorders, jobs
from domain.store import unrouted as stored
from domain.store.jobs import Job, NewJob
from domain.store.relays import LoggedEvent
from domain.viewer import SYSTEM, Scope
from resolvers import orders
from resolvers.database import Connection
from resolvers.fulfillment import locked, offered_for, routed
from resolvers.jobs import Crew, Done, Kind
from resolvers.jobs import Outcome as Ended
from resolvers.relays import Relay
from resolvers.writing import Outcome, Work, World, perform, verb

log = structlog.get_logger()

T = TypeVar("T")

EVERY_SECONDS = 30.0
CHUNK = 100
FEW = 20
"""Orders between two looks at whether there is still anything of what arrived."""
SUPPLIED = "ROUTE_WHAT_WAITED"
FIRST = datetime(1, 1, 1, tzinfo=UTC), UUID(int=0)


# -- trying again ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Waiting:
    """The input of the verbs that the clock alone uses."""

    id: str
    idempotency_key: str
    expected_version: int | None = None


def _waiting(order_id: UUID, expected_version: int | None = None) -> Waiting:
    return Waiting(ids.encode("Order", order_id), f"queue:{new_id()}", expected_version)


@verb("orderRoute", Scope.ORDERS_WRITE)
async def try_again(work: Work, input: Waiting) -> Outcome:
    """Route what waits of an order. Where still nobody has any of it, nothing is told but when it is tried next."""
    order = await work.order("Order", input.id)
    if order.unrouted_at is None:
        return Outcome({"order": order.id})
    offered = await offered_for(work, order, {line.sku for line in order.lines if line.open})
    offered, levels = await locked(work, offered)
    start = Ledger(work.act, "RoutingDecision", work.act.id, levels.values())
    after, made, told, records, ledger = await routed(work, order, offered, set(), start)
    after = rerouting.tried(after, work.act)
    if made:
        work.store(order, decided(after, work.act, told, ledger, records), levels)
    else:  # not a new version of the order: nobody has changed anything about it
        again = {"route_again_at": after.route_again_at, "route_attempts": after.route_attempts}
        work.changes.update("orders", {"id": order.id}, again)
    return Outcome({"order": order.id})


async def _try_again(world: World, order_id: UUID) -> None:
    input = _waiting(order_id)
    outcome = await perform(world, try_again, input, {"id": input.id}, SYSTEM)
    for refusal in outcome.errors:
        log.info("an order that waits was not tried again", order=input.id, reason=refusal.message)


def route_unrouted(world: World) -> Kind:
    """Try again whoever is due, and give up for whom it is time."""

    async def handle(_job: Job) -> Ended:
        now, after = world.now(), FIRST
        while due := await _read(world, partial(stored.due, until=now, after=after, limit=CHUNK)):
            for order_id, _, at in due:
                await _try_again(world, order_id)
                after = at, order_id
        await _give_up_all(world, now)
        return Done()

    return Kind("ROUTE_UNROUTED", handle, every_seconds=EVERY_SECONDS)


async def _read(world: World, ask: Callable[[Connection], Awaitable[T]]) -> T:
    async with world.database.writes.acquire() as connection:
        return await ask(connection)


# -- when supply arrives ---------------------------------------------------------------------------------------------


def noticing_supply(crew: Crew) -> Relay:
    """Read the ledger's entries in the log, and have those tried again who wait for what they made available."""
    return Relay("supply", _notice, partial(crew.stir, SUPPLIED))


async def _notice(connection: Connection, events: list[LoggedEvent]) -> None:
    arrived = {
        event.variant_id
        for event in events
        if event.type == "STOCK_MOVED" and event.variant_id and event.data.get("to") == Bucket.AVAILABLE
    }
    wanted = await stored.wanted(connection, sorted(arrived)) if arrived else []
    await jobs.enqueue(
        connection, [NewJob(SUPPLIED, {"variant": str(id_)}, lane=f"{SUPPLIED}:{id_}") for id_ in wanted]
    )


def route_what_waited(world: World) -> Kind:
    """Give what arrived to those who wait for it, who ordered first first, until nothing is left."""

    async def handle(job: Job) -> Ended:
        variant_id, after = UUID(job.payload["variant"]), FIRST
        while found := await _read(world, partial(stored.wanting, variant_id=variant_id, after=after, limit=FEW)):
            for order_id, at in found:
                await _try_again(world, order_id)
                after = at, order_id
        return Done()

    return Kind(SUPPLIED, handle)


# -- giving up -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OpenUnits:
    """Units of a line, as `orderCancel` takes them."""

    order_line_id: str
    quantity: int


@dataclass(frozen=True, slots=True)
class BackToThePayer:
    """Where the money goes."""

    destination: RefundDestination = RefundDestination.ORIGINAL_PAYMENT


@dataclass(frozen=True, slots=True)
class OutOfStock:
    """The input of `orderCancel`, as the clock gives it."""

    id: str
    idempotency_key: str
    expected_version: int
    lines: list[OpenUnits]
    reason: CancelReason = CancelReason.OUT_OF_STOCK
    refund: BackToThePayer = BackToThePayer()


async def _give_up_all(world: World, now: datetime) -> None:
    after = FIRST
    while found := await _read(world, partial(stored.overdue, now=now, after=after, limit=CHUNK)):
        for order_id, policy, placed_at in found:
            await _give_up(world, order_id, UnroutedPolicy(policy))
            after = placed_at, order_id


async def _give_up(world: World, order_id: UUID, policy: UnroutedPolicy) -> None:
    """Once more, and then as the channel says: what was found meanwhile, or by somebody else, is kept."""
    await _try_again(world, order_id)
    found = await _read(world, partial(stored.open_units, order_id=order_id))
    if found is None:
        return
    version, units = found
    if policy is UnroutedPolicy.BACKORDER:
        waiting = _waiting(order_id, version)
        outcome = await perform(world, backorder, waiting, {"id": waiting.id}, SYSTEM)
    else:
        lines = [OpenUnits(ids.encode("OrderLine", id_), quantity) for id_, quantity in units]
        input = OutOfStock(ids.encode("Order", order_id), f"queue:{new_id()}", version, lines)
        outcome = await perform(world, orders.cancel, input, {"id": input.id}, SYSTEM)
    for refusal in outcome.errors:  # somebody was quicker
        log.info("an order that waited goes on waiting", order=ids.encode("Order", order_id), reason=refusal.message)


@verb("orderBackorder", Scope.ORDERS_WRITE)
async def backorder(work: Work, input: Waiting) -> Outcome:
    """Let what nobody has wait for the next supply, within the limit of a variant that has one."""
    order = await work.order("Order", input.id, expected_version=input.expected_version)
    waits = [line for line in kits.physical(order.lines) if line.open]
    short, variants = {line.id: line.open for line in waits}, {line.variant_id for line in waits}
    offered = await offered_for(work, order, {line.sku for line in waits})
    lets_wait = {variant: Allowance(BackorderPolicy.BACKORDER, None, None, waited_for=True) for variant in variants}
    own = placing.allowances(offered)
    lets_wait |= {id_: each for id_, each in own.items() if each.policy is not BackorderPolicy.NONE}
    waiting = await backorders.waiting(work.connection, variants)
    after, records, told = begin(order, short, lets_wait, waiting, work.act)
    work.store(order, decided(after, work.act, [told], None, records))
    return Outcome({"order": order.id})
