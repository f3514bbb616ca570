"""What logs never hold."""

import json
import logging
import subprocess
import sys

import pytest

from connector.log import _Cleaned, redact

TOKEN = "EAAGm0PX4ZCpsBAKZCtoken"


@pytest.mark.parametrize(
    "event",
    [
        {"access_token": TOKEN},
        {"problem": f"GET /me?access_token={TOKEN}&x=1 failed"},
        {"headers": {"Authorization": f"Bearer {TOKEN}"}},
        {"nested": [{"deep": {"token": TOKEN}}]},
        {"text": TOKEN},
        {"exception": f"ValueError: {TOKEN}"},
        {"app": f"610000000000001|{TOKEN}abcdef0123456789"},
    ],
)
def test_no_token_reaches_a_line(event: dict[str, object]) -> None:
    """Wherever a token sits in an event, the written line does not hold it."""
    assert TOKEN not in str(redact(None, "info", dict(event)))


def test_what_libraries_say_passes_the_wall_too() -> None:
    """A line of the standard log, traceback included, holds no token either."""
    error = ValueError(TOKEN)
    words = ("never retrieved %s", (TOKEN,), (ValueError, error, None))
    record = logging.LogRecord("asyncio", logging.ERROR, "", 1, *words)
    line = _Cleaned("%(message)s").format(record)
    assert (True, False) == ("never retrieved ***" in line, TOKEN in line)


def test_ordinary_facts_pass() -> None:
    """What is no secret stays readable."""
    facts = {"event": "rpc.served", "store_id": "store_1", "duration_ms": 1.5}
    assert facts == redact(None, "info", dict(facts))


def test_nobody_writes_a_line_of_their_own() -> None:
    """Line breaks, terminal commands and quotes in a fact stay inside of that fact's one line of plain ASCII."""
    evil = 'a\r\n{"event": "rpc.served"}\x1b[2J\u2028\u202e\x00"'
    script = "import json, sys; from connector import log; log.configure(level='info', form='json'); log.warn('x.y', reason=json.loads(sys.argv[1]))"
    command = [sys.executable, "-c", script, json.dumps(evil)]
    written = subprocess.run(command, check=True, capture_output=True).stdout
    assert (1, True) == (len(written.splitlines()), written[:-1].decode().isprintable())
    assert evil == json.loads(written)["reason"]
