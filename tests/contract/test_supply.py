"""What is installed is what was looked at."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOCKED = re.split(r"\n(?=\S)", (ROOT / "requirements.lock").read_text().strip())


def test_every_dependency_is_pinned_with_its_hashes() -> None:
    """The lock names every package with one version and the hashes of its files, and nothing by another way."""
    pinned = re.compile(r"[\w.-]+==\S+( ; [^\n]+?)?( \\\n +--hash=sha256:[0-9a-f]{64})+")
    assert len(LOCKED) > 50
    assert [] == [one for one in LOCKED if not pinned.fullmatch(one)]


@pytest.mark.parametrize("place", ["stack/setup.sh", "Dockerfile"])
def test_only_what_is_locked_is_installed(place: str) -> None:
    """Environments and images are built from the lock with its hashes required, and nothing else is fetched."""
    installs = [line for line in (ROOT / place).read_text().splitlines() if re.search(r"pip install\b.*", line)]
    assert installs
    assert [] == [line for line in installs if "--require-hashes" not in line and "--no-deps" not in line]
