"""Streams: however they end, they end where they ran."""

import asyncio

import grpc
import psycopg
from structlog.testing import capture_logs

from stormcom.facebook.v1 import event_service_pb2 as event_pb
from stormcom.facebook.v1 import event_service_pb2_grpc as event_grpc

STORE = "store_1"
# More than fits on the way to somebody who does not read.
EVENTS = """
    INSERT INTO events (id, store_id, connection_id, ordering_key, kind, body, create_time)
    SELECT gen_random_uuid(), %s, gen_random_uuid(), 'k', 'message_received', jsonb_build_object('text', repeat('x', 20000)), now()
    FROM generate_series(1, 400)
"""


async def test_a_slow_reader_who_leaves_is_a_call_like_any_other(
    channel: grpc.aio.Channel, empty_database: str
) -> None:
    """A stream that is given up while the connector still writes to it is cancelled, and nothing is left to fail later."""
    with psycopg.connect(empty_database, autocommit=True) as connection:
        connection.execute(EVENTS, (STORE,))
    failures: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: failures.append(context))
    with capture_logs() as lines:
        call = event_grpc.FacebookEventsStub(channel).Subscribe(event_pb.SubscribeRequest(store_id=STORE))
        await call.read()
        call.cancel()
        while not (ended := [line for line in lines if line["event"].startswith("rpc.")]):  # noqa: ASYNC110 – the log tells nobody; the time limit ends it
            await asyncio.sleep(0.01)
    assert ["CANCELLED"] == [line.get("status") for line in ended]
    assert [] == failures
