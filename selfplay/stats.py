"""Numbers that describe chance: intervals, expected results, random choices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from selfplay.types import Bool, Float, Int

Z95 = 1.959964  # the standard normal's 97.5% quantile


class Interval(NamedTuple):
    """An estimate with the ends of its 95% interval."""

    value: float
    low: float
    high: float

    def scalars(self, name: str) -> dict[str, float]:
        """The three as metrics: NAME, NAME_low and NAME_high."""
        return {name: self.value, f"{name}_low": self.low, f"{name}_high": self.high}


def wilson(successes: float, trials: float) -> Interval:
    """The share of successes with its score interval (Wilson 1927)."""
    share = successes / trials
    centre = share + Z95**2 / (2 * trials)
    reach = Z95 * np.sqrt(share * (1 - share) / trials + Z95**2 / (4 * trials**2))
    scale = 1 + Z95**2 / trials
    low, high = float((centre - reach) / scale), float((centre + reach) / scale)
    return Interval(share, max(0.0, min(share, low)), min(1.0, max(share, high)))


def clustered(hits: Bool, cluster: NDArray[np.integer] | None = None) -> Interval:
    """The share of ``hits`` [M], where those of equal ``cluster`` [M] depend on one another.

    Wilson's interval for as many independent trials as tell as much: M less by the design effect,
    how much larger the variance is over clusters (that of a ratio; Cochran 1977, chapter 6), and
    by the square of how much wider Student's distribution is for few clusters (Korn and Graubard
    1998).  Trials count as independent where no cluster is given, and where all or none hit, which
    tells of no variance.
    """
    count, share, trials = float(hits.sum()), float(hits.mean()), float(len(hits))
    if cluster is not None and 0 < share < 1:
        _, index = np.unique(cluster, return_inverse=True)
        sizes, sums = np.bincount(index), np.bincount(index, hits)
        if len(sizes) > 1:
            from scipy.special import stdtrit  # takes a moment: only where it is asked for

            spread = ((sums - share * sizes) ** 2).sum() * len(sizes) / (len(sizes) - 1)
            effect = max(1.0, spread / (trials * share * (1 - share)))
            trials /= effect * (stdtrit(len(sizes) - 1, 0.975) / Z95) ** 2
    return wilson(count * (trials / len(hits)), trials)


def mean_of(shares: Sequence[Interval]) -> Interval:
    """The mean of independent shares; its interval recovers the variance from theirs.

    Zou and Donner 2008, "Construction of confidence limits about effect measures", eq. 3; unlike
    the normal approximation it holds near 0 and 1.
    """
    value, low, high = (np.array(column) for column in zip(*shares, strict=True))
    mean = value.mean()
    below = np.sqrt(((value - low) ** 2).sum()) / len(value)
    above = np.sqrt(((high - value) ** 2).sum()) / len(value)
    return Interval(float(mean), float(mean - below), float(mean + above))


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


def soften(scores: Float, temperature: float) -> Float:
    """[B, A] f32, softmax of ``scores`` / temperature; at 0 the best share the probability.

    NaN and -inf are illegal or never played.
    """
    known = np.where(np.isnan(scores), -np.inf, scores).astype(np.float64)
    above = known - known.max(axis=1, keepdims=True)
    weight = np.exp(above / temperature) if temperature else (above == 0).astype(np.float64)
    policy: Float = (weight / weight.sum(axis=1, keepdims=True)).astype(np.float32)
    return policy


def random_actions(weight: Bool | NDArray[np.floating], rng: np.random.Generator) -> Int:
    """[B] i32, one action a row, drawn in proportion to ``weight`` [B, A]."""
    total = weight.cumsum(axis=1, dtype=np.float64)
    draw = rng.random((len(weight), 1)) * total[:, -1:]
    action: Int = (total <= draw).sum(axis=1, dtype=np.int32)
    return action
