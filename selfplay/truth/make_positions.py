"""Positions of a game's stages, with truth: what the position files that ship were made by."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from selfplay.truth.positions import write_positions
from selfplay.truth.solver import SOLVERS
from selfplay.types import Game


def label_stages(game: Game, path: str | Path, count: int, seed: int) -> None:
    """Writes a position file of ``count`` positions for each set, solved exactly.

    None of them is over, and none equals another or its mirror image; which there are says the
    solver's ``stages``.  The same seed writes the same bytes.  Raises ValueError for games that
    have no solver of their own, and when the solver is not installed.
    """
    kind = next((kind for kind in SOLVERS if kind.solves(game)), None)
    if kind is None:
        raise ValueError(f"stages are known for connect4 and othello only, not for {game.name}")
    labelled = kind(game).stages(count, seed)
    scores = np.stack([each.scores for each in labelled])
    sets, moves = [each.set_name for each in labelled], [each.moves for each in labelled]
    write_positions(game, path, sets, moves, scores)
