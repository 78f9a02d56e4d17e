"""Orders: their lifecycle, and the statuses that are derived from quantities instead of being stored."""

from collections.abc import Sequence
from typing import Protocol

from domain.lifecycle import Lifecycle, Step, steps
from domain.words import Word


class OrderStatus(Word):
    """Where an order stands. Holds, money and returns are told beside it, not in it."""

    DRAFT = "DRAFT", "Being put together; holds no stock and binds nobody."
    PENDING = "PENDING", "Placed with stock allocated; waits for payment or approval."
    CONFIRMED = "CONFIRMED", "Accepted; its fulfillment orders open once it is free of holds."
    IN_FULFILLMENT = "IN_FULFILLMENT", "A location has begun to work on it."
    COMPLETED = "COMPLETED", "Every unit is delivered, picked up or canceled, and at least one was delivered."
    CANCELED = "CANCELED", "Every unit was canceled; nothing will be delivered."
    EXPIRED = "EXPIRED", "A draft left alone, or an order whose payment never came."


class OrderAction(Word):
    """What can be done to an order; the table below says when."""

    PLACE = "PLACE", "Commit to it: stock is allocated and payment authorized."
    CONFIRM = "CONFIRM", "Accept it, so that work may begin."
    HOLD = "HOLD", "Give a reason not to go on."
    RELEASE_HOLD = "RELEASE_HOLD", "Take such a reason away."
    START_FULFILLMENT = "START_FULFILLMENT", "The first location took up its work."
    COMPLETE = "COMPLETE", "The last unit found its end."
    CANCEL = "CANCEL", "Call off whatever has not shipped."
    PIN = "PIN", "Say from which location it must ship."
    EXPIRE = "EXPIRE", "Its time ran out."


class HoldKind(Word):
    """A reason not to go on; an order may have several at once."""

    ADDRESS = "ADDRESS", "The address may not be deliverable."
    FRAUD = "FRAUD", "Somebody should look before goods leave."
    PAYMENT = "PAYMENT", "Money has to be secured first."
    CUSTOMER = "CUSTOMER", "The customer asked to wait."
    MANUAL = "MANUAL", "Staff stopped it for a reason of their own."


class CancelReason(Word):
    """Why units were called off."""

    CUSTOMER_REQUEST = "CUSTOMER_REQUEST", "The customer changed their mind."
    FRAUD = "FRAUD", "The order was found to be fraudulent."
    OUT_OF_STOCK = "OUT_OF_STOCK", "No location has the goods, and waiting was not an option."
    PAYMENT_FAILED = "PAYMENT_FAILED", "The money could not be secured."
    MERCHANT = "MERCHANT", "The seller will not or cannot serve it."
    OTHER = "OTHER", "None of the above; the note says more."


class UnroutedPolicy(Word):
    """What becomes of units that no location has been able to ship for so long."""

    WAIT = "WAIT", "They wait for supply, however long it takes."
    CANCEL = "CANCEL", "They are called off as OUT_OF_STOCK, and what was paid for them goes back."
    BACKORDER = "BACKORDER", "They wait for the next supply, and it is kept for them."


class AdjustmentKind(Word):
    """What changes what an order costs: charges first, then credits."""

    ITEMS = "ITEMS", "The lines, as placed."
    SHIPPING = "SHIPPING", "Shipping, as placed."
    TAX = "TAX", "Tax on top, as placed."
    CANCELLATION = "CANCELLATION", "Credit for units that were called off."
    RETURN = "RETURN", "Credit for goods that came back."
    GOODWILL = "GOODWILL", "Credit to make up for something."


class PaymentStatus(Word):
    """Where the money stands, derived from entries; the first that applies, in this order."""

    CHARGED_BACK = "CHARGED_BACK", "The buyer's bank took money back."
    OVERPAID = "OVERPAID", "More was kept than is owed: something is due to the customer."
    REFUNDED = "REFUNDED", "Everything that was captured went back."
    PARTIALLY_REFUNDED = "PARTIALLY_REFUNDED", "Some of what was captured went back."
    PAID = "PAID", "Everything owed was captured."
    PARTIALLY_PAID = "PARTIALLY_PAID", "Some was captured, more is owed."
    AUTHORIZED = "AUTHORIZED", "Nothing was captured; an authorization is still open."
    VOIDED = "VOIDED", "Nothing was captured, and every authorization was released."
    NONE = "NONE", "No payment has succeeded."


