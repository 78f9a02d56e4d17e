"""Messages: what customers are told, of which events, by which way; and what a gateway that carries them must do."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

from domain.events import Event, EventType
from domain.model import Message
from domain.refusals import InvalidInput
from domain.words import Word


class MessageKind(Word):
    """What a customer is told."""

    ORDER_CONFIRMED = "ORDER_CONFIRMED", "Their order was accepted."
    SHIPPED = "SHIPPED", "The carrier has their parcels."
    OUT_FOR_DELIVERY = "OUT_FOR_DELIVERY", "Their parcels come today."
    READY_FOR_PICKUP = "READY_FOR_PICKUP", "Their goods wait at the counter."
    PICKUP_DECLINED = "PICKUP_DECLINED", "The store has not got what they were to fetch there: they should not come."
    DELIVERED = "DELIVERED", "Their parcels arrived."
    DELAYED = "DELAYED", "What was promised may come later."
    RETURN_RECEIVED = "RETURN_RECEIVED", "What they sent back arrived."
    REFUNDED = "REFUNDED", "Money went back to them."


class MessageMedium(Word):
    """The way by which a message goes."""

    EMAIL = "EMAIL", "To the order's e-mail address."
    SMS = "SMS", "To the order's phone."
    PUSH = "PUSH", "To the customer's app; the push service knows their devices."


class MessageTopic(Word):
    """Kinds of messages that a customer takes or leaves together."""

    ORDER = "ORDER", "That an order was accepted and that money went back; by e-mail it is always sent."
    DELIVERY = "DELIVERY", "Where parcels are, and when they come later than promised."
    RETURN = "RETURN", "That goods came back."


class MessageStatus(Word):
    """What became of a message."""

    PENDING = "PENDING", "Is still to be sent, or to be tried again."
    SENT = "SENT", "The gateway took it."
    FAILED = "FAILED", "It will not be sent; the reason says why."
    SUPPRESSED = "SUPPRESSED", "There is no address, or the customer wants none of its kind."


TOPIC_OF = {
    MessageKind.ORDER_CONFIRMED: MessageTopic.ORDER,
    MessageKind.SHIPPED: MessageTopic.DELIVERY,
    MessageKind.OUT_FOR_DELIVERY: MessageTopic.DELIVERY,
    MessageKind.READY_FOR_PICKUP: MessageTopic.DELIVERY,
    MessageKind.PICKUP_DECLINED: MessageTopic.DELIVERY,
    MessageKind.DELIVERED: MessageTopic.DELIVERY,
    MessageKind.DELAYED: MessageTopic.DELIVERY,
    MessageKind.RETURN_RECEIVED: MessageTopic.RETURN,
    MessageKind.REFUNDED: MessageTopic.ORDER,
}

CAUSE_OF = {
    MessageKind.ORDER_CONFIRMED: "Order",
    MessageKind.SHIPPED: "Shipment",
    MessageKind.OUT_FOR_DELIVERY: "Shipment",
    MessageKind.READY_FOR_PICKUP: "FulfillmentOrder",
    MessageKind.PICKUP_DECLINED: "FulfillmentOrder",
    MessageKind.DELIVERED: "Shipment",
    MessageKind.DELAYED: "Order",
    MessageKind.RETURN_RECEIVED: "Return",
    MessageKind.REFUNDED: "Payment",
}
"""What a message is about. A customer is told once of each, however many events say it."""

OVERTAKEN_BY: dict[MessageKind, tuple[MessageKind, ...]] = {
    MessageKind.SHIPPED: (MessageKind.OUT_FOR_DELIVERY, MessageKind.DELIVERED),
    MessageKind.OUT_FOR_DELIVERY: (MessageKind.DELIVERED,),
}
"""What a customer who was told this of a shipment does not want to hear any more: carriers deliver scans late."""

TOLD_BY: dict[tuple[str, str | None], MessageKind] = {
    ("ORDER_CONFIRMED", None): MessageKind.ORDER_CONFIRMED,
    ("SHIPMENT_HANDED_OVER", None): MessageKind.SHIPPED,
    ("SHIPMENT_TRACKED", "PICKED_UP"): MessageKind.SHIPPED,
    ("SHIPMENT_TRACKED", "IN_TRANSIT"): MessageKind.SHIPPED,
    ("SHIPMENT_TRACKED", "OUT_FOR_DELIVERY"): MessageKind.OUT_FOR_DELIVERY,
    ("SHIPMENT_DELIVERED", None): MessageKind.DELIVERED,
    ("FULFILLMENT_ORDER_READY_FOR_PICKUP", None): MessageKind.READY_FOR_PICKUP,
    ("PICKUP_DECLINED", None): MessageKind.PICKUP_DECLINED,
    ("EXCEPTION_RAISED", "PROMISE_AT_RISK"): MessageKind.DELAYED,
    ("RETURN_RECEIVED", None): MessageKind.RETURN_RECEIVED,
    ("PAYMENT_REFUNDED", None): MessageKind.REFUNDED,
}
"""Which events are told: their type, and what sort of it where the type alone says too little."""

SORT_IN = {"SHIPMENT_TRACKED": "code", "EXCEPTION_RAISED": "kind"}
"""Where such an event says its sort, in its data."""

NEWS = timedelta(days=1)
"""What we are told later than this is history that somebody enters: nobody writes to its customers."""

PATIENCE = timedelta(days=2)
TODAY = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class Announcement:
    """That a customer is to be told something, and what it is about."""

    kind: MessageKind
    cause_id: UUID
    order_id: UUID
    told_at: datetime

    @property
    def cause_type(self) -> str:
        """The type of what it is about."""
        return CAUSE_OF[self.kind]


@dataclass(frozen=True, slots=True)
class Letter:
    """A message in words, on its way to somebody. The id stays the same however often it is sent."""

    id: UUID
    recipient: str
    subject: str
    text: str
    html: str | None = None
    language: str = "en"
    unsubscribe_url: str | None = None


class Undeliverable(Exception):
    """It will never arrive: there is no such address, or it was refused for good."""


class NotNow(Exception):
    """It may arrive later."""


class MessageGateway(Protocol):
    """Who carries messages of one medium, outside our walls.

    The same letter may be handed over again after a crash, under the same id. What cannot arrive raises
    `Undeliverable`; what may arrive later raises `NotNow`.
    """

    async def send(self, letter: Letter) -> str:
        """Hand it over; what the gateway answered."""
        ...


def announced(
    type_: str, subject_id: UUID, order_id: UUID | None, data: Mapping[str, Any], moments: tuple[datetime, datetime]
) -> Announcement | None:
    """What a customer is to be told of an event, if anything. `moments`: when it happened, when we were told."""
    kind = TOLD_BY.get((type_, data.get(SORT_IN[type_]) if type_ in SORT_IN else None))
    happened_at, told_at = moments
    if kind is None or order_id is None or told_at - happened_at > NEWS:
        return None
    match CAUSE_OF[kind]:
        case "Order":
            cause_id = order_id
        case "Payment":
            cause_id = UUID(data["paymentId"])
        case _:
            cause_id = subject_id
    return Announcement(kind, cause_id, order_id, told_at)


def patience(kind: MessageKind) -> timedelta:
    """How long after its event a message is still worth sending."""
    return TODAY if kind is MessageKind.OUT_FOR_DELIVERY else PATIENCE


def still_news(announcements: list[Announcement]) -> list[Announcement]:
    """Those that nothing before them has told already, or overtaken."""
    told: set[tuple[MessageKind, UUID]] = set()
    kept = []
    for each in announcements:
        heard = (each.kind, *OVERTAKEN_BY.get(each.kind, ()))
        if not any((kind, each.cause_id) in told for kind in heard):
            told.add((each.kind, each.cause_id))
            kept.append(each)
    return kept


def may_be_left(topic: MessageTopic, medium: MessageMedium) -> bool:
    """Whether customers may opt out: an order's confirmation and its refunds are owed to them in writing."""
    return (topic, medium) != (MessageTopic.ORDER, MessageMedium.EMAIL)


