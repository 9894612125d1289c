"""Search without knowledge solves positions whose exact scores are known."""

from __future__ import annotations

import numpy as np
import pytest
from reference import searched, uniform

from envs.connect4 import Connect4
from selfplay.arrays import take
from selfplay.search import Gumbel, Puct
from selfplay.truth.base import optimal_moves
from selfplay.truth.positions import default_positions, read_positions

AT_ONCE = 50  # positions, which keeps the trees below 300 MB


@pytest.mark.parametrize("search", [Gumbel(), Puct()], ids=lambda search: search.kind)
@pytest.mark.parametrize(
    ("name", "simulations", "count"),
    [
        ("end-easy", 4_000, 100),
        ("middle-easy", 16_000, 20),
        pytest.param("middle-easy", 16_000, 100, marks=pytest.mark.slow),
    ],
)
def test_a_search_without_knowledge_makes_no_mistakes(
    name: str, simulations: int, count: int, search: Gumbel | Puct
) -> None:
    """On the first positions of a set of 100 that ships; the net is one that knows nothing."""
    game = Connect4()
    path = default_positions(game)
    assert path is not None
    positions = read_positions(game, path)
    of_set = np.flatnonzero(positions.set_index == positions.set_names.index(name))
    assert len(of_set) == 100
    search = search.with_simulations(simulations)
    solved = 0
    for rows in np.split(of_set[:count], max(1, count // AT_ONCE)):
        state, scores = take(positions.state, rows), positions.scores[rows]
        _, found = searched(search, game, uniform, state, np.random.default_rng(0))
        played = optimal_moves(scores)[np.arange(len(rows)), found.decision.action]
        assert played.all(), f"mistakes in {rows[~played].tolist()}"
        truth = np.sign(np.nanmax(scores, axis=1))
        np.testing.assert_array_equal(found.decision.value[found.solved], truth[found.solved])
        solved += int(found.solved.sum())
    assert solved >= 0.9 * count  # the others are played well, yet not proven
