"""Payloads about reservations."""

import strawberry

from schema.errors import UserError
from schema.payloads.fields import errors, one_made
from schema.reservations import Reservation


@strawberry.type(
    description="The cart's reservation. Its lines say what is held: fewer units than were asked for only of what may be "
    "sold ahead of its supply, and nobody is promised the rest."
)
class StockReservePayload:
    """What stockReserve answers."""

    reservation: Reservation | None = one_made("reservation", "The reservation; null when it was refused.")
    user_errors: list[UserError] = errors()


@strawberry.type(description="The reservation as it is now.")
class ReservationExtendPayload:
    """What reservationExtend answers."""

    reservation: Reservation | None = one_made("reservation", "The reservation; null when it was refused.")
    user_errors: list[UserError] = errors()


@strawberry.type(description="The reservation as it is now.")
class ReservationReleasePayload:
    """What reservationRelease answers."""

    reservation: Reservation | None = one_made("reservation", "The reservation; null when it was refused.")
    user_errors: list[UserError] = errors()
