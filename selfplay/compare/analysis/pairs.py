"""A coefficient of pairs of runs: its mean over the pairs of two groups, with its interval.

Pairs that share a run are not independent, nor are they all on other positions.  So the variance is
that of two jackknives (Efron 1982, ch. 2 and 4): one leaves out a run at a time, the other a block
of positions.  Both count in full, which makes intervals rather too wide than too narrow.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from selfplay.compare.records import F64
from selfplay.stats import Interval
from selfplay.types import Bool

BLOCKS = 20  # of positions, drawn at random
_NEXT_TO_ONE = 1 - 1e-6  # coefficients are cut here, whose z is infinite at 1


class Pairs(NamedTuple):
    """A coefficient between -1 and 1 of every pair of R runs."""

    whole: F64  # [R, R], symmetric
    without: F64  # [K, R, R], on all positions but those of a block


def in_blocks(values: NDArray[Any]) -> NDArray[Any]:
    """[..., BLOCKS, W]: ``values`` [..., M] dealt to blocks at random, 0 where one is not full.

    W is a multiple of 8, so that blocks of bits are whole bytes.
    """
    count = values.shape[-1]
    width = 8 * -(-count // (8 * BLOCKS))
    dealt = np.zeros((*values.shape[:-1], width * BLOCKS), values.dtype)
    dealt[..., :count] = values[..., np.random.default_rng(0).permutation(count)]
    return np.swapaxes(dealt.reshape(*values.shape[:-1], width, BLOCKS), -1, -2)


def block_sizes(count: int) -> F64:
    """[BLOCKS] f64, how many of M positions ``in_blocks`` deals to each."""
    filled: Bool = np.ones(count, np.bool_)
    return np.asarray(in_blocks(filled).sum(axis=-1), np.float64)


def mean_over_pairs(pairs: Pairs, one: NDArray[np.intp], other: NDArray[np.intp]) -> Interval:
    """Over the pairs of runs ``one`` with ``other``, which may be the same, by Fisher's z.

    Where both are but one run, or the same two, the interval is of the chance of positions alone.
    """
    same = np.array_equal(one, other)
    z, blocks = (_z(part[..., one[:, None], other]) for part in (pairs.whole, pairs.without))
    value, by_block = float(_mean(z, same)), _mean(blocks, same)
    sources = [(_jackknifed(by_block), len(by_block) - 1)]
    if same and len(one) > 2:
        kept = [np.delete(np.delete(z, i, 0), i, 1) for i in range(len(one))]
        sources.append((_jackknifed(np.array([_mean(part, True) for part in kept])), len(one) - 1))
    if not same:
        means = [z.mean(axis=axis) for axis in (0, 1) if z.shape[1 - axis] > 1]
        sources += [(float(each.var(ddof=1) / len(each)), len(each) - 1) for each in means]
    variance = sum(part for part, _ in sources)
    # degrees of freedom of a sum of variances (Satterthwaite 1946)
    freedom = variance**2 / sum(part**2 / known for part, known in sources) if variance else 1.0
    reach = float(stats.t.ppf(0.975, freedom) * np.sqrt(variance))
    low, middle, high = np.tanh([value - reach, value, value + reach]).tolist()
    return Interval(middle, low, high)


def _z(coefficient: F64) -> F64:
    z: F64 = np.arctanh(np.clip(coefficient, -_NEXT_TO_ONE, _NEXT_TO_ONE))
    return z


def _mean(table: F64, same: bool) -> F64:
    """Over the last two axes, without the diagonal where runs are paired with themselves."""
    if not same:
        return np.asarray(table.mean(axis=(-2, -1)))
    count = table.shape[-1]
    total = table.sum(axis=(-2, -1)) - np.trace(table, axis1=-2, axis2=-1)
    return np.asarray(total / (count * (count - 1)))


def _jackknifed(without: F64) -> float:
    """The variance of a mean by its values without one part each."""
    count = len(without)
    return float((count - 1) / count * ((without - without.mean()) ** 2).sum())
