"""Files that are replaced as a whole, and the thread that saves them."""

import errno
import logging
import os
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pygase._io import files
from pygase._io.files import objection_to, read_file, real_path, remove_file, remove_leftovers, replace_file
from pygase._io.saver import Saver

ROOT = Path(__file__).resolve().parent.parent.parent


def test_a_file_is_replaced_as_a_whole_and_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "seat"
    replace_file(path, b"old")
    replace_file(path, b"new")
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]
    if os.name == "posix":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_file_whose_replacement_fails_is_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "seat"
    replace_file(path, b"old")

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        replace_file(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_content_and_name_are_flushed_in_this_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    replace, fsync = os.replace, os.fsync

    def noted_fsync(descriptor: int) -> None:
        done.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "content")
        fsync(descriptor)

    def noted_replace(source: Path, target: Path) -> None:
        done.append("name")
        replace(source, target)

    monkeypatch.setattr(os, "fsync", noted_fsync)
    monkeypatch.setattr(os, "replace", noted_replace)
    replace_file(tmp_path / "seat", b"new")
    assert done == (["content", "name", "folder"] if hasattr(os, "O_DIRECTORY") else ["content", "name"])


def test_a_file_that_is_open_elsewhere_on_windows_is_replaced_a_little_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, tries, replace = tmp_path / "seat", [0], os.replace

    def shared(source: Path, target: Path) -> None:
        tries[0] += 1
        if tries[0] < 4:
            raise PermissionError(13, "The process cannot access the file")
        replace(source, target)

    monkeypatch.setattr(os, "replace", shared)
    monkeypatch.setattr(files, "pauses", lambda: (0.0,) * 5)
    replace_file(path, b"new")
    assert path.read_bytes() == b"new"
    monkeypatch.setattr(files, "pauses", lambda: ())
    tries[0] = 0
    with pytest.raises(PermissionError):
        replace_file(path, b"newer")
    assert path.read_bytes() == b"new"


def test_a_symbolic_link_stays_and_its_target_is_replaced(tmp_path: Path) -> None:
    target, link = tmp_path / "seat", tmp_path / "link"
    target.write_bytes(b"old")
    try:
        link.symlink_to(target)
    except OSError:
        pytest.skip("this user may make no symbolic links")
    replace_file(real_path(link), b"new")
    assert link.is_symlink()
    assert target.read_bytes() == b"new"


def test_the_leftovers_of_a_dead_process_are_removed_and_nothing_else(tmp_path: Path) -> None:
    for name in (".se[a]t.1.tmp", ".se[a]t.22.tmp", ".seat.1.tmp", "other.tmp"):
        (tmp_path / name).write_bytes(b"")
    remove_leftovers(tmp_path / "se[a]t")
    assert {path.name for path in tmp_path.iterdir()} == {".seat.1.tmp", "other.tmp"}


def test_reading_is_bounded_and_a_missing_file_is_none(tmp_path: Path) -> None:
    path = tmp_path / "seat"
    assert read_file(path, 10) is None
    remove_file(path)
    path.write_bytes(b"0123456789abc")
    assert read_file(path, 13) == b"0123456789abc"
    assert read_file(path, 10) == b"0123456789a"
    remove_file(path)
    assert not path.exists()


def test_a_place_for_a_file_is_checked_in_words(tmp_path: Path) -> None:
    assert objection_to(tmp_path / "seat") is None
    assert list(tmp_path.iterdir()) == []
    assert "there is no folder" in str(objection_to(tmp_path / "none" / "seat"))
    assert "is a folder; name a file in it" in str(objection_to(tmp_path))


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_the_right_to_write_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "locked"
    folder.mkdir(mode=0o500)
    assert "no file can be written in the folder" in str(objection_to(folder / "seat"))


def test_a_failing_trial_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: object, flags: int, mode: int) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)
    objection = str(objection_to(tmp_path / "seat"))
    assert objection.startswith(f"no file can be written in the folder {str(tmp_path)!r} (Permission denied)")


# -- the thread --------------------------------------------------------------------------------------------------------


