"""Promises: what was learned, what was promised by it, and what shipping costs the buyer.

Revision ID: 0017
"""

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add models, the promise's confidence and origin, and shipping prices."""
    for statement in UPGRADE.split(";\n\n"):
        op.get_bind().exec_driver_sql(statement)


def downgrade() -> None:
    """Nobody goes back."""
    raise NotImplementedError("restore a backup instead")


UPGRADE = """
CREATE TABLE promise_models (
    id UUID NOT NULL,
    channel_id UUID NOT NULL,
    learned_at TIMESTAMP WITH TIME ZONE NOT NULL,
    parcels INTEGER NOT NULL,
    model JSONB,
    CONSTRAINT pk_promise_models PRIMARY KEY (id),
    CONSTRAINT fk_promise_models_channel_id FOREIGN KEY(channel_id) REFERENCES channels (id)
);

CREATE INDEX ix_promise_models_channel_id_id ON promise_models (channel_id, id);

ALTER TABLE channels ADD COLUMN promise_model_id UUID;

ALTER TABLE orders ADD COLUMN deliver_by_confidence DOUBLE PRECISION;

ALTER TABLE orders ADD COLUMN promise_model_id UUID;

ALTER TABLE orders ADD CONSTRAINT ck_orders_confidence_of_a_promise
    CHECK (deliver_by_confidence is null or deliver_by_latest is not null);

CREATE TABLE shipping_prices (
    channel_id UUID NOT NULL,
    service TEXT NOT NULL,
    currency TEXT NOT NULL,
    amount_minor BIGINT NOT NULL,
    CONSTRAINT pk_shipping_prices PRIMARY KEY (channel_id, service),
    CONSTRAINT fk_shipping_prices_channel_id FOREIGN KEY(channel_id) REFERENCES channels (id),
    CONSTRAINT ck_shipping_prices_amount_minor_never_negative CHECK (amount_minor >= 0)
)
"""
