"""`python -m tests.bench [--only NAME]… [--quick | --million]`: measures, prints a table, writes `build/bench.json`. What misses its goal ends it with 1."""

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine
from pathlib import Path

import orjson
from rich.console import Console
from rich.table import Table

from connector import log
from stack import folders
from tests.bench import allowance, checkout, delivery, events, feeds, ingress, inventory, orders, push, sync, unary
from tests.bench.measure import FULL, MILLION, QUICK, Effort, Row

WIDTH = 160  # of a table that goes to a file
RESULTS = folders.CHECKOUT / "build" / "bench.json"
PATHS: dict[str, Callable[[Path, Effort], Coroutine[None, None, list[Row]]]] = {
    "push": push.measure,
    "unary": unary.measure,
    "ingress": ingress.measure,
    "delivery": delivery.measure,
    "events": events.measure,
    "inventory": inventory.measure,
    "allowance": allowance.measure,
    "checkout": checkout.measure,
    "feeds": feeds.measure,
    "orders": orders.measure,
    "sync": sync.measure,
}


def main() -> int:
    """Measure; return the exit code."""
    options = _options()
    log.configure(level="warning", form="json")
    rows: list[Row] = []
    console = Console(width=None if sys.stdout.isatty() else WIDTH)
    try:
        for name in options.only or PATHS:
            begin = time.monotonic()
            rows += _measure(name, options.effort)
            console.print(f"{name}: {time.monotonic() - begin:.0f} s", style="dim")
    finally:  # a path that broke takes no other's results with it
        console.print(_table(rows))
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_bytes(orjson.dumps({"results": [_document(row) for row in rows]}, option=orjson.OPT_INDENT_2))
    return 0 if all(row.ok for row in rows) else 1


def _measure(name: str, effort: Effort) -> list[Row]:
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        try:
            return asyncio.run(PATHS[name](Path(folder), effort))
        finally:
            folders.remove(Path(folder) / name)  # also what its PostgreSQL keeps elsewhere


def _document(row: Row) -> dict[str, object]:
    names = "name", "ours", "baseline", "ratio", "goal", "better", "ok", "unit", "note"
    return {name: getattr(row, name) for name in names}


def _table(rows: list[Row]) -> Table:
    table = Table("what", "unit", "", title="ours / baseline", title_justify="left")
    for name in ("ours", "baseline", "ratio", "goal"):
        table.add_column(name, justify="right")
    for row in rows:
        name = f"{row.name}\n[dim]{row.note}[/dim]" if row.note else row.name
        figures = f"{row.ours:,.4g}", f"{row.baseline:,.4g}", f"{row.ratio:.3f}", f"{_SIGNS[row.better]} {row.goal:.3f}"
        table.add_row(name, row.unit, "[green]ok[/green]" if row.ok else "[red]MISSED[/red]", *figures)
    return table


_EFFORTS = (
    ("--quick", QUICK, "one round of everything, small catalogues: a smoke test"),
    ("--million", MILLION, "catalogues of up to a million products: about an hour"),
)
_SIGNS = {"higher": "≥", "lower": "≤"}


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench", description="Measure the connector against its baselines."
    )
    parser.add_argument("--only", action="append", choices=PATHS, help="measure this path only; may be repeated")
    efforts = parser.add_mutually_exclusive_group()
    for name, effort, meaning in _EFFORTS:
        efforts.add_argument(name, dest="effort", action="store_const", const=effort, default=FULL, help=meaning)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
