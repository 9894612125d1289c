"""Folders of the user's own, outside a project: kernels compiled before, what he has trusted.

What lies there is believed (a cache of kernels holds pickles), so nobody else may write there.
"""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import platformdirs


def cache_folders() -> Iterator[Path]:
    """Where the project may keep what it can make again, the best place first."""
    at_home = platformdirs.user_cache_path("selfplay", appauthor=False)
    if at_home.is_absolute():  # else it begins with the ~ of a user who has none
        yield at_home
    user = os.getuid() if hasattr(os, "getuid") else "user"  # Windows has a folder for each anyway
    yield Path(tempfile.gettempdir()) / f"selfplay-{user}"


def config_folder() -> Path | None:
    """Where the project may keep what the user has decided; None without a home."""
    folder = platformdirs.user_config_path("selfplay", appauthor=False)
    return folder if folder.is_absolute() else None


def is_private(folder: Path) -> bool:
    """Whether ``folder`` is this user's alone, made now if it was missing; False also otherwise.

    It has to be a folder (no link), owned by the user, who alone may write in it; one of the user's
    that others may write in is closed to them.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        status, has_owner = folder.lstat(), hasattr(os, "getuid")
        if not stat.S_ISDIR(status.st_mode) or (has_owner and status.st_uid != os.getuid()):
            return False
        if has_owner and stat.S_IMODE(status.st_mode) & 0o077:
            folder.chmod(0o700)
    except OSError:
        return False
    return os.access(folder, os.W_OK | os.X_OK)
