"""Fulfillment orders: work given to one location, which ships whole or not at all."""

from domain.lifecycle import Lifecycle, Step, steps
from domain.words import Word


class FulfillmentOrderStatus(Word):
    """How far a location has come. Whether the work is on hold is derived from the order's holds."""

    SCHEDULED = "SCHEDULED", "Planned with stock allocated; waits until the order is confirmed and free of holds."
    OPEN = "OPEN", "Offered to the location, which has not answered yet."
    ACCEPTED = "ACCEPTED", "The location will do it."
    PICKING = "PICKING", "Units are being taken off the shelves."
    PACKED = "PACKED", "In parcels, ready to leave."
    READY_FOR_PICKUP = "READY_FOR_PICKUP", "Waits at the counter for the customer."
    SHIPPED = "SHIPPED", "Left with a carrier."
    PICKED_UP = "PICKED_UP", "The customer took it home."
    REJECTED = "REJECTED", "The location would not or could not; the units were routed anew."
    CANCELED = "CANCELED", "Called off; the units went back."


class FulfillmentOrderAction(Word):
    """What can be done to a fulfillment order."""

    RELEASE = "RELEASE", "Offer it to the location now."
    SUSPEND = "SUSPEND", "Take the offer back while the order is on hold."
    ACCEPT = "ACCEPT", "The location takes it on."
    PICK = "PICK", "Record units taken off the shelf, or found short."
    PACK = "PACK", "Put picked units into parcels."
    SHIP = "SHIP", "Give the parcels to a carrier."
    READY = "READY", "Tell the customer that it can be fetched."
    HAND_OVER = "HAND_OVER", "Give it to the customer at the counter."
    REJECT = "REJECT", "Decline the work, so that it is routed elsewhere."
    MOVE = "MOVE", "Give the work to another location that has the goods."
    SPLIT = "SPLIT", "Make two of it at the same location."
    MERGE = "MERGE", "Do it with other work for the same order at the same location."
    CANCEL = "CANCEL", "Call the work off."


class FulfillmentKind(Word):
    """How the goods reach the customer."""

    DELIVERY = "DELIVERY", "A carrier brings them."
    PICKUP = "PICKUP", "The customer fetches them at the location."


class ShortReason(Word):
    """Why a location did not find what the record promised, or would not do the work."""

    NOT_FOUND = "NOT_FOUND", "The record says there are units; the shelf says there are not."
    DAMAGED = "DAMAGED", "There are units, but not fit to be sold."
    NO_CAPACITY = "NO_CAPACITY", "The location cannot do it in time."
    CLOSED = "CLOSED", "The location is not working."
    OTHER = "OTHER", "None of the above; the note says more."


_SCHEDULED = FulfillmentOrderStatus.SCHEDULED
_OPEN = FulfillmentOrderStatus.OPEN
_ACCEPTED = FulfillmentOrderStatus.ACCEPTED
_PICKING = FulfillmentOrderStatus.PICKING
_PACKED = FulfillmentOrderStatus.PACKED
_READY = FulfillmentOrderStatus.READY_FOR_PICKUP
UNACCEPTED = frozenset({_SCHEDULED, _OPEN})
"""Work that nobody has said yes to: it may still be decided anew."""
UNPICKED = UNACCEPTED | {_ACCEPTED}
"""Work of which nothing has been taken off the shelf."""
_UNFINISHED = (_SCHEDULED, _OPEN, _ACCEPTED, _PICKING, _PACKED, _READY)

FULFILLMENT_ORDER = Lifecycle(
    "fulfillment order",
    _SCHEDULED,
    (
        Step(_SCHEDULED, FulfillmentOrderAction.RELEASE, _OPEN),
        Step(_OPEN, FulfillmentOrderAction.ACCEPT, _ACCEPTED),
        *steps((_ACCEPTED, _PICKING), FulfillmentOrderAction.PICK, _PICKING),
        *steps((_PICKING, _PACKED), FulfillmentOrderAction.PACK, _PACKED),
        Step(_PACKED, FulfillmentOrderAction.SHIP, FulfillmentOrderStatus.SHIPPED),
        Step(_PACKED, FulfillmentOrderAction.READY, _READY),
        Step(_READY, FulfillmentOrderAction.HAND_OVER, FulfillmentOrderStatus.PICKED_UP),
        *steps((_OPEN, _ACCEPTED), FulfillmentOrderAction.REJECT, FulfillmentOrderStatus.REJECTED),
        *steps((_SCHEDULED, _OPEN, _ACCEPTED), FulfillmentOrderAction.MOVE, FulfillmentOrderStatus.CANCELED),
        *(Step(status, FulfillmentOrderAction.SPLIT, status) for status in (_SCHEDULED, _OPEN, _ACCEPTED)),
        *steps((_SCHEDULED, _OPEN), FulfillmentOrderAction.MERGE, FulfillmentOrderStatus.CANCELED),
        Step(_OPEN, FulfillmentOrderAction.SUSPEND, _SCHEDULED),
        *steps(_UNFINISHED, FulfillmentOrderAction.CANCEL, FulfillmentOrderStatus.CANCELED),
    ),
)
