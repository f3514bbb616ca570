"""The error catalogue: every row says why, who and how, and none is missing."""

import ast
from pathlib import Path

import pytest
from facebook_business.adobjects.productcatalogdiagnosticgroup import ProductCatalogDiagnosticGroup
from facebook_business.adobjects.productitem import ProductItem

from connector.connections.model import EXPLANATIONS as CAPABILITIES
from connector.connections.model import FIXES
from connector.diagnostics.model.explanations import EXPLANATIONS, explain
from connector.diagnostics.model.rows import Explanation, Kind, Where
from connector.graph.faults import FAULTS, Owner
from connector.rpc.callers import POLICY
from stormcom.facebook.v1.error_reason_pb2 import ErrorReason

CONNECTOR = Path(__file__).parents[3] / "connector"
REASONS = {name.removeprefix("ERROR_REASON_") for name in ErrorReason.DESCRIPTOR.values_by_name} - {"UNSPECIFIED"}


@pytest.mark.parametrize("row", EXPLANATIONS.values(), ids=lambda row: f"{row.kind}:{row.name}")
def test_every_row_says_why_who_and_how(row: Explanation) -> None:
    """A cause and a remedy are sentences, the RPC exists, and the page is complete once its ids are known."""
    assert all(text[0].isupper() and text.endswith(".") for text in (row.cause, row.remedy))
    assert row.fix_rpc in {"", *POLICY}
    link = row.link(catalog_id="1", business_id="2")
    assert "{" not in link
    assert (link == "") == (row.where is Where.NOWHERE)


def test_a_row_per_error_of_an_item_that_metas_sdk_names() -> None:
    """None of Meta's error types is missing, and none is invented."""
    types = {value for name, value in vars(ProductItem.ErrorType).items() if not name.startswith("_")}
    assert types == {name for kind, name in EXPLANATIONS if kind is Kind.ITEM_ERROR}


def test_a_row_per_diagnostic_of_a_catalog_that_metas_sdk_names() -> None:
    """None of Meta's diagnostic types is missing, and none is invented."""
    types = {value for name, value in vars(ProductCatalogDiagnosticGroup.Type).items() if not name.startswith("_")}
    assert types == {name for kind, name in EXPLANATIONS if kind is Kind.CATALOG}


def test_a_row_per_code_of_the_graph_api_that_we_treat_apart() -> None:
    """The table that decides what a code means is the one that explains it."""
    names = {f"{code}/{subcode}" if subcode else str(code) for code, subcode in FAULTS}
    assert names == {name for kind, name in EXPLANATIONS if kind is Kind.GRAPH_CODE}


def _said(*folders: str) -> set[str]:
    """Collect the reasons that code names."""
    files = [file for folder in folders for file in sorted((CONNECTOR / folder).rglob("*.py"))]
    nodes = (node for file in files for node in ast.walk(ast.parse(file.read_text())))
    return {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)} & REASONS


def test_a_row_per_reason_that_a_fault_of_an_item_can_have() -> None:
    """Whatever our checks and Meta's verdicts say of an item is explained, and nothing is explained that is never said."""
    explained = {name for kind, name in EXPLANATIONS if kind is Kind.REASON}
    assert _said("catalog/model") <= explained
    assert explained - FIXES.keys() <= _said("catalog/model", "registry", "readback")


def test_a_row_per_reason_that_stops_a_capability() -> None:
    """Whatever a capability shows as its reason is explained, with who mends it; only Meta and operators have no button."""
    rows = {name: row for (kind, name), row in EXPLANATIONS.items() if kind is Kind.REASON and name in FIXES}
    assert FIXES.keys() - {""} == rows.keys() == CAPABILITIES.keys() - {""}
    assert {"META_POLICY_BLOCKED"} == {
        reason for reason, row in rows.items() if row.owner is Owner.MERCHANT and not row.fix_rpc
    }


def test_what_meta_invented_since_is_told_as_meta_tells_it() -> None:
    """A type nobody knows still has a cause, an owner and a way on."""
    row = explain(Kind.ITEM_ERROR, "BRAND_NEW_TROUBLE")
    assert "BRAND_NEW_TROUBLE" in row.cause
    assert Owner.MERCHANT is row.owner
    assert row.remedy


def test_a_page_is_told_only_when_its_ids_are_known() -> None:
    """A link with a hole in it is no link."""
    row = explain(Kind.ITEM_ERROR, "PRODUCT_NOT_APPROVED")
    assert "" == row.link(catalog_id="1", business_id="")
