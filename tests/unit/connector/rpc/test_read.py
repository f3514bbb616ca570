"""Reading requests."""

from uuid import UUID

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given
from hypothesis import strategies as st

from connector.errors import InvalidInput, NotFound
from connector.rpc import read
from connector.rpc.places import read_place

MISSING = NotFound("ITEM_NOT_FOUND", "No such item in this store")


def refuse(reason: str, field: str) -> pytest.RaisesExc[InvalidInput]:
    return pytest.RaisesExc(
        InvalidInput, check=lambda error: (reason, field) == (error.reason, error.violations[0].field)
    )


def test_each_wrong_field_is_named_with_its_reason() -> None:
    """Every reader names the path of the field and why it is refused."""
    with refuse("FIELD_REQUIRED", "title"):
        read.required("", "title")
    with refuse("FIELD_TOO_LONG", "title"):
        read.required("x" * 11, "title", limit=10)
    with refuse("FIELD_INVALID", "products[0].product_id"):
        read.foreign_id("a b", "products[0].product_id")
    with refuse("FIELD_REQUIRED", "products"):
        read.entries([], "products", limit=3)
    with refuse("FIELD_TOO_LARGE", "products"):
        read.entries([1, 2, 3, 4], "products", limit=3)
    with refuse("DUPLICATE_ENTRY", "products[2]"):
        read.distinct(["a", "b", "a"], "products")
    with refuse("FIELD_INVALID", "since_time"):
        read.instant(Timestamp(seconds=10**15), "since_time")
    with refuse("FIELD_INVALID", "page_size"):
        read.page_size(-1)


def test_a_malformed_own_id_looks_missing() -> None:
    """An id we cannot have made is answered exactly like one that does not exist."""
    with pytest.raises(NotFound) as caught:
        read.own_id("not-a-uuid", "item_id", MISSING)
    assert caught.value is MISSING


@pytest.mark.parametrize(("asked", "given"), [(0, 50), (1, 1), (500, 500), (501, 500), (10**9, 500)])
def test_page_sizes_are_coerced(asked: int, given: int) -> None:
    """Nothing means the default, too much means the most."""
    assert given == read.page_size(asked)


@given(st.lists(st.integers(-(2**63), 2**63 - 1) | st.text(), min_size=1, max_size=3), st.text())
def test_a_page_token_comes_back_for_its_own_request_only(key: list[str | int], scope: str) -> None:
    """A token gives its key back for the same arguments, and is refused for others."""
    token = read.write_page_token(key, "ListItems", scope)
    assert key == read.page_token(token, "ListItems", scope, parts=len(key))
    with refuse("PAGE_TOKEN_INVALID", "page_token"):
        read.page_token(token, "ListItems", scope + "x", parts=len(key))


@given(st.text(min_size=1))
def test_a_made_up_page_token_is_refused(token: str) -> None:
    """No made-up text passes as a token, and none is a fault of ours."""
    with refuse("PAGE_TOKEN_INVALID", "page_token"):
        read.page_token(token, "ListItems", parts=1)


@pytest.mark.parametrize("key", [["yesterday", str(UUID(int=1))], ["2026-11-22T00:00:00+00:00", "me"], [0, 0]])
def test_a_made_up_place_is_refused(key: list[str | int]) -> None:
    """A token that names no moment or no id is as wrong as any other, though it is bound to its request."""
    with refuse("PAGE_TOKEN_INVALID", "page_token"):
        read_place(read.write_page_token(key, "orders"), "orders")


def test_several_faults_are_reported_together() -> None:
    """A collector refuses once, with everything it noted."""
    faults = read.Faults()
    faults.finish()
    faults.add("a", "FIELD_REQUIRED", "is required")
    faults.add("b", "FIELD_INVALID", "is odd")
    with pytest.raises(InvalidInput) as caught:
        faults.finish()
    assert [one.field for one in caught.value.violations] == ["a", "b"]
