"""Group commit: who rides with whom, and who learns what."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from connector.errors import Unavailable
from connector.values import Environment
from connector.webhooks.actions import Keep
from connector.webhooks.model import Arrival
from webhook_ingress.inbox import Inbox


def arrival(body: bytes) -> Arrival:
    return Arrival(Environment.TEST, body, "")


class Store:
    """Takes groups when it is let; refuses what is named poison; is gone when told."""

    def __init__(self) -> None:
        self.groups: list[list[bytes]] = []
        self.free = asyncio.Event()
        self.gone = False

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Keep]:
        yield self.keep

    async def keep(self, arrivals: Sequence[Arrival]) -> None:
        bodies = [one.body for one in arrivals]
        self.groups.append(bodies)
        await self.free.wait()
        if self.gone:
            raise Unavailable("DATABASE_UNAVAILABLE", "gone")
        if b"poison" in bodies:
            raise ValueError("poison")


async def put(inbox: Inbox, *bodies: bytes) -> list[str]:
    results = await asyncio.gather(*(inbox.put(arrival(body)) for body in bodies), return_exceptions=True)
    return [type(result).__name__ for result in results]


async def test_the_first_never_waits_and_the_others_ride_together() -> None:
    """The first is written at once and alone; whatever comes during its commit shares the next one."""
    store = Store()
    inbox = Inbox(store.open)
    first = asyncio.create_task(inbox.put(arrival(b"0")))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert [[b"0"]] == store.groups
    rest = asyncio.create_task(put(inbox, b"1", b"2", b"3"))
    await asyncio.sleep(0)
    assert not first.done()
    store.free.set()
    await asyncio.gather(first, rest)
    assert [[b"0"], [b"1", b"2", b"3"]] == store.groups


async def test_poison_is_told_to_its_sender_only() -> None:
    """A group that cannot be kept is tried one by one: only the one to blame fails."""
    store = Store()
    store.free.set()
    assert ["NoneType", "ValueError", "NoneType"] == await put(Inbox(store.open), b"1", b"poison", b"2")


async def test_a_database_that_is_gone_is_asked_once_per_group() -> None:
    """Everybody in the group learns that nothing could be stored, without a try for each; the next group is tried again."""
    store = Store()
    store.free.set()
    store.gone = True
    inbox = Inbox(store.open)
    assert (["Unavailable"] * 3, 1) == (await put(inbox, b"1", b"2", b"3"), len(store.groups))
    store.gone = False
    assert ["NoneType"] == await put(inbox, b"4")


@pytest.mark.parametrize(
    ("count", "size", "expected"),
    [(600, 10, [256, 256, 88]), (5, 6 * 1024 * 1024, [2, 2, 1]), (1, 20 * 1024 * 1024, [1])],
)
async def test_groups_are_bounded(count: int, size: int, expected: list[int]) -> None:
    """No group holds more than 256 deliveries, nor more than 16 MiB unless a single one does."""
    store = Store()
    store.free.set()
    await put(Inbox(store.open), *[b"x" * size] * count)
    assert expected == [len(group) for group in store.groups]


async def test_a_caller_who_leaves_harms_nobody() -> None:
    """A request that is gone before its commit leaves the others of its group served."""
    store = Store()
    inbox = Inbox(store.open)
    leaving, staying = (asyncio.create_task(inbox.put(arrival(body))) for body in (b"1", b"2"))
    await asyncio.sleep(0)
    leaving.cancel()
    store.free.set()
    await staying
    assert leaving.cancelled() or leaving.done()
