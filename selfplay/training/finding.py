"""How a run is found by its name, known without what trains it."""

from __future__ import annotations

import difflib
import re
import shlex
from pathlib import Path

import envs
from selfplay.training.places import RUNS, SHIPPED

TRAIN = "train one with 'selfplay train'"


class NoRunError(ValueError):
    """Nothing goes by the name; ``hint`` says what may have been meant, "" where nothing is."""

    def __init__(self, name: str, hint: str) -> None:
        super().__init__(f"there is no run {name!r}; {hint or TRAIN}")
        self.hint = hint


def find_folder(name: str) -> Path:
    """The run that ``name`` names: its folder, or a part of the folder's name that fits only one.

    A path comes before a path below ``runs``, that before a folder's name, and that before a part
    of it.  A folder that is no run hides none; where nothing else fits, it is what comes back.
    The spec of a game that has a name without options stands for that name.
    Raises ValueError with a sentence where several fit, NoRunError where none does.
    """
    named = Path(name)
    if (named / "config.json").is_file():
        return named
    name = envs.short(name)
    roots = [RUNS] if RUNS.resolve() == SHIPPED else [RUNS, SHIPPED]
    known = {
        str(config.parent.relative_to(root)): config.parent
        for root in reversed(roots)
        for config in root.glob("**/config.json")
    }
    fits = (
        [path for key, path in known.items() if key == name]
        or [path for key, path in known.items() if Path(key).name == name]
        or [path for key, path in known.items() if name in key and re.search(r"\w", name)]
    )
    if len(fits) == 1:
        return fits[0]
    if fits:
        raise ValueError(f"{name!r} fits several runs: {', '.join(map(str, sorted(fits)))}")
    if named.is_dir():
        return named
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.4)
    hint = f"did you mean {str(known[near[0]])!r}?" if near else ""
    raise NoRunError(name, _hint_at_game(name) or hint)


def _hint_at_game(name: str) -> str:
    """What to do where a game is named in the place of a run; empty for other names."""
    address = name.partition("?")[0]
    adapted = address.partition(":")[0] in envs.ADAPTERS
    if not (address in envs.GAMES or adapted or re.fullmatch(r"[\w.]+:[A-Z]\w*", address)):
        return ""
    from selfplay.config import recipe_of  # imports torch

    recipe, option = recipe_of(name), ""
    if recipe is None and (recipe := recipe_of(address)) is not None:
        option = f" --set game={shlex.quote(name)}"
    train = f"train one with 'selfplay train {recipe}{option}', or " if recipe else ""
    instead = f"play without a net: 'selfplay play mcts:1000 --game {shlex.quote(name)}'"
    if address in envs.ON_PROBLEMS:
        instead = "prove with the one that ships: 'selfplay prove PROBLEM.p'"
    return f"it is the name of a game: {train}{instead}"
