"""Messages: what customers are told, and what they choose to be told."""

from datetime import datetime
from typing import Annotated

import strawberry

from domain.messages import MessageKind, MessageMedium, MessageStatus, MessageTopic
from domain.store import tables as t
from domain.store import visibility
from resolvers.reading.mapping import Sort, Subject, column, many, one, reads
from schema.common import Node, entity, id_of, words

words(MessageKind)
words(MessageMedium)
words(MessageStatus)
words(MessageTopic)

MESSAGE_SORTS: dict[str, tuple[Sort, bool]] = {
    "CREATED_AT": (lambda message: [message.c.created_at, message.c.id], True)
}


@strawberry.type(description="Something that a customer was told, or is to be. For those who see every order.")
@entity(t.messages, visibility.messages)
class Message(Node):
    """A message by one medium."""

    id: strawberry.ID = id_of("Message")
    kind: MessageKind = column("kind", "What it tells.")
    medium: MessageMedium = column("medium", "Which way it goes.")
    status: MessageStatus = column("status", "What became of it.")
    reason: str | None = column("reason", "Why it was not sent, or not yet.")
    recipient: str | None = column("recipient", "The address that it goes to; null where there is none.")
    locale: str | None = column("locale", "The language it was written in; null until it is sent.")
    title: str | None = column("subject", "Its subject line; null until it is sent.")
    created_at: datetime = column("created_at", "When we were told what it tells.")
    ended_at: datetime | None = column("ended_at", "When it was sent, or given up; null while it is pending.")
    cause: Node | None = reads(
        Subject(lambda row, _arguments: row.c.cause_type, lambda row, _arguments: row.c.cause_id),
        "What it is about: an order, a shipment, a fulfillment order, a return or a payment.",
    )
    order: Annotated["Order", strawberry.lazy("schema.orders")] = one(
        lambda message, order: order.c.id == message.c.order_id, "The order that it is about, or that its cause is of."
    )


@strawberry.type(description="Messages that a customer does not want.")
@entity(t.message_opt_outs, visibility.message_opt_outs)
class MessageOptOut:
    """A topic that they left."""

    topic: MessageTopic = column("topic", "What they do not want to be told.")
    medium: MessageMedium = column("medium", "Which way.")
    opted_out_at: datetime = column("opted_out_at", "Since when.")


@strawberry.type(description="What a customer chose to be told, and in which language.")
class MessagePreferences:
    """The customer's choice."""

    locale: str | None = column("locale", "The language to write to them in; null: the order's, else the channel's.")
    opt_outs: list[MessageOptOut] = many(
        lambda customer, left: left.c.customer_id == customer.c.id,
        lambda left: [left.c.topic, left.c.medium],
        "What they do not want; they are told everything else; at most 20.",
        limit=20,
    )
