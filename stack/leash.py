"""Runs one command on a leash: when the process that started it dies, even by SIGKILL, the kernel signals the command.

A script of its own (`python -I -S leash.py PARENT SIGNAL UID:GID COMMAND…`) instead of a `preexec_fn`, which may deadlock
in a process with threads. It ends in `exec`, so pid and exit code are the command's own. Linux only: elsewhere the
command runs unleashed, and an orphaned server is adopted by the next start. The leash is bound to the thread that
forks: start commands from the main thread.
"""

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1  # linux/prctl.h


def run(parent: int, signal: int, account: str, command: list[str]) -> None:
    """Become `account` (`uid:gid`, empty = stay), tie ourselves to `parent`, then become the command."""
    if account:
        uid, gid = map(int, account.split(":"))
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    if sys.platform == "linux":
        # After setuid: a change of credentials clears the request.
        if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
        if os.getppid() != parent:  # it died before the leash was tied
            sys.exit(1)
    os.execv(command[0], command)  # noqa: S606 - the command is our own, and no shell reads it


if __name__ == "__main__":
    run(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4:])
