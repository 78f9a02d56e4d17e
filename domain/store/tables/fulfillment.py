"""Work given to locations."""

from sqlalchemy import CheckConstraint, Column, Computed, Date, Index, Integer, Table, text

from domain.fulfillment import FulfillmentKind, FulfillmentOrderStatus
from domain.store.tables import columns as c

fulfillment_orders = Table(
    "fulfillment_orders",
    c.metadata,
    c.id(),
    c.of("order_id", "orders", index=True),
    c.of("location_id", "locations"),
    c.of("routing_decision_id", "routing_decisions", nullable=True),
    c.of("split_from_id", "fulfillment_orders", nullable=True),
    c.text("kind"),
    c.text("status"),
    c.text("service", nullable=True),
    Column("priority", Integer, nullable=False, server_default=text("0")),
    c.at("due_at", nullable=False),
    Column("capacity_day", Date),
    c.at("created_at", nullable=False),
    c.at("accepted_at"),
    c.at("packed_at"),
    c.at("ready_at"),
    c.at("collect_before"),
    c.text("pickup_code", nullable=True),
    c.at("shipped_at"),
    c.at("closed_at"),
    Column("version", Integer, nullable=False, server_default=text("1")),
    Column("event_sequence", Integer, nullable=False, server_default=text("0")),
    c.one_of("kind", FulfillmentKind),
    c.one_of("status", FulfillmentOrderStatus),
    Index("ix_fulfillment_orders_location_id_status_due_at_id", "location_id", "status", "due_at", "id"),
    Index("ix_fulfillment_orders_due_at_id", "due_at", "id"),
    Index("ix_fulfillment_orders_location_id_due_at_id", "location_id", "due_at", "id"),
    Index("ix_fulfillment_orders_status_due_at_id", "status", "due_at", "id"),
    *(
        Index("_".join(("ix_fulfillment_orders_pickup", *keys)), *keys, postgresql_where=text("kind = 'PICKUP'"))
        for keys in (("location_id", "due_at", "id"), ("status", "due_at", "id"), ("due_at", "id"))
    ),
    Index(
        "ix_fulfillment_orders_unfinished",
        "due_at",
        "id",
        postgresql_where=text("status in ('OPEN', 'ACCEPTED', 'PICKING', 'PACKED')"),
    ),
)

fulfillment_order_lines = Table(
    "fulfillment_order_lines",
    c.metadata,
    c.id(),
    c.of("fulfillment_order_id", "fulfillment_orders", index=True),
    c.of("order_line_id", "order_lines", index=True),
    c.of("stock_level_id", "stock_levels"),
    c.copy("variant_id"),
    c.copy("location_id"),
    c.text("sku"),
    c.text("name"),
    Column("quantity", Integer, nullable=False),
    c.count("picked"),
    c.count("short"),
    c.count("shipped"),
    c.count("canceled"),
    Column("held", Integer, Computed("quantity - short - shipped - canceled", persisted=True), nullable=False),
    *c.never_negative("quantity", "picked", "short", "shipped", "canceled", "held"),
    CheckConstraint("picked + short + canceled <= quantity", name="picked_at_most_asked"),
    CheckConstraint("shipped <= picked", name="shipped_at_most_picked"),
    Index("ix_fulfillment_order_lines_holding", "stock_level_id", postgresql_where=text("held > 0")),
)
"""Who has units of a level is asked of what is held now, not of all that ever left it."""
