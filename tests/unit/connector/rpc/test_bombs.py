"""What is small on the wire and huge in memory."""

import pytest
from google.protobuf.json_format import ParseDict

from connector.rpc.bombs import is_bomb
from stormcom.facebook.v1.catalog_service_pb2 import UpsertProductsRequest

KIND = UpsertProductsRequest.DESCRIPTOR


def honest(variants: int) -> bytes:
    """Write the largest call there may be: 500 products with variants, prices and options."""
    money = {"currency_code": "USD", "minor_units": "100"}
    sorts = [
        {"variant_id": f"v{n}", "price": money, "options": {"Size": f"{n}", "Colour": "Red"}} for n in range(variants)
    ]
    product = {"product_id": "p", "title": "A thing", "price": money, "description": "Words " * 50, "variants": sorts}
    return ParseDict({"products": [product]}, UpsertProductsRequest()).SerializeToString() * 500


@pytest.mark.parametrize("variants", [0, 100])
def test_a_large_honest_request_is_no_bomb(variants: int) -> None:
    """As many products as a call may have pass, with as many variants as a product may have."""
    assert not is_bomb(KIND, honest(variants))


@pytest.mark.parametrize(
    "tag", [b"\x22", b"\xa2\x00", b"\xa2\x80\x80\x80\x00"], ids=["usual", "longer", "as long as can be"]
)
def test_empty_messages_without_end_are_a_bomb(tag: bytes) -> None:
    """A field that holds messages counts however its number is written."""
    assert is_bomb(KIND, (tag + b"\0") * 200_000)


def test_what_holds_no_messages_is_no_bomb() -> None:
    """A text, however long, and fields that nobody knows cost what they weigh."""
    assert not is_bomb(KIND, b"\x0a\xff\xff\x3f" + b"\x22\x00" * 524_287 + b"x")
    assert not is_bomb(KIND, b"\xf8\x3f\x01" * 200_000)


def test_no_bytes_make_weighing_fail() -> None:
    """Cut anywhere, or without an end, a request is left to the parser."""
    whole = honest(1)
    odd = [whole[: len(whole) - cut] for cut in range(60)]
    odd += [byte * 100_000 for byte in (b"\x80", b"\xff", b"\x0b", b"\0", b"\x22")]
    assert {False} == {is_bomb(KIND, one) for one in odd}
