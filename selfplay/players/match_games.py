"""The games of a tournament while they are played, and as lines of a file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from selfplay.lines.lockstep import Ply
from selfplay.lines.openings import NO_MOVE, Openings
from selfplay.system.printable import in_one_line
from selfplay.types import Game

Seats = tuple[str, str]  # the names of who moves first and second
_RESULTS = {1: "1-0", 0: "1/2-1/2", -1: "0-1"}  # of the player who has the first seat


class Watch(Protocol):
    """Who is told of the games of matches."""

    def begin(self, openings: Openings, seats: Sequence[Seats]) -> None: ...

    def moved(self, ply: Ply) -> None: ...

    def stopped(self, game: int, result: int, sentence: str) -> None: ...

    def end(self, seats: Sequence[Seats], results: NDArray[np.int8]) -> None: ...


class Finished(NamedTuple):
    """A game that is over."""

    seats: Seats
    opening: int  # two games that follow one another have the same
    result: int  # of who has the first seat: 1, 0, -1


class MatchGames:
    """The ``of`` games of a tournament while they are played.

    ``tell`` is called as they go on, ``note`` with the sentence about a game that was stopped.
    """

    def __init__(
        self,
        game: Game,
        of: int,
        tell: Callable[[str], None],
        note: Callable[[str], None] = lambda sentence: None,
    ) -> None:
        self._game, self.of, self._tell, self._note = game, of, tell, note
        self.finished: list[Finished] = []
        self._seats: Sequence[Seats] = ()
        self._begun = 0  # games before the present ones
        self._lines: list[list[int]] = []  # the moves of each of the present games
        self._returns = np.zeros(0)  # of who has the first seat
        self._opening: list[int] = []  # how many of their moves were random
        self._stopped: set[int] = set()
        self._told: list[str] = []  # lines of the file

    def begin(self, openings: Openings, seats: Sequence[Seats]) -> None:
        """Games begin from ``openings``, one from each."""
        self._begun += len(self._lines)
        self._lines = [row[row != NO_MOVE].tolist() for row in openings.moves]
        self._opening = [len(line) for line in self._lines]
        self._returns, self._seats, self._stopped = np.zeros(len(self._lines)), seats, set()

    def moved(self, ply: Ply) -> None:
        """One more move in those that go on."""
        lane, reward = ply.turn.lane, ply.paid.reward
        for game, action in zip(lane.tolist(), ply.action.tolist(), strict=True):
            self._lines[game].append(action)
        self._returns[lane] += np.where(ply.turn.second, -reward, reward)
        for game in lane[ply.paid.discount == 0].tolist():
            self._finish(game, int(np.sign(self._returns[game])))
        self._tell(f"{len(self.finished):,} of {self.of:,} games are over")

    def stopped(self, game: int, result: int, sentence: str) -> None:
        """A game ended without its rules: ``result`` is that of who has the first seat."""
        self._stopped.add(game)
        self._finish(game, result)
        self._note(sentence)

    def _finish(self, game: int, result: int) -> None:
        self.finished.append(Finished(self._seats[game], (self._begun + game) // 2, result))

    def end(self, seats: Sequence[Seats], results: NDArray[np.int8]) -> None:
        """All are over: who had the first and the second seat, and the first one's results."""
        games = zip(self._lines, self._opening, seats, results.tolist(), strict=True)
        for number, (line, random, (first, second), result) in enumerate(games):
            words = [self._game.action_name(action) for action in line]
            if line and number in self._stopped:
                words.append(_RESULTS[result])  # for the moves do not tell it
            names = f"{first} against {second}".replace("#", "?")  # it would begin a comment
            comment = f"opening {random}, {in_one_line(names)}: {_RESULTS[result]}"
            self._told.append(" ".join([*words, "#", comment]) + "\n")

    def text(self) -> str:
        """All games, one a line, as ``selfplay data moves`` reads them."""
        return "".join(self._told)
