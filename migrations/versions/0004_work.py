"""Work for workers, how far each reader of the log has come, and the variant that stock's events are about.

Revision ID: 0004
"""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the jobs, the relays and the events' variants."""
    for statement in UPGRADE.split(";\n\n"):
        op.get_bind().exec_driver_sql(statement)


def downgrade() -> None:
    """Nobody goes back."""
    raise NotImplementedError("restore a backup instead")


UPGRADE = """
ALTER TABLE events ADD COLUMN variant_id UUID;

UPDATE events SET variant_id = stock_levels.variant_id FROM stock_levels
WHERE events.subject_type = 'StockLevel' AND stock_levels.id = events.subject_id;

CREATE INDEX ix_events_variant_id_epoch_position ON events (variant_id, epoch, position)
    WHERE variant_id IS NOT NULL AND position IS NOT NULL;

CREATE TABLE jobs (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    kind TEXT NOT NULL,
    key TEXT,
    lane TEXT,
    payload JSONB NOT NULL,
    ready_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    lease UUID,
    attempts INTEGER DEFAULT 0 NOT NULL,
    error TEXT,
    dead_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_jobs PRIMARY KEY (id)
) WITH (fillfactor = 50);

CREATE INDEX ix_jobs_kind_ready_at ON jobs (kind, ready_at) WHERE dead_at IS NULL;

CREATE INDEX ix_jobs_lane_id ON jobs (lane, id) WHERE lane IS NOT NULL AND dead_at IS NULL;

CREATE UNIQUE INDEX uq_jobs_kind_key ON jobs (kind, key) WHERE key IS NOT NULL AND dead_at IS NULL;

CREATE TABLE relays (
    name TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    position BIGINT NOT NULL,
    CONSTRAINT pk_relays PRIMARY KEY (name)
)
"""
