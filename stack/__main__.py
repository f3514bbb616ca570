"""`python -m stack up | demo | migration | clean`: what the make targets of these names run."""

import argparse
import asyncio
import os
import re
import signal
import sys
from collections.abc import Coroutine, Mapping, Sequence
from pathlib import Path

from stack import folders
from stack.environment import inherited
from stack.folders import CONNECTOR_FOLDER
from stack.follow import follow
from stack.postgres import PostgresServer, postgres
from stack.problems import StackError
from stack.redis import RedisServer
from stack.supervisor import PREFERRED_PORTS, Stack, migrate, running_stack

EXIT_FAILURE, EXIT_INTERRUPTED = 1, 130
SERVER_URLS = ("DATABASE_URL", "REDIS_URL")
# The tour walks over every capability, also those that an app asks merchants for only when it is told to.
WHOLE = {"META_TEST_CAPABILITIES": "ORDER_MANAGEMENT,CONVERSIONS"}


def main(arguments: Sequence[str]) -> int:
    """Run the command; return the exit code."""
    options = _options(arguments)
    try:
        return asyncio.run(_until_signalled(COMMANDS[options.command](options)))
    except StackError as problem:
        print(problem, file=sys.stderr)
        return EXIT_FAILURE
    except asyncio.CancelledError:
        return 0 if options.command == "up" else EXIT_INTERRUPTED  # `up` has no other end


async def up(_: argparse.Namespace) -> int:
    """Run a development environment until it is interrupted. The embedded database begins empty, as the simulated Meta does."""
    form = "console" if sys.stdout.isatty() else "json"  # ours, since theirs is a file
    environment = {"LOG_FORMAT": form, **_given(os.environ, "LOG_FORMAT", *SERVER_URLS)}
    _say("Starting the connector; Ctrl-C stops it.")
    async with running_stack(
        CONNECTOR_FOLDER / "up", environment=environment, preferred_ports=PREFERRED_PORTS, fresh=True, say=_say
    ) as stack:
        _say(describe(stack))
        try:
            await follow({name: process.log for name, process in stack.processes.items()}, _say)
        finally:
            _say("Stopping.")
    return 0


async def demo(options: argparse.Namespace) -> int:
    """Run the tour against a stack of its own; return the tour's exit code."""
    tour = [*(["--catalog", str(options.catalog)] if options.catalog else []), *options.tour]
    async with running_stack(
        CONNECTOR_FOLDER / "demo", environment=_given(os.environ, *SERVER_URLS) | WHOLE, fresh=True, say=_say
    ) as stack:
        code = await _run_tour(stack, tour)
        if code != 0:
            _say(f"The tour ended with exit code {code}. The last lines of each process:")
            for name, process in stack.processes.items():
                _say(f"{name} ({process.log}):\n{process.last_lines()}")
        return code


async def migration(options: argparse.Namespace) -> int:
    """Write a migration, found by comparing the tables of the code with a database brought up to date."""
    folder = CONNECTOR_FOLDER / "migration"
    with folders.sole_use(folder), postgres(folder / "postgres", durable=False) as server:
        server.ensure_database("connector")
        environment = {**inherited(os.environ), "DATABASE_URL": server.url("connector")}
        migrate(environment)
        writer = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "connector.db.migrations", options.words, env=environment, cwd=folders.CHECKOUT
        )
        code = await writer.wait()
    folders.remove(folder)
    return code


async def clean(_: argparse.Namespace) -> int:
    """Stop servers that were left behind and delete what this checkout keeps."""
    for name in ("up", "demo"):
        folder = CONNECTOR_FOLDER / name
        if (folder / "postgres").exists() and (folder / "redis").exists():
            with folders.sole_use(folder):
                PostgresServer(folder / "postgres").stop_leftover()
                RedisServer(folder / "redis").stop_leftover()
    folders.remove(CONNECTOR_FOLDER)
    return 0


def describe(stack: Stack) -> str:
    """Say where everything is and how to call it."""
    width = max(map(len, stack.addresses))
    method = "stormcom.facebook.v1.FacebookConnector/GetStatus"
    head, body = f"authorization: Bearer {stack.token}", '{"store_id": "store-1"}'
    url = f"http://{stack.addresses['connector']}"
    return "\n".join(
        (
            *(f"  {use:{width}}  {address}" for use, address in stack.addresses.items()),
            f"  {'PostgreSQL':{width}}  {_without_password(stack.servers.database_url)}",
            f"  {'Redis':{width}}  {_without_password(stack.servers.redis_url)}",
            "Call it:",
            f"  .venv/bin/buf curl --protocol grpc --schema protos -H '{head}' -d '{body}' {url}/{method}",
            f"  grpcurl -plaintext -H '{head}' -d '{body}' {stack.addresses['connector']} {method}",
        )
    )


COMMANDS = {"up": up, "demo": demo, "migration": migration, "clean": clean}


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m stack", description="The connector on one machine.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("up", help="run a development environment until Ctrl-C")
    commands.add_parser("clean", help="stop servers left behind, delete .connector/")
    migration = commands.add_parser("migration", help="write the migration from the last one to the tables of the code")
    migration.add_argument("words", help="what it does, in a few words")
    tour = commands.add_parser("demo", help="start everything, run the tour, stop; further options are the tour's own")
    tour.add_argument("--catalog", type=_existing_file, help="a product file to take the tour with")
    options, tour_options = parser.parse_known_args(arguments)
    if tour_options and options.command != "demo":
        parser.error(f"unrecognized arguments: {' '.join(tour_options)}")
    options.tour = tour_options
    return options


def _existing_file(text: str) -> Path:
    path = Path(text).resolve()
    if not path.is_file():
        raise argparse.ArgumentTypeError(f"there is no file {text}")
    return path


async def _until_signalled(work: Coroutine[None, None, int]) -> int:
    """Turn SIGINT, SIGTERM and SIGHUP into a cancellation, so that everything is stopped in order."""
    task = asyncio.ensure_future(work)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    return await task


async def _run_tour(stack: Stack, arguments: Sequence[str]) -> int:
    tour = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "client.tour", "--address", stack.addresses["connector"], f"--token={stack.token}",
        "--simulator", stack.simulator_url, *arguments, cwd=folders.CHECKOUT,
    )  # fmt: skip
    try:
        return await tour.wait()
    finally:
        if tour.returncode is None:
            tour.terminate()
            await tour.wait()


def _given(environ: Mapping[str, str], *names: str) -> dict[str, str]:
    return {name: environ[name] for name in names if environ.get(name)}


def _without_password(url: str) -> str:
    return re.sub(r"(//[^/@]*?:)[^/]*@", r"\1***@", url)


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
