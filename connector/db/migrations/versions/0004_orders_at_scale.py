"""What orders and events by the hundred thousand need: indexes whose choice hangs on no statistics; and promotions."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

OWN_CONNECTION = "connection_id = ANY (ARRAY(SELECT id FROM connections))"


_KINDS = "ACKNOWLEDGE", "FULFILL", "UPDATE_SHIPMENT", "CANCEL", "REFUND", "RESOLVE_RETURN"


def _allow_kinds(*kinds: str) -> None:
    op.drop_constraint(op.f("ck_order_commands_kind"), "order_commands")
    op.create_check_constraint(
        op.f("ck_order_commands_kind"), "order_commands", f"kind IN ({', '.join(map(repr, kinds))})"
    )


def upgrade() -> None:
    """Find a consumer's rows by their key alone, each kind of them by an index of its own, and orders that are to be read."""
    op.drop_index("ix_handouts_store_id_consumer_state_due_time", table_name="handouts")
    mine = ["store_id", "consumer"]
    for name, columns, which in (
        ("ix_handouts_open", [*mine, "due_time"], "state IN ('WAITING', 'LENT')"),
        ("ix_handouts_settled", [*mine, "position"], "state = 'SETTLED'"),
    ):
        op.create_index(name, "handouts", columns, postgresql_where=sa.text(which))
    behind = sa.text("read_update_time IS NULL OR read_update_time < update_time")
    _allow_kinds(*_KINDS, "RESTATE")
    comment = "the store's; empty: orders may have any"
    op.add_column(
        "order_accounts", sa.Column("currency_code", sa.Text(), server_default="", nullable=False, comment=comment)
    )
    op.create_index("ix_orders_unread", "orders", ["connection_id", "update_time", "id"], postgresql_where=behind)
    op.create_index("ix_orders_connection_id", "orders", ["connection_id", "id"])
    op.create_table(
        "promotions",
        sa.Column("connection_id", sa.Uuid(), nullable=False),
        sa.Column("promotions", postgresql.JSONB(none_as_null=True), nullable=False),
        sa.Column("update_time", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("connection_id", name=op.f("pk_promotions")),
    )
    op.execute("ALTER TABLE promotions ENABLE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY own_store ON promotions USING ({OWN_CONNECTION})")


def downgrade() -> None:
    """Take the one index of all kinds again."""
    op.drop_table("promotions")
    for name in ("ix_orders_connection_id", "ix_orders_unread"):
        op.drop_index(name, table_name="orders")
    op.drop_column("order_accounts", "currency_code")
    op.execute("DELETE FROM order_commands WHERE kind = 'RESTATE'")
    _allow_kinds(*_KINDS)
    for name in ("ix_handouts_open", "ix_handouts_settled"):
        op.drop_index(name, table_name="handouts")
    columns = ["store_id", "consumer", "state", "due_time"]
    op.create_index("ix_handouts_store_id_consumer_state_due_time", "handouts", columns)
