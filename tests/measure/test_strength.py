"""What is measured while a run goes on: mistakes in the agent's own games."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numba
import numpy as np
import pytest
import torch
from examples import example

import envs
from envs.tictactoe import TicTacToe
from selfplay.arrays import length
from selfplay.config import parse_config
from selfplay.measure.own_games import OWN_POSITIONS, own_positions
from selfplay.measure.strength import StrengthMeter, StrengthSection
from selfplay.nets import Mlp, Net
from selfplay.players.players import RandomPlayer
from selfplay.search import Gumbel
from selfplay.stats import wilson
from selfplay.training.folder import RunFolder
from selfplay.training.run import Training
from selfplay.truth.labels import Labeller
from selfplay.truth.solver import is_small
from selfplay.types import Game


@pytest.fixture(autouse=True)
def own_labels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("NUMBA_CACHE_DIR", numba.config.CACHE_DIR)  # kernels stay where they are


def measured(game: Game, **section: Any) -> dict[str, float]:
    """What is said of a fresh net."""
    torch.manual_seed(0)
    net: Net = Mlp(width=16).build(game)
    meter = StrengthMeter(game, Gumbel(), StrengthSection(**section), "cpu", torch.float32)
    return meter.measure(net).scalars


def test_a_deep_search_makes_no_mistakes_where_it_goes_and_its_net_does() -> None:
    found = measured(TicTacToe(), own_positions=50, simulations=800)
    assert found["strength/own_mistake_rate"] == 0
    assert 0 < found["strength/own_mistake_rate_high"] < 0.08
    rate = found["strength/own_net_mistake_rate"]
    assert 0.1 < rate < 0.7
    assert found["strength/own_net_mistake_rate_low"] < rate
    assert rate < found["strength/own_net_mistake_rate_high"]
    assert rate * 50 == pytest.approx(round(rate * 50))  # all 50 different positions were there
    assert 0.7 < found["strength/own_value_cross_entropy"] < 2
    assert found == measured(TicTacToe(), own_positions=50, simulations=800)
    assert "strength/mistake_rate" not in found  # no positions ship for tic-tac-toe


def test_it_is_on_where_the_game_is_soon_solved_and_has_no_positions() -> None:
    found = measured(TicTacToe(), simulations=4)
    assert found == measured(TicTacToe(), simulations=4, own_positions=OWN_POSITIONS)
    assert found["strength/own_mistake_rate"] > 0
    assert measured(TicTacToe(), simulations=4, own_positions=0) == {}


def test_what_is_soon_solved() -> None:
    for spec in ("tictactoe", "nim", "connect4?width=4&height=3&run=3"):
        assert is_small(envs.make(spec))
    in_python = "pettingzoo:pettingzoo.classic.tictactoe_v3"
    for spec in ("connect4?width=6&height=5", in_python):
        assert not is_small(envs.make(spec))


def test_a_game_without_a_solver_is_refused_at_the_start() -> None:
    game, section = envs.make("connect4?width=8&height=7"), StrengthSection(own_positions=10)
    why = "own_positions needs a solver to judge them: there is no solver for.*to 0"
    with pytest.raises(ValueError, match=why):
        StrengthMeter(game, Gumbel(), section, "cpu", torch.float32)


def test_of_othello_the_end_is_judged() -> None:
    game = example("othello?size=6")
    with Labeller(game) as labeller:
        found = own_positions(game, RandomPlayer(), 50, labeller)
        start = game.init(np.random.default_rng(0), 3)
        assert labeller.solvable(start).tolist() == [False] * 3
    assert found is not None
    assert length(found.state) == 50
    discs = found.state.mover | found.state.other
    empties = 36 - np.array([int(each).bit_count() for each in discs.tolist()])
    assert (empties <= 14).all()
    assert len(np.unique(empties)) > 8
    assert (np.nanmax(found.scores, axis=1) != 0).mean() > 0.5


def test_what_judges_the_own_games_is_not_charged(tmp_path: Path) -> None:
    plain: dict[str, Any] = {
        "game": "tictactoe", "net": {"kind": "mlp", "width": 16, "layers": 1},
        "regime": {"kind": "policy_gradient", "games": 16}, "evaluator": {"precision": "float32"},
        "strength": {"own_positions": 30, "simulations": 4}, "budget": {"positions": 200},
    }  # fmt: skip
    with_own = Training(RunFolder(tmp_path / "with"), parse_config(plain)).run().scalars
    plain["strength"] = {"simulations": 4}
    without = Training(RunFolder(tmp_path / "without"), parse_config(plain)).run().scalars
    assert with_own["strength/own_mistake_rate"] > 0
    same = {k: v for k, v in with_own.items() if k.startswith("cost/") and not k.endswith("_s")}
    assert same == {k: v for k, v in without.items() if k in same}
    assert with_own["cost/expert_s"] == 0


def test_the_interval_of_own_games_allows_for_their_dependence() -> None:
    """Positions of a game are alike: the interval is wider than Wilson's, the rate the same."""
    found = measured(TicTacToe(), own_positions=60, simulations=2)
    for kind in ("", "net_", "value_"):
        rate, low, high = (
            found[f"strength/own_{kind}mistake_rate{end}"] for end in ("", "_low", "_high")
        )
        independent = wilson(60 * rate, 60)
        assert independent.value == pytest.approx(rate)
        assert low < independent.low - 0.002
        assert high > independent.high + 0.002
    game = TicTacToe()
    with Labeller(game) as labeller:
        own = own_positions(game, RandomPlayer(), 60, labeller)
    assert own is not None
    assert own.group is not None
    assert 8 < len(np.unique(own.group)) <= 16  # games
    assert length(own.state) == len(own.group) == 60
