"""Nothing starts on a dependency with a known hole."""

import pytest

from connector import floors


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ("3.14.2", "3.14.3"),
        ("3.9", "3.14"),
        ("3.14.3rc1", "3.14.3"),
        ("3.14.3.dev0", "3.14.3"),
        ("6.33.5", "7.0"),
        ("nonsense", "0.1"),
    ],
)
def test_versions_are_compared_by_number(older: str, newer: str) -> None:
    """A smaller number, or a version before the release, is below; a repackaging of the same release is not."""
    assert floors.reading(older) < floors.reading(newer)
    assert floors.reading(newer) == floors.reading(f"{newer}.0+local1")


def test_what_is_installed_here_is_enough() -> None:
    """The versions of this checkout start."""
    floors.require()
