"""`fbconnector diagnostics` and `explain`: what is wrong and who mends it."""

from collections.abc import Callable
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from client.cli import app
from stormcom.facebook.v1.diagnostic_pb2 import Diagnostic, Explanation
from stormcom.facebook.v1.diagnostic_service_pb2 import (
    ListDiagnosticsResponse,
    ListExplanationsRequest,
    ListExplanationsResponse,
)

Run = Callable[..., Result]
ROW = Explanation(
    name="IMAGE_FETCH_FAILED",
    cause="Meta could not fetch the image.",
    remedy="Make the image public.",
    owner=Explanation.OWNER_STORMCOM,
    fix_rpc="RetryItems",
)


@pytest.fixture
def run(connector: Any) -> Run:
    """Return `fbconnector` for the scripted connector, with people's output."""
    options = ("--address", connector.address, "--token", "t", "--store", "s", "--no-json")
    return lambda *words: CliRunner().invoke(app, [*options, *words])


def test_diagnostics_are_a_table(connector: Any, run: Run) -> None:
    """Each kind of trouble is a row with its count, an example, and who mends it how."""
    trouble = Diagnostic(
        reason=ROW.name,
        source=Diagnostic.SOURCE_ITEM,
        severity=Diagnostic.SEVERITY_MUST_FIX,
        item_count=12,
        sample_retailer_ids=["sc_1", "sc_2", "sc_3"],
        explanation=ROW,
    )
    connector.on("ListDiagnostics", ListDiagnosticsResponse(diagnostics=[trouble]))
    shown = run("diagnostics").stdout
    told = ("MUST_FIX", "ITEM", "IMAGE_FETCH_FAILED", "12", "sc_1, sc_2", "STORMCOM", "Make the image public.")
    assert [] == [one for one in told if one not in shown]


def test_metas_words_are_explained_by_the_connector(connector: Any, run: Run) -> None:
    """What is no reason of ours is looked up in the error catalogue."""
    connector.on("ListExplanations", ListExplanationsResponse(explanations=[ROW]))
    told = run("explain", "image_fetch_failed").stdout
    assert "IMAGE_FETCH_FAILED: Meta could not fetch the image. Make the image public. Then call RetryItems." in told
    assert ["IMAGE_FETCH_FAILED"] == [request.name for request in connector.asked_for(ListExplanationsRequest)]


def test_what_nobody_knows_is_a_wrong_option(connector: Any, run: Run) -> None:
    """A word that is neither ours nor Meta's ends with 2."""
    connector.on("ListExplanations", ListExplanationsResponse())
    assert 2 == run("explain", "NONSENSE").exit_code
