"""By which rules orders are routed, how each was decided, and what other rules would have done."""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Double,
    Index,
    Integer,
    LargeBinary,
    Table,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from domain.routing.network import RulesetMode
from domain.routing.simulation import SimulationStatus
from domain.store.tables import columns as c

routing_rulesets = Table(
    "routing_rulesets",
    c.metadata,
    c.id(),
    c.of("channel_id", "channels"),
    Column("version", Integer, nullable=False),
    c.text("name"),
    c.text("mode"),
    c.text("currency"),
    Column("rules", JSONB, nullable=False),
    Column("max_parcels", Integer),
    Column("allow_split", Boolean, nullable=False),
    Column("split_lines", Boolean, nullable=False),
    Column("ship_complete", Boolean, nullable=False),
    Column("late_allowed", Boolean, nullable=False),
    Column("wait_for_capacity", Boolean, nullable=False),
    c.minor("lateness_minor_per_day"),
    c.minor("split_minor"),
    Column("markdowns", JSONB, nullable=False),
    Column("weights", JSONB, nullable=False),
    c.at("activated_at", nullable=False),
    c.text("activated_by_kind"),
    c.text("activated_by"),
    c.at("retired_at"),
    Column("event_sequence", Integer, nullable=False, server_default=text("0")),
    UniqueConstraint("channel_id", "version"),
    c.one_of("mode", RulesetMode),
    CheckConstraint("(retired_at is not null) = (mode = 'RETIRED')", name="retired_at_iff_retired"),
    *c.never_negative("lateness_minor_per_day", "split_minor"),
    Index("uq_routing_rulesets_mode", "channel_id", "mode", unique=True, postgresql_where=text("mode <> 'RETIRED'")),
)
"""A channel's rules, version by version: one of them LIVE, one SHADOW at most. Only how it ended ever changes."""

routing_prices = Table(
    "routing_prices",
    c.metadata,
    c.of("channel_id", "channels", primary_key=True),
    c.of("location_id", "locations", primary_key=True),
    c.of("variant_id", "variants", primary_key=True),
    Column("price_minor", Double, nullable=False),
)
"""Shadow prices of stock: what one more unit there would have saved."""

routing_capacity_prices = Table(
    "routing_capacity_prices",
    c.metadata,
    c.of("channel_id", "channels", primary_key=True),
    c.of("location_id", "locations", primary_key=True),
    Column("price_minor", Double, nullable=False),
)
"""Shadow prices of capacity: what one more parcel a day from there would have saved."""

routing_decisions = Table(
    "routing_decisions",
    c.metadata,
    c.id(),
    c.of("order_id", "orders", index=True),
    c.text("strategy"),
    c.text("currency"),
    Column("chosen", JSONB, nullable=False),
    Column("candidates", JSONB, nullable=False),
    Column("unfilled", JSONB, nullable=False),
    Column("objective", JSONB),
    Column("gap", Double),
    Column("ruleset_version", Integer),
    c.at("decided_at", nullable=False),
    c.text("decided_by_kind", nullable=True),
    c.text("decided_by", nullable=True),
    Index("ix_routing_decisions_unfilled", "decided_at", "id", postgresql_where=text("unfilled <> '[]'")),
)

routing_simulations = Table(
    "routing_simulations",
    c.metadata,
    c.id(),
    c.of("channel_id", "channels"),
    c.text("ruleset_name"),
    Column("ruleset", JSONB, nullable=False),
    c.at("placed_from", nullable=False),
    c.at("placed_to", nullable=False),
    c.text("status"),
    Column("total", Integer, nullable=False),
    c.count("processed"),
    Column("state", LargeBinary),
    Column("result", JSONB),
    c.text("error", nullable=True),
    c.text("requested_by_kind"),
    c.text("requested_by"),
    c.at("requested_at", nullable=False),
    c.at("finished_at"),
    c.one_of("status", SimulationStatus),
    CheckConstraint("processed between 0 and total", name="processed_at_most_total"),
    CheckConstraint("(result is not null) = (status = 'DONE')", name="result_iff_done"),
    CheckConstraint("(error is not null) = (status = 'FAILED')", name="error_iff_failed"),
    CheckConstraint("(finished_at is not null) = (status in ('DONE', 'FAILED'))", name="finished_at_iff_finished"),
    CheckConstraint("state is null or status = 'RUNNING'", name="state_while_running"),
)
"""Simulations that are too large to be waited for. `state` is how far one has come, for whoever goes on with it."""

routing_shadows = Table(
    "routing_shadows",
    c.metadata,
    c.of("decision_id", "routing_decisions", primary_key=True),
    c.copy("order_id"),
    c.copy("channel_id"),
    c.of("ruleset_id", "routing_rulesets"),
    c.text("currency"),
    c.at("decided_at", nullable=False),
    c.text("strategy", nullable=True),
    Column("chosen", JSONB),
    Column("unfilled", JSONB),
    Column("changed", Boolean),
    Column("live", JSONB),
    Column("shadow", JSONB),
    CheckConstraint("num_nulls(strategy, chosen, unfilled, changed, live, shadow) in (0, 6)", name="all_or_nothing"),
    Index("ix_routing_shadows_channel_id_decided_at", "channel_id", "decided_at"),
    Index("ix_routing_shadows_waiting", "decision_id", postgresql_where=text("strategy is null")),
)
"""Decisions as rules in shadow would have made them, beside both sides' figures; null until those were asked."""
