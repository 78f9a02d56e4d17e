"""Messages to customers, what customers do not want to be told, and the languages they are written to in.

Revision ID: 0007
"""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the messages, the opt-outs and the locales."""
    for statement in UPGRADE.split(";\n\n"):
        op.get_bind().exec_driver_sql(statement)


def downgrade() -> None:
    """Nobody goes back."""
    raise NotImplementedError("restore a backup instead")


UPGRADE = """
ALTER TABLE channels ADD COLUMN locale TEXT;

ALTER TABLE orders ADD COLUMN locale TEXT;

ALTER TABLE customers ADD COLUMN locale TEXT, ADD COLUMN event_sequence INTEGER DEFAULT 0 NOT NULL;

CREATE TABLE messages (
    id UUID NOT NULL,
    kind TEXT NOT NULL,
    medium TEXT NOT NULL,
    status TEXT NOT NULL,
    cause_type TEXT NOT NULL,
    cause_id UUID NOT NULL,
    order_id UUID NOT NULL,
    channel_id UUID NOT NULL,
    customer_id UUID,
    recipient TEXT,
    locale TEXT,
    subject TEXT,
    reason TEXT,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    ended_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_messages PRIMARY KEY (id),
    CONSTRAINT fk_messages_order_id FOREIGN KEY (order_id) REFERENCES orders (id),
    CONSTRAINT ck_messages_kind CHECK (kind IN (
        'ORDER_CONFIRMED', 'SHIPPED', 'OUT_FOR_DELIVERY', 'READY_FOR_PICKUP', 'DELIVERED', 'DELAYED', 'RETURN_RECEIVED',
        'REFUNDED'
    )),
    CONSTRAINT ck_messages_medium CHECK (medium IN ('EMAIL', 'SMS', 'PUSH')),
    CONSTRAINT ck_messages_status CHECK (status IN ('PENDING', 'SENT', 'FAILED', 'SUPPRESSED')),
    CONSTRAINT ck_messages_ended_at_unless_pending CHECK ((ended_at IS NULL) = (status = 'PENDING')),
    CONSTRAINT uq_messages_cause_id_kind_medium_recipient
        UNIQUE NULLS NOT DISTINCT (cause_id, kind, medium, recipient)
);

CREATE INDEX ix_messages_order_id_created_at_id ON messages (order_id, created_at, id);

CREATE INDEX ix_messages_customer_id_created_at_id ON messages (customer_id, created_at, id);

CREATE TABLE message_opt_outs (
    customer_id UUID NOT NULL,
    topic TEXT NOT NULL,
    medium TEXT NOT NULL,
    opted_out_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_message_opt_outs PRIMARY KEY (customer_id, topic, medium),
    CONSTRAINT fk_message_opt_outs_customer_id FOREIGN KEY (customer_id) REFERENCES customers (id),
    CONSTRAINT ck_message_opt_outs_topic CHECK (topic IN ('ORDER', 'DELIVERY', 'RETURN')),
    CONSTRAINT ck_message_opt_outs_medium CHECK (medium IN ('EMAIL', 'SMS', 'PUSH'))
)
"""
