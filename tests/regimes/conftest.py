"""What regimes learn from, and the truth about tic-tac-toe."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numba
import pytest
from tiny_runs import GAME, Truth, no_runs, reachable, train_tiny

from selfplay.arrays import concatenate
from selfplay.data.generate import GamesOrder, generate
from selfplay.training.run import Outcome
from selfplay.truth.base import optimal_moves
from selfplay.truth.solver import solver_for


@pytest.fixture(scope="module", autouse=True)
def own_labels(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Labels of these tests cost what they cost here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("NUMBA_CACHE_DIR", numba.config.CACHE_DIR)  # kernels stay where they are
        yield


@pytest.fixture(scope="module")
def truth() -> Truth:
    state = concatenate(list(reachable(GAME)))
    return Truth(state, optimal_moves(solver_for(GAME).scores(state)))


@pytest.fixture(scope="module")
def perfect_games(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """2,000 games of the solver, half of them from positions after random moves."""
    out = tmp_path_factory.mktemp("data") / "perfect"
    generate(GamesOrder("solver", "tictactoe", 2000, 0.0, openings=7), GAME, out, no_runs)
    return out


@pytest.fixture(scope="module")
def selfplayed(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """A run that played itself."""
    folder = tmp_path_factory.mktemp("runs") / "selfplay"
    return train_tiny(
        folder,
        regime={"kind": "selfplay", "positions": 2048},
        learner={"reuse": 3},
        budget={"positions": 24_000},
    )
