"""The commands of adoption as they are typed: what they send, what they print, how they end."""

from collections.abc import Callable
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from client.cli import app
from stormcom.facebook.v1.adoption_pb2 import (
    ADOPTION_PLAN_ADOPT,
    ADOPTION_PLAN_LEAVE,
    ADOPTION_PLAN_REPLACE,
    ScannedItem,
)
from stormcom.facebook.v1.adoption_service_pb2 import (
    AdoptionDecision,
    ApplyAdoptionRequest,
    ApplyAdoptionResponse,
    ListScannedItemsRequest,
    ListScannedItemsResponse,
    PlanAdoptionRequest,
    PlanAdoptionResponse,
    ScanCatalogResponse,
)
from stormcom.facebook.v1.catalog_service_pb2 import (
    ItemName,
    ResolvedName,
    ResolveRetailerIdsRequest,
    ResolveRetailerIdsResponse,
)
from stormcom.facebook.v1.operation_pb2 import Operation
from stormcom.facebook.v1.operation_service_pb2 import WatchOperationResponse

Connector = Any
Type = Callable[..., Result]
MUG = ScannedItem(
    retailer_id="MUG", title="A mug", product_id="mug", own_retailer_id="sc_mug", rule=ScannedItem.RULE_SKU,
    plan=ADOPTION_PLAN_ADOPT, duplicate=True, decided=True,
)  # fmt: skip


@pytest.fixture
def type_in(connector: Connector) -> Type:
    """Type a command, as a person on a terminal would."""

    def typed(*words: str) -> Result:
        options = ("--address", connector.address, "--token", "t", "--store", "s", "--no-json")
        return CliRunner().invoke(app, [*options, *words])

    return typed


def test_names_are_resolved_in_both_directions(connector: Connector, type_in: Type) -> None:
    """Ids and products are asked together and told in that order; an unknown one ends with 1."""
    item = ItemName(retailer_id="MUG", product_id="p", variant_id="v")
    known = ResolvedName(found=True, item=item, aliases=["sc_p.v"], wanted=True)
    gone = ResolvedName(found=True, item=item)
    connector.on("ResolveRetailerIds", ResolveRetailerIdsResponse(names=[known, ResolvedName(), gone]))
    result = type_in("resolve", "sc_p.v", "none", "--product", "p/v")
    told = ["sc_p.v: MUG is p/v, before: sc_p.v", "none: unknown", "p/v: MUG is p/v (not wanted any more)"]
    assert (1, told) == (result.exit_code, result.stdout.splitlines())
    asked = [ItemName(retailer_id="sc_p.v"), ItemName(retailer_id="none"), ItemName(product_id="p", variant_id="v")]
    assert asked == list(connector.asked_for(ResolveRetailerIdsRequest)[0].names)


def test_a_scan_is_watched_to_its_end(connector: Connector, type_in: Type) -> None:
    """With --watch, the command ends as the scan does."""
    running = Operation(operation_id="op", state=Operation.STATE_RUNNING)
    ended = Operation(operation_id="op", state=Operation.STATE_SUCCEEDED, total_count=7, confirmed_count=7)
    connector.on("ScanCatalog", ScanCatalogResponse(operation=running))
    connector.on("WatchOperation", lambda _: [WatchOperationResponse(operation=ended)])
    result = type_in("scan", "--watch")
    assert (0, "op SUCCEEDED, 7 confirmed, 0 rejected of 7\n") == (result.exit_code, result.stdout)


def test_what_was_found_is_listed(connector: Connector, type_in: Type) -> None:
    """A line per item: what it is, what is planned, by which rule, and what is odd about it."""
    connector.on("ListScannedItems", ListScannedItemsResponse(items=[MUG]))
    result = type_in("scanned", "--plan", "adopt", "--finding", "duplicate")
    for words in ("MUG", "A mug", "ADOPT (decided)", "SKU", "stands twice"):
        assert words in result.stdout
    asked = connector.asked_for(ListScannedItemsRequest)[0]
    assert (ADOPTION_PLAN_ADOPT, ListScannedItemsRequest.FINDING_DUPLICATE) == (asked.plan, asked.finding)


@pytest.mark.parametrize(
    "words", [("scanned", "--plan", "steal"), ("scanned", "--finding", "x"), ("plan", "keep", "MUG"), ("resolve",)]
)
def test_a_wrong_word_is_told(type_in: Type, words: tuple[str, ...]) -> None:
    """An option that there is not ends with 2 and names those there are."""
    assert 2 == type_in(*words).exit_code


def test_decisions_name_items_and_maybe_the_product(connector: Connector, type_in: Type) -> None:
    """Several items are decided alike; one may be told to be a product."""
    connector.on("PlanAdoption", PlanAdoptionResponse(items=[MUG]))
    assert "MUG: ADOPT (decided) sc_mug\n" == type_in("plan", "adopt", "MUG", "--product", "mug/blue").stdout
    assert 0 == type_in("plan", "leave", "A", "B").exit_code
    assert 2 == type_in("plan", "replace", "A", "B", "--product", "p").exit_code
    one, both = (list(request.decisions) for request in connector.asked_for(PlanAdoptionRequest))
    assert [AdoptionDecision(retailer_id="MUG", plan=ADOPTION_PLAN_ADOPT, product_id="mug", variant_id="blue")] == one
    assert [AdoptionDecision(retailer_id=name, plan=ADOPTION_PLAN_LEAVE) for name in ("A", "B")] == both
    assert ADOPTION_PLAN_REPLACE not in {decision.plan for decision in (*one, *both)}


def test_a_dry_run_only_counts(connector: Connector, type_in: Type) -> None:
    """What would happen is told in one line, the guard's word included."""
    connector.on(
        "ApplyAdoption", ApplyAdoptionResponse(adopt_count=3, replace_count=60, leave_count=1, needs_confirmation=True)
    )
    told = "3 to adopt, 60 to replace, 1 left alone, 0 no longer possible. The guard wants it confirmed.\n"
    assert (0, told) == ((result := type_in("adopt", "--dry-run")).exit_code, result.stdout)
    assert connector.asked_for(ApplyAdoptionRequest)[0].dry_run
