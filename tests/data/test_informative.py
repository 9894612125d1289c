"""Positions to judge agents on: in each of them one can err, and none is there twice."""

from __future__ import annotations

from pathlib import Path

import numba
import numpy as np
import pytest

import envs
from selfplay.data.informative import Source, careless, draw_informative
from selfplay.lines.games import side_by_side
from selfplay.lines.keys import canonical_keys
from selfplay.lines.openings import any_move
from selfplay.truth.base import Labelled, optimal_moves
from selfplay.truth.labels import Labeller
from selfplay.truth.positions import read_positions, write_positions
from selfplay.truth.solver import solver_for
from selfplay.types import Game, Int, State

GAME = envs.make("connect4-4x4")
NONE = np.empty(0, np.uint64)


@pytest.fixture(autouse=True)
def own_labels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("NUMBA_CACHE_DIR", numba.config.CACHE_DIR)  # kernels stay where they are


def leftmost(game: Game, state: State, rng: np.random.Generator) -> Int:
    return game.legal(state).argmax(axis=1).astype(np.int32)


SOURCES = (Source("random", any_move), Source("left", careless(leftmost, 0.5), openings=3))


def drawn(each: int, seed: int, apart: np.ndarray = NONE) -> list[Labelled]:
    with Labeller(GAME) as labeller:
        return draw_informative(GAME, SOURCES, each, range(5, 11), seed, labeller, apart)


def test_each_can_be_erred_in_and_has_its_truth(tmp_path: Path) -> None:
    found = drawn(60, seed=1)
    assert [each.set_name for each in found] == ["random"] * 60 + ["left"] * 60
    sets, moves, scores = zip(*found, strict=True)
    path = tmp_path / "x.csv"
    write_positions(GAME, path, sets, moves, np.stack(scores))
    positions = read_positions(GAME, path)  # which checks that exactly legal moves have scores
    exact = solver_for(GAME).scores(positions.state)
    np.testing.assert_allclose(positions.scores, exact, rtol=1e-5)
    assert (optimal_moves(exact).sum(axis=1) < GAME.legal(positions.state).sum(axis=1)).all()
    assert len(np.unique(canonical_keys(GAME, positions.state))) == 120
    plies = np.array([len(line) for line in moves])
    assert plies.min() == 5
    assert plies.max() == 10
    # the first of a set are a fair sample of it, early ones and late ones
    assert abs(plies[:30].mean() - plies[30:60].mean()) < 3 * plies[:60].std() * (2 / 30) ** 0.5
    left = side_by_side(moves[60:])[:, 3:5]  # behind the random moves
    assert 0.4 < (left == 0).mean() < 0.9


def test_a_seed_gives_the_same_and_what_is_apart_does_not_come() -> None:
    one, again, other = drawn(40, seed=1), drawn(40, seed=1), drawn(40, seed=2)
    lines = [[each.moves for each in found] for found in (one, again, other)]
    assert lines[0] == lines[1] != lines[2]
    keys = keys_of(one)
    apart = drawn(40, seed=1, apart=keys)
    assert not np.isin(keys_of(apart), keys).any()


def keys_of(found: list[Labelled]) -> np.ndarray:
    """Canonical keys of positions, whose moves are played one by one."""
    keys = []
    for each in found:
        state = GAME.init(np.random.default_rng(0), 1)
        for action in each.moves:
            state, _ = GAME.step(state, np.array([action], np.int32))
        keys.append(canonical_keys(GAME, state))
    return np.concatenate(keys)


def test_a_source_that_brings_nothing_new_is_named() -> None:
    """All games of this player are the same."""
    why = "no more than . positions for the set 'same'; ask for fewer than 100, or for earlier"
    with Labeller(GAME) as labeller, pytest.raises(ValueError, match=why):
        draw_informative(GAME, [Source("same", leftmost)], 100, range(16), 0, labeller, NONE)
