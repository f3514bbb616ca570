"""Who is let in."""

import hmac
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from types import MappingProxyType
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
    "iat": timedelta(),
    "exp": timedelta(minutes=10),
}


@pytest.fixture
def gate() -> Gate:
    return Gate(Settings.read({**COMPLETE, "CALLER_JWKS": JWKS}))


def token(
    key: Any = RSA, kid: str | None = "rsa", algorithm: str = "RS256", *, without: str = "", **changes: Any
) -> str:
    """A token of this moment; times are told from now."""
    headers = {"kid": kid} if kid else {}
    return "Bearer " + jwt.encode(_stamped(without, changes), key, algorithm=algorithm, headers=headers)


def _stamped(without: str = "", changes: Mapping[str, Any] = MappingProxyType({})) -> dict[str, Any]:
    now, claims = int(datetime.now(UTC).timestamp()), {**CLAIMS, **changes}
    times = {name: now + int(one.total_seconds()) for name, one in claims.items() if isinstance(one, timedelta)}
    return {name: value for name, value in {**claims, **times}.items() if name != without}


async def test_a_valid_token_of_either_key_is_admitted(gate: Gate) -> None:
    """Tokens of every active key are admitted, with their role and stores."""
    for header in (token(), token(ELLIPTIC, "ec", "ES256")):
        caller = await gate.admit(header, now=datetime.now(UTC))
        assert ("orders-service", Role.MANAGER, frozenset({"s1"})) == (caller.subject, caller.role, caller.stores)


PUBLIC = RSA.public_key().public_numbers().n.to_bytes(256)
PEM = ELLIPTIC.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def confused(secret: bytes, kid: str) -> str:
    """A token signed with what everybody knows, as if it were a shared secret."""
    header = {"alg": "HS256", "typ": "JWT", "kid": kid}
    said = ".".join(base64url_encode(json.dumps(part).encode()).decode() for part in (header, _stamped()))
    mac = hmac.digest(secret, said.encode(), "sha256")
    return f"Bearer {said}.{base64url_encode(mac).decode()}"


MINUTE = timedelta(minutes=1)
WRONG: dict[str, Callable[[], str]] = {
    "expired": lambda: token(iat=-9 * MINUTE, exp=-5 * MINUTE),
    "a minute too long-lived": lambda: token(exp=11 * MINUTE),
    "for years": lambda: token(exp=5_000_000 * MINUTE),
    "for ever": lambda: token(exp=10**18),
    "issued in the future": lambda: token(iat=5 * MINUTE),
    "not valid yet": lambda: token(nbf=5 * MINUTE),
    "times in words": lambda: token(iat="0", exp="soon"),
    **{f"without {claim}": partial(token, without=claim) for claim in CLAIMS},
    "another audience": lambda: token(aud="someone-else"),
    "an unknown key": lambda: token(kid="unknown"),
    "no key named": lambda: token(kid=None),
    "another key's name": lambda: token(ELLIPTIC, "rsa", "ES256"),
    "somebody else's key": lambda: token(rsa.generate_private_key(public_exponent=65537, key_size=2048)),
    "an unknown role": lambda: token(role="emperor"),
    "no role": lambda: token(role=""),
    "one store as a text": lambda: token(stores="s1"),
    "a store as a number": lambda: token(stores=[1]),
    "alg none": lambda: token("", algorithm="none"),
    "alg none, no key named": lambda: token("", None, "none"),
    "RSA as a shared secret": lambda: confused(PUBLIC, "rsa"),
    "a PEM as a shared secret": lambda: confused(PEM, "ec"),
    "cut": lambda: token()[:-9],
    "a part too many": lambda: token() + ".x",
    "rubbish": lambda: "Bearer x.y.z",
    "not ASCII": lambda: "Bearer é",
}


@pytest.mark.parametrize("kind", WRONG)
async def test_a_token_that_is_wrong_in_any_way_is_refused(gate: Gate, kind: str) -> None:
    """Expired, premature, foreign, unsigned or confused tokens all end in the same words."""
    with pytest.raises(Unauthenticated) as caught:
        await gate.admit(WRONG[kind](), now=datetime.now(UTC))
    assert "CREDENTIALS_INVALID" == caught.value.reason
    assert "The bearer token is not valid" in caught.value.message


@pytest.mark.parametrize("header", ["", "Basic dTpw", "Bearer", "Bearer "])
async def test_a_missing_token_is_told_apart(gate: Gate, header: str) -> None:
    """Without a bearer token the caller learns what to send."""
    with pytest.raises(Unauthenticated) as caught:
        await gate.admit(header, now=datetime.now(UTC))
    assert caught.value.reason == "CREDENTIALS_MISSING"


async def test_a_remembered_token_still_expires(gate: Gate) -> None:
    """A token admitted once is refused once its time is over."""
    header = token()
    await gate.admit(header, now=datetime.now(UTC))
    with pytest.raises(Unauthenticated):
        await gate.admit(header, now=datetime.now(UTC) + timedelta(minutes=11))


async def test_a_caller_acts_only_within_role_and_stores(gate: Gate) -> None:
    """A lesser role, or another store, is forbidden in the same words."""
    caller = await gate.admit(token(role="agent"), now=datetime.now(UTC))
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
