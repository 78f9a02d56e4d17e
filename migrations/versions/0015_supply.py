"""Supply: suppliers, purchase orders, transfers, cycle counts; and what may be sold before it is there.

Revision ID: 0015
"""

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add what is bought, moved and counted, and let order lines wait for it."""
    for statement in UPGRADE.split(";\n\n"):
        op.get_bind().exec_driver_sql(statement)


def downgrade() -> None:
    """Nobody goes back."""
    raise NotImplementedError("restore a backup instead")


UPGRADE = """
ALTER TABLE variants
    ADD COLUMN backorder_policy TEXT DEFAULT 'NONE' NOT NULL,
    ADD COLUMN backorder_limit INTEGER,
    ADD COLUMN releases_at TIMESTAMP WITH TIME ZONE,
    ADD CONSTRAINT ck_variants_backorder_policy CHECK (backorder_policy in ('NONE', 'BACKORDER', 'PREORDER')),
    ADD CONSTRAINT ck_variants_limit_of_a_policy CHECK (backorder_limit is null or backorder_policy <> 'NONE'),
    ADD CONSTRAINT ck_variants_preorder_has_a_release CHECK (releases_at is not null or backorder_policy <> 'PREORDER'),
    ADD CONSTRAINT ck_variants_backorder_limit_never_negative CHECK (backorder_limit >= 0);

CREATE INDEX ix_variants_releases_at_id ON variants (releases_at, id) WHERE backorder_policy = 'PREORDER';

ALTER TABLE order_lines ADD COLUMN backordered_at TIMESTAMP WITH TIME ZONE;

UPDATE order_lines SET backordered_at = orders.placed_at
FROM orders WHERE orders.id = order_lines.order_id AND order_lines.backordered > 0;

ALTER TABLE order_lines
    ADD CONSTRAINT ck_order_lines_backordered_since CHECK (backordered = 0 or backordered_at is not null);

CREATE INDEX ix_order_lines_backordered ON order_lines (variant_id, backordered_at, order_id) WHERE backordered > 0;

CREATE SEQUENCE purchase_order_number START WITH 100001;

CREATE SEQUENCE transfer_number START WITH 100001;

CREATE SEQUENCE stock_count_number START WITH 100001;

CREATE TABLE suppliers (
    id UUID NOT NULL,
    code TEXT NOT NULL,
    name TEXT NOT NULL,
    email TEXT,
    phone TEXT,
    lead_time_days INTEGER,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_suppliers PRIMARY KEY (id),
    CONSTRAINT uq_suppliers_code UNIQUE (code),
    CONSTRAINT ck_suppliers_lead_time_days_never_negative CHECK (lead_time_days >= 0)
);

CREATE TABLE purchase_orders (
    id UUID NOT NULL,
    number TEXT NOT NULL,
    supplier_id UUID NOT NULL,
    location_id UUID NOT NULL,
    status TEXT NOT NULL,
    currency TEXT NOT NULL,
    expected_at TIMESTAMP WITH TIME ZONE NOT NULL,
    reference TEXT,
    note TEXT,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    ordered_at TIMESTAMP WITH TIME ZONE,
    closed_at TIMESTAMP WITH TIME ZONE,
    version INTEGER DEFAULT 1 NOT NULL,
    event_sequence INTEGER DEFAULT 0 NOT NULL,
    CONSTRAINT pk_purchase_orders PRIMARY KEY (id),
    CONSTRAINT uq_purchase_orders_number UNIQUE (number),
    CONSTRAINT ck_purchase_orders_status
        CHECK (status in ('DRAFT', 'ORDERED', 'PARTIALLY_RECEIVED', 'RECEIVED', 'CANCELED')),
    CONSTRAINT ck_purchase_orders_closed_at_when_ended
        CHECK ((closed_at is not null) = (status in ('RECEIVED', 'CANCELED'))),
    CONSTRAINT ck_purchase_orders_ordered_at_when_ordered
        CHECK (ordered_at is not null or status in ('DRAFT', 'CANCELED')),
    CONSTRAINT fk_purchase_orders_supplier_id FOREIGN KEY(supplier_id) REFERENCES suppliers (id),
    CONSTRAINT fk_purchase_orders_location_id FOREIGN KEY(location_id) REFERENCES locations (id)
);

CREATE INDEX ix_purchase_orders_expected_at_id ON purchase_orders (expected_at, id);

