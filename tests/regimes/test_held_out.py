"""No regime learns from a position that strength is measured on, nor from one to choose by."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny_runs import GAME, TWO_LAYERS, train_tiny

from selfplay import arrays
from selfplay.learning.samples import blank_targets
from selfplay.learning.steps import Descent
from selfplay.lines.keys import canonical_keys, canonical_obs_keys
from selfplay.lines.openings import NO_MOVE, distinct_openings
from selfplay.regimes import REGIMES
from selfplay.regimes.base import Parts
from selfplay.regimes.frozen import games_of
from selfplay.training.run import Outcome
from selfplay.truth.positions import write_positions
from selfplay.truth.solver import solver_for

OF_DATA = {"data": "perfect_games", "positions": 512}
OPTIONS: dict[str, dict[str, Any]] = {
    "selfplay": {"positions": 256},
    "dagger": {"games": 32, "labels": 100},
    "policy_gradient": {"games": 32},
    "frozen": {"run": "selfplayed", "positions": 512},
    "imitation": OF_DATA,
    "imitation_then_selfplay": {"share": 0.5, **OF_DATA},
}


def write_reached(path: Path, count: int, plies: int) -> np.ndarray:
    """A file of positions that ``plies`` moves lead to; their canonical keys."""
    reached = distinct_openings(GAME, count, plies, np.random.default_rng(0))
    moves = [line[line != NO_MOVE].tolist() for line in reached.moves]
    write_positions(GAME, path, ["all"] * count, moves, solver_for(GAME).scores(reached.state))
    return canonical_keys(GAME, reached.state)


def test_every_regime_is_asked() -> None:
    assert set(OPTIONS) == {*REGIMES} - {"prove"}  # whose problems are kept apart


@pytest.mark.parametrize("kind", OPTIONS)
def test_it_learns_from_none_of_them(
    kind: str,
    perfect_games: Path,
    selfplayed: Outcome,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Two of the three first moves, one of which begins every game; half of the replies."""
    folders = {"data": str(perfect_games), "run": str(selfplayed.folder)}
    options = OPTIONS[kind]
    test = write_reached(tmp_path / "test.csv", 2, 1)
    validation = write_reached(tmp_path / "validation.csv", 6, 2)
    learned: list[np.ndarray] = []
    loss = Descent.loss

    def watching(self: Descent, samples: Any) -> Any:
        obs = arrays.tree_map(lambda tensor: tensor.numpy(), samples.obs)
        learned.append(canonical_obs_keys(GAME, obs))
        return loss(self, samples)

    monkeypatch.setattr(Descent, "loss", watching)
    train_tiny(
        tmp_path / "run",
        regime={"kind": kind} | options | {k: folders[k] for k in options if k in folders},
        net=TWO_LAYERS,
        strength={
            "positions": str(tmp_path / "test.csv"),
            "validation": str(tmp_path / "validation.csv"),
            "simulations": 2,
        },
        learner={"batch": 128},
        budget={"positions": 2000},
    )
    keys = np.unique(np.concatenate(learned))
    assert len(keys) > 100
    assert not np.isin(test, keys).any()
    assert not np.isin(validation, keys).any()


@pytest.mark.parametrize("kind", ["selfplay", "dagger", "policy_gradient", "frozen"])
def test_where_all_are_judged_that_is_told(
    kind: str, selfplayed: Outcome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Parts, "learnable", lambda self, keys: np.zeros(len(keys), np.bool_))
    options = OPTIONS[kind] | ({"run": str(selfplayed.folder)} if kind == "frozen" else {})
    with pytest.raises(ValueError, match="nothing is left to learn: all positions are ones that"):
        train_tiny(tmp_path, regime={"kind": kind} | options, budget={"positions": 1000})


def test_what_was_found_of_them_is_no_reply_to_learn() -> None:
    """A game of four positions, the third of which is judged; then the first of another game."""
    one = blank_targets(GAME, 5)
    planes = np.zeros_like(one.obs.planes)
    planes.reshape(5, -1)[:, :5] = np.eye(5)  # each another
    replies = np.array([[3], [4], [5], [-1], [6]], np.int8)
    samples = one._replace(
        obs=one.obs._replace(planes=planes),
        reply_actions=replies,
        reply=(replies >= 0).astype(np.float32),
    )
    keys = np.arange(10, 15, dtype=np.uint64)
    parts = Parts(None, None, None, None, None, 0, keys[2:3])
    kept = parts.unjudged(samples, keys)
    np.testing.assert_array_equal(kept.obs.planes, planes[[0, 1, 3, 4]])
    assert kept.reply_actions.dtype == np.int8
    assert kept.reply_actions.tolist() == [[3], [4], [-1], [6]]  # the second went on
    assert kept.reply.tolist() == [[1], [0], [0], [1]]
    assert kept.reply.dtype == np.float32
    assert parts.unjudged(samples, keys + np.uint64(5)) is samples
    searched = kept._replace(policy_weight=np.ones(4, np.float32))
    assert games_of(searched).tolist() == [0, 0, 0, 1]  # no game is parted by what is left out


def test_an_agent_to_play_with_may_learn_what_it_is_judged_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    test = write_reached(tmp_path / "test.csv", 3, 1)  # all there are
    asked: list[np.ndarray] = []
    unjudged = Parts.unjudged

    def watching(self: Parts, samples: Any, keys: np.ndarray) -> Any:
        asked.append(canonical_obs_keys(GAME, unjudged(self, samples, keys).obs))
        return unjudged(self, samples, keys)

    monkeypatch.setattr(Parts, "unjudged", watching)
    for apart, learned in ((True, 0), (False, 3)):
        asked.clear()
        train_tiny(
            tmp_path / str(apart),
            net=TWO_LAYERS,
            regime={"kind": "selfplay", "positions": 256},
            strength={"positions": str(tmp_path / "test.csv"), "simulations": 2, "apart": apart},
            budget={"positions": 500},
        )
        assert np.isin(test, np.concatenate(asked)).sum() == learned
