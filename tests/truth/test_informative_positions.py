"""The positions that ship to judge regimes by, and to choose settings by."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest
import torch

import envs
from selfplay.arrays import take
from selfplay.data.splits import held_out_keys
from selfplay.lines.keys import canonical_keys
from selfplay.measure.strength import StrengthMeter, StrengthSection
from selfplay.search import Gumbel
from selfplay.truth.base import optimal_moves
from selfplay.truth.positions import default_positions, read_positions, shipped_positions
from selfplay.truth.solver import solver_for


class Expected(NamedTuple):
    spec: str
    discs: range  # on the board
    judged: int  # positions of each set
    validated: int
    size: int  # bytes of a position, at most


SHIPPED = (
    Expected("connect4", range(8, 42), 1500, 250, 45),
    Expected("connect4-4x4", range(4, 16), 1500, 500, 45),
    Expected("othello", range(64 - 13, 64 - 8 + 1), 1000, 125, 55),
)


@pytest.mark.parametrize("expected", SHIPPED, ids=lambda each: each.spec)
def test_the_informative_positions_that_ship(expected: Expected) -> None:
    """Four kinds of play, as many of each; no position twice, and nobody learns one."""
    game, known = envs.make(expected.spec), []
    for name, each in (("informative", expected.judged), ("validation", expected.validated)):
        path = shipped_positions(game, name)
        assert path is not None
        assert path.stat().st_size < expected.size * 4 * each
        positions = read_positions(game, path)
        assert positions.set_names == ("random", "expert", "self-play", "human-like")
        assert np.bincount(positions.set_index).tolist() == [each] * 4
        legal = game.legal(positions.state).sum(axis=1)
        assert (optimal_moves(positions.scores).sum(axis=1) < legal).all()
        discs = game.observe(positions.state).planes[:, :2].sum(axis=(1, 2, 3), dtype=int)
        assert np.isin(discs, expected.discs).all()
        # the first tenth of a set, which searches are judged on, is like the rest of it
        for of_set in np.split(discs, 4):
            some = len(of_set) // 10
            spread = of_set.std() / np.sqrt(some)
            assert abs(of_set[:some].mean() - of_set[some:].mean()) < 4 * spread
        known.append(canonical_keys(game, positions.state))
    section = StrengthSection(positions="informative", own_positions=0)
    meter = StrengthMeter(game, Gumbel(), section, "cpu", torch.float32)
    assert np.array_equal(np.sort(meter.keys()), np.sort(np.concatenate(known)))  # no run learns
    stages = default_positions(game)
    if stages is not None:
        known.append(canonical_keys(game, read_positions(game, stages).state))
    every = np.concatenate(known)
    assert len(np.unique(every)) == len(every)
    assert np.array_equal(held_out_keys(game), np.sort(every))  # nor are they in experts' data


@pytest.mark.parametrize("spec", ["connect4", "connect4-4x4", "othello"])
def test_their_scores_are_exact(spec: str) -> None:
    if spec == "connect4":
        pytest.importorskip("bitbully", reason="needs the extra 'solver'")
    game = envs.make(spec)
    path = shipped_positions(game, "informative")
    assert path is not None
    positions = read_positions(game, path)
    empties = (game.observe(positions.state).planes[:, :2].sum(axis=1) == 0).sum(axis=(1, 2))
    some = np.flatnonzero(empties <= 16)[::20]  # which are solved quickly
    assert len(some) > 40
    exact = solver_for(game).scores(take(positions.state, some))
    np.testing.assert_allclose(positions.scores[some], exact, rtol=1e-5)
