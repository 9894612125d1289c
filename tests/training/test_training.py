"""The whole: tic-tac-toe from nothing to no mistakes, and Connect Four in five minutes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tiny_runs import reachable

from selfplay.arrays import length
from selfplay.config import load_config
from selfplay.players.players import NetPlayer, SearchPlayer
from selfplay.training.agent import load_agent
from selfplay.training.run import train
from selfplay.truth.base import optimal_moves
from selfplay.truth.solver import solver_for

CONFIGS = Path(__file__).parents[2] / "configs"
RECIPE = CONFIGS / "tictactoe.toml"


@pytest.mark.parametrize(
    ("positions", "with_search", "alone"),
    [  # the share of mistakes, at most
        (20_000, 0.01, 0.03),  # an untrained net errs in 37% of the positions
        pytest.param(150_000, 0.0, 0.002, marks=[pytest.mark.slow, pytest.mark.timeout(600)]),
    ],
)
def test_tictactoe_is_learned_to_perfection(
    positions: int, with_search: float, alone: float, tmp_path: Path
) -> None:
    """With a search of 16 simulations, and by the net without looking ahead."""
    budget = f"budget.positions={positions}"
    assert load_config(RECIPE).budget.positions == 150_000
    outcome = train(str(RECIPE), ["strength.versus=[]", budget], str(tmp_path / "run"))
    assert outcome.finished
    agent = load_agent(str(tmp_path / "run"))
    game, solver = agent.game, solver_for(agent.game)
    players = [
        SearchPlayer("search", agent.search, agent.evaluator),
        NetPlayer("net", agent.evaluator),
    ]
    mistakes, seen = np.zeros(2), 0
    for state in reachable(game):
        right = optimal_moves(solver.scores(state))
        seen += length(state)
        for i, player in enumerate(players):
            action = player.decide(game, state, np.random.default_rng(0)).action
            mistakes[i] += (~right[np.arange(length(state)), action]).sum()
    assert seen == 4520  # 5,478 positions, of which 958 are over
    assert mistakes[0] <= with_search * seen
    assert mistakes[1] <= alone * seen


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_demo_learns_connect_four_in_five_minutes(tmp_path: Path) -> None:
    """On two cores with bfloat16; the fresh net errs in 38%, 64 simulations with it in 11%."""
    outcome = train(str(CONFIGS / "demo.toml"), out=str(tmp_path / "run"))
    assert outcome.finished
    assert outcome.scalars["strength/net_mistake_rate"] < 0.12
    assert outcome.scalars["strength/mistake_rate"] < 0.08
