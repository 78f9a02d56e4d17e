"""Who buys."""

from sqlalchemy import Boolean, CheckConstraint, Column, Index, Integer, Table, Text, func, text
from sqlalchemy.dialects.postgresql import ARRAY

from domain.customers import CustomerKind
from domain.store.search import last_digits_of, letters_and_digits_of, words_of
from domain.store.tables import columns as c

customers = Table(
    "customers",
    c.metadata,
    c.id(),
    c.text("kind"),
    c.text("email", nullable=True),
    c.text("first_name", nullable=True),
    c.text("last_name", nullable=True),
    c.text("display_name"),
    c.text("phone", nullable=True),
    Column("tags", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    c.text("locale", nullable=True),
    c.at("created_at", nullable=False),
    Column("event_sequence", Integer, nullable=False, server_default=text("0")),
    c.one_of("kind", CustomerKind),
    Index(
        "uq_customers_email",
        func.lower(text("email")),
        unique=True,
        postgresql_where=text("kind in ('REGISTERED', 'GUEST')"),
    ),
    Index("ix_customers_created_at_id", "created_at", "id"),
    Index("ix_customers_phone_id", last_digits_of(text("phone")), "id"),
    Index(
        "ix_customers_words",
        words_of(text("display_name")),
        postgresql_using="gin",
        postgresql_with={"fastupdate": "off"},  # a list of what is still to be entered would be read by every search
    ),
)

customer_addresses = Table(
    "customer_addresses",
    c.metadata,
    c.id(),
    c.of("customer_id", "customers", index=True),
    *c.address(),
    Column("is_default", Boolean, nullable=False, server_default=text("false")),
    c.at("created_at", nullable=False),
    Index("ix_customer_addresses_postal_code_customer_id", letters_and_digits_of(text("postal_code")), "customer_id"),
)

customer_notes = Table(
    "customer_notes",
    c.metadata,
    c.id(),
    c.of("customer_id", "customers"),
    c.text("body"),
    Column("pinned", Boolean, nullable=False),
    c.text("author_kind"),
    c.text("author_name"),
    c.at("created_at", nullable=False),
    CheckConstraint("body <> ''", name="says_something"),
    Index("ix_customer_notes_customer_id_pinned_created_at_id", "customer_id", "pinned", "created_at", "id"),
)
