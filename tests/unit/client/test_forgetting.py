"""People's data from the command line."""

from collections.abc import Callable
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from client.cli import app
from stormcom.facebook.v1.admin_service_pb2 import (
    DeletePersonalDataRequest,
    DeletePersonalDataResponse,
    Deletion,
    GetPrivacySettingsResponse,
    ListDeletionsResponse,
    PrivacySettings,
    UpdatePrivacySettingsResponse,
)

Run = Callable[..., Result]


@pytest.fixture
def run(connector: Any) -> Run:
    """Return `fbconnector` for the scripted connector, with people's output."""
    options = ("--address", connector.address, "--token", "t", "--store", "s", "--no-json")
    return lambda *words: CliRunner().invoke(app, [*options, *words], env={"COLUMNS": "200"})


@pytest.mark.parametrize(
    ("option", "field"),
    [("--psid", "psid"), ("--conversation", "conversation_id"), ("--merchant", "meta_user_id"), ("--email", "email")],
)
def test_a_person_is_named_by_one_word(connector: Any, run: Run, option: str, field: str) -> None:
    """Each way to name a person reaches its own field, and the deletion is told."""
    connector.on("DeletePersonalData", DeletePersonalDataResponse(deletion=Deletion(deletion_id="d1")))
    assert "d1 ends by" in run("forget", option, "x").stdout
    (wish,) = connector.asked_for(DeletePersonalDataRequest)
    assert ("x", True) == (getattr(wish, field), bool(wish.request_id))


@pytest.mark.parametrize("words", [(), ("--psid", "1", "--email", "a@b.example")], ids=["nobody", "two"])
def test_nobody_is_deleted_by_mistake(connector: Any, run: Run, words: tuple[str, ...]) -> None:
    """Without a person, or with two, nothing is asked for."""
    assert 2 == run("forget", *words).exit_code


def test_the_ledger_is_listed(connector: Any, run: Run) -> None:
    """Every deletion is shown with what it removed."""
    deletion = Deletion(deletion_id="d1", state=Deletion.STATE_DONE, caller="support", removed={"messages": 3})
    connector.on("ListDeletions", ListDeletionsResponse(deletions=[deletion]))
    shown = run("deletions").stdout
    assert [] == [word for word in ("d1", "DONE", "support", "3 messages") if word not in shown]


def test_the_days_are_told_and_set(connector: Any, run: Run) -> None:
    """Without days the setting is told, with days it is set."""
    connector.on("GetPrivacySettings", GetPrivacySettingsResponse(settings=PrivacySettings(message_days=730)))
    connector.on("UpdatePrivacySettings", UpdatePrivacySettingsResponse(settings=PrivacySettings(message_days=90)))
    assert ("730 days" in run("retention").stdout, "90 days" in run("retention", "90").stdout) == (True, True)
