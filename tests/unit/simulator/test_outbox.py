"""Webhook updates become deliveries as Meta makes them."""

import json
from typing import Any

import pytest

from simulator.outbox import GIVE_UP_SECONDS, Delivery
from simulator.state import Application, Subscription
from simulator.world import World
from tests.unit.simulator.worlds import APP_ID, new_world


def _listening(**switches: Any) -> tuple[World, Application]:
    world = new_world(**switches)
    app = world.apps[APP_ID]
    app.subscriptions["page"] = Subscription("page", "http://hooks.test/", ["messages", "feed"], "verify")
    return world, app


def _packed(world: World) -> list[Delivery]:
    world.outbox.pack()
    return list(world.outbox.take_due())


def test_updates_of_one_moment_travel_together() -> None:
    """Updates of several Pages share a POST, one entry per Page and kind."""
    world, app = _listening()
    for page, text in (("1", "a"), ("2", "b"), ("1", "c")):
        world.outbox.tell(app, "page", page, "messaging", {"message": {"text": text}})
    (delivery,) = _packed(world)
    document = json.loads(delivery.body)
    assert [("1", ["a", "c"]), ("2", ["b"])] == [
        (entry["id"], [event["message"]["text"] for event in entry["messaging"]]) for entry in document["entry"]
    ]


def test_a_post_carries_at_most_so_many_updates() -> None:
    """2,500 updates need three POSTs of at most 1,000."""
    world, app = _listening()
    for number in range(2_500):
        world.outbox.tell(app, "page", "1", "messaging", {"n": number})
    assert [1_000, 1_000, 500] == [delivery.updates for delivery in _packed(world)]


def test_without_values_only_the_fields_are_named() -> None:
    """A subscription without include_values gets changed_fields instead of changes."""
    world, app = _listening()
    app.subscriptions["page"].include_values = False
    world.outbox.tell(app, "page", "1", "changes", {"field": "feed", "value": {"item": "post"}})
    entry = json.loads(_packed(world)[0].body)["entry"][0]
    assert (["feed"], False) == (entry["changed_fields"], "changes" in entry)


@pytest.mark.parametrize(("share", "least", "most"), [(0.0, 200, 200), (0.5, 240, 360), (1.0, 400, 400)])
def test_duplicates_come_by_their_share(share: float, least: int, most: int) -> None:
    """So large a share of updates is told twice."""
    world, app = _listening(duplicate_share=share)
    for number in range(200):
        world.outbox.tell(app, "page", "1", "messaging", {"n": number})
    assert least <= len(world.outbox.updates) <= most


def test_reordered_updates_are_overtaken_but_not_lost() -> None:
    """With reordering on, later updates leave first, and in the end all have left once."""
    world, app = _listening(reorder_share=0.5, reorder_seconds=5.0)
    for number in range(100):
        world.outbox.tell(app, "page", "1", "messaging", {"n": number})
    left = []
    for _ in range(60):
        for delivery in _packed(world):
            left += [event["n"] for entry in json.loads(delivery.body)["entry"] for event in entry["messaging"]]
        world.clock.advance(0.1)
    assert (sorted(left), True) == (list(range(100)), left != sorted(left))


def test_what_was_dropped_meanwhile_is_not_tried_again() -> None:
    """A delivery under way when its Page lost the subscription ends there, and so do the Page's waiting updates."""
    world, app = _listening(webhook_gather_seconds=60.0)
    world.outbox.tell(app, "page", "1", "messaging", {"n": 1})
    world.clock.advance(60)
    (delivery,) = _packed(world)
    world.outbox.tell(app, "page", "1", "messaging", {"n": 2})
    world.outbox.drop(app.id, "1")
    world.outbox.settle(delivery, "500")
    assert ("dropped", [], None) == (delivery.state, world.outbox.updates, world.outbox.next_due())


def test_failures_are_retried_ever_more_rarely_and_given_up() -> None:
    """A delivery is tried again at once, then less and less often, and dropped after 36 hours."""
    world, app = _listening()
    world.outbox.tell(app, "page", "1", "messaging", {"n": 1})
    world.outbox.pack()
    pauses = []
    (delivery,) = world.outbox.waiting.values()
    while delivery.state != "dropped":
        world.clock.advance(max(0.0, delivery.due - world.clock.now()))
        world.outbox.take_due()
        world.outbox.settle(delivery, "500")
        pauses.append(delivery.due - world.clock.now())
    pauses = [round(pause) for pause in pauses[:-1]]
    assert (0, sorted(pauses)) == (pauses[0], pauses)
    assert world.clock.now() - delivery.create_time >= GIVE_UP_SECONDS
    assert {} == world.outbox.waiting
