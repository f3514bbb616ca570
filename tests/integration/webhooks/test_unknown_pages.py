"""Operators see which Pages Meta tells of and nobody connected."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import grpc
import pytest

from connector.runtime import Runtime
from connector.server import build_server
from connector.settings import Settings
from connector.vault import Secret
from stormcom.facebook.v1 import admin_service_pb2 as pb
from stormcom.facebook.v1 import connection_pb2
from stormcom.facebook.v1.admin_service_pb2_grpc import FacebookAdminStub
from tests.integration.conftest import STORE
from tests.integration.rpc.papers import Issuer
from tests.integration.webhooks.bodies import PAGE, envelope, wrote
from tests.integration.webhooks.conftest import Deliver

FIRST, SECOND = "900000000000001", "900000000000002"


def of(page_id: str, number: int, *, object_: str = "page") -> bytes:
    body = envelope(wrote(number, f"m_{page_id}_{number}", "Anybody?")).replace(PAGE.encode(), page_id.encode())
    return body.replace(b'"object": "page"', f'"object": "{object_}"'.encode())


async def told(channel: grpc.aio.Channel, **wish: Any) -> pb.ListUnknownPagesResponse:
    request = pb.ListUnknownPagesRequest(store_id=STORE, **wish)
    answer: pb.ListUnknownPagesResponse = await FacebookAdminStub(channel).ListUnknownPages(request)
    return answer


async def test_pages_that_nobody_connected_are_counted(
    runtime: Runtime, channel: grpc.aio.Channel, connected: str, deliver: Deliver, clock: Any
) -> None:
    """Each unknown Page and account is told once, with how many signals wait for it and since when; connected ones are not."""
    await deliver(of(SECOND, 0), of(PAGE, 0), of(SECOND, 1))
    begin = runtime.now()
    clock.advance(seconds=100)
    await deliver(of(SECOND, 2), of(FIRST, 0), of(FIRST, 1, object_="instagram"))
    found = [*(await told(channel)).unknown_pages]
    assert [("instagram", FIRST, 1), ("page", FIRST, 1), ("page", SECOND, 3)] == [
        (one.object, one.page_id, one.signal_count) for one in found
    ]
    oldest, newest = (
        getattr(found[2], f"{name}_receive_time").ToDatetime(begin.tzinfo) for name in ("oldest", "newest")
    )
    assert (True, True) == (oldest <= begin, 100 <= (newest - oldest).total_seconds())
    assert {connection_pb2.ENVIRONMENT_TEST} == {one.environment for one in found}


async def test_unknown_pages_come_by_pages(channel: grpc.aio.Channel, deliver: Deliver) -> None:
    """The list goes on behind what it told, until it ends; a token of another list is refused."""
    await deliver(*(of(str(900000000000000 + number), number) for number in range(5)))
    found, token = [], ""
    for _ in range(3):
        answer = await told(channel, page_size=2, page_token=token)
        found.append([one.page_id[-1] for one in answer.unknown_pages])
        token = answer.next_page_token
    assert ([["0", "1"], ["2", "3"], ["4"]], "") == (found, token)
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await told(channel, page_token="bm90IG91cnM")
    assert grpc.StatusCode.INVALID_ARGUMENT == refused.value.code()


@pytest.mark.parametrize(
    ("role", "store", "code"),
    [
        ("platform", "*", None),
        ("platform", STORE, grpc.StatusCode.PERMISSION_DENIED),
        ("manager", "*", grpc.StatusCode.PERMISSION_DENIED),
    ],
)
async def test_only_operators_of_every_store_see_them(
    runtime: Runtime, settings: Settings, tmp_path: Path, *, role: str, store: str, code: grpc.StatusCode | None
) -> None:
    """A Page that nobody connected may become anybody's: one store's credential, and every lesser role, are refused."""
    issuer = Issuer()
    strict = replace(settings, development_token=Secret(""), caller_jwks=issuer.text())
    server, _ = build_server(runtime, strict)
    server.add_insecure_port(address := f"unix:{tmp_path}/strict.sock")
    await server.start()
    metadata = (("authorization", issuer.token(now=datetime.now(UTC), role=role, stores=(store,))),)
    async with grpc.aio.insecure_channel(address) as channel:
        call = FacebookAdminStub(channel).ListUnknownPages(
            pb.ListUnknownPagesRequest(store_id=STORE), metadata=metadata
        )
        assert (code or grpc.StatusCode.OK) == await call.code()
    await server.stop(0)
