"""What is installed is what was looked at."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from connector.floors import FLOORS

ROOT = Path(__file__).parents[2]
LOCKED = re.split(r"\n(?=\S)", (ROOT / "requirements.lock").read_text().strip())


def test_every_dependency_is_pinned_with_its_hashes() -> None:
    """The lock names every package with one version and the hashes of its files, and nothing by another way."""
    pinned = re.compile(r"[\w.-]+==\S+( ; [^\n]+?)?( \\\n +--hash=sha256:[0-9a-f]{64})+")
    assert len(LOCKED) > 50
    assert [] == [one for one in LOCKED if not pinned.fullmatch(one)]


@pytest.mark.parametrize("name", FLOORS)
def test_no_version_with_a_known_hole_can_be_installed(name: str) -> None:
    """Neither the lock nor what the package itself asks for allows a version below the floor."""
    asked = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    [wanted] = [one for one in map(Requirement, asked) if one.name == name]
    lowest = min(Version(one.version) for one in wanted.specifier if one.operator == ">=")
    [locked] = [one.split()[0].partition("==")[2] for one in LOCKED if one.startswith(f"{name}==")]
    assert Version(FLOORS[name][0]) <= lowest <= Version(locked)


@pytest.mark.parametrize("place", ["stack/setup.sh", "Dockerfile"])
def test_only_what_is_locked_is_installed(place: str) -> None:
    """Environments and images are built from the lock with its hashes required, and nothing else is fetched."""
    installs = [line for line in (ROOT / place).read_text().splitlines() if re.search(r"pip install\b.*", line)]
    assert installs
    assert [] == [line for line in installs if "--require-hashes" not in line and "--no-deps" not in line]
