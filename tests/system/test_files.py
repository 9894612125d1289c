"""Files on disks that are full, read-only or broken: whole or not there, and one sentence."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import IO

import numpy as np
import pytest
import torch

from selfplay.system import files
from selfplay.system.files import locked


def _disk_full(file: IO[bytes]) -> None:
    file.write(b"the first half")
    raise OSError(errno.ENOSPC, "No space left on device")


def _torch_on_a_full_device(file: IO[bytes]) -> None:
    with open("/dev/full", "wb") as full:
        torch.save({"x": torch.zeros(100_000)}, full)


def _numpy_on_a_full_device(file: IO[bytes]) -> None:
    with open("/dev/full", "wb") as full:
        np.savez(full, x=np.zeros(100_000))


@pytest.mark.parametrize("write", [_disk_full, _torch_on_a_full_device, _numpy_on_a_full_device])
def test_a_full_disk_leaves_what_was_there(write: Callable[..., None], tmp_path: Path) -> None:
    path = tmp_path / "000001.pt"
    path.write_bytes(b"the last good one")
    with pytest.raises(ValueError, match=r"could not be saved \(no space left on the disk\)"):
        files.write_atomically(path, write)
    assert path.read_bytes() == b"the last good one"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(("free", "full"), [(1000, True), (1 << 40, False)])
def test_an_error_of_torch_means_a_full_disk_only_if_it_is_full(
    free: int, full: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(file: IO[bytes]) -> None:
        raise RuntimeError("unexpected pos 704 vs 598")

    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=free))
    with pytest.raises(ValueError, match="could not be saved") as error:
        files.write_atomically(tmp_path / "1.pt", fails)
    said = str(error.value)
    assert ("no space left on the disk" in said, "make room" in said) == (full, full)
    assert ("unexpected pos 704 vs 598" in said) != full


def test_a_renamed_file_is_flushed_with_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """First the content, then the name: after a power cut the one without the other is no use."""
    path, real, flushed = tmp_path / "1.pt", os.fsync, []

    def fsync(descriptor: int) -> None:
        kind = "folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file"
        flushed.append((kind, path.exists()))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    files.write_text_atomically(path, "text")
    assert flushed == [("file", False), ("folder", True)]


def test_a_forbidden_folder_gives_its_own_reason(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.mkdir()  # no file can take the place of a folder
    with pytest.raises(ValueError, match=r"could not be saved \(.*directory"):
        files.write_text_atomically(path, "{}")
    assert list(tmp_path.iterdir()) == [path]


def test_an_interrupted_write_leaves_nothing_behind(tmp_path: Path) -> None:
    def interrupted(file: IO[bytes]) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        files.write_atomically(tmp_path / "a.pt", interrupted)
    assert list(tmp_path.iterdir()) == []


KILLED = """
import os, signal, sys
from pathlib import Path
from selfplay.system import files

def half(file):
    file.write(b"half of it")
    file.flush()
    os.kill(os.getpid(), signal.SIGKILL)

files.write_atomically(Path(sys.argv[1]), half)
"""


def test_a_process_killed_while_writing_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("before")
    done = subprocess.run([sys.executable, "-c", KILLED, str(path)], check=False, timeout=120)
    assert done.returncode == -signal.SIGKILL
    assert path.read_text() == "before"


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "(no space left on the disk); what was saved before is intact: make room"),
        (errno.EDQUOT, "(no space left on the disk)"),
        (errno.EROFS, "(the disk is read-only); what was saved before is intact: make it writable"),
        (errno.EACCES, "(it is forbidden)"),
        (errno.EIO, "(Input/output error); what was saved before is intact: run the same command"),
    ],
)
@pytest.mark.parametrize(
    ("place", "name", "write"),
    [
        (os, "fsync", lambda path: files.write_text_atomically(path, "text")),
        (os, "replace", lambda path: files.write_text_atomically(path, "text")),
        (Path, "mkdir", lambda path: files.write_text_atomically(path, "text")),
        (os, "write", lambda path: files.Appended(path).write(b"record")),
        (os, "open", lambda path: files.Appended(path)),
        (Path, "mkdir", lambda path: locked(path, "busy").__enter__()),
    ],
)
def test_what_the_disk_refuses_is_one_sentence(
    place: object,
    name: str,
    write: Callable[[Path], object],
    number: int,
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    path = tmp_path / "a.txt"
    monkeypatch.setattr(place, name, fails)
    with pytest.raises(ValueError, match="could not be saved") as error:
        write(path)
    monkeypatch.undo()
    assert str(error.value).startswith(f"{path} could not be saved ")
    assert words in str(error.value)


def test_of_a_record_that_does_not_fit_nothing_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half of it is on the disk when there is no more room."""
    grows, real = files.Appended(tmp_path / "a.txt"), os.write
    grows.write(b"one\n")

    def half(descriptor: int, record: bytes) -> int:
        if len(record) < 4:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(descriptor, record[:2])

    monkeypatch.setattr(os, "write", half)
    with pytest.raises(ValueError, match="no space left"):
        grows.write(b"two\n")
    monkeypatch.undo()
    assert (tmp_path / "a.txt").read_bytes() == b"one\n"
    grows.write(b"three\n")
    grows.close()
    assert (tmp_path / "a.txt").read_bytes() == b"one\nthree\n"


def test_where_no_folder_can_be_another_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("mine")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    for name in ("a/b", "link"):
        with pytest.raises(ValueError, match="choose another folder with --out"):
            files.write_text_atomically(tmp_path / name / "c.txt", "text")
    assert (tmp_path / "a").read_text() == "mine"


def test_a_folder_in_which_nothing_was_done_is_left_as_it_was(tmp_path: Path) -> None:
    with locked(tmp_path / "a" / "b", "busy"):
        assert os.listdir(tmp_path / "a" / "b") == [".lock"]
        with pytest.raises(ValueError, match="busy"), locked(tmp_path / "a" / "b", "busy"):
            pass
    assert list(tmp_path.iterdir()) == []

    def fail(file: str) -> None:
        with locked(tmp_path / "a", "busy"):
            (tmp_path / file).touch()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail("a/mine")
    assert sorted(os.listdir(tmp_path / "a")) == [".lock", "mine"]
    (tmp_path / "a" / "mine").unlink()
    with locked(tmp_path / "a", "busy"):
        pass
    assert os.listdir(tmp_path) == ["a"]  # which was there before
    assert os.listdir(tmp_path / "a") == []
