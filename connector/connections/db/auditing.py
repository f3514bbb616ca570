"""No token comes, goes or changes unseen: PostgreSQL itself adds the entry to the audit, in the transaction that does it.

Wrapping a token's key anew (`keyring`) is no change of the token. Who did it says the entry of the call or callback beside it.
"""

from sqlalchemy import DDL, event

from connector.connections.db.tables import connections

WATCHING = (
    """
    CREATE OR REPLACE FUNCTION audit_tokens() RETURNS trigger LANGUAGE plpgsql AS $$
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
"""What watches tokens; a migration that creates `connections` and the audit runs these after both."""

for _statement in WATCHING:
    event.listen(connections, "after_create", DDL(_statement))  # type: ignore[no-untyped-call] # SQLAlchemy's is not typed
