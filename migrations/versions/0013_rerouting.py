"""Re-deciding: what nobody could fill yet, where lines are pinned to, what counts left short, and the channels' policies.

Revision ID: 0013
"""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns, and note which orders wait today."""
    for statement in UPGRADE.split(";\n\n"):
        op.get_bind().exec_driver_sql(statement)


def downgrade() -> None:
    """Nobody goes back."""
    raise NotImplementedError("restore a backup instead")


UPGRADE = """
ALTER TABLE channels
    ADD COLUMN unrouted_policy TEXT DEFAULT 'WAIT' NOT NULL,
    ADD COLUMN unrouted_after_hours INTEGER DEFAULT 72 NOT NULL,
    ADD COLUMN wave_minutes INTEGER DEFAULT 0 NOT NULL,
    ADD COLUMN wave_saving_percent INTEGER DEFAULT 10 NOT NULL,
    ADD CONSTRAINT ck_channels_unrouted_policy CHECK (unrouted_policy IN ('WAIT', 'CANCEL', 'BACKORDER')),
    ADD CONSTRAINT ck_channels_unrouted_after_hours_never_negative CHECK (unrouted_after_hours >= 0),
    ADD CONSTRAINT ck_channels_wave_minutes_never_negative CHECK (wave_minutes >= 0),
    ADD CONSTRAINT ck_channels_wave_saving_percent_never_negative CHECK (wave_saving_percent >= 0);

ALTER TABLE orders
    ADD COLUMN unrouted_at TIMESTAMP WITH TIME ZONE,
    ADD COLUMN route_again_at TIMESTAMP WITH TIME ZONE,
    ADD COLUMN route_attempts INTEGER DEFAULT 0 NOT NULL,
    ADD CONSTRAINT ck_orders_routed_again_while_unrouted CHECK ((unrouted_at IS NULL) = (route_again_at IS NULL));

ALTER TABLE order_lines
    ADD COLUMN pinned_location_id UUID CONSTRAINT fk_order_lines_pinned_location_id REFERENCES locations (id);

ALTER TABLE routing_decisions ADD COLUMN decided_by_kind TEXT, ADD COLUMN decided_by TEXT;

UPDATE orders SET unrouted_at = now(), route_again_at = now()
WHERE status IN ('PENDING', 'CONFIRMED', 'IN_FULFILLMENT')
  AND id IN (SELECT order_id FROM order_lines WHERE open > 0);

CREATE INDEX ix_orders_unrouted_placed_at_id ON orders (placed_at, id) WHERE unrouted_at IS NOT NULL;

CREATE INDEX ix_orders_unrouted_channel_id_placed_at_id ON orders (channel_id, placed_at, id)
    WHERE unrouted_at IS NOT NULL;

CREATE INDEX ix_orders_unrouted_route_again_at_id ON orders (route_again_at, id) WHERE unrouted_at IS NOT NULL;

DROP INDEX ix_fulfillment_order_lines_stock_level_id;

CREATE INDEX ix_fulfillment_order_lines_holding ON fulfillment_order_lines (stock_level_id) WHERE held > 0;

CREATE TABLE stock_shortfalls (
    id UUID NOT NULL,
    stock_level_id UUID NOT NULL,
    order_line_id UUID NOT NULL,
    quantity INTEGER NOT NULL,
    rerouted_to_id UUID,
    act_id UUID NOT NULL,
    occurred_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_stock_shortfalls PRIMARY KEY (id),
    CONSTRAINT fk_stock_shortfalls_stock_level_id FOREIGN KEY (stock_level_id) REFERENCES stock_levels (id),
    CONSTRAINT fk_stock_shortfalls_order_line_id FOREIGN KEY (order_line_id) REFERENCES order_lines (id),
    CONSTRAINT fk_stock_shortfalls_rerouted_to_id FOREIGN KEY (rerouted_to_id) REFERENCES locations (id),
    CONSTRAINT ck_stock_shortfalls_quantity_positive CHECK (quantity > 0)
);

CREATE INDEX ix_stock_shortfalls_order_line_id ON stock_shortfalls (order_line_id);

CREATE INDEX ix_stock_shortfalls_stock_level_id_occurred_at_id ON stock_shortfalls (stock_level_id, occurred_at, id)
"""
