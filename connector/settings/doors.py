"""How the gRPC server is reached, and how much it takes: TLS, limits, deadlines."""

from dataclasses import dataclass
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path

from connector.settings.reader import Reader


@dataclass(frozen=True, slots=True)
class Tls:
    """Files in PEM: our certificate with its chain, its key, and who signs callers' certificates (None: they need none)."""

    certificate: Path
    key: Path
    client_ca: Path | None


@dataclass(frozen=True, slots=True)
class Limits:
    """What one caller, or all together, may take."""

    message_bytes: int
    streams: int
    calls: int
    ping_interval: timedelta
    connection_age: timedelta
    deadline: timedelta
    longest_deadline: timedelta


@dataclass(frozen=True, slots=True)
class Doors:
    """The gRPC server's side of the settings."""

    tls: Tls | None
    limits: Limits


def read_doors(reader: Reader, address: tuple[str, int], *, development: bool) -> Doors:
    """Read them; in production plaintext is for this machine, or for a proxy that ends TLS."""
    tls = _tls(reader)
    behind_proxy = reader.choice("GRPC_PLAINTEXT", "loopback", "behind-proxy") == "behind-proxy"
    reader.require(
        development or tls is not None or behind_proxy or _is_loopback(address[0]),
        "GRPC_ADDRESS: callers' tokens would travel in plain text: set GRPC_TLS_CERTIFICATE_FILE and GRPC_TLS_KEY_FILE, "
        "or GRPC_PLAINTEXT=behind-proxy when a proxy in front ends TLS",
    )
    reader.require(not (tls and behind_proxy), "GRPC_PLAINTEXT: behind-proxy contradicts GRPC_TLS_CERTIFICATE_FILE")
    return Doors(tls, _limits(reader))


def _tls(reader: Reader) -> Tls | None:
    certificate, key, client_ca = [reader.text(f"GRPC_TLS_{name}_FILE") for name in ("CERTIFICATE", "KEY", "CLIENT_CA")]
    reader.require(bool(certificate) == bool(key), "GRPC_TLS_CERTIFICATE_FILE, GRPC_TLS_KEY_FILE: both or none")
    reader.require(bool(certificate) or not client_ca, "GRPC_TLS_CLIENT_CA_FILE: needs GRPC_TLS_CERTIFICATE_FILE")
    if not certificate or not key:
        return None
    return Tls(Path(certificate), Path(key), Path(client_ca) if client_ca else None)


def _limits(reader: Reader) -> Limits:
    limits = Limits(
        message_bytes=reader.number("GRPC_MESSAGE_BYTES", 64 * 1024, 64 * 1024 * 1024),
        streams=reader.number("GRPC_STREAMS", 1, 10_000),
        calls=reader.number("GRPC_CALLS", 1, 100_000),
        ping_interval=reader.period("GRPC_PING_SECONDS"),
        connection_age=reader.period("GRPC_CONNECTION_SECONDS"),
        deadline=reader.period("GRPC_DEADLINE_SECONDS"),
        longest_deadline=reader.period("GRPC_LONGEST_DEADLINE_SECONDS"),
    )
    reader.require(
        limits.deadline <= limits.longest_deadline, "GRPC_DEADLINE_SECONDS: above GRPC_LONGEST_DEADLINE_SECONDS"
    )
    return limits


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
