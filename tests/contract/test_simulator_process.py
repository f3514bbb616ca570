"""The simulator as a process: it says where it is, ends cleanly, and says what is wrong with its command line."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

ROOT = Path(__file__).parents[2]


@contextmanager
def _start(*arguments: str) -> "Iterator[subprocess.Popen[str]]":
    with subprocess.Popen(
        [sys.executable, "-m", "simulator", "--port", "0", *arguments],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_tells_its_address_and_ends_on_a_signal(number: signal.Signals) -> None:
    """The first line is the ready event; the server then answers; a signal ends it with 0."""
    with _start("--app", "77:s1,s2", "--switch", "batch_seconds=7", "--webhook-url", "http://127.0.0.1:1/") as process:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        assert "simulator.ready" == ready["event"]
        state = requests.get(f"{ready['url']}/_simulator/state", timeout=10).json()
        switches = requests.get(f"{ready['url']}/_simulator/switches", timeout=10).json()
        assert (["77"], 1, 7.0) == (
            [app["app_id"] for app in state["apps"]],
            len(state["pages"]),
            switches["batch_seconds"],
        )
        assert {"instagram", "page", "permissions", "user"} == {
            one["object"] for one in state["apps"][0]["subscriptions"]
        }
        process.send_signal(number)
        assert 0 == process.wait(10)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--app", "x"], "--app"),
        (["--switch", "speed=1"], "speed"),
        (["--switch", "speed"], "--switch"),
        (["--seed-file", "/nowhere.json"], "/nowhere.json"),
        (["--seed-file", __file__], "--seed-file"),
        (["--port", "99999"], "--port"),
        (["--webhook-url", "hooks"], "--webhook-url"),
    ],
)
def test_a_wrong_command_line_is_one_sentence_and_exit_1(arguments: list[str], named: str) -> None:
    """It ends with 1 and one line that names the option."""
    with _start(*arguments) as process:
        _, errors = process.communicate(timeout=20)
    assert (1, 1) == (process.returncode, len(errors.strip().splitlines()))
    assert named in errors


def test_a_seed_file_and_a_secret_file_are_read(tmp_path: Path) -> None:
    """The world can come from a file, and so can the app's secrets."""
    (tmp_path / "seed.json").write_text('{"pages": [{"id": "5", "name": "Filed"}]}')
    (tmp_path / "secret").write_text("hush\n")
    files = ["--seed-file", str(tmp_path / "seed.json"), "--app-secret-file", str(tmp_path / "secret")]
    with _start("--app", "77", *files) as process:
        assert process.stdout is not None
        url = json.loads(process.stdout.readline())["url"]
        state = requests.get(f"{url}/_simulator/state", timeout=10).json()
        app = requests.get(f"{url}/77", params={"access_token": "77|hush"}, timeout=10).json()
        process.terminate()
        process.communicate(timeout=10)
    assert (["Filed"], "77") == ([page["name"] for page in state["pages"]], app["id"])
