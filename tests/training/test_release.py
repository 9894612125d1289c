"""A released run holds what ships, and plays as before."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from selfplay.players.players import NetPlayer
from selfplay.training.agent import load_agent
from selfplay.training.folder import RunFolder
from selfplay.training.release import release
from selfplay.types import Decision


def decided(run: Path) -> Decision:
    """What the net of a run does at the start."""
    agent, rng = load_agent(str(run)), np.random.default_rng(0)
    return NetPlayer("net", agent.evaluator).decide(agent.game, agent.game.init(rng, 1), rng)


def test_a_released_run_keeps_its_net_and_nothing_else_of_its_training(copy: Path) -> None:
    before, folder = decided(copy), RunFolder(copy)
    assert len(folder.checkpoints()) > 1
    large = folder.latest().stat().st_size

    kept = release(folder)

    held = ["checkpoints", "config.json", "metrics.jsonl", "provenance.json", "report.md"]
    assert sorted(path.name for path in copy.iterdir()) == held
    assert folder.checkpoints() == [kept]
    assert kept.stat().st_size < large
    np.testing.assert_array_equal(decided(copy).policy, before.policy)


def test_a_run_without_a_checkpoint_cannot_be_released(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="has no checkpoint yet"):
        release(RunFolder(tmp_path))
