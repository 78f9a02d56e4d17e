"""Where we sell, and what: channels, products, variants and their prices."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)

from domain.backorders import BackorderPolicy
from domain.orders import UnroutedPolicy
from domain.store.tables import columns as c

channels = Table(
    "channels",
    c.metadata,
    c.id(),
    c.text("code"),
    c.text("name"),
    c.text("currency"),
    c.text("time_zone"),
    Column("return_window_days", Integer, nullable=False, server_default=text("30")),
    c.text("locale", nullable=True),
    Column("network_version", BigInteger, nullable=False, server_default=text("0")),
    c.at("prices_solved_at"),
    Column("promise_model_id", Uuid),
    c.at("created_at", nullable=False),
    Column("unrouted_policy", Text, nullable=False, server_default=text("'WAIT'")),
    Column("unrouted_after_hours", Integer, nullable=False, server_default=text("72")),
    c.count("wave_minutes"),
    Column("wave_saving_percent", Integer, nullable=False, server_default=text("10")),
    c.at("waved_at"),
    UniqueConstraint("code"),
    c.one_of("unrouted_policy", UnroutedPolicy),
    *c.never_negative("return_window_days", "unrouted_after_hours", "wave_minutes", "wave_saving_percent"),
)
"""`network_version` grows with whatever a router should know: triggers see to it, and who stores prices."""

shipping_prices = Table(
    "shipping_prices",
    c.metadata,
    c.of("channel_id", "channels", primary_key=True),
    Column("service", Text, primary_key=True),
    c.text("currency"),
    c.minor("amount_minor"),
    *c.never_negative("amount_minor"),
)

products = Table(
    "products",
    c.metadata,
    c.id(),
    c.text("code"),
    c.text("name"),
    c.text("category", nullable=True),
    c.at("created_at", nullable=False),
    UniqueConstraint("code"),
)

variants = Table(
    "variants",
    c.metadata,
    c.id(),
    c.of("product_id", "products", index=True),
    c.text("sku"),
    c.text("name"),
    Column("weight_grams", Integer),
    Column("length_mm", Integer),
    Column("width_mm", Integer),
    Column("height_mm", Integer),
    Column("backorder_policy", Text, nullable=False, server_default=text("'NONE'")),
    Column("backorder_limit", Integer),
    c.at("releases_at"),
    Column("hazmat", Boolean, nullable=False, server_default=text("false")),
    c.at("created_at", nullable=False),
    UniqueConstraint("sku"),
    c.one_of("backorder_policy", BackorderPolicy),
    CheckConstraint("backorder_limit is null or backorder_policy <> 'NONE'", name="limit_of_a_policy"),
    CheckConstraint("releases_at is not null or backorder_policy <> 'PREORDER'", name="preorder_has_a_release"),
    *c.never_negative("weight_grams", "length_mm", "width_mm", "height_mm", "backorder_limit"),
    Index("ix_variants_releases_at_id", "releases_at", "id", postgresql_where=text("backorder_policy = 'PREORDER'")),
)
"""`backorder_limit`: units that may wait at once, over all orders; null for as many as are wanted."""

kit_components = Table(
    "kit_components",
    c.metadata,
    c.of("kit_variant_id", "variants", primary_key=True),
    c.of("component_variant_id", "variants", primary_key=True, index=True),
    Column("quantity", Integer, nullable=False),
    CheckConstraint("quantity > 0", name="quantity_positive"),
    CheckConstraint("kit_variant_id <> component_variant_id", name="not_itself"),
)
"""What one of a kit consists of. A kit has no stock of its own, and no component is a kit."""

variant_prices = Table(
    "variant_prices",
    c.metadata,
    c.of("variant_id", "variants", primary_key=True),
    c.of("channel_id", "channels", primary_key=True),
    Column("currency", Text, primary_key=True),
    c.minor("amount_minor"),
    *c.never_negative("amount_minor"),
)
