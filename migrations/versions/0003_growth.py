"""Growth: what a list needs so that it takes as long in a big shop as in a small one.

Revision ID: 0003
"""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add indexes in the order of the lists, the days of the log, and orders by their labels."""
    for statement in GROWTH.split(";\n\n"):
        op.execute(statement)


def downgrade() -> None:
    """Nobody goes back."""
    raise NotImplementedError("restore a backup instead")


GROWTH = """
CREATE INDEX ix_orders_status_placed_at_id ON orders (status, placed_at, id);

CREATE INDEX ix_orders_on_hold ON orders (placed_at, id) WHERE on_hold;

CREATE INDEX ix_fulfillment_orders_location_id_due_at_id ON fulfillment_orders (location_id, due_at, id);

CREATE INDEX ix_fulfillment_orders_status_due_at_id ON fulfillment_orders (status, due_at, id);

CREATE INDEX ix_fulfillment_orders_pickup_location_id_due_at_id ON fulfillment_orders (location_id, due_at, id)
    WHERE kind = 'PICKUP';

CREATE INDEX ix_fulfillment_orders_pickup_status_due_at_id ON fulfillment_orders (status, due_at, id)
    WHERE kind = 'PICKUP';

CREATE INDEX ix_fulfillment_orders_pickup_due_at_id ON fulfillment_orders (due_at, id) WHERE kind = 'PICKUP';

DROP INDEX ix_stock_movements_stock_level_id;

CREATE INDEX ix_stock_movements_variant_id_location_id_recorded_at_id
    ON stock_movements (variant_id, location_id, recorded_at, id);

CREATE INDEX ix_stock_movements_location_id_recorded_at_id ON stock_movements (location_id, recorded_at, id);

CREATE INDEX ix_stock_movements_unusual ON stock_movements (kind, recorded_at, id)
    WHERE kind NOT IN ('ALLOCATE', 'SHIP');

CREATE INDEX ix_events_type_epoch_position ON events (type, epoch, position) WHERE position IS NOT NULL;

CREATE INDEX ix_events_location_id_epoch_position ON events (location_id, epoch, position)
    WHERE location_id IS NOT NULL AND position IS NOT NULL;

CREATE INDEX ix_events_channel_id_epoch_position ON events (channel_id, epoch, position)
    WHERE channel_id IS NOT NULL AND position IS NOT NULL;

CREATE INDEX ix_events_location_id_type_epoch_position ON events (location_id, type, epoch, position)
    WHERE location_id IS NOT NULL AND position IS NOT NULL;

CREATE INDEX ix_events_channel_id_type_epoch_position ON events (channel_id, type, epoch, position)
    WHERE channel_id IS NOT NULL AND position IS NOT NULL;

CREATE TABLE event_days (
    day DATE NOT NULL,
    first_epoch INTEGER NOT NULL,
    first_position BIGINT NOT NULL,
    last_epoch INTEGER NOT NULL,
    last_position BIGINT NOT NULL,
    CONSTRAINT pk_event_days PRIMARY KEY (day)
);

INSERT INTO event_days
SELECT (occurred_at AT TIME ZONE 'UTC')::date, min(epoch), min(position), max(epoch), max(position)
FROM events WHERE position IS NOT NULL GROUP BY 1;

CREATE TABLE order_tags (
    tag TEXT NOT NULL,
    placed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    order_id UUID NOT NULL,
    CONSTRAINT pk_order_tags PRIMARY KEY (tag, placed_at, order_id)
);

INSERT INTO order_tags SELECT DISTINCT unnest(tags), placed_at, id FROM orders;

CREATE FUNCTION keep_order_tags() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        DELETE FROM order_tags WHERE tag = ANY (OLD.tags) AND placed_at = OLD.placed_at AND order_id = OLD.id;
    END IF;
    INSERT INTO order_tags SELECT DISTINCT unnest(NEW.tags), NEW.placed_at, NEW.id;
    RETURN NULL;
END $$;

CREATE TRIGGER tagged AFTER INSERT ON orders FOR EACH ROW WHEN (NEW.tags <> '{}')
    EXECUTE FUNCTION keep_order_tags();

CREATE TRIGGER tagged_anew AFTER UPDATE OF tags, placed_at ON orders FOR EACH ROW
    WHEN (NEW.tags IS DISTINCT FROM OLD.tags OR (NEW.tags <> '{}' AND NEW.placed_at IS DISTINCT FROM OLD.placed_at))
    EXECUTE FUNCTION keep_order_tags();

CREATE TABLE order_locations (
    location_id UUID NOT NULL,
    placed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    order_id UUID NOT NULL,
    CONSTRAINT pk_order_locations PRIMARY KEY (location_id, placed_at, order_id)
);

INSERT INTO order_locations
SELECT location_id, placed_at, o.id
FROM (SELECT order_id, location_id FROM fulfillment_orders
      UNION SELECT order_id, location_id FROM returns WHERE location_id IS NOT NULL) here
JOIN orders o ON o.id = here.order_id;

CREATE FUNCTION keep_order_locations() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO order_locations SELECT NEW.location_id, placed_at, id FROM orders WHERE id = NEW.order_id
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;

CREATE TRIGGER located AFTER INSERT ON fulfillment_orders FOR EACH ROW EXECUTE FUNCTION keep_order_locations();

CREATE TRIGGER located AFTER INSERT OR UPDATE OF location_id ON returns FOR EACH ROW
    WHEN (NEW.location_id IS NOT NULL) EXECUTE FUNCTION keep_order_locations()
"""
