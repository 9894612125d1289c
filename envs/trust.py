"""Whose games may be built: code runs only of games that are listed, or that the user wanted.

A file (a run's config, a recipe, a sweep) names a game, and it may come from a stranger.  What
``is_listed`` is harmless.  Any other game was typed by the user in this command, or the file
is trusted: because of ``--trust``, or because it was before (with --trust, or as a run made here).
That is remembered by an empty file whose name is a hash of the working folder, the file and the
game, so that neither another game in the same file nor the same game elsewhere is trusted with it.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import parse_qsl

from envs import GAMES
from selfplay.system.user_folders import config_folder, is_private

_ENVIRONMENT = re.compile(r"pettingzoo\.(?:[a-z]\w*\.)?[a-z]\w*_v\d+(?::(?:raw_)?env)?")
_ID = re.compile(r"[\w.-]+-v\d+")
_WORD = re.compile(r"[\w.+-]{0,40}")
_MOST = 10_000  # of a number among the options of an adapted environment

_typed: set[str] = set()
_everything = False


def is_listed(spec: str) -> bool:
    """Whether anybody's file may name the game: one of GAMES, of PettingZoo or of Gymnasium.

    Of PettingZoo that is a module of its games, of Gymnasium an id that it comes with.  False also
    where an environment's options are more than short words and numbers.
    """
    address, _, query = spec.partition("?")
    if address in GAMES or ":" not in address:
        return True  # what is in no list is refused with a sentence when it is built
    adapter, _, wrapped = address.partition(":")
    if adapter == "pettingzoo":
        known = _ENVIRONMENT.fullmatch(wrapped) is not None
    else:
        known = adapter == "gymnasium" and _comes_with_gymnasium(wrapped)
    return known and all(_is_small(text) for _, text in parse_qsl(query))


def _comes_with_gymnasium(name: str) -> bool:
    if not _ID.fullmatch(name):
        return False
    import gymnasium  # takes a moment: only where one is named

    entry = getattr(gymnasium.registry.get(name), "entry_point", None)
    return isinstance(entry, str) and entry.startswith("gymnasium.envs.")


def _is_small(text: str) -> bool:
    """A word without a path, and no number so large that it could fill the memory."""
    if not _WORD.fullmatch(text) or text.lower() == "human":  # render_mode=human opens a window
        return False
    try:
        return abs(float(text)) <= _MOST
    except ValueError:
        return True


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
    if is_listed(game) or game in _typed:
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
    if is_listed(game):
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
