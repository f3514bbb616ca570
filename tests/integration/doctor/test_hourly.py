"""The doctor looks by itself: every hour, cheaply, and tells StormCom what stays broken and what healed."""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import select, text

from connector.connections import db as connections
from connector.db import outbox
from connector.doctor import actions
from connector.events.db import events
from simulator.standing import CommerceMerchantSettings
from simulator.state import Business, Page
from stormcom.facebook.v1 import event_service_pb2 as event_pb
from stormcom.facebook.v1.event_service_pb2_grpc import FacebookEventsStub
from tests.integration.conftest import APP_ID, STORE, connect
from tests.integration.doctor.patient import BUSINESS_ID, PAGE_ID, Patient, shown


async def test_every_check_is_looked_at_by_itself(patient: Patient) -> None:
    """A linked connection is looked at without anybody asking; its checks stand in the list from then on."""
    assert {"NOT_LOOKED_AT"} == {check.cause for check in (await patient.listed()).values()}
    await patient.examine()
    found = await patient.listed()
    assert {"OK"} == {shown(check)[0] for check in found.values()}
    assert all(check.HasField("check_time") and not check.HasField("fail_time") for check in found.values())


async def test_a_usual_hour_costs_meta_little(patient: Patient) -> None:
    """An hour after the first look only the vital is asked again: token, Page subscription, and our app's own."""
    await patient.examine()
    last = patient.world.records.call_count
    await patient.pass_time(hours=1)
    await patient.pass_time(seconds=20)
    asked = [call.edge or call.path for call in patient.world.records.calls if call.sequence > last]
    assert ["debug_token", "subscribed_apps", "subscriptions"] == sorted(asked)


async def test_a_look_waits_when_allowances_are_scarce(patient: Patient) -> None:
    """While Meta wants a pause of the Page's calls, its checks are UNKNOWN and Meta is left alone; the others go on."""
    fault = {
        "match": {"path": "subscribed_apps"},
        "action": {"kind": "error", "code": 32, "status": 403, "minutes": 240},
    }
    patient.world.faults.order(fault)
    await patient.examine()
    found = {name: shown(check) for name, check in (await patient.listed()).items()}
    paused = [name for name, told in found.items() if told == ("UNKNOWN", "META_PAUSE")]
    assert ["PAGE_SUBSCRIPTION", "THREAD_OWNER", "COMMERCE", "ORDER_APP"] == paused
    assert ("OK", "WEBHOOK_HEARD") == found["WEBHOOK"]
    calls = Counter(call.edge for call in patient.world.records.calls)
    await patient.pass_time(hours=1)
    assert calls["subscribed_apps"] == Counter(call.edge for call in patient.world.records.calls)["subscribed_apps"]


async def test_one_failure_alerts_nobody_two_do_and_health_closes_it(patient: Patient) -> None:
    """A failure is looked at again after five minutes; only then StormCom is told, once, and once more when it heals."""
    business = patient.world.require(Business, BUSINESS_ID, name="business")
    business.verification_status = "rejected"
    await patient.examine()
    assert [] == await patient.alerts()
    await patient.pass_time(minutes=6)
    assert ["BUSINESS_REFUSED_BY_META"] == [alert["reason"] for alert in await patient.alerts()]
    await patient.pass_time(hours=1, minutes=1)
    business.verification_status = "verified"
    await patient.pass_time(hours=1, minutes=1)
    assert [] == await patient.alerts()
    assert [False, True] == await _told(patient, "BUSINESS_REFUSED_BY_META")


async def _told(patient: Patient, reason: str) -> list[bool]:
    """Tell whether each event about a reason says that it is over."""
    stub = FacebookEventsStub(patient.channel)
    pulled = await stub.PullEvents(event_pb.PullEventsRequest(store_id=STORE, consumer="test", request_id="pull"))
    raised = [event.alert_raised for event in pulled.events if event.HasField("alert_raised")]
    return [one.resolved for one in raised if one.alert.reason == reason]


async def test_what_a_person_found_is_looked_at_again_soon(patient: Patient) -> None:
    """A failure that somebody's press found is confirmed after minutes, like one found by itself, not at the next hourly look."""
    await patient.examine()
    patient.world.require(Business, BUSINESS_ID, name="business").verification_status = "rejected"
    patient.clock.advance(minutes=11)
    assert ("FAILED", "BUSINESS_REFUSED") == await patient.see("BUSINESS_VERIFICATION")
    assert [] == await patient.alerts()
    await patient.pass_time(minutes=5, seconds=1)
    assert ["BUSINESS_REFUSED_BY_META"] == [alert["reason"] for alert in await patient.alerts()]


async def test_a_new_login_is_looked_at_at_once(patient: Patient) -> None:
    """A merchant who connected again is not told of the token before, and the alert about it closes within minutes."""
    await patient.examine()
    for token in patient.world.tokens.values():
        token.death = 460
    await patient.pass_time(hours=1)
    await patient.pass_time(minutes=6)
    assert ["CONNECTION_ACCESS_BROKEN"] == [alert["reason"] for alert in await patient.alerts()]
    assert "NEEDS_LOGIN" == await patient.state()
    await connect(patient.channel, patient.world, patient.turn)
    assert {"NOT_LOOKED_AT"} == {check.cause for check in (await patient.listed()).values()}
    await patient.pass_time(seconds=61)
    await patient.pass_time(seconds=20)
    assert {"OK"} == {shown(check)[0] for kind, check in (await patient.listed()).items() if kind not in _SHOPS}
    assert [] == await patient.alerts()


