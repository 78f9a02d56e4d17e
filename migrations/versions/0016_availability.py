"""Stock as it was at any moment: the last entry of each bucket of a level by index, and a location's levels in order.

Revision ID: 0016
"""

from alembic import op

revision = "0016"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Index the ledger by level and bucket."""
    op.execute("CREATE INDEX ix_stock_levels_location_id_id ON stock_levels (location_id, id)")
    op.execute("DROP INDEX ix_stock_levels_location_id")
    op.execute(
        "CREATE INDEX ix_return_lines_being_inspected ON return_lines (return_id) "
        "WHERE received_quantity > inspected_quantity"
    )
    for side in ("from", "to"):
        op.execute(
            f"CREATE INDEX ix_stock_movements_stock_level_id_{side}_bucket ON stock_movements "
            f"(stock_level_id, {side}_bucket, recorded_at, id) WHERE {side}_bucket IS NOT NULL"
        )


def downgrade() -> None:
    """Nobody goes back."""
    raise NotImplementedError("restore a backup instead")
