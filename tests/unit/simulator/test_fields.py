"""The `fields` parameter is read as Graph reads it."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.call import Selection
from simulator.errors import GraphError
from simulator.fields import parse_fields, pick

NAME = st.from_regex(r"[a-z][a-z_]{0,8}", fullmatch=True)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ()),
        ("id, name,", (Selection("id"), Selection("name"))),
        ("a{b,c{d}}", (Selection("a", {}, (Selection("b"), Selection("c", {}, (Selection("d"),)))),)),
        ("m.limit(2).after(x){id}", (Selection("m", {"limit": "2", "after": "x"}, (Selection("id"),)),)),
        ("name.as(title)", (Selection("name", {}, (), "title"),)),
        ('p.filter({"a":{"eq":"(x)"}})', (Selection("p", {"filter": '{"a":{"eq":"(x)"}}'}),)),
    ],
)
def test_documented_forms_are_read(text: str, expected: tuple[Selection, ...]) -> None:
    """Nesting, arguments, aliases and stray commas mean what Graph documents."""
    assert expected == parse_fields(text)


@pytest.mark.parametrize("text", ["a{b", "a}", "a.limit(2", "a.", "a b{", "{a}", "a!", "a{" * 12])
def test_broken_forms_are_refused_with_their_place(text: str) -> None:
    """A syntax error is code 2500 and names the character."""
    with pytest.raises(GraphError, match="character") as caught:
        parse_fields(text)
    assert 2500 == caught.value.code


@given(st.text(alphabet="ab{}().,= \n", max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    """No text makes the parser fail in another way than a Graph error."""
    with suppress(GraphError):
        parse_fields(text)


@given(st.lists(NAME, min_size=1, max_size=5))
def test_selections_keep_order_and_names(names: list[str]) -> None:
    """What is asked for is found, in the order asked."""
    assert names == [one.name for one in parse_fields(",".join(names))]


def test_picking_keeps_ids_and_wanted_members() -> None:
    """A plain value is cut to the wanted members, in lists and in data envelopes, and keeps its id."""
    value = {"data": [{"id": "1", "name": "A", "email": "a@b"}]}
    assert {"data": [{"id": "1", "name": "A"}]} == pick(value, parse_fields("name"))
