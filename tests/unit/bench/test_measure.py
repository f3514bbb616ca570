"""What the benchmark concludes from its figures, and what it reads from the kernel."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.bench.cargo import read_messages, write_messages
from tests.bench.measure import Better, compare, cpu_seconds, in_turns, percentile, watching

BURN = "import time\nbegin = time.process_time()\nwhile time.process_time() - begin < 0.3: pass"


def test_a_ratio_is_that_of_neighbours() -> None:
    """When the machine slows down for everybody, the ratio stays."""
    row = compare("n", [10.0, 5.0, 1.0], [20.0, 10.0, 2.0], goal=0.5, better=Better.HIGHER, unit="u")
    assert (5.0, 10.0, 0.5, True) == (row.ours, row.baseline, row.ratio, row.ok)


@pytest.mark.parametrize(
    ("better", "goal", "ok"),
    [(Better.HIGHER, 0.5, True), (Better.HIGHER, 0.51, False), (Better.LOWER, 0.5, True), (Better.LOWER, 0.49, False)],
)
def test_a_goal_is_met_at_its_edge(better: Better, goal: float, ok: bool) -> None:  # noqa: FBT001 - a column of the table
    """A ratio that equals its goal meets it, whichever way is good; the next worse one does not."""
    assert ok is compare("n", [1.0], [2.0], goal=goal, better=better, unit="u").ok


async def test_turns_are_taken_in_both_directions() -> None:
    """Each round measures everything once; none is always first."""
    order: list[str] = []

    async def measure(name: str) -> float:
        order.append(name)
        return float(len(order))

    figures = await in_turns(2, lambda: measure("a"), lambda: measure("b"))
    assert (["a", "b", "b", "a"], [[1.0, 4.0], [2.0, 3.0]]) == (order, figures)


@pytest.mark.parametrize(("percent", "figure"), [(0, 1), (50, 51), (99, 100), (100, 100)])
def test_percentiles_are_figures_that_occurred(percent: float, figure: float) -> None:
    """A percentile is one of the figures; the last covers everything."""
    assert figure == percentile(range(1, 101), percent)


def test_the_cpu_of_children_counts() -> None:
    """A process answers for what its children burned, also those that are gone."""
    before = cpu_seconds(os.getpid())
    subprocess.run((sys.executable, "-c", BURN), check=True)
    assert cpu_seconds(os.getpid()) - before >= 0.29


async def test_the_peak_of_a_forked_child_counts() -> None:
    """Memory that only a child of a watched process took, for a moment, is seen."""
    grow = "import os, time\npid = os.fork()\nif not pid:\n  held = bytearray(os.urandom(1) * (64 << 20)); time.sleep(0.5)\nelse: os.waitpid(pid, 0)"
    parent = await asyncio.create_subprocess_exec(sys.executable, "-c", grow)
    async with watching({"it": parent.pid}) as peaks:
        await parent.wait()
    assert 64 < peaks.megabytes["it"] < 200


def test_messages_survive_their_file(tmp_path: Path) -> None:
    """What is written is read again, empty messages included."""
    messages = [b"", b"one", b"\0" * 70_000]
    assert messages == read_messages(write_messages(tmp_path / "file", messages))
