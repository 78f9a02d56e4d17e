"""What there is, was and will be: levels at any moment, supply on its way, demand by day, and where postal codes are.

Revision ID: 0016
"""

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Index the ledger by level and bucket; count demand and places off the log from here on."""
    op.execute("CREATE INDEX ix_stock_levels_location_id_id ON stock_levels (location_id, id)")
    op.execute("DROP INDEX ix_stock_levels_location_id")
    op.execute(
        "CREATE INDEX ix_return_lines_being_inspected ON return_lines (return_id) "
        "WHERE received_quantity > inspected_quantity"
    )
    for side in ("from", "to"):
        op.execute(
            f"CREATE INDEX ix_stock_movements_stock_level_id_{side}_bucket ON stock_movements "
            f"(stock_level_id, {side}_bucket, recorded_at, id) WHERE {side}_bucket IS NOT NULL"
        )

    for statement in UPGRADE.split(";\n\n"):
        op.get_bind().exec_driver_sql(statement)


UPGRADE = """
CREATE INDEX ix_order_lines_open ON order_lines (variant_id) WHERE open > 0;

CREATE INDEX ix_purchase_order_lines_variant_id ON purchase_order_lines (variant_id);

CREATE TABLE channel_thresholds (
    id UUID NOT NULL,
    channel_id UUID NOT NULL,
    variant_id UUID,
    units INTEGER NOT NULL,
    CONSTRAINT pk_channel_thresholds PRIMARY KEY (id),
    CONSTRAINT fk_channel_thresholds_channel_id FOREIGN KEY(channel_id) REFERENCES channels (id),
    CONSTRAINT fk_channel_thresholds_variant_id FOREIGN KEY(variant_id) REFERENCES variants (id),
    CONSTRAINT uq_channel_thresholds_channel_id_variant_id UNIQUE NULLS NOT DISTINCT (channel_id, variant_id),
    CONSTRAINT ck_channel_thresholds_units_never_negative CHECK (units >= 0)
);

CREATE INDEX ix_channel_thresholds_variant_id ON channel_thresholds (variant_id);

CREATE TABLE demand_days (
    variant_id UUID NOT NULL,
    location_id UUID NOT NULL,
    day DATE NOT NULL,
    units INTEGER NOT NULL,
    CONSTRAINT pk_demand_days PRIMARY KEY (variant_id, location_id, day)
);

CREATE INDEX ix_demand_days_location_id_day ON demand_days (location_id, day);

CREATE TABLE postal_areas (
    country TEXT NOT NULL,
    prefix TEXT NOT NULL,
    addresses BIGINT NOT NULL,
    sum_latitude DOUBLE PRECISION NOT NULL,
    sum_longitude DOUBLE PRECISION NOT NULL,
    CONSTRAINT pk_postal_areas PRIMARY KEY (country, prefix)
);

CREATE TABLE public_holidays (
    country TEXT NOT NULL,
    subdivision TEXT NOT NULL,
    day DATE NOT NULL,
    CONSTRAINT pk_public_holidays PRIMARY KEY (country, subdivision, day)
);

INSERT INTO relays (name, epoch, position)
SELECT 'demand', coalesce(first.epoch, head.epoch), coalesce(first.position, head.position)
FROM event_head head LEFT JOIN LATERAL (
    SELECT first_epoch AS epoch, first_position - 1 AS position FROM event_days
    WHERE day >= (now() AT TIME ZONE 'UTC')::date - 32 ORDER BY first_epoch, first_position LIMIT 1
) first ON true;

CREATE VIEW incoming AS
SELECT line.id, 'PurchaseOrder' AS source_type, bought.id AS source_id, line.variant_id, bought.location_id,
       bought.expected_at, line.outstanding AS quantity
FROM purchase_order_lines line JOIN purchase_orders bought ON bought.id = line.purchase_order_id
WHERE line.outstanding > 0 AND bought.status IN ('ORDERED', 'PARTIALLY_RECEIVED')
UNION ALL
SELECT line.id, 'Transfer', moved.id, line.variant_id, moved.to_location_id, moved.expected_at, line.in_transit
FROM transfer_lines line JOIN transfers moved ON moved.id = line.transfer_id
WHERE line.in_transit > 0
"""


def downgrade() -> None:
    """Nobody goes back."""
    raise NotImplementedError("restore a backup instead")
