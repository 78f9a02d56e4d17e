"""Inputs about messages."""

import strawberry

from domain.messages import MessageMedium, MessageTopic
from schema.inputs import given, key, optional


@strawberry.input(description="Messages that a customer does not want.")
class MessageOptOutInput:
    """A topic by a medium."""

    topic: MessageTopic = given("What they do not want to be told.")
    medium: MessageMedium = given("Which way.")


@strawberry.input(description="What a customer wants to be told.")
class CustomerMessagePreferencesSetInput:
    """A customer's choice."""

    idempotency_key: str = key()
    customer_id: strawberry.ID = given("The customer.")
    locale: str | None = optional("The language to write to them in, such as pt-BR; as it was if left out.")
    opt_outs: list[MessageOptOutInput] | None = optional(
        "All that they do not want: what is not listed is wanted again; as it was if left out. "
        "An order's confirmation and its refunds are always sent by e-mail."
    )


@strawberry.input(description="The token in the link of a message.")
class MessagesUnsubscribeInput:
    """A link's token."""

    idempotency_key: str = key()
    token: str = given("The link's token.")
