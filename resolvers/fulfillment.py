"""The work of locations: route, accept, pick, pack."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any
from uuid import UUID

from domain import fulfilling, ids, placing, rerouting
from domain.events import Event
from domain.fulfilling import Found, Parcel
from domain.model import FulfillmentOrder, Order, StockLevel
from domain.ordering import decided
from domain.placing import Catalog
from domain.refusals import InvalidInput, NotFound
from domain.rerouting import Place
from domain.sourcing import record
from domain.stock import Ledger
from domain.store import pickups
from domain.store.catalog import code_of_channel
from domain.viewer import Scope
from resolvers.capacity import with_days_locked
from resolvers.deciding import patiently
from resolvers.network import offered_by
from resolvers.writing import Outcome, Work, verb

if TYPE_CHECKING:
    from schema.inputs.fulfillment import (
        FulfillmentOrderAcceptInput,
        FulfillmentOrderPackInput,
        FulfillmentOrderPickInput,
    )

LIMIT = 100


def key_of(typename: str, id_: str, place: tuple[str, ...]) -> UUID:
    """The key inside an id, or a refusal that names the place."""
    key = ids.decode(typename, id_)
    if key is None:
        raise NotFound(typename, id_, field=place)
    return key


@verb("fulfillmentOrderAccept", Scope.FULFILLMENT_WRITE)
async def accept(work: Work, input: FulfillmentOrderAcceptInput) -> Outcome:
    """Take work on."""
    order = await work.order("FulfillmentOrder", input.id)
    ful_id = key_of("FulfillmentOrder", input.id, ("id",))
    work.store(order, fulfilling.accept(order, ful_id, work.act))
    return Outcome({"fulfillmentOrder": ful_id})


@verb("fulfillmentOrderPick", Scope.FULFILLMENT_WRITE)
async def pick(work: Work, input: FulfillmentOrderPickInput) -> Outcome:
    """Record what was found; what is short is routed elsewhere at once."""
    order = await work.order("FulfillmentOrder", input.id)
    ful_id = key_of("FulfillmentOrder", input.id, ("id",))
    ful = fulfilling.work_of(order, ful_id)
    found = _found(input, ful)
    if not any(each.short for each in found):
        after, told = fulfilling.pick(order, ful_id, found, Ledger(work.act, "", work.act.id, ()), work.act)
        work.store(order, decided(after, work.act, told))
        return Outcome({"fulfillmentOrder": ful_id, "rerouted": []})
    return await _pick_short(work, order, ful, found)


async def _pick_short(work: Work, order: Order, ful: FulfillmentOrder, found: tuple[Found, ...]) -> Outcome:
    """Write the missing units off and find them elsewhere, in one decision."""
    skus = {line.sku for line in ful.lines} | {line.sku for line in order.lines if line.open}
    offered = await offered_for(work, order, skus)
    offered, levels = await locked(work, offered, [line.stock_level_id for line in ful.lines])

    missing = Ledger(work.act, "Pick", work.act.id, levels.values())
    after, told = fulfilling.pick(order, ful.id, found, missing, work.act)
    short = {each.line_id for each in found if each.short}
    avoiding = {(line.variant_id, line.location_id) for line in ful.lines if line.id in short}
    after, made, more, records, given = await routed(work, after, offered, avoiding, missing)
    events, entries = [*told, *more, *missing.events], (*records, *missing.movements)
    work.store(order, decided(after, work.act, events, given, entries), levels)
    return Outcome({"fulfillmentOrder": ful.id, "rerouted": [each.id for each in made]})


async def routed(
    work: Work, order: Order, offered: Catalog, avoiding: set[Place], earlier: Ledger
) -> tuple[Order, tuple[FulfillmentOrder, ...], list[Event], tuple[Any, ...], Ledger]:
    """Route what is open, not from where it just failed or was declined; its ledger goes on where the earlier stopped."""
    levels = earlier.levels.values()
    offered = rerouting.without(offered, avoiding | await _declined_by(work, order))
    await asyncio.sleep(0)  # one act may route many orders: others get their turn in between
    found = await patiently(lambda each: fulfilling.reroute(order, each, set()), offered)
    if found is None:
        return order, (), [], (), Ledger(work.act, "RoutingDecision", work.act.id, levels)
    decision, decision_id = found
    ledger = Ledger(work.act, "RoutingDecision", decision_id, levels)
    order, made, told = fulfilling.rerouted(order, decision, decision_id, offered, ledger, work.act)
    return order, made, told, (record(order, decision, decision_id, work.act),), ledger


async def _declined_by(work: Work, order: Order) -> set[Place]:
    """Whom the order does not ask again yet: a store where its customer was to fetch something, until some arrives there."""
    now = work.act.recorded_at
    declined = rerouting.declined_by(order, now)
    if not any(line.open and line.pickup_location_id for line in order.lines):
        return declined
    stores = await pickups.declined(work.connection, order.id, now - rerouting.REMEMBERED)
    arrived = {place for place, came in stores.items() if came}
    return (declined | stores.keys()) - arrived


async def offered_for(work: Work, order: Order, skus: Iterable[str]) -> Catalog:
    """What the order's channel offers of some SKUs, and where."""
    code = await code_of_channel(work.connection, order.channel_id)
    found = await offered_by(work, code, skus)
    assert found is not None
    return found


async def locked(work: Work, offered: Catalog, others: Iterable[UUID] = ()) -> tuple[Catalog, dict[UUID, StockLevel]]:
    """What is offered as it is now, its levels (and others) and then its days locked: everybody takes them in this order."""
    levels = await work.levels({*others, *placing.level_of(offered).values()})
    return await with_days_locked(work, placing.corrected(offered, levels.values())), levels


def _found(input: FulfillmentOrderPickInput, ful: FulfillmentOrder) -> tuple[Found, ...]:
    if input.lines is None:
        return fulfilling.everything_found(ful)
    if len(input.lines) > LIMIT:
        raise InvalidInput(f"at most {LIMIT} lines at once", field=("lines",))
    return tuple(
        Found(
            key_of("FulfillmentOrderLine", line.fulfillment_order_line_id, ("lines", str(index))),
            line.picked,
            line.short,
            line.short_reason,
        )
        for index, line in enumerate(input.lines)
    )


@verb("fulfillmentOrderPack", Scope.FULFILLMENT_WRITE)
async def pack(work: Work, input: FulfillmentOrderPackInput) -> Outcome:
    """Put what was picked into parcels."""
    if not 1 <= len(input.packages) <= LIMIT:
        raise InvalidInput(f"1 to {LIMIT} parcels at once", field=("packages",))
    order = await work.order("FulfillmentOrder", input.id)
    ful_id = key_of("FulfillmentOrder", input.id, ("id",))
    parcels = [_parcel(each, ("packages", str(index))) for index, each in enumerate(input.packages)]
    work.store(order, fulfilling.pack(order, ful_id, parcels, work.act))
    return Outcome({"fulfillmentOrder": ful_id})


def _parcel(package: Any, place: tuple[str, ...]) -> Parcel:
    given = package.lines
    lines = None
    if given is not None:
        lines = tuple(
            (
                key_of("FulfillmentOrderLine", line.fulfillment_order_line_id, (*place, "lines", str(index))),
                line.quantity,
            )
            for index, line in enumerate(given)
        )
    return Parcel(package.weight_grams, package.length_mm, package.width_mm, package.height_mm, lines)
