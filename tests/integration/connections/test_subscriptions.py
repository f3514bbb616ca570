"""A Page's subscription stays what we want, whatever Meta makes of it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest
from sqlalchemy import text

from connector.__main__ import keep_webhooks
from connector.alerts import db as alerts
from connector.connections import actions, graph
from connector.connections import db as connections
from connector.connections.model import ESSENTIAL, FIELDS, Connection, Subscription, wanted_fields
from connector.db import outbox
from connector.db.outbox import Task
from connector.runtime import Runtime
from connector.settings import Settings, SettingsError
from connector.values import Environment
from simulator.state import Page
from simulator.world import World
from tests.integration.conftest import APP_ID, STORE, VERIFY_TOKEN, Clock
from tests.integration.webhooks.bodies import PAGE
from webhook_ingress.app import create_app
from webhook_ingress.serving import serving


@dataclass(frozen=True, slots=True)
class Link:
    """A linked Page, both ends."""

    runtime: Runtime
    world: World
    clock: Clock
    turn: Callable[[], Awaitable[int]]

    @property
    def page(self) -> Page:
        """The Page at Meta."""
        return self.world.require(Page, PAGE, name="page_id")

    async def read(self) -> tuple[Connection, Subscription]:
        """Read what we know."""
        async with self.runtime.db.begin() as tx:
            connection = await connections.require(tx, STORE, "")
            return connection, await connections.read_subscription(tx, connection.id)

    async def look(self) -> None:
        """Read back as the doctor does every hour, and work off what follows."""
        connection, _ = await self.read()
        access = await actions.access(self.runtime, connection)
        fields = await self.runtime.graph.send(graph.read_subscription(PAGE, APP_ID), access)
        async with self.runtime.db.begin() as tx:
            await actions.note_subscription(tx, connection, fields, at=self.clock())
        await self.turn()

    async def alerts(self) -> list[str]:
        """List what is alerted of."""
        connection, _ = await self.read()
        async with self.runtime.db.begin() as tx:
            return [one["reason"] for one in await alerts.opened(tx, connection.id)]


@pytest.fixture
def link(runtime: Runtime, world: World, clock: Clock, turn: Callable[[], Awaitable[int]], connected: str) -> Link:
    """A Page that was linked and subscribed."""
    assert connected
    return Link(runtime, world, clock, turn)


async def test_linking_asks_for_all_that_is_wanted(link: Link) -> None:
    """A Page's list holds what every capability needs, at Meta as in our memory."""
    connection, known = await link.read()
    assert set(wanted_fields(connection, known, at=link.clock())) == set(link.page.fields_by_app[APP_ID])
    assert set(FIELDS) == set(connection.subscribed_fields)
    before = link.world.records.call_count
    await link.look()
    assert before + 1 == link.world.records.call_count
    assert 0 == (await link.read())[1].repair_count


@pytest.mark.parametrize("change", ["absent", "lacking", "surplus"])
async def test_whatever_is_wrong_is_put_right(
    link: Link, control_api: Callable[..., Awaitable[Any]], change: str
) -> None:
    """An app that was dropped, a field that was dropped and one that nobody asked for: one look, and the list is ours again."""
    if change == "surplus":
        link.page.fields_by_app[APP_ID].append("leadgen")
    else:
        lost = {"app_id": APP_ID, "fields": ["messages"] if change == "lacking" else []}
        await control_api("DELETE", f"/pages/{PAGE}/subscription", lost)
    await link.look()
    assert set(FIELDS) == set(link.page.fields_by_app[APP_ID])
    connection, known = await link.read()
    assert set(FIELDS) == set(connection.subscribed_fields)
    assert (1, 0 if change == "surplus" else 1) == (known.repair_count, len(known.drop_times))


async def test_repeated_drops_are_told_until_a_day_is_quiet(link: Link) -> None:
    """Three drops within a day alert; a day without one closes it."""
    for number in range(3):
        assert [] == await link.alerts(), number
        link.page.fields_by_app.clear()
        link.clock.advance(hours=1)
        await link.look()
    assert ["PAGE_SUBSCRIPTION_UNSTABLE"] == await link.alerts()
    link.clock.advance(hours=25)
    await link.look()
    assert [] == await link.alerts()
    assert set(FIELDS) == set(link.page.fields_by_app[APP_ID])


async def _subscribe_again(link: Link) -> None:
    connection, _ = await link.read()
    async with link.runtime.db.begin() as tx:
        due, key = link.clock(), f"subscribe:{connection.id}"
        await outbox.add(tx, Task.SUBSCRIBE_PAGE, due=due, connection_id=connection.id, key=key)
    await link.turn()


