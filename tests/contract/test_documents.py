"""Pages that promise something about the code are true of it."""

import ast
import re
import shlex
import tomllib
from pathlib import Path
from typing import Any

import pytest
import typer

from client.cli import app
from connector.business_extension.graph import wanted_scopes
from connector.connections.graph import INSTAGRAM
from connector.connections.model.needs import scopes_for
from connector.values import CapabilityKind
from stack.methods import write_page

ROOT = Path(__file__).parents[2]
SECURITY, REVIEW = ((ROOT / "docs" / name).read_text() for name in ("security.md", "app-review.md"))
ROWS = re.findall(r"^\| (S\d\d) \| (.+) \| (.+) \| (.+) \|$", SECURITY, re.MULTILINE)
PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]


def known_tests() -> set[str]:
    """The names of all tests."""
    files = (ast.parse(path.read_text()) for path in (ROOT / "tests").rglob("test_*.py"))
    functions = (
        node for file in files for node in file.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )
    return {one.name for one in functions if one.name.startswith("test_")}


def test_every_threat_has_a_row() -> None:
    """The threats are all there, each once."""
    assert [f"S{number:02}" for number in range(1, 36)] == sorted(threat for threat, *_ in ROWS)


def test_what_proves_a_threats_mitigation_exists() -> None:
    """Every test that the page on security names is one of ours, and no threat is without."""
    named = {threat: set(re.findall(r"`(test_\w+)`", proof)) for threat, _, _, proof in ROWS}
    assert [] == [threat for threat, proof in named.items() if not proof]
    assert set() == set().union(*named.values()) - known_tests()


def test_every_permission_that_we_ask_for_is_explained() -> None:
    """The page for Meta's review names exactly the permissions that any of our dialogs asks for."""
    named = re.findall(r"^\| `(\w+)` \|", REVIEW, re.MULTILINE)
    assert sorted({*scopes_for(CapabilityKind), *wanted_scopes(CapabilityKind), INSTAGRAM}) == sorted(named)


def test_every_method_stands_in_one_page() -> None:
    """`docs/methods.md` is exactly what the contract and the table of roles say."""
    again = "write it anew: python -m stack.methods > docs/methods.md"
    assert write_page() == (ROOT / "docs" / "methods.md").read_text(), again


def test_layers_are_told_as_they_are_checked() -> None:
    """What CONTRIBUTING.md says of who imports whom is what the linter enforces, but for the small modules at the end."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    *checked, _small = next(one["layers"] for one in contracts if one["name"] == "Imports point down")
    (said,) = re.findall(r"Imports point down: (.+?) → the small", (ROOT / "CONTRIBUTING.md").read_text(), re.DOTALL)
    assert [_members(layer) for layer in checked] == [_members(layer) for layer in said.split("→")]


def _members(layer: str) -> set[str]:
    return {name.strip("` \n").removeprefix("connector.") for name in layer.split("|")}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    """A link to another page, or to a heading of one, finds it."""
    lost = []
    for target, heading in re.findall(r"\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)", page.read_text()):
        place = page.parent / target if target else page
        headings = re.findall(r"^#+ (.+)$", place.read_text(), re.MULTILINE) if place.suffix == ".md" else []
        if not place.exists() or (heading and heading not in map(_anchor, headings)):
            lost.append((target, heading))
    assert [] == lost


def _anchor(heading: str) -> str:
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_in_pages_exist(page: Path) -> None:
    """Every `fbconnector …` that a page shows is a command of ours, with options that it has."""
    text = page.read_text().replace("\\\n", " ")
    shown = re.findall(r"^fbconnector (.+?)(?:\s+#.*)?$", text, re.MULTILINE) + re.findall(
        r"`fbconnector ([^`]+)`", text
    )
    single = [words for line in shown for words in line.split(" && fbconnector ")]
    assert [] == [words for words in single if not _understood(words.split(" && ")[0])]


def _understood(line: str) -> bool:
    command: Any = typer.main.get_command(app)
    options = {"--help", *(name for one in command.params for name in one.opts)}
    words = shlex.split(line)
    while hasattr(command, "commands") and words and not words[0].startswith("-"):
        if (found := command.commands.get(words.pop(0))) is None:
            return False
        command = found
        options.update(name for one in command.params for name in (*one.opts, *one.secondary_opts))
    return {word.partition("=")[0] for word in words if word.startswith("--")} <= options
