"""The first schema: connections, items, conversations, deliveries, events, operations, tasks."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = [
    "snapshot_products",
    "messages",
    "throttles",
    "tasks",
    "snapshots",
    "signals",
    "requests",
    "products",
    "problems",
    "operations",
    "observations",
    "narrowings",
    "logins",
    "items",
    "handouts",
    "events",
    "deliveries",
    "conversations",
    "consumers",
    "connections",
    "batches",
]

# What autogeneration does not write.
STATEMENTS = (
    "ALTER TABLE deliveries ALTER COLUMN body SET STORAGE EXTERNAL",
    "ALTER TABLE deliveries SET (toast_tuple_target = 8160)",
    "ALTER TABLE items SET (fillfactor = 70)",
    "CREATE SEQUENCE event_positions",
    """
    CREATE FUNCTION number_event() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM pg_advisory_xact_lock(hashtextextended('events:' || NEW.store_id, 0));
        UPDATE events SET position = nextval('event_positions') WHERE id = NEW.id;
        PERFORM pg_notify('events', NEW.store_id);
        RETURN NULL;
    END
    $$
    """,
    """
    CREATE CONSTRAINT TRIGGER number_event AFTER INSERT ON events
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION number_event()
    """,
)


def upgrade() -> None:
    op.create_table(
        "batches",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("connection_id", sa.Uuid(), nullable=False),
        sa.Column("lane", sa.Text(), nullable=False),
        sa.Column("catalog_id", sa.Text(), nullable=False),
        sa.Column("handle", sa.Text(), nullable=True, comment="NULL: on its way, or its sender died"),
        sa.Column("item_count", sa.Integer(), nullable=False),
        sa.Column("checks", sa.Integer(), server_default="0", nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_batches")),
    )
    op.create_index("ix_batches_connection_id_lane", "batches", ["connection_id", "lane"], unique=False)
    op.create_table(
        "connections",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("store_id", sa.Text(), nullable=False),
        sa.Column("environment", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("state_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "successor_id",
            sa.Uuid(),
            nullable=True,
            comment="the connection that already stood for the Page chosen here",
        ),
        sa.Column("page_id", sa.Text(), server_default="", nullable=False),
        sa.Column("page_name", sa.Text(), server_default="", nullable=False),
        sa.Column(
            "page_tasks",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            server_default="[]",
            nullable=False,
        ),
        sa.Column("business_id", sa.Text(), server_default="", nullable=False),
        sa.Column("catalog_id", sa.Text(), server_default="", nullable=False),
        sa.Column("catalog_name", sa.Text(), server_default="", nullable=False),
        sa.Column("catalog_product_count", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("catalog_attach_time", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "catalog_wish",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            nullable=True,
            comment="a catalog that Meta was asked to create: looked for before asking again",
        ),
        sa.Column(
            "catalog_go_time",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="the explicit go: nothing is sent to the catalog before",
        ),
        sa.Column("user_id", sa.Text(), server_default="", nullable=False, comment="app-scoped id of who logged in"),
        sa.Column("user_token", sa.LargeBinary(), nullable=True, comment="sealed"),
        sa.Column("page_token", sa.LargeBinary(), nullable=True, comment="sealed"),
        sa.Column(
            "granted_scopes",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            server_default="[]",
            nullable=False,
        ),
        sa.Column("token_expire_time", sa.DateTime(timezone=True), nullable=True),
        sa.Column("data_access_expire_time", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "blocks",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            server_default="{}",
            nullable=False,
            comment="what Meta took away from single capabilities",
        ),
        sa.Column("login_token", sa.LargeBinary(), nullable=True, comment="sealed; of a login whose choice is open"),
        sa.Column(
            "offer",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            nullable=True,
            comment="what the last login granted",
        ),
        sa.Column(
            "subscribed_fields",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            server_default="[]",
            nullable=False,
        ),
        sa.Column("subscription_check_time", sa.DateTime(timezone=True), nullable=True),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("update_time", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "state <> 'CONNECTED' OR (user_token IS NOT NULL AND page_token IS NOT NULL)",
            name=op.f("ck_connections_connected_has_tokens"),
        ),
        sa.CheckConstraint(
            "state NOT IN ('CONNECTED', 'NEEDS_LOGIN') OR page_id <> ''", name=op.f("ck_connections_live_has_page")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_connections")),
    )
    op.create_index("ix_connections_store_id", "connections", ["store_id"], unique=False)
    op.create_index(
        "uq_connections_environment_page_id",
        "connections",
        ["environment", "page_id"],
        unique=True,
        postgresql_where=sa.text("state IN ('CONNECTED', 'NEEDS_LOGIN')"),
    )
    op.create_table(
        "consumers",
        sa.Column("store_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column(
            "floor",
            sa.BigInteger(),
            server_default="0",
            nullable=False,
            comment="everything up to here is acknowledged",
        ),
        sa.PrimaryKeyConstraint("store_id", "name", name=op.f("pk_consumers")),
    )
    op.create_table(
        "conversations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("store_id", sa.Text(), nullable=False),
        sa.Column("connection_id", sa.Uuid(), nullable=False),
        sa.Column("psid", sa.Text(), nullable=False),
        sa.Column("person_name", sa.Text(), server_default="", nullable=False),
        sa.Column(
            "person_time",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="when the person last wrote: the windows count from here",
        ),
        sa.Column("snippet", sa.Text(), server_default="", nullable=False),
        sa.Column("unread_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("last_message_time", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "delivered_time",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="Meta's watermark: what the Page sent until then has arrived",
        ),
        sa.Column(
            "read_time",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="Meta's watermark: what the Page sent until then was read",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_conversations")),
    )
    op.create_index(
        "ix_conversations_connection_id_last_message_time",
        "conversations",
        ["connection_id", "last_message_time", "id"],
        unique=False,
    )
    op.create_index("uq_conversations_connection_id_psid", "conversations", ["connection_id", "psid"], unique=True)
    op.create_table(
        "deliveries",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("environment", sa.Text(), nullable=False, comment="whose app secret signed it"),
        sa.Column("body", sa.LargeBinary(), nullable=False, comment="exactly the bytes received"),
        sa.Column("digest", sa.LargeBinary(), nullable=False, comment="SHA-256 of the body"),
        sa.Column("signature", sa.Text(), nullable=False, comment="the header X-Hub-Signature-256"),
        sa.Column("receive_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("page_id", sa.Text(), nullable=True, comment="of a parked one: the Page it waits for"),
        sa.Column(
            "position", sa.Integer(), server_default="0", nullable=False, comment="how many of its signals are settled"
        ),
        sa.Column(
            "tries", sa.Integer(), server_default="0", nullable=False, comment="how often work began at that position"
        ),
        sa.CheckConstraint("(state = 'PARKED') <= (page_id IS NOT NULL)", name=op.f("ck_deliveries_parked_has_page")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deliveries")),
    )
    op.create_index("ix_deliveries_receive_time", "deliveries", ["receive_time"], unique=False, postgresql_using="brin")
    op.create_index(
        "ix_deliveries_waiting", "deliveries", ["id"], unique=False, postgresql_where=sa.text("state = 'WAITING'")
    )
    op.create_index(
        "uq_deliveries_parked",
        "deliveries",
        ["environment", "page_id", "digest"],
        unique=True,
        postgresql_where=sa.text("state = 'PARKED'"),
    )
    op.create_table(
        "events",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("store_id", sa.Text(), nullable=False),
        sa.Column("connection_id", sa.Uuid(), nullable=True),
        sa.Column("ordering_key", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("body", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=True, comment="its place in the log; given at commit"),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_events")),
    )
    op.create_index("ix_events_create_time", "events", ["create_time"], unique=False)
    op.create_index("uq_events_store_id_position", "events", ["store_id", "position"], unique=True)
    op.create_table(
        "handouts",
        sa.Column("store_id", sa.Text(), nullable=False),
        sa.Column("consumer", sa.Text(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("ordering_key", sa.Text(), nullable=False),
        sa.Column("expire_time", sa.DateTime(timezone=True), nullable=False, comment="until when it is on loan"),
        sa.Column("acknowledge_time", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("store_id", "consumer", "position", name=op.f("pk_handouts")),
    )
    op.create_index(
        "ix_handouts_store_id_consumer_ordering_key", "handouts", ["store_id", "consumer", "ordering_key"], unique=False
    )
    op.create_table(
        "items",
        sa.Column("connection_id", sa.Uuid(), nullable=False),
        sa.Column("retailer_id", sa.Text(), nullable=False, comment="our name for it at Meta; written once"),
        sa.Column("product_id", sa.Text(), nullable=False),
        sa.Column("variant_id", sa.Text(), nullable=False, comment="empty for a product without variants"),
        sa.Column("wanted", sa.Boolean(), nullable=False, comment="whether it should stand in the catalog"),
        sa.Column("title", sa.Text(), server_default="", nullable=False),
        sa.Column(
            "content",
            sa.Text(),
            nullable=True,
            comment="Meta's fields but id, stock and price: a JSON object; NULL until our checks let one pass",
        ),
        sa.Column("content_hash", sa.LargeBinary(), nullable=True),
        sa.Column("offer", sa.Text(), nullable=True, comment="Meta's fields of stock and price: a JSON object"),
        sa.Column("offer_hash", sa.LargeBinary(), nullable=True),
        sa.Column("currency_code", sa.Text(), nullable=True),
        sa.Column("price", sa.BigInteger(), nullable=True, comment="minor units"),
        sa.Column("compare_at_price", sa.BigInteger(), nullable=True, comment="minor units"),
        sa.Column("sale_start_time", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sale_end_time", sa.DateTime(timezone=True), nullable=True),
        sa.Column("track_inventory", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("quantity", sa.Integer(), server_default="0", nullable=False),
        sa.Column("discontinued", sa.Boolean(), server_default="false", nullable=False),
        sa.Column(
            "counted",
            sa.Boolean(),
            server_default="false",
            nullable=False,
            comment="its stock was counted once: no longer counting must clear the quantity",
        ),
        sa.Column(
            "price_version",
            sa.BigInteger(),
            server_default="0",
            nullable=False,
            comment="the inventory line that set the price",
        ),
        sa.Column(
            "stock_version",
            sa.BigInteger(),
            server_default="0",
            nullable=False,
            comment="the inventory line that set the stock",
        ),
        sa.Column(
            "faults",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            server_default="[]",
            nullable=False,
            comment="found by our checks",
        ),
        sa.Column(
            "meta_faults",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            server_default="[]",
            nullable=False,
            comment="Meta's last refusal",
        ),
        sa.Column(
            "refused_by",
            sa.Text(),
            nullable=True,
            comment="CHECKS, META, or STOCK (Meta refused a stock change to the end)",
        ),
        sa.Column(
            "held",
            sa.Boolean(),
            server_default="false",
            nullable=False,
            comment="its sync was cancelled: waits for the next wish",
        ),
        sa.Column(
            "stands",
            sa.Boolean(),
            server_default="false",
            nullable=False,
            comment="something of ours may stand at Meta",
        ),
        sa.Column("batch_id", sa.Uuid(), nullable=True, comment="the open batch that carries it"),
        sa.Column("operation_id", sa.Uuid(), nullable=True, comment="the operation that waits for its verdict"),
        sa.Column(
            "sends", sa.Integer(), server_default="0", nullable=False, comment="sends in a row that never got a verdict"
        ),
        sa.Column(
            "offer_tries",
            sa.Integer(),
            server_default="0",
            nullable=False,
            comment="refusals in a row of a stock change",
        ),
        sa.Column(
            "sent_content", sa.LargeBinary(), nullable=True, comment="content_hash as last sent; NULL: send it again"
        ),
        sa.Column("sent_offer", sa.LargeBinary(), nullable=True),
        sa.Column("sent_quantity", sa.Integer(), nullable=True),
        sa.Column(
            "confirmed_content", sa.LargeBinary(), nullable=True, comment="content_hash as Meta last accepted it"
        ),
        sa.Column("confirmed_offer", sa.LargeBinary(), nullable=True),
        sa.Column("confirmed_quantity", sa.Integer(), nullable=True),
        sa.Column("desire_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("send_time", sa.DateTime(timezone=True), nullable=True),
        sa.Column("confirm_time", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "stock_time", sa.DateTime(timezone=True), nullable=True, comment="when the stock lane last heard a verdict"
        ),
        sa.Column("stock_error", sa.Text(), nullable=True, comment="why the stock lane's last change was refused"),
        sa.Column(
            "state",
            sa.Text(),
            sa.Computed(
                "\nCASE WHEN NOT wanted AND NOT stands THEN 'REMOVED'\n     WHEN refused_by = 'META' THEN 'REJECTED'\n     WHEN NOT wanted AND batch_id IS NOT NULL AND sent_content IS NULL THEN 'REMOVAL_SENT'\n     WHEN NOT wanted THEN 'REMOVAL_PENDING'\n     WHEN refused_by IS NOT NULL THEN 'REJECTED'\n     WHEN confirmed_content = content_hash AND confirmed_offer = offer_hash\n          AND (batch_id IS NULL OR (sent_content = content_hash AND sent_offer = offer_hash)) THEN 'CONFIRMED'\n     WHEN batch_id IS NOT NULL AND sent_content = content_hash AND sent_offer = offer_hash THEN 'SENT'\n     ELSE 'PENDING' END\n",
                persisted=True,
            ),
            nullable=True,
        ),
        sa.Column(
            "content_due",
            sa.Boolean(),
            sa.Computed(
                "\nbatch_id IS NULL AND NOT held AND refused_by IS DISTINCT FROM 'META' AND\nCASE WHEN wanted THEN refused_by IS NULL AND content_hash IS DISTINCT FROM sent_content ELSE stands END\n",
                persisted=True,
            ),
            nullable=True,
        ),
        sa.Column(
            "offer_due",
            sa.Boolean(),
            sa.Computed(
                "\nbatch_id IS NULL AND wanted AND confirmed_content IS NOT NULL AND offer_tries < 3 AND offer_hash IS DISTINCT FROM sent_offer\n",
                persisted=True,
            ),
            nullable=True,
        ),
        sa.CheckConstraint("refused_by IN ('CHECKS', 'META', 'STOCK')", name=op.f("ck_items_refused_by")),
        sa.CheckConstraint("quantity >= 0", name=op.f("ck_items_quantity")),
        sa.CheckConstraint(
            "refused_by IS NOT NULL OR NOT wanted OR (content IS NOT NULL AND offer IS NOT NULL)",
            name=op.f("ck_items_sendable"),
        ),
        sa.PrimaryKeyConstraint("connection_id", "retailer_id", name=op.f("pk_items")),
        sa.UniqueConstraint(
            "connection_id", "product_id", "variant_id", name=op.f("uq_items_connection_id_product_id_variant_id")
        ),
    )
    op.create_index(
        "ix_items_batch_id", "items", ["batch_id"], unique=False, postgresql_where=sa.text("batch_id IS NOT NULL")
    )
    op.create_index("ix_items_connection_id_state", "items", ["connection_id", "state", "retailer_id"], unique=False)
    op.create_index(
        "ix_items_content_due",
        "items",
        ["connection_id", "retailer_id"],
        unique=False,
        postgresql_where=sa.text("content_due"),
    )
    op.create_index(
        "ix_items_offer_due",
        "items",
        ["connection_id", "retailer_id"],
        unique=False,
        postgresql_where=sa.text("offer_due"),
    )
    op.create_index(
        "ix_items_operation_id",
        "items",
        ["operation_id"],
        unique=False,
        postgresql_where=sa.text("operation_id IS NOT NULL"),
    )
    op.create_table(
        "logins",
        sa.Column("state_digest", sa.LargeBinary(), nullable=False, comment="SHA-256 of the state handed to Meta"),
        sa.Column("connection_id", sa.Uuid(), nullable=False),
        sa.Column("store_id", sa.Text(), nullable=False),
        sa.Column("environment", sa.Text(), nullable=False),
        sa.Column("redirect_uri", sa.Text(), nullable=False),
        sa.Column("return_url", sa.Text(), nullable=False),
        sa.Column("expire_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("use_time", sa.DateTime(timezone=True), nullable=True, comment="set once: a state is used once"),
        sa.PrimaryKeyConstraint("state_digest", name=op.f("pk_logins")),
    )
    op.create_index(op.f("ix_logins_expire_time"), "logins", ["expire_time"], unique=False)
    op.create_table(
        "narrowings",
        sa.Column("catalog_id", sa.Text(), nullable=False),
        sa.Column(
            "item_count",
            sa.Integer(),
            nullable=False,
            comment="how many items a batch may hold since Meta found one too large",
        ),
        sa.Column("time", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("catalog_id", name=op.f("pk_narrowings")),
    )
    op.create_table(
        "observations",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("time", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_observations")),
    )
    op.create_table(
        "operations",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("store_id", sa.Text(), nullable=False),
        sa.Column("connection_id", sa.Uuid(), nullable=False),
        sa.Column(
            "request_id", sa.Text(), nullable=True, comment="the wish that began it: repeating it finds this row"
        ),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column(
            "planned", sa.Boolean(), nullable=False, comment="false while the total still grows: it cannot end yet"
        ),
        sa.Column("total_count", sa.BigInteger(), nullable=False),
        sa.Column("confirmed_count", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("rejected_count", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("removal_count", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column(
            "first_rejections",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            server_default="[]",
            nullable=False,
        ),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("update_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finish_time", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(finish_time IS NULL) = (state IN ('RUNNING', 'NEEDS_CONFIRMATION'))", name=op.f("ck_operations_finish")
        ),
        sa.CheckConstraint(
            "total_count >= 0 AND confirmed_count >= 0 AND rejected_count >= 0 AND removal_count >= 0",
            name=op.f("ck_operations_counts"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_operations")),
    )
    op.create_index(
        "ix_operations_connection_id",
        "operations",
        ["connection_id"],
        unique=False,
        postgresql_where=sa.text("state IN ('RUNNING', 'NEEDS_CONFIRMATION')"),
    )
    op.create_index(
        "ix_operations_finish_time",
        "operations",
        ["finish_time"],
        unique=False,
        postgresql_where=sa.text("finish_time IS NOT NULL"),
    )
    op.create_index(
        "ix_operations_store_id_create_time_id", "operations", ["store_id", "create_time", "id"], unique=False
    )
    op.create_index(
        "uq_operations_store_id_request_id",
        "operations",
        ["store_id", "request_id"],
        unique=True,
        postgresql_where=sa.text("request_id IS NOT NULL"),
    )
    op.create_table(
        "problems",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("connection_id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("code", sa.Integer(), nullable=False),
        sa.Column("subcode", sa.Integer(), nullable=False),
        sa.Column("time", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_problems")),
    )
    op.create_index("ix_problems_connection_id_time", "problems", ["connection_id", "time"], unique=False)
    op.create_table(
        "products",
        sa.Column("connection_id", sa.Uuid(), nullable=False),
        sa.Column("product_id", sa.Text(), nullable=False),
        sa.Column("source_version", sa.BigInteger(), nullable=False),
        sa.Column(
            "digest",
            sa.LargeBinary(),
            nullable=True,
            comment="of all that StormCom said but the version; NULL once deleted",
        ),
        sa.Column(
            "refused", sa.Boolean(), server_default="false", nullable=False, comment="our checks refuse an item of it"
        ),
        sa.Column("deleted", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("update_time", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("connection_id", "product_id", name=op.f("pk_products")),
    )
    op.create_table(
        "requests",
        sa.Column("store_id", sa.Text(), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False, comment="SHA-256 of method and request"),
        sa.Column("response", sa.LargeBinary(), nullable=True, comment="the serialized answer; NULL while at work"),
        sa.Column("claim_time", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("store_id", "request_id", name=op.f("pk_requests")),
    )
    op.create_index(op.f("ix_requests_claim_time"), "requests", ["claim_time"], unique=False)
    op.create_table(
        "signals",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("environment", sa.Text(), nullable=False),
        sa.Column("page_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False, comment="the signal in an envelope of its own"),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("receive_time", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_signals")),
    )
    op.create_index("ix_signals_receive_time", "signals", ["receive_time"], unique=False, postgresql_using="brin")
    op.create_index(
        "uq_signals_environment_page_id_digest", "signals", ["environment", "page_id", "digest"], unique=True
    )
    op.create_table(
        "snapshots",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("store_id", sa.Text(), nullable=False),
        sa.Column("connection_id", sa.Uuid(), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False, comment="OPEN, COMMITTED, CLOSED"),
        sa.Column(
            "currency_code", sa.Text(), nullable=True, comment="what its products cost in, as its first one says"
        ),
        sa.Column("operation_id", sa.Uuid(), nullable=True, comment="of its commit"),
        sa.Column(
            "applied_to", sa.Text(), server_default="", nullable=False, comment="the product up to which it is applied"
        ),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expire_time", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_snapshots")),
    )
    op.create_index(op.f("ix_snapshots_expire_time"), "snapshots", ["expire_time"], unique=False)
    op.create_index(
        "uq_snapshots_store_id_request_id",
        "snapshots",
        ["store_id", "request_id"],
        unique=True,
        postgresql_where=sa.text("request_id IS NOT NULL"),
    )
    op.create_table(
        "tasks",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column(
            "key", sa.Text(), nullable=True, comment="at most one task per key: a further wish joins the waiting one"
        ),
        sa.Column("connection_id", sa.Uuid(), nullable=True),
        sa.Column("arguments", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("due_time", sa.DateTime(timezone=True), nullable=True, comment="NULL: failed, kept with its reason"),
        sa.Column(
            "leased",
            sa.Boolean(),
            server_default="false",
            nullable=False,
            comment="on its way to a worker, or in its hands",
        ),
        sa.Column(
            "attempt", sa.Integer(), server_default="0", nullable=False, comment="the fence: grows with every take"
        ),
        sa.Column(
            "tries", sa.Integer(), server_default="0", nullable=False, comment="takes since it last got anywhere"
        ),
        sa.Column(
            "unfinished", sa.Integer(), server_default="0", nullable=False, comment="takes that never reported back"
        ),
        sa.Column("wishes", sa.Integer(), server_default="1", nullable=False, comment="grows with every joined wish"),
        sa.Column("reason", sa.Text(), nullable=True, comment="why it last failed, a value of ErrorReason"),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column("trace", sa.Text(), nullable=True, comment="W3C traceparent of whoever asked"),
        sa.Column(
            "create_time", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tasks")),
        sa.UniqueConstraint("key", name=op.f("uq_tasks_key")),
    )
    op.create_index("ix_tasks_connection_id", "tasks", ["connection_id"], unique=False)
    op.create_index(
        "ix_tasks_due_time", "tasks", ["due_time"], unique=False, postgresql_where=sa.text("due_time IS NOT NULL")
    )
    op.create_table(
        "throttles",
        sa.Column("bucket", sa.Text(), nullable=False),
        sa.Column("until_time", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("bucket", name=op.f("pk_throttles")),
    )
    op.create_table(
        "messages",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("store_id", sa.Text(), nullable=False),
        sa.Column("connection_id", sa.Uuid(), nullable=False),
        sa.Column("conversation_id", sa.Uuid(), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=True, comment="the wish that made it: repeating it finds this row"),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("mid", sa.Text(), nullable=True, comment="Meta's id"),
        sa.Column("digest", sa.Text(), nullable=True, comment="SHA-256 of a signal that has no mid"),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column(
            "attachments",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            server_default="[]",
            nullable=False,
        ),
        sa.Column(
            "send_time", sa.DateTime(timezone=True), nullable=False, comment="by Meta's clock as soon as Meta told it"
        ),
        sa.Column(
            "attempt_time", sa.DateTime(timezone=True), nullable=True, comment="when the call that sends it began"
        ),
        sa.Column("sender", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("unsupported_kind", sa.Text(), server_default="", nullable=False),
        sa.Column("opens_window", sa.Boolean(), server_default="false", nullable=False),
        sa.CheckConstraint("(origin = 'PERSON') = (state = 'RECEIVED')", name=op.f("ck_messages_received_from_person")),
        sa.CheckConstraint("(state = 'FAILED') = (reason <> '')", name=op.f("ck_messages_failed_has_reason")),
        sa.CheckConstraint(
            "origin <> 'STORMCOM' OR (request_id IS NOT NULL AND sender IS NOT NULL)",
            name=op.f("ck_messages_ours_has_wish"),
        ),
        sa.CheckConstraint(
            "state NOT IN ('SENT', 'DELIVERED', 'READ') OR mid IS NOT NULL", name=op.f("ck_messages_sent_has_mid")
        ),
        sa.ForeignKeyConstraint(["conversation_id"], ["conversations.id"], name=op.f("fk_messages_conversation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_messages")),
    )
    op.create_index(
        "ix_messages_conversation_id_send_time", "messages", ["conversation_id", "send_time", "id"], unique=False
    )
    op.create_index(
        "ix_messages_open",
        "messages",
        ["conversation_id"],
        unique=False,
        postgresql_where=sa.text("state IN ('PENDING', 'ATTEMPTED')"),
    )
    op.create_index("uq_messages_connection_id_digest", "messages", ["connection_id", "digest"], unique=True)
    op.create_index("uq_messages_connection_id_mid", "messages", ["connection_id", "mid"], unique=True)
    op.create_index("uq_messages_store_id_request_id", "messages", ["store_id", "request_id"], unique=True)
    op.create_table(
        "snapshot_products",
        sa.Column("snapshot_id", sa.Uuid(), nullable=False),
        sa.Column("product_id", sa.Text(), nullable=False),
        sa.Column("source_version", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column(
            "variant_ids",
            postgresql.ARRAY(sa.Text()),
            nullable=True,
            comment="NULL: as the store's product when it was put",
        ),
        sa.Column("drafts", sa.Text(), nullable=True, comment="its items, checked and written; NULL likewise"),
        sa.ForeignKeyConstraint(
            ["snapshot_id"], ["snapshots.id"], name=op.f("fk_snapshot_products_snapshot_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("snapshot_id", "product_id", name=op.f("pk_snapshot_products")),
    )
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    for table in TABLES:
        op.drop_table(table)
    op.execute("DROP FUNCTION number_event()")
    op.execute("DROP SEQUENCE event_positions")
