"""What left a location: parcels, what carriers say of them, and invoices."""

from sqlalchemy import CheckConstraint, Column, Index, Integer, Table, UniqueConstraint, text

from domain.shipments import ShipmentStatus, TrackingCode
from domain.store.tables import columns as c

shipments = Table(
    "shipments",
    c.metadata,
    c.id(),
    c.of("order_id", "orders", index=True),
    c.of("fulfillment_order_id", "fulfillment_orders", index=True),
    c.of("location_id", "locations"),
    c.text("status"),
    c.text("carrier"),
    c.text("service", nullable=True),
    c.at("estimated_delivery"),
    c.at("created_at", nullable=False),
    c.at("handed_over_at"),
    c.at("delivered_at"),
    c.at("heard_at"),
    c.text("heard_code", nullable=True),
    Column("version", Integer, nullable=False, server_default=text("1")),
    Column("event_sequence", Integer, nullable=False, server_default=text("0")),
    c.one_of("status", ShipmentStatus),
    CheckConstraint("(delivered_at is not null) >= (status = 'DELIVERED')", name="delivered_at_when_delivered"),
    Index("ix_shipments_in_house", "created_at", "id", postgresql_where=text("status in ('CREATED', 'LABELED')")),
    Index(
        "ix_shipments_away",
        "heard_at",
        "id",
        postgresql_where=text("status in ('HANDED_OVER', 'IN_TRANSIT', 'OUT_FOR_DELIVERY')"),
    ),
    Index(
        "ix_shipments_failing",
        "heard_at",
        "id",
        postgresql_where=text("heard_code in ('ATTEMPTED', 'EXCEPTION', 'RETURNED')"),
    ),
)
"""`heard_at` and `heard_code`: the carrier's last word, or when it was given the parcels."""

shipment_lines = Table(
    "shipment_lines",
    c.metadata,
    c.id(),
    c.of("shipment_id", "shipments", index=True),
    c.of("order_line_id", "order_lines", index=True),
    c.of("fulfillment_order_line_id", "fulfillment_order_lines"),
    Column("quantity", Integer, nullable=False),
    CheckConstraint("quantity > 0", name="quantity_positive"),
)

packages = Table(
    "packages",
    c.metadata,
    c.id(),
    c.of("fulfillment_order_id", "fulfillment_orders", index=True),
    c.of("shipment_id", "shipments", nullable=True, index=True),
    Column("weight_grams", Integer),
    Column("length_mm", Integer),
    Column("width_mm", Integer),
    Column("height_mm", Integer),
    c.text("carrier", nullable=True),
    c.text("tracking_number", nullable=True),
    c.text("tracking_url", nullable=True),
    c.text("label_url", nullable=True),
    c.at("created_at", nullable=False),
    Index("uq_packages_tracking_number_carrier", "tracking_number", "carrier", unique=True),
)

package_lines = Table(
    "package_lines",
    c.metadata,
    c.id(),
    c.of("package_id", "packages", index=True),
    c.of("fulfillment_order_line_id", "fulfillment_order_lines"),
    Column("quantity", Integer, nullable=False),
    CheckConstraint("quantity > 0", name="quantity_positive"),
)

tracking_events = Table(
    "tracking_events",
    c.metadata,
    c.id(),
    c.of("shipment_id", "shipments"),
    c.of("package_id", "packages", nullable=True),
    c.text("code"),
    c.text("message", nullable=True),
    c.text("place", nullable=True),
    c.at("occurred_at", nullable=False),
    c.at("recorded_at", nullable=False),
    c.one_of("code", TrackingCode),
    Index("ix_tracking_events_shipment_id_occurred_at", "shipment_id", "occurred_at"),
)

invoices = Table(
    "invoices",
    c.metadata,
    c.id(),
    c.text("number"),
    c.of("order_id", "orders", index=True),
    c.of("shipment_id", "shipments", nullable=True, index=True),
    c.minor("total_minor"),
    c.text("currency"),
    c.text("pdf_url", nullable=True),
    c.at("issued_at", nullable=False),
    UniqueConstraint("number"),
)
