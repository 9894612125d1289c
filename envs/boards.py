"""What the boards of several games have in common."""

from __future__ import annotations

import numpy as np

from selfplay.types import Bool


def cells_in_line(stones: Bool, run: int) -> tuple[int, ...]:
    """The cells (row * C + column) of ``stones`` [R, C] that stand ``run`` or more in a line."""
    rows, columns = stones.shape
    found = np.zeros_like(stones)
    for down, right in ((0, 1), (1, 0), (1, 1), (1, -1)):
        for row, column in np.argwhere(stones).tolist():
            last_row, last_column = row + down * (run - 1), column + right * (run - 1)
            if last_row < rows and 0 <= last_column < columns:
                at = row + down * np.arange(run), column + right * np.arange(run)
                found[at] |= stones[at].all()
    return tuple(np.flatnonzero(found).tolist())
