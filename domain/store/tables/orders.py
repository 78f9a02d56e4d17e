"""Orders, their lines, and what is told beside their status."""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Double,
    Index,
    Integer,
    Sequence,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY

from domain.orders import AdjustmentKind, FulfillmentStatus, HoldKind, OrderReturnStatus, OrderStatus, PaymentStatus
from domain.store.search import last_digits_of, letters_and_digits_of
from domain.store.tables import columns as c

order_number = Sequence("order_number", start=100_001, metadata=c.metadata)

orders = Table(
    "orders",
    c.metadata,
    c.id(),
    c.text("number"),
    c.of("channel_id", "channels"),
    c.of("customer_id", "customers", nullable=True),
    c.text("external_reference", nullable=True),
    c.text("status"),
    c.text("payment_status"),
    c.text("fulfillment_status"),
    c.text("return_status"),
    c.text("currency"),
    c.minor("subtotal_minor"),
    c.minor("discount_minor"),
    c.minor("shipping_minor"),
    c.minor("tax_minor"),
    c.minor("total_minor"),
    c.text("email", nullable=True),
    c.text("phone", nullable=True),
    c.text("first_name", nullable=True),
    c.text("last_name", nullable=True),
    *c.address(),
    Column("latitude", Double),
    Column("longitude", Double),
    c.text("locale", nullable=True),
    c.text("note", nullable=True),
    Column("tags", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    Column("on_hold", Boolean, nullable=False, server_default=text("false")),
    c.at("deliver_by_earliest"),
    c.at("deliver_by_latest"),
    Column("deliver_by_confidence", Double),
    Column("promise_model_id", Uuid),
    c.at("created_at", nullable=False),
    c.at("placed_at", nullable=False),
    c.at("confirmed_at"),
    c.at("canceled_at"),
    c.at("completed_at"),
    c.text("cancel_reason", nullable=True),
    c.at("unrouted_at"),
    c.at("route_again_at"),
    c.count("route_attempts"),
    Column("version", Integer, nullable=False, server_default=text("1")),
    Column("event_sequence", Integer, nullable=False, server_default=text("0")),
    UniqueConstraint("number"),
    UniqueConstraint("channel_id", "external_reference"),
    c.one_of("status", OrderStatus),
    c.one_of("payment_status", PaymentStatus),
    c.one_of("fulfillment_status", FulfillmentStatus),
    c.one_of("return_status", OrderReturnStatus),
    CheckConstraint("(canceled_at is not null) = (status = 'CANCELED')", name="canceled_at_iff_canceled"),
    CheckConstraint("(completed_at is not null) = (status = 'COMPLETED')", name="completed_at_iff_completed"),
    CheckConstraint("(unrouted_at is null) = (route_again_at is null)", name="routed_again_while_unrouted"),
    CheckConstraint(
        "total_minor = subtotal_minor - discount_minor + shipping_minor + tax_minor", name="total_is_the_sum"
    ),
    Index("ix_orders_placed_at_id", "placed_at", "id"),
    Index("ix_orders_customer_id_placed_at_id", "customer_id", "placed_at", "id"),
    Index("ix_orders_channel_id_placed_at_id", "channel_id", "placed_at", "id"),
    Index("ix_orders_email_id", func.lower(text("email")), "id"),
    Index("ix_orders_phone_id", last_digits_of(text("phone")), "id"),
    Index("ix_orders_postal_code_id", letters_and_digits_of(text("postal_code")), "id"),
    Index("ix_orders_status_placed_at_id", "status", "placed_at", "id"),
    Index("ix_orders_channel_id_status_placed_at_id", "channel_id", "status", "placed_at", "id"),
    Index("ix_orders_on_hold", "placed_at", "id", postgresql_where=text("on_hold")),
    Index("ix_orders_external_reference", "external_reference"),
    *(
        Index("_".join(("ix_orders_unrouted", *keys)), *keys, postgresql_where=text("unrouted_at is not null"))
        for keys in (("placed_at", "id"), ("channel_id", "placed_at", "id"), ("route_again_at", "id"))
    ),
    Index(
        "ix_orders_promised",
        "deliver_by_latest",
        "id",
        postgresql_where=text("status in ('PENDING', 'CONFIRMED', 'IN_FULFILLMENT') and deliver_by_latest is not null"),
    ),
)

order_tags = Table(
    "order_tags",
    c.metadata,
    Column("tag", Text, primary_key=True),
    Column("placed_at", DateTime(timezone=True), primary_key=True),
    Column("order_id", Uuid, primary_key=True),
)
"""Orders by their labels in the order of lists, which no index over an array gives; kept by a trigger on `orders`."""

order_locations = Table(
    "order_locations",
    c.metadata,
    Column("location_id", Uuid, primary_key=True),
    Column("placed_at", DateTime(timezone=True), primary_key=True),
    Column("order_id", Uuid, primary_key=True),
)
"""Orders by the locations that have work for them, or a return of theirs; kept by triggers on those two."""

order_lines = Table(
    "order_lines",
    c.metadata,
    c.id(),
    c.of("order_id", "orders"),
    Column("position", SmallInteger, nullable=False),
    c.of("kit_line_id", "order_lines", nullable=True),
    c.of("variant_id", "variants"),
    c.text("sku"),
    c.text("name"),
    Column("quantity", Integer, nullable=False),
    c.count("open"),
    c.count("backordered"),
    c.count("allocated"),
    c.count("picked"),
    c.count("shipped"),
    c.count("delivered"),
    c.count("canceled"),
    c.count("returned"),
    c.count("in_open_returns"),
    c.of("pinned_location_id", "locations", nullable=True),
    c.of("pickup_location_id", "locations", nullable=True),
    c.text("currency"),
    c.minor("unit_price_minor"),
    c.minor("total_minor"),
    c.at("delivered_at"),
    c.at("backordered_at"),
    UniqueConstraint("order_id", "position"),
    CheckConstraint("quantity > 0", name="quantity_positive"),
    CheckConstraint("quantity = open + backordered + allocated + picked + shipped + canceled", name="quantities_sum"),
    CheckConstraint("delivered <= shipped", name="delivered_at_most_shipped"),
    CheckConstraint("returned + in_open_returns <= delivered", name="returned_at_most_delivered"),
    CheckConstraint("total_minor = quantity * unit_price_minor", name="total_is_the_product"),
    *c.never_negative(
        "open", "backordered", "allocated", "picked", "shipped", "delivered", "canceled", "returned", "in_open_returns"
    ),
    Index("ix_order_lines_variant_id_order_id", "variant_id", "order_id"),
    CheckConstraint("backordered = 0 or backordered_at is not null", name="backordered_since"),
    Index("ix_order_lines_kit_line_id", "kit_line_id", postgresql_where=text("kit_line_id is not null")),
    Index(
        "ix_order_lines_backordered",
        "variant_id",
        "backordered_at",
        "order_id",
        postgresql_where=text("backordered > 0"),
    ),
    Index("ix_order_lines_open", "variant_id", postgresql_where=text("open > 0")),
)

order_holds = Table(
    "order_holds",
    c.metadata,
    c.id(),
    c.of("order_id", "orders", index=True),
    c.text("kind"),
    c.text("reason"),
    c.at("placed_at", nullable=False),
    c.text("placed_by_kind"),
    c.text("placed_by"),
    c.at("released_at"),
    c.text("released_by", nullable=True),
    c.at("expires_at"),
    c.one_of("kind", HoldKind),
    Index(
        "ix_order_holds_expires_at_id",
        "expires_at",
        "id",
        postgresql_where=text("released_at is null and expires_at is not null"),
    ),
)

order_adjustments = Table(
    "order_adjustments",
    c.metadata,
    c.id(),
    c.of("order_id", "orders", index=True),
    c.text("kind"),
    c.text("reason", nullable=True),
    c.minor("amount_minor"),
    c.text("currency"),
    Column("act_id", Uuid, nullable=False),
    c.at("occurred_at", nullable=False),
    c.one_of("kind", AdjustmentKind),
    CheckConstraint(
        "(kind in ('ITEMS', 'SHIPPING', 'TAX')) = (amount_minor >= 0)", name="charges_add_and_credits_take"
    ),
    UniqueConstraint("act_id", "order_id", "kind"),
)
