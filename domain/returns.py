"""Returns: goods coming back. What may come back, how far it has come, and where each unit ends up."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.lifecycle import Lifecycle, Step, steps
from domain.stock import Bucket
from domain.words import Word


class ReturnStatus(Word):
    """How far a return has come. Receipt, inspection and refund are separate facts beside it."""

    REQUESTED = "REQUESTED", "The customer asked; nobody has answered."
    APPROVED = "APPROVED", "May be sent or brought back."
    DECLINED = "DECLINED", "May not come back; the reason is on record."
    IN_TRANSIT = "IN_TRANSIT", "On its way to us."
    PARTIALLY_RECEIVED = "PARTIALLY_RECEIVED", "Some of the announced units arrived."
    RECEIVED = "RECEIVED", "Every announced unit arrived."
    CLOSED = "CLOSED", "Inspected and settled; nothing is left to do."
    CANCELED = "CANCELED", "The customer keeps the goods."
    EXPIRED = "EXPIRED", "Approved, but nothing arrived in time."


class ReturnAction(Word):
    """What can be done to a return, which begins its life as requested."""

    APPROVE = "APPROVE", "Allow it; by mail, a label is made."
    DECLINE = "DECLINE", "Refuse it and say why."
    CANCEL = "CANCEL", "Withdraw it before anything was sent."
    SEND = "SEND", "The customer gave the goods to a carrier."
    RECEIVE_PART = "RECEIVE_PART", "Take in some of the announced units."
    RECEIVE = "RECEIVE", "Take in the last of the announced units."
    CLOSE = "CLOSE", "Settle it; announced units that never came are missing."
    EXPIRE = "EXPIRE", "Give up waiting."


class Condition(Word):
    """The state a returned unit was found in."""

    UNOPENED = "UNOPENED", "Sealed as it left us."
    LIKE_NEW = "LIKE_NEW", "Opened, without a trace of use."
    OPENED = "OPENED", "Opened, perhaps tried."
    USED = "USED", "Shows use."
    DAMAGED = "DAMAGED", "Broken or not complete."


class Disposition(Word):
    """What becomes of a returned unit."""

    RESTOCK = "RESTOCK", "Sell it again as it is."
    REFURBISH = "REFURBISH", "Sell it again after work on it."
    QUARANTINE = "QUARANTINE", "Set aside until somebody has decided."
    RETURN_TO_VENDOR = "RETURN_TO_VENDOR", "Send it back to whoever supplied it."
    DAMAGED = "DAMAGED", "Keep it apart; it cannot be sold."
    DISPOSE = "DISPOSE", "Throw it away."
    MISSING = "MISSING", "Announced, but never received."


class ReturnReason(Word):
    """Why the customer sends it back."""

    DOES_NOT_FIT = "DOES_NOT_FIT", "Wrong size or shape."
    DEFECTIVE = "DEFECTIVE", "Does not work."
    NOT_AS_DESCRIBED = "NOT_AS_DESCRIBED", "Not what the page promised."
    WRONG_ITEM = "WRONG_ITEM", "We sent something else."
    CHANGED_MIND = "CHANGED_MIND", "No longer wanted."
    ARRIVED_LATE = "ARRIVED_LATE", "Came after it was needed."
    OTHER = "OTHER", "None of the above; the comment says more."


class ReturnMethod(Word):
    """How the goods come back."""

    MAIL = "MAIL", "Sent in with a label of ours."
    IN_STORE = "IN_STORE", "Brought to a counter."


class NotReturnableReason(Word):
    """Why nothing of a line may be returned; the first that applies, in this order."""

    PART_OF_A_KIT = "PART_OF_A_KIT", "A kit comes back whole: its own line may."
    NOT_DELIVERED = "NOT_DELIVERED", "The customer does not have it yet."
    ALREADY_RETURNED = "ALREADY_RETURNED", "Every delivered unit came back or is in an open return."
    WINDOW_CLOSED = "WINDOW_CLOSED", "The time for returns is over."


BUCKET_OF: dict[Disposition, Bucket | None] = {
    Disposition.RESTOCK: Bucket.AVAILABLE,
    Disposition.REFURBISH: Bucket.QUALITY_CONTROL,
    Disposition.QUARANTINE: Bucket.QUALITY_CONTROL,
    Disposition.RETURN_TO_VENDOR: Bucket.QUALITY_CONTROL,
    Disposition.DAMAGED: Bucket.DAMAGED,
    Disposition.DISPOSE: None,
    Disposition.MISSING: None,
}
"""Where a returned unit goes: disposed of is out again, missing was never in."""

_REQUESTED = ReturnStatus.REQUESTED
_APPROVED = ReturnStatus.APPROVED
_IN_TRANSIT = ReturnStatus.IN_TRANSIT
_PARTIAL = ReturnStatus.PARTIALLY_RECEIVED
_RECEIVED = ReturnStatus.RECEIVED
_AWAITED = (_APPROVED, _IN_TRANSIT, _PARTIAL)

RETURN = Lifecycle(
    "return",
    _REQUESTED,
    (
        Step(_REQUESTED, ReturnAction.APPROVE, _APPROVED),
        Step(_REQUESTED, ReturnAction.DECLINE, ReturnStatus.DECLINED),
        *steps((_REQUESTED, _APPROVED), ReturnAction.CANCEL, ReturnStatus.CANCELED),
        Step(_APPROVED, ReturnAction.SEND, _IN_TRANSIT),
        *steps(_AWAITED, ReturnAction.RECEIVE_PART, _PARTIAL),
        *steps(_AWAITED, ReturnAction.RECEIVE, _RECEIVED),
        *steps((_PARTIAL, _RECEIVED), ReturnAction.CLOSE, ReturnStatus.CLOSED),
        *steps((_APPROVED, _IN_TRANSIT), ReturnAction.EXPIRE, ReturnStatus.EXPIRED),
    ),
)

OPEN: tuple[ReturnStatus, ...] = (_REQUESTED, *_AWAITED)
"""While in one of these, announced units that have not arrived cannot be announced again."""


@dataclass(frozen=True, slots=True)
class LineHistory:
    """What became of an order line so far; `in_open_returns` are announced units that have not arrived."""

    delivered: int
    returned: int
    in_open_returns: int
    delivered_at: datetime | None
    is_part: bool = False
    """Whether it is a component of a kit."""


@dataclass(frozen=True, slots=True)
class Returnability:
    """How many units of a line may be returned, until when, or why none."""

    quantity: int
    reason: NotReturnableReason | None
    deadline: datetime | None

    @property
    def returnable(self) -> bool:
        """Whether anything may be returned."""
        return self.quantity > 0


def deadline(delivered_at: datetime | None, window_days: int | None) -> datetime | None:
    """The last moment to ask; none without a window, or where nobody knows when it was delivered."""
    if delivered_at is None or window_days is None:
        return None
    return delivered_at + timedelta(days=window_days)


def returnability(line: LineHistory, *, window_days: int | None, now: datetime) -> Returnability:
    """What may still come back of a line."""
    until = deadline(line.delivered_at, window_days)
    left = line.delivered - line.returned - line.in_open_returns
    reason = _not_returnable(line, left, until, now)
    return Returnability(0 if reason else left, reason, until)


def _not_returnable(line: LineHistory, left: int, until: datetime | None, now: datetime) -> NotReturnableReason | None:
    if line.is_part:
        return NotReturnableReason.PART_OF_A_KIT
    if line.delivered <= 0:
        return NotReturnableReason.NOT_DELIVERED
    if left <= 0:
        return NotReturnableReason.ALREADY_RETURNED
    if until is not None and now > until:
        return NotReturnableReason.WINDOW_CLOSED
    return None
