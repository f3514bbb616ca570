"""`fbconnector events`: dead letters, redrive, replay and consumers as they are typed."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from client.cli import app
from stormcom.facebook.v1.event_pb2 import Event, OperationChanged
from stormcom.facebook.v1.event_service_pb2 import (
    Consumer,
    DeadLetter,
    ListConsumersResponse,
    ListDeadLettersResponse,
    RedriveDeadLettersRequest,
    RedriveDeadLettersResponse,
    ReplayEventsRequest,
    ReplayEventsResponse,
)

Connector = Any
Run = Callable[..., Result]


@pytest.fixture
def run(connector: Connector) -> Run:
    """Return `fbconnector` for the scripted connector, as programs use it."""

    def typed(*words: str) -> Result:
        options = ("--address", connector.address, "--token", "t", "--store", "s", "--json")
        return CliRunner().invoke(app, [*options, "events", *words])

    return typed


def test_dead_letters_are_listed(connector: Connector, run: Run) -> None:
    """Every dead letter is a line with its event and reason."""
    letter = DeadLetter(event=Event(event_id="e1", operation_changed=OperationChanged()), reason="EVENT_REJECTED")
    connector.on("ListDeadLetters", ListDeadLettersResponse(dead_letters=[letter]))
    (line,) = run("dead-letters", "--consumer", "crm").stdout.splitlines()
    assert ("e1", "EVENT_REJECTED") == (json.loads(line)["event"]["eventId"], json.loads(line)["reason"])


def test_consumers_are_listed(connector: Connector, run: Run) -> None:
    """Every consumer is a line with its lag."""
    connector.on("ListConsumers", ListConsumersResponse(consumers=[Consumer(consumer="crm", lag_count=7)]))
    (line,) = run("consumers").stdout.splitlines()
    assert "7" == json.loads(line)["lagCount"]


def test_a_redrive_says_what_and_why(connector: Connector, run: Run) -> None:
    """Ids, or all, and the reason are sent as they are typed."""
    connector.on("RedriveDeadLetters", RedriveDeadLettersResponse())
    assert 0 == run("redrive", "e1", "e2", "--reason", "T-1").exit_code
    assert 0 == run("redrive", "--all", "--reason", "T-1").exit_code
    assert [(["e1", "e2"], False, "T-1"), ([], True, "T-1")] == [
        (list(one.event_ids), one.all, one.reason) for one in connector.asked_for(RedriveDeadLettersRequest)
    ]


def test_a_replay_says_from_when(connector: Connector, run: Run) -> None:
    """A time is sent as a time; one that is none is a wrong option, and nothing is sent."""
    connector.on("ReplayEvents", ReplayEventsResponse(event_count=3))
    done = run("replay", "--since", "2026-11-21T08:00:00Z", "--kind", "alert_raised", "--dry-run", "--reason", "T-1")
    assert "3" == json.loads(done.stdout)["eventCount"]
    assert 2 == run("replay", "--since", "yesterday", "--reason", "T-1").exit_code
    (request,) = connector.asked_for(ReplayEventsRequest)
    assert (1_795_248_000, ["alert_raised"], True) == (request.from_time.seconds, list(request.kinds), request.dry_run)
