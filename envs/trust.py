"""Whose games may be built: code runs only of games that are listed, or that the user wanted.

A file (a run's config, a recipe, a sweep) names a game, and it may come from a stranger.  What
``envs.is_listed`` is harmless.  Any other game was typed by the user in this command, or the file
is trusted: because of ``--trust``, or because it was before (with --trust, or as a run made here).
That is remembered by an empty file whose name is a hash of the working folder, the file and the
game, so that neither another game in the same file nor the same game elsewhere is trusted with it.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

import envs
from selfplay.system.user_folders import config_folder, is_private

_typed: set[str] = set()
_everything = False


def begin(typed: Iterable[str], everything: bool) -> None:
    """What the user allows in this command: the games ``typed``, or all of the files it names."""
    global _everything
    _typed.clear()
    _typed.update(typed)
    _everything = everything


def everything_is_trusted() -> bool:
    """Whether the command has --trust, so that what it starts has it too."""
    return _everything


def is_allowed(game: str, file: Path) -> bool:
    """Whether ``file`` may name ``game``; with --trust it may from now on."""
    if envs.is_listed(game) or game in _typed:
        return True
    if _everything:
        remember(game, file)
        return True
    note = _note(game, file)
    return note is not None and note.is_file()


def require(game: str, file: Path) -> None:
    """Raises ValueError with a sentence when ``file`` may not name ``game``."""
    if not is_allowed(game, file):
        raise ValueError(
            f"{file} plays {game!r}, which is code that does not come with this project and would "
            f"be run; if you know where it comes from, say --trust once: it is remembered for "
            f"this file in this working folder"
        )


def remember(game: str, file: Path) -> None:
    """From now on ``file`` may name ``game``; without a home that lasts for this command only."""
    if envs.is_listed(game):
        return
    note = _note(game, file)
    if note is not None:
        with contextlib.suppress(OSError):
            note.touch(mode=0o600)


def _note(game: str, file: Path) -> Path | None:
    """The file that is there when it is trusted; None where nothing can be remembered."""
    base = config_folder()
    if base is None or not is_private(base) or not is_private(base / "trusted"):
        return None
    told = "\0".join((os.path.realpath("."), os.path.realpath(file), game))
    return base / "trusted" / hashlib.sha256(told.encode(errors="surrogateescape")).hexdigest()