def refuse_unleavable(topic: MessageTopic, medium: MessageMedium, *place: str) -> None:
    """Refuse to opt out of what is owed."""
    if not may_be_left(topic, medium):
        raise InvalidInput("confirmations and refunds are always sent by e-mail", field=place)


def unwanted(message: Message, *, opted_out: bool) -> str | None:
    """Why a message is not sent at all; None when it is."""
    if message.recipient is None:
        return "no address"
    topic = TOPIC_OF[MessageKind(message.kind)]
    return "opted out" if opted_out and may_be_left(topic, MessageMedium(message.medium)) else None


LOCALE = re.compile(r"[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?")


def refuse_odd_locale(text: str | None, *place: str) -> None:
    """Refuse what is no language as BCP 47 writes it: `pt`, `pt-BR`, `zh-Hant-TW`."""
    if text is not None and not LOCALE.fullmatch(text):
        raise InvalidInput("a locale is a language and perhaps a country, such as pt-BR", field=place)


ENDED = {
    MessageStatus.SENT: (EventType.MESSAGE_SENT, "was sent"),
    MessageStatus.FAILED: (EventType.MESSAGE_FAILED, "could not be sent"),
    MessageStatus.SUPPRESSED: (EventType.MESSAGE_SUPPRESSED, "was not sent"),
}


def ended(message: Message) -> Event:
    """What the log tells of a message that is done with: not to whom, for the log outlives what is erased."""
    type_, done = ENDED[MessageStatus(message.status)]
    named = message.kind.replace("_", " ").capitalize()
    return Event(
        type_,
        "Message",
        message.id,
        f"“{named}” {done}.",
        data={"kind": message.kind, "medium": message.medium},
        customer_id=message.customer_id,
        order_id=message.order_id,
        channel_id=message.channel_id,
        sequence=1,
    )
