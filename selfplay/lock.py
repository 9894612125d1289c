"""A folder that one process at a time works in."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

fcntl: ModuleType | None
try:
    import fcntl
except ImportError:  # not a Unix system: nothing keeps two processes apart
    fcntl = None

LOCK = ".lock"  # the file that a process holds while a folder is its own


@contextlib.contextmanager
def locked(path: Path, busy: str) -> Iterator[None]:
    """Keeps a folder to this process as long as the context lasts; ValueError(busy) if it is taken.

    The system drops the lock of a killed process.
    """
    path.mkdir(parents=True, exist_ok=True)
    with open(path / LOCK, "w") as file:
        if fcntl is not None:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise ValueError(busy) from error
        yield