CREATE INDEX ix_purchase_orders_location_id_expected_at_id ON purchase_orders (location_id, expected_at, id);

CREATE INDEX ix_purchase_orders_status_expected_at_id ON purchase_orders (status, expected_at, id);

CREATE INDEX ix_purchase_orders_supplier_id_expected_at_id ON purchase_orders (supplier_id, expected_at, id);

CREATE TABLE purchase_order_lines (
    id UUID NOT NULL,
    purchase_order_id UUID NOT NULL,
    position SMALLINT NOT NULL,
    variant_id UUID NOT NULL,
    sku TEXT NOT NULL,
    name TEXT NOT NULL,
    ordered INTEGER NOT NULL,
    received INTEGER DEFAULT 0 NOT NULL,
    damaged INTEGER DEFAULT 0 NOT NULL,
    canceled INTEGER DEFAULT 0 NOT NULL,
    outstanding INTEGER GENERATED ALWAYS AS (greatest(ordered - received - damaged - canceled, 0)) STORED NOT NULL,
    currency TEXT NOT NULL,
    unit_cost_minor BIGINT NOT NULL,
    CONSTRAINT pk_purchase_order_lines PRIMARY KEY (id),
    CONSTRAINT uq_purchase_order_lines_purchase_order_id_position UNIQUE (purchase_order_id, position),
    CONSTRAINT ck_purchase_order_lines_ordered_positive CHECK (ordered > 0),
    CONSTRAINT ck_purchase_order_lines_canceled_at_most_ordered CHECK (canceled <= ordered),
    CONSTRAINT ck_purchase_order_lines_received_never_negative CHECK (received >= 0),
    CONSTRAINT ck_purchase_order_lines_damaged_never_negative CHECK (damaged >= 0),
    CONSTRAINT ck_purchase_order_lines_canceled_never_negative CHECK (canceled >= 0),
    CONSTRAINT ck_purchase_order_lines_unit_cost_minor_never_negative CHECK (unit_cost_minor >= 0),
    CONSTRAINT fk_purchase_order_lines_purchase_order_id FOREIGN KEY(purchase_order_id) REFERENCES purchase_orders (id),
    CONSTRAINT fk_purchase_order_lines_variant_id FOREIGN KEY(variant_id) REFERENCES variants (id)
);

CREATE INDEX ix_purchase_order_lines_outstanding ON purchase_order_lines (variant_id) WHERE outstanding > 0;

CREATE TABLE transfers (
    id UUID NOT NULL,
    number TEXT NOT NULL,
    from_location_id UUID NOT NULL,
    to_location_id UUID NOT NULL,
    status TEXT NOT NULL,
    expected_at TIMESTAMP WITH TIME ZONE NOT NULL,
    note TEXT,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    shipped_at TIMESTAMP WITH TIME ZONE,
    closed_at TIMESTAMP WITH TIME ZONE,
    version INTEGER DEFAULT 1 NOT NULL,
    event_sequence INTEGER DEFAULT 0 NOT NULL,
    CONSTRAINT pk_transfers PRIMARY KEY (id),
    CONSTRAINT uq_transfers_number UNIQUE (number),
    CONSTRAINT ck_transfers_status
        CHECK (status in ('DRAFT', 'IN_TRANSIT', 'PARTIALLY_RECEIVED', 'RECEIVED', 'CANCELED')),
    CONSTRAINT ck_transfers_moves CHECK (from_location_id <> to_location_id),
    CONSTRAINT ck_transfers_closed_at_when_ended
        CHECK ((closed_at is not null) = (status in ('RECEIVED', 'CANCELED'))),
    CONSTRAINT ck_transfers_shipped_at_when_shipped CHECK (shipped_at is not null or status in ('DRAFT', 'CANCELED')),
    CONSTRAINT fk_transfers_from_location_id FOREIGN KEY(from_location_id) REFERENCES locations (id),
    CONSTRAINT fk_transfers_to_location_id FOREIGN KEY(to_location_id) REFERENCES locations (id)
);

CREATE INDEX ix_transfers_expected_at_id ON transfers (expected_at, id);

CREATE INDEX ix_transfers_from_location_id_expected_at_id ON transfers (from_location_id, expected_at, id);

CREATE INDEX ix_transfers_status_expected_at_id ON transfers (status, expected_at, id);

CREATE INDEX ix_transfers_to_location_id_expected_at_id ON transfers (to_location_id, expected_at, id);

