"""Buyers come also while Meta and Redis are down: a served process whose Meta and Redis were there, and are gone."""

import os
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration

from connector.settings import Settings
from simulator.app import serve
from stack.environment import Ports, inherited
from stack.process import Plan, Process
from stack.redis import RedisServer
from stormcom.facebook.v1 import checkout_service_pb2 as pb
from stormcom.facebook.v1.checkout_service_pb2_grpc import FacebookCheckoutStub
from tests.integration.catalog.shop import Shop
from tests.integration.conftest import DEVELOPMENT_TOKEN, STORE

IN_TIME_SECONDS = 20.0  # of the call, for the slowest machine; whoever needs Meta or Redis gets no answer at all


@pytest.fixture
async def forsaken(shelved: Shop, settings: Settings, tmp_path: Path) -> AsyncIterator[str]:
    """Where a connector serves the store's calls whose Meta and Redis have been stopped since it began."""
    redis, address = RedisServer(tmp_path / "redis"), Ports().next_free(0)
    redis.start()
    try:
        async with serve(shelved.world, "127.0.0.1", 0) as meta_url:
            told = {
                "PROFILE": "development",
                "DATABASE_URL": settings.database_url.reveal(),
                "REDIS_URL": redis.url(0),
                "GRPC_ADDRESS": address,
                "METRICS_ADDRESS": "",
                "PUBLIC_URL": settings.public_url,
                "META_GRAPH_URL": meta_url,
                "META_TEST_APP_ID": "1",
                "META_TEST_APP_SECRETS": "secret",
                "META_TEST_VERIFY_TOKEN": "verify",
                "VAULT_KEYS": "1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
                "DEVELOPMENT_TOKEN": DEVELOPMENT_TOKEN,
            }
            environment = {**inherited(os.environ), **told}
            plan = Plan("connector", (sys.executable, "-m", "connector"), environment, ready_address=address)
            process = Process(plan, tmp_path / "connector.log")
            await process.start()
        redis.kill()
        yield address
        await process.stop(timedelta(seconds=5))
    finally:
        redis.stop()


async def test_a_link_is_answered_while_meta_and_redis_are_down(forsaken: str) -> None:
    """Right and in time; what a hold grants is no more than there is, and is really kept from the next buyer."""
    headers = (("authorization", f"Bearer {DEVELOPMENT_TOKEN}"),)
    wish = {"store_id": STORE, "link": "https://shop.example/checkout?products=sc_p1:4,nobody:1&coupon=FALL"}
    answers = []
    async with grpc.aio.insecure_channel(forsaken) as channel:
        stub = FacebookCheckoutStub(channel)
        for buyer in ("first", "second"):
            request = pb.ResolveCheckoutLinkRequest(**wish, hold_duration=Duration(seconds=900), request_id=buyer)
            answers.append(await stub.ResolveCheckoutLink(request, metadata=headers, timeout=IN_TIME_SECONDS))
    granted = [
        [(line.retailer_id, line.requested_quantity, line.granted_quantity) for line in one.lines] for one in answers
    ]
    assert [[("sc_p1", 4, 4), ("", 1, 0)], [("sc_p1", 4, 1), ("", 1, 0)]] == granted
    held = [[(line.retailer_id, line.quantity) for line in one.hold.lines] for one in answers]
    assert [[("sc_p1", 4)], [("sc_p1", 1)]] == held
    assert ["FALL", "FALL"] == [one.coupon for one in answers]
