"""The migrations and the tables of the code say the same."""

from collections.abc import Iterator

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, create_engine, make_url

from connector.db import migrations
from connector.db.migrations import history
from connector.db.schema import load_tables, open_engine
from connector.vault import Secret
from stack import databases

# What autogeneration does not see: functions, triggers, computed columns, checks, compression, row-level security.
_INSIDES = {
    "functions": "SELECT proname, prosrc FROM pg_proc WHERE pronamespace = 'public'::regnamespace",
    "triggers": "SELECT tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal",
    "checks": "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = 'public'::regnamespace",
    "indexes": "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'",
    "partitions": """SELECT c.relname, pg_get_partkeydef(c.oid), p.relname, p.reloptions::text, pg_get_expr(p.relpartbound, p.oid)
        FROM pg_class c JOIN pg_inherits i ON i.inhparent = c.oid JOIN pg_class p ON p.oid = i.inhrelid
        WHERE c.relkind = 'p' AND p.relname LIKE '%\\_rest'""",
    "walls": """SELECT c.relname, c.relrowsecurity, p.polname, p.polcmd, p.polpermissive, p.polroles::text, pg_get_expr(p.polqual, p.polrelid),
        pg_get_expr(p.polwithcheck, p.polrelid)
        FROM pg_class c LEFT JOIN pg_policy p ON p.polrelid = c.oid WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')""",
    "columns": """SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attcompression, a.attstorage, c.reloptions::text, a.attidentity, a.attgenerated,
        pg_get_expr(d.adbin, d.adrelid), col_description(a.attrelid, a.attnum)
        FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped""",
}


@pytest.fixture
def created(database_url: str) -> Iterator[str]:
    """A database made from the code's tables, without migrations."""
    name = f"{make_url(database_url).database}_created"
    databases.create(database_url, name)
    url = databases.sibling(database_url, name)
    engine = create_engine(make_url(url).set(drivername="postgresql+psycopg"))
    load_tables().create_all(engine)
    engine.dispose()
    yield url
    databases.drop(database_url, name)


def test_a_migrated_database_is_what_the_code_says(database_url: str, created: str) -> None:
    """Tables, columns, defaults, checks, indexes, functions and triggers are the same by migrations and by the code."""
    for what, query in _INSIDES.items():
        migrated, said = (_rows(url, query) for url in (database_url, created))
        assert said == {row for row in migrated if "alembic_version" not in str(row[:2])}, what


def _rows(url: str, query: str) -> set[tuple[object, ...]]:
    with psycopg.connect(url) as connection:
        return set(connection.execute(query.encode()).fetchall())


def test_nothing_is_left_to_migrate(database_url: str) -> None:
    """Alembic finds no difference either: `make migration` would write an empty one."""
    engine = create_engine(make_url(database_url).set(drivername="postgresql+psycopg"))
    try:
        with engine.connect() as connection:
            assert [] == _differences(connection)
    finally:
        engine.dispose()


def _differences(connection: Connection) -> list[object]:
    context = MigrationContext.configure(connection, opts={"compare_server_default": True})
    return list(compare_metadata(context, load_tables()))


def test_what_was_there_before_a_migration_is_there_after_it(database_url: str) -> None:
    """A connection of the first schema is kept, and whoever had still to choose what to link may still choose."""
    name = f"{make_url(database_url).database}_older"
    databases.create(database_url, name)
    url = databases.sibling(database_url, name)
    history.upgrade(Secret(url), revision="0001")
    with psycopg.connect(url) as connection:
        connection.execute(
            """
            INSERT INTO connections (id, store_id, environment, state, state_time, login_token, offer, create_time, update_time)
            VALUES (gen_random_uuid(), 'store_1', 'TEST', 'AWAITING_CHOICE', now(), 'sealed', '{"pages": []}', now(), now())
            """
        )
    history.upgrade(Secret(url))
    kept = _rows(url, "SELECT store_id, state, login_offer::text, login_expire_time > now() FROM connections")
    assert {("store_1", "AWAITING_CHOICE", '{"pages": []}', True)} == kept
    databases.drop(database_url, name)


def test_conversations_deliveries_and_loans_are_there_after_their_migration(database_url: str) -> None:
    """Windows stay open, what waits still waits in its order, what was acknowledged stays so and what was on loan comes again."""
    name = f"{make_url(database_url).database}_before"
    databases.create(database_url, name)
    url = databases.sibling(database_url, name)
    history.upgrade(Secret(url), revision="0002")
    with psycopg.connect(url) as connection:
        connection.execute(_OLDER_ROWS)
    history.upgrade(Secret(url))
    rows = {what: _rows(url, query) for what, query in _KEPT_ROWS.items()}
    databases.drop(database_url, name)
    assert {
        "conversations": {("MESSENGER", True)},
        "deliveries": {(1, b"one", "WAITING")},
        "parked": {(2, "page", "7", b"two")},
        "next": {(3,)},
        "consumers": {(5, "PULL")},
        "handouts": {(7, "SETTLED")},
    } == rows


_OLDER_ROWS = """
    INSERT INTO connections (id, store_id, environment, state, state_time, create_time, update_time)
    VALUES ('00000000-0000-0000-0000-000000000001', 's', 'TEST', 'DISCONNECTED', now(), now(), now());
    INSERT INTO conversations (id, store_id, connection_id, psid, person_time)
    VALUES (gen_random_uuid(), 's', '00000000-0000-0000-0000-000000000001', '9', now());
    INSERT INTO deliveries (environment, body, digest, signature, receive_time, state, page_id)
    VALUES ('TEST', 'one', '1', 'x', now(), 'WAITING', NULL), ('TEST', 'two', '2', 'x', now(), 'PARKED', '7');
    INSERT INTO consumers (store_id, name, floor) VALUES ('s', 'default', 5);
    INSERT INTO handouts (store_id, consumer, position, ordering_key, expire_time, acknowledge_time)
    VALUES ('s', 'default', 6, 'a', now(), NULL), ('s', 'default', 7, 'b', now(), now())
"""
_KEPT_ROWS = {
    "conversations": "SELECT channel, direct_time = person_time FROM conversations",
    "deliveries": "SELECT id, body, state FROM deliveries",
    "parked": "SELECT id, object, page_id, body FROM parked",
    "next": "SELECT nextval(pg_get_serial_sequence('deliveries', 'id'))",
    "consumers": "SELECT cursor, kind FROM consumers",
    "handouts": "SELECT position, state FROM handouts",
}


async def test_another_schema_is_refused(database_url: str) -> None:
    """A database that was never migrated, or to another version, is refused with the command that mends it."""
    empty = f"{make_url(database_url).database}_empty"
    databases.create(database_url, empty)
    url = databases.sibling(database_url, empty)
    engine = open_engine(url)
    with pytest.raises(migrations.WrongSchemaError, match="python -m connector migrate"):
        await migrations.require_current(engine)
    history.upgrade(Secret(url))
    await migrations.require_current(engine)
    await engine.dispose()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    engine = open_engine(url)
    with pytest.raises(migrations.WrongSchemaError):
        await migrations.require_current(engine)
    await engine.dispose()
    databases.drop(database_url, empty)
