"""Inputs about webhooks."""

from datetime import datetime

import strawberry

from domain.events import EventType
from domain.webhooks import WebhookFormat
from schema.common import URL
from schema.inputs import given, kept, key, optional


@strawberry.input(description="Another system that is to be told what happens.")
class WebhookEndpointCreateInput:
    """An endpoint."""

    idempotency_key: str = key()
    url: URL = given("Where to: https in production, on the open internet.")
    description: str | None = optional("What it is for, for people.")
    types: list[EventType] | None = optional("Of which events; of all of them if left out or empty.")
    channel: str | None = optional("Only of what concerns the channel with this code.")
    query: str | None = optional(
        "A query whose answer is put into the payload as `data.result`, asked with your rights: `$id` is the id of the "
        "event's subject, `$eventId` the event's. It may cost 10,000; 20,000 characters."
    )
    format: WebhookFormat = strawberry.field(default=WebhookFormat.STANDARD, description="How the body is laid out.")


@strawberry.input(description="What is to change about an endpoint; what is left out stays as it is.")
class WebhookEndpointUpdateInput:
    """Changes of an endpoint."""

    idempotency_key: str = key()
    id: strawberry.ID = given("The endpoint.")
    url: URL | None = optional("Where to.")
    description: str | None = kept("What it is for; null for nothing.")
    types: list[EventType] | None = optional("Of which events; of all of them if empty.")
    channel: str | None = kept("Only of what concerns the channel with this code; null for every channel.")
    query: str | None = kept("The query that shapes the payload; null for none.")
    format: WebhookFormat | None = optional("How the body is laid out.")
    enabled: bool | None = optional(
        "False disables it and calls off what is on its way; true enables it, and tries at once what waits for its "
        "next attempt."
    )


@strawberry.input(description="An endpoint that is to be told nothing any more.")
class WebhookEndpointDeleteInput:
    """The end of an endpoint."""

    idempotency_key: str = key()
    id: strawberry.ID = given("The endpoint.")


@strawberry.input(description="An endpoint that is to get a new secret.")
class WebhookSecretRotateInput:
    """A rotation."""

    idempotency_key: str = key()
    id: strawberry.ID = given("The endpoint.")
    overlap_seconds: int = strawberry.field(
        default=86_400, description="For how long the old secret signs too: 0 to 604,800; a day if left out."
    )


@strawberry.input(description="An endpoint to ping.")
class WebhookEndpointTestInput:
    """A ping."""

    idempotency_key: str = key()
    id: strawberry.ID = given("The endpoint.")


@strawberry.input(
    description="A range of the log to send to one endpoint: `after` a cursor or from a moment on. What still waits is "
    "left alone; what arrived, died or was called off is sent again under the same id."
)
class WebhookReplayInput:
    """A replay."""

    idempotency_key: str = key()
    endpoint_id: strawberry.ID = given("The endpoint.")
    after: str | None = optional("The cursor of an event: what comes after it in the log.")
    until: str | None = optional("The cursor of the last event; to the log's end if left out.")
    occurred_from: datetime | None = optional("Happened at or after this moment.")
    occurred_to: datetime | None = optional("Happened before this moment.")
