"""A released run holds what ships, and plays as before."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from selfplay.config import parse_config
from selfplay.players.players import NetPlayer
from selfplay.training.agent import load_agent
from selfplay.training.folder import RunFolder
from selfplay.training.release import release
from selfplay.training.run import Training

RECIPE = {
    "game": "tictactoe",
    "net": {"kind": "mlp", "width": 8, "layers": 1},
    "search": {"simulations": 4},
    "actor": {"games": 8, "threads": 1},
    "regime": {"positions": 32},
    "budget": {"positions": 100},
    "evaluator": {"precision": "float32", "device": "cpu"},
    "checkpoint_s": 0.001,
}


def test_a_released_run_keeps_its_net_and_nothing_else_of_its_training(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    Training(folder, parse_config(RECIPE)).run()
    assert len(folder.checkpoints()) > 1
    before = load_agent(str(folder.path))
    start = before.game.init(np.random.default_rng(0), 1)
    expected = NetPlayer("net", before.evaluator).decide(
        before.game, start, np.random.default_rng(0)
    )
    large = folder.checkpoints()[-1].stat().st_size

    kept = release(folder)

    assert sorted(path.name for path in folder.path.iterdir()) == [
        "checkpoints",
        "config.json",
        "metrics.jsonl",
        "provenance.json",
        "report.md",
    ]
    assert folder.checkpoints() == [kept]
    assert kept.stat().st_size < large
    after = load_agent(str(folder.path))
    decision = NetPlayer("net", after.evaluator).decide(after.game, start, np.random.default_rng(0))
    np.testing.assert_array_equal(decision.policy, expected.policy)


def test_a_run_without_a_checkpoint_cannot_be_released(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="has no checkpoint yet"):
        release(RunFolder(tmp_path))
