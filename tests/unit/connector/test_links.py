"""Addresses: what is public and https goes out, what needs another notation is written so, the rest is refused."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.links import absolute, plain

SSRF = Path(__file__).parents[4] / "shared" / "fixtures" / "ssrf" / "svix_is_allowed.json"
# Written by us after the registries of special addresses; the published list is used beside it where it is present.
ADDRESSES = [
    ("8.8.8.8", True), ("1.1.1.1", True), ("10.0.0.1", False), ("127.0.0.1", False), ("169.254.169.254", False),
    ("0.0.0.0", False), ("192.88.99.1", False), ("224.0.0.1", False), ("255.255.255.255", False),
    ("2001:4860:4860::8888", True), ("::1", False), ("::ffff:10.0.0.1", False), ("::ffff:8.8.8.8", True),
    ("fe80::1", False), ("fd00::1", False), ("64:ff9b::a00:1", False), ("2002:a00:1::", False), ("2001:db8::1", False),
]  # fmt: skip


def allowed(address: str) -> bool:
    """Tell whether a link to an address is sent."""
    try:
        return bool(absolute(f"https://[{address}]/" if ":" in address else f"https://{address}/"))
    except ValueError:
        return False


@pytest.mark.parametrize(("address", "public"), ADDRESSES)
def test_only_public_addresses_are_sent(address: str, *, public: bool) -> None:
    """A link to a private, local or reserved address is refused."""
    assert public == allowed(address)


@pytest.mark.skipif(not SSRF.is_file(), reason="the published list is not beside this checkout")
def test_the_published_list_of_addresses() -> None:
    """Every address of the published list is judged as its authors judge it."""
    cases = json.loads(SSRF.read_text())["cases"]
    assert [] == [case for case in cases if allowed(case["ip"]) != case["allowed"]]


@pytest.mark.parametrize(
    ("link", "sent"),
    [
        ("https://shop.example", "https://shop.example"),
        ("https://shop.example/a?b=c&d=%2B#e", "https://shop.example/a?b=c&d=%2B#e"),
        ("https://Shop.Example/A", "https://shop.example/A"),
        (" https://shop.example/a\n", "https://shop.example/a"),
        ("http://shop.example/a", "https://shop.example/a"),
        ("HTTP://shop.example:80/a", "https://shop.example/a"),
        ("https://shop.example:443/a", "https://shop.example/a"),
        ("https://shop.example:8443/a", "https://shop.example:8443/a"),
        ("https://shop.example./a", "https://shop.example/a"),
        ("https://shop.example/a b", "https://shop.example/a%20b"),
        ("https://shop.example/শাড়ি?রঙ=লাল", "https://shop.example/%E0%A6%B6%E0%A6%BE%E0%A6%A1%E0%A6%BC%E0%A6%BF?%E0%A6%B0%E0%A6%99=%E0%A6%B2%E0%A6%BE%E0%A6%B2"),
        ('https://shop.example/"<{|}>\\^`', "https://shop.example/%22%3C%7B%7C%7D%3E%5C%5E%60"),
        ("https://faß.example/", "https://xn--fa-hia.example/"),
        ("https://пример.рф/", "https://xn--e1afmkfd.xn--p1ai/"),
        ("https://shop。example/", "https://shop.example/"),
        ("https://shop_1.example/", "https://shop_1.example/"),
        ("https://[2001:4860:4860::8888]:8443/a", "https://[2001:4860:4860::8888]:8443/a"),
    ],
)  # fmt: skip
def test_a_link_is_written_as_urls_are(link: str, sent: str) -> None:
    """Case, spaces, other scripts, usual ports and http change the notation only; what is sent is sent again the same."""
    assert (sent, sent) == (absolute(link), absolute(sent))


@pytest.mark.parametrize(
    "link",
    [
        "", "/a", "//shop.example/a", "shop.example/a", "ftp://shop.example", "javascript:alert(1)", "https:", "https:///a",
        "https://?a", "https://shop/a", "https://localhost/a", "https://a.localhost/", "https://db.internal/", "https://x.local./",
        "https://user:word@shop.example/", "https://shop.example@10.0.0.1/", "https://shop.example\\@evil.example/",
        "https://shop..example/", "https://-shop.example/", "https://shop-.example/", "https://shop.example:99999/",
        "https://shop.example:x/", "http://shop.example:8080/", "https://127.1/", "https://0x7f.1/", "https://2130706433/",
        "https://017700000001/", "https://\uff11\uff12\uff17.0.0.1/", "https://[::1/", "https://::1/", "https://[fe80::1%25eth0]/",
        "https://shop.example/a\x00b", "https://shop.example/a\r\nHost: b", "https://shop .example/", "https://xn--.example/",
        f"https://{'a' * 64}.example/", f"https://{'a.' * 130}example/", f"https://shop.example/{'a' * 8_000}",
    ],
)  # fmt: skip
def test_what_leads_nowhere_is_refused(link: str) -> None:
    """Relative, private, disguised, broken, endless: none is sent, and the message says what to send."""
    with pytest.raises(ValueError, match=r"must|has"):
        absolute(link)


@given(text=st.text(alphabet=st.sampled_from("htps:/.@[]%a1é বা\\?#-_\x00 ")), begun=st.booleans())
def test_any_text_is_a_link_or_is_none(text: str, *, begun: bool) -> None:
    """Whatever is written, what is sent is https, ASCII, without spaces, and stays the same when read again."""
    try:
        sent = absolute(f"https://shop.example/{text}" if begun else text)
    except ValueError:
        return
    assert sent.startswith("https://")
    assert sent.isascii()
    assert sent.isprintable()
    assert " " not in sent
    assert sent == absolute(sent)


@given(st.from_regex(r"https://[a-z]{1,9}\.(example|local|[0-9]{1,3}|internal)(/[!-~]{0,9})?", fullmatch=True))
def test_the_glance_and_the_close_look_agree(link: str) -> None:
    """What is told to be fine at a glance is what the close look leaves as it is."""
    if plain(link):
        assert link == absolute(f" {link}")