class Disk:
    """Keeps the written contents; it is slow or full as a test wants it."""

    def __init__(self) -> None:
        self.free = threading.Event()
        self.free.set()
        self.at_work = threading.Event()
        self.error: OSError | None = None
        self.written: list[bytes] = []

    def write(self, path: Path, data: bytes) -> None:
        self.at_work.set()
        assert self.free.wait(5)
        if self.error is not None:
            raise self.error
        self.written.append(data)


def constant(data: bytes) -> Callable[[], bytes]:
    return lambda: data


@pytest.mark.integration
def test_nobody_waits_for_a_slow_disk_and_the_newest_content_wins() -> None:
    disk, saved = Disk(), list[int]()
    saver = Saver(Path("seat"), "seat", disk.write)
    disk.free.clear()
    began = time.perf_counter()
    for number in range(100):
        saver.save(constant(b"%d" % number), lambda number=number: saved.append(number))
        if number == 0:
            assert disk.at_work.wait(5)
    assert time.perf_counter() - began < 1.0
    assert not saver.finish(0.01)
    disk.free.set()
    assert saver.finish(5)
    assert disk.written == [b"0", b"99"]
    assert saved == [0, 99]


@pytest.mark.integration
def test_a_thread_begins_again_after_a_rest() -> None:
    disk = Disk()
    saver = Saver(Path("seat"), "seat", disk.write)
    for number in range(50):
        saver.save(constant(b"%d" % number))
        assert saver.finish(5)
    assert len(disk.written) == 50


@pytest.mark.integration
def test_a_failing_disk_is_logged_once_with_what_to_do_and_its_recovery(caplog: pytest.LogCaptureFixture) -> None:
    disk = Disk()
    saver = Saver(Path("seat"), "checkpoint", disk.write)
    disk.error = OSError(errno.ENOSPC, "No space left on device")
    with caplog.at_level(logging.INFO, "pygase"):
        for _ in range(3):
            saver.save(constant(b"1"))
            assert saver.finish(5)
            assert saver.is_failing
        disk.error = None
        saver.save(constant(b"2"))
        assert saver.finish(5)
    assert not saver.is_failing
    lines = [record.getMessage() for record in caplog.records]
    assert len(lines) == 2
    assert lines[0] == (
        "the checkpoint could not be saved in seat: No space left on device. The game goes on, and each save is tried "
        "again; make room on the disk, or give this user the right to write there"
    )
    assert lines[1] == "the checkpoint is saved again in seat"


KILLED = """
import sys
from pathlib import Path
sys.path.insert(0, {root!r})
from pygase._io.files import replace_file
from pygase._server.checkpoint import Checkpoint, encode
EXAMPLE = Checkpoint("pong", 1, 20.0, 19.5, 1.7e9, 0.02, 64, b"r" * 32, b"", (), {{}}, ())
path, number = Path(sys.argv[1]), 0
while True:
    number += 1
    replace_file(path, encode(EXAMPLE._replace(tick=number, state={{"picture": bytes([number % 256]) * 200_000}})))
    print(number, flush=True)
"""


@pytest.mark.integration
def test_kill_9_in_the_middle_of_a_save_always_leaves_the_newest_finished_one_or_its_successor(tmp_path: Path) -> None:
    from pygase._server.checkpoint import decode

    path = tmp_path / "game.checkpoint"
    rounds = int(os.environ.get("PYGASE_KILLS", "10"))
    for wait in [n % 10 / 1000 for n in range(rounds)]:
        program = subprocess.Popen(
            [sys.executable, "-c", KILLED.format(root=str(ROOT)), str(path)], stdout=subprocess.PIPE, text=True
        )
        with program:
            assert program.stdout is not None
            for _ in range(3):
                program.stdout.readline()
            time.sleep(wait)
            program.kill()
            reported = [int(line) for line in program.stdout.read().split()] or [3]
        loaded = decode(read_file(path, 10**7) or b"", 1_000)
        assert loaded.tick in (reported[-1], reported[-1] + 1)
        assert loaded.state == {"picture": bytes([loaded.tick % 256]) * 200_000}
    remove_leftovers(path)
    assert list(tmp_path.iterdir()) == [path]
