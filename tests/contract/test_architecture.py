"""Rules of the code that no linter knows."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("connector", "jobs", "webhook_ingress", "simulator", "client", "stack")
SOURCES = [
    path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py")) if path.parent.name != "versions"
]
OURS = [path for path in SOURCES if path.relative_to(ROOT).parts[0] in {"connector", "jobs", "webhook_ingress"}]
IDS = [str(path.relative_to(ROOT)) for path in SOURCES]

# One request id, one answer: the claim and the answer are committed around the work of whatever action is called.
# A piece of long work is a transaction: its cursor and the task are kept around whatever an action does in it.
# The pepper is opened once in a process's life, before the transaction of whatever action needs it.
BEGINNERS = {
    "connector/rpc/recording.py",
    "connector/rpc/replies.py",
    "connector/pieces.py",
    "connector/pseudonyms.py",
}


# What may speak to somebody over HTTP: Meta, or the key service behind the vault.
_FAR = ("graph.send", "vault.seal", "vault.open", "vault.rewrap", "open_token", ".access")


def _named(node: ast.AST) -> str:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def _begins(node: ast.AsyncWith) -> bool:
    calls = [item.context_expr for item in node.items if isinstance(item.context_expr, ast.Call)]
    return any(_named(call.func) == "begin" for call in calls)


def _is_action(path: Path) -> bool:
    return path.name == "actions.py" or path.parent.name == "actions"


@pytest.mark.parametrize("path", SOURCES, ids=IDS)
def test_every_file_says_what_it_is_and_stays_short(path: Path) -> None:
    """Every file has a docstring and at most 400 lines."""
    text = path.read_text()
    assert not text.strip() or ast.get_docstring(ast.parse(text))
    assert len(text.splitlines()) <= 400


@pytest.mark.parametrize("path", OURS, ids=lambda path: str(path.relative_to(ROOT)))
def test_transactions_begin_in_actions_and_never_wait_for_http(path: Path) -> None:
    """`begin()` stands only in actions, jobs/ and the ingress, and neither Meta nor a key service is asked inside it."""
    tree = ast.parse(path.read_text())
    begins = [node for node in ast.walk(tree) if isinstance(node, ast.AsyncWith) and _begins(node)]
    name = str(path.relative_to(ROOT))
    assert not begins or _is_action(path) or name.startswith(("jobs/", "webhook_ingress/")) or name in BEGINNERS
    for block in begins:
        sent = [
            node for node in ast.walk(block) if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(_FAR)
        ]
        assert [ast.unparse(node) for node in sent] == []


@pytest.mark.parametrize("path", OURS, ids=lambda path: str(path.relative_to(ROOT)))
def test_whoever_calls_meta_asks_before(path: Path) -> None:
    """Every file that sends calls asks for room in Meta's allowances, or, where a person waits, whether a pause runs."""
    text = path.read_text()
    assert not re.search(r"\bgraph\.send\b", text) or "require_room(" in text or "require_open(" in text


@pytest.mark.parametrize("path", OURS, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_environment_is_read_at_the_entries_only(path: Path) -> None:
    """Nothing but how a process starts (and tracing, whose variable is OpenTelemetry's own) looks at the environment."""
    allowed = path.name in {"__main__.py", "start.py", "tracing.py"} or path.parent.name == "jobs"
    assert allowed or "os.environ" not in path.read_text()


def test_only_one_file_speaks_http_to_meta() -> None:
    """Aiohttp's client is used by connector/graph/client.py alone, and by what fetches callers' keys and pushes events, which are not Meta's."""
    users = {str(path.relative_to(ROOT)) for path in OURS if "ClientSession" in path.read_text()}
    assert {"connector/graph/client.py", "connector/pushes/actions/posting.py", "connector/rpc/keys.py"} == users
