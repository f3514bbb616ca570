"""The ledger notices every kind of wrong: an unnoticed one would make all the disasters' tests worthless."""

import pytest

from tests.e2e.ledger import Balance, Value, compare, remaining, waiting

MUST_BE: dict[str, Value] = {"a": ("Mug", 3), "b": ("Cup", 1)}
GOOD: list[tuple[str, Value]] = [("a", ("Mug", 3)), ("b", ("Cup", 1))]


def test_a_right_book_balances() -> None:
    """When both sides agree, all five counts are zero."""
    assert Balance() == compare("items", MUST_BE, GOOD)
    assert {"lost": 0, "doubled": 0, "phantom": 0, "drifted": 0, "stuck": 0} == Balance().counts


@pytest.mark.parametrize(
    ("there_is", "kind", "what"),
    [
        ([("a", ("Mug", 3))], "lost", "items: b"),
        ([], "lost", "items: a"),
        ([*GOOD, ("b", ("Cup", 1))], "doubled", "items: b"),
        ([*GOOD, ("c", ("Pot", 9))], "phantom", "items: c"),
        ([("a", ("Mug", 2)), ("b", ("Cup", 1))], "drifted", "items: a must be ('Mug', 3), is ('Mug', 2)"),
        ([*GOOD, ("a", ("Mug", 2))], "drifted", "items: a must be ('Mug', 3), is ('Mug', 3)"),
    ],
)
def test_a_wrong_book_is_noticed(there_is: list[tuple[str, Value]], kind: str, what: str) -> None:
    """A missing, repeated, foreign or changed entry is counted under its own kind and named."""
    balance = compare("items", MUST_BE, there_is)
    assert what in getattr(balance, kind)
    assert balance != Balance()


def test_waiting_is_stuck() -> None:
    """What has not settled when everything should have is stuck, and nothing else is."""
    states = [("a", "CONFIRMED"), ("b", "SENT"), ("c", "REJECTED")]
    balance = waiting("items", states, settled=frozenset({"CONFIRMED", "REJECTED"}))
    assert Balance(stuck=("items: b is SENT",)) == balance


def test_counters_are_stuck_until_zero() -> None:
    """Every unit of a counter that must be zero is one stuck thing."""
    assert Balance(stuck=("backlog: tasks", "backlog: tasks")) == remaining("backlog", {"tasks": 2, "failed": 0})


def test_books_add_up() -> None:
    """The balance of several books holds the troubles of each."""
    total = compare("items", MUST_BE, GOOD[:1]) + compare("replies", MUST_BE, [*GOOD, GOOD[0]])
    assert ({"items: b"}, {"replies: a"}) == (set(total.lost), set(total.doubled))
    assert {"lost": 1, "doubled": 1, "phantom": 0, "drifted": 0, "stuck": 0} == total.counts
