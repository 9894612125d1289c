"""How alike runs learn: in which order they solve the positions, and where they err when as strong.

Order of learning: a position is solved for good at the first measurement from which on the net
alone does not err there.  Two runs are compared by the rank correlation of these (Spearman).

Path dependence: two runs are taken where they are equally strong, the weaker one at its end and the
other at the measurement where its mistake rate comes nearest.  Were it all one whether strength was
reached by this way or that, they would err on the same positions; agreement beyond chance is
Cohen's kappa (1960): 0 as by chance, 1 everywhere.

Positions on which no run ever erred say nothing and are left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations_with_replacement
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from selfplay.compare.analysis.pairs import Pairs, block_sizes, in_blocks, mean_over_pairs
from selfplay.compare.groups import Group
from selfplay.compare.histories import History
from selfplay.compare.records import F64
from selfplay.stats import Interval
from selfplay.types import Bool

FEWEST = 3  # measurements that an order is told from
_AT_ONCE = 4096  # pairs whose bits are compared in one go


class Similarity(NamedTuple):
    """The runs of one group beside those of another, or beside each other."""

    a: str  # Group.label
    b: str  # the same: the seeds of one group
    pairs: int  # of runs
    order: Interval  # rank correlation of the order of learning; NaN: too few measurements
    agreement: Interval  # kappa at equal strength
    shared: float  # share of the mistakes of the one that the other makes too, at equal strength
    chance: float  # the same if they fell anywhere


class Shares(NamedTuple):
    """Mistakes in common of every pair of R runs at equal strength."""

    kappa: Pairs
    shared: F64  # [R, R]
    chance: F64  # [R, R]


def similarities(
    groups: Sequence[Group], histories: Mapping[Path, History]
) -> tuple[Similarity, ...]:
    """Every two groups, and every group of two runs or more with itself."""
    members = [
        [histories[run.path] for run in group.runs if run.path in histories] for group in groups
    ]
    runs = [history for part in members for history in part]
    if len(runs) < 2:
        return ()
    informs = np.any([history.wrong.any(axis=0) for history in runs], axis=0)
    if not informs.any():
        return ()
    wrong = [history.wrong[:, informs] for history in runs]
    order, errors = order_pairs(wrong), error_pairs(wrong)
    places = np.split(np.arange(len(runs)), np.cumsum([len(part) for part in members])[:-1])
    known = [(group.label, at) for group, at in zip(groups, places, strict=True) if len(at)]
    return tuple(
        _similarity(*one, *other, order, errors)
        for one, other in combinations_with_replacement(known, 2)
        if one is not other or len(one[1]) > 1
    )


def _similarity(
    a: str, of_a: NDArray[np.intp], b: str, of_b: NDArray[np.intp], order: Pairs, errors: Shares
) -> Similarity:
    same = of_a is of_b
    pairs = len(of_a) * (len(of_a) - 1) // 2 if same else len(of_a) * len(of_b)
    cells = np.ix_(of_a, of_b)
    counted = ~np.eye(len(of_a), dtype=np.bool_) if same else np.ones((len(of_a), len(of_b)), bool)
    shared, chance = (float(part[cells][counted].mean()) for part in (errors.shared, errors.chance))
    # runs that were measured too rarely, or learned nothing, have no order
    taught = [at[np.isfinite(order.whole[at, at])] for at in (of_a, of_b)]
    enough = min(map(len, taught)) > (1 if same else 0)
    unknown = Interval(np.nan, np.nan, np.nan)
    ranked = mean_over_pairs(order, *taught) if enough else unknown
    agreement = mean_over_pairs(errors.kappa, of_a, of_b)
    return Similarity(a, b, pairs, ranked, agreement, shared, chance)


def first_solved(wrong: Bool) -> NDArray[np.int64]:
    """[M], the measurement from which on each position is not erred on; T: not even at the last.

    ``wrong``: [T, M].
    """
    since = np.argmax(wrong[::-1], axis=0)
    solved: NDArray[np.int64] = np.where(wrong.any(axis=0), len(wrong) - since, 0)
    return solved


def order_pairs(wrong: Sequence[Bool]) -> Pairs:
    """Spearman's coefficient of R runs' ``first_solved``; ``wrong``: [T, M] of each.

    NaN where a run has fewer than FEWEST measurements, or solved all positions at the same one.
    """
    ranks = np.stack([_ranks(first_solved(each)) for each in wrong])
    ranks[[len(each) < FEWEST for each in wrong]] = np.nan
    ranks -= ranks.mean(axis=1, keepdims=True)
    dealt = in_blocks(ranks)  # [R, K, W]
    products = np.einsum("rkw,skw->krs", dealt, dealt, optimize=True)
    total = products.sum(axis=0)
    return Pairs(_correlation(total), _correlation(total - products))


def _ranks(values: NDArray[np.int64]) -> F64:
    """[M] f64, equal ones have the mean of their ranks."""
    counts = np.bincount(values)
    ranks: F64 = (np.cumsum(counts) - (counts + 1) / 2)[values]
    return ranks


def _correlation(products: F64) -> F64:
    """[..., R, R] by sums of products; NaN for what does not vary."""
    variance = np.diagonal(products, axis1=-2, axis2=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        found: F64 = products / np.sqrt(variance[..., :, None] * variance[..., None, :])
    return found


def error_pairs(wrong: Sequence[Bool]) -> Shares:
    """Mistakes in common of R runs, each pair at equal strength; ``wrong``: [T, M] of each."""
    bits = np.concatenate([np.packbits(in_blocks(each), axis=-1) for each in wrong])  # [N, K, W/8]
    counts = np.bitwise_count(bits).sum(axis=-1, dtype=np.float64)  # [N, K]
    one, other = np.triu_indices(len(wrong))
    rows = _at_equal_strength(wrong, one, other)
    both = np.concatenate(
        [
            np.bitwise_count(bits[a] & bits[b]).sum(axis=-1, dtype=np.float64)
            for a, b in (rows[:, at : at + _AT_ONCE] for at in range(0, len(one), _AT_ONCE))
        ]
    )
    parts = np.stack([both, counts[rows[0]], counts[rows[1]]])  # [3, P, K]
    sizes, total = block_sizes(wrong[0].shape[1]), parts.sum(axis=2)
    whole = _kappa(total, sizes.sum())
    rest = _kappa(total[:, :, None] - parts, sizes.sum() - sizes)
    with np.errstate(invalid="ignore"):
        shared = 2 * total[0] / (total[1] + total[2])
        chance = 2 * total[1] * total[2] / (total[1] + total[2]) / sizes.sum()
    square = [_square(each, one, other) for each in (whole, shared, chance)]
    without = np.stack([_square(each, one, other) for each in rest.T])
    return Shares(Pairs(square[0], without), np.nan_to_num(square[1]), np.nan_to_num(square[2]))


def _at_equal_strength(
    wrong: Sequence[Bool], one: NDArray[np.intp], other: NDArray[np.intp]
) -> NDArray[np.int64]:
    """[2, P], rows of all measurements one behind the other: where each pair is equally strong."""
    rates = [each.mean(axis=1) for each in wrong]
    last = np.array([len(rate) for rate in rates]) - 1
    end = np.array([rate[-1] for rate in rates])
    # [R, R]: the latest measurement of the first that comes nearest to the end of the second
    near = np.stack(
        [
            at - np.argmin(np.abs(rate[::-1, None] - end), axis=0)
            for at, rate in zip(last, rates, strict=True)
        ]
    )
    weaker = end[one] >= end[other]
    start = np.concatenate([[0], np.cumsum(last + 1)[:-1]])
    return np.stack(
        [
            start[one] + np.where(weaker, last[one], near[one, other]),
            start[other] + np.where(weaker, near[other, one], last[other]),
        ]
    )


def _kappa(mistakes: F64, count: F64) -> F64:
    """Cohen's coefficient of two, by how often of ``count`` times both err, the one, the other."""
    both, a, b = mistakes
    agree = 1 - (a + b - 2 * both) / count
    chance = (a * b + (count - a) * (count - b)) / count**2
    with np.errstate(invalid="ignore"):
        kappa: F64 = np.where(chance < 1, (agree - chance) / (1 - chance), 1.0)
    return kappa


def _square(values: F64, one: NDArray[np.intp], other: NDArray[np.intp]) -> F64:
    """[R, R], symmetric, of the values of its upper half."""
    size = int(one[-1]) + 1
    table = np.empty((size, size))
    table[one, other] = table[other, one] = values
    return table
