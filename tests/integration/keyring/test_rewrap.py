"""Bringing tokens to another key of the vault while everything goes on."""

import asyncio
import base64
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from prometheus_client import REGISTRY
from sqlalchemy import insert, select, update

from connector.connections.db import connections
from connector.connections.model import State
from connector.db import outbox
from connector.db.outbox import Task
from connector.db.schema import load_tables
from connector.errors import Unavailable
from connector.keyring import actions, db
from connector.keyring.model import KeyUse, Standing
from connector.privacy.model.classes import DataClass
from connector.privacy.model.data_map import DATA_MAP
from connector.runtime import Runtime
from connector.settings import Settings
from connector.vault import Binding, Key, LocalKey, Secret, Vault
from connector.vault.envelope import FIRST_FORMAT, FORMAT, encrypt
from connector.vault.keys import unavailable
from jobs import relay
from stack.environment import inherited
from stack.folders import CHECKOUT

KEYS = {number: bytes([number]) * 32 for number in (1, 2, 3, 4)}
Turn = Callable[[Runtime], Awaitable[int]]


def ring(*ids: int, seals: int) -> Vault:
    """Make the vault of a process that was started with these keys."""
    return Vault({number: LocalKey(KEYS[number]) for number in ids}, sealing_key_id=seals)


class Shop:
    """Connected stores and what their tokens really are."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        self.tokens: dict[tuple[UUID, str], str] = {}
        self.uses = 0

    async def open(self, vault: Vault, count: int) -> None:
        """Connect stores, their tokens sealed with a vault."""
        now = self.runtime.now()
        rows: list[dict[str, Any]] = []
        for number in range(count):
            row: dict[str, Any] = {
                "id": UUID(int=number + 1),
                "store_id": f"s{number}",
                "environment": "TEST",
                "state": State.CONNECTED,
            }
            row |= {"page_id": str(number), "state_time": now, "create_time": now, "update_time": now}
            for kind in ("user", "page"):
                row[f"{kind}_token"] = await self.seal(vault, row["id"], row["store_id"], kind, f"{kind}-{number}")
            rows.append(row)
        async with self.runtime.db.begin() as tx:
            await tx.execute(insert(connections), rows)

    async def seal(self, vault: Vault, number: UUID, store_id: str, kind: str, token: str) -> bytes:
        """Seal a token, and remember it."""
        self.tokens[number, kind] = token
        return await vault.seal(Secret(token), Binding(store_id, str(number), kind))

    async def change(self, vault: Vault, number: int, token: str) -> None:
        """Let a merchant log in again: another token stands in the row."""
        identity = UUID(int=number + 1)
        sealed = await self.seal(vault, identity, f"s{number}", "page", token)
        async with self.runtime.db.begin() as tx:
            await tx.execute(update(connections).where(connections.c.id == identity).values(page_token=sealed))

    async def use_all(self, vault: Vault) -> None:
        """Use every token once; each must be what it really is."""
        async with self.runtime.db.begin() as tx:
            rows = (await tx.execute(select(connections))).all()
        for row in rows:
            for kind, sealed in {"user": row.user_token, "page": row.page_token}.items():
                opened = await vault.open(sealed, Binding(row.store_id, str(row.id), kind))
                assert self.tokens[row.id, kind] == opened.reveal()
                self.uses += 1

    async def ask(self) -> None:
        """Ask for the task, as the schedule does."""
        async with self.runtime.db.begin() as tx:
            await outbox.add(
                tx, Task.REWRAP_TOKENS, key="every:REWRAP_TOKENS", due=self.runtime.now() - timedelta(hours=1)
            )

    async def counts(self) -> dict[int, int]:
        """Count the tokens by key."""
        async with self.runtime.db.begin() as tx:
            return await db.count(tx)


@pytest.fixture
def shop(runtime: Runtime) -> Shop:
    """No store yet."""
    return Shop(runtime)


@pytest.fixture
def run_due() -> Turn:
    """Run what is due, in a process with the given runtime."""
    from jobs.run import turn

    return turn


def told(settings: Settings, *ids: int) -> dict[str, str]:
    """Tell a process of its own where the database is, and the vault's keys in this order."""
    return {
        **inherited(os.environ),
        "PROFILE": "development",
        "DATABASE_URL": settings.database_url.reveal(),
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "PUBLIC_URL": settings.public_url,
        "META_TEST_APP_ID": "1",
        "META_TEST_APP_SECRETS": "secret",
        "META_TEST_VERIFY_TOKEN": "verify",
        "VAULT_KEYS": ",".join(f"{number}:{base64.b64encode(KEYS[number]).decode()}" for number in ids),
        "DEVELOPMENT_TOKEN": "development",
    }


@pytest.fixture
async def rotor(settings: Settings) -> AsyncIterator[asyncio.subprocess.Process]:
    """What forks workers that are killed."""
    rotor = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.integration.keyring.rotor"),
        env=told(settings, 1, 2, 3, 4),
        cwd=CHECKOUT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    yield rotor
    await rotor.communicate(b"")  # its input ends, and so does it


