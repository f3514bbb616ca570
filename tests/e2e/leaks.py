"""Looks for secrets and people wherever a running stack leaves traces: logs, metrics, arguments, Redis, the tables."""

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import psycopg
from psycopg import sql
from redis import Redis

from stack.supervisor import Stack

META = "simulator"
"""Not ours: Meta knows its own secrets, and its log and arguments show them."""
PEOPLE = ("Rahima Buyer", "Mina Merchant")
# The simulator's tokens are shaped like Meta's.
_TOKEN = re.compile(r"EAA[A-Za-z0-9]{12,}")


def secrets(stack: Stack) -> list[str]:
    """List what the stack was told and nobody may repeat."""
    told = stack.environment
    names = ("DEVELOPMENT_TOKEN", "META_TEST_APP_SECRETS", "META_TEST_VERIFY_TOKEN")
    return [told["VAULT_KEYS"].partition(":")[2], *(told[name] for name in names)]


def leaks(stack: Stack) -> list[tuple[str, str]]:
    """Tell where something stands that does not belong there, and what."""
    found = []
    for place, words in _traces(stack):
        watched = secrets(stack) if place.startswith("table") else [*secrets(stack), *PEOPLE]
        found += [(place, one) for one in watched if one in words]
        found += [(place, token) for token in _TOKEN.findall(words)[:1]]
    return found


def core_files(stack: Stack) -> list[str]:
    """Name the processes that would leave their memory in a core file."""
    limits = {name: Path(f"/proc/{process.pid}/limits") for name, process in stack.processes.items() if name != META}
    return [name for name, place in limits.items() if not re.search(r"Max core file size +0 +0 ", place.read_text())]


def _traces(stack: Stack) -> Iterator[tuple[str, str]]:
    for name, process in stack.processes.items():
        if name != META:
            yield f"log of {name}", process.log.read_text(errors="replace")
        if address := stack.addresses.get(f"{name} metrics"):
            with urlopen(f"http://{address}/metrics") as answer:
                yield f"metrics of {name}", answer.read().decode()
    yield "arguments", "\n".join(_arguments())
    with Redis.from_url(stack.servers.redis_url) as redis:
        yield "redis", "\n".join(f"{key!r} {redis.dump(key)!r}" for key in redis.scan_iter("*"))
    yield from _tables(stack.servers.database_url)


def _arguments() -> Iterator[str]:
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = place.read_bytes().decode(errors="replace").split("\0")
        except (FileNotFoundError, ProcessLookupError):  # it ended meanwhile
            continue
        if META not in words:
            yield " ".join(words)


def _tables(url: str) -> Iterator[tuple[str, str]]:
    with psycopg.connect(url) as database:
        names = [row[0] for row in database.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
        for name in names:
            rows = database.execute(sql.SQL("SELECT one::text FROM {} one").format(sql.Identifier(name)))
            yield f"table {name}", "\n".join(row[0] for row in rows)
