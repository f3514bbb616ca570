"""Where a checkout keeps what it runs: `.connector/`, mode 0700.

Two things cannot live in there: sockets whose path is longer than the kernel allows, and what PostgreSQL touches when
we are root, since it then runs as a user who may not enter. Those get a fresh folder in the system's temporary folder,
remembered in `.connector/`. Folders that were there before are never opened to others.
"""

import fcntl
import os
import pwd
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from stack.problems import StackError

CHECKOUT = Path(__file__).resolve().parent.parent
CONNECTOR_FOLDER = CHECKOUT / ".connector"

# The kernel's limit is 108 bytes on Linux and 104 on macOS, with the closing zero; the longest name inside is 18.
SOCKET_FOLDER_MAX_BYTES = 80


@dataclass(frozen=True, slots=True)
class Account:
    """A user of this machine that a server runs as."""

    uid: int
    gid: int


def server_account() -> Account | None:
    """Say whom PostgreSQL runs as: nobody when we are root, which it refuses; otherwise ourselves (None)."""
    if os.geteuid() != 0:
        return None
    for name in ("nobody", "daemon"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_uid, entry.pw_gid)
    raise StackError(
        "PostgreSQL refuses to run as root and there is no user 'nobody': run as another user, or set DATABASE_URL."
    )


def private(folder: Path) -> Path:
    """Make `folder`, and what is missing above it, for our eyes only."""
    for missing in [place for place in reversed(folder.parents) if not place.exists()]:
        missing.mkdir(mode=0o700, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)
    folder.chmod(0o700)
    return folder


def socket_folder(folder: Path) -> Path:
    """Return a private folder for the sockets of `folder`: inside it, or elsewhere when that path would be too long."""
    inside = folder / "socket"
    return private(inside) if len(os.fsencode(inside)) <= SOCKET_FOLDER_MAX_BYTES else outside(folder, mode=0o700)


def outside(folder: Path, *, mode: int) -> Path:
    """Return the folder in the system's temporary folder that belongs to `folder`; make it on first use."""
    note = private(folder) / "outside"
    if note.exists():
        place = Path(note.read_text().strip())
        if _ours(place):
            return place
    place = Path(tempfile.mkdtemp(prefix="connector-", dir=_open_temporary_folder()))
    place.chmod(mode)
    note.write_text(f"{place}\n")
    return place


def remove(folder: Path) -> None:
    """Delete `folder` and whatever it keeps outside; nothing happens when it is not there."""
    for note in folder.rglob("outside") if folder.exists() else ():
        place = Path(note.read_text().strip())
        if place.name.startswith("connector-") and _ours(place):
            shutil.rmtree(place)
    if folder.exists():
        shutil.rmtree(folder)


def sweep(parent: Path) -> None:
    """Delete the folders in `parent` that nobody holds any more, left behind by killed processes."""
    for folder in parent.iterdir() if parent.exists() else ():
        if (lock := claim(folder)) is not None:
            remove(folder)
            os.close(lock)


def open_to_all(path: Path) -> bool:
    """Say whether every user may enter all folders above `path`, and read `path` itself."""
    resolved = path.resolve()
    return _enterable_by_all(resolved.parent) and bool(resolved.stat().st_mode & stat.S_IROTH)


@contextmanager
def sole_use(folder: Path) -> Iterator[None]:
    """Hold `folder` against a second process; released by the kernel whenever we end."""
    lock = claim(folder)
    if lock is None:
        raise StackError(f"A stack is already running in {folder}: stop it first.")
    try:
        yield
    finally:
        os.close(lock)


def claim(folder: Path) -> int | None:
    """Take the lock of `folder` until it is closed; None when another process holds it."""
    lock = os.open(private(folder) / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return None
    return lock


def _ours(place: Path) -> bool:
    """Say whether `place` is still the folder we made, not something put there after the machine tidied up."""
    try:
        found = place.lstat()
    except FileNotFoundError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o022


def _open_temporary_folder() -> Path:
    """Return a temporary folder that every user may enter; the usual ones first."""
    for candidate in map(Path, ("/var/tmp", "/tmp", tempfile.gettempdir())):  # noqa: S108 - mkdtemp makes the names
        if candidate.is_dir() and os.access(candidate, os.W_OK) and _enterable_by_all(candidate):
            return candidate
    raise StackError("No temporary folder is open to other users, so PostgreSQL has no place: set DATABASE_URL.")


def _enterable_by_all(folder: Path) -> bool:
    return all(place.stat().st_mode & stat.S_IXOTH for place in (folder.resolve(), *folder.resolve().parents))
