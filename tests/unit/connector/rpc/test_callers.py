"""Who is let in."""

import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.utils import base64url_encode

from connector.errors import Forbidden, Unauthenticated
from connector.rpc.callers import POLICY, SERVICES, Gate, Role, require_complete
from connector.settings import Settings, SettingsError
from tests.unit.connector.test_settings import COMPLETE

NOW = datetime.now(UTC)
RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
ELLIPTIC = ec.generate_private_key(ec.SECP256R1())


def jwk(key: Any, kid: str, algorithm: str) -> dict[str, Any]:
    kind = jwt.algorithms.RSAAlgorithm if algorithm == "RS256" else jwt.algorithms.ECAlgorithm
    return {**json.loads(kind.to_jwk(key.public_key())), "kid": kid, "alg": algorithm}


JWKS = json.dumps({"keys": [jwk(RSA, "rsa", "RS256"), jwk(ELLIPTIC, "ec", "ES256")]})
CLAIMS = {
    "sub": "orders-service",
    "aud": "facebook-connector",
    "role": "manager",
    "stores": ["s1"],
    "iat": NOW,
    "exp": NOW + timedelta(minutes=10),
}
STAMPED = {**CLAIMS, "iat": int(NOW.timestamp()), "exp": int(NOW.timestamp()) + 600}


@pytest.fixture
def gate() -> Gate:
    return Gate(Settings.read({**COMPLETE, "CALLER_JWKS": JWKS}))


def token(key: Any = RSA, kid: str | None = "rsa", algorithm: str = "RS256", **claims: Any) -> str:
    return "Bearer " + jwt.encode({**CLAIMS, **claims}, key, algorithm=algorithm, headers={"kid": kid} if kid else {})


async def test_a_valid_token_of_either_key_is_admitted(gate: Gate) -> None:
    """Tokens of every active key are admitted, with their role and stores."""
    for header in (token(), token(ELLIPTIC, "ec", "ES256")):
        caller = await gate.admit(header, now=NOW)
        assert ("orders-service", Role.MANAGER, frozenset({"s1"})) == (caller.subject, caller.role, caller.stores)


PUBLIC = RSA.public_key().public_numbers().n.to_bytes(256)
PEM = ELLIPTIC.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def confused(secret: bytes, kid: str) -> str:
    """A token signed with what everybody knows, as if it were a shared secret."""
    header = {"alg": "HS256", "typ": "JWT", "kid": kid}
    said = ".".join(base64url_encode(json.dumps(part).encode()).decode() for part in (header, STAMPED))
    mac = hmac.digest(secret, said.encode(), "sha256")
    return f"Bearer {said}.{base64url_encode(mac).decode()}"


@pytest.mark.parametrize(
    "header",
    [
        token(iat=NOW - timedelta(minutes=9), exp=NOW - timedelta(minutes=5)),
        token(exp=NOW + timedelta(minutes=11)),
        token(exp=NOW + timedelta(days=3650)),
        token(iat=NOW + timedelta(minutes=5)),
        *(token(**{claim: None}) for claim in ("exp", "iat", "aud", "sub", "role", "stores")),
        *(token(**{claim: ""}) for claim in ("exp", "iat", "role")),
        token(iat="0", exp=str(int(NOW.timestamp()) + 60)),
        token(exp=10**18),
        token(nbf=NOW + timedelta(minutes=5)),
        token(aud="someone-else"),
        token(kid="unknown"),
        token(kid=None),
        token(ELLIPTIC, "rsa", "ES256"),
        token(rsa.generate_private_key(public_exponent=65537, key_size=2048)),
        token(role="emperor"),
        token(stores="s1"),
        token(stores=[1]),
        "Bearer " + jwt.encode(CLAIMS, "", algorithm="none", headers={"kid": "rsa"}),
        confused(PUBLIC, "rsa"),
        confused(PEM, "ec"),
        "Bearer " + jwt.encode(CLAIMS, "", algorithm="none"),
        token()[:-9],
        token() + ".x",
        "Bearer x.y.z",
        "Bearer é",
    ],
)
async def test_a_token_that_is_wrong_in_any_way_is_refused(gate: Gate, header: str) -> None:
    """Expired, premature, foreign, unsigned or confused tokens all end in the same words."""
    with pytest.raises(Unauthenticated) as caught:
        await gate.admit(header, now=NOW)
    assert caught.value.reason == "CREDENTIALS_INVALID"


@pytest.mark.parametrize("header", ["", "Basic dTpw", "Bearer", "Bearer "])
async def test_a_missing_token_is_told_apart(gate: Gate, header: str) -> None:
    """Without a bearer token the caller learns what to send."""
    with pytest.raises(Unauthenticated) as caught:
        await gate.admit(header, now=NOW)
    assert caught.value.reason == "CREDENTIALS_MISSING"


async def test_a_remembered_token_still_expires(gate: Gate) -> None:
    """A token admitted once is refused once its time is over."""
    header = token()
    await gate.admit(header, now=NOW)
    with pytest.raises(Unauthenticated):
        await gate.admit(header, now=NOW + timedelta(minutes=11))


async def test_a_caller_acts_only_within_role_and_stores(gate: Gate) -> None:
    """A lesser role, or another store, is forbidden in the same words."""
    caller = await gate.admit(token(role="agent"), now=NOW)
    caller.require("SendMessage", "s1")
    for method, store in (("Connect", "s1"), ("SendMessage", "s2"), ("PullEvents", "s1")):
        with pytest.raises(Forbidden) as caught:
            caller.require(method, store)
        assert caught.value.reason == "STORE_NOT_ALLOWED"


@pytest.mark.parametrize(
    "key",
    [
        pytest.param({"kty": "oct", "k": "c2VjcmV0", "kid": "x", "alg": "HS256"}, id="symmetric"),
        pytest.param({"kty": "EC", "kid": "x"}, id="incomplete"),
        pytest.param({"kty": "strange", "kid": "x"}, id="unknown"),
        pytest.param("x", id="no object"),
    ],
)
def test_unusable_keys_are_refused_at_start(key: object) -> None:
    """A key that both sides hold cannot tell callers from us; one that cannot be read lets nobody in."""
    with pytest.raises(SettingsError, match="CALLER_JWKS: every key needs a `kid` and an asymmetric algorithm"):
        Gate(Settings.read({**COMPLETE, "CALLER_JWKS": json.dumps({"keys": [key]})}))


def test_every_method_has_a_role_and_no_role_lacks_a_method() -> None:
    """The table and the contract name the same methods; one more would stop the server."""
    methods = {method.name for service in SERVICES for method in service.methods}
    assert methods == set(POLICY)
    with pytest.raises(RuntimeError, match="Dummy"):
        require_complete([*methods, "Dummy"])
