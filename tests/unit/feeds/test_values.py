"""What Meta's findings on a file come to."""

from datetime import timedelta

import pytest

from connector.feeds.model.values import FeedError, Findings, Severity, State, look_delay, outcome


def _error(*samples: str, severity: Severity = Severity.FATAL, total: int = 0) -> FeedError:
    return FeedError(severity, "TYPE", "Words", total or len(samples), samples)


@pytest.mark.parametrize(
    ("row_count", "findings", "told", "state"),
    [
        (2, Findings(True, 2, 2), True, State.SUCCEEDED),
        (2, Findings(True, 2, 1, 1, errors=(_error("b"),)), True, State.PARTIALLY_SUCCEEDED),
        (3, Findings(True, 3, 1, 2, errors=(_error("b", total=2),)), False, State.PARTIALLY_SUCCEEDED),
        (3, Findings(True, 3, 1, 2, errors=(_error("b"), _error("b"))), False, State.PARTIALLY_SUCCEEDED),
        (3, Findings(True, 3, 2, 0), False, State.PARTIALLY_SUCCEEDED),
        (3, Findings(True, 2, 2), False, State.PARTIALLY_SUCCEEDED),
        (3, Findings(True), False, State.PARTIALLY_SUCCEEDED),
        (2, Findings(True, 2, 2, errors=(_error("a", severity=Severity.WARNING),)), True, State.SUCCEEDED),
        (1, Findings(True, errors=(_error(total=1),)), False, State.FAILED),
        (0, Findings(True), True, State.SUCCEEDED),
    ],
    ids=[
        "all",
        "named",
        "not all named",
        "one named twice",
        "lost",
        "cut short",
        "uncounted",
        "warned",
        "unusable",
        "empty",
    ],
)
def test_only_what_meta_names_counts_as_refused(
    row_count: int,
    findings: Findings,
    told: bool,  # noqa: FBT001 – a column of the table
    state: State,
) -> None:
    """The others are known to be in exactly when every row of the file that is not in is named."""
    assert (told, state) == (findings.told(row_count), outcome(findings, row_count, failed=False))


def test_words_are_joined_by_item() -> None:
    """An item with several errors has all their words, once each; warnings are kept apart."""
    other = FeedError(Severity.FATAL, "TYPE", "Others", 1, ("a",))
    findings = Findings(
        True, 2, 0, 2, errors=(_error("a", "b"), other, _error("a"), _error("c", severity=Severity.WARNING))
    )
    assert {"a": "Words; Others", "b": "Words"} == findings.words(Severity.FATAL)
    assert {"c": "Words"} == findings.words(Severity.WARNING)


def test_looks_become_rare() -> None:
    """The first look comes after two seconds, later ones once a minute."""
    assert (timedelta(seconds=2), timedelta(minutes=1)) == (look_delay(0), look_delay(50))


def test_a_failure_of_ours_is_a_failure() -> None:
    """An upload that was given up has failed, whatever Meta found."""
    assert State.FAILED is outcome(Findings(True, 2, 2), 2, failed=True)
