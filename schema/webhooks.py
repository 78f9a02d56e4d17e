"""Webhooks: the endpoints that are told, and what became of each delivery."""

from datetime import datetime

import strawberry
from sqlalchemy import ARRAY, BigInteger, ColumnElement, Text, any_, case, func, select

from domain import ids
from domain.events import EventType
from domain.store import tables as t
from domain.store import visibility
from domain.viewer import Scope
from domain.webhooks import DeliveryStatus, EndpointStatus, WebhookFormat
from resolvers.reading.mapping import Condition, Row, Sort, Values, column, inline, many, one
from schema.catalog import Channel
from schema.common import URL, Actor, Node, entity, id_of, words
from schema.events import Event

words(EndpointStatus, name="WebhookEndpointStatus")
words(DeliveryStatus, name="WebhookDeliveryStatus")
words(WebhookFormat)


@strawberry.type(
    description="Another system that is told what happens, over HTTP, signed as Standard Webhooks says. "
    "Operations see all of them; another system those that it made. Needs webhooks:write."
)
@entity(t.webhook_endpoints, visibility.webhook_endpoints)
class WebhookEndpoint(Node):
    """An endpoint."""

    id: strawberry.ID = id_of("WebhookEndpoint")
    url: URL = column("url", "Where deliveries go.")
    description: str | None = column("description", "What it is for.")
    types: list[EventType] = column("types", "The events that it is told of; of all where empty; at most 200.")
    channel: Channel | None = one(
        lambda row, channel: channel.c.id == row.c.channel_id, "The channel that events must concern; null for any."
    )
    query: str | None = column("query", "The query whose answer is put into the payload.")
    format: WebhookFormat = column("format", "How the body is laid out.")
    status: EndpointStatus = column("status", "Whether it is sent anything.")
    disabled_reason: str | None = column("disabled_reason", "Why it is disabled or deleted.")
    disabled_at: datetime | None = column(
        "disabled_at", "When it was last disabled, or deleted: where a replay begins."
    )
    failures: int = column("failures", "Attempts that failed in a row; at 10 its deliveries are held.")
    held_until: datetime | None = column("held_until", "When a failing endpoint is tried again, by one delivery.")
    secret: str | None = column("secret", "What deliveries are signed with.", needs=Scope.WEBHOOKS_WRITE)
    previous_secret_until: datetime | None = column(
        "previous_secret_until", "Until when the secret before this one signs too."
    )
    owner: Actor = inline(
        lambda row: Values(kind=row.c.owner["kind"].astext, name=row.c.owner["name"].astext),
        "Whose rights it has: nothing is sent that they might not see.",
    )
    created_at: datetime = column("created_at", "Since when there is this endpoint.")


@strawberry.type(description="One try to hand a delivery over.")
@entity(t.webhook_attempts, visibility.webhook_attempts)
class WebhookAttempt:
    """An attempt."""

    number: int = column("number", "The how-many-eth of its delivery it is.")
    began_at: datetime = column("began_at", "When it began.")
    duration_ms: int = column("duration_ms", "How long it took, in milliseconds.")
    response_status: int | None = column("response_status", "The status that came back; null where none did.")
    response_body: str | None = column("response_body", "The answer's first thousand bytes.")
    error: str | None = column("error", "Why it failed, or what the query could not tell.")


def _next_attempt_at(row: Row) -> ColumnElement[datetime]:
    """Not before its endpoint is let go."""
    endpoint = t.webhook_endpoints.alias()
    held = select(endpoint.c.held_until).where(endpoint.c.id == row.c.endpoint_id).correlate_except(endpoint)
    later = func.greatest(row.c.next_attempt_at, held.scalar_subquery())
    return case((row.c.next_attempt_at.is_not(None), later))


@strawberry.type(description="One event for one endpoint, under one id however often it is sent; or a ping.")
@entity(t.webhook_deliveries, visibility.webhook_deliveries)
class WebhookDelivery(Node):
    """A delivery."""

    id: strawberry.ID = id_of("WebhookDelivery")
    endpoint: WebhookEndpoint = one(lambda row, endpoint: endpoint.c.id == row.c.endpoint_id, "To whom.")
    event: Event | None = one(
        lambda row, event: event.c.id == row.c.event_id,
        "Of what; null for a ping, and where the event is archived or not yours to see.",
        follows=visibility.NOBODY,
    )
    type: str = column("type", "The event's type, or PING.")
    status: DeliveryStatus = column("status", "How it stands.")
    attempts: int = column("attempts", "How often it was tried, replays included.")
    response_status: int | None = column("response_status", "What the last attempt was answered.")
    error: str | None = column("error", "Why it has not arrived, or what the query could not tell.")
    queued_at: datetime = column("queued_at", "When it was to be sent, or to be sent again.")
    next_attempt_at: datetime | None = column(
        _next_attempt_at, "When it is tried next, at the earliest: it waits for those of its subject before it."
    )
    ended_at: datetime | None = column("ended_at", "When it arrived, or was given up or called off.")
    attempt_log: list[WebhookAttempt] = many(
        lambda row, attempt: attempt.c.delivery_id == row.c.id,
        lambda attempt: [attempt.c.number.desc()],
        "How each attempt went, the latest first; at most 50.",
        limit=50,
    )


DELIVERY_SORTS: dict[str, tuple[Sort, bool]] = {"ID": (lambda row: [row.c.id], True)}
ENDPOINT_SORTS: dict[str, tuple[Sort, bool]] = {"ID": (lambda row: [row.c.id], False)}

DELIVERY_FILTERS: dict[str, Condition] = {
    "status": lambda row, given: row.c.status == any_(given.bind(ARRAY(Text))),
    "eventId": lambda row, given: row.c.event_id == given.bind(BigInteger(), _number_of),
}


def _number_of(id_: str) -> int | None:
    return ids.decode_number("Event", id_)


@strawberry.input(description="Which deliveries; what is given must hold together.")
class WebhookDeliveryFilter:
    """A filter of deliveries."""

    status: list[DeliveryStatus] | None = strawberry.field(default=None, description="In one of these statuses.")
    event_id: strawberry.ID | None = strawberry.field(default=None, description="Of this event.")
