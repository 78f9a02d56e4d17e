"""Supply: bought, moved, counted, awaited."""

from sqlalchemy import (
    CheckConstraint,
    Column,
    Computed,
    Index,
    Integer,
    MetaData,
    Sequence,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)

from domain.backorders import BackorderPolicy
from domain.counts import StockCountStatus
from domain.purchases import PurchaseOrderStatus
from domain.store.tables import columns as c
from domain.transfers import TransferStatus

purchase_order_number = Sequence("purchase_order_number", start=100_001, metadata=c.metadata)

transfer_number = Sequence("transfer_number", start=100_001, metadata=c.metadata)

stock_count_number = Sequence("stock_count_number", start=100_001, metadata=c.metadata)

suppliers = Table(
    "suppliers",
    c.metadata,
    c.id(),
    c.text("code"),
    c.text("name"),
    c.text("email", nullable=True),
    c.text("phone", nullable=True),
    Column("lead_time_days", Integer),
    c.at("created_at", nullable=False),
    UniqueConstraint("code"),
    *c.never_negative("lead_time_days"),
)

purchase_orders = Table(
    "purchase_orders",
    c.metadata,
    c.id(),
    c.text("number"),
    c.of("supplier_id", "suppliers"),
    c.of("location_id", "locations"),
    c.text("status"),
    c.text("currency"),
    c.at("expected_at", nullable=False),
    c.text("reference", nullable=True),
    c.text("note", nullable=True),
    c.at("created_at", nullable=False),
    c.at("ordered_at"),
    c.at("closed_at"),
    Column("version", Integer, nullable=False, server_default=text("1")),
    Column("event_sequence", Integer, nullable=False, server_default=text("0")),
    UniqueConstraint("number"),
    c.one_of("status", PurchaseOrderStatus),
    CheckConstraint("(closed_at is not null) = (status in ('RECEIVED', 'CANCELED'))", name="closed_at_when_ended"),
    CheckConstraint("ordered_at is not null or status in ('DRAFT', 'CANCELED')", name="ordered_at_when_ordered"),
    Index("ix_purchase_orders_expected_at_id", "expected_at", "id"),
    *(
        Index(f"ix_purchase_orders_{column}_expected_at_id", column, "expected_at", "id")
        for column in ("supplier_id", "location_id", "status")
    ),
)

purchase_order_lines = Table(
    "purchase_order_lines",
    c.metadata,
    c.id(),
    c.of("purchase_order_id", "purchase_orders"),
    Column("position", SmallInteger, nullable=False),
    c.of("variant_id", "variants"),
    c.text("sku"),
    c.text("name"),
    Column("ordered", Integer, nullable=False),
    c.count("received"),
    c.count("damaged"),
    c.count("canceled"),
    Column(
        "outstanding",
        Integer,
        Computed("greatest(ordered - received - damaged - canceled, 0)", persisted=True),
        nullable=False,
    ),
    c.text("currency"),
    c.minor("unit_cost_minor"),
    UniqueConstraint("purchase_order_id", "position"),
    CheckConstraint("ordered > 0", name="ordered_positive"),
    CheckConstraint("canceled <= ordered", name="canceled_at_most_ordered"),
    *c.never_negative("received", "damaged", "canceled", "unit_cost_minor"),
    Index("ix_purchase_order_lines_variant_id", "variant_id"),
    Index("ix_purchase_order_lines_outstanding", "variant_id", postgresql_where=text("outstanding > 0")),
)
"""`outstanding` is on its way while its purchase order is ORDERED or PARTIALLY_RECEIVED; more than `ordered` may arrive."""

transfers = Table(
    "transfers",
    c.metadata,
    c.id(),
    c.text("number"),
    c.of("from_location_id", "locations"),
    c.of("to_location_id", "locations"),
    c.text("status"),
    c.at("expected_at", nullable=False),
    c.text("note", nullable=True),
    c.at("created_at", nullable=False),
    c.at("shipped_at"),
    c.at("closed_at"),
    Column("version", Integer, nullable=False, server_default=text("1")),
    Column("event_sequence", Integer, nullable=False, server_default=text("0")),
    UniqueConstraint("number"),
    c.one_of("status", TransferStatus),
    CheckConstraint("from_location_id <> to_location_id", name="moves"),
    CheckConstraint("(closed_at is not null) = (status in ('RECEIVED', 'CANCELED'))", name="closed_at_when_ended"),
    CheckConstraint("shipped_at is not null or status in ('DRAFT', 'CANCELED')", name="shipped_at_when_shipped"),
    Index("ix_transfers_expected_at_id", "expected_at", "id"),
    *(
        Index(f"ix_transfers_{column}_expected_at_id", column, "expected_at", "id")
        for column in ("from_location_id", "to_location_id", "status")
    ),
)

