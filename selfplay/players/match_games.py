"""The games of a match while they are played: how many are over, and their moves for a file."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from selfplay.lines.lockstep import Ply
from selfplay.lines.openings import NO_MOVE, Openings
from selfplay.types import Game

_RESULTS = {1: "1-0", 0: "1/2-1/2", -1: "0-1"}  # of the player who has the first seat


class MatchGames:
    """What ``arena.tournament`` tells of its ``of`` games; ``tell`` is called as they end."""

    def __init__(self, game: Game, of: int, tell: Callable[[str], None]) -> None:
        self._game, self._of, self._tell = game, of, tell
        self._over = 0
        self._lines: list[list[int]] = []  # the moves of each of the present games
        self._opening: list[int] = []  # how many of them were random
        self._told: list[str] = []  # lines of the file

    def begin(self, openings: Openings) -> None:
        """Games begin from ``openings``, one from each."""
        self._lines = [row[row != NO_MOVE].tolist() for row in openings.moves]
        self._opening = [len(line) for line in self._lines]

    def moved(self, ply: Ply) -> None:
        """One more move in those that go on."""
        for game, action in zip(ply.turn.lane.tolist(), ply.action.tolist(), strict=True):
            self._lines[game].append(action)
        self._over += int((ply.paid.discount == 0).sum())
        self._tell(f"{self._over:,} of {self._of:,} games are over")

    def end(self, seats: Sequence[tuple[str, str]], results: NDArray[np.int8]) -> None:
        """All are over: who had the first and the second seat, and the first one's results."""
        name = self._game.action_name
        for line, random, (first, second), result in zip(
            self._lines, self._opening, seats, results.tolist(), strict=True
        ):
            moves = " ".join(name(action) for action in line)
            self._told.append(
                f"{moves} # opening {random}, {first} against {second}: {_RESULTS[result]}\n"
            )

    def text(self) -> str:
        """All games, one a line, as ``selfplay data moves`` reads them."""
        return "".join(self._told)
