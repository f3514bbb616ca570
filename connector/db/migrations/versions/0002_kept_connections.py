"""Ways to connect and to leave, tokens kept alive, the doctor, personal data, the audit, and walls between stores."""

import sqlalchemy as sa
from alembic import op
from alembic.util import CommandError
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

LIVE = "state IN ('CONNECTED', 'NEEDS_LOGIN', 'DISCONNECTING')"
CHECKS = {
    "ck_connections_live_has_page": "state NOT IN ('CONNECTED', 'NEEDS_LOGIN', 'DISCONNECTING') OR page_id <> ''",
    "ck_connections_connected_has_tokens": "state NOT IN ('CONNECTED', 'DISCONNECTING') OR (user_token IS NOT NULL AND page_token IS NOT NULL)",
}
BY_STORE = [
    "audit_chains",
    "audit_entries",
    "audit_intents",
    "audit_tallies",
    "connections",
    "consumers",
    "conversations",
    "deletions",
    "events",
    "feed_uploads",
    "handouts",
    "holds",
    "installations",
    "logins",
    "messages",
    "operations",
    "requests",
    "retentions",
    "retired_tokens",
    "snapshots",
]
BY_CONNECTION = [
    "alerts",
    "aliases",
    "batches",
    "catalog_diagnostics",
    "categories",
    "checks",
    "feedings",
    "feeds",
    "flips",
    "item_counts",
    "item_errors",
    "item_marks",
    "item_observations",
    "items",
    "navigations",
    "problems",
    "product_sets",
    "products",
    "readbacks",
    "replacings",
    "reviews",
    "rules",
    "scanned_items",
    "token_cares",
    "token_inspections",
]
OTHERWISE = {
    "feed_pieces": "upload_id = ANY (ARRAY(SELECT id FROM feed_uploads))",
    "snapshot_products": "snapshot_id = ANY (ARRAY(SELECT id FROM snapshots))",
    "tasks": "connection_id IS NULL OR connection_id = ANY (ARRAY(SELECT id FROM connections))",
    "hold_lines": "EXISTS (SELECT FROM holds WHERE holds.id = hold_id)",
}
CLOSED = ["deliveries", "forgotten", "peppers", "signals"]
OWN_STORE = "store_id = ANY ((SELECT string_to_array(current_setting('connector.stores', true), ','))::text[])"
OWN_CONNECTION = "connection_id = ANY (ARRAY(SELECT id FROM connections))"

# Who has chosen nothing yet may still choose: an hour from the login on.
OPEN_CHOICES = """
    UPDATE connections SET login_offer = offer, login_expire_time = update_time + interval '1 hour'
    WHERE login_token IS NOT NULL
"""

