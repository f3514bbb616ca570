"""What is forgotten is found again, however much is asked at once, and names nobody to whoever holds a copy of the database."""

import asyncio
import hashlib
from dataclasses import replace
from datetime import timedelta

import pytest

from connector.db import forgotten, outbox, peppers
from connector.db.outbox import Task
from connector.pseudonyms import Pseudonyms
from connector.runtime import Runtime
from connector.vault import LocalKey, Vault, sealed_by
from jobs.run import turn

PERSON = "TEST", "1", "79990000000000017"
OLD, NEW = LocalKey(bytes(32)), LocalKey(bytes(range(32)))


async def test_any_number_is_asked_for_at_once(runtime: Runtime) -> None:
    """Deliveries bring more signals at once than a statement may have parameters: all are noted, and found."""
    digests = [number.to_bytes(4) for number in range(66_000)]
    async with runtime.db.begin() as tx:
        await forgotten.forget(tx, digests[:33_000], at=runtime.now())
        found = await forgotten.times_of(tx, digests)
    assert set(digests[:33_000]) == found.keys()


async def test_what_is_forgotten_twice_counts_from_the_later_time(runtime: Runtime) -> None:
    """A deletion again moves the time on, never back."""
    now = runtime.now()
    async with runtime.db.begin() as tx:
        for at in (now, now - timedelta(days=1)):
            await forgotten.forget(tx, [b"x", b"x"], at=at)
        assert {b"x": now} == await forgotten.times_of(tx, [b"x"])


async def test_pseudonyms_outlive_every_key_of_the_vault(runtime: Runtime) -> None:
    """After a rotation, without the old key, the same person has the same pseudonym."""
    before = Pseudonyms(runtime.db, Vault({1: OLD}))
    await before.ready()
    async with runtime.db.begin() as tx:
        await outbox.add(tx, Task.REWRAP_TOKENS, key="rewrap", due=runtime.now())
    await turn(replace(runtime, vault=Vault({2: NEW, 1: OLD})))
    after = Pseudonyms(runtime.db, Vault({2: NEW}))
    await after.ready()
    assert before.of_person(*PERSON) == after.of_person(*PERSON)
    async with runtime.db.begin() as tx:
        assert 2 == sealed_by(await peppers.read(tx) or b"")


async def test_processes_that_begin_together_agree(runtime: Runtime) -> None:
    """Of several peppers made at once one stays, and everybody uses it."""
    every = [Pseudonyms(runtime.db, runtime.vault) for _ in range(4)]
    await asyncio.gather(*(one.ready() for one in every))
    assert 1 == len({one.of_person(*PERSON) for one in every})


async def test_nobody_without_the_pepper_makes_a_pseudonym(runtime: Runtime) -> None:
    """A pseudonym is no plain hash, and none is made before the pepper is open."""
    pseudonyms = Pseudonyms(runtime.db, runtime.vault)
    with pytest.raises(RuntimeError, match="ready"):
        pseudonyms.of_person(*PERSON)
    await pseudonyms.ready()
    assert hashlib.sha256("\0".join(("person", *PERSON)).encode()).digest() != pseudonyms.of_person(*PERSON)
    assert pseudonyms.of("a", "bc") != pseudonyms.of("ab", "c")