@pytest.mark.parametrize("switch", ["refused_page_fields", "untold_page_fields"])
async def test_one_field_costs_no_other(link: Link, switch: str) -> None:
    """A field that Meta refuses, or silently leaves out, costs conversations nothing, and is not asked for again for a day."""
    link.world.switches.change(**{switch: "feed"})
    await _subscribe_again(link)
    assert set(ESSENTIAL) <= set(link.page.fields_by_app[APP_ID])
    assert "feed" in (await link.read())[1].refused
    before = len(_posts(link))
    link.clock.advance(hours=1)
    await link.look()
    assert before == len(_posts(link))
    assert "BLOCKED" not in {one.state for one in (await link.read())[0].capabilities()}
    link.world.switches.change(**{switch: ""})
    link.clock.advance(hours=24)
    await link.look()
    assert set(FIELDS) == set(link.page.fields_by_app[APP_ID])


def _posts(link: Link) -> list[Any]:
    return [call for call in link.world.records.calls if call.edge == "subscribed_apps" and call.method == "POST"]


async def test_a_lacking_permission_is_the_capabilitys(link: Link) -> None:
    """When Meta refuses what conversations need, the capability MESSAGING says so; no other does."""
    link.world.switches.change(refused_page_fields="messages")
    link.page.fields_by_app.clear()
    await link.look()
    blocked = {one.kind: one.reason for one in (await link.read())[0].capabilities() if one.state == "BLOCKED"}
    assert {"MESSAGING": "META_PERMISSION_MISSING"} == blocked


@pytest.fixture
async def served(runtime: Runtime) -> Any:
    """The runtime, with an ingress that answers Meta's handshake at its public address."""
    async with serving(create_app(runtime), "127.0.0.1", 0) as port:
        yield replace(runtime, public_url=f"http://127.0.0.1:{port}")


async def test_an_apps_webhooks_are_set(served: Runtime, world: World) -> None:
    """An app without any webhooks has them after one call: Meta asked our ingress, and took every object."""
    gaps = await actions.keep_app_webhooks(served, Environment.TEST, repair=True)
    assert {} == gaps
    hooks = world.apps[APP_ID].subscriptions
    assert {"page", "instagram", "user", "permissions"} == set(hooks)
    assert {f"{served.public_url}/webhooks/facebook"} == {one.callback_url for one in hooks.values()}
    assert VERIFY_TOKEN == hooks["page"].verify_token
    assert set(FIELDS) <= set(hooks["page"].fields)


async def test_a_foreign_address_is_told_and_left(
    served: Runtime, world: World, control_api: Callable[..., Awaitable[Any]]
) -> None:
    """Unasked we only tell: somebody may have meant it. Asked, it is set back."""
    await actions.keep_app_webhooks(served, Environment.TEST, repair=True)
    other = {"callback_url": "https://other.example/hook"}
    await control_api("PATCH", f"/apps/{APP_ID}/subscription", other)
    assert {"page": "foreign"} == await actions.keep_app_webhooks(served, Environment.TEST, repair=False)
    assert "https://other.example/hook" == world.apps[APP_ID].subscriptions["page"].callback_url
    async with served.db.begin() as tx:
        assert "page=foreign" == await tx.scalar(text("SELECT value FROM observations WHERE name = 'app_drift:TEST'"))
    assert {} == await actions.keep_app_webhooks(served, Environment.TEST, repair=True)


async def test_a_refused_object_stops_no_other(runtime: Runtime, world: World) -> None:
    """When our address does not answer Meta's handshake each object says so, and nothing is set."""
    gaps = await actions.keep_app_webhooks(runtime, Environment.TEST, repair=True)
    assert {"refused with code 2200"} == set(gaps.values())
    assert {} == world.apps[APP_ID].subscriptions


@pytest.mark.parametrize("keeps", [False, True])
async def test_every_hour_the_setting_decides(runtime: Runtime, served: Runtime, world: World, keeps: bool) -> None:  # noqa: FBT001 – a table
    """The hourly look sets webhooks only where operators said `keep`."""
    from jobs.run import turn

    apps = {name: replace(app, keeps_webhooks=keeps) for name, app in runtime.apps.items()}
    async with runtime.db.begin() as tx:
        await outbox.add(tx, Task.WATCH_APP_WEBHOOKS, due=runtime.now(), key="every:WATCH_APP_WEBHOOKS")
    await turn(replace(served, apps=apps))
    assert keeps == bool(world.apps[APP_ID].subscriptions)


async def test_the_command_sets_webhooks_and_says_so(
    runtime: Runtime, settings: Settings, world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    """`python -m connector webhooks` sets what is wrong; where Meta cannot reach us it says which, and why, in one message."""
    with pytest.raises(SettingsError, match="TEST page: refused with code 2200"):
        await keep_webhooks(settings)
    async with serving(create_app(runtime), "127.0.0.1", 0) as port:
        await keep_webhooks(replace(settings, public_url=f"http://127.0.0.1:{port}"))
    assert "TEST: Meta sends our webhooks here" in capsys.readouterr().out
    assert {"page", "instagram", "user", "permissions"} == set(world.apps[APP_ID].subscriptions)
