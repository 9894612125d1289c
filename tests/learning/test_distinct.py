"""Different positions are counted, whatever their order and however often they come."""

from __future__ import annotations

import numpy as np
import pytest
from reference import reach

from envs.connect4 import Connect4
from selfplay.learning import distinct
from selfplay.lines.keys import canonical_obs_keys


def test_few_are_counted_exactly() -> None:
    keys = np.arange(10_000, dtype=np.uint64)
    seen = distinct.add(distinct.nothing(), keys[:6_000])
    seen = distinct.add(seen, np.repeat(keys[4_000:], 3))
    assert distinct.count(seen) == 10_000
    assert distinct.count(distinct.add(seen, keys[::-1].copy())) == 10_000
    assert distinct.count(distinct.nothing()) == 0


@pytest.mark.parametrize("shape", ["in a row", "minima"])
def test_many_are_counted_nearly_in_bounded_memory(
    shape: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(distinct, "KEPT", 1 << 14)
    keys = np.arange(1, 400_001, dtype=np.uint64)
    if shape == "minima":  # as canonical keys are: crowded towards 0
        keys = np.random.default_rng(0).integers(2**63, size=(4, 400_000), dtype=np.uint64).min(0)
    seen, counts = distinct.nothing(), []
    for part in np.split(keys, 10):
        seen = distinct.add(distinct.add(seen, part), keys[:1000])
        counts.append(distinct.count(seen))
    assert len(seen) == 1 << 14
    true = 40_000 * np.arange(1, 11)
    np.testing.assert_allclose(counts, true, rtol=4 / np.sqrt(1 << 14))  # four standard errors
    other = distinct.add(distinct.nothing(), keys[::-1].copy())
    np.testing.assert_array_equal(other, seen)  # the order does not matter


def test_a_position_and_its_mirror_image_count_once() -> None:
    game = Connect4()
    seen = distinct.nothing()
    for line, expected in (("12", 1), ("76", 1), ("4", 2), ("21", 3), ("67", 3), ("12", 3)):
        seen = distinct.add(seen, canonical_obs_keys(game, game.observe(reach(game, line))))
        assert distinct.count(seen) == expected
