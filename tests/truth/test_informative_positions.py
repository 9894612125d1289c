"""The positions that ship to judge regimes by, and to choose settings by."""

from __future__ import annotations

import numpy as np
import pytest

import envs
from selfplay.arrays import take
from selfplay.data.splits import held_out_keys
from selfplay.lines.keys import canonical_keys
from selfplay.truth.base import optimal_moves
from selfplay.truth.positions import default_positions, read_positions, shipped_positions
from selfplay.truth.solver import solver_for

SHIPPED = [("connect4", 8, 250), ("connect4-4x4", 4, 500)]


@pytest.mark.parametrize(("spec", "first", "validated"), SHIPPED)
def test_the_informative_positions_that_ship(spec: str, first: int, validated: int) -> None:
    """Four kinds of play, 1,500 to judge by of each and others to choose by; no position twice."""
    game, known = envs.make(spec), []
    for name, each in (("informative", 1500), ("validation", validated)):
        path = shipped_positions(game, name)
        assert path is not None
        assert path.stat().st_size < 45 * 4 * each  # bytes a position
        positions = read_positions(game, path)
        assert positions.set_names == ("random", "expert", "self-play", "human-like")
        assert np.bincount(positions.set_index).tolist() == [each] * 4
        legal = game.legal(positions.state).sum(axis=1)
        assert (optimal_moves(positions.scores).sum(axis=1) < legal).all()
        plies = game.observe(positions.state).planes[:, :2].sum(axis=(1, 2, 3))
        assert plies.min() >= first
        # the first tenth of a set, which searches are judged on, is like the rest of it
        for of_set in np.split(plies, 4):
            some = len(of_set) // 10
            spread = of_set.std() / np.sqrt(some)
            assert abs(of_set[:some].mean() - of_set[some:].mean()) < 4 * spread
        known.append(canonical_keys(game, positions.state))
    stages = default_positions(game)
    if stages is not None:
        known.append(canonical_keys(game, read_positions(game, stages).state))
    every = np.concatenate(known)
    assert len(np.unique(every)) == len(every)
    assert np.array_equal(held_out_keys(game), np.sort(every))  # from experts' data too


@pytest.mark.parametrize("spec", ["connect4", "connect4-4x4"])
def test_their_scores_are_exact(spec: str) -> None:
    if spec == "connect4":
        pytest.importorskip("bitbully", reason="needs the extra 'solver'")
    game = envs.make(spec)
    path = shipped_positions(game, "informative")
    assert path is not None
    positions = read_positions(game, path)
    empties = (game.observe(positions.state).planes.sum(axis=1) == 0).sum(axis=(1, 2))
    some = np.flatnonzero(empties <= 16)[::20]  # which are solved quickly
    assert len(some) > 40
    exact = solver_for(game).scores(take(positions.state, some))
    np.testing.assert_allclose(positions.scores[some], exact, rtol=1e-5)
