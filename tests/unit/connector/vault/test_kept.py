"""Data keys of a key service, kept for a while."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from connector.errors import Unavailable
from connector.vault import Binding, Kept, LocalKey, Secret, Unsealable, Vault
from connector.vault.keys import unavailable

BINDING = Binding("s", "c", "k")


class FarKey(LocalKey):
    """A key service: counts its calls, may be away, and takes its time when told to."""

    def __init__(self) -> None:
        super().__init__(bytes(32))
        self.unwrapped, self.away = 0, False
        self.begun, self.gate = asyncio.Event(), asyncio.Event()
        self.gate.set()

    async def unwrap(self, wrapped: bytes, aad: bytes) -> bytes:
        self.unwrapped += 1
        self.begun.set()
        await self.gate.wait()
        if self.away:
            raise unavailable("away")
        return await super().unwrap(wrapped, aad)


class Clock:
    def __init__(self) -> None:
        self.time = datetime(2026, 11, 21, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time


async def sealed_elsewhere(count: int) -> list[bytes]:
    vault = Vault({1: LocalKey(bytes(32))})
    return [await vault.seal(Secret("token"), BINDING) for _ in range(count)]


async def test_a_tokens_every_use_is_not_a_call() -> None:
    """A data key is unwrapped once and serves until its time is over; then it is asked for again."""
    far, clock = FarKey(), Clock()
    vault = Vault({1: Kept(far, now=clock)})
    [sealed] = await sealed_elsewhere(1)
    for _ in range(3):
        await vault.open(sealed, BINDING)
    assert 1 == far.unwrapped
    clock.time += timedelta(minutes=5)
    await vault.open(sealed, BINDING)
    assert 2 == far.unwrapped


async def test_what_was_just_sealed_needs_no_call() -> None:
    """A token sealed here opens without asking the key service."""
    far = FarKey()
    vault = Vault({1: Kept(far, now=Clock())})
    await vault.open(await vault.seal(Secret("token"), BINDING), BINDING)
    assert 0 == far.unwrapped


async def test_a_kept_key_serves_its_own_row_only() -> None:
    """While a data key is kept, its token still opens in no other row."""
    vault = Vault({1: Kept(FarKey(), now=Clock())})
    sealed = await vault.seal(Secret("token"), BINDING)
    with pytest.raises(Unsealable):
        await vault.open(sealed, Binding("other", "c", "k"))


async def test_no_more_are_kept_than_allowed() -> None:
    """The oldest is forgotten for the newest."""
    far = FarKey()
    vault = Vault({1: Kept(far, now=Clock(), most=2)})
    tokens = await sealed_elsewhere(3)
    for sealed in [*tokens, tokens[2], tokens[1]]:
        await vault.open(sealed, BINDING)
    assert 3 == far.unwrapped
    await vault.open(tokens[0], BINDING)
    assert 4 == far.unwrapped


async def test_those_who_ask_at_once_make_one_call_and_nobodys_leaving_stops_the_others() -> None:
    """Many who open the same token at once make one call; whoever asked first may leave."""
    far = FarKey()
    vault = Vault({1: Kept(far, now=Clock())})
    [sealed] = await sealed_elsewhere(1)
    far.gate.clear()
    asking = [asyncio.create_task(vault.open(sealed, BINDING)) for _ in range(5)]
    await far.begun.wait()
    asking[0].cancel()
    far.gate.set()
    left, *opened = await asyncio.gather(*asking, return_exceptions=True)
    assert isinstance(left, asyncio.CancelledError)
    assert [Secret("token")] * 4 == opened
    assert 1 == far.unwrapped


async def test_a_service_that_is_away_is_asked_again() -> None:
    """A failure is not kept: the next one who asks may succeed."""
    far = FarKey()
    vault = Vault({1: Kept(far, now=Clock())})
    [sealed] = await sealed_elsewhere(1)
    far.away = True
    with pytest.raises(Unavailable):
        await vault.open(sealed, BINDING)
    far.away = False
    assert Secret("token") == await vault.open(sealed, BINDING)


async def test_a_damaged_data_key_is_told_from_a_missing_service() -> None:
    """What the key service calls damaged does not open, now or later."""
    vault = Vault({1: Kept(FarKey(), now=Clock())})
    [sealed] = await sealed_elsewhere(1)
    damaged = sealed[:10] + bytes([sealed[10] ^ 1]) + sealed[11:]
    with pytest.raises(Unsealable):
        await vault.open(damaged, BINDING)
