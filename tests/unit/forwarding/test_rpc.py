"""Settings of forwarding, as callers say them."""

from typing import Any

import pytest
from google.protobuf.json_format import ParseDict

from connector.errors import InvalidInput
from connector.forwarding.rpc import read_wish
from stormcom.facebook.v1.forwarding_pb2 import MailForwardingSettings


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"addresses": []}, "settings.addresses"),
        ({"addresses": ["a@x.example"] * 11}, "settings.addresses"),
        ({"addresses": ["a@x.example", "A@X.example"]}, "settings.addresses[1]"),
        ({"addresses": ["a@x.example", "nobody"]}, "settings.addresses[1]"),
        ({"addresses": ["a@x.example\r\nBcc: b@x.example"]}, "settings.addresses[0]"),
        ({"digestPeriod": "59s"}, "settings.digest_period"),
        ({"digestPeriod": "86401s"}, "settings.digest_period"),
        ({"channels": ["CHANNEL_UNSPECIFIED"]}, "settings.channels[0]"),
        ({"channels": [99]}, "settings.channels[0]"),
    ],
)
def test_wrong_settings_name_the_field(wrong: dict[str, Any], field: str) -> None:
    """Each wrong setting is named by its place; an address itself is never said."""
    settings = {"enabled": True, "addresses": ["a@x.example"]} | wrong
    with pytest.raises(InvalidInput) as caught:
        read_wish(ParseDict(settings, MailForwardingSettings()))
    assert [field] == [one.field for one in caught.value.violations]
    assert "x.example" not in str(caught.value)


def test_nothing_is_needed_to_be_off() -> None:
    """Settings that say nothing are off, with the usual rest between mails."""
    wish = read_wish(MailForwardingSettings())
    assert (False, (), 300) == (wish.enabled, wish.addresses, wish.digest_period.total_seconds())
