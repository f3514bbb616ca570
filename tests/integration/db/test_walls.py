"""Row-level security: the second wall between stores."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any

import grpc
import psycopg
import pytest
import sqlalchemy.exc
from sqlalchemy import make_url, text
from sqlalchemy.ext.asyncio import AsyncEngine

from connector import deadline
from connector.db import walls
from connector.db.migrations import history
from connector.db.schema import at_once, load_tables, open_engine
from connector.vault import Secret
from stack import databases
from stormcom.facebook.v1 import connector_service_pb2 as pb
from stormcom.facebook.v1 import connector_service_pb2_grpc as connector_grpc

TABLES = load_tables().sorted_tables
COUNT = text("SELECT count(*) FROM consumers")


@pytest.fixture
async def engine(empty_database: str) -> AsyncIterator[AsyncEngine]:
    """A pool to a database with one operation and one connection of each of two stores."""
    with psycopg.connect(empty_database, autocommit=True) as connection:
        for store in ("mine", "theirs"):
            connection.execute("INSERT INTO consumers (store_id, name) VALUES (%s, 'c')", (store,))
    engine = open_engine(empty_database, pool_size=2)
    yield engine
    await engine.dispose()


@pytest.fixture
async def lone_engine(engine: AsyncEngine, empty_database: str) -> AsyncIterator[AsyncEngine]:
    """A pool of one connection to the same."""
    lone = open_engine(empty_database, pool_size=1)
    yield lone
    await lone.dispose()


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_every_table_has_a_wall_or_a_reason(table: Any) -> None:
    """A table belongs to a store, or says why it belongs to none; nobody forgets to decide."""
    reasons = {**walls.SHARED, **walls.CLOSED}
    assert bool(walls.condition_of(table)) != bool(reasons.get(table.name))
    assert {*reasons} <= {table.name for table in TABLES}


def test_the_walls_stand_in_the_database(database_url: str) -> None:
    """Row-level security is on for every table but the shared ones, for the role that calls are, which cannot evade it."""
    with psycopg.connect(database_url) as connection:
        on = connection.execute(
            "SELECT relname FROM pg_class WHERE relrowsecurity AND relnamespace = 'public'::regnamespace"
        )
        assert {table.name for table in TABLES} - {*walls.SHARED} == {name for (name,) in on}
        role = connection.execute(
            "SELECT rolcanlogin, rolsuper, rolbypassrls, rolcreaterole FROM pg_roles WHERE rolname = %s", (walls.ROLE,)
        )
        assert [(False, False, False, False)] == role.fetchall()
        owned = connection.execute("SELECT count(*) FROM pg_class WHERE relowner = to_regrole(%s)", (walls.ROLE,))
        assert [(0,)] == owned.fetchall()


async def test_a_query_without_its_condition_finds_its_own_store_only(engine: AsyncEngine) -> None:
    """Behind the wall a forgotten `WHERE store_id` shows, changes and removes nothing of another store."""
    with walls.only("mine"):
        async with engine.begin() as tx:
            assert ["mine"] == [*await tx.scalars(text("SELECT store_id FROM consumers"))]
            assert 1 == (await tx.execute(text("UPDATE consumers SET name = 'd'"))).rowcount
            assert 1 == (await tx.execute(text("DELETE FROM consumers"))).rowcount
    async with engine.begin() as tx:
        assert ["theirs"] == [*await tx.scalars(text("SELECT store_id FROM consumers"))]


async def test_nothing_is_written_for_another_store(engine: AsyncEngine) -> None:
    """A row of another store cannot come in, nor can one be handed over."""
    for statement in (
        "INSERT INTO consumers (store_id, name) VALUES ('theirs', 'x')",
        "UPDATE consumers SET store_id = 'theirs'",
    ):
        with walls.only("mine"), pytest.raises(sqlalchemy.exc.DBAPIError, match="row-level security"):
            async with engine.begin() as tx:
                await tx.execute(text(statement))


@pytest.mark.parametrize("stores", [(), ("",), ("other",), ("mine'; RESET ROLE; --",), ("*",)])
async def test_an_unknown_store_sees_nothing(engine: AsyncEngine, stores: tuple[str, ...]) -> None:
    """Whatever a store is called, it is a value: it neither opens the wall nor changes the statement."""
    with walls.only(*stores):
        async with engine.begin() as tx:
            assert [] == [*await tx.scalars(text("SELECT store_id FROM consumers"))]


async def test_the_wall_ends_with_its_transaction(engine: AsyncEngine) -> None:
    """A pooled connection is nobody's again once a call is through, whether it went well or not."""
    for fails in (False, True):
        try:
            with walls.only("mine"):
                async with engine.begin() as tx:
                    await tx.execute(text("SELECT 1 / :zero"), {"zero": 0 if fails else 1})
        except sqlalchemy.exc.DBAPIError:
            assert fails
        async with engine.begin() as tx:
            assert (None, 2) == tuple(
                (
                    await tx.execute(
                        text(
                            "SELECT nullif(current_setting('connector.stores', true), ''), (SELECT count(*) FROM consumers)"
                        )
                    )
                ).one()
            )