CREATE TABLE transfer_lines (
    id UUID NOT NULL,
    transfer_id UUID NOT NULL,
    position SMALLINT NOT NULL,
    variant_id UUID NOT NULL,
    sku TEXT NOT NULL,
    name TEXT NOT NULL,
    quantity INTEGER NOT NULL,
    shipped INTEGER DEFAULT 0 NOT NULL,
    received INTEGER DEFAULT 0 NOT NULL,
    damaged INTEGER DEFAULT 0 NOT NULL,
    missing INTEGER DEFAULT 0 NOT NULL,
    in_transit INTEGER GENERATED ALWAYS AS (shipped - received - damaged - missing) STORED NOT NULL,
    CONSTRAINT pk_transfer_lines PRIMARY KEY (id),
    CONSTRAINT uq_transfer_lines_transfer_id_position UNIQUE (transfer_id, position),
    CONSTRAINT ck_transfer_lines_quantity_positive CHECK (quantity > 0),
    CONSTRAINT ck_transfer_lines_shipped_at_most_planned CHECK (shipped <= quantity),
    CONSTRAINT ck_transfer_lines_shipped_never_negative CHECK (shipped >= 0),
    CONSTRAINT ck_transfer_lines_received_never_negative CHECK (received >= 0),
    CONSTRAINT ck_transfer_lines_damaged_never_negative CHECK (damaged >= 0),
    CONSTRAINT ck_transfer_lines_missing_never_negative CHECK (missing >= 0),
    CONSTRAINT ck_transfer_lines_in_transit_never_negative CHECK (in_transit >= 0),
    CONSTRAINT fk_transfer_lines_transfer_id FOREIGN KEY(transfer_id) REFERENCES transfers (id),
    CONSTRAINT fk_transfer_lines_variant_id FOREIGN KEY(variant_id) REFERENCES variants (id)
);

CREATE INDEX ix_transfer_lines_in_transit ON transfer_lines (variant_id) WHERE in_transit > 0;

CREATE TABLE goods_receipts (
    id UUID NOT NULL,
    purchase_order_id UUID,
    transfer_id UUID,
    location_id UUID NOT NULL,
    reference TEXT,
    received_at TIMESTAMP WITH TIME ZONE NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    actor_kind TEXT NOT NULL,
    actor_name TEXT NOT NULL,
    CONSTRAINT pk_goods_receipts PRIMARY KEY (id),
    CONSTRAINT ck_goods_receipts_of_one_source CHECK ((purchase_order_id is null) <> (transfer_id is null)),
    CONSTRAINT fk_goods_receipts_purchase_order_id FOREIGN KEY(purchase_order_id) REFERENCES purchase_orders (id),
    CONSTRAINT fk_goods_receipts_transfer_id FOREIGN KEY(transfer_id) REFERENCES transfers (id),
    CONSTRAINT fk_goods_receipts_location_id FOREIGN KEY(location_id) REFERENCES locations (id)
);

CREATE INDEX ix_goods_receipts_location_id ON goods_receipts (location_id);

CREATE INDEX ix_goods_receipts_purchase_order_id_id ON goods_receipts (purchase_order_id, id);

CREATE INDEX ix_goods_receipts_transfer_id_id ON goods_receipts (transfer_id, id);

CREATE TABLE stock_counts (
    id UUID NOT NULL,
    number TEXT NOT NULL,
    location_id UUID NOT NULL,
    status TEXT NOT NULL,
    note TEXT,
    started_at TIMESTAMP WITH TIME ZONE NOT NULL,
    closed_at TIMESTAMP WITH TIME ZONE,
    version INTEGER DEFAULT 1 NOT NULL,
    event_sequence INTEGER DEFAULT 0 NOT NULL,
    CONSTRAINT pk_stock_counts PRIMARY KEY (id),
    CONSTRAINT uq_stock_counts_number UNIQUE (number),
    CONSTRAINT ck_stock_counts_status CHECK (status in ('OPEN', 'COMPLETED', 'CANCELED')),
    CONSTRAINT ck_stock_counts_closed_at_unless_open CHECK ((closed_at is null) = (status = 'OPEN')),
    CONSTRAINT fk_stock_counts_location_id FOREIGN KEY(location_id) REFERENCES locations (id)
);

CREATE INDEX ix_stock_counts_location_id_started_at_id ON stock_counts (location_id, started_at, id);