class FulfillmentStatus(Word):
    """How much of the order has left the building, derived from line quantities."""

    UNFULFILLED = "UNFULFILLED", "Nothing has shipped."
    PARTIALLY_FULFILLED = "PARTIALLY_FULFILLED", "Something has shipped, and something still should."
    FULFILLED = "FULFILLED", "Everything that was not canceled has shipped."


class OrderReturnStatus(Word):
    """How much of the order came back, derived from returns and line quantities."""

    NONE = "NONE", "Nothing came back and nothing is announced."
    REQUESTED = "REQUESTED", "A return is open; nothing has come back yet."
    PARTIALLY_RETURNED = "PARTIALLY_RETURNED", "Some of the units came back."
    RETURNED = "RETURNED", "Every unit that was not canceled came back."


_CANCELABLE = (OrderStatus.DRAFT, OrderStatus.PENDING, OrderStatus.CONFIRMED, OrderStatus.IN_FULFILLMENT)
_LIVE = _CANCELABLE[1:]

LIVE = frozenset(_LIVE)
"""Orders that units may still ship for."""

ORDER = Lifecycle(
    "order",
    OrderStatus.DRAFT,
    (
        Step(OrderStatus.DRAFT, OrderAction.PLACE, OrderStatus.PENDING),
        Step(OrderStatus.PENDING, OrderAction.CONFIRM, OrderStatus.CONFIRMED),
        *(Step(status, action, status) for action in (OrderAction.HOLD, OrderAction.RELEASE_HOLD) for status in _LIVE),
        *(Step(status, OrderAction.PIN, status) for status in _LIVE),
        Step(OrderStatus.CONFIRMED, OrderAction.START_FULFILLMENT, OrderStatus.IN_FULFILLMENT),
        Step(OrderStatus.IN_FULFILLMENT, OrderAction.COMPLETE, OrderStatus.COMPLETED),
        *steps(_CANCELABLE, OrderAction.CANCEL, OrderStatus.CANCELED),
        *steps((OrderStatus.DRAFT, OrderStatus.PENDING), OrderAction.EXPIRE, OrderStatus.EXPIRED),
    ),
)


class LineQuantities(Protocol):
    """What the derived statuses ask of an order line. What a customer picks up is shipped and delivered at once."""

    @property
    def ordered(self) -> int:
        """Units bought: never shrinks."""
        ...

    @property
    def shipped(self) -> int:
        """Units that left, by carrier or over the counter."""
        ...

    @property
    def canceled(self) -> int:
        """Units called off."""
        ...

    @property
    def delivered(self) -> int:
        """Units the customer has, or had."""
        ...

    @property
    def returned(self) -> int:
        """Units that came back."""
        ...


def fulfillment_status(lines: Sequence[LineQuantities]) -> FulfillmentStatus:
    """How much has left, over all lines."""
    shipped = sum(line.shipped for line in lines)
    if not shipped:
        return FulfillmentStatus.UNFULFILLED
    if shipped == _wanted(lines):
        return FulfillmentStatus.FULFILLED
    return FulfillmentStatus.PARTIALLY_FULFILLED


def return_status(lines: Sequence[LineQuantities], *, open_returns: int) -> OrderReturnStatus:
    """What came back outweighs what is announced: goods are facts, a request is a wish."""
    returned = sum(line.returned for line in lines)
    if returned:
        whole = returned == _wanted(lines)
        return OrderReturnStatus.RETURNED if whole else OrderReturnStatus.PARTIALLY_RETURNED
    return OrderReturnStatus.REQUESTED if open_returns else OrderReturnStatus.NONE


def completed(lines: Sequence[LineQuantities]) -> bool:
    """Whether every unit is delivered or canceled, and at least one was delivered."""
    delivered = sum(line.delivered for line in lines)
    return delivered > 0 and delivered == _wanted(lines)


def canceled(lines: Sequence[LineQuantities]) -> bool:
    """Whether every unit of at least one was canceled."""
    return bool(lines) and not _wanted(lines)


def _wanted(lines: Sequence[LineQuantities]) -> int:
    """Units that were ordered and not canceled."""
    return sum(line.ordered - line.canceled for line in lines)
