"""The taxonomies over gRPC: searched, and told beside what categories are mapped to."""

from collections.abc import Mapping
from dataclasses import replace
from threading import get_ident
from typing import Any

import grpc
import pytest

from connector.categories import actions, rpc
from connector.categories.model.tree import Category, Outcome
from connector.runtime import Runtime
from connector.taxonomy import Entry, Kind, read
from stormcom.facebook.v1 import category_service_pb2 as pb
from stormcom.facebook.v1.category_pb2 import TAXONOMY_KIND_GOOGLE, TAXONOMY_KIND_META, EffectiveCategory, TaxonomyEntry
from tests.integration.catalog.shop import reason_of
from tests.integration.categories.tree import Tree, category
from tests.integration.conftest import STORE

FULL = read("# Edition 7\n166 - Apparel & Accessories\n1604 - Apparel & Accessories > Clothing\n")


@pytest.fixture
def informed(runtime: Runtime) -> Runtime:
    """The runtime of a connector that was given Google's list."""
    return replace(runtime, taxonomies={**runtime.taxonomies, Kind.GOOGLE: FULL})


async def test_without_a_list_the_topmost_are_found(tree: Tree) -> None:
    """Google's topmost categories are known by themselves, and the answer says that this is not all; of Meta's none are."""
    asked = pb.SearchTaxonomyRequest(store_id=STORE, words="baby", kind=TAXONOMY_KIND_GOOGLE)
    answer = await tree.stub.SearchTaxonomy(asked)
    assert ([TaxonomyEntry(id="537", path="Baby & Toddler")], "") == (list(answer.entries), answer.edition)
    asked.kind = TAXONOMY_KIND_META
    assert [] == list((await tree.stub.SearchTaxonomy(asked)).entries)


async def test_with_a_list_the_best_is_found_first(informed: Runtime) -> None:
    """Entries come best first, as many as asked for, with the list's edition."""
    answer = await rpc.search_taxonomy(informed, pb.SearchTaxonomyRequest(store_id=STORE, words="clothing", limit=1))
    assert (["1604"], "Edition 7") == ([one.id for one in answer.entries], answer.edition)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (pb.SearchTaxonomyRequest(), ("FIELD_REQUIRED", "words")),
        (pb.SearchTaxonomyRequest(words="x" * 251), ("FIELD_TOO_LONG", "words")),
        (pb.SearchTaxonomyRequest(words="x", limit=51), ("FIELD_INVALID", "limit")),
        (pb.SearchTaxonomyRequest(words="x", kind=9), ("FIELD_INVALID", "kind")),  # type: ignore[arg-type] # of a newer contract
    ],
)
async def test_a_wrong_search_is_refused(
    channel: grpc.aio.Channel, tree: Tree, asked: pb.SearchTaxonomyRequest, expected: tuple[str, str]
) -> None:
    """The wrong field is named."""
    asked.store_id = STORE
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await tree.stub.SearchTaxonomy(asked)
    assert expected == reason_of(caught.value, "field")


async def test_what_the_taxonomy_says_is_told(tree: Tree, informed: Runtime) -> None:
    """A mapping is shown with its path and whether it was found in the full list, which may come after it was set."""
    await tree.set(category("men", google_product_category="1604", fb_product_category="429"))
    (men,) = (await rpc.list_categories(informed, pb.ListCategoriesRequest(store_id=STORE))).categories
    path = "Apparel & Accessories > Clothing"
    assert EffectiveCategory(value="1604", path=path, category_id="men", verified=True) == men.google
    assert EffectiveCategory(value="429", category_id="men") == men.meta
    assert not (await tree.list())["men"].google.verified


class _Watched(dict[str, Entry]):
    """Entries that know which threads looked for them."""

    def __init__(self, entries: Mapping[str, Entry]) -> None:
        super().__init__(entries)
        self.threads: set[int] = set()

    def get(self, *asked: Any) -> Any:
        """Look an entry up."""
        self.threads.add(get_ident())
        return super().get(*asked)


async def test_nobody_waits_for_advice(tree: Tree, runtime: Runtime) -> None:
    """Mappings are looked up beside the loop that serves all callers: hundreds of wrong ones take seconds."""
    entries = _Watched(FULL.by_id)
    taxonomies = {**runtime.taxonomies, Kind.GOOGLE: replace(FULL, by_id=entries)}
    await tree.set(category("men"))  # the connection is there
    wrong = [Category(f"c{number}", 1, "", "C", google="Clothes") for number in range(3)]
    results = await actions.set_categories(replace(runtime, taxonomies=taxonomies), STORE, "", wrong, allow_live=False)
    assert {Outcome.REJECTED} == {one.outcome for one in results}
    assert entries.threads
    assert get_ident() not in entries.threads
