"""Shipments: what left the building, and how far a carrier's word may move it."""

from domain.lifecycle import Lifecycle, Step, steps
from domain.words import Word


class ShipmentStatus(Word):
    """Where the parcels of one shipment are."""

    CREATED = "CREATED", "On record; no label yet."
    LABELED = "LABELED", "The carrier knows of it; it is still in the house."
    HANDED_OVER = "HANDED_OVER", "The carrier has it."
    IN_TRANSIT = "IN_TRANSIT", "Seen on its way."
    OUT_FOR_DELIVERY = "OUT_FOR_DELIVERY", "On the last vehicle; also after an attempt that failed."
    DELIVERED = "DELIVERED", "The recipient has it."
    RETURNED_TO_SENDER = "RETURNED_TO_SENDER", "It could not be delivered and came back."
    LOST = "LOST", "Given up; a claim settles it. It may still turn up."
    CANCELED = "CANCELED", "Called off before the carrier had it."


class ShipmentAction(Word):
    """What moves a shipment: our own doing at first, the carrier's word later."""

    LABEL = "LABEL", "Buy the label."
    HAND_OVER = "HAND_OVER", "Give it to the carrier."
    TRANSPORT = "TRANSPORT", "The carrier moves it."
    TAKE_OUT = "TAKE_OUT", "The carrier is about to deliver it."
    DELIVER = "DELIVER", "The carrier delivers it."
    RETURN = "RETURN", "The carrier brings it back."
    LOSE = "LOSE", "Give it up."
    CANCEL = "CANCEL", "Call it off while it is in the house."


class TrackingCode(Word):
    """What a carrier said, in words shared by all carriers."""

    INFO_RECEIVED = "INFO_RECEIVED", "The carrier has the data, not the parcel."
    PICKED_UP = "PICKED_UP", "The carrier has the parcel."
    IN_TRANSIT = "IN_TRANSIT", "It was seen on its way."
    OUT_FOR_DELIVERY = "OUT_FOR_DELIVERY", "It is on the last vehicle."
    ATTEMPTED = "ATTEMPTED", "Nobody took it; the carrier tries again."
    DELIVERED = "DELIVERED", "The recipient has it."
    EXCEPTION = "EXCEPTION", "Something went wrong; the message says what."
    RETURNED = "RETURNED", "It came back to the sender."


_CREATED = ShipmentStatus.CREATED
_LABELED = ShipmentStatus.LABELED
_HANDED_OVER = ShipmentStatus.HANDED_OVER
_IN_TRANSIT = ShipmentStatus.IN_TRANSIT
_OUT = ShipmentStatus.OUT_FOR_DELIVERY
_LOST = ShipmentStatus.LOST
_IN_HOUSE = (_CREATED, _LABELED)
_AWAY = (_HANDED_OVER, _IN_TRANSIT, _OUT)

# Carriers leave scans out, so each of their words may skip any number of states; none leads backwards. Only the two
# that end the journey reach a shipment given up as lost: an old scan that arrives late must not revive it.
SHIPMENT = Lifecycle(
    "shipment",
    _CREATED,
    (
        Step(_CREATED, ShipmentAction.LABEL, _LABELED),
        *steps(_IN_HOUSE, ShipmentAction.HAND_OVER, _HANDED_OVER),
        *steps((*_IN_HOUSE, _HANDED_OVER), ShipmentAction.TRANSPORT, _IN_TRANSIT),
        *steps((*_IN_HOUSE, _HANDED_OVER, _IN_TRANSIT), ShipmentAction.TAKE_OUT, _OUT),
        *steps((*_IN_HOUSE, *_AWAY, _LOST), ShipmentAction.DELIVER, ShipmentStatus.DELIVERED),
        *steps((*_IN_HOUSE, *_AWAY, _LOST), ShipmentAction.RETURN, ShipmentStatus.RETURNED_TO_SENDER),
        *steps(_AWAY, ShipmentAction.LOSE, _LOST),
        *steps(_IN_HOUSE, ShipmentAction.CANCEL, ShipmentStatus.CANCELED),
    ),
)

TRACKING: dict[TrackingCode, ShipmentAction | None] = {
    TrackingCode.INFO_RECEIVED: ShipmentAction.LABEL,
    TrackingCode.PICKED_UP: ShipmentAction.HAND_OVER,
    TrackingCode.IN_TRANSIT: ShipmentAction.TRANSPORT,
    TrackingCode.OUT_FOR_DELIVERY: ShipmentAction.TAKE_OUT,
    TrackingCode.ATTEMPTED: ShipmentAction.TAKE_OUT,
    TrackingCode.DELIVERED: ShipmentAction.DELIVER,
    TrackingCode.EXCEPTION: None,
    TrackingCode.RETURNED: ShipmentAction.RETURN,
}
"""What each code asks of the shipment; an exception says nothing about where the parcel is."""


def tracked(status: ShipmentStatus, code: TrackingCode) -> ShipmentStatus:
    """The status after the carrier said `code`: the same one when it said so late, twice or out of order."""
    action = TRACKING[code]
    if action is None or not SHIPMENT.allows(status, action):
        return status
    return SHIPMENT.after(status, action)
