"""Provers paired problem by problem, against planted differences."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from selfplay.compare.analysis.proved import paired_problems


def planted(rng: np.random.Generator, folds: bool, spread: float = 0.0) -> tuple[Any, Any]:
    """Five seeds of two provers; the one proves a tenth more of every problem in the mean, and runs
    of one seed differ by ``spread`` from that."""
    hard = rng.beta(0.5, 0.5, 200) * 0.8
    one, other = {}, {}
    for seed in range(5):
        tried = np.arange(seed, 200, 5) if folds else np.arange(200)
        more = 0.1 + spread * rng.standard_normal()
        chance = hard[tried]
        luck = rng.random((2, len(tried)))
        proved = luck[0] < np.clip(chance + more, 0, 1), luck[1] < chance
        one[seed], other[seed] = (
            {f"p{k}": bool(each[i]) for i, k in enumerate(tried)} for each in proved
        )
    return one, other


def test_what_is_counted() -> None:
    one = {0: {"a": True, "b": True, "x": True}, 1: {"c": False, "d": True}, 2: {"e": True}}
    other = {0: {"a": True, "b": False}, 1: {"c": True, "d": False}, 3: {"e": True}}
    found = paired_problems(one, other)
    assert found is not None
    assert (found.problems, found.shares, found.alone) == (4, (0.75, 0.5), (2, 1))
    assert found.difference.value == 0.25
    # the folds differ from the mean by 0.5 and -0.5 in sum: 2 / 1 * 0.5 / 16
    assert found.difference.high - 0.25 == pytest.approx(12.7062 * 0.25, rel=1e-4)
    assert paired_problems({0: one[0]}, other) is None
    assert paired_problems({}, other) is None


@pytest.mark.parametrize("folds", [True, False])
@pytest.mark.parametrize("spread", [0.0, 0.05])
def test_the_interval_covers_the_planted_difference(folds: bool, spread: float) -> None:
    rng, covered, widths = np.random.default_rng(1), [], []
    for _ in range(100):
        found = paired_problems(*planted(rng, folds, spread))
        assert found is not None
        assert found.problems == 200
        _, low, high = found.difference
        covered.append(low <= 0.1 <= high)
        widths.append(high - low)
    assert 0.9 <= np.mean(covered) <= 1
    assert np.median(widths) < 0.35
