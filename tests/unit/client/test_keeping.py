"""Tokens, and ways to leave, from the command line."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from client.cli import app
from stormcom.facebook.v1.connection_pb2 import Connection
from stormcom.facebook.v1.connector_service_pb2 import DisconnectRequest, DisconnectResponse
from stormcom.facebook.v1.operation_pb2 import Operation
from stormcom.facebook.v1.token_pb2 import TokenInspection
from stormcom.facebook.v1.token_service_pb2 import (
    InspectTokenResponse,
    RevokeTokensResponse,
    RotateTokenRequest,
    RotateTokenResponse,
)

Run = Callable[..., Result]
DEAD = TokenInspection(kind=TokenInspection.KIND_USER, meta_type="USER", meta_code=190, meta_subcode=460)
ALIVE = TokenInspection(kind=TokenInspection.KIND_PAGE, meta_type="PAGE", valid=True)


@pytest.fixture
def run(connector: Any) -> Run:
    """Return `fbconnector` for the scripted connector, with people's output."""
    options = ("--address", connector.address, "--token", "t", "--store", "s", "--no-json")
    return lambda *words: CliRunner().invoke(app, [*options, *words], env={"COLUMNS": "200"})


def test_what_the_tokens_are_is_told(connector: Any, run: Run) -> None:
    """Each token's life and end, and what is missing."""
    connector.on("InspectToken", InspectTokenResponse(inspections=[DEAD, ALIVE], missing_scopes=["pages_messaging"]))
    told = run("tokens").stdout
    assert "USER token (USER) is dead (190/460), without an end." in told
    assert "PAGE token (PAGE) is alive" in told
    assert "Missing: pages_messaging." in told


def test_a_new_token_comes_from_a_file(connector: Any, run: Run, tmp_path: Path) -> None:
    """The token in the file is handed in without its line end; without a file Meta is to renew the present one."""
    connector.on("RotateToken", RotateTokenResponse(inspections=[ALIVE]))
    (tmp_path / "token.txt").write_text("EAAnew\n")
    assert 0 == run("rotate", str(tmp_path / "token.txt"), "--allow-fewer-scopes").exit_code
    assert 0 == run("rotate").exit_code
    first, second = connector.asked_for(RotateTokenRequest)
    assert ("EAAnew", True, "", False) == (
        first.access_token, first.allow_fewer_scopes, second.access_token, second.allow_fewer_scopes,
    )  # fmt: skip


def test_an_empty_file_is_no_wish_to_renew(connector: Any, run: Run, tmp_path: Path) -> None:
    """A file without a token is refused before anything is asked for."""
    connector.on("RotateToken", RotateTokenResponse(inspections=[ALIVE]))
    (tmp_path / "token.txt").write_text("\n")
    assert 2 == run("rotate", str(tmp_path / "token.txt")).exit_code
    assert [] == connector.asked_for(RotateTokenRequest)


def test_ended_tokens_are_told(connector: Any, run: Run) -> None:
    """After `revoke` the state and its reason stand on the screen."""
    ended = Connection(connection_id="c1", state=Connection.STATE_NEEDS_LOGIN, reason="TOKENS_REVOKED")
    connector.on("RevokeTokens", RevokeTokensResponse(connection=ended))
    assert "c1 is NEEDS_LOGIN: TOKENS_REVOKED." in run("revoke").stdout


@pytest.mark.parametrize(
    ("word", "choice"),
    [
        ("keep", DisconnectRequest.CATALOG_CHOICE_KEEP),
        ("hide", DisconnectRequest.CATALOG_CHOICE_HIDE),
        ("delete-ours", DisconnectRequest.CATALOG_CHOICE_DELETE_OURS),
    ],
)
def test_who_leaves_chooses(connector: Any, run: Run, word: str, choice: Any) -> None:
    """Each choice reaches the connector, with how many items it is about and the operation to watch."""
    leaving = Connection(connection_id="c1", state=Connection.STATE_DISCONNECTING)
    answer = DisconnectResponse(connection=leaving, operation=Operation(operation_id="op"), item_count=7)
    connector.on("Disconnect", answer)
    told = run("disconnect", "--catalog", word, "--dry-run").stdout
    assert all(part in told for part in ("c1 is DISCONNECTING", "7 items of ours.", "Operation op."))
    (wish,) = connector.asked_for(DisconnectRequest)
    assert (choice, True) == (wish.catalog_choice, wish.dry_run)


def test_another_choice_is_refused(run: Run) -> None:
    """A word that is none of the three is named."""
    assert 2 == run("disconnect", "--catalog", "burn").exit_code
