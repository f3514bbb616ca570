"""The script of a storm is the same for the same seed, and its posts travel as often and as late as they should."""

import json
import random
from collections import Counter
from itertools import pairwise

from tests.e2e.storm.script import MOST_PER_POST, Script, shuffled

PEOPLE = {"31": ["71", "72"], "32": ["73"]}
BEGIN_MS = 1_795_300_000_000


def test_a_script_is_repeatable() -> None:
    """The same seed makes the same posts; what they tell of is what must be true in the end."""
    first, second = (Script(PEOPLE, random.Random(7), begin_ms=BEGIN_MS) for _ in range(2))  # noqa: S311 – to be repeatable
    posts = list(first.posts(200))
    assert posts == list(second.posts(200))
    told = [frame for post in posts for entry in json.loads(post)["entry"] for frame in entry["messaging"]]
    new = {one["message"]["mid"] for one in told if "message" in one and "is_deleted" not in one["message"]}
    assert new == {one.mid for talk in first.talks.values() for one in talk.said}
    assert 200 < len(told) <= 200 * MOST_PER_POST
    assert len(told) == len({frame["timestamp"] for frame in told})


def test_posts_travel_twice_and_out_of_order() -> None:
    """Every post travels, about a tenth twice, about a fifth behind later ones, and none more than twice."""
    order = shuffled(1_000, random.Random(7))  # noqa: S311 – as above
    times = Counter(order)
    late = sum(place < before for before, place in pairwise(order))
    assert set(range(1_000)) == set(order)
    assert {1, 2} == set(times.values())
    assert 70 < sum(many == 2 for many in times.values()) < 130
    assert late > 150