CREATE INDEX ix_stock_counts_started_at_id ON stock_counts (started_at, id);

CREATE INDEX ix_stock_counts_status_started_at_id ON stock_counts (status, started_at, id);

CREATE TABLE stock_count_lines (
    id UUID NOT NULL,
    stock_count_id UUID NOT NULL,
    position INTEGER NOT NULL,
    stock_level_id UUID NOT NULL,
    variant_id UUID NOT NULL,
    sku TEXT NOT NULL,
    name TEXT NOT NULL,
    expected INTEGER NOT NULL,
    counted INTEGER,
    counted_at TIMESTAMP WITH TIME ZONE,
    counted_by_kind TEXT,
    counted_by TEXT,
    variance INTEGER GENERATED ALWAYS AS (counted - expected) STORED,
    CONSTRAINT pk_stock_count_lines PRIMARY KEY (id),
    CONSTRAINT uq_stock_count_lines_stock_count_id_position UNIQUE (stock_count_id, position),
    CONSTRAINT uq_stock_count_lines_stock_count_id_stock_level_id UNIQUE (stock_count_id, stock_level_id),
    CONSTRAINT ck_stock_count_lines_counted_at_when_counted CHECK ((counted is null) = (counted_at is null)),
    CONSTRAINT ck_stock_count_lines_counted_by_somebody CHECK ((counted is null) = (counted_by is null)),
    CONSTRAINT ck_stock_count_lines_expected_never_negative CHECK (expected >= 0),
    CONSTRAINT ck_stock_count_lines_counted_never_negative CHECK (counted >= 0),
    CONSTRAINT fk_stock_count_lines_stock_count_id FOREIGN KEY(stock_count_id) REFERENCES stock_counts (id),
    CONSTRAINT fk_stock_count_lines_stock_level_id FOREIGN KEY(stock_level_id) REFERENCES stock_levels (id)
);

CREATE INDEX ix_stock_count_lines_stock_level_id ON stock_count_lines (stock_level_id);

CREATE TABLE backorders (
    id UUID NOT NULL,
    order_line_id UUID NOT NULL,
    order_id UUID NOT NULL,
    variant_id UUID NOT NULL,
    quantity INTEGER NOT NULL,
    policy TEXT NOT NULL,
    limit_units INTEGER,
    waiting_after INTEGER NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_backorders PRIMARY KEY (id),
    CONSTRAINT ck_backorders_policy CHECK (policy in ('NONE', 'BACKORDER', 'PREORDER')),
    CONSTRAINT ck_backorders_by_a_policy CHECK (policy <> 'NONE'),
    CONSTRAINT ck_backorders_quantity_positive CHECK (quantity > 0 and quantity <= waiting_after),
    CONSTRAINT ck_backorders_within_the_limit CHECK (waiting_after <= limit_units),
    CONSTRAINT fk_backorders_order_line_id FOREIGN KEY(order_line_id) REFERENCES order_lines (id),
    CONSTRAINT fk_backorders_variant_id FOREIGN KEY(variant_id) REFERENCES variants (id)
);

CREATE INDEX ix_backorders_order_line_id ON backorders (order_line_id);

CREATE INDEX ix_backorders_variant_id ON backorders (variant_id);

CREATE TABLE backorder_fills (
    id UUID NOT NULL,
    order_line_id UUID NOT NULL,
    order_id UUID NOT NULL,
    variant_id UUID NOT NULL,
    quantity INTEGER NOT NULL,
    routing_decision_id UUID NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_backorder_fills PRIMARY KEY (id),
    CONSTRAINT ck_backorder_fills_quantity_positive CHECK (quantity > 0),
    CONSTRAINT fk_backorder_fills_order_line_id FOREIGN KEY(order_line_id) REFERENCES order_lines (id),
    CONSTRAINT fk_backorder_fills_variant_id FOREIGN KEY(variant_id) REFERENCES variants (id),
    CONSTRAINT fk_backorder_fills_routing_decision_id FOREIGN KEY(routing_decision_id) REFERENCES routing_decisions (id)
);

CREATE INDEX ix_backorder_fills_order_line_id ON backorder_fills (order_line_id);

CREATE INDEX ix_backorder_fills_routing_decision_id ON backorder_fills (routing_decision_id);

CREATE INDEX ix_backorder_fills_variant_id ON backorder_fills (variant_id)
"""
