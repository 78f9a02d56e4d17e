"""Who is told of events over HTTP."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from domain.store.tables import columns as c
from domain.webhooks import DeliveryStatus, EndpointStatus, WebhookFormat

webhook_endpoints = Table(
    "webhook_endpoints",
    c.metadata,
    c.id(),
    c.text("url"),
    c.text("description", nullable=True),
    c.text("secret"),
    c.text("previous_secret", nullable=True),
    c.at("previous_secret_until"),
    Column("types", ARRAY(Text), nullable=False),
    c.of("channel_id", "channels", nullable=True),
    c.text("query", nullable=True),
    c.text("format"),
    c.text("status"),
    c.text("disabled_reason", nullable=True),
    c.at("disabled_at"),
    c.count("failures"),
    c.count("holds"),
    c.at("held_until"),
    c.text("owner_subject"),
    Column("owner", JSONB, nullable=False),
    c.at("created_at", nullable=False),
    c.one_of("format", WebhookFormat),
    c.one_of("status", EndpointStatus),
    CheckConstraint("(status = 'FAILING') = (held_until is not null)", name="held"),
    Index("ix_webhook_endpoints_channel_id", "channel_id"),
    Index("ix_webhook_endpoints_owner_subject_id", "owner_subject", "id"),
)
"""`types` is empty for all of them. `failures` are those in a row, `holds` how often deliveries were held since one arrived.

`owner` is what the owner might see and do when the endpoint was made or last changed by them.
"""

webhook_deliveries = Table(
    "webhook_deliveries",
    c.metadata,
    c.id(),
    c.of("endpoint_id", "webhook_endpoints"),
    Column("event_id", BigInteger),
    c.text("type"),
    Column("subject_id", Uuid),
    c.text("status"),
    c.count("attempts"),
    c.count("tries"),
    Column("response_status", Integer),
    c.text("error", nullable=True),
    c.at("queued_at", nullable=False),
    c.at("next_attempt_at"),
    c.at("ended_at"),
    c.one_of("status", DeliveryStatus),
    CheckConstraint("(status = 'PENDING') = (ended_at is null)", name="ended"),
    UniqueConstraint("endpoint_id", "event_id"),
    Index("ix_webhook_deliveries_endpoint_id_id", "endpoint_id", "id"),
    Index("ix_webhook_deliveries_endpoint_id_status_id", "endpoint_id", "status", "id"),
    Index("ix_webhook_deliveries_queued_at", "queued_at"),
)
"""One event for one endpoint; without an event, a ping. `attempts` counts all of them, `tries` those since `queued_at`."""

webhook_attempts = Table(
    "webhook_attempts",
    c.metadata,
    Column("delivery_id", Uuid, ForeignKey("webhook_deliveries.id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True),
    c.at("began_at", nullable=False),
    Column("duration_ms", Integer, nullable=False),
    Column("response_status", Integer),
    c.text("response_body", nullable=True),
    c.text("error", nullable=True),
)
