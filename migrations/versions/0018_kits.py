"""What kits consist of.

Revision ID: 0018
"""

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the components of kits."""
    for statement in UPGRADE.split(";\n\n"):
        op.get_bind().exec_driver_sql(statement)


def downgrade() -> None:
    """Nobody goes back."""
    raise NotImplementedError("restore a backup instead")


UPGRADE = """
CREATE TABLE kit_components (
    kit_variant_id UUID NOT NULL,
    component_variant_id UUID NOT NULL,
    quantity INTEGER NOT NULL,
    CONSTRAINT pk_kit_components PRIMARY KEY (kit_variant_id, component_variant_id),
    CONSTRAINT fk_kit_components_kit_variant_id FOREIGN KEY (kit_variant_id) REFERENCES variants (id),
    CONSTRAINT fk_kit_components_component_variant_id FOREIGN KEY (component_variant_id) REFERENCES variants (id),
    CONSTRAINT ck_kit_components_quantity_positive CHECK (quantity > 0),
    CONSTRAINT ck_kit_components_not_itself CHECK (kit_variant_id <> component_variant_id)
);

CREATE INDEX ix_kit_components_component_variant_id ON kit_components (component_variant_id)
"""
