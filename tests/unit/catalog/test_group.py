"""Variants of one product: what groups them, what tells them apart, and what they lose when they do not fit together."""

from typing import Any

import orjson
import pytest

from connector.catalog.model.clearing import clear
from connector.catalog.model.mapping import write_items
from connector.catalog.model.values import Variant
from tests.unit.catalog.products import SCARF, TAKA, found, variant


def variants(*options: dict[str, str]) -> tuple[Variant, ...]:
    """Make variants with these options."""
    return tuple(variant(f"v{place}", place, options=one) for place, one in enumerate(options))


@pytest.mark.parametrize(("count", "group"), [(1, None), (2, "sc_p1"), (3, "sc_p1")])
def test_a_group_takes_two(count: int, group: str | None) -> None:
    """One variant is a simple item; from the second on all carry their product's group."""
    drafts = write_items(SCARF._replace(variants=tuple(variant(str(number), number) for number in range(count))))
    assert [group] * count == [orjson.loads(draft.content or "").get("item_group_id") for draft in drafts]


@pytest.mark.parametrize(
    ("options", "faults"),
    [
        (({"Size": "S"}, {"Size": "M"}), []),
        (({"Size": "S"}, {"size": " S "}), [("variants[1].options", "VARIANT_OPTIONS_MISSING")]),
        (({"Size": "S"}, {"Größe": "S"}), [("variants[1].options", "VARIANT_OPTIONS_MISSING")]),
        (({"Size": "S"}, {"Size": ""}), [("variants[1].options", "VARIANT_OPTIONS_MISSING")]),
        (({"Size": "S"}, {}), [("variants[1].options", "VARIANT_OPTIONS_MISSING")]),
        (
            ({"Color": "c" * 100 + "a"}, {"Color": "c" * 100 + "b"}),
            [("variants[1].options", "VARIANT_OPTIONS_MISSING")],
        ),
        (
            ({"Size": "S", "Color": "red"}, {"Size": "M"}),
            [("variants[1].options", "VARIANT_OPTIONS_UNEVEN")],
        ),
        (
            ({"Size": "S"}, {"Color": "red"}),
            [("variants[0].options", "VARIANT_OPTIONS_UNEVEN"), ("variants[1].options", "VARIANT_OPTIONS_UNEVEN")],
        ),
        (({"Size": "S", "Colour": "red"}, {"Taille": "M", "Couleur": "rouge"}), []),
    ],
)
def test_what_groups_variants_is_checked(options: tuple[dict[str, str], ...], faults: list[tuple[str, str]]) -> None:
    """Two variants that Meta could not tell apart are refused; those that lack an option of their siblings say so."""
    drafts = write_items(SCARF._replace(variants=variants(*options)))
    told = [(fault.field, fault.reason) for draft in drafts for fault in draft.faults]
    assert faults == [one for one in told if one[1] != "TEXT_TRUNCATED"]


def test_options_are_quoted_in_faults() -> None:
    """Whatever an option is called, what is said of it can be stored and read on one line."""
    drafts = write_items(SCARF._replace(variants=variants({"a\0\n": "x"}, {"Size": "M"})))
    assert all(fault.message.isprintable() for draft in drafts for fault in draft.faults)


def test_more_options_than_metas_integrations_send_are_told() -> None:
    """Five options go out, with a warning."""
    options = {"Size": "S", "Color": "red", "Material": "wool", "Pattern": "dots", "Gender": "Men"}
    assert [("variants[0].options", "VARIANT_OPTIONS_UNEVEN")] == found(SCARF._replace(variants=variants(options)))
    [draft] = write_items(SCARF._replace(variants=variants(options)))
    assert "male" == orjson.loads(draft.content or "")["gender"]


def test_what_a_product_says_is_the_same_for_its_variants() -> None:
    """Siblings differ in nothing that Meta wants to be alike in a group."""
    product = SCARF._replace(
        variants=(variant("S", gtin="96385074"), variant("M", 1, price=TAKA, link="https://s.example/m"))
    )
    small, medium = (orjson.loads(draft.content or "") for draft in write_items(product))
    assert {"size", "gtin", "link"} == {name for name in small if small[name] != medium[name]}


@pytest.mark.parametrize(
    ("before", "now", "after"),
    [
        (None, {"title": "a"}, {"title": "a"}),
        ({"title": "b"}, {"title": "a"}, {"title": "a"}),
        ({"gender": "male"}, {}, {"gender": ""}),
        ({"gender": ""}, {}, {"gender": ""}),
        ({"gender": ""}, {"gender": "female"}, {"gender": "female"}),
        ({"video": [{"url": "u"}], "custom_number_0": 3}, {}, {"custom_number_0": "", "video": []}),
        ({"importer_address": {"city": "c"}}, {}, {"importer_address": {}}),
        ({"item_group_id": "sc_p1"}, {}, {"item_group_id": "sc_p1"}),
        ({"previous_id": "old"}, {}, {}),
    ],
)
def test_what_is_gone_is_cleared(before: dict[str, Any] | None, now: dict[str, Any], after: dict[str, Any]) -> None:
    """What an item said once stays in it, empty; its group stays as it was, and what it continued is told once."""
    kept = orjson.dumps(before).decode() if before is not None else None
    once = clear(orjson.dumps(now).decode(), kept)
    assert after == orjson.loads(once)
    assert once == clear(orjson.dumps(now).decode(), once)
