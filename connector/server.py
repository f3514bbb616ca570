"""Serves the API: its services behind the door, health checks, and reflection in development."""

from datetime import timedelta

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from connector.rpc.callers import SERVICES, Gate
from connector.rpc.certificates import Certificates
from connector.rpc.interceptors import Door
from connector.rpc.keys import Keys
from connector.runtime import Runtime
from connector.services import SERVICERS
from connector.settings import Limits, Settings, SettingsError

_CONNECTION_GRACE = timedelta(minutes=1)


def build_server(
    runtime: Runtime, settings: Settings, keys: Keys | None = None
) -> tuple[grpc.aio.Server, health.aio.HealthServicer]:
    """Build the server, not started and without a port; `keys` are those of the settings unless they are followed."""
    limits = settings.doors.limits
    door = Door(runtime, Gate(settings, keys), limits=limits, walled=settings.row_security)
    # gRPC's own wall stands behind the door, which says what to do.
    server = grpc.aio.server(interceptors=[door], options=_options(limits), maximum_concurrent_rpcs=2 * limits.calls)
    for add, servicer in SERVICERS:
        add(servicer(runtime), server)
    checks = health.aio.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(checks, server)
    if settings.development:
        names = [*(service.full_name for service in SERVICES), health.SERVICE_NAME, reflection.SERVICE_NAME]
        reflection.enable_server_reflection(names, server)
    return server, checks


async def set_serving(checks: health.aio.HealthServicer) -> None:
    """Tell health checks that every service is up."""
    for name in ("", *(service.full_name for service in SERVICES)):
        await checks.set(name, health_pb2.HealthCheckResponse.SERVING)


def open_port(server: grpc.aio.Server, settings: Settings) -> str:
    """Listen where the settings say, with TLS if they name a certificate; tells the address.

    Raises:
        SettingsError: the address cannot be listened on, or the certificate not be used.

    """
    name, port = settings.grpc_address
    host = f"[{name}]" if ":" in name else name
    address, tls = f"{host}:{port}", settings.doors.tls
    try:
        if tls is None:
            return f"{host}:{server.add_insecure_port(address)}"
        return f"{host}:{server.add_secure_port(address, Certificates(tls).credentials())}"
    except RuntimeError:
        message = f"GRPC_ADDRESS cannot be listened on: {address} is taken, or not one of this machine"
        raise SettingsError(message) from None


def _options(limits: Limits) -> list[tuple[str, int]]:
    return [
        ("grpc.max_receive_message_length", limits.message_bytes),
        ("grpc.max_send_message_length", limits.message_bytes),
        ("grpc.max_concurrent_streams", limits.streams),
        ("grpc.max_metadata_size", 16 * 1024),
        ("grpc.http2.min_recv_ping_interval_without_data_ms", _milliseconds(limits.ping_interval)),
        ("grpc.http2.max_ping_strikes", 2),
        ("grpc.max_connection_age_ms", _milliseconds(limits.connection_age)),
        ("grpc.max_connection_age_grace_ms", _milliseconds(_CONNECTION_GRACE)),
        ("grpc.so_reuseport", 0),  # a second server on the same port is a mistake, not a wish
    ]


def _milliseconds(time: timedelta) -> int:
    return round(time.total_seconds() * 1000)
