"""News of installations, and the tokens that Meta sends along with them."""

import json
from typing import Any

import pytest

from connector.business_extension.model import InstallNews
from connector.webhooks.graph import read_signals, without_tokens
from connector.webhooks.model import Kept


def body(value: Any) -> bytes:
    entry = {"id": "1", "uid": "1", "time": 1, "changes": [{"field": "fbe_install", "value": value}]}
    return json.dumps({"object": "user", "entry": [entry]}).encode()


@pytest.mark.parametrize(
    ("value", "uninstalled"),
    [
        ({"business_id": "stormcom-1", "access_token": "EAAS"}, False),
        ({"business_id": "stormcom-1", "access_token": "***"}, False),
        ({"business_id": "stormcom-1", "access_token": ""}, True),
        ({"business_id": "stormcom-1", "access_token": None}, True),
        ({"business_id": "stormcom-1"}, True),
    ],
)
def test_an_end_has_no_token(value: Any, *, uninstalled: bool) -> None:
    """An empty or absent token tells of the end, any other of an install or a change, also once it is masked."""
    for raw in (body(value), without_tokens(body(value))):
        (signal,) = read_signals(raw)
        assert InstallNews("stormcom-1", uninstalled) == signal.content


@pytest.mark.parametrize("value", [None, "text", [], {}, {"business_id": ""}, {"business_id": True}])
def test_what_cannot_be_read_is_kept(value: Any) -> None:
    """News of an installation without a name is kept as it came."""
    (signal,) = read_signals(body(value))
    assert isinstance(signal.content, Kept)
    assert "unreadable" == signal.content.kind


@pytest.mark.parametrize(
    ("raw", "masked"),
    [
        (b'{"access_token":"EAA"}', b'{"access_token":"***"}'),
        (b'{"access_token" : "E\\"A\\\\"}', b'{"access_token" : "***"}'),
        (b'{"a":{"merchant_access_token":"\\u0041"},"b":1}', b'{"a":{"merchant_access_token":"***"},"b":1}'),
        (b'[{"access_token":"1"},{"access_token":"2"}]', b'[{"access_token":"***"},{"access_token":"***"}]'),
        (b'{"access_token":""}', b'{"access_token":""}'),
        (b'{"text":"\\"access_token\\":\\"mine\\""}', b'{"text":"\\"access_token\\":\\"mine\\""}'),
        (b'{"text": "access_token"}', b'{"text": "access_token"}'),
        (b'{"access_token":"never closed', b'{"access_token":"***"'),
        (b'\xff"access_token":"EAA"', b'\xff"access_token":"***"'),
    ],
)
def test_tokens_are_masked_and_nothing_else(raw: bytes, masked: bytes) -> None:
    """Every access token that is one loses its text; people's words and all other bytes stay."""
    assert masked == without_tokens(raw)
