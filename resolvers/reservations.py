"""Reservations: hold stock for a cart, longer, not any more; and what the clock gives back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from domain import ids, placing
from domain import reservations as rules
from domain.model import Decided, Reservation, StockLevel
from domain.placing import Buyer, Catalog, Placement, Wanted
from domain.refusals import InvalidTransition, NotFound
from domain.reservations import ReservationAction, ReservationStatus
from domain.routing.rules import before_destination
from domain.store import reservations as stored
from domain.viewer import Scope
from resolvers.carts import held_for
from resolvers.orders import catalog_for, routed_and_locked
from resolvers.writing import Outcome, Work, verb

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from schema.inputs.reservations import ReservationExtendInput, ReservationReleaseInput, StockReserveInput


@verb("stockReserve", Scope.ORDERS_PLACE)
async def reserve(work: Work, input: StockReserveInput) -> Outcome:
    """Hold what a cart holds, where an order without an address would be shipped from."""
    reference, ttl = rules.reference(input.reference), rules.time_to_live(input.ttl_seconds)
    placement = Placement(tuple(Wanted(line.sku, line.quantity) for line in input.lines), Buyer())
    before = await stored.lock_of_cart(work.connection, input.channel, work.viewer.subject, reference)
    offered = await catalog_for(work, placement, input.channel)
    offered = replace(offered, network=before_destination(offered.network))
    mine, offered = held_for(before, offered)
    cart = placing.taken_apart(placing.begin(placement, offered, work.act), offered)

    routed, levels = await routed_and_locked(work, cart, placement, offered, None, mine)
    now = before or _begun(work, reference, offered)
    skus = {offer.variant_id: offer.sku for offer in offered.offers.values()}
    after, decided = rules.reserve(now, routed.needed, levels, skus, ttl, work.act)
    return _store(work, before, after, decided, levels)


def _begun(work: Work, reference: str, offered: Catalog) -> Reservation:
    return rules.begin(reference, work.viewer.subject, offered.channel_id, work.viewer.customer_id, work.act)


def _store(
    work: Work,
    before: Reservation | None,
    after: Reservation,
    decided: Decided,
    levels: Mapping[UUID, StockLevel] | None = None,
) -> Outcome:
    work.changes.turn(before, after)
    work.store(None, decided, levels)
    return Outcome({"reservation": after.id})


@verb("reservationExtend", Scope.ORDERS_PLACE)
async def extend(work: Work, input: ReservationExtendInput) -> Outcome:
    """Hold it longer."""
    ttl = rules.time_to_live(input.ttl_seconds)
    before = await _reservation(work, input.id)
    after, decided = rules.extend(before, ttl, work.act)
    return _store(work, before, after, decided)


@verb("reservationRelease", Scope.ORDERS_PLACE)
async def release(work: Work, input: ReservationReleaseInput) -> Outcome:
    """Give it back."""
    return await _ended(work, await _reservation(work, input.id), ReservationAction.RELEASE)


@dataclass(frozen=True, slots=True)
class Expiry:
    """The input of the verb that only the clock uses."""

    id: str
    idempotency_key: str


@verb("reservationExpire", Scope.ORDERS_WRITE)
async def expire(work: Work, input: Expiry) -> Outcome:
    """The time of a reservation is over; what was extended, bought or given back meanwhile stays as it is."""
    before = await _reservation(work, input.id)
    if not rules.is_over(before, work.act.at):
        raise InvalidTransition(before.status, ReservationAction.EXPIRE, ())
    return await _ended(work, before, ReservationAction.EXPIRE)


async def _ended(work: Work, before: Reservation, action: ReservationAction) -> Outcome:
    rules.RESERVATION.after(ReservationStatus(before.status), action)
    levels = await work.levels(rules.held_by(before))
    after, decided = rules.release(before, action, levels, work.act)
    return _store(work, before, after, decided, levels)


async def _reservation(work: Work, id_: str) -> Reservation:
    key = ids.decode("Reservation", id_)
    found = await stored.lock(work.connection, key, work.viewer) if key else None
    if found is None:
        raise NotFound("Reservation", id_, field=("id",))
    return found
