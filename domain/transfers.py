"""Supply that is moved: transfers from one location of ours to another."""

from domain.lifecycle import Lifecycle, Step, steps
from domain.words import Word


class TransferStatus(Word):
    """How far a transfer has come."""

    DRAFT = "DRAFT", "Planned: the units still lie at the sender, free for orders."
    IN_TRANSIT = "IN_TRANSIT", "On its way: the units lie nowhere, and count as incoming at the receiver."
    PARTIALLY_RECEIVED = "PARTIALLY_RECEIVED", "Something arrived, and something is still on its way."
    RECEIVED = "RECEIVED", "Nothing more is to come: every unit arrived, was damaged or is missing."
    CANCELED = "CANCELED", "Called off; what was on its way is back at the sender."


class TransferAction(Word):
    """What can be done with a transfer."""

    SHIP = "SHIP", "Send the units on their way."
    RECEIVE = "RECEIVE", "Record what arrived, and wait for the rest."
    COMPLETE = "COMPLETE", "Record what arrived; nothing more is to come."
    CANCEL = "CANCEL", "Call it off, or turn it back while nothing has arrived."


_DRAFT, _AWAY, _PART = TransferStatus.DRAFT, TransferStatus.IN_TRANSIT, TransferStatus.PARTIALLY_RECEIVED

TRANSFER = Lifecycle(
    "transfer",
    _DRAFT,
    (
        Step(_DRAFT, TransferAction.SHIP, _AWAY),
        *steps((_AWAY, _PART), TransferAction.RECEIVE, _PART),
        *steps((_AWAY, _PART), TransferAction.COMPLETE, TransferStatus.RECEIVED),
        *steps((_DRAFT, _AWAY), TransferAction.CANCEL, TransferStatus.CANCELED),
    ),
)

AWAITED = (_AWAY, _PART)
"""States in which units are on their way."""
