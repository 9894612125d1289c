"""A folder that one process at a time works in."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

from selfplay.files import refused

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
        opened = open(path / LOCK, "w")  # noqa: SIM115  closed by the block below
    except OSError as error:
        raise refused(path, error) from error
    with opened as file:
        if fcntl is not None:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise ValueError(busy) from error
        yield
