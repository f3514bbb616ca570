"""How an answer finds its conversation."""

from uuid import UUID

import pytest

from connector.forwarding.model.answers import read_token, same_mark, write_token

TEMPLATE = "reply+{token}@in.stormcom.example"
ID, MARK = UUID(int=0xABCDEF), bytes(range(32))
TOKEN = write_token(ID, MARK)
ADDRESS = TEMPLATE.replace("{token}", TOKEN)


@pytest.mark.parametrize("address", [ADDRESS, ADDRESS.upper(), f" {ADDRESS} ", ADDRESS.title()])
def test_a_token_survives_the_mail(address: str) -> None:
    """What mail servers may change in an address, the case of letters, leaves the conversation found."""
    found = read_token(TEMPLATE, address)
    assert found is not None
    assert ID == found[0]
    assert same_mark(found[1], MARK)


@pytest.mark.parametrize(
    "address",
    ["", "reply@in.stormcom.example", "reply+@in.stormcom.example", ADDRESS + "x", "x" + ADDRESS, f"reply+{TOKEN}@evil.example",
     f"reply+{TOKEN[:-1]}@in.stormcom.example", f"reply+{TOKEN}a@in.stormcom.example", f"reply+{'1' * 42}@in.stormcom.example",
     f"Ann <{ADDRESS}>", ADDRESS.replace("@", "@\n")],
    ids=range(11),
)  # fmt: skip
def test_anything_else_is_no_token(address: str) -> None:
    """Another place, another length or other letters name no conversation."""
    assert read_token(TEMPLATE, address) is None


def test_another_mark_is_not_taken() -> None:
    """One bit of difference is another conversation's, or nobody's."""
    found = read_token(TEMPLATE, ADDRESS)
    assert found is not None
    assert not same_mark(found[1], bytes([1, *MARK[1:]]))
    assert not same_mark(b"", MARK)


def test_without_a_template_nothing_is_ours() -> None:
    """Where answers are not set up, no address is one."""
    assert read_token("", "") is None


def test_an_address_fits() -> None:
    """The part before the @ keeps RFC 5321's 64 octets."""
    assert 42 == len(TOKEN)
