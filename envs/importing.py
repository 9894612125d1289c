"""Modules that a game's spec names, and the one moment in which the working folder is searched.

A module of the user's own may lie in the working folder.  Nothing else is ever imported from there:
a file that happens to be called as a library is (``yaml.py``) would be run in its place.
"""

from __future__ import annotations

import ast
import contextlib
import importlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

_INSTALLED = ("envs", "selfplay", "gymnasium", "pettingzoo")

_own: dict[str, None] = {}  # names of the modules that were imported for a user's spec, in order


def load(name: str) -> ModuleType:
    """The module; one of the user's may lie in the working folder, with others beside it.

    Raises whatever the module raises.
    """
    if is_installed(name):
        return importlib.import_module(name)
    with working_folder():
        module = importlib.import_module(name)
    _own[name] = None
    return module


def classes_in(name: str) -> list[str]:
    """ "module:Class" of the games that a file of the working folder holds, which is not run.

    A game is a class that has the method ``step``; none where there is no such file.
    """
    path = Path(*name.split(".")).with_suffix(".py")
    try:
        tree = ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return []
    found = []
    for each in tree.body:
        if isinstance(each, ast.ClassDef):
            methods = [part.name for part in each.body if isinstance(part, ast.FunctionDef)]
            if "step" in methods:
                found.append(f"{name}:{each.name}")
    return found


def is_installed(name: str) -> bool:
    """Whether a module is of this project, of Gymnasium or of PettingZoo."""
    return name.partition(".")[0] in _INSTALLED


def own_modules() -> tuple[str, ...]:
    """The modules of users that were loaded: another process has to load them too."""
    return tuple(_own)


@contextlib.contextmanager
def working_folder() -> Iterator[None]:
    """The working folder is searched for modules, after all others, while the context lasts."""
    folder = os.getcwd()
    if folder in sys.path:
        yield
        return
    sys.path.append(folder)
    try:
        yield
    finally:
        with contextlib.suppress(ValueError):  # the module may have taken it away itself
            sys.path.remove(folder)
