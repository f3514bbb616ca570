"""Meta's signatures, against what others published."""

import base64
import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.graph.signatures import appsecret_proof, verify_webhook
from connector.vault import Secret

FIXTURES = Path(__file__).parents[5] / "shared/fixtures"
SECRET = Secret("app-secret")


def sign(body: bytes, secret: Secret = SECRET) -> str:
    return "sha256=" + hmac.new(secret.reveal().encode(), body, hashlib.sha256).hexdigest()


def test_the_signature_of_these_very_bytes_is_accepted() -> None:
    """A body signed with any active secret passes, in either case of hex."""
    body = b'{"name":"J\\u00f8rgen \\ud83d\\ude00","url":"https:\\/\\/x"}'
    assert verify_webhook(body, sign(body), [SECRET])
    assert verify_webhook(body, "sha256=" + sign(body)[7:].upper(), [SECRET])
    assert verify_webhook(body, sign(body, Secret("old")), [SECRET, Secret("old")])


def test_no_flipped_bit_is_accepted() -> None:
    """Every one-bit change of a signed body or of its signature is refused."""
    body = b'{"object":"page","entry":[{"id":"1","time":1760000000}]}' * 4
    header = sign(body)
    for position in range(len(body) * 8):
        changed = bytearray(body)
        changed[position // 8] ^= 1 << position % 8
        assert not verify_webhook(bytes(changed), header, [SECRET])
    for position in range(7, len(header)):
        other = "0" if header[position] != "0" else "1"
        assert not verify_webhook(body, header[:position] + other + header[position + 1 :], [SECRET])


@pytest.mark.parametrize(
    "header",
    [
        "",
        "sha256=",
        "sha1=" + "0" * 40,
        "sha256=" + "0" * 63,
        "sha256=" + "é" * 64,
        "=",
        "sha256",
        "SHA256=" + "0" * 64,
    ],
)
def test_an_odd_header_is_refused_without_a_fault(header: str) -> None:
    """Whatever stands in the header, the answer is no, never an exception."""
    assert not verify_webhook(b"{}", header, [SECRET])


@given(st.binary(), st.text())
def test_nothing_unsigned_passes(body: bytes, header: str) -> None:
    """No made-up header passes for any body."""
    assert not verify_webhook(body, header, [SECRET])


def _vectors(name: str) -> Any:
    path = FIXTURES / "signatures" / name
    if not path.exists():
        pytest.skip("the shared fixtures are not here")
    return json.loads(path.read_text())


def test_the_proof_agrees_with_published_vectors() -> None:
    """Our appsecret_proof is the one other SDKs compute."""
    vectors = _vectors("appsecret_proof_vectors.json")
    assert vectors
    for vector in vectors:
        token, secret = vector["access_token"], vector["app_secret"]
        assert vector["appsecret_proof"] == appsecret_proof(Secret(token), Secret(secret))


def test_meta_escaped_bodies_agree_with_derived_vectors() -> None:
    """Bodies escaped as Meta escapes them pass as received, and fail once parsed and written again."""
    vectors = _vectors("derived_escaped_unicode.json")
    assert vectors
    for vector in vectors:
        body, header, secrets = (
            base64.b64decode(vector["body_b64"]),
            vector["X-Hub-Signature-256"],
            [Secret(vector["secret"])],
        )
        assert verify_webhook(body, header, secrets)
        if vector["must_fail_if_reserialised"]:
            again = json.dumps(json.loads(body), ensure_ascii=False).encode("utf-8", "surrogatepass")
            assert not verify_webhook(again, header, secrets)
