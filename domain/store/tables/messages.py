"""What customers are told."""

from sqlalchemy import CheckConstraint, Column, Index, Table, Text, UniqueConstraint, Uuid

from domain.messages import MessageKind, MessageMedium, MessageStatus, MessageTopic
from domain.store.tables import columns as c

messages = Table(
    "messages",
    c.metadata,
    c.id(),
    c.text("kind"),
    c.text("medium"),
    c.text("status"),
    c.text("cause_type"),
    Column("cause_id", Uuid, nullable=False),
    c.of("order_id", "orders"),
    c.copy("channel_id"),
    Column("customer_id", Uuid),
    c.text("recipient", nullable=True),
    c.text("locale", nullable=True),
    c.text("subject", nullable=True),
    c.text("reason", nullable=True),
    c.at("created_at", nullable=False),
    c.at("ended_at"),
    c.one_of("kind", MessageKind),
    c.one_of("medium", MessageMedium),
    c.one_of("status", MessageStatus),
    CheckConstraint("(ended_at is null) = (status = 'PENDING')", name="ended_at_unless_pending"),
    # Of a cause, whoever may be reached by a medium is told a thing once; also nobody is "whoever".
    UniqueConstraint("cause_id", "kind", "medium", "recipient", postgresql_nulls_not_distinct=True),
    Index("ix_messages_order_id_created_at_id", "order_id", "created_at", "id"),
    Index("ix_messages_customer_id_created_at_id", "customer_id", "created_at", "id"),
)

message_opt_outs = Table(
    "message_opt_outs",
    c.metadata,
    c.of("customer_id", "customers", primary_key=True),
    Column("topic", Text, primary_key=True),
    Column("medium", Text, primary_key=True),
    c.at("opted_out_at", nullable=False),
    c.one_of("topic", MessageTopic),
    c.one_of("medium", MessageMedium),
)
"""What customers do not want to be told; they are told everything else."""
