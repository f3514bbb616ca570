"""The chain of the audit, in a real database: whole under load, and broken where somebody broke it."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from connector.audit import actions, db
from connector.audit.db import Wanted
from connector.audit.model import BEGIN, Entry, Fault, Mark
from connector.db import audit
from connector.db.audit import Deed
from connector.events import db as events
from connector.events.model import Draft
from connector.runtime import Runtime

STORE = "store_1"
DEED = Deed(STORE, "Disconnect", "console", "MANAGER", "person-7", "c-1", ("operation_id=o-1", "page_id=2"), "r-1")


async def write(runtime: Runtime, *deeds: Deed, at: Any = None) -> None:
    async with runtime.db.begin() as tx:
        for deed in deeds:
            await audit.append(tx, deed, at=at or runtime.now())


async def read(runtime: Runtime) -> list[Entry]:
    async with runtime.db.begin() as tx:
        return (await db.newest(tx, Wanted(STORE), before=None, limit=500))[::-1]


async def test_both_languages_hash_alike(runtime: Runtime) -> None:
    """PostgreSQL and Python give an entry the same hash, whatever characters stand in it."""
    odd = 'quote " back\\slash \x01\x1f\x7f tab\t line\r\n \u2028 é 😀 </script>'
    await write(runtime, DEED, replace(DEED, actor=odd, objects=(odd, "", "a, b")), replace(DEED, objects=()))
    found = await read(runtime)
    assert [1, 2, 3] == [one.position for one in found]
    before = [b"", *(one.hash for one in found)]
    assert [one.hash for one in found] == [one.hash_after(hash) for one, hash in zip(found, before, strict=False)]


async def test_many_writers_make_one_chain(runtime: Runtime) -> None:
    """64 writers at once, half of them with an event in the same transaction, in either order, neither fork nor break the chain, nor block each other."""
    told = Draft(STORE, None, "k", "message_received", {})

    async def one(number: int) -> None:
        async with runtime.db.begin() as tx:
            if number % 4 == 0:
                await events.append(tx, told, at=runtime.now())
            await audit.append(tx, replace(DEED, request_id=f"r-{number}"), at=runtime.now())
            if number % 4 == 1:
                await events.append(tx, told, at=runtime.now())

    await asyncio.gather(*map(one, range(64)))
    found = await read(runtime)
    assert {f"r-{number}" for number in range(64)} == {entry.request_id for entry in found}
    assert list(range(1, 65)) == [entry.position for entry in found]
    walk = await actions.verify(runtime, STORE, BEGIN, most=200)
    assert (True, None, 64) == (walk.complete, walk.fault, walk.mark.position)


INSERTED = """
    INSERT INTO audit_entries (store_id, action, caller, role, actor, connection_id, objects, request_id, result, create_time, position, hash)
    SELECT store_id, action, caller, role, actor, connection_id, objects, request_id, result, create_time, {position}, hash
    FROM audit_entries WHERE position = 5
"""


MOVED_UP = """
    DELETE FROM audit_entries WHERE position = 3;
    UPDATE audit_entries SET position = position - 1 WHERE position > 3;
    UPDATE audit_chains SET position = 4
"""
SEALED = """
    UPDATE audit_chains SET sealed_position = 3, sealed_hash = (SELECT hash FROM audit_entries WHERE position = 3);
    DELETE FROM audit_entries WHERE position <= 3
"""


@pytest.mark.parametrize(
    ("tampering", "fault", "position"),
    [
        ("UPDATE audit_entries SET result = 'OK', caller = 'somebody' WHERE position = 3", Fault.ALTERED, 3),
        ("UPDATE audit_entries SET call_count = 2 WHERE position = 1", Fault.ALTERED, 1),
        ("UPDATE audit_entries SET objects = '{}' WHERE position = 5", Fault.ALTERED, 5),
        ("DELETE FROM audit_entries WHERE position = 3", Fault.MISSING, 3),
        ("DELETE FROM audit_entries WHERE position = 1", Fault.MISSING, 1),
        ("DELETE FROM audit_entries WHERE position = 5", Fault.MISSING, 5),
        ("DELETE FROM audit_entries", Fault.MISSING, 1),
        (INSERTED.format(position=6), Fault.INSERTED, 6),
        (INSERTED.format(position="NULL"), Fault.INSERTED, 0),
        ("DELETE FROM audit_chains", Fault.INSERTED, 0),
        (MOVED_UP, Fault.ALTERED, 3),
        (SEALED, Fault.UNSEALED, 3),
    ],
)
async def test_whatever_is_done_behind_our_back_is_named(
    runtime: Runtime, empty_database: str, tampering: str, fault: Fault, position: int
) -> None:
    """An administrator who switches the triggers off and edits, deletes or inserts an entry is found, with the entry's position."""
    await write(runtime, *[replace(DEED, request_id=f"r-{number}") for number in range(5)])
    with psycopg.connect(empty_database, autocommit=True) as administrator:
        administrator.execute("SET session_replication_role = replica")
        administrator.execute(tampering.encode())
    walk = await actions.verify(runtime, STORE, BEGIN)
    assert (fault, position, False) == (walk.fault, walk.fault_position, walk.complete)


