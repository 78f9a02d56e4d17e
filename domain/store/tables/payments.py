"""Money that came and went."""

from sqlalchemy import CheckConstraint, Index, Table, text

from domain.payments import EntryStatus, PaymentKind
from domain.store.tables import columns as c

payments = Table(
    "payments",
    c.metadata,
    c.id(),
    c.of("order_id", "orders", index=True),
    c.text("kind"),
    c.text("status"),
    c.text("provider"),
    c.minor("amount_minor"),
    c.text("currency"),
    c.of("request_id", "payments", nullable=True, index=True),
    c.of("parent_id", "payments", nullable=True),
    c.text("method", nullable=True),
    c.text("reference", nullable=True),
    c.text("last4", nullable=True),
    c.text("failure", nullable=True),
    c.text("reason", nullable=True),
    c.text("note", nullable=True),
    c.of("return_id", "returns", nullable=True, index=True),
    c.text("destination", nullable=True),
    c.at("occurred_at", nullable=False),
    c.at("recorded_at", nullable=False),
    c.at("expires_at"),
    c.one_of("kind", PaymentKind),
    c.one_of("status", EntryStatus),
    CheckConstraint("amount_minor > 0", name="amount_positive"),
    Index("ix_payments_expires_at_id", "expires_at", "id", postgresql_where=text("expires_at is not null")),
    Index("ix_payments_requested", "recorded_at", "id", postgresql_where=text("status = 'REQUESTED'")),
    Index("uq_payments_settled_once", "request_id", unique=True, postgresql_where=text("request_id is not null")),
)
