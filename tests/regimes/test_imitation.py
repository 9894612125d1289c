"""What imitation is charged, looks at, and refuses."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny_runs import (
    GAME,
    TINY,
    TWO_LAYERS,
    no_runs,
    train_tiny,
)

import envs
from selfplay.config import parse_config
from selfplay.data.dataset import open_data
from selfplay.data.generate import GamesOrder, generate
from selfplay.learning.learner import Learner
from selfplay.regimes import epochs
from selfplay.training.folder import RunFolder
from selfplay.training.metrics_file import read_metrics
from selfplay.training.run import Training
from selfplay.truth.positions import write_positions
from selfplay.truth.solver import solver_for


def test_the_expert_is_charged_once_for_the_share_that_was_used(
    perfect_games: Path, tmp_path: Path
) -> None:
    """Half a second for each position, the first time that it is learned."""
    data = Path(shutil.copytree(perfect_games, tmp_path / "data"))
    manifest = json.loads((data / "manifest.json").read_text())
    known = open_data(data, GAME)
    manifest["source"]["expert_s"] = 0.5 * len(known)
    (data / "manifest.json").write_text(json.dumps(manifest))
    train = len(known.rows("train"))
    for positions, seconds in ((1024, 512), (3 * train, train / 2)):
        scalars = train_tiny(
            tmp_path / str(positions),
            regime={"kind": "imitation", "data": str(data), "positions": 512},
            net=TWO_LAYERS,
            budget={"positions": positions},
        ).scalars
        assert scalars["cost/expert_s"] == pytest.approx(seconds)


def test_looking_at_games_kept_aside_takes_little(
    perfect_games: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A set share of the positions that are learned from, however small the iterations."""
    looks: list[int] = []
    judge = Learner.judge

    def counting(self: Learner, samples: Any) -> Any:
        looks.append(len(samples.actions))
        return judge(self, samples)

    monkeypatch.setattr(Learner, "judge", counting)
    monkeypatch.setattr(epochs, "JUDGE_SHARE", 0.01)
    outcome = train_tiny(
        tmp_path / "run",
        regime={"kind": "imitation", "data": str(perfect_games), "positions": 256},
        net=TWO_LAYERS,
        budget={"positions": 20_480},
    )
    aside = len(open_data(perfect_games, GAME).rows("validation"))
    assert set(looks) == {aside}
    assert aside == 17
    assert len(looks) == 13  # the first, and then at every 1,700 positions
    lines = [line for line in read_metrics(outcome.folder) if line["phase"] == "learn"]
    assert len(lines) == 80
    assert "learn/validation_accuracy" in lines[0]
    assert sum("learn/validation_policy_loss" in line for line in lines) == len(looks)


def test_data_of_nothing_but_test_positions_teach_nothing(tmp_path: Path) -> None:
    path, data = tmp_path / "positions.csv", tmp_path / "data"
    generate(GamesOrder("solver", "tictactoe", 20, 0.0), GAME, data, no_runs)
    known = open_data(data, GAME)
    games = known.take(np.arange(len(known)))
    begin = np.searchsorted(games.game, games.game).tolist()
    moves = [games.action[first:row].tolist() for row, first in enumerate(begin)]
    write_positions(GAME, path, ["all"] * len(moves), moves, solver_for(GAME).scores(games.state))
    with pytest.raises(ValueError, match="nothing is left to learn: all positions are ones that"):
        train_tiny(
            tmp_path / "run",
            regime={"kind": "imitation", "data": str(data)},
            strength={"positions": str(path)},
            budget={"positions": 1000},
        )


def test_data_of_another_game_or_board_are_refused(perfect_games: Path, tmp_path: Path) -> None:
    small = "connect4?width=4&height=4"
    generate(GamesOrder("minimax:2", small, 10, 0.0), envs.make(small), tmp_path / "4x4", no_runs)
    for data, game, sentence in (
        (perfect_games, small, r"holds tictactoe \(9 actions\); you asked for connect4-4x4-4 \(4"),
        (tmp_path / "4x4", "connect4", r"connect4-4x4-4 \(4 actions\); you asked for connect4 \(7"),
    ):
        plain = {"game": game, "regime": {"kind": "imitation", "data": str(data)}}
        config = parse_config({**TINY, **plain, "budget": {"positions": 1000}})
        with pytest.raises(ValueError, match=sentence):
            Training(RunFolder(tmp_path / "run"), config)
