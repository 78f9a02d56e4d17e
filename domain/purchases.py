"""Supply that is bought: suppliers, and purchase orders from the draft to the last unit that arrived or never will."""

from domain.lifecycle import Lifecycle, Step, steps
from domain.words import Word


class PurchaseOrderStatus(Word):
    """How far a purchase order has come."""

    DRAFT = "DRAFT", "Being written: nobody was told, and nothing is expected of it."
    ORDERED = "ORDERED", "The supplier was told; what is expected counts as incoming."
    PARTIALLY_RECEIVED = "PARTIALLY_RECEIVED", "Something arrived, and something is still to come."
    RECEIVED = "RECEIVED", "Nothing more is to come: all arrived, or the rest was closed short."
    CANCELED = "CANCELED", "Called off before anything arrived."


class PurchaseOrderAction(Word):
    """What can be done with a purchase order."""

    ORDER = "ORDER", "Tell the supplier."
    RECEIVE = "RECEIVE", "Record what arrived, and wait for the rest."
    COMPLETE = "COMPLETE", "Record what arrived; nothing more is to come."
    CANCEL = "CANCEL", "Call it off."


_DRAFT, _ORDERED, _PART = (
    PurchaseOrderStatus.DRAFT,
    PurchaseOrderStatus.ORDERED,
    PurchaseOrderStatus.PARTIALLY_RECEIVED,
)

PURCHASE_ORDER = Lifecycle(
    "purchase order",
    _DRAFT,
    (
        Step(_DRAFT, PurchaseOrderAction.ORDER, _ORDERED),
        *steps((_ORDERED, _PART), PurchaseOrderAction.RECEIVE, _PART),
        *steps((_ORDERED, _PART), PurchaseOrderAction.COMPLETE, PurchaseOrderStatus.RECEIVED),
        *steps((_DRAFT, _ORDERED), PurchaseOrderAction.CANCEL, PurchaseOrderStatus.CANCELED),
    ),
)

AWAITED = (_ORDERED, _PART)
"""States in which units that have not arrived are on their way."""