transfer_lines = Table(
    "transfer_lines",
    c.metadata,
    c.id(),
    c.of("transfer_id", "transfers"),
    Column("position", SmallInteger, nullable=False),
    c.of("variant_id", "variants"),
    c.text("sku"),
    c.text("name"),
    Column("quantity", Integer, nullable=False),
    c.count("shipped"),
    c.count("received"),
    c.count("damaged"),
    c.count("missing"),
    Column("in_transit", Integer, Computed("shipped - received - damaged - missing", persisted=True), nullable=False),
    UniqueConstraint("transfer_id", "position"),
    CheckConstraint("quantity > 0", name="quantity_positive"),
    CheckConstraint("shipped <= quantity", name="shipped_at_most_planned"),
    *c.never_negative("shipped", "received", "damaged", "missing", "in_transit"),
    Index("ix_transfer_lines_in_transit", "variant_id", postgresql_where=text("in_transit > 0")),
)
"""shipped = received + damaged + missing + in transit; what is in transit is on its way, and lies nowhere."""

goods_receipts = Table(
    "goods_receipts",
    c.metadata,
    c.id(),
    c.of("purchase_order_id", "purchase_orders", nullable=True),
    c.of("transfer_id", "transfers", nullable=True),
    c.of("location_id", "locations"),
    c.text("reference", nullable=True),
    c.at("received_at", nullable=False),
    c.at("recorded_at", nullable=False),
    c.text("actor_kind"),
    c.text("actor_name"),
    CheckConstraint("(purchase_order_id is null) <> (transfer_id is null)", name="of_one_source"),
    Index("ix_goods_receipts_purchase_order_id_id", "purchase_order_id", "id"),
    Index("ix_goods_receipts_transfer_id_id", "transfer_id", "id"),
    Index("ix_goods_receipts_location_id", "location_id"),
)
"""One arrival of goods. What arrived are the ledger's entries that name it as their act."""

stock_counts = Table(
    "stock_counts",
    c.metadata,
    c.id(),
    c.text("number"),
    c.of("location_id", "locations"),
    c.text("status"),
    c.text("note", nullable=True),
    c.at("started_at", nullable=False),
    c.at("closed_at"),
    Column("version", Integer, nullable=False, server_default=text("1")),
    Column("event_sequence", Integer, nullable=False, server_default=text("0")),
    UniqueConstraint("number"),
    c.one_of("status", StockCountStatus),
    CheckConstraint("(closed_at is null) = (status = 'OPEN')", name="closed_at_unless_open"),
    Index("ix_stock_counts_started_at_id", "started_at", "id"),
    *(
        Index(f"ix_stock_counts_{column}_started_at_id", column, "started_at", "id")
        for column in ("location_id", "status")
    ),
)

stock_count_lines = Table(
    "stock_count_lines",
    c.metadata,
    c.id(),
    c.of("stock_count_id", "stock_counts"),
    Column("position", Integer, nullable=False),
    c.of("stock_level_id", "stock_levels", index=True),
    c.copy("variant_id"),
    c.text("sku"),
    c.text("name"),
    Column("expected", Integer, nullable=False),
    Column("counted", Integer),
    c.at("counted_at"),
    c.text("counted_by_kind", nullable=True),
    c.text("counted_by", nullable=True),
    Column("variance", Integer, Computed("counted - expected", persisted=True)),
    UniqueConstraint("stock_count_id", "position"),
    UniqueConstraint("stock_count_id", "stock_level_id"),
    CheckConstraint("(counted is null) = (counted_at is null)", name="counted_at_when_counted"),
    CheckConstraint("(counted is null) = (counted_by is null)", name="counted_by_somebody"),
    *c.never_negative("expected", "counted"),
)
"""`expected` is what the books had on hand: at the start, and once it was counted, at the moment of the count."""

backorders = Table(
    "backorders",
    c.metadata,
    c.id(),
    c.of("order_line_id", "order_lines", index=True),
    c.copy("order_id"),
    c.of("variant_id", "variants", index=True),
    Column("quantity", Integer, nullable=False),
    c.text("policy"),
    Column("limit_units", Integer),
    Column("waiting_after", Integer, nullable=False),
    c.at("recorded_at", nullable=False),
    c.one_of("policy", BackorderPolicy),
    CheckConstraint("policy <> 'NONE'", name="by_a_policy"),
    CheckConstraint("quantity > 0 and quantity <= waiting_after", name="quantity_positive"),
    CheckConstraint("waiting_after <= limit_units", name="within_the_limit"),
)
"""Units that began to wait: by which policy, and how many of the variant waited then, over all orders. Only ever added."""

backorder_fills = Table(
    "backorder_fills",
    c.metadata,
    c.id(),
    c.of("order_line_id", "order_lines", index=True),
    c.copy("order_id"),
    c.of("variant_id", "variants", index=True),
    Column("quantity", Integer, nullable=False),
    c.of("routing_decision_id", "routing_decisions", index=True),
    c.at("recorded_at", nullable=False),
    CheckConstraint("quantity > 0", name="quantity_positive"),
)
"""Units that waited no longer: supply was given to them by a routing decision. Only ever added."""

views = MetaData()
"""What reads like a table and is none: nothing is written to it."""

incoming = Table(
    "incoming",
    views,
    Column("id", Uuid, primary_key=True),
    Column("source_type", Text, nullable=False),
    Column("source_id", Uuid, nullable=False),
    Column("variant_id", Uuid, nullable=False),
    Column("location_id", Uuid, nullable=False),
    c.at("expected_at", nullable=False),
    Column("quantity", Integer, nullable=False),
)
"""Supply on its way: what is still to come of purchase orders that suppliers know of, and what is in transit."""
