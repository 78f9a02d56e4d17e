"""Stock held for carts."""

from sqlalchemy import CheckConstraint, Column, Index, Integer, Table, text

from domain.reservations import ReservationStatus
from domain.store.tables import columns as c

reservations = Table(
    "reservations",
    c.metadata,
    c.id(),
    c.of("channel_id", "channels"),
    c.of("customer_id", "customers", nullable=True),
    c.of("order_id", "orders", nullable=True),
    c.text("holder"),
    c.text("reference"),
    c.text("status"),
    c.at("created_at", nullable=False),
    c.at("expires_at", nullable=False),
    c.at("ended_at"),
    Column("version", Integer, nullable=False, server_default=text("1")),
    Column("event_sequence", Integer, nullable=False, server_default=text("0")),
    c.one_of("status", ReservationStatus),
    CheckConstraint("(ended_at is null) = (status = 'ACTIVE')", name="ended_at_when_ended"),
    CheckConstraint("(order_id is not null) = (status = 'CONSUMED')", name="order_when_consumed"),
    Index(
        "uq_reservations_active",
        "channel_id",
        "holder",
        "reference",
        unique=True,
        postgresql_where=text("status = 'ACTIVE'"),
    ),
    Index("ix_reservations_expires_at_id", "expires_at", "id", postgresql_where=text("status = 'ACTIVE'")),
    Index("ix_reservations_created_at_id", "created_at", "id"),
    *(
        Index(f"ix_reservations_{column}_created_at_id", column, "created_at", "id")
        for column in ("status", "reference", "holder", "customer_id", "order_id")
    ),
)
"""Stock held for carts. `holder` is the subject of whoever reserved: a reference is the holder's own."""

reservation_lines = Table(
    "reservation_lines",
    c.metadata,
    c.id(),
    c.of("reservation_id", "reservations", index=True),
    c.of("stock_level_id", "stock_levels"),
    c.copy("variant_id"),
    c.copy("location_id"),
    c.text("sku"),
    Column("quantity", Integer, nullable=False),
    Column("held", Integer, nullable=False),
    CheckConstraint("quantity > 0", name="quantity_positive"),
    CheckConstraint("held in (0, quantity)", name="held_whole_or_not"),
    Index("ix_reservation_lines_held", "variant_id", "reservation_id", postgresql_where=text("held > 0")),
)
