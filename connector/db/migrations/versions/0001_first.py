"""The first schema: connections, products and items, categories and sets, holds, feeds, conversations, deliveries, events, operations, tasks, budgets."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = [
    "messages",
    "hold_lines",
    "tasks",
    "snapshots",
    "snapshot_products",
    "signals",
    "scanned_items",
    "rules",
    "reviews",
    "requests",
    "replacings",
    "readbacks",
    "products",
    "product_sets",
    "problems",
    "places",
    "operations",
    "observations",
    "navigations",
    "narrowings",
    "logins",
    "items",
    "item_observations",
    "item_marks",
    "item_errors",
    "item_counts",
    "holds",
    "handouts",
    "flips",
    "feeds",
    "feedings",
    "feed_uploads",
    "feed_pieces",
    "events",
    "deliveries",
    "conversations",
    "consumers",
    "connections",
    "categories",
    "catalog_diagnostics",
    "budgets",
    "batches",
    "aliases",
    "alerts",
]

FUNCTIONS = [
    "number_event",
    "refuse_oversell",
    "count_items_insert",
    "count_items_delete",
    "count_items_update",
]

# What autogeneration does not write.
STATEMENTS = (
    "ALTER TABLE deliveries ALTER COLUMN body SET STORAGE EXTERNAL",
    "ALTER TABLE deliveries SET (toast_tuple_target = 8160)",
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
    "ALTER TABLE items SET (fillfactor = 70)",
    """
    CREATE FUNCTION refuse_oversell() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE check_violation USING MESSAGE = format('%s of %s are reserved of %s', NEW.reserved, NEW.quantity, NEW.retailer_id);
    END
    $$
    """,
    """
    CREATE TRIGGER within_stock AFTER UPDATE OF reserved ON items FOR EACH ROW
    WHEN (NEW.reserved > OLD.reserved AND NEW.track_inventory AND NEW.reserved > NEW.quantity) EXECUTE FUNCTION refuse_oversell()
    """,
    """
CREATE FUNCTION count_items_insert() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    moved record;
    free tid;
BEGIN
    FOR moved IN SELECT connection_id, state, sum(one) AS count FROM (SELECT connection_id, state, 1 AS one FROM arrived) AS changes
        GROUP BY connection_id, state HAVING sum(one) <> 0
    LOOP
        SELECT ctid INTO free FROM item_counts WHERE connection_id = moved.connection_id AND state = moved.state
            LIMIT 1 FOR UPDATE SKIP LOCKED;
        IF FOUND THEN
            UPDATE item_counts SET part = part + moved.count WHERE ctid = free;
        ELSE
            INSERT INTO item_counts (connection_id, state, part) VALUES (moved.connection_id, moved.state, moved.count);
        END IF;
    END LOOP;
    RETURN NULL;
END
$$
""",
    "CREATE TRIGGER count_insert AFTER insert ON items REFERENCING NEW TABLE AS arrived FOR EACH STATEMENT EXECUTE FUNCTION count_items_insert()",
    """
CREATE FUNCTION count_items_delete() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    moved record;
    free tid;
BEGIN
    FOR moved IN SELECT connection_id, state, sum(one) AS count FROM (SELECT connection_id, state, -1 AS one FROM gone) AS changes
        GROUP BY connection_id, state HAVING sum(one) <> 0
    LOOP
        SELECT ctid INTO free FROM item_counts WHERE connection_id = moved.connection_id AND state = moved.state
            LIMIT 1 FOR UPDATE SKIP LOCKED;
        IF FOUND THEN
            UPDATE item_counts SET part = part + moved.count WHERE ctid = free;
        ELSE
            INSERT INTO item_counts (connection_id, state, part) VALUES (moved.connection_id, moved.state, moved.count);
        END IF;
    END LOOP;
    RETURN NULL;
END
$$
""",
    "CREATE TRIGGER count_delete AFTER delete ON items REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION count_items_delete()",
    """
CREATE FUNCTION count_items_update() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    moved record;
    free tid;
