"""A folder that one process at a time works in."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

from selfplay.system.files import PLAIN_FILE, refused

fcntl: ModuleType | None
try:
    import fcntl
except ImportError:  # not a Unix system: nothing keeps two processes apart
    fcntl = None

LOCK = ".lock"  # the file that a process holds while a folder is its own


@contextlib.contextmanager
def locked(path: Path, busy: str) -> Iterator[None]:
    """Keeps a folder to this process as long as the context lasts; ValueError(busy) if it is taken.

    The system drops the lock of a killed process.  ValueError also where the disk is not to be
    written to.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path / LOCK, os.O_RDWR | os.O_CREAT | PLAIN_FILE, 0o666)
    except OSError as error:
        raise refused(path, error) from error
    try:
        if fcntl is not None:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise ValueError(busy) from error
        yield
    finally:
        os.close(descriptor)
