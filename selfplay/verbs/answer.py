"""What a verb of the command line hands back, and how it ends."""

from __future__ import annotations

import shlex
from typing import Any, NamedTuple

from selfplay.system.printable import in_one_line


class Answer(NamedTuple):
    """What a verb found out, and the exit code."""

    content: dict[str, Any]
    code: int = 0


def say_next(command: str, meaning: str = "") -> None:
    """The last line of a verb: the next useful command."""
    print(f"Next: {in_one_line(command)}" + (f"   ({meaning})" if meaning else ""))


def recipe_for(spec: str) -> str:
    """The arguments of ``train`` for a game: its recipe, else tic-tac-toe's made over."""
    from envs import trust
    from selfplay.config import recipe_of

    recipe = recipe_of(spec)
    words = shlex.quote(str(recipe or recipe_of("tictactoe")))
    if recipe is None:  # any game's: its net flattens what it sees
        game = shlex.quote(f"game={spec}")
        words += f" --set {game} --set 'strength.versus=[\"random\"]'"
    return words if recipe is None or trust.is_listed(spec) else f"{words} --trust"
