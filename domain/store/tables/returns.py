"""What comes back."""

from sqlalchemy import CheckConstraint, Column, Index, Integer, Sequence, Table, UniqueConstraint, text

from domain.returns import Condition, Disposition, ReturnMethod, ReturnReason, ReturnStatus
from domain.store.tables import columns as c

return_number = Sequence("return_number", start=100_001, metadata=c.metadata)

returns = Table(
    "returns",
    c.metadata,
    c.id(),
    c.text("number"),
    c.of("order_id", "orders", index=True),
    c.of("channel_id", "channels"),
    c.of("customer_id", "customers", nullable=True),
    c.of("location_id", "locations", nullable=True),
    c.text("method"),
    c.text("status"),
    c.text("currency"),
    c.text("decline_reason", nullable=True),
    c.text("receipt_url", nullable=True),
    c.minor("estimated_refund_minor"),
    c.at("requested_at", nullable=False),
    c.at("approved_at"),
    c.at("received_at"),
    c.at("closed_at"),
    c.at("expires_at"),
    Column("version", Integer, nullable=False, server_default=text("1")),
    Column("event_sequence", Integer, nullable=False, server_default=text("0")),
    UniqueConstraint("number"),
    c.one_of("method", ReturnMethod),
    c.one_of("status", ReturnStatus),
    Index("ix_returns_customer_id_requested_at_id", "customer_id", "requested_at", "id"),
    Index("ix_returns_requested_at_id", "requested_at", "id"),
)

return_lines = Table(
    "return_lines",
    c.metadata,
    c.id(),
    c.of("return_id", "returns", index=True),
    c.of("order_line_id", "order_lines", index=True),
    Column("quantity", Integer, nullable=False),
    c.text("reason"),
    c.text("comment", nullable=True),
    c.count("received_quantity"),
    c.count("inspected_quantity"),
    c.one_of("reason", ReturnReason),
    CheckConstraint("quantity > 0", name="quantity_positive"),
    CheckConstraint("received_quantity between 0 and quantity", name="received_at_most_expected"),
    CheckConstraint("inspected_quantity between 0 and received_quantity", name="inspected_at_most_received"),
    Index(
        "ix_return_lines_being_inspected", "return_id", postgresql_where=text("received_quantity > inspected_quantity")
    ),
)

return_labels = Table(
    "return_labels",
    c.metadata,
    c.id(),
    c.of("return_id", "returns", index=True),
    c.text("carrier"),
    c.text("tracking_number"),
    c.text("url", nullable=True),
    c.at("created_at", nullable=False),
)

return_inspections = Table(
    "return_inspections",
    c.metadata,
    c.id(),
    c.of("return_line_id", "return_lines", index=True),
    Column("quantity", Integer, nullable=False),
    c.text("condition"),
    c.text("disposition"),
    c.at("inspected_at", nullable=False),
    c.one_of("condition", Condition),
    c.one_of("disposition", Disposition),
    CheckConstraint("quantity > 0", name="quantity_positive"),
)
