"""Run the simulator as a process: `python -m simulator --help`.

The first line on stdout is `{"event": "simulator.ready", "url": …}`; SIGINT and SIGTERM end it cleanly.
"""

import argparse
import asyncio
import gc
import json
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import uvloop

from simulator import seeds
from simulator.app import serve
from simulator.control import subscribe
from simulator.state import Application
from simulator.switches import REALISTIC, Switches
from simulator.world import World

DESCRIPTION = """Meta's Graph API in memory, over real HTTP, for tests and demos. The first line on stdout tells the address:
{"event": "simulator.ready", "url": ...}; GET {url}/_simulator lists what can be seeded, steered and inspected, and
docs/simulator.md explains it. Ctrl-C ends it."""
MAX_PORT = 65_535
DEFAULT_APP = "1000000000000001:simulator-app-secret"


def read_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m simulator", description=DESCRIPTION, allow_abbrev=False)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default %(default)s)")
    parser.add_argument("--port", type=int, default=8090, help="port, 0 for a free one (default %(default)s)")
    parser.add_argument(
        "--app", default=DEFAULT_APP, metavar="ID:SECRET[,SECRET]", help="the app (default %(default)s)"
    )
    parser.add_argument("--app-secret-file", type=Path, help="file holding the secrets instead; --app then is the id")
    parser.add_argument("--redirect-uri", action="append", default=[], help="allowed after login; repeatable")
    parser.add_argument("--webhook-url", default="", help="where the app's webhooks go, set without a handshake")
    parser.add_argument("--verify-token", default="verify", help="the app's webhook verify token")
    parser.add_argument("--deauthorize-url", default="", help="told when a user removes the app")
    parser.add_argument("--data-deletion-url", default="", help="told when a user asks for deletion")
    parser.add_argument("--no-require-proof", action="store_true", help="take calls without appsecret_proof")
    parser.add_argument("--empty", action="store_true", help="do not create the default user, Page and catalog")
    parser.add_argument("--seed-file", type=Path, help="JSON for POST /_simulator/seed instead of the default world")
    parser.add_argument("--realistic", action="store_true", help="batches take 2 minutes, reads lag, reviews an hour")
    parser.add_argument("--random-seed", type=int, default=1, help="the same seed makes the same chances")
    parser.add_argument(
        "--switch",
        action="append",
        default=[],
        metavar="NAME=JSON",
        help=f"set a switch, e.g. batch_seconds=5; repeatable. Known: {', '.join(Switches().listed())}",
    )
    return parser.parse_args(arguments)


def build_world(options: argparse.Namespace) -> World:
    """Build the world that the command line describes; raise ValueError naming what is wrong."""
    app_id, _, secrets = options.app.partition(":")
    if options.app_secret_file:
        secrets = options.app_secret_file.read_text().strip()
    if not app_id.isdecimal() or not secrets:
        raise ValueError("--app: expected ID:SECRET with a numeric id")
    if not 0 <= options.port <= MAX_PORT:
        raise ValueError(f"--port: expected 0 to {MAX_PORT}, got {options.port}")
    for name in ("webhook_url", "deauthorize_url", "data_deletion_url"):
        if (url := getattr(options, name)) and not url.startswith(("http://", "https://")):
            raise ValueError(f"--{name.replace('_', '-')}: expected an http or https URL, got {url!r}")
    seed_document = _read_seed(options.seed_file) if options.seed_file else {}

    def prepare(world: World) -> None:
        app = Application(app_id, secrets.split(","), redirect_uris=list(options.redirect_uri))
        app.require_proof = not options.no_require_proof
        app.deauthorize_url, app.data_deletion_url = options.deauthorize_url, options.data_deletion_url
        world.apps[app.id] = world.add(app)
        if options.webhook_url:
            subscribe(app, options.webhook_url, options.verify_token)
        if not options.empty:
            seeds.seed(world, seed_document)

    switches = (REALISTIC if options.realistic else {}) | dict(map(_read_switch, options.switch))
    return World(seed=options.random_seed, switches=switches, prepare=prepare)


def _read_seed(path: Path) -> Any:
    try:
        return json.loads(path.read_text())
    except json.JSONDecodeError as problem:
        raise ValueError(f"--seed-file {path}: no JSON: {problem}") from problem


def _read_switch(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals:
        raise ValueError(f"--switch {text}: expected NAME=JSON")
    try:
        return name, json.loads(value)
    except json.JSONDecodeError:
        return name, value


async def run(options: argparse.Namespace) -> None:
    """Serve until a signal comes."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    async with serve(build_world(options), options.host, options.port) as url:
        print(json.dumps({"event": "simulator.ready", "url": url, "pid": os.getpid()}), flush=True)  # noqa: T201 - promised
        await stopped.wait()


def main() -> int:
    """Run and return the exit code: 1 when it cannot start."""
    options = read_arguments(sys.argv[1:])
    # A million items are no garbage; looking at them again and again costs more than everything else.
    gc.set_threshold(100_000, 50, 100)
    try:
        uvloop.run(run(options))
    except (ValueError, OSError) as problem:
        print(f"simulator: {problem}", file=sys.stderr)  # noqa: T201 - the one sentence of a failed start
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
