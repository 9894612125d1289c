"""What tests take as an example of a part of the house; they are skipped where it is gone."""

from __future__ import annotations

from functools import cache

import pytest

from envs import GAMES, SHORT, make
from selfplay.types import Game
from selfplay.verbs import VERBS


@cache
def example(spec: str) -> Game:
    """The game that ``spec`` names."""
    if SHORT.get(spec, spec).partition("?")[0] not in GAMES:
        pytest.skip(f"there is no game {spec}", allow_module_level=True)
    return make(spec)


def needs(command: str) -> None:
    """That the verb of a command is there, and the game that ships behind its ``--game``."""
    words = command.split()
    if words[0] not in VERBS or ("othello" in words and "othello" not in GAMES):
        pytest.skip(f"'selfplay {command}' cannot be typed here")