async def die_rotating(rotor: asyncio.subprocess.Process, *, old: int, new: int, at: int) -> None:
    """Let a worker wrap tokens anew until it is killed."""
    assert rotor.stdin
    assert rotor.stdout
    rotor.stdin.write(f"{new} {old} {at}\n".encode())
    assert int(signal.SIGKILL) == int(await rotor.stdout.readline())


async def test_three_rotations_under_load_with_killed_workers_fail_nobody(
    runtime: Runtime, shop: Shop, run_due: Turn, clock: Any, rotor: asyncio.subprocess.Process
) -> None:
    """Tokens are used and replaced all the time; no use fails, no new token is lost, and each old key ends unused and can go."""
    await shop.open(ring(1, seals=1), 150)
    for old, new, killed_at in ((1, 2, 30), (2, 3, 70), (3, 4, 140)):
        both = ring(new, old, seals=new)
        await shop.ask()
        dying = asyncio.create_task(die_rotating(rotor, old=old, new=new, at=killed_at))
        changes = 0
        while changes < 5 or not dying.done():
            late = ring(old, new, seals=old)  # a process that was not restarted yet still seals with the old key
            await shop.change(late if changes % 2 else both, changes % 150, f"again-{new}-{changes}")
            await shop.use_all(both)
            changes += 1
            await asyncio.wait([dying], timeout=0.02)  # others have this machine too
        await dying
        assert (await shop.counts()).keys() == {old, new}
        for _ in range(2):  # what the dead worker left; and what the late process sealed behind its back
            clock.advance(seconds=30)
            await run_due(replace(runtime, vault=both))
            await shop.ask()
        assert {new: 300} == await shop.counts()
        await run_due(replace(runtime, vault=both))
        await shop.use_all(ring(new, seals=new))
    assert shop.uses >= 5_000


async def test_tokens_of_the_first_format_are_sealed_anew(runtime: Runtime, shop: Shop, run_due: Turn) -> None:
    """What an earlier release sealed is brought to today's format, also where its key is the one that seals; the token is the same."""
    await shop.open(ring(1, seals=1), 2)
    binding, data_key = Binding("s0", str(UUID(int=1)), "page"), bytes(32)
    bound = binding.encode(form=FIRST_FORMAT)
    wrapped, token = encrypt(KEYS[1], data_key, bound), encrypt(data_key, b"page-0", bound)
    old = bytes([FIRST_FORMAT, 1]) + wrapped + token
    async with runtime.db.begin() as tx:
        await tx.execute(update(connections).where(connections.c.id == UUID(int=1)).values(page_token=old))
    await shop.use_all(ring(1, seals=1))
    await shop.ask()
    await run_due(replace(runtime, vault=ring(1, seals=1)))
    async with runtime.db.begin() as tx:
        assert {bytes([FORMAT, 1])} == {bytes(one)[:2] for one in await tx.scalars(select(connections.c.page_token))}
    await shop.use_all(ring(1, seals=1))


async def test_a_token_that_changes_meanwhile_is_left_alone(runtime: Runtime, shop: Shop, run_due: Turn) -> None:
    """A token replaced between the reading and the writing of a piece stays the new one; the next look takes care of it."""
    await shop.open(ring(1, seals=1), 2)
    late = ring(1, 2, seals=1)

    class Meanwhile(LocalKey):
        async def wrap(self, data_key: bytes, aad: bytes) -> bytes:
            if "new" not in shop.tokens.values():
                await shop.change(late, 0, "new")
            return await super().wrap(data_key, aad)

    keys: dict[int, Key] = {2: Meanwhile(KEYS[2]), 1: LocalKey(KEYS[1])}
    await shop.ask()
    await run_due(replace(runtime, vault=Vault(keys)))
    assert {1: 1, 2: 3} == await shop.counts()
    await shop.use_all(late)
    await shop.ask()
    await run_due(replace(runtime, vault=Vault(keys)))
    assert {2: 4} == await shop.counts()
    await shop.use_all(ring(2, seals=2))


async def test_nobody_waits_for_a_row_in_use(runtime: Runtime, shop: Shop, run_due: Turn) -> None:
    """A connection that somebody is at work on is passed over, and found by the next look."""
    await shop.open(ring(1, seals=1), 2)
    both = replace(runtime, vault=ring(2, 1, seals=2))
    await shop.ask()
    async with runtime.db.begin() as tx:
        await tx.execute(select(connections).where(connections.c.id == UUID(int=1)).with_for_update())
        await run_due(both)
    assert {1: 2, 2: 2} == await shop.counts()
    await shop.ask()
    await run_due(both)
    assert {2: 4} == await shop.counts()


async def test_a_turn_has_an_end_and_goes_on_where_it_stood(
    runtime: Runtime, shop: Shop, clock: Any, run_due: Turn
) -> None:
    """A turn that took its time hands the worker back after a piece, and the next goes on behind it."""
    await shop.open(ring(1, seals=1), 120)

    class Slow(LocalKey):
        async def wrap(self, data_key: bytes, aad: bytes) -> bytes:
            clock.jump(seconds=0.1)
            return await super().wrap(data_key, aad)

    await shop.ask()
    turns = await run_due(replace(runtime, vault=Vault({2: Slow(KEYS[2]), 1: LocalKey(KEYS[1])})))
    assert turns > 3
    assert {2: 240} == await shop.counts()