# What autogeneration does not write.
STATEMENTS = (
    """
    CREATE FUNCTION audit_hash(previous bytea, e audit_entries, number bigint) RETURNS bytea LANGUAGE sql STABLE AS $$
        SELECT sha256(previous || convert_to(jsonb_build_array(
            number, to_char(e.create_time AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), e.store_id, e.action, e.caller, e.role,
            e.actor, e.connection_id, e.objects, e.request_id, e.result, e.call_count)::text, 'UTF8'))
    $$
    """,
    """
    CREATE FUNCTION chain_audit_entry() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE link audit_chains;
    BEGIN
        -- The events' lock: whoever writes both, in whatever order, waits for nobody who waits for them.
        PERFORM pg_advisory_xact_lock(hashtextextended('events:' || NEW.store_id, 0));
        INSERT INTO audit_chains (store_id, position, hash) VALUES (NEW.store_id, 0, '') ON CONFLICT DO NOTHING;
        SELECT * INTO link FROM audit_chains WHERE store_id = NEW.store_id;
        UPDATE audit_entries SET position = link.position + 1, hash = audit_hash(link.hash, NEW, link.position + 1)
        WHERE id = NEW.id RETURNING position, hash INTO link.position, link.hash;
        UPDATE audit_chains SET position = link.position, hash = link.hash WHERE store_id = NEW.store_id;
        RETURN NULL;
    END
    $$
    """,
    """
    CREATE CONSTRAINT TRIGGER chain_audit_entry AFTER INSERT ON audit_entries
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION chain_audit_entry()
    """,
    """
    CREATE FUNCTION keep_audit_entry() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'UPDATE' AND OLD.position IS NULL THEN RETURN NEW; END IF;
        IF TG_OP = 'DELETE' AND EXISTS (
            SELECT FROM audit_chains WHERE store_id = OLD.store_id AND sealed_position >= OLD.position
        ) THEN RETURN OLD; END IF;
        RAISE EXCEPTION 'The audit is append-only: entries leave by a seal when they are old' USING ERRCODE = '42501';
    END
    $$
    """,
    """
    CREATE TRIGGER keep_audit_entry BEFORE UPDATE OR DELETE ON audit_entries
    FOR EACH ROW EXECUTE FUNCTION keep_audit_entry()
    """,
    """
    CREATE FUNCTION keep_audit() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'The audit is append-only' USING ERRCODE = '42501'; END
    $$
    """,
    """CREATE TRIGGER keep_audit BEFORE TRUNCATE ON audit_entries FOR EACH STATEMENT EXECUTE FUNCTION keep_audit()""",
    """
    CREATE FUNCTION audit_tokens() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        before bytea[] := ARRAY[OLD.user_token, OLD.page_token, OLD.login_token];
        after bytea[] := ARRAY[NEW.user_token, NEW.page_token, NEW.login_token];
        replaced boolean[] := ARRAY[NEW.token_time IS DISTINCT FROM OLD.token_time, NEW.token_time IS DISTINCT FROM OLD.token_time,
            NEW.login_expire_time IS DISTINCT FROM OLD.login_expire_time];
        kinds text[] := ARRAY['user', 'page', 'login'];
        told text[] := '{}';
    BEGIN
        FOR i IN 1..3 LOOP
            told := told || CASE
                WHEN before[i] IS NULL AND after[i] IS NOT NULL THEN ARRAY[kinds[i] || '=KEPT']
                WHEN before[i] IS NOT NULL AND after[i] IS NULL THEN ARRAY[kinds[i] || '=WIPED']
                WHEN before[i] <> after[i] AND replaced[i] THEN ARRAY[kinds[i] || '=REPLACED']
                ELSE '{}'::text[] END;
        END LOOP;
        IF told <> '{}' THEN
            INSERT INTO audit_entries
                (store_id, action, caller, role, actor, connection_id, objects, request_id, result, create_time)
            VALUES (NEW.store_id, 'TokensChanged', 'connector', 'BACKGROUND', '', NEW.id::text, told, '', 'OK', NEW.update_time);
        END IF;
        RETURN NULL;
    END
    $$
    """,
    """
    CREATE TRIGGER audit_tokens AFTER UPDATE OF user_token, page_token, login_token ON connections
    FOR EACH ROW EXECUTE FUNCTION audit_tokens()
    """,
)


