"""Folders that are ours alone, and are recognised when they are not."""

from pathlib import Path

import pytest

from stack import folders
from stack.problems import StackError


def test_private_folders_are_private_from_the_top(tmp_path: Path) -> None:
    """Every folder made on the way is for our eyes only."""
    folder = folders.private(tmp_path / "a" / "b" / "c")
    assert [place.stat().st_mode & 0o777 for place in (folder, folder.parent, folder.parent.parent)] == [0o700] * 3


def test_outside_folder_is_remembered_and_removed(tmp_path: Path) -> None:
    """The same folder is found again, and goes with the folder it belongs to."""
    place = folders.outside(tmp_path / "home", mode=0o700)
    assert folders.outside(tmp_path / "home", mode=0o700) == place
    folders.remove(tmp_path / "home")
    assert not place.exists()


@pytest.mark.parametrize("spoil", ["gone", "open to all", "a link"])
def test_spoilt_outside_folder_is_not_trusted(tmp_path: Path, spoil: str) -> None:
    """A remembered folder that is gone, open to others or a link is replaced by a new one."""
    place = tmp_path / "place"
    (tmp_path / "outside").write_text(f"{place}\n")
    if spoil == "open to all":
        place.mkdir()
        place.chmod(0o777)
    elif spoil == "a link":
        place.symlink_to(tmp_path)
    try:
        assert folders.outside(tmp_path, mode=0o700) != place
    finally:
        folders.outside(tmp_path, mode=0o700).rmdir()


def test_second_holder_is_refused(tmp_path: Path) -> None:
    """A folder in use is refused with a sentence, and free again afterwards."""
    with (
        folders.sole_use(tmp_path),
        pytest.raises(StackError, match="already running in"),
        folders.sole_use(tmp_path),
    ):
        pytest.fail("two held it")
    with folders.sole_use(tmp_path):
        pass


def test_sweep_spares_what_is_held(tmp_path: Path) -> None:
    """Folders of runs that were killed go; that of a running one stays."""
    (tmp_path / "dead").mkdir()
    with folders.sole_use(tmp_path / "running"):
        folders.sweep(tmp_path)
        assert [place.name for place in tmp_path.iterdir()] == ["running"]


def test_closed_parent_makes_a_file_unreachable(tmp_path: Path) -> None:
    """A file below a folder that others may not enter is unreachable, however open it is itself."""
    folder = folders.private(tmp_path / "closed")
    program = folder / "program"
    program.touch(mode=0o755)
    assert not folders.open_to_all(program)
    assert folders.open_to_all(Path("/bin/sh"))
