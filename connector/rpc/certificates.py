"""The gRPC server's certificate, read again when its files change: a renewal needs no restart.

A new certificate that cannot be used (unreadable, expired, of another key) is refused, told once, and the old one stays.
"""

import threading
from datetime import UTC, datetime
from pathlib import Path

import grpc
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from connector import log, metrics
from connector.settings import SettingsError, Tls

_UNUSABLE = (OSError, ValueError, TypeError, UnsupportedAlgorithm)

_Look = tuple[int, int, int] | None  # of a file; None: there is none


class Certificates:
    """What the server shows to callers, and whose certificates it takes."""

    def __init__(self, tls: Tls) -> None:
        self._tls = tls
        self._alone = threading.Lock()  # gRPC asks from its own threads
        self._seen: list[_Look] = []

    def credentials(self) -> grpc.ServerCredentials:
        """Read the files as they are now, and follow them from then on.

        Raises:
            SettingsError: they cannot be used.

        """
        try:
            self._seen = self._looks()
            first = self._read()
        except _UNUSABLE as error:
            raise SettingsError(f"GRPC_TLS_CERTIFICATE_FILE: cannot be used ({error})") from None
        mutual = self._tls.client_ca is not None
        return grpc.dynamic_ssl_server_credentials(
            first,
            self._changed,  # type: ignore[arg-type] # None, for no change, is in gRPC's words and not in its type stubs
            require_client_authentication=mutual,
        )

    def _changed(self) -> grpc.ServerCertificateConfiguration | None:
        """Tell what is new since the last caller came; None when nothing is, or nothing usable."""
        with self._alone:
            try:
                looks = self._looks()
                if looks == self._seen:
                    return None
                self._seen = looks
                new = self._read()
            except _UNUSABLE as error:
                metrics.certificates.labels("refused").inc()
                log.warn("certificate.refused", cause=str(error) or type(error).__name__)
                return None
            metrics.certificates.labels("taken").inc()
            log.canonical("certificate.taken")
            return new

    def _files(self) -> list[Path]:
        return [path for path in (self._tls.certificate, self._tls.key, self._tls.client_ca) if path is not None]

    def _looks(self) -> list[_Look]:
        return [_look(path) for path in self._files()]

    def _read(self) -> grpc.ServerCertificateConfiguration:
        chain, key, *roots = [path.read_bytes() for path in self._files()]
        _require_pair(chain, key)
        for root in roots:
            x509.load_pem_x509_certificates(root)
        return grpc.ssl_server_certificate_configuration([(key, chain)], *roots)


def _look(path: Path) -> _Look:
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_ino, stat.st_mtime_ns, stat.st_size


def _require_pair(chain: bytes, key: bytes) -> None:
    """Refuse what no caller would accept."""
    certificate = x509.load_pem_x509_certificates(chain)[0]
    private = load_pem_private_key(key, password=None)
    form = Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    if certificate.public_key().public_bytes(*form) != private.public_key().public_bytes(*form):
        raise ValueError("the key is not the certificate's")
    if certificate.not_valid_after_utc <= datetime.now(UTC):
        raise ValueError(f"the certificate expired at {certificate.not_valid_after_utc:%Y-%m-%d %H:%M} UTC")