async def test_single_reads_stand_behind_the_wall_too(engine: AsyncEngine) -> None:
    """A statement outside of a transaction of ours is walled like any other, and together with others sees what they may."""
    single = engine.execution_options(isolation_level="AUTOCOMMIT")
    with walls.only("mine"):
        async with single.connect() as tx:
            assert ["mine"] == [*await tx.scalars(text("SELECT store_id FROM consumers"))]
        with walls.together("mine", "theirs"):
            async with single.connect() as tx:
                assert 2 == await tx.scalar(text("SELECT count(*) FROM consumers"))
        with walls.beyond():
            async with single.connect() as tx:
                assert 2 == await tx.scalar(text("SELECT count(*) FROM consumers"))
    with walls.together("mine"):
        async with single.connect() as tx:
            assert 2 == await tx.scalar(text("SELECT count(*) FROM consumers"))


async def test_a_statement_alone_is_committed_behind_the_wall(empty_database: str) -> None:
    """What a walled statement wrote by itself stays, and its session is opened again for whoever has no wall."""
    engine = open_engine(empty_database, pool_size=1)
    for store in ("mine", "theirs"):
        with walls.only(store):
            async with at_once(engine) as tx:
                await tx.execute(text("INSERT INTO consumers (store_id, name) VALUES (:store, 'c')"), {"store": store})
                assert [store] == [*await tx.scalars(text("SELECT store_id FROM consumers"))]
    async with engine.begin() as tx:
        assert 2 == await tx.scalar(text("SELECT count(*) FROM consumers"))
    with walls.only("mine"):
        async with at_once(engine) as tx:
            assert 1 == await tx.scalar(text("SELECT count(*) FROM consumers"))
    with walls.only("theirs"):
        async with engine.begin() as tx:
            assert ["theirs"] == [*await tx.scalars(text("SELECT store_id FROM consumers"))]
    async with at_once(engine) as tx:
        assert 2 == await tx.scalar(text("SELECT count(*) FROM consumers"))
    await engine.dispose()


async def test_a_rollback_does_not_raise_a_wall_again(lone_engine: AsyncEngine) -> None:
    """A session that stood for a store, and has been opened again, stays open when the transaction fails."""
    with walls.only("mine"):
        async with at_once(lone_engine) as tx:
            assert 1 == await tx.scalar(COUNT)
    with suppress(ZeroDivisionError):
        async with lone_engine.begin():
            raise ZeroDivisionError
    async with lone_engine.begin() as tx:
        assert 2 == await tx.scalar(COUNT)


async def test_who_is_interrupted_leaves_no_wall_to_the_next(lone_engine: AsyncEngine) -> None:
    """At whatever moment a read is given up, the next one sees its own stores' rows: none of another's, all where there is no wall."""
    for steps in range(1, 24):  # of the loop; a read has about twenty
        await _interrupted(lone_engine, "mine", steps)
        async with lone_engine.begin() as tx:
            assert 2 == await tx.scalar(COUNT)
        await _interrupted(lone_engine, "mine", steps)
        async with at_once(lone_engine) as tx:
            assert 2 == await tx.scalar(COUNT)
        with walls.only("mine"):
            async with at_once(lone_engine) as tx:
                await tx.scalar(COUNT)
        await _interrupted(lone_engine, "theirs", steps)
        with walls.only("mine"):
            async with at_once(lone_engine) as tx:
                assert ["mine"] == [*await tx.scalars(text("SELECT store_id FROM consumers"))]


async def _interrupted(engine: AsyncEngine, store_id: str, steps: int) -> None:
    """Begin to read for a store, and give up after so many steps of the loop."""

    async def read() -> None:
        with walls.only(store_id):
            async with at_once(engine) as tx:
                await tx.scalar(COUNT)

    reading = asyncio.create_task(read())
    for _ in range(steps):
        await asyncio.sleep(0)
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)