async def test_a_mark_kept_elsewhere_finds_a_chain_made_anew(runtime: Runtime, empty_database: str) -> None:
    """Somebody who rewrites the whole chain consistently is found by the hash that was written down before."""
    await write(runtime, DEED, DEED)
    kept = (await actions.verify(runtime, STORE, BEGIN)).mark
    with psycopg.connect(empty_database, autocommit=True) as administrator:
        administrator.execute("SET session_replication_role = replica")
        administrator.execute("DELETE FROM audit_entries; DELETE FROM audit_chains")
    await write(runtime, replace(DEED, caller="somebody"), DEED, DEED)
    assert (await actions.verify(runtime, STORE, BEGIN)).complete
    walk = await actions.verify(runtime, STORE, kept)
    assert (Fault.ALTERED, kept.position + 1) == (walk.fault, walk.fault_position)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_entries SET caller = 'somebody'",
        "UPDATE audit_entries SET position = NULL",
        "DELETE FROM audit_entries",
        "TRUNCATE audit_entries",
    ],
)
async def test_the_database_refuses_to_change_it(runtime: Runtime, statement: str) -> None:
    """Whoever is no administrator of the database cannot change or remove an entry at all."""
    await write(runtime, DEED)
    with pytest.raises(DBAPIError, match="append-only"):
        async with runtime.db.begin() as tx:
            await tx.execute(text(statement))
    assert [DEED.caller] == [one.caller for one in await read(runtime)]


async def test_old_entries_leave_by_a_seal(runtime: Runtime, clock: Any) -> None:
    """After 400 days, a week of them together, entries leave; what stays is still verifiable, from its beginning and from an old mark, and tells of the seal."""
    await write(runtime, DEED, DEED, DEED)
    await write(runtime, replace(DEED, store_id="store_2"))
    kept = (await actions.verify(runtime, STORE, BEGIN)).mark
    clock.advance(days=399)
    await write(runtime, DEED)
    assert not await _seal(runtime)
    clock.advance(days=7)
    assert not await _seal(runtime)
    clock.advance(days=2)
    while await _seal(runtime):
        pass
    assert [("Disconnect", 4), ("SealAudit", 5)] == [(one.action, one.position) for one in await read(runtime)]
    for begin in (BEGIN, kept):
        walk = await actions.verify(runtime, STORE, begin)
        assert (True, None, 5) == (walk.complete, walk.fault, walk.mark.position)
    clock.advance(days=500)
    while await _seal(runtime):
        pass
    walk = await actions.verify(runtime, STORE, Mark(0, b""))
    assert (True, None) == (walk.complete, walk.fault)


async def _seal(runtime: Runtime) -> bool:
    now = runtime.now()
    async with runtime.db.begin() as tx:
        return await audit.seal(tx, before=now - audit.KEPT, at=now)


async def test_a_call_whose_process_died_has_an_entry(runtime: Runtime, clock: Any) -> None:
    """What was begun and never concluded becomes an entry with an unknown outcome; what is at work is left alone."""
    async with runtime.db.begin() as tx:
        await audit.intend(tx, DEED, at=runtime.now())
        await audit.settle(tx, at=runtime.now())
    assert [] == await read(runtime)
    clock.advance(minutes=11)
    async with runtime.db.begin() as tx:
        assert await audit.settle(tx, at=runtime.now())
        assert not await audit.settle(tx, at=runtime.now())
    (entry,) = await read(runtime)
    assert (audit.UNKNOWN, "r-1", "person-7") == (entry.result, entry.request_id, entry.actor)
    assert entry.create_time < runtime.now() - timedelta(minutes=10)


async def test_a_walk_goes_on_where_it_stopped(runtime: Runtime) -> None:
    """A long chain is checked in several calls, each from the mark of the one before."""
    await write(runtime, *[DEED] * 5)
    first = await actions.verify(runtime, STORE, BEGIN, most=3)
    assert (False, None, 3) == (first.complete, first.fault, first.mark.position)
    second = await actions.verify(runtime, STORE, first.mark, most=3)
    assert (True, None, 5) == (second.complete, second.fault, second.mark.position)
