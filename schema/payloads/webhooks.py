"""Payloads about webhooks."""

import strawberry

from schema.errors import UserError
from schema.payloads.fields import errors, one_made
from schema.webhooks import WebhookDelivery, WebhookEndpoint


@strawberry.type(description="The endpoint that listens from now on.")
class WebhookEndpointCreatePayload:
    """What webhookEndpointCreate answers."""

    endpoint: WebhookEndpoint | None = one_made("endpoint", "The endpoint; null when it was refused.")
    user_errors: list[UserError] = errors()


@strawberry.type(description="The endpoint as it is now.")
class WebhookEndpointUpdatePayload:
    """What webhookEndpointUpdate answers."""

    endpoint: WebhookEndpoint | None = one_made("endpoint", "The endpoint; null when it was refused.")
    user_errors: list[UserError] = errors()


@strawberry.type(description="The endpoint, deleted.")
class WebhookEndpointDeletePayload:
    """What webhookEndpointDelete answers."""

    endpoint: WebhookEndpoint | None = one_made("endpoint", "The endpoint; null when it was refused.")
    user_errors: list[UserError] = errors()


@strawberry.type(description="The endpoint with its new secret.")
class WebhookSecretRotatePayload:
    """What webhookSecretRotate answers."""

    endpoint: WebhookEndpoint | None = one_made("endpoint", "The endpoint; null when it was refused.")
    user_errors: list[UserError] = errors()


@strawberry.type(description="The ping that was sent.")
class WebhookEndpointTestPayload:
    """What webhookEndpointTest answers."""

    delivery: WebhookDelivery | None = one_made(
        "delivery", "The ping, which is on its way: ask for it again to see what came of it. Null when it was refused."
    )
    user_errors: list[UserError] = errors()


@strawberry.type(description="What of the log is sent again.")
class WebhookReplayPayload:
    """What webhookReplay answers."""

    endpoint: WebhookEndpoint | None = one_made("endpoint", "The endpoint; null when it was refused.")
    events: int | None = strawberry.field(description="How many events of the range it is sent; null when refused.")
    cursor: str | None = strawberry.field(
        description="Where to go on with another replay, `after` it: only 5,000 events are looked at. Null at the end."
    )
    user_errors: list[UserError] = errors()
