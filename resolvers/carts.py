"""The cart behind an order: what is reserved for it is taken first, and the rest of the reservation given back."""

from collections.abc import Mapping
from uuid import UUID

from domain import ids, placing, reservations
from domain.model import Decided, Reservation
from domain.placing import NOTHING, Catalog
from domain.refusals import InvalidInput, InvalidTransition, NotFound
from domain.reservations import ReservationAction, ReservationStatus
from domain.store import reservations as stored
from resolvers.writing import Work

PLACE = ("reservationId",)


async def locked(work: Work, id_: str | None) -> Reservation | None:
    """The cart that an order names, locked: before the catalog is read, or what was just given back would be missing there.

    One that ran out or was given back holds nothing: the order is placed with what there is. One that was consumed is
    refused, or two orders might believe in the same units.
    """
    if id_ is None:
        return None
    await work.claimed()
    key = ids.decode("Reservation", id_)
    cart = await stored.lock(work.connection, key, work.viewer) if key else None
    if cart is None:
        raise NotFound("Reservation", id_, field=PLACE)
    if cart.status == ReservationStatus.CONSUMED:
        raise InvalidTransition(cart.status, ReservationAction.CONSUME, (), field=PLACE)
    return cart if cart.status == ReservationStatus.ACTIVE else None


def held_for(cart: Reservation | None, offered: Catalog) -> tuple[Mapping[UUID, int], Catalog]:
    """What is held for a cart, by level, and the catalog in which that counts as available: to its holder, it is."""
    if cart is None:
        return NOTHING, offered
    if cart.channel_id != offered.channel_id:
        raise InvalidInput("the reservation is another channel's", field=PLACE)
    return reservations.held_by(cart), placing.with_held(offered, cart.lines)


def consumed(work: Work, cart: Reservation | None, placed: Decided) -> Decided:
    """The placed order with its cart's reservation consumed, if there is one."""
    if cart is None or placed.order is None:
        return placed
    after, decided = reservations.consume(cart, placed.order, placed, work.act)
    work.changes.turn(cart, after)
    return decided
