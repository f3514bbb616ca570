"""The gRPC server's settings."""

from datetime import timedelta
from pathlib import Path

import pytest

from connector.settings import Settings, SettingsError, Tls
from tests.unit.connector.test_settings import COMPLETE

EVERYWHERE = {"GRPC_ADDRESS": "0.0.0.0:50051"}
CERTIFIED = {"GRPC_TLS_CERTIFICATE_FILE": "/tls/tls.crt", "GRPC_TLS_KEY_FILE": "/tls/tls.key"}
BY_URL = {**COMPLETE, "CALLER_JWKS": "", "CALLER_JWKS_URL": "https://issuer.example/keys"}


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"GRPC_ADDRESS": "[::1]:50051"},
        {"GRPC_ADDRESS": "localhost:50051"},
        {**EVERYWHERE, **CERTIFIED},
        {**EVERYWHERE, "GRPC_PLAINTEXT": "behind-proxy"},
        {**EVERYWHERE, "PROFILE": "development"},
    ],
)
def test_callers_tokens_travel_safely(environ: dict[str, str]) -> None:
    """In production the server speaks TLS, or with this machine only, or with a proxy that somebody vouches for."""
    assert Settings.read(COMPLETE | environ)


@pytest.mark.parametrize(
    ("environ", "problem"),
    [
        (EVERYWHERE, "GRPC_ADDRESS: callers' tokens would travel in plain text"),
        ({"GRPC_ADDRESS": "10.0.0.7:50051"}, "GRPC_ADDRESS: callers' tokens would travel in plain text"),
        ({**CERTIFIED, "GRPC_TLS_KEY_FILE": ""}, "GRPC_TLS_CERTIFICATE_FILE, GRPC_TLS_KEY_FILE: both or none"),
        ({"GRPC_TLS_CLIENT_CA_FILE": "/tls/ca.crt"}, "GRPC_TLS_CLIENT_CA_FILE: needs GRPC_TLS_CERTIFICATE_FILE"),
        ({**CERTIFIED, "GRPC_PLAINTEXT": "behind-proxy"}, "GRPC_PLAINTEXT: behind-proxy contradicts"),
        ({"GRPC_PLAINTEXT": "yes"}, "GRPC_PLAINTEXT: must be one of loopback, behind-proxy"),
        ({"GRPC_MESSAGE_BYTES": "1"}, "GRPC_MESSAGE_BYTES: must be a number from 65536 to 67108864"),
        ({"GRPC_STREAMS": "many"}, "GRPC_STREAMS: must be a number from 1 to 10000"),
        ({"GRPC_DEADLINE_SECONDS": "61"}, "GRPC_DEADLINE_SECONDS: above GRPC_LONGEST_DEADLINE_SECONDS"),
        ({"DATABASE_ROW_SECURITY": "no"}, "DATABASE_ROW_SECURITY: must be one of required, off"),
        ({"CALLER_JWKS": ""}, "CALLER_JWKS or CALLER_JWKS_URL: required"),
        ({"CALLER_JWKS_URL": "https://issuer.example/keys"}, "CALLER_JWKS_URL: given beside CALLER_JWKS"),
        (
            {"CALLER_JWKS": "", "CALLER_JWKS_URL": "http://issuer.example/keys"},
            "CALLER_JWKS_URL: must begin with https:// in production",
        ),
    ],
)
def test_doors_that_would_not_hold_are_refused(environ: dict[str, str], problem: str) -> None:
    """Each contradiction is told by the variable and what mends it, before anything is served."""
    with pytest.raises(SettingsError) as caught:
        Settings.read(COMPLETE | environ)
    assert problem in str(caught.value)


def test_the_doors_are_read() -> None:
    """Files, limits and deadlines reach the server as they were given, or as the documented defaults."""
    doors = Settings.read(COMPLETE | CERTIFIED | {"GRPC_STREAMS": "7"}).doors
    assert Tls(Path("/tls/tls.crt"), Path("/tls/tls.key"), None) == doors.tls
    assert (7, 1000, 8 * 1024 * 1024) == (doors.limits.streams, doors.limits.calls, doors.limits.message_bytes)
    assert (timedelta(seconds=10), timedelta(seconds=60)) == (doors.limits.deadline, doors.limits.longest_deadline)


def test_keys_may_come_from_a_url() -> None:
    """With a URL for callers' keys none need be given."""
    settings = Settings.read(BY_URL)
    assert ("https://issuer.example/keys", timedelta(minutes=5)) == (
        settings.caller_jwks_url,
        settings.caller_jwks_period,
    )
