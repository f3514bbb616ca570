"""The simulator signs and escapes as Meta does, proven by what others published."""

import base64
import json
from typing import Any

import pytest

from simulator.signatures import appsecret_proof, escape, sign_body, signed_request
from tests.unit.simulator.worlds import fixture_file


def _read(name: str) -> Any:
    return json.loads(fixture_file(name).read_text())


def test_proofs_equal_the_published_ones() -> None:
    """Every published appsecret_proof vector is reproduced."""
    for vector in _read("signatures/appsecret_proof_vectors.json"):
        assert vector["appsecret_proof"] == appsecret_proof(vector["app_secret"], vector["access_token"])


def test_bodies_are_signed_as_published() -> None:
    """Both signature headers of every published body are reproduced."""
    for vector in _read("signatures/derived_escaped_unicode.json"):
        body = base64.b64decode(vector["body_b64"])
        assert vector["X-Hub-Signature-256"] == sign_body(vector["secret"], body)
        assert vector["X-Hub-Signature"] == sign_body(vector["secret"], body, algorithm="sha1")


@pytest.mark.parametrize(
    ("text", "legacy", "expected"),
    [
        ("Grüße", False, rb'"Gr\u00fc\u00dfe"'),
        ("😀", False, rb'"\ud83d\ude00"'),
        ("https://shop.test/a", False, rb'"https:\/\/shop.test\/a"'),
        ("<b> 5% @me", False, b'"<b> 5% @me"'),
        ("<b> 5% @me", True, rb'"\u003Cb> 5\u0025 \u0040me"'),
        ('a "quoted" \\ line\n', False, rb'"a \"quoted\" \\ line\n"'),
    ],
)
def test_json_is_escaped_as_meta_does(text: str, *, legacy: bool, expected: bytes) -> None:
    """Non-ASCII and slashes are escaped, and the text reads back unchanged."""
    written = escape(text, legacy=legacy)
    assert expected == written
    assert text == json.loads(written)


def test_a_signed_request_has_two_unpadded_halves() -> None:
    """The payload names its algorithm and the signature covers the encoded payload."""
    signature, _, payload = signed_request("secret", {"user_id": "1"}).partition(".")
    document = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    assert {"algorithm": "HMAC-SHA256", "user_id": "1"} == document
    raw = base64.urlsafe_b64decode(signature + "=" * (-len(signature) % 4))
    assert sign_body("secret", payload.encode()) == f"sha256={raw.hex()}"
