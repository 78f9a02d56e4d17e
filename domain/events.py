"""Events: the words of the log. Every state change writes one; everything that follows reads this log alone."""

from typing import Any
from uuid import UUID

from domain.model import Order, replace, row
from domain.words import Word


class EventType(Word):
    """What happened, in the past tense."""

    ORDER_DRAFTED = "ORDER_DRAFTED", "A draft was begun."
    ORDER_PLACED = "ORDER_PLACED", "The buyer committed; stock is allocated."
    ORDER_CONFIRMED = "ORDER_CONFIRMED", "The order was accepted."
    ORDER_HELD = "ORDER_HELD", "A hold was put on the order."
    ORDER_HOLD_RELEASED = "ORDER_HOLD_RELEASED", "A hold was taken off the order."
    ORDER_LINES_CANCELED = "ORDER_LINES_CANCELED", "Some units were called off."
    ORDER_CANCELED = "ORDER_CANCELED", "Everything was called off."
    ORDER_COMPLETED = "ORDER_COMPLETED", "The last unit found its end."
    ORDER_ROUTED = "ORDER_ROUTED", "It was decided from where the units ship."
    ORDER_PINNED = "ORDER_PINNED", "Lines must ship from a location that somebody chose."
    ORDER_UNPINNED = "ORDER_UNPINNED", "Lines may ship from anywhere again."
    ORDER_BACKORDERED = "ORDER_BACKORDERED", "Units wait for supply; their variants may be sold ahead of it."
    ORDER_BACKORDER_FILLED = "ORDER_BACKORDER_FILLED", "Supply arrived for units that waited for it."
    PAYMENT_REQUESTED = "PAYMENT_REQUESTED", "A provider is being asked; the answer is outstanding."
    PAYMENT_AUTHORIZED = "PAYMENT_AUTHORIZED", "An amount was promised."
    PAYMENT_DECLINED = "PAYMENT_DECLINED", "The provider refused."
    PAYMENT_CAPTURED = "PAYMENT_CAPTURED", "Money was taken."
    PAYMENT_VOIDED = "PAYMENT_VOIDED", "An authorization was released."
    PAYMENT_REFUNDED = "PAYMENT_REFUNDED", "Money went back."
    FULFILLMENT_ORDER_CREATED = "FULFILLMENT_ORDER_CREATED", "Work was given to a location."
    FULFILLMENT_ORDER_OPENED = "FULFILLMENT_ORDER_OPENED", "The location may begin."
    FULFILLMENT_ORDER_SUSPENDED = "FULFILLMENT_ORDER_SUSPENDED", "The offer was taken back while the order is on hold."
    FULFILLMENT_ORDER_ACCEPTED = "FULFILLMENT_ORDER_ACCEPTED", "The location took it on."
    FULFILLMENT_ORDER_PICKED = "FULFILLMENT_ORDER_PICKED", "Units were taken off the shelf, or found short."
    FULFILLMENT_ORDER_PACKED = "FULFILLMENT_ORDER_PACKED", "Units were put into parcels."
    FULFILLMENT_ORDER_SHIPPED = "FULFILLMENT_ORDER_SHIPPED", "The work is done; the parcels have left."
    FULFILLMENT_ORDER_CANCELED = "FULFILLMENT_ORDER_CANCELED", "The work was called off."
    FULFILLMENT_ORDER_REJECTED = "FULFILLMENT_ORDER_REJECTED", "The location will not do it; the units are routed anew."
    FULFILLMENT_ORDER_REDUCED = "FULFILLMENT_ORDER_REDUCED", "Units were taken off the work before they were picked."
    FULFILLMENT_ORDER_MOVED = "FULFILLMENT_ORDER_MOVED", "The work went to another location."
    PICKUP_DECLINED = (
        "PICKUP_DECLINED",
        "A store does not hand out what a customer was to fetch there; somebody decides.",
    )
    FULFILLMENT_ORDER_SPLIT = "FULFILLMENT_ORDER_SPLIT", "A part of the work is work of its own now."
    FULFILLMENT_ORDER_MERGED = "FULFILLMENT_ORDER_MERGED", "Other work for the same order is done with it."
    SHIPMENT_CREATED = "SHIPMENT_CREATED", "Parcels are ready for the carrier."
    SHIPMENT_HANDED_OVER = "SHIPMENT_HANDED_OVER", "The carrier has the parcels."
    SHIPMENT_TRACKED = "SHIPMENT_TRACKED", "The carrier said where they are."
    SHIPMENT_DELIVERED = "SHIPMENT_DELIVERED", "The recipient has them."
    RETURN_REQUESTED = "RETURN_REQUESTED", "The customer asked to send goods back."
    RETURN_APPROVED = "RETURN_APPROVED", "The goods may come back."
    RETURN_DECLINED = "RETURN_DECLINED", "The goods may not come back."
    RETURN_RECEIVED = "RETURN_RECEIVED", "Returned units arrived."
    RETURN_INSPECTED = "RETURN_INSPECTED", "Returned units were looked at, and it was decided what becomes of them."
    RETURN_CLOSED = "RETURN_CLOSED", "The return is settled."
    CUSTOMER_NOTE_ADDED = "CUSTOMER_NOTE_ADDED", "Staff noted something about a customer."
    CUSTOMER_MESSAGES_CHOSEN = "CUSTOMER_MESSAGES_CHOSEN", "A customer chose what to be told, or in which language."
    MESSAGE_SENT = "MESSAGE_SENT", "The customer was told something."
    MESSAGE_FAILED = "MESSAGE_FAILED", "What the customer was to be told could not be sent."
    MESSAGE_SUPPRESSED = "MESSAGE_SUPPRESSED", "The customer was not told: no address, or not wanted."
    EXCEPTION_RAISED = "EXCEPTION_RAISED", "Something was found that somebody should look at."
    EXCEPTION_WORSENED = "EXCEPTION_WORSENED", "It matters more than when it was found."
    EXCEPTION_ACKNOWLEDGED = "EXCEPTION_ACKNOWLEDGED", "Somebody looks at it."
    EXCEPTION_RESOLVED = "EXCEPTION_RESOLVED", "It is no longer so."
    ROUTING_RULESET_ACTIVATED = (
        "ROUTING_RULESET_ACTIVATED",
        "Routing goes by other rules from then on, or asks them besides.",
    )
    ROUTING_RULESET_RETIRED = "ROUTING_RULESET_RETIRED", "Routing rules ceased to hold."
    STOCK_MOVED = "STOCK_MOVED", "Units went from a bucket to a bucket at a location."
    PURCHASE_ORDER_CREATED = "PURCHASE_ORDER_CREATED", "A purchase was written."
    PURCHASE_ORDER_ORDERED = "PURCHASE_ORDER_ORDERED", "The supplier was told; its units are on their way."
    PURCHASE_ORDER_RESCHEDULED = "PURCHASE_ORDER_RESCHEDULED", "It is expected at another moment."
    PURCHASE_ORDER_RECEIVED = "PURCHASE_ORDER_RECEIVED", "Bought units arrived, or it was settled that they never will."
    PURCHASE_ORDER_CANCELED = "PURCHASE_ORDER_CANCELED", "A purchase was called off."
    TRANSFER_CREATED = "TRANSFER_CREATED", "A transfer was planned; told to the sender."
    TRANSFER_SHIPPED = "TRANSFER_SHIPPED", "Its units left; told to the receiver."
    TRANSFER_RESCHEDULED = "TRANSFER_RESCHEDULED", "It is expected at another moment; told to the receiver."
    TRANSFER_RECEIVED = "TRANSFER_RECEIVED", "Units arrived, or are known not to; told to the sender."
    TRANSFER_CANCELED = "TRANSFER_CANCELED", "A transfer was called off or turned back; told to the receiver."
    STOCK_COUNT_STARTED = "STOCK_COUNT_STARTED", "Somebody began to count what a location has."
    STOCK_COUNT_RECORDED = "STOCK_COUNT_RECORDED", "Something was counted; the books stand as they were."
    STOCK_COUNT_COMPLETED = "STOCK_COUNT_COMPLETED", "The books were corrected by what was found."
    STOCK_COUNT_CANCELED = "STOCK_COUNT_CANCELED", "A count was given up."
    RESERVATION_MADE = "RESERVATION_MADE", "Stock is held for a cart, for a while."
    RESERVATION_CHANGED = "RESERVATION_CHANGED", "The cart changed, and with it what is held; it holds longer, too."
    RESERVATION_EXTENDED = "RESERVATION_EXTENDED", "The cart's stock is held longer."
    RESERVATION_CONSUMED = "RESERVATION_CONSUMED", "An order was placed with the cart's stock."
    RESERVATION_RELEASED = "RESERVATION_RELEASED", "The cart's stock was given back."
    RESERVATION_EXPIRED = "RESERVATION_EXPIRED", "The cart's time was over, and its stock was given back."
    WORK_ITEM_CREATED = "WORK_ITEM_CREATED", "Work was put into a queue."
    WORK_ITEM_CLAIMED = "WORK_ITEM_CLAIMED", "Somebody took a work item on, for as long as the lease lasts."
    WORK_ITEM_EXTENDED = "WORK_ITEM_EXTENDED", "Whoever is at a work item needs more time."
    WORK_ITEM_COMPLETED = "WORK_ITEM_COMPLETED", "A work item is done."
    WORK_ITEM_FAILED = "WORK_ITEM_FAILED", "An attempt at a work item failed; it comes back to its queue after a delay."
    WORK_ITEM_DEAD = "WORK_ITEM_DEAD", "The last attempt at a work item failed; somebody has to decide."
    WORK_ITEM_READY = "WORK_ITEM_READY", "A work item is back: its lease ran out, or the delay after a failure is over."
    WORK_ITEM_REASSIGNED = "WORK_ITEM_REASSIGNED", "A work item was given to another queue, person, skill or time."
    WORK_ITEM_RETRIED = "WORK_ITEM_RETRIED", "A dead work item was put back into its queue."


