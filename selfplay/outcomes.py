"""Win, draw and loss: how likely each is, as far as an expected return tells."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Real = TypeVar("Real", bound=np.floating)


def result_probabilities(
    value: NDArray[Real], draw: NDArray[np.floating] | None = None
) -> NDArray[Real]:
    """[B, 3], the probabilities of win, draw and loss that a value [B] in [-1, 1] implies.

    With ``draw`` [B], the probability of a draw, win and loss share the rest so that the mean is
    ``value`` (a draw less likely where the value leaves no room).  Without it, the distribution of
    largest entropy with that mean: proportional to (x, 1, 1/x), (1 - v) x^2 - v x - (1 + v) = 0.
    """
    v = np.clip(value, -1, 1)
    if draw is None:
        # with m = |v| the root of (1 + m) y^2 + m y - (1 - m) = 0 for y = 1/x keeps y <= 1
        m = np.abs(v)
        y = (np.sqrt(4 - 3 * m * m) - m) / (2 * (1 + m))
        tie = y / (1 + y + y * y)
    else:
        tie = np.minimum(draw, 1 - np.abs(v))
    return np.stack([(1 - tie + v) / 2, tie, (1 - tie - v) / 2], axis=1)
