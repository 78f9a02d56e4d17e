"""What goes wrong."""

from sqlalchemy import CheckConstraint, Column, Index, Integer, Table, Text, Uuid, text
from sqlalchemy.dialects.postgresql import ARRAY

from domain.exceptions import ExceptionKind, ExceptionSeverity
from domain.store.tables import columns as c

exceptions = Table(
    "exceptions",
    c.metadata,
    c.id(),
    c.text("kind"),
    c.text("severity"),
    c.text("subject_type"),
    Column("subject_id", Uuid, nullable=False, index=True),
    c.of("order_id", "orders", nullable=True),
    c.of("customer_id", "customers", nullable=True),
    c.of("location_id", "locations", nullable=True),
    c.of("channel_id", "channels", nullable=True),
    c.at("detected_at", nullable=False),
    c.at("due_at"),
    c.text("explanation"),
    Column("suggested_actions", ARRAY(Text), nullable=False),
    c.at("acknowledged_at"),
    c.text("acknowledged_by_kind", nullable=True),
    c.text("acknowledged_by", nullable=True),
    c.text("note", nullable=True),
    c.at("resolved_at"),
    c.text("resolution", nullable=True),
    Column("event_sequence", Integer, nullable=False, server_default=text("0")),
    c.one_of("kind", ExceptionKind),
    c.one_of("severity", ExceptionSeverity),
    CheckConstraint("(resolved_at is null) = (resolution is null)", name="resolved_with_a_reason"),
    CheckConstraint("(acknowledged_at is null) = (acknowledged_by is null)", name="acknowledged_by_somebody"),
    Index("uq_exceptions_open", "kind", "subject_id", unique=True, postgresql_where=text("resolved_at is null")),
    Index("ix_exceptions_detected_at_id", "detected_at", "id"),
    *(
        Index(f"ix_exceptions_{column}_detected_at_id", column, "detected_at", "id")
        for column in ("kind", "severity", "order_id", "customer_id", "location_id", "channel_id")
    ),
    Index("ix_exceptions_open", "detected_at", "id", postgresql_where=text("resolved_at is null")),
    *(
        Index(f"ix_exceptions_open_{column}", column, "detected_at", "id", postgresql_where=text("resolved_at is null"))
        for column in ("kind", "location_id")
    ),
)
"""What somebody should look at; at most one open of a kind about the same thing."""
