"""The gRPC server's TLS."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from structlog.testing import capture_logs

from connector.runtime import Runtime
from connector.server import build_server, open_port, set_serving
from connector.settings import Settings, SettingsError, Tls
from tests.integration.rpc.papers import Paper, paper, put

AUTHORITY = paper("authority")
OTHER_AUTHORITY = paper("other authority")
Ask = Callable[..., Awaitable[Any]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the server's certificate and key, as a cluster mounts it."""
    put(tmp_path, paper("server", AUTHORITY))
    (tmp_path / "ca.crt").write_bytes(AUTHORITY.pem)
    return tmp_path


@asynccontextmanager
async def serving(runtime: Runtime, settings: Settings, folder: Path, *, mutual: bool = False) -> AsyncIterator[str]:
    """A server on a free port with that certificate; its address."""
    tls = Tls(folder / "tls.crt", folder / "tls.key", folder / "ca.crt" if mutual else None)
    secured = replace(settings, grpc_address=("127.0.0.1", 0), doors=replace(settings.doors, tls=tls))
    server, checks = build_server(runtime, secured)
    address = open_port(server, secured)
    await server.start()
    await set_serving(checks)
    yield address
    await server.stop(0)


async def ask(address: str, credentials: grpc.ChannelCredentials | None) -> Any:
    """Ask for the server's health on a connection of its own: OK, or the code of the refusal."""
    options = [("grpc.use_local_subchannel_pool", 1)]
    channel = (
        grpc.aio.secure_channel(address, credentials, options)
        if credentials
        else grpc.aio.insecure_channel(address, options)
    )
    async with channel:
        stub: Any = health_pb2_grpc.HealthStub(channel)
        try:
            return (await stub.Check(health_pb2.HealthCheckRequest(), timeout=10)).status
        except grpc.aio.AioRpcError as error:
            return error.code()


def trusting(authority: Paper, own: Paper | None = None) -> grpc.ChannelCredentials:
    if own is None:
        return grpc.ssl_channel_credentials(authority.pem)
    return grpc.ssl_channel_credentials(authority.pem, own.key_pem, own.pem)


SERVED, REFUSED = health_pb2.HealthCheckResponse.SERVING, grpc.StatusCode.UNAVAILABLE


async def test_with_a_certificate_plaintext_is_refused(runtime: Runtime, settings: Settings, folder: Path) -> None:
    """Whoever trusts the authority is served; plaintext, and trust in somebody else, end at the handshake."""
    async with serving(runtime, settings, folder) as address:
        assert SERVED == await ask(address, trusting(AUTHORITY))
        assert REFUSED == await ask(address, trusting(OTHER_AUTHORITY))
        assert REFUSED == await ask(address, None)


async def test_callers_without_a_certificate_of_ours_stay_outside(
    runtime: Runtime, settings: Settings, folder: Path
) -> None:
    """With a client authority, a caller needs a certificate that it signed and that has not expired."""
    async with serving(runtime, settings, folder, mutual=True) as address:
        assert SERVED == await ask(address, trusting(AUTHORITY, paper("caller", AUTHORITY)))
        for own in (None, paper("caller", OTHER_AUTHORITY), paper("caller", AUTHORITY, days=-1)):
            assert REFUSED == await ask(address, trusting(AUTHORITY, own))


async def test_a_renewed_certificate_is_taken_without_a_restart(
    runtime: Runtime, settings: Settings, folder: Path
) -> None:
    """New files are shown to the next caller; a call on an older connection goes on."""
    async with (
        serving(runtime, settings, folder) as address,
        grpc.aio.secure_channel(address, trusting(AUTHORITY)) as older,
    ):
        stub: Any = health_pb2_grpc.HealthStub(older)
        await stub.Check(health_pb2.HealthCheckRequest())
        put(folder, paper("server", OTHER_AUTHORITY))
        assert SERVED == await ask(address, trusting(OTHER_AUTHORITY))
        assert REFUSED == await ask(address, trusting(AUTHORITY))
        assert SERVED == (await stub.Check(health_pb2.HealthCheckRequest())).status


def _without_key(folder: Path) -> None:
    (folder / "tls.key").unlink()


def _with_another_key(folder: Path) -> None:
    (folder / "tls.key").write_bytes(paper("server", AUTHORITY).key_pem)


def _with_rubbish(folder: Path) -> None:
    (folder / "tls.crt").write_bytes(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")


def _expired(folder: Path) -> None:
    put(folder, paper("server", AUTHORITY, days=-1))


BROKEN = [_without_key, _with_another_key, _with_rubbish, _expired]


@pytest.mark.parametrize("spoil", BROKEN)
async def test_a_broken_renewal_leaves_the_old_certificate(
    runtime: Runtime, settings: Settings, folder: Path, spoil: Callable[[Path], None]
) -> None:
    """Files that cannot be used are told once and change nothing; whole ones are taken afterwards."""
    async with serving(runtime, settings, folder) as address:
        spoil(folder)
        with capture_logs() as lines:
            assert [SERVED, SERVED] == [await ask(address, trusting(AUTHORITY)) for _ in range(2)]
        assert ["certificate.refused"] == [line["event"] for line in lines if line["event"].startswith("certificate")]
        put(folder, paper("server", OTHER_AUTHORITY))
        assert SERVED == await ask(address, trusting(OTHER_AUTHORITY))


@pytest.mark.parametrize("spoil", BROKEN)
async def test_a_certificate_that_cannot_be_used_stops_the_start(
    runtime: Runtime, settings: Settings, folder: Path, spoil: Callable[[Path], None]
) -> None:
    """The server says what is wrong with its files instead of serving nobody."""
    spoil(folder)
    with pytest.raises(SettingsError, match="GRPC_TLS_CERTIFICATE_FILE: cannot be used"):
        async with serving(runtime, settings, folder):
            pass
