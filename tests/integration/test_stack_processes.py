"""The supervisor, driven with small scripts in place of the connector's processes."""

import asyncio
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from stack.daemon import alive
from stack.environment import Ports
from stack.folders import CHECKOUT
from stack.problems import StackError
from stack.process import Plan, Process
from stack.supervisor import Servers, Stack

LISTEN = "import socket, sys; s = socket.create_server(('127.0.0.1', int(sys.argv[1]))); "
WAIT = "import time; time.sleep(60)"
END_LATE = (
    "import signal, sys, time; signal.signal(signal.SIGTERM, lambda *_: (open(sys.argv[2], 'a')"
    ".write(sys.argv[3] + ' '), sys.exit())); "
)
DEAF_WITH_CHILD = (
    "import os, signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); child = os.fork() or os.setpgrp(); "
    "child and print(child, flush=True); "
)


def plan(name: str, script: str, *arguments: str, tier: int = 0) -> Plan:
    """Describe a process that runs `script`; its first argument is the port it must open."""
    address = Ports().next_free(0)
    command = (sys.executable, "-c", script, address.rpartition(":")[2], *arguments)
    return Plan(name, command, dict(os.environ), ready_address=address, tier=tier)


@asynccontextmanager
async def supervised(folder: Path, *plans: Plan) -> AsyncIterator[tuple[Stack, list[str]]]:
    """Run the plans in a stack without servers; yield it and what it says."""
    said: list[str] = []
    processes = {each.name: Process(each, folder / f"{each.name}.log") for each in plans}
    stack = Stack(Servers("", "", None, None), {}, {}, processes, said.append)
    try:
        await stack.start_all()
        yield stack, said
    finally:
        await stack.stop_all()


async def until(fact: Callable[[], bool]) -> None:
    """Wait until `fact()` holds; fail after ten seconds."""
    async with asyncio.timeout(10):
        while not fact():  # noqa: ASYNC110 - processes of the machine set no asyncio.Event
            await asyncio.sleep(0.02)


async def test_stops_dependents_first(tmp_path: Path) -> None:
    """Processes of higher tiers have ended before those they depend on are asked to."""
    order = tmp_path / "order"
    plans = [plan(name, END_LATE + LISTEN + WAIT, str(order), name, tier=tier) for tier, name in enumerate("abc")]
    async with supervised(tmp_path, *plans):
        pass
    assert order.read_text() == "c b a "


async def test_death_at_start_stops_everything(tmp_path: Path) -> None:
    """A process that ends before it is ready is named with its exit code and last words, and nothing stays behind."""
    broken = plan("broken", "import sys; print('no key'); sys.exit(3)")
    healthy = plan("healthy", LISTEN + "print(__import__('os').getpid(), flush=True); " + WAIT)
    with pytest.raises(StackError, match=r"(?s)^broken ended with exit code 3 before it was ready:.*no key"):
        async with supervised(tmp_path, broken, healthy):
            pytest.fail("a broken stack must not be handed out")
    pids = [int(line) for line in (tmp_path / "healthy.log").read_text().split()]
    assert not any(alive(pid) for pid in pids)


async def test_later_death_is_reported_and_mended(tmp_path: Path) -> None:
    """A process that dies after it was ready is started again, and the cause is told with its last words."""
    once = "print('the end is near', flush=True); " + WAIT
    async with supervised(tmp_path, plan("relay", LISTEN + once)) as (stack, said):
        process = stack.processes["relay"]
        first = process.pid
        assert first is not None
        os.kill(first, signal.SIGKILL)
        await until(lambda: process.pid not in {None, first})
        await process.wait_until_ready()
        assert stack.crashes == ["relay was killed by SIGKILL"]
        assert "the end is near" in said[0]


async def test_pause_grows_while_it_keeps_dying(tmp_path: Path) -> None:
    """A process that dies soon after every start waits longer each time."""
    async with supervised(tmp_path, plan("relay", LISTEN + "__import__('time').sleep(0.3)")) as (stack, said):
        await until(lambda: len(stack.crashes) == 3)
        assert [re.findall(r"again in (.*?s)\.", line)[0] for line in said] == ["0.5 s", "1 s", "2 s"]


async def test_killed_on_purpose_stays_down(tmp_path: Path) -> None:
    """What a test kills stays down until the test starts it, and is no crash."""
    async with supervised(tmp_path, plan("worker", LISTEN + WAIT)) as (stack, _):
        running = []
        await stack.kill("worker")
        for pause_seconds in (0, 0.7):  # the second is longer than the pause before a mended start
            await asyncio.sleep(pause_seconds)
            running.append(stack.processes["worker"].pid is not None)
        await stack.start("worker")
        running.append(stack.processes["worker"].pid is not None)
        assert running == [False, False, True]
        assert stack.crashes == []


async def test_deaf_process_and_its_child_are_ended(tmp_path: Path) -> None:
    """A process that ignores SIGTERM is killed after its grace, with the child it forked into another group."""
    process = Process(
        plan("deaf", DEAF_WITH_CHILD + LISTEN.replace("s =", "s = child and") + WAIT), tmp_path / "deaf.log"
    )
    await process.start()
    child = int(process.log.read_text())
    began = time.monotonic()
    await process.stop(timedelta(seconds=0.5))
    assert process.pid is None
    assert not alive(child)
    assert time.monotonic() - began < 5


async def test_running_process_is_not_started_twice(tmp_path: Path) -> None:
    """Starting what runs is refused, so that nothing runs unwatched."""
    async with supervised(tmp_path, plan("relay", LISTEN + WAIT)) as (stack, _):
        with pytest.raises(StackError, match=r"relay already runs as process \d+"):
            await stack.start("relay")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has a leash")
async def test_processes_die_with_the_supervisor(tmp_path: Path) -> None:
    """SIGKILL of the supervisor ends what it runs."""
    script = (
        "import asyncio, os, sys; from pathlib import Path; from stack.process import Plan, Process\n"
        "async def main():\n"
        "    process = Process(Plan('p', (sys.executable, '-c', sys.argv[1]), dict(os.environ)), Path(sys.argv[2]))\n"
        "    await process.start(); print(process.pid, flush=True); await asyncio.sleep(60)\n"
        "asyncio.run(main())\n"
    )
    command = (sys.executable, "-c", script, WAIT, str(tmp_path / "log"))
    supervisor = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE, cwd=CHECKOUT)
    assert supervisor.stdout is not None
    pid = int(await supervisor.stdout.readline())
    assert alive(pid)
    supervisor.kill()
    await supervisor.wait()
    await until(lambda: not alive(pid))


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["up"], 1, "DATABASE_URL does not lead to a PostgreSQL"),
        (["demo", "--catalog", "no-such.csv"], 2, "there is no file no-such.csv"),
        (["down"], 2, "invalid choice: 'down'"),
    ],
)
def test_command_line_refuses_in_one_sentence(arguments: list[str], code: int, sentence: str) -> None:
    """What cannot work ends with an exit code and a sentence, not with a traceback."""
    done = subprocess.run(
        (sys.executable, "-m", "stack", *arguments),
        env={**os.environ, "DATABASE_URL": "postgresql://who@127.0.0.1:1/x"},
        cwd=CHECKOUT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert code == done.returncode
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