BEGIN
    FOR moved IN SELECT connection_id, state, sum(one) AS count FROM (SELECT connection_id, state, 1 AS one FROM arrived UNION ALL SELECT connection_id, state, -1 AS one FROM gone) AS changes
        GROUP BY connection_id, state HAVING sum(one) <> 0
    LOOP
        SELECT ctid INTO free FROM item_counts WHERE connection_id = moved.connection_id AND state = moved.state
            LIMIT 1 FOR UPDATE SKIP LOCKED;
        IF FOUND THEN
            UPDATE item_counts SET part = part + moved.count WHERE ctid = free;
        ELSE
            INSERT INTO item_counts (connection_id, state, part) VALUES (moved.connection_id, moved.state, moved.count);
        END IF;
    END LOOP;
    RETURN NULL;
END
$$
""",
    "CREATE TRIGGER count_update AFTER update ON items REFERENCING OLD TABLE AS gone NEW TABLE AS arrived FOR EACH STATEMENT EXECUTE FUNCTION count_items_update()",
)


def upgrade() -> None:
    op.create_table(
        "alerts",
        sa.Column("connection_id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("fix_rpc", sa.Text(), nullable=False),
        sa.Column("link", sa.Text(), nullable=False),
        sa.Column("item_count", sa.BigInteger(), nullable=False),
        sa.Column("sample_retailer_ids", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("since_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("update_time", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("connection_id", "reason", name=op.f("pk_alerts")),
    )
    op.create_table(
        "aliases",
        sa.Column("connection_id", sa.Uuid(), nullable=False),
        sa.Column("alias", sa.Text(), nullable=False, comment="a name the item had before, or would have had"),
        sa.Column("retailer_id", sa.Text(), nullable=False, comment="the item's name today"),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("alias <> retailer_id", name=op.f("ck_aliases_another")),
        sa.PrimaryKeyConstraint("connection_id", "alias", name=op.f("pk_aliases")),
    )
    op.create_index("ix_aliases_connection_id_retailer_id", "aliases", ["connection_id", "retailer_id"], unique=False)
    op.create_table(
        "batches",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("connection_id", sa.Uuid(), nullable=False),
        sa.Column("lane", sa.Text(), nullable=False),
        sa.Column("catalog_id", sa.Text(), nullable=False),
        sa.Column("handle", sa.Text(), nullable=True, comment="NULL: on its way, or its sender died"),
        sa.Column("item_count", sa.Integer(), nullable=False),
        sa.Column("checks", sa.Integer(), server_default="0", nullable=False),
        sa.Column(
            "warned",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            server_default="{}",
            nullable=False,
            comment="Meta's words on items in the answer itself",
        ),
        sa.Column(
            "create_time",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="or when its answer was lost: it rests from then on",
        ),
        sa.Column(
            "upload_id",
            sa.Uuid(),
            nullable=True,
            comment="the upload whose file it is a piece of; NULL: a call of its own",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_batches")),
    )
    op.create_index("ix_batches_connection_id_lane", "batches", ["connection_id", "lane"], unique=False)
    op.create_index(
        "ix_batches_upload_id",
        "batches",
        ["upload_id"],
        unique=False,
        postgresql_where=sa.text("upload_id IS NOT NULL"),
    )
    op.create_table(
        "budgets",
        sa.Column("bucket", sa.Text(), nullable=False),
        sa.Column(
            "spent",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            server_default="{}",
            nullable=False,
            comment="percent of the allowance by slot of the window",
        ),
        sa.Column(
            "window_seconds", sa.Double(), server_default="3600", nullable=False, comment="how long Meta's window is"
        ),
        sa.Column("cost", sa.Double(), server_default="0.5", nullable=False, comment="percent that a call costs"),
        sa.Column(
            "urgent_time",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="from when on the next place in the urgent line is free",
        ),
        sa.Column(
            "patient_time",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="from when on the next place in the patient line is free",
        ),
        sa.Column("pause_time", sa.DateTime(timezone=True), nullable=True, comment="until when Meta wants a pause"),
        sa.Column(
            "breaker_calls",
            sa.Text(),
            server_default="",
            nullable=False,
            comment="the last calls: . answered, x failed",
        ),
        sa.Column(
            "breaker_openings", sa.Integer(), server_default="0", nullable=False, comment="how often it opened in a row"
        ),
        sa.Column(
            "breaker_time",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="NULL: closed; until when nobody calls, then one call tries",
        ),
        sa.Column("breaker_probing", sa.Boolean(), server_default="false", nullable=False),
        sa.PrimaryKeyConstraint("bucket", name=op.f("pk_budgets")),
    )
    op.create_table(
        "catalog_diagnostics",
        sa.Column("connection_id", sa.Uuid(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False, comment="Meta's"),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column(
            "told",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            nullable=False,
            comment="title, count and channels, as Meta last told them",
        ),
        sa.Column("first_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_time", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("connection_id", "type", "severity", name=op.f("pk_catalog_diagnostics")),
    )
    op.create_table(
        "categories",
        sa.Column("connection_id", sa.Uuid(), nullable=False),
        sa.Column("category_id", sa.Text(), nullable=False),
        sa.Column("source_version", sa.BigInteger(), nullable=False),
        sa.Column(
            "parent_id",
            sa.Text(),
            nullable=False,
            comment="empty at the top; may name a category that has not come yet",
        ),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=True),
        sa.Column("google", sa.Text(), nullable=False, comment="Google's category; empty takes the parent's"),
        sa.Column("facebook", sa.Text(), nullable=False, comment="Meta's category; empty takes the parent's"),
        sa.Column("product_set", sa.Boolean(), nullable=False),
        sa.Column("cover_image_link", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("link", sa.Text(), nullable=False),
        sa.Column("update_time", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("connection_id", "category_id", name=op.f("pk_categories")),
    )
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
        "feed_pieces",
        sa.Column("upload_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False, comment="from 0, without gaps"),
        sa.Column("body", sa.LargeBinary(), nullable=False, comment="as it is served"),
        sa.PrimaryKeyConstraint("upload_id", "number", name=op.f("pk_feed_pieces")),
    )
    op.create_table(
        "feed_uploads",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("store_id", sa.Text(), nullable=False),
        sa.Column("connection_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("message", sa.Text(), server_default="", nullable=False),
        sa.Column("row_count", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("piece_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False, comment="by which the file is found"),
        sa.Column("sealed_token", sa.LargeBinary(), nullable=False, comment="for Meta; sealed for this connection"),
        sa.Column("meta_upload_id", sa.Text(), server_default="", nullable=False),
        sa.Column("polls", sa.Integer(), server_default="0", nullable=False),
        sa.Column(
            "findings", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), server_default="{}", nullable=False
        ),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "ask_time", sa.DateTime(timezone=True), nullable=True, comment="when Meta was first asked to fetch it"
        ),
        sa.Column(
            "fetch_time", sa.DateTime(timezone=True), nullable=True, comment="when the whole file was last fetched"
        ),
        sa.Column("end_time", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "expire_time",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="until when the file can be fetched; NULL: not yet",
        ),
        sa.CheckConstraint(
            "(state IN ('WRITING', 'READY', 'RUNNING', 'SETTLING')) = (end_time IS NULL)",
            name=op.f("ck_feed_uploads_end_time"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_feed_uploads")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_feed_uploads_token_hash")),
    )
    op.create_index(
        "ix_feed_uploads_connection_id", "feed_uploads", ["connection_id", "create_time", "id"], unique=False
    )
    op.create_index(
        "ix_feed_uploads_end_time",
        "feed_uploads",
        ["end_time"],
        unique=False,
        postgresql_where=sa.text("end_time IS NOT NULL"),
    )
    op.create_index(
        "uq_feed_uploads_open",
        "feed_uploads",
        ["connection_id", "kind"],
        unique=True,
        postgresql_where=sa.text("state IN ('WRITING', 'READY', 'RUNNING', 'SETTLING')"),
    )
    op.create_index(
        "uq_feed_uploads_store_id_request_id",
        "feed_uploads",
        ["store_id", "request_id"],
        unique=True,
        postgresql_where=sa.text("request_id IS NOT NULL"),
    )
    op.create_table(
        "feedings",
        sa.Column("connection_id", sa.Uuid(), nullable=False),
        sa.Column("enabled", sa.Boolean(), server_default="false", nullable=False, comment="snapshots travel in files"),
        sa.Column(
            "snapshot_time",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="when a snapshot was last applied; NULL: never",
        ),
        sa.Column(
            "pause_time",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="until when content waits for a file that is being written",
        ),
        sa.PrimaryKeyConstraint("connection_id", name=op.f("pk_feedings")),
    )
    op.create_table(
        "feeds",
        sa.Column("connection_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column(
            "integration_id",
            sa.Text(),
            nullable=False,
            comment="Meta's commerce integration; empty: a feed of the catalog",
        ),
        sa.Column("meta_feed_id", sa.Text(), server_default="", nullable=False),
        sa.Column(
            "ask_time", sa.DateTime(timezone=True), nullable=True, comment="when Meta was last asked to create it"
        ),
        sa.CheckConstraint(
            "integration_id <> '' OR kind <> 'NAVIGATION' OR NOT enabled", name=op.f("ck_feeds_integration_id")
        ),
        sa.PrimaryKeyConstraint("connection_id", "kind", name=op.f("pk_feeds")),
    )
    op.create_table(
        "flips",
        sa.Column("connection_id", sa.Uuid(), nullable=False),
        sa.Column("time", sa.DateTime(timezone=True), nullable=False, comment="the minute"),
        sa.Column("sold_out", sa.Integer(), nullable=False, comment="items that went out of stock in it"),
        sa.Column("sample_retailer_ids", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("connection_id", "time", name=op.f("pk_flips")),
    )
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
        "holds",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("store_id", sa.Text(), nullable=False),
        sa.Column("connection_id", sa.Uuid(), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=True, comment="a call that is run again finds what it made"),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expire_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("end_time", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(state = 'ACTIVE') = (end_time IS NULL)", name=op.f("ck_holds_ended")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_holds")),
        sa.UniqueConstraint("store_id", "request_id", name=op.f("uq_holds_store_id_request_id")),
    )
    op.create_index(
        "ix_holds_active",
        "holds",
        ["connection_id", "expire_time"],
        unique=False,
        postgresql_where=sa.text("state = 'ACTIVE'"),
    )
    op.create_index("ix_holds_connection_id", "holds", ["connection_id", "create_time", "id"], unique=False)
    op.create_index(
        "ix_holds_end_time", "holds", ["end_time"], unique=False, postgresql_where=sa.text("end_time IS NOT NULL")
    )
    op.create_index(
        "ix_holds_expire_time", "holds", ["expire_time"], unique=False, postgresql_where=sa.text("state = 'ACTIVE'")
    )
    op.create_index(
        "ix_holds_reference",
        "holds",
        ["connection_id", "reference"],
        unique=False,
        postgresql_where=sa.text("reference <> ''"),
    )
    op.create_table(
        "item_counts",
        sa.Column("connection_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column(
            "part",
            sa.BigInteger(),
            nullable=False,
            comment="items of this state; the parts add up, one alone may be below zero",
        ),
    )
    op.create_index("ix_item_counts_connection_id_state", "item_counts", ["connection_id", "state"], unique=False)
    op.create_table(
        "item_errors",
        sa.Column("connection_id", sa.Uuid(), nullable=False),
        sa.Column("error_type", sa.Text(), nullable=False, comment="Meta's"),
        sa.Column("retailer_id", sa.Text(), nullable=False),
        sa.Column("priority", sa.Text(), nullable=False, comment="HIGH, MEDIUM, LOW"),
        sa.Column("words", sa.Text(), nullable=False, comment="Meta's"),
        sa.Column("first_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_time", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("connection_id", "error_type", "retailer_id", name=op.f("pk_item_errors")),
    )
    op.create_index(
        "ix_item_errors_connection_id_retailer_id", "item_errors", ["connection_id", "retailer_id"], unique=False
    )
    op.create_table(
        "item_marks",
        sa.Column("connection_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("retailer_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("connection_id", "kind", "digest", "retailer_id", name=op.f("pk_item_marks")),
        comment="what our items are recognised by; there only while a scan is at work",
    )
    op.create_table(
        "item_observations",
        sa.Column("connection_id", sa.Uuid(), nullable=False),
        sa.Column("retailer_id", sa.Text(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False, comment="SAME, DIFFERENT, MISSING, LEFT_OVER"),
        sa.Column("observe_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "differences",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            nullable=False,
            comment="fields, with what was confirmed and what was seen",
        ),
        sa.Column(
            "mends", sa.Integer(), nullable=False, comment="times in a row that it was sent again and still differed"
        ),
        sa.Column("review_status", sa.Text(), nullable=False),
        sa.Column(
            "review_rejection_reasons", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False
        ),
        sa.Column("image_fetch_status", sa.Text(), nullable=False),
        sa.Column(
            "faults",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            nullable=False,
            comment="what Meta finds wrong with it",
        ),
        sa.PrimaryKeyConstraint("connection_id", "retailer_id", name=op.f("pk_item_observations")),
    )
    op.create_index(
        "ix_item_observations_differs",
        "item_observations",
        ["connection_id", "retailer_id"],
        unique=False,
        postgresql_where=sa.text("verdict <> 'SAME'"),
    )
    op.create_table(
        "items",
        sa.Column("connection_id", sa.Uuid(), nullable=False),
        sa.Column("retailer_id", sa.Text(), nullable=False, comment="our name for it at Meta; written once"),
        sa.Column("product_id", sa.Text(), nullable=False),
        sa.Column("variant_id", sa.Text(), nullable=False, comment="empty for a product without variants"),
        sa.Column("whole", sa.Boolean(), nullable=False, comment="it stands, or stood, for a product without variants"),
        sa.Column(
            "heir", sa.Text(), nullable=False, comment="the one variant it stands, or stood, for; empty: none yet"
        ),
        sa.Column(
            "usual",
            sa.Boolean(),
            nullable=False,
            comment="it is called what its product and variant would be called today",
        ),
        sa.Column(
            "sku", sa.Text(), server_default="", nullable=False, comment="the stock keeping unit, to recognise items by"
        ),
        sa.Column(
            "clearing",
            sa.Boolean(),
            server_default="false",
            nullable=False,
            comment="fields of another wish may stand at Meta: the next send clears what it does not set",
        ),
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
        sa.Column("reserved", sa.Integer(), server_default="0", nullable=False, comment="pieces in active holds"),
        sa.Column(
            "offered",
            sa.Integer(),
            sa.Computed(
                "CASE WHEN track_inventory THEN (offer::jsonb ->> 'quantity_to_sell_on_facebook')::integer ELSE NULL END",
                persisted=True,
            ),
            nullable=True,
            comment="pieces as offered; NULL: not counted",
        ),
        sa.Column(
            "hidden",
            sa.Boolean(),
            server_default="false",
            nullable=False,
            comment="unconfirmed for long: shown out of stock",
        ),
        sa.Column(
            "unconfirmed",
            sa.Boolean(),
            sa.Computed(
                "wanted AND stands AND confirm_time IS NOT NULL AND offer_hash IS DISTINCT FROM confirmed_offer",
                persisted=True,
            ),
            nullable=True,
            comment="what Meta shows may not be the offer",
        ),
        sa.Column("unconfirmed_time", sa.DateTime(timezone=True), nullable=True, comment="since when, while it is"),
        sa.Column(
            "edge_look_time",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="when the edges of its sale were last looked at",
        ),
        sa.Column(
            "edge_time",
            sa.DateTime(timezone=True),
            sa.Computed(
                "\nCASE WHEN NOT wanted OR offer IS NULL OR compare_at_price IS NULL OR compare_at_price <= price THEN NULL\n     WHEN edge_look_time IS NULL OR sale_start_time > edge_look_time THEN coalesce(sale_start_time, sale_end_time)\n     WHEN sale_end_time > edge_look_time THEN sale_end_time ELSE NULL END\n",
                persisted=True,
            ),
            nullable=True,
            comment="the first edge of its sale after that",
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
            "reasons",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            sa.Computed("jsonb_path_query_array(faults || meta_faults, '$[*].reason')", persisted=True),
            nullable=True,
            comment="of all faults, to search by",
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
        sa.CheckConstraint(
            "CASE variant_id WHEN '' THEN whole ELSE variant_id = heir END", name=op.f("ck_items_stands_for")
        ),
        sa.CheckConstraint("refused_by IN ('CHECKS', 'META', 'STOCK')", name=op.f("ck_items_refused_by")),
        sa.CheckConstraint("quantity >= 0", name=op.f("ck_items_quantity")),
        sa.CheckConstraint(
            "refused_by IS NOT NULL OR NOT wanted OR (content IS NOT NULL AND offer IS NOT NULL)",
            name=op.f("ck_items_sendable"),
        ),
        sa.CheckConstraint("reserved >= 0", name=op.f("ck_items_reserved")),
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
        "ix_items_edge_time",
        "items",
        ["connection_id", "edge_time", "retailer_id"],
        unique=False,
        postgresql_where=sa.text("edge_time IS NOT NULL"),
    )
    op.create_index(
        "ix_items_faulty",
        "items",
        ["connection_id", "retailer_id"],
        unique=False,
        postgresql_where=sa.text("reasons <> '[]'"),
    )
    op.create_index(
        "ix_items_held", "items", ["connection_id", "product_id"], unique=False, postgresql_where=sa.text("held")
    )
    op.create_index("ix_items_hidden", "items", ["connection_id"], unique=False, postgresql_where=sa.text("hidden"))
    op.create_index(
        "ix_items_offer_due",
        "items",
        ["connection_id", "retailer_id"],
        unique=False,
        postgresql_where=sa.text("offer_due"),
    )
    op.create_index(
        "ix_items_reasons",
        "items",
        ["reasons"],
        unique=False,
        postgresql_using="gin",
        postgresql_where=sa.text("reasons <> '[]'"),
    )
    op.create_index(
        "ix_items_stock_error",
        "items",
        ["connection_id", "retailer_id"],
        unique=False,
        postgresql_where=sa.text("stock_error IS NOT NULL"),
    )
    op.create_index(
        "ix_items_unconfirmed",
        "items",
        ["connection_id", "unconfirmed_time"],
        unique=False,
        postgresql_where=sa.text("unconfirmed"),
    )
    op.create_index(
        "ix_items_unusual",
        "items",
        ["connection_id", "product_id"],
        unique=False,
        postgresql_where=sa.text("NOT usual"),
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
        sa.Column("item_count", sa.Integer(), nullable=False, comment="how many items a batch may hold"),
        sa.Column("time", sa.DateTime(timezone=True), nullable=False, comment="when that last changed"),
        sa.PrimaryKeyConstraint("catalog_id", name=op.f("pk_narrowings")),
    )
    op.create_table(
        "navigations",
        sa.Column("connection_id", sa.Uuid(), nullable=False),
        sa.Column("menus", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("update_time", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("connection_id", name=op.f("pk_navigations")),
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
        sa.Column(
            "scheduled",
            sa.Boolean(),
            server_default="false",
            nullable=False,
            comment="the schedule began it, no caller",
        ),
        sa.Column(
            "arguments",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            server_default="{}",
            nullable=False,
            comment="what it is to do once it is confirmed",
        ),
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
        "places",
        sa.Column("bucket", sa.Text(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False, comment="connection and urgency"),
        sa.Column("time", sa.DateTime(timezone=True), nullable=False, comment="when it is at the front"),
        sa.Column(
            "task_id",
            sa.BigInteger(),
            nullable=True,
            comment="who took it, though any task of the holder may use it; NULL: a follower's",
        ),
        sa.Column(
            "used", sa.Boolean(), server_default="false", nullable=False, comment="the next place is not taken yet"
        ),
        sa.Column(
            "followers", sa.Integer(), server_default="0", nullable=False, comment="tasks of the holder that came later"
        ),
        sa.PrimaryKeyConstraint("bucket", "holder", name=op.f("pk_places")),
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
        "product_sets",
        sa.Column("connection_id", sa.Uuid(), nullable=False),
        sa.Column("category_id", sa.Text(), nullable=False),
        sa.Column("retailer_id", sa.Text(), nullable=False, comment="our name for it at Meta; written once"),
        sa.Column("wanted", sa.Boolean(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False, comment="Meta's fields but the id: a JSON object"),
        sa.Column("desired_hash", sa.LargeBinary(), nullable=False),
        sa.Column("confirmed_hash", sa.LargeBinary(), nullable=True, comment="desired_hash as Meta last accepted it"),
        sa.Column("set_id", sa.Text(), server_default="", nullable=False, comment="Meta's id; empty while not known"),
        sa.Column(
            "stands",
            sa.Boolean(),
            server_default="false",
            nullable=False,
            comment="something of ours may stand at Meta",
        ),
        sa.Column(
            "allow_live",
            sa.Boolean(),
            server_default="false",
            nullable=False,
            comment="may be deleted while in the shop",
        ),
        sa.Column(
            "refused",
            sa.Boolean(),
            server_default="false",
            nullable=False,
            comment="Meta refuses it as it is wanted now",
        ),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("message", sa.Text(), server_default="", nullable=False),
        sa.Column(
            "product_count",
            sa.BigInteger(),
            server_default="0",
            nullable=False,
            comment="as Meta counted at check_time",
        ),
        sa.Column("confirm_time", sa.DateTime(timezone=True), nullable=True),
        sa.Column("check_time", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "state",
            sa.Text(),
            sa.Computed(
                "\nCASE WHEN NOT wanted AND NOT stands THEN 'REMOVED'\n     WHEN refused THEN 'REJECTED'\n     WHEN NOT wanted THEN 'REMOVAL_PENDING'\n     WHEN set_id <> '' AND confirmed_hash = desired_hash THEN 'CONFIRMED'\n     ELSE 'PENDING' END\n",
                persisted=True,
            ),
            nullable=True,
        ),
        sa.PrimaryKeyConstraint("connection_id", "category_id", name=op.f("pk_product_sets")),
        sa.UniqueConstraint("connection_id", "retailer_id", name=op.f("uq_product_sets_connection_id_retailer_id")),
    )
    op.create_index(
        "ix_product_sets_due",
        "product_sets",
        ["connection_id", "category_id"],
        unique=False,
        postgresql_where=sa.text("state IN ('PENDING', 'REMOVAL_PENDING')"),
    )
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
        sa.Column(
            "placement",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            nullable=True,
            comment="its categories, and what it says of them itself; NULL without categories",
        ),
        sa.Column("update_time", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("connection_id", "product_id", name=op.f("pk_products")),
    )
    op.create_table(
        "readbacks",
        sa.Column("connection_id", sa.Uuid(), nullable=False),
        sa.Column(
            "sample_time", sa.DateTime(timezone=True), nullable=False, comment="when the last night's sample began"
        ),
        sa.Column(
            "full_time", sa.DateTime(timezone=True), nullable=False, comment="when everything was last begun to be read"
        ),
        sa.Column("stage", sa.Text(), nullable=True, comment="the pass under way; NULL: none"),
        sa.Column("cursor", sa.Text(), server_default="", nullable=False),
        sa.Column(
            "sample_cursor",
            sa.Text(),
            server_default="",
            nullable=False,
            comment="the name at which the last sample ended",
        ),
        sa.Column(
            "different_cursor", sa.Text(), server_default="", nullable=False, comment="the same of what differed before"
        ),
        sa.Column(
            "left", sa.Integer(), server_default="0", nullable=False, comment="items that the pass still looks at"
        ),
        sa.Column("page_size", sa.Integer(), server_default="200", nullable=False),
        sa.Column("begin_time", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "seen", sa.Integer(), server_default="0", nullable=False, comment="items judged that the pass came upon"
        ),
        sa.Column(
            "flipped", sa.Integer(), server_default="0", nullable=False, comment="of these, with another availability"
        ),
        sa.PrimaryKeyConstraint("connection_id", name=op.f("pk_readbacks")),
    )
    op.create_table(
        "replacings",
        sa.Column("connection_id", sa.Uuid(), nullable=False),
        sa.Column(
            "category_ids",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            nullable=False,
            comment="changed, with all that lay below",
        ),
        sa.Column("after", sa.Text(), nullable=False, comment="the last product that was looked at"),
        sa.Column("upto", sa.Text(), nullable=True, comment="the last product of this round; NULL: the last there is"),
        sa.Column(
            "rest",
            sa.Text(),
            nullable=True,
            comment="the last product of one more round, from the first; NULL: there is none",
        ),
        sa.PrimaryKeyConstraint("connection_id", name=op.f("pk_replacings")),
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
        "reviews",
        sa.Column("connection_id", sa.Uuid(), nullable=False),
        sa.Column("review_id", sa.Text(), nullable=False),
        sa.Column("product_id", sa.Text(), nullable=False),
        sa.Column("variant_id", sa.Text(), nullable=False, comment="empty: any of the product"),
        sa.Column("rating", sa.SmallInteger(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("reviewer_name", sa.Text(), nullable=False, comment="empty: anonymous"),
        sa.Column("reviewer_id", sa.Text(), nullable=False),
        sa.Column("verified_purchase", sa.Boolean(), nullable=False),
        sa.Column("incentivized", sa.Boolean(), nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False, comment="when the buyer wrote it"),
        sa.CheckConstraint("rating BETWEEN 1 AND 5", name=op.f("ck_reviews_rating")),
        sa.PrimaryKeyConstraint("connection_id", "review_id", name=op.f("pk_reviews")),
    )
    op.create_table(
        "rules",
        sa.Column("connection_id", sa.Uuid(), nullable=False),
        sa.Column("guard_percent", sa.Integer(), nullable=False),
        sa.Column("guard_items", sa.Integer(), nullable=False),
        sa.Column("full_sync_period", sa.Interval(), nullable=False),
        sa.Column("delta_sync_period", sa.Interval(), nullable=False),
        sa.Column("safety_stock", sa.Integer(), nullable=False),
        sa.Column("last_units", sa.Integer(), nullable=False),
        sa.Column("hide_unconfirmed", sa.Boolean(), nullable=False),
        sa.Column("flip_alarm_percent", sa.Integer(), nullable=False),
        sa.Column("update_time", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("connection_id", name=op.f("pk_rules")),
    )
    op.create_table(
        "scanned_items",
        sa.Column("connection_id", sa.Uuid(), nullable=False),
        sa.Column("retailer_id", sa.Text(), nullable=False, comment="its id in the catalog; somebody else gave it"),
        sa.Column("scan_id", sa.Uuid(), nullable=False, comment="the operation that saw it last"),
        sa.Column("item_id", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("link", sa.Text(), nullable=False),
        sa.Column("gtin", sa.Text(), nullable=False),
        sa.Column("mpn", sa.Text(), nullable=False),
        sa.Column("item_group_id", sa.Text(), nullable=False),
        sa.Column("product_type", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=True, comment="by what it was recognised; NULL: it was not"),
        sa.Column(
            "own", sa.Text(), nullable=True, comment="the name of our item it was recognised as; NULL: none, or several"
        ),
        sa.Column("duplicate", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("plan", sa.Text(), server_default="LEAVE", nullable=False),
        sa.Column("decided", sa.Boolean(), server_default="false", nullable=False, comment="a caller said so"),
        sa.Column("scan_time", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "plan IN ('ADOPT', 'REPLACE', 'LEAVE') AND (plan = 'LEAVE' OR own IS NOT NULL)",
            name=op.f("ck_scanned_items_plan"),
        ),
        sa.PrimaryKeyConstraint("connection_id", "retailer_id", name=op.f("pk_scanned_items")),
    )
    op.create_index(
        "ix_scanned_items_own",
        "scanned_items",
        ["connection_id", "own"],
        unique=False,
        postgresql_where=sa.text("own IS NOT NULL"),
    )
    op.create_index(
        "ix_scanned_items_planned",
        "scanned_items",
        ["connection_id", "retailer_id"],
        unique=False,
        postgresql_where=sa.text("plan <> 'LEAVE'"),
    )
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
        "snapshot_products",
        sa.Column(
            "snapshot_id",
            sa.Uuid(),
            nullable=False,
            comment="who puts holds its row: no foreign key looks for it again",
        ),
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
        sa.Column(
            "hidden", sa.Boolean(), server_default="false", nullable=False, comment="an item of it shall not be shown"
        ),
        sa.PrimaryKeyConstraint("snapshot_id", "product_id", name=op.f("pk_snapshot_products")),
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
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expire_time", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_snapshots")),
    )
    op.create_index(
        "ix_snapshots_connection_id",
        "snapshots",
        ["connection_id"],
        unique=False,
        postgresql_where=sa.text("state <> 'CLOSED'"),
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
        "hold_lines",
        sa.Column("hold_id", sa.Uuid(), nullable=False),
        sa.Column("retailer_id", sa.Text(), nullable=False),
        sa.Column("product_id", sa.Text(), nullable=False),
        sa.Column("variant_id", sa.Text(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_hold_lines_quantity")),
        sa.ForeignKeyConstraint(["hold_id"], ["holds.id"], name=op.f("fk_hold_lines_hold_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("hold_id", "retailer_id", name=op.f("pk_hold_lines")),
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

    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    for table in TABLES:
        op.drop_table(table)
    for function in FUNCTIONS:
        op.execute(f"DROP FUNCTION {function}()")
    op.execute("DROP SEQUENCE event_positions")