_SHOPS = ("COMMERCE", "ORDER_APP")
"""What the usual login does not ask for."""


async def test_a_connection_that_waits_for_a_login_costs_little(patient: Patient) -> None:
    """While a login is needed, only our app's own matters and the token are asked about, every hour; nothing is given up."""
    await patient.examine()
    for token in patient.world.tokens.values():
        token.death = 460
    await patient.pass_time(hours=1)
    await patient.pass_time(hours=1)
    await patient.pass_time(seconds=20)
    last = patient.world.records.call_count
    for _ in range(8):
        await patient.pass_time(minutes=15)
    asked = Counter(call.edge or call.path for call in patient.world.records.calls if call.sequence > last)
    assert {"debug_token", "subscriptions"} == set(asked)
    assert 2 == asked["debug_token"]
    assert await patient.due() is not None


async def test_since_when_it_fails_is_told(patient: Patient) -> None:
    """The list tells since when a check fails, also while Meta is silent about it."""
    patient.world.require(Business, BUSINESS_ID, name="business").verification_status = "rejected"
    await patient.examine()
    first = (await patient.listed())["BUSINESS_VERIFICATION"].fail_time
    patient.world.faults.order({"match": {"path": f"{BUSINESS_ID}$"}, "times": 9, "action": {"kind": "status"}})
    await patient.pass_time(minutes=6)
    silent = (await patient.listed())["BUSINESS_VERIFICATION"]
    assert ("UNKNOWN", "META_SILENT") == shown(silent)
    assert first == silent.fail_time
    assert first.ToDatetime(UTC) < patient.clock() - timedelta(minutes=5)


async def test_a_subscription_that_meta_dropped_comes_back_and_is_told(patient: Patient) -> None:
    """The hourly look finds a dropped Page subscription, has it asked for again at once, and tells both moments."""
    await patient.examine()
    page = patient.world.require(Page, PAGE_ID, name="page")
    page.fields_by_app.pop(APP_ID)
    await patient.pass_time(hours=1)
    assert page.fields_by_app[APP_ID]
    assert ["PAGE_SUBSCRIPTION_LOST"] == [alert["reason"] for alert in await patient.alerts()]
    await patient.pass_time(minutes=6)
    assert ("OK", "PAGE_SUBSCRIBED") == shown((await patient.listed())["PAGE_SUBSCRIPTION"])
    assert [False, True] == await _told(patient, "PAGE_SUBSCRIPTION_LOST")


async def test_a_connection_without_a_catalog_is_looked_at(patient: Patient) -> None:
    """What a connection does not have is skipped; the rest is looked at."""
    patient.world.forget(patient.world.all(CommerceMerchantSettings)[0])
    await patient.forget_catalog()
    await patient.examine()
    found = {name: shown(check)[0] for name, check in (await patient.listed()).items()}
    skipped = {"BUSINESS_VERIFICATION", "DOMAIN", "COMMERCE", "CATALOG", "PIXEL", "ORDER_APP"}
    assert {name: "SKIPPED" if name in skipped else "OK" for name in found} == found


async def test_a_disconnect_during_a_look_goes_through(patient: Patient) -> None:
    """Who disconnects while a look is about to be kept waits for nobody; the look then ends without an effect."""
    async with patient.runtime.db.begin() as tx:
        task = await outbox.take(tx, *await patient.planned(), at=patient.runtime.now())
    assert task is not None
    async with patient.runtime.db.begin() as tx:
        connection = await connections.by_id(tx, UUID(patient.connection_id), lock=True)
        assert connection is not None
        look = asyncio.create_task(actions.examine(patient.runtime, task))
        await _somebody_waits(patient)
        await outbox.forget_periodic(tx, connection.id)
    with pytest.raises(outbox.LeaseLost):
        await look
    assert {"NOT_LOOKED_AT"} == {check.cause for check in (await patient.listed()).values()}


async def _somebody_waits(patient: Patient) -> None:
    waiting = text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND cardinality(pg_blocking_pids(pid)) > 0"
    )
    blocked = 0
    while not blocked:
        async with patient.runtime.db.begin() as tx:
            blocked = await tx.scalar(waiting)
        await asyncio.sleep(0.01)


async def test_a_disconnected_connection_is_left_alone(patient: Patient) -> None:
    """After Disconnect nothing is looked at any more, and open alerts are closed for good."""
    patient.world.require(Business, BUSINESS_ID, name="business").verification_status = "rejected"
    await patient.examine()
    await patient.pass_time(minutes=6)
    await patient.disconnect()
    before = datetime.now(UTC)
    await patient.pass_time(hours=3)
    assert [] == await patient.alerts()
    async with patient.runtime.db.begin() as tx:
        late = select(events.c.id).where(
            events.c.kind == "alert_raised", events.c.create_time > before + timedelta(hours=2)
        )
        assert (await tx.execute(late)).all() == []
    found = await patient.run("TOKEN")
    assert ("SKIPPED", "NOT_CONNECTED") == shown(found["TOKEN"])
    assert {("SKIPPED", "NOT_CONNECTED")} == {shown(check) for check in (await patient.listed()).values()}
