"""Random choices."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from selfplay.types import Bool, Int


def random_actions(weight: Bool | NDArray[np.floating], rng: np.random.Generator) -> Int:
    """[B] i32, one action a row, drawn in proportion to ``weight`` [B, A]."""
    total = weight.cumsum(axis=1, dtype=np.float64)
    draw = rng.random((len(weight), 1)) * total[:, -1:]
    action: Int = (total <= draw).sum(axis=1, dtype=np.int32)
    return action
