"""What Meta ends, and when."""

from datetime import UTC, datetime, timedelta

import pytest

from connector.graph.lifecycle import NEAR, RELEASES, SUNSETS, nearing, read_version, retired, version_end
from connector.settings.variables import VARIABLES
from connector.values import CapabilityKind

ORDERS = CapabilityKind.ORDER_MANAGEMENT


@pytest.mark.parametrize(
    ("version", "day", "gone"),
    [
        ("v26.0", "2026-07-28", False),
        ("v26.0", "2026-07-29", True),
        ("v25.0", "2026-07-29", False),
        ("v25.0", "2026-10-26", False),
        ("v25.0", "2026-10-27", True),
        ("v27.0", "2026-07-29", True),
    ],
)
def test_orders_end_by_version_and_day(version: str, day: str, gone: bool) -> None:  # noqa: FBT001 – a column of the table
    """Meta ended order management for new versions first, for all of them three months later."""
    assert gone == (retired(ORDERS, version, at=datetime.fromisoformat(day).replace(tzinfo=UTC)) is not None)


@pytest.mark.parametrize("kind", sorted(set(CapabilityKind) - {ORDERS}))
def test_nothing_else_has_an_end(kind: CapabilityKind) -> None:
    """No other capability is ever retired by date."""
    assert retired(kind, "v26.0", at=datetime(2036, 1, 1, tzinfo=UTC)) is None


@pytest.mark.parametrize(
    ("text", "version"), [("v26.0", (26, 0)), ("v9.1", (9, 1)), ("nonsense", (0, 0)), ("v26", (0, 0)), ("", (0, 0))]
)
def test_a_version_is_read(text: str, version: tuple[int, int]) -> None:
    """What is no version is older than every one."""
    assert version == read_version(text)


@pytest.mark.parametrize(
    ("version", "end"),
    [("v24.0", "2026-10-06"), ("v25.0", "2027-02-16"), ("v26.0", "2027-07-27")],
)
def test_a_version_ends_about_a_year_after_its_release(version: str, end: str) -> None:
    """A version's end for catalogs follows from its release, as v24.0 showed."""
    assert datetime.fromisoformat(end).replace(tzinfo=UTC) == version_end(version)


def test_an_unknown_version_has_no_known_end() -> None:
    """Nothing is claimed of a version that the registry does not know."""
    assert version_end("v99.0") is None


def test_the_version_spoken_by_default_is_in_the_registry() -> None:
    """Whoever raises the default version adds its release, so that operators are warned of its end."""
    default = next(one.default for one in VARIABLES if one.name == "META_GRAPH_VERSION")
    assert read_version(default or "") in RELEASES


def test_an_end_is_warned_of_in_time_and_not_before() -> None:
    """Operators hear of a version's end ninety days before, until it has come."""
    end = version_end("v26.0")
    assert end is not None
    moments = (end - NEAR - timedelta(days=1), end - NEAR, end - timedelta(days=1), end)
    assert [[], ["Graph API v26.0"], ["Graph API v26.0"], []] == [
        [one.what for one in nearing("v26.0", at=moment)] for moment in moments
    ]


@pytest.mark.parametrize("sunset", SUNSETS, ids=lambda one: one.what)
def test_every_end_has_its_source_and_its_words(sunset: object) -> None:
    """A row says where the date is from, and tells the merchant in a sentence."""
    assert sunset.source.startswith(("https://", "Unverified:"))  # type: ignore[attr-defined] # a Sunset
    assert sunset.explanation.endswith(".")  # type: ignore[attr-defined] # a Sunset
