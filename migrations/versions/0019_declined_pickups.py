"""Pickups that a store declined: where their customers are to fetch them, and that they are told.

Revision ID: 0019
"""

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column, and the kind of message."""
    for statement in UPGRADE.split(";\n\n"):
        op.get_bind().exec_driver_sql(statement)


def downgrade() -> None:
    """Nobody goes back."""
    raise NotImplementedError("restore a backup instead")


UPGRADE = """
ALTER TABLE order_lines
    ADD COLUMN pickup_location_id UUID CONSTRAINT fk_order_lines_pickup_location_id REFERENCES locations (id);

ALTER TABLE messages
    DROP CONSTRAINT ck_messages_kind,
    ADD CONSTRAINT ck_messages_kind CHECK (kind IN ('ORDER_CONFIRMED', 'SHIPPED', 'OUT_FOR_DELIVERY',
        'READY_FOR_PICKUP', 'PICKUP_DECLINED', 'DELIVERED', 'DELAYED', 'RETURN_RECEIVED', 'REFUNDED'))
"""
