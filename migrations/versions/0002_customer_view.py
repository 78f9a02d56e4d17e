"""The customer view: notes, and the indexes by which customers and orders are found.

Revision ID: 0002
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the notes; index names, phone numbers and postal codes as they are said, and what was bought by order."""
    for statement in UPGRADE.split(";\n\n"):
        op.get_bind().exec_driver_sql(statement)


def downgrade() -> None:
    """Index as before, and lose the notes."""
    for statement in DOWNGRADE.split(";\n\n"):
        op.get_bind().exec_driver_sql(statement)


UPGRADE = r"""
CREATE TABLE customer_notes (
    id UUID NOT NULL,
    customer_id UUID NOT NULL,
    body TEXT NOT NULL,
    pinned BOOLEAN NOT NULL,
    author_kind TEXT NOT NULL,
    author_name TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_customer_notes PRIMARY KEY (id),
    CONSTRAINT ck_customer_notes_says_something CHECK (body <> ''),
    CONSTRAINT fk_customer_notes_customer_id FOREIGN KEY (customer_id) REFERENCES customers (id)
);

CREATE INDEX ix_customer_notes_customer_id_pinned_created_at_id ON customer_notes (customer_id, pinned, created_at, id);

CREATE INDEX ix_customers_words ON customers USING gin (to_tsvector('simple', regexp_replace(translate(
    normalize(display_name, NFKD), 'øØłŁđĐħĦı!"#$%&''()*+,-./:;<=>?@[\]^_`{|}~‘’“”–—·・',
    'oOlLdDhHi                                        '), '[\u0300-\u036f]', '', 'g'))) WITH (fastupdate = off);

CREATE INDEX ix_customers_phone_id ON customers (right(regexp_replace(phone, '[^0-9]', '', 'g'), 7), id);

CREATE INDEX ix_customer_addresses_postal_code_customer_id
    ON customer_addresses (upper(regexp_replace(postal_code, '[^0-9A-Za-z]', '', 'g')), customer_id);

CREATE INDEX ix_orders_email_id ON orders (lower(email), id);

CREATE INDEX ix_orders_phone_id ON orders (right(regexp_replace(phone, '[^0-9]', '', 'g'), 7), id);

CREATE INDEX ix_orders_postal_code_id ON orders (upper(regexp_replace(postal_code, '[^0-9A-Za-z]', '', 'g')), id);

CREATE INDEX ix_order_lines_variant_id_order_id ON order_lines (variant_id, order_id);

DROP INDEX ix_orders_email;

DROP INDEX ix_orders_phone;

DROP INDEX ix_order_lines_variant_id
"""

DOWNGRADE = """
DROP TABLE customer_notes;

DROP INDEX ix_customers_words;

DROP INDEX ix_customers_phone_id;

DROP INDEX ix_customer_addresses_postal_code_customer_id;

CREATE INDEX ix_orders_email ON orders (lower(email));

CREATE INDEX ix_orders_phone ON orders (phone);

CREATE INDEX ix_order_lines_variant_id ON order_lines (variant_id);

DROP INDEX ix_orders_email_id;

DROP INDEX ix_orders_phone_id;

DROP INDEX ix_orders_postal_code_id;

DROP INDEX ix_order_lines_variant_id_order_id
"""
