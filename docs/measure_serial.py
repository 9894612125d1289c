"""Milliseconds between playing and learning: what the main thread does with a harvest.

    python docs/measure_serial.py GAME [--window POSITIONS] [--iterations N]

The window is filled with games of the game's default recipe, played by a search of 2 simulations
that knows nothing.  Then, iteration by iteration, 8,192 further positions come as they do in
self-play, and batches of 512 are drawn twice for each of them.  Medians.
"""

from __future__ import annotations

import numpy as np

from selfplay import arrays
from selfplay.types import Evaluation, Game, State

POSITIONS, BATCH, REUSE, ACTORS = 8192, 512, 2, 2


def knows_nothing(game: Game, state: State) -> Evaluation:
    count = arrays.length(state)
    zero = np.zeros(count, np.float32)
    return Evaluation(np.zeros((count, game.num_actions), np.float32), zero, zero)
