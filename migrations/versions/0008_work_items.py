"""Work items: what people and other systems have to do.

Revision ID: 0008
"""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the work items."""
    for statement in UPGRADE.split(";\n\n"):
        op.get_bind().exec_driver_sql(statement)


def downgrade() -> None:
    """Nobody goes back."""
    raise NotImplementedError("restore a backup instead")


UPGRADE = """
CREATE TABLE work_items (
    id UUID NOT NULL,
    kind TEXT NOT NULL,
    queue TEXT NOT NULL,
    location_id UUID,
    status TEXT NOT NULL,
    priority INTEGER DEFAULT 0 NOT NULL,
    due_at TIMESTAMP WITH TIME ZONE,
    required_skills TEXT[] DEFAULT '{}' NOT NULL,
    assigned_to TEXT,
    subject_type TEXT,
    subject_id UUID,
    order_id UUID,
    customer_id UUID,
    channel_id UUID,
    payload JSONB,
    note TEXT,
    attempts INTEGER DEFAULT 0 NOT NULL,
    max_attempts INTEGER NOT NULL,
    ready_at TIMESTAMP WITH TIME ZONE NOT NULL,
    lease UUID,
    leased_by TEXT,
    leased_by_kind TEXT,
    leased_by_name TEXT,
    result JSONB,
    failure TEXT,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    closed_at TIMESTAMP WITH TIME ZONE,
    version INTEGER DEFAULT 1 NOT NULL,
    event_sequence INTEGER DEFAULT 0 NOT NULL,
    family TEXT GENERATED ALWAYS AS (split_part(queue, ':', 1)) STORED NOT NULL,
    urgency INTEGER GENERATED ALWAYS AS (
        CASE status WHEN 'DEAD' THEN 1000000 WHEN 'DONE' THEN 2000000 ELSE 0 END - priority
    ) STORED NOT NULL,
    due_by TIMESTAMP WITH TIME ZONE GENERATED ALWAYS AS (
        coalesce(due_at, '9999-01-01 00:00:00+00'::timestamptz)
    ) STORED NOT NULL,
    CONSTRAINT pk_work_items PRIMARY KEY (id),
    CONSTRAINT fk_work_items_location_id FOREIGN KEY (location_id) REFERENCES locations (id),
    CONSTRAINT ck_work_items_status CHECK (status IN ('READY', 'LEASED', 'DONE', 'FAILED', 'DEAD')),
    CONSTRAINT ck_work_items_lease_while_leased CHECK ((status = 'LEASED') = (lease IS NOT NULL)),
    CONSTRAINT ck_work_items_leased_by_somebody CHECK ((lease IS NULL) = (leased_by IS NULL)),
    CONSTRAINT ck_work_items_closed_at_when_ended CHECK ((closed_at IS NOT NULL) = (status IN ('DONE', 'DEAD'))),
    CONSTRAINT ck_work_items_subject_has_a_type CHECK ((subject_type IS NULL) = (subject_id IS NULL)),
    CONSTRAINT ck_work_items_max_attempts_positive CHECK (max_attempts > 0),
    CONSTRAINT ck_work_items_attempts_never_negative CHECK (attempts >= 0)
);

CREATE INDEX ix_work_items_urgency_due_by_id ON work_items (urgency, due_by, id);

CREATE INDEX ix_work_items_queue_urgency_due_by_id ON work_items (queue, urgency, due_by, id);

CREATE INDEX ix_work_items_location_id_urgency_due_by_id ON work_items (location_id, urgency, due_by, id);

CREATE INDEX ix_work_items_kind_urgency_due_by_id ON work_items (kind, urgency, due_by, id);

CREATE INDEX ix_work_items_family_urgency_due_by_id ON work_items (family, urgency, due_by, id);

CREATE INDEX ix_work_items_subject_id ON work_items (subject_id);

CREATE INDEX ix_work_items_passing ON work_items (ready_at) WHERE status IN ('LEASED', 'FAILED')
"""
