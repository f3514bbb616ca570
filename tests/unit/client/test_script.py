"""What carries the tour: expectations that are kept, waiting that ends, events heard in the background."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import grpc
import pytest
from rich.console import Console

from client.call import Caller
from client.catalogues.terms import Problem
from client.failures import CallFailed
from client.tour.__main__ import finish, walk
from client.tour.script import Listener, Tour, Unmet
from client.tour.simulation import Simulation, World
from stormcom.facebook.v1.event_pb2 import Event
from stormcom.facebook.v1.event_service_pb2 import SubscribeResponse

Connector = Any
SHORT = timedelta(milliseconds=100)


@pytest.fixture
def tour(caller: Caller) -> Tour:
    """Return a tour that has not begun; its output is kept."""
    console = Console(record=True, width=120, quiet=True)
    return Tour(caller, Simulation("http://127.0.0.1:1"), console, World("1", "2", "3", "7", "8"))


def test_one_unmet_expectation_fails_the_tour(tour: Tour) -> None:
    """The exit code is 0 only when every expectation held."""
    tour.expect(True, "one thing")
    with pytest.raises(SystemExit) as good:
        finish(tour)
    tour.expect(0, "another thing")
    with pytest.raises(SystemExit) as bad:
        finish(tour)
    assert (0, 1, ["another thing"]) == (good.value.code, bad.value.code, tour.failures)


def test_what_the_rest_stands_on_ends_the_tour(tour: Tour) -> None:
    """A requirement gives back what it was about, or ends the walk."""
    assert "held" == tour.require("held", "something")
    with pytest.raises(Unmet):
        tour.require(None, "something else")
    assert ["something else"] == tour.failures


def test_waiting_ends(tour: Tour) -> None:
    """What does not come in time is an expectation that did not hold."""
    looks = iter([None, None, "there"])
    assert "there" == tour.wait_for(lambda: next(looks), "it comes")
    with pytest.raises(Unmet):
        tour.wait_for(lambda: None, "it never comes", patience=SHORT)
    assert ["it never comes within 0.1 s"] == tour.failures


def test_a_broken_call_fails_the_tour(connector: Connector, tour: Tour) -> None:
    """A connector that refuses is told by the tour, and counts as a failure."""
    walk(tour, iter([Problem("line 1", "", "never read")]))
    assert ["Connect: UNIMPLEMENTED: no answer for Connect"] == [text.split(" [")[0] for text in tour.failures]


def test_events_are_heard_in_the_background(connector: Connector, caller: Caller) -> None:
    """An event is found whether it came before or after somebody asked for it; one that does not come is none."""
    connector.on("Subscribe", lambda _: [SubscribeResponse(event=Event(event_id=name, position=name)) for name in "ab"])
    listener = Listener(caller)
    assert ["b", "a"] == [found.event_id for name in "ba" if (found := listener.wait_for(named(name)))]
    assert listener.wait_for(named("c"), patience=SHORT) is None


def test_a_stream_that_fails_is_told(connector: Connector, caller: Caller) -> None:
    """Whoever waits for an event learns that none can come."""
    with pytest.raises(CallFailed) as caught:
        Listener(caller).wait_for(named("a"))
    assert grpc.StatusCode.UNIMPLEMENTED == caught.value.code


def named(name: str) -> Callable[[Event], bool]:
    """Return what recognises an event by its id."""
    return lambda event: event.event_id == name
