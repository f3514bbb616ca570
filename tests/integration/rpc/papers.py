"""Certificates and tokens for tests: an authority that signs, and callers' keys."""

import ipaddress
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

_NAMES = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]


@dataclass(frozen=True, slots=True)
class Paper:
    """A certificate and its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def pem(self) -> bytes:
        """The certificate."""
        return self.certificate.public_bytes(Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        """The key."""
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def paper(name: str, signer: Paper | None = None, *, days: float = 1) -> Paper:
    """Make a certificate for this machine that lasts so many days; without a signer it is an authority's."""
    key, subject = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(signer.certificate.subject if signer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=3))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=signer is None, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName(_NAMES), critical=False)
    )
    return Paper(builder.sign(signer.key if signer else key, hashes.SHA256()), key)


def put(folder: Path, shown: Paper) -> None:
    """Put a server's certificate where it is looked for."""
    (folder / "tls.crt").write_bytes(shown.pem)
    (folder / "tls.key").write_bytes(shown.key_pem)


class Issuer:
    """Signs callers' tokens, with a new key whenever it turns."""

    def __init__(self) -> None:
        self.keys: dict[str, ec.EllipticCurvePrivateKey] = {}
        self.turn()

    def turn(self) -> None:
        """Take a further key into use."""
        self._kid = f"key-{len(self.keys) + 1}"
        self.keys[self._kid] = ec.generate_private_key(ec.SECP256R1())

    def key_set(self) -> dict[str, Any]:
        """The public halves."""
        kind = jwt.algorithms.ECAlgorithm
        public = [(kid, json.loads(kind.to_jwk(key.public_key()))) for kid, key in self.keys.items()]
        return {"keys": [{**one, "kid": kid, "alg": "ES256"} for kid, one in public]}

    def text(self) -> str:
        """The key set as CALLER_JWKS takes it."""
        return json.dumps(self.key_set())

    def token(self, *, now: datetime, role: str = "reader", stores: tuple[str, ...] = ("*",)) -> str:
        """A caller's bearer token for five minutes."""
        claims = {"sub": "caller", "aud": "facebook-connector", "role": role, "stores": stores}
        lasting = {**claims, "iat": now, "exp": now + timedelta(minutes=5)}
        return "Bearer " + jwt.encode(lasting, self.keys[self._kid], algorithm="ES256", headers={"kid": self._kid})
