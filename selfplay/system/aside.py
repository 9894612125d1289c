"""Where files and folders are made until they are whole: hidden, beside their place."""

from __future__ import annotations

import os
import shutil
from pathlib import Path


def aside(path: Path) -> Path:
    """Where this process makes what is to stand at ``path``: .NAME.PROCESS."""
    return path.with_name(f".{path.name}.{os.getpid()}")


def remove_abandoned(path: Path) -> None:
    """Removes the folders aside of ``path`` that processes which are no more have left."""
    for left in path.parent.glob(f".{path.name}.*"):
        number = left.name.rpartition(".")[2]
        if left.is_dir() and number.isdecimal() and not _works(int(number)):
            shutil.rmtree(left, ignore_errors=True)


def _works(process: int) -> bool:
    """Whether another process of that number is alive."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return process != os.getpid()
