"""Serves the API: its services behind the door, health checks, and reflection in development."""

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from connector.rpc.callers import SERVICES, Gate
from connector.rpc.interceptors import MOST_CALLS, Door
from connector.runtime import Runtime
from connector.services import SERVICERS
from connector.settings import Settings

_LARGEST_MESSAGE_BYTES = 8 * 1024 * 1024  # 500 usual products; a call with larger ones is split, as the contract says
_OPTIONS = (
    ("grpc.max_receive_message_length", _LARGEST_MESSAGE_BYTES),
    ("grpc.max_send_message_length", _LARGEST_MESSAGE_BYTES),
    ("grpc.max_concurrent_streams", 256),
    ("grpc.max_metadata_size", 16 * 1024),
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 10_000),
    ("grpc.http2.max_ping_strikes", 2),
    ("grpc.max_connection_age_ms", 30 * 60 * 1000),
    ("grpc.max_connection_age_grace_ms", 60 * 1000),
    ("grpc.so_reuseport", 0),  # a second server on the same port is a mistake, not a wish
)
_CONCURRENT_RPCS = 2 * MOST_CALLS  # gRPC's own wall stands behind the door, which says what to do


def build_server(runtime: Runtime, settings: Settings) -> tuple[grpc.aio.Server, health.aio.HealthServicer]:
    """Build the server, not started and without a port; reflection only in development."""
    server = grpc.aio.server(
        interceptors=[Door(runtime, Gate(settings))], options=_OPTIONS, maximum_concurrent_rpcs=_CONCURRENT_RPCS
    )
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