async def test_a_key_service_that_is_away_puts_the_task_off(
    runtime: Runtime, shop: Shop, clock: Any, run_due: Turn
) -> None:
    """Nothing is lost while the key service is away; when it is back, the task goes on by itself."""

    class Away(LocalKey):
        async def wrap(self, *_: bytes) -> bytes:
            raise unavailable("away")

    await shop.open(ring(1, seals=1), 3)
    await shop.ask()
    await run_due(replace(runtime, vault=Vault({2: Away(KEYS[2]), 1: LocalKey(KEYS[1])})))
    assert {1: 6} == await shop.counts()
    clock.advance(minutes=1)
    await run_due(replace(runtime, vault=ring(2, 1, seals=2)))
    assert {2: 6} == await shop.counts()


async def test_a_damaged_token_does_not_stop_the_others(runtime: Runtime, shop: Shop, run_due: Turn) -> None:
    """A token that does not open stays as it is, is counted, and the rest is wrapped anew."""
    await shop.open(ring(1, seals=1), 3)
    async with runtime.db.begin() as tx:
        foreign = select(connections.c.page_token).where(connections.c.id == UUID(int=2)).scalar_subquery()
        await tx.execute(update(connections).where(connections.c.id == UUID(int=1)).values(page_token=foreign))
    before = REGISTRY.get_sample_value("connector_rewrapped_tokens_total", {"outcome": "damaged"}) or 0
    await shop.ask()
    await run_due(replace(runtime, vault=ring(2, 1, seals=2)))
    assert {1: 1, 2: 5} == await shop.counts()
    assert before + 1 == REGISTRY.get_sample_value("connector_rewrapped_tokens_total", {"outcome": "damaged"})


async def test_an_operator_learns_which_key_may_go(runtime: Runtime, shop: Shop, run_due: Turn) -> None:
    """A key that some token needs is in use, one that none needs may be removed, and one that is gone too early is named."""
    await shop.open(ring(1, seals=1), 2)
    both = replace(runtime, vault=ring(2, 1, seals=2))
    assert [KeyUse(1, 4, Standing.IN_USE), KeyUse(2, 0, Standing.SEALS)] == await actions.look(both)
    assert KeyUse(1, 4, Standing.MISSING) in await actions.look(replace(runtime, vault=ring(2, seals=2)))
    await shop.ask()
    await run_due(both)
    assert [KeyUse(1, 0, Standing.UNUSED), KeyUse(2, 4, Standing.SEALS)] == await actions.look(both)
    async with runtime.db.begin() as tx:
        assert {1: 0, 2: 4} == await db.noted(tx)


async def test_the_command_tells_which_key_may_go(settings: Settings, shop: Shop) -> None:
    """`python -m connector keys` says of every key how many tokens need it and what may be done with it."""
    await shop.open(ring(2, seals=2), 1)
    asked = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "connector",
        "keys",
        env=told(settings, 2, 1),
        cwd=CHECKOUT,
        stdout=asyncio.subprocess.PIPE,
    )
    said, _ = await asked.communicate()
    lines = ["key 1: 0 tokens, may be removed", "key 2: 2 tokens, seals"]
    assert (0, lines) == (asked.returncode, said.decode().splitlines())


async def test_a_removed_key_is_the_operators_trouble_not_the_merchants(runtime: Runtime, shop: Shop) -> None:
    """A token whose key is not in the ring is told as unavailable, which passes, and never as a dead token."""
    from connector.connections import actions as connection_actions
    from connector.connections import db as connections_db

    await shop.open(ring(1, seals=1), 1)
    async with runtime.db.begin() as tx:
        connection = await connections_db.require(tx, "s0", "")
    with pytest.raises(Unavailable) as refused:
        await connection_actions.access(replace(runtime, vault=ring(2, seals=2)), connection)
    assert "VAULT_UNAVAILABLE" == refused.value.reason


async def test_a_relay_shows_who_is_on_which_key(runtime: Runtime, shop: Shop, run_due: Turn) -> None:
    """What was last counted is a metric of the relay, also for a key that nobody needs any more."""
    await shop.open(ring(1, seals=1), 2)
    await shop.ask()
    await run_due(replace(runtime, vault=ring(2, 1, seals=2)))
    async with runtime.db.begin() as tx:
        await relay._show_keys(tx)
    shown = [REGISTRY.get_sample_value("connector_sealed_tokens", {"key": key}) for key in "12"]
    assert [0, 4] == shown


def test_every_sealed_column_of_the_data_map_is_rewrapped() -> None:
    """What the data map calls sealed, and no other column, is what is wrapped anew: a new one cannot be forgotten."""
    load_tables()
    mapped = {
        f"{table}.{column}"
        for table, one in DATA_MAP.items()
        for column, kind in one.columns.items()
        if kind is DataClass.SEALED
    }
    assert mapped == {column.name for column in db.columns()}
