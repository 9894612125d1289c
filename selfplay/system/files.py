"""Files that are never half written, and folders that one process at a time works in.

Whatever the disk refuses becomes one sentence that names the file and what to do.
"""

from __future__ import annotations

import contextlib
import errno
import importlib
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO

from filelock import FileLock, Timeout

LOCK = ".lock"  # the file that a process holds while a folder is its own
# flags of os.open: no link is followed, and nobody waits for the other end of a named pipe
PLAIN_FILE = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
_NO_PLACE = (errno.EEXIST, errno.ENOTDIR, errno.ENOENT, errno.ELOOP, errno.ENAMETOOLONG)
_NO_ROOM = 1 << 20  # bytes: with less left than that, a failed write has filled the disk
_LOOK_S = 0.1  # longer than `is_locked` takes, by which nobody is to be turned away


def aside(path: Path) -> Path:
    """Where this process makes what is to stand at ``path``: .NAME.PROCESS, beside it."""
    return path.with_name(f".{path.name}.{os.getpid()}")


def remove_abandoned(path: Path) -> None:
    """Removes the folders aside of ``path`` that processes which are no more have left."""
    for left in path.parent.glob(f".{path.name}.*"):
        number = left.name.rpartition(".")[2]
        if left.is_dir() and number.isdecimal() and not _is_another(int(number)):
            shutil.rmtree(left, ignore_errors=True)


def _is_another(process: int) -> bool:
    """Whether another process of that number is alive."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return process != os.getpid()


@contextlib.contextmanager
def locked(path: Path, busy: str) -> Iterator[None]:
    """Keeps a folder to this process as long as the context lasts; ValueError(busy) if it is taken.

    The system drops the lock of a killed process.  ValueError also where nothing can be written.
    Where nothing has come to lie beside the lock nothing is left: no lock, nor a folder made here.
    """
    lock = FileLock(path / LOCK, timeout=_LOOK_S)
    try:
        made = [folder for folder in (path, *path.parents) if not folder.exists()]
        path.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout as error:
        raise ValueError(busy) from error
    except OSError as error:
        raise refused(path, error) from error
    try:
        yield
    finally:
        with contextlib.suppress(OSError):  # whoever has it may have removed it
            if os.listdir(path) == [LOCK]:
                (path / LOCK).unlink()  # while it is held: who waits for it looks again
        lock.release()
        with contextlib.suppress(OSError):  # there is something in it
            for folder in made:
                folder.rmdir()


def write_atomically(path: Path, write: Callable[[IO[bytes]], object]) -> None:
    """Calls ``write`` on a file beside ``path`` that takes its name when it is complete.

    Raises ValueError when the disk does not take it; ``path`` is as before then.
    """
    made = aside(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(made, "wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(made, path)
        _flush_folder(path.parent)
    except (OSError, RuntimeError) as error:
        raise refused(path, error) from error
    finally:
        with contextlib.suppress(OSError):
            made.unlink(missing_ok=True)


def write_text_atomically(path: Path, text: str) -> None:
    """Writes a small file as ``write_atomically`` does."""
    write_atomically(path, lambda file: file.write(text.encode()))


class Appended:
    """A file that grows by whole records, each on the disk's side of this process at once."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._descriptor = os.open(
                path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | PLAIN_FILE, 0o666
            )
        except OSError as error:
            raise refused(path, error) from error

    def write(self, record: bytes) -> None:
        """Appends the record; ValueError when the disk does not take it, and none of it is left."""
        before = os.fstat(self._descriptor).st_size
        try:
            left = memoryview(record)
            while left:
                left = left[os.write(self._descriptor, left) :]
        except OSError as error:
            with contextlib.suppress(OSError):
                os.ftruncate(self._descriptor, before)
            raise refused(self._path, error) from error

    def close(self) -> None:
        if self._descriptor >= 0:
            with contextlib.suppress(OSError):
                os.close(self._descriptor)
        self._descriptor = -1


def refuse_links_out(folder: Path, names: Iterable[str]) -> None:
    """Raises ValueError with a sentence when a part of ``folder`` really lies elsewhere."""
    home = os.path.realpath(folder)
    for name in names:
        place = os.path.realpath(folder / name)
        if os.path.commonpath([home, place]) != home:
            raise ValueError(
                f"{folder / name} is a link that leads out of the folder, to {place}: nothing is "
                f"written there; put what it holds in its place, or give another folder with --out"
            )


def refused(path: Path, error: BaseException) -> ValueError:
    """The sentence for a file that the disk does not take."""
    cause = _cause(error)
    number = cause.errno if isinstance(cause, OSError) else None
    again = "run the same command again"
    if number is None:  # numpy and torch tell of none
        full = shutil.disk_usage(path.parent).free < _NO_ROOM
    else:
        full = number in (errno.ENOSPC, errno.EDQUOT)
    if full:
        reason, advice = "no space left on the disk", f"make room and {again}"
    elif number == errno.EROFS:
        reason = "the disk is read-only"
        advice = "make it writable, or choose a folder on another with --out"
    elif number in (errno.EACCES, errno.EPERM):
        reason = "it is forbidden"
        advice = "make it yours to write, or choose another folder with --out"
    else:
        reason = getattr(cause, "strerror", None) or str(cause)
        advice = "choose another folder with --out" if number in _NO_PLACE else again
    return ValueError(
        f"{path} could not be saved ({reason}); what was saved before is intact: {advice}"
    )


def _flush_folder(folder: Path) -> None:
    """Puts the names in ``folder`` on the disk: else a power cut may undo a rename."""
    with contextlib.suppress(OSError):  # some systems cannot open folders, some disks flush none
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _cause(error: BaseException) -> BaseException:
    """What the system said; torch hides it behind a RuntimeError of its own."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, OSError):
        cause = cause.__cause__ or cause.__context__
    return cause or error


def is_locked(path: Path) -> bool:
    """Whether a process holds the folder ``path`` by ``locked``; nothing is written.

    False where the system cannot tell.
    """
    try:
        file = os.open(path / LOCK, os.O_RDONLY | PLAIN_FILE)
    except OSError:
        return False
    try:
        fcntl = importlib.import_module("fcntl")  # not on Windows
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)  # shared: who looks beside gets it too
    except BlockingIOError:
        return True
    except (ImportError, OSError):
        return False
    finally:
        os.close(file)
    return False