@row
class Event:
    """One change: its subject, whom it concerns, and a sentence for people.

    `customer_id`, `order_id`, `location_id`, `channel_id` and `variant_id` are what feeds and timelines filter by. `sequence` counts
    the subject's events; a decision leaves it at 0, and `numbered` gives it.
    """

    type: EventType
    subject_type: str
    subject_id: UUID
    message: str
    data: dict[str, Any]
    customer_id: UUID | None = None
    order_id: UUID | None = None
    location_id: UUID | None = None
    channel_id: UUID | None = None
    variant_id: UUID | None = None
    sequence: int = 0


def numbered(order: Order, events: tuple[Event, ...]) -> tuple[Order, tuple[Event, ...]]:
    """Give each event its place among its subject's events, and let the subjects remember how far they counted.

    Subjects are the order and what hangs on it; events that have a sequence already (stock) keep it.
    """
    subjects: list[Any] = [order, *order.fulfillment_orders, *order.shipments, *order.returns]
    known = {row.id: row.event_sequence for row in subjects}
    counted = []
    for event in events:
        if not event.sequence:
            known[event.subject_id] += 1
            event = replace(event, sequence=known[event.subject_id])  # noqa: PLW2901
        counted.append(event)

    def remember(rows: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(_counted(row, known[row.id]) for row in rows)

    order = replace(
        order,
        event_sequence=known[order.id],
        fulfillment_orders=remember(order.fulfillment_orders),
        shipments=remember(order.shipments),
        returns=remember(order.returns),
    )
    return order, tuple(counted)


def _counted(row: Any, sequence: int) -> Any:
    return row if row.event_sequence == sequence else replace(row, event_sequence=sequence)


def about(order: Order, type_: EventType, message: str, **rest: Any) -> Event:
    """An event of an order, or (with `subject`) of something that hangs on it."""
    subject = rest.pop("subject", order)
    return Event(
        type_,
        type(subject).__name__,
        subject.id,
        message,
        data=rest.pop("data", {}),
        customer_id=order.customer_id,
        order_id=order.id,
        location_id=getattr(subject, "location_id", None),
        channel_id=order.channel_id,
    )


def counted(subject: Any, type_: EventType, message: str, **rest: Any) -> tuple[Any, Event]:
    """An event of something that no order has, and the thing, which has counted it."""
    subject = replace(subject, event_sequence=subject.event_sequence + 1)
    data, sequence = rest.pop("data", {}), subject.event_sequence
    return subject, Event(type_, type(subject).__name__, subject.id, message, data=data, sequence=sequence, **rest)
