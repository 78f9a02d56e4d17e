"""A read that names a channel which there is not says so.

Revision ID: 0020
"""

from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the function that refuses."""
    op.get_bind().exec_driver_sql(UPGRADE)


def downgrade() -> None:
    """Nobody goes back."""
    raise NotImplementedError("restore a backup instead")


UPGRADE = """
CREATE FUNCTION known_channel(code TEXT, id UUID) RETURNS UUID LANGUAGE plpgsql AS $$
BEGIN
    IF id IS NULL THEN
        RAISE NO_DATA_FOUND USING MESSAGE = format('no channel %s', code), DETAIL = code, TABLE = 'channels';
    END IF;
    RETURN id;
END $$
"""