async def test_a_transaction_that_fails_leaves_nothing(engine: AsyncEngine) -> None:
    """BEGIN is really said: what was written before an error is gone, savepoints work, and a commit stays."""
    with suppress(ZeroDivisionError):
        async with engine.begin() as tx:
            await tx.execute(text("DELETE FROM consumers"))
            raise ZeroDivisionError
    async with engine.begin() as tx:
        async with tx.begin_nested() as savepoint:
            await tx.execute(text("DELETE FROM consumers WHERE store_id = 'theirs'"))
            await savepoint.rollback()
        await tx.execute(text("DELETE FROM consumers WHERE store_id = 'mine'"))
    async with engine.begin() as tx:
        assert ["theirs"] == [*await tx.scalars(text("SELECT store_id FROM consumers"))]


async def test_a_calls_deadline_is_the_statements(engine: AsyncEngine) -> None:
    """PostgreSQL knows how long the call has left, and only for that transaction."""
    async with deadline.within(7.0), engine.begin() as tx:
        told = await tx.scalar(text("SELECT setting::int FROM pg_settings WHERE name = 'statement_timeout'"))
    assert timedelta(seconds=6) < timedelta(milliseconds=told or 0) <= timedelta(seconds=7.1)
    async with engine.begin() as tx:
        assert "30s" == await tx.scalar(text("SHOW statement_timeout"))


@contextmanager
def _closed(url: str, table: str) -> Iterator[None]:
    """Let a table's wall show nothing; whatever happens, it is again what it was."""
    with psycopg.connect(url, autocommit=True) as connection:
        found = connection.execute("SELECT qual FROM pg_policies WHERE tablename = %s", (table,)).fetchall()
        [(condition,)] = found
        connection.execute(f"ALTER POLICY own_store ON {table} USING (false)".encode())
        try:
            yield
        finally:
            connection.execute(f"ALTER POLICY own_store ON {table} USING ({condition})".encode())
            assert found == connection.execute("SELECT qual FROM pg_policies WHERE tablename = %s", (table,)).fetchall()


async def test_calls_stand_behind_the_wall(channel: grpc.aio.Channel, connected: str, empty_database: str) -> None:
    """What an RPC reads passes the wall: closed for a moment, it shows the store nothing that is its own."""
    stub = connector_grpc.FacebookConnectorStub(channel)
    asked = pb.GetStatusRequest(store_id="store_1", connection_id=connected)
    assert connected == (await stub.GetStatus(asked)).status.connection.connection_id
    with _closed(empty_database, "connections"), pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.GetStatus(asked)
    assert grpc.StatusCode.NOT_FOUND == caught.value.code()


@pytest.fixture
def humble(database_url: str) -> Iterator[tuple[str, str]]:
    """A database, and its owner, who may make no roles."""
    name = f"{make_url(database_url).database}_humble"
    databases.drop(database_url, name)
    databases.create(database_url, name)
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {name} LOGIN".encode())
        connection.execute(f"ALTER DATABASE {name} OWNER TO {name}".encode())
    yield make_url(databases.sibling(database_url, name)).set(username=name).render_as_string(), name
    databases.drop(database_url, name)
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(f"DROP ROLE {name}".encode())


async def test_who_may_not_make_roles_is_told_what_to_ask_for(humble: tuple[str, str], database_url: str) -> None:
    """Without the right to the role the tables are made, an administrator's statements are told, and calls are not served."""
    url, name = humble
    statements = history.upgrade(Secret(url))
    assert f"GRANT connector_store TO {name}" in statements
    engine = open_engine(url, pool_size=1)
    try:
        with pytest.raises(walls.NoWallError, match="DATABASE_ROW_SECURITY=off"):
            await walls.require(engine)
        _grant(database_url, name)
        assert "" == history.upgrade(Secret(url))
        await walls.require(engine)
    finally:
        await engine.dispose()


async def test_a_lost_server_is_noticed_at_the_beginning(engine: AsyncEngine) -> None:
    """A connection that dies between its check and BEGIN is told as SQLAlchemy tells it, and the next one works."""
    async with engine.connect() as ending, engine.connect() as killer:
        raw: Any = (await ending.get_raw_connection()).driver_connection
        await killer.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": raw.info.backend_pid})
        with pytest.raises(sqlalchemy.exc.OperationalError) as caught:
            await ending.begin()
        assert caught.value.connection_invalidated
    async with engine.begin() as tx:
        assert 2 == await tx.scalar(text("SELECT count(*) FROM consumers"))


def _grant(database_url: str, name: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(f"GRANT connector_store TO {name}".encode())
