"""Makes the whole schema anew from the code's tables, while the next version is being built."""

from alembic import op
from sqlalchemy import text

from connector.db.schema import load_tables

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Drop everything, create everything."""
    bind = op.get_bind()
    keep = bind.execute(text("SELECT version_num FROM alembic_version")).scalar()
    for (name,) in bind.execute(
        text("SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version'")
    ).all():
        bind.execute(text(f'DROP TABLE "{name}" CASCADE'))  # noqa: S608 – names of our own tables
    for (name,) in bind.execute(
        text("SELECT oid::regprocedure::text FROM pg_proc WHERE pronamespace = 'public'::regnamespace")
    ).all():
        bind.execute(text(f"DROP FUNCTION {name} CASCADE"))
    bind.execute(text("DROP SEQUENCE IF EXISTS event_positions"))
    load_tables().create_all(bind)
    assert keep  # noqa: S101


def downgrade() -> None:
    """Nothing."""
