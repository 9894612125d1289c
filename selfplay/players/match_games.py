"""The games of a match while they are played: how many are over, and their moves for a file."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from selfplay.lines.openings import NO_MOVE, Openings
from selfplay.types import Bool, Game, Int

_RESULTS = {1: "1-0", 0: "1/2-1/2", -1: "0-1"}  # of the player who has the first seat


class MatchGames:
    """What ``arena.tournament`` tells of its ``of`` games; ``tell`` is called as they end."""

    def __init__(self, game: Game, of: int, tell: Callable[[str], None]) -> None:
        self._game, self._of, self._tell = game, of, tell
        self._over = 0
        self._lines: list[list[int]] = []  # the moves of each game of the present match
        self._opening: list[int] = []  # how many of them were random
        self._told: list[str] = []  # lines of the file

    def begin(self, openings: Openings) -> None:
        """A match begins: each opening is played twice, one game after the other."""
        moves = np.repeat(openings.moves, 2, axis=0)
        self._lines = [row[row != NO_MOVE].tolist() for row in moves]
        self._opening = [len(line) for line in self._lines]

    def moved(self, games: NDArray[np.int64], actions: Int, over: Bool) -> None:
        """``actions`` were played in ``games`` of the match, and ended those that are ``over``."""
        for game, action in zip(games.tolist(), actions.tolist(), strict=True):
            self._lines[game].append(action)
        self._over += int(over.sum())
        self._tell(f"{self._over:,} of {self._of:,} games are over")

    def end(self, a: str, b: str, results: NDArray[np.int8]) -> None:
        """The match of ``a`` and ``b`` is over, with the results of ``arena.Match``."""
        name = self._game.action_name
        for i, (line, random) in enumerate(zip(self._lines, self._opening, strict=True)):
            first, second, sign = (a, b, 1) if i % 2 == 0 else (b, a, -1)
            result = _RESULTS[sign * int(results[i // 2, i % 2])]
            moves = " ".join(name(action) for action in line)
            self._told.append(f"{moves} # opening {random}, {first} against {second}: {result}\n")
        self._lines = []

    def text(self) -> str:
        """All games, one a line, as ``selfplay data moves`` reads them."""
        return "".join(self._told)
