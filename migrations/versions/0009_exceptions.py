"""Exceptions, holds that expire, what a carrier said last, and until when an authorization holds.

Revision ID: 0009
"""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the exceptions, and the moments from which they are told."""
    for statement in UPGRADE.split(";\n\n"):
        op.get_bind().exec_driver_sql(statement)


def downgrade() -> None:
    """Nobody goes back."""
    raise NotImplementedError("restore a backup instead")


UPGRADE = """
CREATE TABLE exceptions (
    id UUID NOT NULL,
    kind TEXT NOT NULL,
    severity TEXT NOT NULL,
    subject_type TEXT NOT NULL,
    subject_id UUID NOT NULL,
    order_id UUID,
    customer_id UUID,
    location_id UUID,
    channel_id UUID,
    detected_at TIMESTAMP WITH TIME ZONE NOT NULL,
    due_at TIMESTAMP WITH TIME ZONE,
    explanation TEXT NOT NULL,
    suggested_actions TEXT[] NOT NULL,
    acknowledged_at TIMESTAMP WITH TIME ZONE,
    acknowledged_by_kind TEXT,
    acknowledged_by TEXT,
    note TEXT,
    resolved_at TIMESTAMP WITH TIME ZONE,
    resolution TEXT,
    event_sequence INTEGER DEFAULT 0 NOT NULL,
    CONSTRAINT pk_exceptions PRIMARY KEY (id),
    CONSTRAINT fk_exceptions_order_id FOREIGN KEY (order_id) REFERENCES orders (id),
    CONSTRAINT fk_exceptions_customer_id FOREIGN KEY (customer_id) REFERENCES customers (id),
    CONSTRAINT fk_exceptions_location_id FOREIGN KEY (location_id) REFERENCES locations (id),
    CONSTRAINT fk_exceptions_channel_id FOREIGN KEY (channel_id) REFERENCES channels (id),
    CONSTRAINT ck_exceptions_kind CHECK (kind in (
        'LATE_PICK', 'LATE_SHIPMENT', 'STUCK_TRACKING', 'PROMISE_AT_RISK', 'PAYMENT_EXPIRING', 'PAYMENT_UNANSWERED',
        'DELIVERY_FAILING', 'UNFILLABLE_ORDER'
    )),
    CONSTRAINT ck_exceptions_severity CHECK (severity in ('MEDIUM', 'HIGH', 'CRITICAL')),
    CONSTRAINT ck_exceptions_resolved_with_a_reason CHECK ((resolved_at is null) = (resolution is null)),
    CONSTRAINT ck_exceptions_acknowledged_by_somebody CHECK ((acknowledged_at is null) = (acknowledged_by is null))
);

CREATE UNIQUE INDEX uq_exceptions_open ON exceptions (kind, subject_id) WHERE resolved_at is null;

CREATE INDEX ix_exceptions_subject_id ON exceptions (subject_id);

CREATE INDEX ix_exceptions_detected_at_id ON exceptions (detected_at, id);

CREATE INDEX ix_exceptions_kind_detected_at_id ON exceptions (kind, detected_at, id);

CREATE INDEX ix_exceptions_severity_detected_at_id ON exceptions (severity, detected_at, id);

CREATE INDEX ix_exceptions_order_id_detected_at_id ON exceptions (order_id, detected_at, id);

CREATE INDEX ix_exceptions_customer_id_detected_at_id ON exceptions (customer_id, detected_at, id);

CREATE INDEX ix_exceptions_location_id_detected_at_id ON exceptions (location_id, detected_at, id);

CREATE INDEX ix_exceptions_channel_id_detected_at_id ON exceptions (channel_id, detected_at, id);

CREATE INDEX ix_exceptions_open ON exceptions (detected_at, id) WHERE resolved_at is null;

CREATE INDEX ix_exceptions_open_kind ON exceptions (kind, detected_at, id) WHERE resolved_at is null;

CREATE INDEX ix_exceptions_open_location_id ON exceptions (location_id, detected_at, id) WHERE resolved_at is null;

ALTER TABLE order_holds ADD COLUMN expires_at TIMESTAMP WITH TIME ZONE;

CREATE INDEX ix_order_holds_expires_at_id ON order_holds (expires_at, id)
    WHERE released_at is null and expires_at is not null;

ALTER TABLE payments ADD COLUMN expires_at TIMESTAMP WITH TIME ZONE;

UPDATE payments SET expires_at = occurred_at + interval '7 days'
WHERE kind = 'AUTHORIZATION' AND status = 'SUCCEEDED' AND occurred_at > now() - interval '14 days';

CREATE INDEX ix_payments_expires_at_id ON payments (expires_at, id) WHERE expires_at is not null;

CREATE INDEX ix_payments_requested ON payments (recorded_at, id) WHERE status = 'REQUESTED';

ALTER TABLE shipments ADD COLUMN heard_at TIMESTAMP WITH TIME ZONE, ADD COLUMN heard_code TEXT;

UPDATE shipments SET heard_at = last.occurred_at, heard_code = last.code
FROM (
    SELECT DISTINCT ON (shipment_id) shipment_id, occurred_at, code FROM tracking_events
    ORDER BY shipment_id, occurred_at DESC, recorded_at DESC, id DESC
) AS last
WHERE last.shipment_id = shipments.id;

UPDATE shipments SET heard_at = handed_over_at WHERE handed_over_at > heard_at OR heard_at IS NULL;

CREATE INDEX ix_shipments_in_house ON shipments (created_at, id) WHERE status in ('CREATED', 'LABELED');

CREATE INDEX ix_shipments_away ON shipments (heard_at, id)
    WHERE status in ('HANDED_OVER', 'IN_TRANSIT', 'OUT_FOR_DELIVERY');

CREATE INDEX ix_shipments_failing ON shipments (heard_at, id)
    WHERE heard_code in ('ATTEMPTED', 'EXCEPTION', 'RETURNED');

CREATE INDEX ix_fulfillment_orders_unfinished ON fulfillment_orders (due_at, id)
    WHERE status in ('OPEN', 'ACCEPTED', 'PICKING', 'PACKED');

CREATE INDEX ix_orders_promised ON orders (deliver_by_latest, id)
    WHERE status in ('PENDING', 'CONFIRMED', 'IN_FULFILLMENT') and deliver_by_latest is not null;

CREATE INDEX ix_routing_decisions_unfilled ON routing_decisions (decided_at, id) WHERE unfilled <> '[]'
"""
