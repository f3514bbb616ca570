"""The first schema."""

from alembic import op

from connector.db.schema import load_tables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    load_tables().create_all(op.get_bind())


def downgrade() -> None:
    load_tables().drop_all(op.get_bind())
