"""What is where, and the ledger of how it came to be so."""

from sqlalchemy import CheckConstraint, Column, Computed, Index, Integer, Table, UniqueConstraint, Uuid, text

from domain.stock import Bucket, MovementKind
from domain.store.tables import columns as c

stock_levels = Table(
    "stock_levels",
    c.metadata,
    c.id(),
    c.of("variant_id", "variants"),
    c.of("location_id", "locations"),
    c.count("available"),
    c.count("reserved"),
    c.count("allocated"),
    c.count("safety_stock"),
    c.count("quality_control"),
    c.count("damaged"),
    Column(
        "on_hand",
        Integer,
        Computed("available + reserved + allocated + safety_stock + quality_control + damaged", persisted=True),
        nullable=False,
    ),
    Column("version", Integer, nullable=False, server_default=text("0")),
    UniqueConstraint("variant_id", "location_id"),
    Index("ix_stock_levels_location_id_id", "location_id", "id"),
    *c.never_negative("available", "reserved", "allocated", "safety_stock", "quality_control", "damaged"),
)

stock_movements = Table(
    "stock_movements",
    c.metadata,
    c.id(),
    c.of("stock_level_id", "stock_levels"),
    c.copy("variant_id"),
    c.copy("location_id"),
    c.text("kind"),
    Column("quantity", Integer, nullable=False),
    c.text("from_bucket", nullable=True),
    Column("from_balance_after", Integer),
    c.text("to_bucket", nullable=True),
    Column("to_balance_after", Integer),
    c.text("act_type"),
    Column("act_id", Uuid, nullable=False),
    Column("line_id", Uuid),
    c.of("reverses_id", "stock_movements", nullable=True, unique=True),
    c.text("reason", nullable=True),
    c.text("actor_kind"),
    c.text("actor_name"),
    c.at("occurred_at", nullable=False),
    c.at("recorded_at", nullable=False),
    c.one_of("kind", MovementKind),
    c.one_of("from_bucket", Bucket),
    c.one_of("to_bucket", Bucket),
    CheckConstraint("quantity > 0", name="quantity_positive"),
    CheckConstraint("from_bucket is distinct from to_bucket", name="moves"),
    CheckConstraint("(from_bucket is null) = (from_balance_after is null)", name="from_balance"),
    CheckConstraint("(to_bucket is null) = (to_balance_after is null)", name="to_balance"),
    UniqueConstraint(
        "act_id",
        "line_id",
        "stock_level_id",
        "kind",
        "from_bucket",
        "to_bucket",
        name="uq_stock_movements_once",
        postgresql_nulls_not_distinct=True,
    ),
    Index("ix_stock_movements_variant_id_recorded_at_id", "variant_id", "recorded_at", "id"),
    Index("ix_stock_movements_variant_id_location_id_recorded_at_id", "variant_id", "location_id", "recorded_at", "id"),
    Index("ix_stock_movements_location_id_recorded_at_id", "location_id", "recorded_at", "id"),
    *(
        Index(
            f"ix_stock_movements_stock_level_id_{side}_bucket",
            "stock_level_id",
            f"{side}_bucket",
            "recorded_at",
            "id",
            postgresql_where=text(f"{side}_bucket is not null"),
        )
        for side in ("from", "to")
    ),
    Index(
        "ix_stock_movements_unusual",
        "kind",
        "recorded_at",
        "id",
        postgresql_where=text("kind not in ('ALLOCATE', 'SHIP')"),
    ),
    Index("ix_stock_movements_recorded_at_id", "recorded_at", "id"),
)

stock_shortfalls = Table(
    "stock_shortfalls",
    c.metadata,
    c.id(),
    c.of("stock_level_id", "stock_levels"),
    c.of("order_line_id", "order_lines", index=True),
    Column("quantity", Integer, nullable=False),
    c.of("rerouted_to_id", "locations", nullable=True),
    Column("act_id", Uuid, nullable=False),
    c.at("occurred_at", nullable=False),
    CheckConstraint("quantity > 0", name="quantity_positive"),
    Index("ix_stock_shortfalls_stock_level_id_occurred_at_id", "stock_level_id", "occurred_at", "id"),
)
"""Units that were promised and that a count did not find, and who ships them instead; only ever added."""

channel_thresholds = Table(
    "channel_thresholds",
    c.metadata,
    c.id(),
    c.of("channel_id", "channels"),
    c.of("variant_id", "variants", nullable=True, index=True),
    Column("units", Integer, nullable=False),
    UniqueConstraint("channel_id", "variant_id", postgresql_nulls_not_distinct=True),
    *c.never_negative("units"),
)
"""Units that a channel does not sell, though they are available: of one variant, or of any other where it is null."""
