"""How things are measured: rounds in turns, medians, CPU and peak memory of processes as the kernel counts them; and the row of a result.

A ratio is the median of the ratios of neighbouring rounds, so that the machine's drift cancels out; Linux only, for `/proc`.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from statistics import median

_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
_SAMPLED_EVERY_SECONDS = 0.05
_MEGABYTE_IN_KILOBYTES = 1024

Measure = Callable[[], Awaitable[float]]


class Better(StrEnum):
    """Which way is good."""

    HIGHER = "higher"
    LOWER = "lower"


@dataclass(frozen=True, slots=True)
class Effort:
    """How thoroughly to measure."""

    rounds: int
    catalogues: Sequence[int]
    """How many products each catalogue has that is synced, the smallest first."""
    steady_seconds: int
    """How long stock changes go on and on."""


FULL = Effort(rounds=5, catalogues=(10_000, 100_000), steady_seconds=20)
MILLION = Effort(rounds=5, catalogues=(10_000, 100_000, 1_000_000), steady_seconds=300)
QUICK = Effort(rounds=1, catalogues=(500, 5_000), steady_seconds=3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One result. `ratio` is ours to the baseline; it meets its goal when it is at least (or at most) `goal`."""

    name: str
    ours: float
    baseline: float
    ratio: float
    goal: float
    better: Better
    unit: str
    note: str = ""

    @property
    def ok(self) -> bool:
        """Whether the goal is met."""
        return self.ratio >= self.goal if self.better is Better.HIGHER else self.ratio <= self.goal


def compare(
    name: str,
    ours: Sequence[float],
    baseline: Sequence[float],
    *,
    goal: float,
    better: Better,
    unit: str,
    note: str = "",
) -> Row:
    """Make a row of figures measured in turns: medians, and the median of the neighbours' ratios."""
    ratio = median(mine / theirs for mine, theirs in zip(ours, baseline, strict=True))
    return Row(
        name=name, ours=median(ours), baseline=median(baseline), ratio=ratio, goal=goal, better=better, unit=unit, note=note
    )  # fmt: skip


async def in_turns(rounds: int, *measures: Measure) -> list[list[float]]:
    """Measure everything once per round, each round in the other direction; the figures of each, round by round."""
    figures: list[list[float]] = [[] for _ in measures]
    for number in range(rounds):
        order = list(enumerate(measures))
        for place, measure in order if number % 2 == 0 else reversed(order):
            figures[place].append(await measure())
    return figures


def percentile(figures: Iterable[float], percent: float) -> float:
    """Return the figure below which so many percent of them lie."""
    ordered = sorted(figures)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def cpu_seconds(pid: int) -> float:
    """Return the CPU time of a process and of its children, those it has waited for and those it has now."""
    total = sum(_times(_status(pid))[:4])
    for child in _children(pid):
        with suppress(FileNotFoundError, ProcessLookupError):  # it ended while we looked
            total += sum(_times(_status(child))[:4])
    return total / _TICKS_PER_SECOND


@dataclass(slots=True)
class Peaks:
    """The most memory each of some process groups had at once in any one process, in megabytes."""

    megabytes: dict[str, float] = field(default_factory=dict)

    def note(self, name: str, pid: int) -> None:
        """Look at a process and its children."""
        for one in (pid, *_children(pid)):
            with suppress(FileNotFoundError, ProcessLookupError):  # it ended while we looked
                self.megabytes[name] = max(self.megabytes.get(name, 0.0), _peak_megabytes(one))


@asynccontextmanager
async def watching(processes: dict[str, int]) -> AsyncIterator[Peaks]:
    """Watch the memory of processes by name, forked children included, for the length of the block."""
    peaks = Peaks()

    async def watch() -> None:
        while True:
            for name, pid in processes.items():
                peaks.note(name, pid)
            await asyncio.sleep(_SAMPLED_EVERY_SECONDS)

    watcher = asyncio.create_task(watch())
    try:
        yield peaks
    finally:
        watcher.cancel()
        await asyncio.wait([watcher])
        for name, pid in processes.items():
            peaks.note(name, pid)


def _status(pid: int) -> list[str]:
    """Read the fields of `/proc/<pid>/stat` behind the command's name, from the state on."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def _times(status: Sequence[str]) -> list[int]:
    """Return user and system time, own and of children waited for, in ticks (proc_pid_stat(5), fields 14 to 17)."""
    return [int(ticks) for ticks in status[11:15]]


def _children(pid: int) -> list[int]:
    found = []
    for threads in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(FileNotFoundError, ProcessLookupError):  # a thread ended while we looked
            found += [int(child) for child in threads.read_text().split()]
    return found


def _peak_megabytes(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / _MEGABYTE_IN_KILOBYTES
    return 0.0  # a zombie has no memory
