"""E-mail addresses: which we take."""

import pytest

from connector import addresses


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("staff@shop.example", "staff@shop.example"),
        (" staff+fb@shop.example ", "staff+fb@shop.example"),
        ("staff@bücher.example", "staff@xn--bcher-kva.example"),
        ("o'hara@shop.example", "o'hara@shop.example"),
    ],
)
def test_addresses_are_written_as_they_are_sent(text: str, sent: str) -> None:
    """An address is taken without spaces around it, a domain of any script in ASCII."""
    assert sent == addresses.read(text)


@pytest.mark.parametrize(
    "text",
    ["", "staff", "@shop.example", "staff@", "a b@shop.example", "a@b@shop.example", "a\r\nRCPT TO:<x@y.example>@shop.example",
     "staff@shop.example\nBcc: x@y.example", "Ann <staff@shop.example>", "a,b@shop.example", "ann@-shop.example", "ann@shop-.example",
     "é@shop.example", f"{'a' * 65}@shop.example", f"a@{'b' * 64}.example", "a@" + "b." * 130 + "example", "a@shop..example", "<a@shop.example>"],
    ids=range(18),
)  # fmt: skip
def test_what_is_no_address_is_refused(text: str) -> None:
    """Nothing that could be read as two addresses, a command or a header passes."""
    with pytest.raises(ValueError):
        addresses.read(text)
