"""Catalog and inventory, complete: rules, categories, product sets, holds, feeds, adoption, observations, budgets.

Under construction: makes the database anew from the tables of the code; replaced by real steps before anybody has data.
"""

import sqlalchemy as sa
from alembic import op

from connector.db.schema import load_tables

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_FUNCTIONS = "SELECT oid::regprocedure::text FROM pg_proc WHERE pronamespace = 'public'::regnamespace"


def upgrade() -> None:
    bind = op.get_bind()
    for table in sa.inspect(bind).get_table_names():
        if table != "alembic_version":
            bind.execute(sa.text(f'DROP TABLE "{table}" CASCADE'))
    for function in bind.scalars(sa.text(_FUNCTIONS)).all():
        bind.execute(sa.text(f"DROP FUNCTION {function} CASCADE"))
    load_tables().create_all(bind)


def downgrade() -> None:
    raise NotImplementedError
