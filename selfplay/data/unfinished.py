"""Data sets that were not completed: what a killed process leaves, which the next one takes away.

Such a folder holds a lock that nobody keeps, shards, and no manifest.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from selfplay.data.manifest import NAME
from selfplay.system.files import refused
from selfplay.system.lock import LOCK, locked

_SHARD = re.compile(r"\d{5,}")
_COLUMN = re.compile(
    r"(state_\w+|action|outcome|game|ply|second|key|split|policy|scores)\.npy"  # see dataset.py
)
_ASIDE = re.compile(rf"\.{re.escape(NAME)}\.\d+")  # a manifest that was being written


def refuse_taken(path: Path) -> None:
    """Raises ValueError when there is something at ``path`` already.

    What a killed process left of a data set does not count: ``clear`` takes it away.
    """
    if not path.exists():
        return
    if not path.is_dir() or not _is_unfinished(path):
        raise ValueError(f"{path} exists already; give another folder with --out, or remove it")
    if any(path.iterdir()):
        with locked(path, busy(path)):
            pass


def busy(path: Path) -> str:
    """What is said when another process writes the data set."""
    return f"{path} is being written by another process; give another folder with --out"


def clear(path: Path) -> None:
    """Takes away what ``refuse_taken`` let pass, but for the lock, which the caller holds."""
    for entry in path.iterdir():
        if entry.name == LOCK:
            continue
        try:
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
        except OSError as error:
            raise refused(entry, error) from error


def _is_unfinished(path: Path) -> bool:
    """Whether a folder is empty, or holds a lock and what a writer of data sets puts beside it."""
    entries = list(path.iterdir())
    own = all(
        entry.name == LOCK
        or _ASIDE.fullmatch(entry.name)
        or (_SHARD.fullmatch(entry.name) and entry.is_dir() and _holds_columns(entry))
        for entry in entries
    )
    return own and (not entries or (path / LOCK).exists())


def _holds_columns(shard: Path) -> bool:
    return all(_COLUMN.fullmatch(file.name) and not file.is_dir() for file in shard.iterdir())