def upgrade() -> None:
    op.create_table(
        "audit_chains",
        sa.Column("store_id", sa.Text(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False, comment="of the newest entry"),
        sa.Column("hash", sa.LargeBinary(), nullable=False, comment="of the newest entry"),
        sa.Column(
            "sealed_position",
            sa.BigInteger(),
            server_default="0",
            nullable=False,
            comment="up to here entries have left",
        ),
        sa.Column("sealed_hash", sa.LargeBinary(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("store_id", name=op.f("pk_audit_chains")),
    )
    op.create_table(
        "audit_entries",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("store_id", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False, comment="an RPC's name, or our own word for it"),
        sa.Column(
            "caller", sa.Text(), nullable=False, comment="the token's subject, or background, operator, Meta user"
        ),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False, comment="whom the caller acts for, by the caller's own id"),
        sa.Column("connection_id", sa.Text(), nullable=False),
        sa.Column("objects", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("result", sa.Text(), nullable=False, comment="OK, or why not"),
        sa.Column("call_count", sa.Integer(), server_default="1", nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=True, comment="its place in the chain; given at commit"),
        sa.Column(
            "hash",
            sa.LargeBinary(),
            nullable=True,
            comment="SHA-256 of the hash before and of this entry; given at commit",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_entries")),
    )
    op.create_index("uq_audit_entries_store_id_position", "audit_entries", ["store_id", "position"], unique=True)
    op.create_table(
        "audit_intents",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("store_id", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False, comment="an RPC's name, or our own word for it"),
        sa.Column(
            "caller", sa.Text(), nullable=False, comment="the token's subject, or background, operator, Meta user"
        ),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False, comment="whom the caller acts for, by the caller's own id"),
        sa.Column("connection_id", sa.Text(), nullable=False),
        sa.Column("objects", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_intents")),
    )
    op.create_index(op.f("ix_audit_intents_create_time"), "audit_intents", ["create_time"], unique=False)
    op.create_table(
        "audit_tallies",
        sa.Column("store_id", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False, comment="an RPC's name, or our own word for it"),
        sa.Column(
            "caller", sa.Text(), nullable=False, comment="the token's subject, or background, operator, Meta user"
        ),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False, comment="whom the caller acts for, by the caller's own id"),
        sa.Column("hour", sa.DateTime(timezone=True), nullable=False),
        sa.Column("call_count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("store_id", "action", "caller", "role", "actor", "hour", name=op.f("pk_audit_tallies")),
    )
    op.create_index(op.f("ix_audit_tallies_hour"), "audit_tallies", ["hour"], unique=False)
    op.create_table(
        "checks",
        sa.Column("connection_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("cause", sa.Text(), server_default="NOT_LOOKED_AT", nullable=False),
        sa.Column(
            "evidence", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), server_default="{}", nullable=False
        ),
        sa.Column("ask_time", sa.DateTime(timezone=True), nullable=False, comment="when somebody began to look"),
        sa.Column(
            "check_time", sa.DateTime(timezone=True), nullable=True, comment="when it was last looked at to the end"
        ),
        sa.Column("since_time", sa.DateTime(timezone=True), nullable=True, comment="since when it has this state"),
        sa.Column(
            "fail_time",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="since when it fails, UNKNOWN in between included",
        ),
        sa.Column(
            "failures", sa.Integer(), server_default="0", nullable=False, comment="looks in a row that found it failed"
        ),
        sa.Column("due_time", sa.DateTime(timezone=True), nullable=True, comment="when it is looked at next by itself"),
        sa.CheckConstraint("(fail_time IS NULL) = (failures = 0)", name=op.f("ck_checks_failing_since")),
        sa.PrimaryKeyConstraint("connection_id", "kind", name=op.f("pk_checks")),
    )
    op.create_table(
        "deletions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "store_id",
            sa.Text(),
            nullable=True,
            comment="NULL: asked for through Meta, for every store the person connected",
        ),
        sa.Column("request_id", sa.Text(), nullable=True),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("caller", sa.Text(), nullable=False, comment="who asked"),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column(
            "subject",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            nullable=True,
            comment="whom it is about, as long as it is at work",
        ),
        sa.Column("subject_digest", sa.LargeBinary(), nullable=False),
        sa.Column("code", sa.Text(), nullable=True, comment="Meta's confirmation code"),
        sa.Column(
            "removed", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), server_default="{}", nullable=False
        ),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finish_time", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(origin = 'META') = (code IS NOT NULL)", name=op.f("ck_deletions_code_of_meta")),
        sa.CheckConstraint("(state = 'DONE') = (finish_time IS NOT NULL)", name=op.f("ck_deletions_done_has_end")),
        sa.CheckConstraint("(state = 'DONE') = (subject IS NULL)", name=op.f("ck_deletions_done_knows_nobody")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deletions")),
        sa.UniqueConstraint("code", name=op.f("uq_deletions_code")),
    )
    op.create_index(
        "ix_deletions_running", "deletions", ["due_time"], unique=False, postgresql_where=sa.text("finish_time IS NULL")
    )
    op.create_index("ix_deletions_store_id_create_time", "deletions", ["store_id", "create_time", "id"], unique=False)
    op.create_index("ix_deletions_subject_digest", "deletions", ["subject_digest"], unique=False)
    op.create_index("uq_deletions_store_id_request_id", "deletions", ["store_id", "request_id"], unique=True)
    op.create_table(
        "forgotten",
        sa.Column("digest", sa.LargeBinary(), nullable=False, comment="keyed hash of what it is about"),
        sa.Column(
            "time", sa.DateTime(timezone=True), nullable=False, comment="what happened until then is not taken in again"
        ),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_forgotten")),
    )
    op.create_table(
        "installations",
        sa.Column("store_id", sa.Text(), nullable=False),
        sa.Column("environment", sa.Text(), nullable=False),
        sa.Column("external_business_id", sa.Text(), nullable=False, comment="our name of the shop at Meta, for ever"),
        sa.Column(
            "connection_id", sa.Uuid(), nullable=True, comment="the connection it serves; empty until the first install"
        ),
        sa.Column(
            "candidate_id", sa.Uuid(), nullable=True, comment="the connection of the last install, until it is linked"
        ),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column(
            "assets",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            server_default="{}",
            nullable=False,
            comment="what Meta showed last",
        ),
        sa.Column(
            "missing",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            server_default="[]",
            nullable=False,
            comment="assets of the connection it names no more",
        ),
        sa.Column("by_system_user", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("domain", sa.Text(), nullable=False),
        sa.Column("admin_url", sa.Text(), server_default="", nullable=False),
        sa.Column(
            "look_time", sa.DateTime(timezone=True), nullable=True, comment="when Meta was last asked in the background"
        ),
        sa.Column("read_time", sa.DateTime(timezone=True), nullable=True, comment="when Meta last showed it"),
        sa.Column("install_time", sa.DateTime(timezone=True), nullable=True),
        sa.Column("uninstall_time", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "notice_time",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="when Meta told of its end, or we asked for it: to be looked at",
        ),
        sa.Column("absence_time", sa.DateTime(timezone=True), nullable=True, comment="when Meta first showed nothing"),
        sa.CheckConstraint(
            "state <> 'INSTALLED' OR (connection_id IS NOT NULL AND read_time IS NOT NULL)",
            name=op.f("ck_installations_installed_is_known"),
        ),
        sa.PrimaryKeyConstraint("store_id", "environment", name=op.f("pk_installations")),
        sa.UniqueConstraint("external_business_id", name=op.f("uq_installations_external_business_id")),
    )
    op.create_index("ix_installations_connection_id", "installations", ["connection_id"], unique=False)
    op.create_table(
        "peppers",
        sa.Column("id", sa.SmallInteger(), server_default=sa.text("1"), autoincrement=False, nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False, comment="sealed"),
        sa.CheckConstraint("id = 1", name=op.f("ck_peppers_only_one")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_peppers")),
    )
    op.create_table(
        "retentions",
        sa.Column("store_id", sa.Text(), nullable=False),
        sa.Column("message_days", sa.Integer(), nullable=False, comment="messages older than this go"),
        sa.Column("update_time", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("message_days BETWEEN 30 AND 3650", name=op.f("ck_retentions_sensible")),
        sa.PrimaryKeyConstraint("store_id", name=op.f("pk_retentions")),
    )
    op.create_table(
        "retired_tokens",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("store_id", sa.Text(), nullable=False),
        sa.Column("connection_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False, comment="app-scoped id of who was behind it"),
        sa.Column("sealed", sa.LargeBinary(), nullable=False, comment="as it was sealed for the connection"),
        sa.Column("every", sa.Boolean(), nullable=False, comment="it is a system user's: all of that user's may go"),
        sa.Column("forced", sa.Boolean(), nullable=False, comment="it goes even if another connection lives on it"),
        sa.Column(
            "kill_time", sa.DateTime(timezone=True), nullable=False, comment="until then a call under way may need it"
        ),
        sa.Column(
            "expire_time", sa.DateTime(timezone=True), nullable=False, comment="after that it is wiped, killed or not"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_retired_tokens")),
    )
    op.create_index("ix_retired_tokens_connection_id", "retired_tokens", ["connection_id"], unique=False)
    op.create_table(
        "self_tests",
        sa.Column("nonce", sa.Uuid(), nullable=False),
        sa.Column("environment", sa.Text(), nullable=False),
        sa.Column("send_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "answer", sa.Text(), server_default="", nullable=False, comment="what came of sending it; empty on its way"
        ),
        sa.Column("detail", sa.Text(), server_default="", nullable=False, comment="the status, or the kind of error"),
        sa.Column("hear_time", sa.DateTime(timezone=True), nullable=True, comment="when it was worked off"),
        sa.PrimaryKeyConstraint("nonce", name=op.f("pk_self_tests")),
    )
    op.create_index("ix_self_tests_environment_send_time", "self_tests", ["environment", "send_time"], unique=False)
    op.create_table(
        "token_cares",
        sa.Column("connection_id", sa.Uuid(), nullable=False),
        sa.Column(
            "token_days",
            sa.Integer(),
            nullable=True,
            comment="the smallest number of days at which the token's end was announced",
        ),
        sa.Column("data_access_days", sa.Integer(), nullable=True, comment="the same of the end of data access"),
        sa.Column(
            "doubt_time",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="when Meta last refused a token that it calls valid",
        ),
        sa.PrimaryKeyConstraint("connection_id", name=op.f("pk_token_cares")),
    )
    op.create_table(
        "token_inspections",
        sa.Column("connection_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("valid", sa.Boolean(), nullable=False),
        sa.Column("meta_type", sa.Text(), nullable=False),
        sa.Column("app_id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False, comment="app-scoped id of the person or system user"),
        sa.Column("page_id", sa.Text(), nullable=False),
        sa.Column("scopes", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("granular_scopes", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("issue_time", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expire_time", sa.DateTime(timezone=True), nullable=True),
        sa.Column("data_access_expire_time", sa.DateTime(timezone=True), nullable=True),
        sa.Column("code", sa.Integer(), nullable=False),
        sa.Column("subcode", sa.Integer(), nullable=False),
        sa.Column("inspect_time", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("connection_id", "kind", name=op.f("pk_token_inspections")),
    )
    op.add_column("connections", sa.Column("instagram_id", sa.Text(), server_default="", nullable=False))
    op.add_column("connections", sa.Column("instagram_username", sa.Text(), server_default="", nullable=False))
    op.add_column(
        "connections",
        sa.Column("token_kind", sa.Text(), server_default="", nullable=False, comment="USER or SYSTEM_USER"),
    )
    op.add_column(
        "connections",
        sa.Column(
            "reach",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            server_default="{}",
            nullable=False,
            comment="assets a permission was granted for, if not all",
        ),
    )
    op.add_column(
        "connections",
        sa.Column(
            "token_time",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="when the tokens were last replaced: what failed of the old ones is the past",
        ),
    )
    op.add_column(
        "connections",
        sa.Column(
            "probes",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            server_default="{}",
            nullable=False,
            comment="what tries of single capabilities told last",
        ),
    )
    op.add_column(
        "connections",
        sa.Column(
            "login_offer",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            nullable=True,
            comment="what that login granted: to choose from",
        ),
    )
    op.add_column(
        "connections",
        sa.Column(
            "login_expire_time", sa.DateTime(timezone=True), nullable=True, comment="until when the choice can be made"
        ),
    )
    op.alter_column(
        "connections",
        "offer",
        existing_type=postgresql.JSONB(astext_type=sa.Text()),
        comment="what the login granted that the connection is linked with",
        existing_comment="what the last login granted",
        existing_nullable=True,
    )
    op.create_index("ix_connections_catalog_id", "connections", ["catalog_id"], unique=False)
    op.create_index("ix_connections_user_id", "connections", ["user_id"], unique=False)
    op.alter_column(
        "deliveries",
        "body",
        existing_type=postgresql.BYTEA(),
        comment="the bytes received, access tokens in them masked",
        existing_comment="exactly the bytes received",
        existing_nullable=False,
    )
    op.alter_column(
        "feed_uploads",
        "sealed_token",
        existing_type=postgresql.BYTEA(),
        comment="for Meta; sealed",
        existing_comment="for Meta; sealed for this connection",
        existing_nullable=False,
    )
    op.add_column(
        "items",
        sa.Column(
            "leaving", sa.Text(), nullable=True, comment="HIDE or DELETE: what becomes of it before the connection ends"
        ),
    )
    op.create_index(
        "ix_items_leaving",
        "items",
        ["connection_id", "retailer_id"],
        unique=False,
        postgresql_where=sa.text("leaving IS NOT NULL"),
    )
    op.add_column("logins", sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False))
    op.add_column(
        "logins",
        sa.Column(
            "actor",
            sa.Text(),
            server_default="",
            nullable=False,
            comment="the caller that began it, and alone may complete it",
        ),
    )
    op.add_column("logins", sa.Column("way", sa.Text(), server_default="PAGE_LOGIN", nullable=False))
    op.add_column(
        "logins",
        sa.Column(
            "token",
            sa.LargeBinary(),
            nullable=True,
            comment="sealed; what the code was exchanged for, until it is kept",
        ),
    )
    op.add_column(
        "logins",
        sa.Column(
            "withdraw_time",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="when the store was disconnected: the login links nothing any more",
        ),
    )
    op.create_index("ix_logins_connection_id", "logins", ["connection_id"], unique=False)
    op.create_unique_constraint(op.f("uq_logins_id"), "logins", ["id"])
    op.create_index("ix_messages_send_time", "messages", ["send_time"], unique=False, postgresql_using="brin")
    op.alter_column(
        "requests",
        "digest",
        existing_type=postgresql.BYTEA(),
        comment="SHA-256 of caller, method and request",
        existing_comment="SHA-256 of method and request",
        existing_nullable=False,
    )

    op.create_check_constraint(op.f("ck_items_leaving"), "items", "leaving IN ('HIDE', 'DELETE')")
    op.execute(OPEN_CHOICES)
    for statement in STATEMENTS:
        op.execute(statement)
    _let_leave()
    _raise_walls()


def _let_leave() -> None:
    """Count a connection that is being left as live."""
    for name, condition in CHECKS.items():
        op.drop_constraint(op.f(name), "connections")
        op.create_check_constraint(op.f(name), "connections", condition)
    op.drop_index("uq_connections_environment_page_id", "connections")
    op.create_index(
        "uq_connections_environment_page_id",
        "connections",
        ["environment", "page_id"],
        unique=True,
        postgresql_where=sa.text(LIVE),
    )


def _raise_walls() -> None:
    conditions = dict.fromkeys(BY_STORE, OWN_STORE) | dict.fromkeys(BY_CONNECTION, OWN_CONNECTION) | OTHERWISE
    for table in [*conditions, *CLOSED]:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    for table, condition in conditions.items():
        op.execute(f"CREATE POLICY own_store ON {table} USING ({condition})")


def downgrade() -> None:
    """Refuse: the audit, and what people asked to have forgotten, would be lost."""
    raise CommandError("there is no way back from 0002: restore the backup from before it")
