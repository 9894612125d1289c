"""Modules that a game's spec names, and what may be imported from the working folder.

A module of the user's own may lie in the working folder, and itself import what lies beside it, at
any time.  Nobody else imports anything from there: a file that happens to be called as a library is
(``yaml.py``) would be run in its place.
"""

from __future__ import annotations

import ast
import contextlib
import importlib
import os
import pickle
import sys
from collections.abc import Iterator, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any

_INSTALLED = ("envs", "selfplay", "gymnasium", "pettingzoo")

_own: dict[str, None] = {}  # names of the modules that were imported for a user's spec, in order


class _Beside(MetaPathFinder):
    """Finds modules in the working folder, after all others, for those that were found there."""

    def __init__(self) -> None:
        self.folder = ""
        self.found: dict[str, None] = {}  # names, in order
        self.asking = {__name__}  # other modules that are answered

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        asking = _importer()
        own = asking.partition(".")[0] in self.found or asking in self.asking
        if path is not None or not own:
            return None
        spec = PathFinder.find_spec(name, [self.folder], target)
        if spec is not None:
            self.found[name] = None
        return spec


_beside = _Beside()


def load(name: str) -> ModuleType:
    """The module; one of the user's may lie in the working folder, with others beside it.

    Raises whatever the module raises.
    """
    if is_installed(name):
        return importlib.import_module(name)
    _search_working_folder()
    module = importlib.import_module(name)
    _own[name] = None
    return module


def _search_working_folder() -> None:
    _beside.folder = os.getcwd()
    if _beside not in sys.meta_path:
        sys.meta_path.append(_beside)


def _importer() -> str:
    """The name of the module whose code runs the import that is going on."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None:
        name = str(frame.f_globals.get("__name__", ""))
        if name.partition(".")[0] not in ("importlib", "_frozen_importlib"):
            return name
        frame = frame.f_back
    return ""


def told(error: Exception) -> str:
    """What somebody else's code raised, with its kind where its text alone says too little."""
    if isinstance(error, ImportError | TypeError | ValueError):
        return str(error)
    return f"{type(error).__name__}: {error}"


def classes_in(name: str) -> list[str]:
    """ "module:Class" of the games that a file of the working folder holds, which is not run.

    A game is a class that has the method ``step``; none where there is no such file.
    """
    path = Path(*name.split(".")).with_suffix(".py")
    try:
        tree = ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return []
    return [
        f"{name}:{each.name}"
        for each in tree.body
        if isinstance(each, ast.ClassDef)
        and any(isinstance(part, ast.FunctionDef) and part.name == "step" for part in each.body)
    ]


def is_installed(name: str) -> bool:
    """Whether a module is of this project, of Gymnasium or of PettingZoo."""
    return name.partition(".")[0] in _INSTALLED


def own_modules() -> tuple[str, ...]:
    """The modules of users that were loaded: another process has to load them too."""
    return tuple(name for name in {**_own, **_beside.found} if name in sys.modules)


class Carried:
    """Becomes ``value`` in another process, once the modules of users are loaded there.

    Pickling raises ValueError with a sentence when a game in it cannot be pickled.
    """

    def __init__(self, value: Any) -> None:
        self._value = value

    def __reduce__(self) -> tuple[Any, ...]:
        try:
            pickled = pickle.dumps(self._value)
        except Exception as error:  # whatever a user's game holds
            reason = f"{type(error).__name__}: {error}"
            raise ValueError(
                f"the game holds what cannot be handed to another process ({reason}); leave it "
                "away, or stay in one: backend.kind=threads, --processes 1"
            ) from error
        return _arrived, (own_modules(), pickled)


def _arrived(modules: tuple[str, ...], pickled: bytes) -> Any:
    for name in modules:
        load(name)
    return pickle.loads(pickled)


@contextlib.contextmanager
def answering(module: str) -> Iterator[None]:
    """The imports of ``module`` too are searched for in the working folder while this lasts."""
    _search_working_folder()
    _beside.asking.add(module)
    try:
        yield
    finally:
        _beside.asking.discard(module)
