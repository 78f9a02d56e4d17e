"""The log by months, and the place that it begins after.

Revision ID: 0005
"""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the log there is the first partition of one that has a partition for each month."""
    for statement in UPGRADE.split(";\n\n"):
        op.get_bind().exec_driver_sql(statement)


def downgrade() -> None:
    """Nobody goes back."""
    raise NotImplementedError("restore a backup instead")


UPGRADE = """
ALTER TABLE events RENAME TO events_first;

DO $$
DECLARE
    index RECORD;
BEGIN
    FOR index IN SELECT relname AS name FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
                 WHERE indrelid = 'events_first'::regclass LOOP
        EXECUTE format('ALTER INDEX %I RENAME TO %I', index.name, replace(index.name, 'events', 'events_first'));
    END LOOP;
END $$;

CREATE SEQUENCE event_ids AS BIGINT;

SELECT setval('event_ids', last_value, is_called) FROM events_id_seq;

ALTER TABLE events_first ALTER COLUMN id DROP IDENTITY;

ALTER SEQUENCE event_ids RENAME TO events_id_seq;

ALTER TABLE events_first ALTER COLUMN id SET DEFAULT nextval('events_id_seq');

CREATE TABLE events (LIKE events_first INCLUDING DEFAULTS, CONSTRAINT pk_events PRIMARY KEY (id)) PARTITION BY RANGE (id);

ALTER SEQUENCE events_id_seq OWNED BY events.id;

CREATE INDEX ix_events_unstamped ON events (id) WHERE position IS NULL;

CREATE INDEX ix_events_order_id_epoch_position ON events (order_id, epoch, position) WHERE order_id IS NOT NULL;

CREATE INDEX ix_events_customer_id_epoch_position ON events (customer_id, epoch, position)
    WHERE customer_id IS NOT NULL;

CREATE INDEX ix_events_type_epoch_position ON events (type, epoch, position) WHERE position IS NOT NULL;

CREATE INDEX ix_events_location_id_epoch_position ON events (location_id, epoch, position)
    WHERE location_id IS NOT NULL AND position IS NOT NULL;

CREATE INDEX ix_events_channel_id_epoch_position ON events (channel_id, epoch, position)
    WHERE channel_id IS NOT NULL AND position IS NOT NULL;

CREATE INDEX ix_events_location_id_type_epoch_position ON events (location_id, type, epoch, position)
    WHERE location_id IS NOT NULL AND position IS NOT NULL;

CREATE INDEX ix_events_channel_id_type_epoch_position ON events (channel_id, type, epoch, position)
    WHERE channel_id IS NOT NULL AND position IS NOT NULL;

CREATE INDEX ix_events_variant_id_epoch_position ON events (variant_id, epoch, position)
    WHERE variant_id IS NOT NULL AND position IS NOT NULL;

ALTER TABLE events ATTACH PARTITION events_first FOR VALUES FROM (MINVALUE) TO (1649267441664000);

ALTER TABLE event_head
    ADD COLUMN floor_epoch INTEGER DEFAULT 0 NOT NULL,
    ADD COLUMN floor_position BIGINT DEFAULT 0 NOT NULL,
    ADD COLUMN floor_recorded_at TIMESTAMP WITH TIME ZONE;

CREATE FUNCTION log_holds_after(epoch INTEGER, place BIGINT) RETURNS BOOLEAN LANGUAGE plpgsql STABLE AS $$
DECLARE
    head RECORD;
BEGIN
    SELECT floor_epoch, floor_position INTO head FROM event_head;
    IF (epoch, place) < (head.floor_epoch, head.floor_position) THEN
        RAISE NO_DATA_FOUND USING
            MESSAGE = format('the log begins after %s:%s', head.floor_epoch, head.floor_position),
            DETAIL = format('%s:%s', head.floor_epoch, head.floor_position);
    END IF;
    RETURN true;
END $$
"""
