"""An export of the audit, checked without the connector."""

import hashlib
import json
from typing import Any

import pytest

from client.commands.auditing import verify_lines


def export(count: int, *, behind: int = 0, previous: str = "") -> list[str]:
    """Write an export of entries, as the contract describes it."""
    lines = [json.dumps({"store_id": "s", "position": behind, "previous_hash": previous})]
    for position in range(behind + 1, behind + count + 1):
        entry: dict[str, Any] = {
            "position": position, "create_time": "2026-11-21T20:00:00.000000Z", "store_id": "s", "action": "Disconnect",
            "caller": "cönsole", "role": "MANAGER", "actor": "", "connection_id": "c", "objects": ["page_id=1"],
            "request_id": "", "result": "OK", "call_count": 1,
        }  # fmt: skip
        said = json.dumps([*entry.values()], ensure_ascii=False).encode()
        previous = hashlib.sha256(bytes.fromhex(previous) + said).hexdigest()
        lines.append(json.dumps(entry | {"hash": previous}, ensure_ascii=False))
    return lines


WHOLE = export(5)
LAST = json.loads(WHOLE[-1])["hash"]


def test_a_whole_export_is_whole() -> None:
    """Every entry counts, and the last hash is told; an export that begins later is whole as well."""
    whole = verify_lines(WHOLE)
    assert (5, 5, LAST, "") == (whole.count, whole.position, whole.hash, whole.fault)
    later = verify_lines(export(2, behind=5, previous=LAST))
    assert (2, 7, "") == (later.count, later.position, later.fault)


def test_a_stream_that_broke_goes_on_with_a_head() -> None:
    """A second head is taken where it fits what came before, and nowhere else."""
    more = export(2, behind=5, previous=LAST)
    assert 7 == verify_lines(WHOLE + more).count
    assert "missing" in verify_lines(WHOLE[:-1] + more).fault


@pytest.mark.parametrize(
    ("lines", "fault", "count"),
    [
        ([], "the export is empty", 0),
        (WHOLE[1:], "the export does not begin with its head", 0),
        (WHOLE[:3] + WHOLE[4:], "entry 3 is missing", 2),
        ([*WHOLE[:4], WHOLE[4].replace("MANAGER", "READER"), *WHOLE[5:]], "entry 4 is not as it was written", 3),
        ([WHOLE[0].replace('""', f'"{LAST}"'), *WHOLE[1:]], "entry 1 is not as it was written", 0),
        ([*WHOLE[:2], WHOLE[1], *WHOLE[2:]], "entry 2 is missing", 1),
        ([WHOLE[0], "{"], "line 2 is no line of an export", 0),
        ([WHOLE[0], "[]"], "line 2 is no line of an export", 0),
        ([WHOLE[0], '{"position": 1}'], "line 2 is no line of an export", 0),
    ],
)
def test_whatever_is_not_whole_is_named(lines: list[str], fault: str, count: int) -> None:
    """The first entry that is missing, altered or no entry is named, and how many before it are whole."""
    found = verify_lines(lines)
    assert (fault, count) == (found.fault, found.count)
