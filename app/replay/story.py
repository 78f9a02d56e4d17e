"""What is told of a recorded order: which steps, at which moments, and what cannot be told as it stands.

An order's steps follow its life: placed, confirmed, handed over, delivered, canceled. Each has the moment that was
recorded for it, even where that lies before the moment of an earlier step; such orders are counted, not corrected.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from app.replay.causes import Cause
from app.replay.figures import Figures
from app.replay.recordings import Recorded, RecordingsError
from domain.orders import CancelReason, OrderStatus

ENDS: dict[str, OrderStatus] = {
    "delivered": OrderStatus.COMPLETED,
    "shipped": OrderStatus.IN_FULFILLMENT,
    "invoiced": OrderStatus.CONFIRMED,
    "processing": OrderStatus.CONFIRMED,
    "approved": OrderStatus.CONFIRMED,
    "created": OrderStatus.PENDING,
    "canceled": OrderStatus.CANCELED,
    "unavailable": OrderStatus.CANCELED,
}
"""Where an order of each recorded status should end."""

REASONS = {"canceled": CancelReason.CUSTOMER_REQUEST, "unavailable": CancelReason.OUT_OF_STOCK}

NEEDED_BY = {
    "delivered": {"approved", "handed_over", "delivered"},
    "shipped": {"approved", "handed_over"},
    "invoiced": {"approved"},
    "processing": {"approved"},
    "approved": {"approved"},
}
"""The steps that an order of each status has been through, whether or not their moments are on record."""


@dataclass(frozen=True, slots=True)
class Story:
    """The steps of one order with their moments; no moment: the step is not told."""

    recorded: Recorded
    placed: bool
    confirmed_at: datetime | None = None
    handed_over_at: datetime | None = None
    delivered_at: datetime | None = None
    canceled_at: datetime | None = None
    reason: CancelReason | None = None
    causes: tuple[Cause, ...] = ()

    @property
    def taken_minor(self) -> int:
        """The money that the story says was taken."""
        return paid_minor(self.recorded) if self.confirmed_at else 0


def story_of(recorded: Recorded) -> Story:
    """What is told of an order."""
    if recorded.status not in ENDS:
        raise RecordingsError(f"order {recorded.id} has the status '{recorded.status}', which nobody knows")
    if not recorded.items:
        return Story(recorded, placed=False, causes=(Cause.NO_ITEMS, *_money_causes(recorded)))
    confirmed, handed_over, delivered = _moments(recorded)
    canceled = recorded.status in REASONS and not handed_over
    return Story(
        recorded,
        placed=True,
        confirmed_at=confirmed,
        handed_over_at=handed_over,
        delivered_at=delivered,
        canceled_at=last_known(recorded) if canceled else None,
        reason=REASONS[recorded.status] if canceled else None,
        causes=tuple(_causes(recorded, confirmed)),
    )


def _moments(recorded: Recorded) -> tuple[datetime | None, datetime | None, datetime | None]:
    """(confirmed, handed over, delivered): those that the status asks for are filled in with the step before.

    What was called off had been through whatever is on record.
    """
    ended = recorded.status in REASONS
    needed = NEEDED_BY.get(recorded.status, set())
    delivered = recorded.delivered_at if ended or "delivered" in needed else None
    shipped = "handed_over" in needed or (ended and bool(recorded.handed_over_at or delivered))
    approved = "approved" in needed or (ended and bool(recorded.approved_at or shipped))
    confirmed = (recorded.approved_at or recorded.purchased_at) if approved else None
    handed_over = (recorded.handed_over_at or confirmed) if shipped else None
    if "delivered" in needed and delivered is None:
        delivered = handed_over
    return confirmed, handed_over, delivered


def last_known(recorded: Recorded) -> datetime:
    """The last moment on record."""
    moments = (recorded.purchased_at, recorded.approved_at, recorded.handed_over_at, recorded.delivered_at)
    return max(filter(None, moments))


def paid_minor(recorded: Recorded) -> int:
    """What was paid in all."""
    return sum(each.amount_minor for each in recorded.payments)


def price_minor(recorded: Recorded) -> int:
    """What items and freight come to."""
    return sum(each.price_minor + each.freight_minor for each in recorded.items)


# -- what cannot be told as it stands ----------------------------------------------------------------------------------


def _causes(recorded: Recorded, confirmed: datetime | None) -> Iterator[Cause]:
    yield from _money_causes(recorded)
    yield from _order_causes(recorded)
    yield from _gap_causes(recorded, confirmed)
    if recorded.payments and confirmed is None:
        yield Cause.PAYMENT_NOT_APPROVED


def _money_causes(recorded: Recorded) -> Iterator[Cause]:
    if not recorded.payments:
        yield Cause.NO_PAYMENTS
    if any(each.amount_minor == 0 for each in recorded.payments):
        yield Cause.PAYMENT_OF_NOTHING
    off = abs(paid_minor(recorded) - price_minor(recorded))
    if off and recorded.payments and recorded.items:
        yield _paid_off(off)


def _paid_off(cents: int) -> Cause:
    if cents == 1:
        return Cause.PAID_ONE_CENT_OFF
    if cents <= 10:
        return Cause.PAID_CENTS_OFF
    return Cause.PAID_UP_TO_ONE_OFF if cents <= 100 else Cause.PAID_MORE_OFF


def _order_causes(recorded: Recorded) -> Iterator[Cause]:
    """Moments that contradict the life of an order."""
    placed, approved = recorded.purchased_at, recorded.approved_at
    handed_over, delivered = recorded.handed_over_at, recorded.delivered_at
    for earlier, later, cause in (
        (placed, approved, Cause.APPROVED_BEFORE_PLACED),
        (placed, handed_over, Cause.HANDED_OVER_BEFORE_PLACED),
        (approved, handed_over, Cause.HANDED_OVER_BEFORE_APPROVED),
        (placed, delivered, Cause.DELIVERED_BEFORE_PLACED),
        (approved, delivered, Cause.DELIVERED_BEFORE_APPROVED),
        (handed_over, delivered, Cause.DELIVERED_BEFORE_HANDED_OVER),
    ):
        if earlier and later and later < earlier:
            yield cause


def _gap_causes(recorded: Recorded, confirmed: datetime | None) -> Iterator[Cause]:
    """Moments that are missing, or that the status knows nothing of."""
    needed, ended = NEEDED_BY.get(recorded.status, set()), recorded.status in REASONS
    if confirmed and not recorded.approved_at:
        yield Cause.NEVER_APPROVED
    if "handed_over" in needed and not recorded.handed_over_at:
        yield Cause.HANDED_OVER_UNDATED
    if "delivered" in needed and not recorded.delivered_at:
        yield Cause.DELIVERED_UNDATED
    if ended:
        yield _ended_cause(recorded)
    elif _beyond(recorded, needed):
        yield Cause.MOMENT_BEYOND_STATUS


def _ended_cause(recorded: Recorded) -> Cause:
    if recorded.delivered_at:
        return Cause.CANCELED_AFTER_DELIVERY
    return Cause.CANCELED_AFTER_HAND_OVER if recorded.handed_over_at else Cause.CANCELED_UNDATED


def _beyond(recorded: Recorded, needed: set[str]) -> bool:
    known = {
        "approved": recorded.approved_at,
        "handed_over": recorded.handed_over_at,
        "delivered": recorded.delivered_at,
    }
    return any(moment and step not in needed for step, moment in known.items())


# -- what it comes to --------------------------------------------------------------------------------------------------


def recorded_figures(recorded: Recorded) -> Figures:
    """What the recordings say of an order."""
    return Figures(
        status=ENDS[recorded.status].value,
        units=len(recorded.items),
        items_minor=sum(each.price_minor for each in recorded.items),
        freight_minor=sum(each.freight_minor for each in recorded.items),
        paid_minor=paid_minor(recorded),
        placed_at=recorded.purchased_at,
        promised_at=recorded.promised_at,
        delivered_at=recorded.delivered_at,
    )


def told_figures(story: Story) -> Figures | None:
    """What the API should say once the story is told; None where there is nothing to tell."""
    if not story.placed:
        return None
    recorded = recorded_figures(story.recorded)
    return Figures(
        status=_end_of(story).value,
        units=recorded.units,
        items_minor=recorded.items_minor,
        freight_minor=recorded.freight_minor,
        paid_minor=story.taken_minor,
        placed_at=recorded.placed_at,
        promised_at=recorded.promised_at,
        delivered_at=story.delivered_at,
    )


def _end_of(story: Story) -> OrderStatus:
    if story.canceled_at:
        return OrderStatus.CANCELED
    if story.delivered_at:
        return OrderStatus.COMPLETED
    if story.handed_over_at:
        return OrderStatus.IN_FULFILLMENT
    return OrderStatus.CONFIRMED if story.confirmed_at else OrderStatus.PENDING
