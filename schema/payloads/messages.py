"""Payloads about messages."""

import strawberry

from domain.messages import MessageMedium, MessageTopic
from schema.customers import Customer
from schema.errors import UserError
from schema.payloads.fields import errors, one_made


@strawberry.type(description="The customer whose choice was set.")
class CustomerMessagePreferencesSetPayload:
    """What customerMessagePreferencesSet answers."""

    customer: Customer | None = one_made("customer", "The customer; null when it was refused.")
    user_errors: list[UserError] = errors()


@strawberry.type(description="What the link's customer is not told any more.")
class MessagesUnsubscribePayload:
    """What messagesUnsubscribe answers."""

    topic: MessageTopic | None = strawberry.field(description="What they left; null when it was refused.")
    medium: MessageMedium | None = strawberry.field(description="Which way; null when it was refused.")
    user_errors: list[UserError] = errors()
