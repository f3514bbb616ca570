"""The commands of categories as they are typed: what they send, what they print, how they end."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from client.cli import app
from stormcom.facebook.v1.category_pb2 import Category, EffectiveCategory, PlacedCategory, ProductSet, TaxonomyEntry
from stormcom.facebook.v1.category_service_pb2 import (
    CategoryResult,
    DeleteCategoriesRequest,
    DeleteCategoriesResponse,
    ListCategoriesResponse,
    ListProductSetsResponse,
    SearchTaxonomyRequest,
    SearchTaxonomyResponse,
    SetCategoriesRequest,
    SetCategoriesResponse,
)
from stormcom.facebook.v1.item_pb2 import ItemFault

Connector = Any
Type = Callable[..., Result]


@pytest.fixture
def type_in(connector: Connector) -> Type:
    """Type a command, as a person on a terminal would."""
    options = ["--address", connector.address, "--store", "store-1", "--token", "t", "--no-json"]
    return lambda *words: CliRunner().invoke(app, [*options, *words])


def _accept(request: SetCategoriesRequest) -> SetCategoriesResponse:
    outcome = CategoryResult.OUTCOME_ACCEPTED
    return SetCategoriesResponse(
        results=[CategoryResult(category_id=one.category_id, outcome=outcome) for one in request.categories]
    )


def test_a_file_of_categories_is_handed_in(connector: Connector, type_in: Type, tmp_path: Path) -> None:
    """Calls take 500 categories each; what names no version gets the one given."""
    file = tmp_path / "tree.jsonl"
    file.write_text("\n".join(f'{{"categoryId": "c{number}", "name": "C"}}' for number in range(501)) + "\n\n")
    connector.on("SetCategories", _accept)
    done = type_in("categories", "set", str(file), "--source-version", "7", "--allow-live")
    asked = connector.asked_for(SetCategoriesRequest)
    assert (0, [500, 1]) == (done.exit_code, [len(one.categories) for one in asked])
    assert (7, True) == (asked[1].categories[0].source_version, asked[1].allow_live_product_set_deletion)


def test_a_refused_category_is_told(connector: Connector, type_in: Type, tmp_path: Path) -> None:
    """What was refused is told with its faults, and the command ends with 1."""
    file = tmp_path / "tree.jsonl"
    file.write_text('{"category_id": "men", "name": "Men"}')
    fault = ItemFault(reason="CATEGORY_UNKNOWN", field="x", message="x: close are: Apparel")
    refused = CategoryResult(category_id="men", outcome=CategoryResult.OUTCOME_REJECTED, faults=[fault])
    connector.on("SetCategories", SetCategoriesResponse(results=[refused]))
    done = type_in("categories", "set", str(file))
    assert (1, "men: REJECTED: CATEGORY_UNKNOWN: x: close are: Apparel\n") == (done.exit_code, done.stdout)


def test_a_line_that_is_no_category_is_named(type_in: Type, tmp_path: Path) -> None:
    """Nothing is sent of a file with a wrong line, which is named."""
    file = tmp_path / "tree.jsonl"
    file.write_text('{"category_id": "men"}\n{"colour": 1}')
    done = type_in("categories", "set", str(file))
    assert (1, True) == (done.exit_code, "line 2" in done.stderr)


def test_categories_are_deleted(connector: Connector, type_in: Type) -> None:
    """What was not known is told, and the command ends with 1."""
    unknown = CategoryResult(category_id="men", outcome=CategoryResult.OUTCOME_UNKNOWN)
    connector.on("DeleteCategories", DeleteCategoriesResponse(results=[unknown]))
    done = type_in("categories", "delete", "men")
    assert (1, "men: UNKNOWN\n") == (done.exit_code, done.stdout)
    assert ["men"] == list(connector.asked_for(DeleteCategoriesRequest)[0].category_ids)


def test_the_tree_is_listed(connector: Connector, type_in: Type) -> None:
    """Each category is shown with its path and what it is mapped to, by whom, and how sure that is."""
    google = EffectiveCategory(value="212", path="Apparel > Shirts", category_id="men", verified=True)
    meta = EffectiveCategory(value="429", category_id="men")
    one = PlacedCategory(category=Category(category_id="shirts"), path=["Men", "Shirts"], google=google, meta=meta)
    connector.on("ListCategories", ListCategoriesResponse(categories=[one]))
    shown = type_in("categories", "list").stdout
    assert all(part in shown for part in ("Men > Shirts", "Apparel > Shirts (by men)", "429 (by men, not verified)"))


@pytest.mark.parametrize(("edition", "told"), [("v 2021", "v 2021"), ("", "no list")])
def test_the_taxonomy_is_searched(connector: Connector, type_in: Type, edition: str, told: str) -> None:
    """Entries are shown, and which edition they are of, or that there is none."""
    entries = [TaxonomyEntry(id="212", path="Apparel > Shirts")]
    connector.on("SearchTaxonomy", SearchTaxonomyResponse(entries=entries, edition=edition))
    shown = type_in("taxonomy", "shirts", "--meta").stdout
    assert ("shirts", 2) == ((asked := connector.asked_for(SearchTaxonomyRequest)[0]).words, asked.kind)
    assert ("Apparel > Shirts" in shown, told in shown) == (True, True)


def test_the_sets_are_listed(connector: Connector, type_in: Type) -> None:
    """Each set is shown with its state, its count and what is wrong."""
    one = ProductSet(
        category_id="men", name="Men", state=ProductSet.STATE_REJECTED, product_count=7, reason="META_REJECTED"
    )
    connector.on("ListProductSets", ListProductSetsResponse(product_sets=[one]))
    shown = type_in("sets").stdout
    assert all(part in shown for part in ("men", "REJECTED", "7", "META_REJECTED"))
