"""What if, and what rules in shadow would have decided.

Revision ID: 0012
"""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add simulations, and decisions in shadow."""
    for statement in UPGRADE.split(";\n\n"):
        op.get_bind().exec_driver_sql(statement)


def downgrade() -> None:
    """Nobody goes back."""
    raise NotImplementedError("restore a backup instead")


UPGRADE = """
CREATE TABLE routing_simulations (
    id UUID NOT NULL,
    channel_id UUID NOT NULL,
    ruleset_name TEXT NOT NULL,
    ruleset JSONB NOT NULL,
    placed_from TIMESTAMP WITH TIME ZONE NOT NULL,
    placed_to TIMESTAMP WITH TIME ZONE NOT NULL,
    status TEXT NOT NULL,
    total INTEGER NOT NULL,
    processed INTEGER DEFAULT 0 NOT NULL,
    state BYTEA,
    result JSONB,
    error TEXT,
    requested_by_kind TEXT NOT NULL,
    requested_by TEXT NOT NULL,
    requested_at TIMESTAMP WITH TIME ZONE NOT NULL,
    finished_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_routing_simulations PRIMARY KEY (id),
    CONSTRAINT ck_routing_simulations_status CHECK (status in ('WAITING', 'RUNNING', 'DONE', 'FAILED')),
    CONSTRAINT ck_routing_simulations_processed_at_most_total CHECK (processed between 0 and total),
    CONSTRAINT ck_routing_simulations_result_iff_done CHECK ((result is not null) = (status = 'DONE')),
    CONSTRAINT ck_routing_simulations_error_iff_failed CHECK ((error is not null) = (status = 'FAILED')),
    CONSTRAINT ck_routing_simulations_finished_at_iff_finished
        CHECK ((finished_at is not null) = (status in ('DONE', 'FAILED'))),
    CONSTRAINT ck_routing_simulations_state_while_running CHECK (state is null or status = 'RUNNING'),
    CONSTRAINT fk_routing_simulations_channel_id FOREIGN KEY(channel_id) REFERENCES channels (id)
);

CREATE TABLE routing_shadows (
    decision_id UUID NOT NULL,
    order_id UUID NOT NULL,
    channel_id UUID NOT NULL,
    ruleset_id UUID NOT NULL,
    currency TEXT NOT NULL,
    decided_at TIMESTAMP WITH TIME ZONE NOT NULL,
    strategy TEXT,
    chosen JSONB,
    unfilled JSONB,
    changed BOOLEAN,
    live JSONB,
    shadow JSONB,
    CONSTRAINT pk_routing_shadows PRIMARY KEY (decision_id),
    CONSTRAINT ck_routing_shadows_all_or_nothing
        CHECK (num_nulls(strategy, chosen, unfilled, changed, live, shadow) in (0, 6)),
    CONSTRAINT fk_routing_shadows_decision_id FOREIGN KEY(decision_id) REFERENCES routing_decisions (id),
    CONSTRAINT fk_routing_shadows_ruleset_id FOREIGN KEY(ruleset_id) REFERENCES routing_rulesets (id)
);

CREATE INDEX ix_routing_shadows_channel_id_decided_at ON routing_shadows (channel_id, decided_at);

CREATE INDEX ix_routing_shadows_waiting ON routing_shadows (decision_id) WHERE strategy is null
"""
