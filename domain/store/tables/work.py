"""What is still to be done: by workers, by people and by other systems."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Computed,
    DateTime,
    Identity,
    Index,
    Integer,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from domain.store.tables import columns as c
from domain.work import ENDED, PASSING, WorkItemStatus

RANK = 1_000_000
"""How far apart in urgency lie what is still to be done, what is dead, and what is done: priorities are far smaller."""

NEVER_DUE = "9999-01-01 00:00:00+00"
"""When work is due that is never due: lists are in the order of keys that are never null."""

PASSING_NOW = c.among("status", PASSING)
"""Items whose status ends by itself."""

jobs = Table(
    "jobs",
    c.metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    c.text("kind"),
    Column("key", Text),
    Column("lane", Text),
    Column("payload", JSONB, nullable=False),
    Column("ready_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    Column("lease", Uuid),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("error", Text),
    c.at("dead_at"),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    Index("ix_jobs_kind_ready_at", "kind", "ready_at", postgresql_where=text("dead_at is null")),
    Index("ix_jobs_lane_id", "lane", "id", postgresql_where=text("lane is not null and dead_at is null")),
    Index("uq_jobs_kind_key", "kind", "key", unique=True, postgresql_where=text("key is not null and dead_at is null")),
)
"""What workers have to do. A job that is done is gone; one that will not be tried again stays, with its error."""

work_items = Table(
    "work_items",
    c.metadata,
    c.id(),
    c.text("kind"),
    c.text("queue"),
    c.of("location_id", "locations", nullable=True),
    c.text("status"),
    Column("priority", Integer, nullable=False, server_default=text("0")),
    c.at("due_at"),
    Column("required_skills", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    c.text("assigned_to", nullable=True),
    c.text("subject_type", nullable=True),
    Column("subject_id", Uuid, index=True),
    Column("order_id", Uuid),
    Column("customer_id", Uuid),
    Column("channel_id", Uuid),
    Column("payload", JSONB),
    c.text("note", nullable=True),
    c.count("attempts"),
    Column("max_attempts", Integer, nullable=False),
    c.at("ready_at", nullable=False),
    Column("lease", Uuid),
    c.text("leased_by", nullable=True),
    c.text("leased_by_kind", nullable=True),
    c.text("leased_by_name", nullable=True),
    Column("result", JSONB),
    c.text("failure", nullable=True),
    c.at("created_at", nullable=False),
    c.at("closed_at"),
    Column("version", Integer, nullable=False, server_default=text("1")),
    Column("event_sequence", Integer, nullable=False, server_default=text("0")),
    Column("family", Text, Computed("split_part(queue, ':', 1)", persisted=True), nullable=False),
    Column(
        "urgency",
        Integer,
        Computed(
            f"case status when 'DEAD' then {RANK} when 'DONE' then {2 * RANK} else 0 end - priority", persisted=True
        ),
        nullable=False,
    ),
    Column(
        "due_by",
        DateTime(timezone=True),
        Computed(f"coalesce(due_at, '{NEVER_DUE}'::timestamptz)", persisted=True),
        nullable=False,
    ),
    c.one_of("status", WorkItemStatus),
    CheckConstraint("(status = 'LEASED') = (lease is not null)", name="lease_while_leased"),
    CheckConstraint("(lease is null) = (leased_by is null)", name="leased_by_somebody"),
    CheckConstraint(f"(closed_at is not null) = ({c.among('status', ENDED)})", name="closed_at_when_ended"),
    CheckConstraint("(subject_type is null) = (subject_id is null)", name="subject_has_a_type"),
    CheckConstraint("max_attempts > 0", name="max_attempts_positive"),
    *c.never_negative("attempts"),
    *(
        Index("_".join(("ix_work_items", *narrowed, "urgency_due_by_id")), *narrowed, "urgency", "due_by", "id")
        for narrowed in ((), ("queue",), ("location_id",), ("kind",), ("family",))
    ),
    Index("ix_work_items_passing", "ready_at", postgresql_where=text(PASSING_NOW)),
)
"""What people and other systems have to do. It shares the leases with jobs, not the table: it is queried and kept.

`queue` is a name; `family` is what stands before its colon. `urgency` ranks: what is still to be done, what is dead, what
is done, each by priority. What is never due is due last.
"""
