"""Webhooks: who is told of events, what is on its way to them, and every attempt.

Revision ID: 0006
"""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the endpoints, the deliveries and their attempts."""
    for statement in UPGRADE.split(";\n\n"):
        op.get_bind().exec_driver_sql(statement)


def downgrade() -> None:
    """Nobody goes back."""
    raise NotImplementedError("restore a backup instead")


UPGRADE = """
CREATE TABLE webhook_endpoints (
    id UUID NOT NULL,
    url TEXT NOT NULL,
    description TEXT,
    secret TEXT NOT NULL,
    previous_secret TEXT,
    previous_secret_until TIMESTAMP WITH TIME ZONE,
    types TEXT[] NOT NULL,
    channel_id UUID,
    query TEXT,
    format TEXT NOT NULL,
    status TEXT NOT NULL,
    disabled_reason TEXT,
    disabled_at TIMESTAMP WITH TIME ZONE,
    failures INTEGER DEFAULT 0 NOT NULL,
    holds INTEGER DEFAULT 0 NOT NULL,
    held_until TIMESTAMP WITH TIME ZONE,
    owner_subject TEXT NOT NULL,
    owner JSONB NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_webhook_endpoints PRIMARY KEY (id),
    CONSTRAINT fk_webhook_endpoints_channel_id FOREIGN KEY (channel_id) REFERENCES channels (id),
    CONSTRAINT ck_webhook_endpoints_format CHECK (format in ('STANDARD', 'CLOUDEVENTS')),
    CONSTRAINT ck_webhook_endpoints_status CHECK (status in ('ACTIVE', 'FAILING', 'DISABLED', 'DELETED')),
    CONSTRAINT ck_webhook_endpoints_held CHECK ((status = 'FAILING') = (held_until is not null))
);

CREATE INDEX ix_webhook_endpoints_channel_id ON webhook_endpoints (channel_id);

CREATE INDEX ix_webhook_endpoints_owner_subject_id ON webhook_endpoints (owner_subject, id);

CREATE TABLE webhook_deliveries (
    id UUID NOT NULL,
    endpoint_id UUID NOT NULL,
    event_id BIGINT,
    type TEXT NOT NULL,
    subject_id UUID,
    status TEXT NOT NULL,
    attempts INTEGER DEFAULT 0 NOT NULL,
    tries INTEGER DEFAULT 0 NOT NULL,
    response_status INTEGER,
    error TEXT,
    queued_at TIMESTAMP WITH TIME ZONE NOT NULL,
    next_attempt_at TIMESTAMP WITH TIME ZONE,
    ended_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_webhook_deliveries PRIMARY KEY (id),
    CONSTRAINT fk_webhook_deliveries_endpoint_id FOREIGN KEY (endpoint_id) REFERENCES webhook_endpoints (id),
    CONSTRAINT uq_webhook_deliveries_endpoint_id_event_id UNIQUE (endpoint_id, event_id),
    CONSTRAINT ck_webhook_deliveries_status CHECK (status in ('PENDING', 'DELIVERED', 'DEAD', 'CANCELED')),
    CONSTRAINT ck_webhook_deliveries_ended CHECK ((status = 'PENDING') = (ended_at is null))
) WITH (fillfactor = 80);

CREATE INDEX ix_webhook_deliveries_endpoint_id_id ON webhook_deliveries (endpoint_id, id);

CREATE INDEX ix_webhook_deliveries_endpoint_id_status_id ON webhook_deliveries (endpoint_id, status, id);

CREATE INDEX ix_webhook_deliveries_queued_at ON webhook_deliveries (queued_at);

CREATE TABLE webhook_attempts (
    delivery_id UUID NOT NULL,
    number INTEGER NOT NULL,
    began_at TIMESTAMP WITH TIME ZONE NOT NULL,
    duration_ms INTEGER NOT NULL,
    response_status INTEGER,
    response_body TEXT,
    error TEXT,
    CONSTRAINT pk_webhook_attempts PRIMARY KEY (delivery_id, number),
    CONSTRAINT fk_webhook_attempts_delivery_id FOREIGN KEY (delivery_id) REFERENCES webhook_deliveries (id)
        ON DELETE CASCADE
)
"""
