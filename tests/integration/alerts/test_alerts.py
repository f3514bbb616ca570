"""Alerts open once and close once; the status shows what is open."""

from typing import Any
from uuid import UUID

import grpc
from sqlalchemy import select

from connector.alerts import db as alerts
from connector.alerts.model import Alert
from connector.db import outbox
from connector.db.outbox import Task
from connector.runtime import Runtime
from stormcom.facebook.v1 import connector_service_pb2 as pb
from stormcom.facebook.v1 import connector_service_pb2_grpc, event_service_pb2, event_service_pb2_grpc
from tests.integration.conftest import STORE

ALERT = Alert(
    "META_REJECTED", "Meta refuses items", "Mend them", "RetryItems", item_count=12, sample_retailer_ids=("sc_1",)
)


async def told(channel: grpc.aio.Channel) -> list[Any]:
    """Pull and acknowledge the alerts that StormCom was told."""
    stub = event_service_pb2_grpc.FacebookEventsStub(channel)
    events = (await stub.PullEvents(event_service_pb2.PullEventsRequest(store_id=STORE))).events
    ids = [event.event_id for event in events]
    await stub.AckEvents(event_service_pb2.AckEventsRequest(store_id=STORE, event_ids=ids or ["none"]))
    return [event.alert_raised for event in events if event.WhichOneof("payload") == "alert_raised"]


async def test_an_alert_is_told_when_it_opens_and_when_it_closes(
    runtime: Runtime, channel: grpc.aio.Channel, connected: str
) -> None:
    """However often it is seen, an alert opens once, stands in the status until it closes, and closes once."""
    connection_id, seen = UUID(connected), []
    stub = connector_service_pb2_grpc.FacebookConnectorStub(channel)
    for change in (alerts.open_alert, alerts.open_alert, alerts.close_alert, alerts.close_alert):
        async with runtime.db.begin() as tx:
            given: Any = ALERT if change is alerts.open_alert else ALERT.reason
            new = await change(tx, STORE, connection_id, given, at=runtime.now())
        status = (await stub.GetStatus(pb.GetStatusRequest(store_id=STORE))).status
        seen.append((new, len(await told(channel)), [alert.reason for alert in status.alerts]))
    opened, closed = [ALERT.reason], list[str]()
    assert [(True, 1, opened), (False, 0, opened), (True, 1, closed), (False, 0, closed)] == seen


async def test_a_disconnect_closes_what_nobody_works_on_any_more(
    runtime: Runtime, channel: grpc.aio.Channel, connected: str
) -> None:
    """Open alerts of the connection are told as resolved, and its periodic work is gone; other connections keep theirs."""
    connection_id, other, at = UUID(connected), runtime.new_id(), runtime.now()
    async with runtime.db.begin() as tx:
        for mine in (connection_id, other):
            await alerts.open_alert(tx, STORE, mine, ALERT, at=at)
            await outbox.add(tx, Task.READ_BACK, due=at, connection_id=mine, key=f"every:READ_BACK:{mine}")
    await told(channel)
    stub = connector_service_pb2_grpc.FacebookConnectorStub(channel)
    await stub.Disconnect(pb.DisconnectRequest(store_id=STORE))
    assert [(ALERT.reason, True)] == [(one.alert.reason, one.resolved) for one in await told(channel)]
    async with runtime.db.begin() as tx:
        periodic = select(outbox.tasks.c.connection_id).where(outbox.tasks.c.name == Task.READ_BACK)
        assert [other] == list(await tx.scalars(periodic))
        assert ([], 1) == (await alerts.opened(tx, connection_id), len(await alerts.opened(tx, other)))


async def test_an_alert_reads_as_it_was_opened(runtime: Runtime, channel: grpc.aio.Channel, connected: str) -> None:
    """The event carries every word, the samples and the moment."""
    at = runtime.now()
    async with runtime.db.begin() as tx:
        await alerts.open_alert(tx, STORE, UUID(connected), ALERT, at=at)
    raised = (await told(channel))[0]
    assert not raised.resolved
    assert ALERT.document(since_time=at) == {
        "sample_retailer_ids": list(raised.alert.sample_retailer_ids),
        "since_time": raised.alert.since_time.ToDatetime(tzinfo=at.tzinfo),
    } | {name: getattr(raised.alert, name) for name in ("reason", "title", "body", "fix_rpc", "link", "item_count")}
