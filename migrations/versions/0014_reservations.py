"""Stock held for carts.

Revision ID: 0014
"""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add reservations and their lines."""
    for statement in UPGRADE.split(";\n\n"):
        op.get_bind().exec_driver_sql(statement)


def downgrade() -> None:
    """Nobody goes back."""
    raise NotImplementedError("restore a backup instead")


UPGRADE = """
CREATE TABLE reservations (
    id UUID NOT NULL,
    channel_id UUID NOT NULL,
    customer_id UUID,
    order_id UUID,
    holder TEXT NOT NULL,
    reference TEXT NOT NULL,
    status TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    ended_at TIMESTAMP WITH TIME ZONE,
    version INTEGER DEFAULT 1 NOT NULL,
    event_sequence INTEGER DEFAULT 0 NOT NULL,
    CONSTRAINT pk_reservations PRIMARY KEY (id),
    CONSTRAINT fk_reservations_channel_id FOREIGN KEY (channel_id) REFERENCES channels (id),
    CONSTRAINT fk_reservations_customer_id FOREIGN KEY (customer_id) REFERENCES customers (id),
    CONSTRAINT fk_reservations_order_id FOREIGN KEY (order_id) REFERENCES orders (id),
    CONSTRAINT ck_reservations_status CHECK (status in ('ACTIVE', 'CONSUMED', 'RELEASED', 'EXPIRED')),
    CONSTRAINT ck_reservations_ended_at_when_ended CHECK ((ended_at is null) = (status = 'ACTIVE')),
    CONSTRAINT ck_reservations_order_when_consumed CHECK ((order_id is not null) = (status = 'CONSUMED'))
);

CREATE UNIQUE INDEX uq_reservations_active ON reservations (channel_id, holder, reference) WHERE status = 'ACTIVE';

CREATE INDEX ix_reservations_expires_at_id ON reservations (expires_at, id) WHERE status = 'ACTIVE';

CREATE INDEX ix_reservations_created_at_id ON reservations (created_at, id);

CREATE INDEX ix_reservations_status_created_at_id ON reservations (status, created_at, id);

CREATE INDEX ix_reservations_reference_created_at_id ON reservations (reference, created_at, id);

CREATE INDEX ix_reservations_holder_created_at_id ON reservations (holder, created_at, id);

CREATE INDEX ix_reservations_customer_id_created_at_id ON reservations (customer_id, created_at, id);

CREATE INDEX ix_reservations_order_id_created_at_id ON reservations (order_id, created_at, id);

CREATE TABLE reservation_lines (
    id UUID NOT NULL,
    reservation_id UUID NOT NULL,
    stock_level_id UUID NOT NULL,
    variant_id UUID NOT NULL,
    location_id UUID NOT NULL,
    sku TEXT NOT NULL,
    quantity INTEGER NOT NULL,
    held INTEGER NOT NULL,
    CONSTRAINT pk_reservation_lines PRIMARY KEY (id),
    CONSTRAINT fk_reservation_lines_reservation_id FOREIGN KEY (reservation_id) REFERENCES reservations (id),
    CONSTRAINT fk_reservation_lines_stock_level_id FOREIGN KEY (stock_level_id) REFERENCES stock_levels (id),
    CONSTRAINT ck_reservation_lines_quantity_positive CHECK (quantity > 0),
    CONSTRAINT ck_reservation_lines_held_whole_or_not CHECK (held in (0, quantity))
);

CREATE INDEX ix_reservation_lines_reservation_id ON reservation_lines (reservation_id);

CREATE INDEX ix_reservation_lines_held ON reservation_lines (variant_id, reservation_id) WHERE held > 0
"""
