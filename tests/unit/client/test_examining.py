"""`fbconnector doctor`: what a connection lacks, who mends it, and which button."""

from collections.abc import Callable
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from client.cli import app
from stormcom.facebook.v1.check_pb2 import Check
from stormcom.facebook.v1.diagnostic_pb2 import Explanation
from stormcom.facebook.v1.health_service_pb2 import ListChecksResponse, RunDiagnosticsResponse

Run = Callable[..., Result]
WELL = Check(
    kind=Check.KIND_CATALOG, state=Check.STATE_OK, cause="CATALOG_OURS", title="The catalog is the business's own."
)
ILL = Check(
    kind=Check.KIND_PAGE_TASKS,
    state=Check.STATE_FAILED,
    cause="TASKS_LACKING",
    title="The role is too small.",
    remedy="Somebody gives more.",
    owner=Explanation.OWNER_MERCHANT,
    link="https://page.example/",
    fix_rpc="Connect.begin",
    evidence={"missing": "MESSAGING"},
)


@pytest.fixture
def run(connector: Any) -> Run:
    """Return `fbconnector` for the scripted connector, with people's output."""
    options = ("--address", connector.address, "--token", "t", "--store", "s", "--no-json")
    return lambda *words: CliRunner().invoke(app, [*options, *words])


def test_a_failure_is_told_with_its_button(connector: Any, run: Run) -> None:
    """Each check is told as it comes: what is well in a line, what is not with owner, remedy, button, page and what was seen."""
    connector.on("RunDiagnostics", lambda _: [RunDiagnosticsResponse(check=check) for check in (WELL, ILL)])
    done = run("doctor")
    assert [
        "OK      catalog: The catalog is the business's own.",
        "FAILED  page tasks: The role is too small.",
        "up to merchant: Somebody gives more.",
        "then Connect.begin",
        "https://page.example/",
        "seen: missing MESSAGING",
    ] == [line.strip() for line in done.stdout.splitlines()]
    assert 1 == done.exit_code


def test_all_well_ends_well(connector: Any, run: Run) -> None:
    """When nothing fails, the exit code says so."""
    connector.on("RunDiagnostics", lambda _: [RunDiagnosticsResponse(check=WELL)])
    assert 0 == run("doctor").exit_code


def test_what_was_seen_last_is_listed_without_asking(connector: Any, run: Run) -> None:
    """`--last` reads what is remembered."""
    connector.on("ListChecks", ListChecksResponse(checks=[ILL]))
    done = run("doctor", "--last")
    assert "page tasks: The role is too small." in done.stdout
    assert 1 == done.exit_code
