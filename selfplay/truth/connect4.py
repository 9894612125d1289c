"""Connect Four: solved by ``bitbully`` (optional, AGPL: imported only where it is used).

Stages are after Pascal Pons' benchmark (blog.gamesolver.org, "Test protocol"): how much has been
played, and how much would still be played by two perfect players.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from selfplay.lines.openings import random_positions
from selfplay.truth.base import Labelled, fresh
from selfplay.types import Float, Game, State

STAGES = {"begin": (0, 14), "middle": (15, 28), "end": (29, 41)}  # plies played, both included
SETS = ("begin-easy", "begin-medium", "begin-hard", "middle-easy", "middle-medium", "end-easy")
CANDIDATES = 512  # random games played at a time


class ConnectFourSolver:
    """Connect Four, 7 x 6 and four in a row, by bitbully with its opening book.

    A score of s > 0: the player to move wins with his (22 - s)-th stone; of -s: the other does.
    """

    game = "connect4"

    @staticmethod
    def solves(game: Game) -> bool:
        return game.name == ConnectFourSolver.game

    def __init__(self, game: Game) -> None:
        try:
            import bitbully
        except ImportError as error:
            raise ValueError(
                "the perfect Connect Four player needs the package bitbully: "
                "pip install 'selfplay[solver]'"
            ) from error
        self._game = game
        self._board: Any = bitbully.Board
        self._bitbully: Any = bitbully.BitBully()

    def scores(self, state: State) -> Float:
        planes = self._game.observe(state).planes[:, :2].astype(np.int64)
        first_to_move = planes.sum(axis=(1, 2, 3)) % 2 == 0
        mark = np.where(first_to_move, 1, 2)[:, None, None]
        boards = planes[:, 0] * mark + planes[:, 1] * (3 - mark)
        scores = np.full((len(boards), 7), np.nan, np.float32)
        for i, board in enumerate(boards.tolist()):
            if state.over[i]:
                scores[i] = 0
                continue
            for column, score in self._bitbully.score_all_moves(self._board(board)).items():
                scores[i, column] = score
        return scores

    def stages(self, count: int, seed: int) -> list[Labelled]:
        """Positions of each set, after random moves, as many as drawn evenly from the stage's."""
        rng = np.random.default_rng(seed)
        seen: set[int] = set()
        wanted = dict.fromkeys(SETS, count)
        labelled: list[Labelled] = []
        for stage, (fewest, most) in STAGES.items():
            of_stage = [name for name in SETS if name.startswith(stage)]
            while any(wanted[name] for name in of_stage):
                plies = rng.integers(fewest, most + 1, CANDIDATES)
                for moves, state in fresh(
                    self._game, random_positions(self._game, plies, rng), seen
                ):
                    if not any(wanted[name] for name in of_stage):
                        break
                    row = self.scores(state)[0]
                    name = f"{stage}-{_difficulty(float(np.nanmax(row)), len(moves))}"
                    if wanted.get(name):
                        wanted[name] -= 1
                        labelled.append(Labelled(name, moves, row))
        return sorted(labelled, key=lambda each: SETS.index(each.set_name))


def plies_left(score: float, played: int) -> int:
    """How many plies two perfect players would still play after ``played`` plies.

    ``score``: the solver's for the player to move.  s > 0: he wins with his (22 - s)-th stone.
    """
    if score > 0:
        return 2 * int(22 - score - played // 2) - 1
    if score < 0:
        return 2 * int(22 + score - (played + 1) // 2)
    return 42 - played


def _difficulty(score: float, played: int) -> str:
    left = plies_left(score, played)
    return "easy" if left < 14 else "medium" if left <= 28 else "hard"
