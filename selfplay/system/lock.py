"""A folder that one process at a time works in."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from selfplay.system.files import refused

LOCK = ".lock"  # the file that a process holds while a folder is its own


@contextlib.contextmanager
def locked(path: Path, busy: str) -> Iterator[None]:
    """Keeps a folder to this process as long as the context lasts; ValueError(busy) if it is taken.

    The system drops the lock of a killed process.  ValueError also where the disk is not to be
    written to.
    """
    lock = FileLock(path / LOCK, timeout=0)
    try:
        path.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout as error:
        raise ValueError(busy) from error
    except OSError as error:
        raise refused(path, error) from error
    try:
        yield
    finally:
        lock.release()
