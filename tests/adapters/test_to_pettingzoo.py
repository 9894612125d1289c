"""Games as PettingZoo environments: PettingZoo's own tests, turns, pay, illegal moves."""

import numpy as np
import pytest
from pettingzoo.test import api_test, seed_test

from envs import GAMES
from envs.adapters import to_pettingzoo
from envs.toys import Nim, Standoff, WinnerLoser
from selfplay.types import Transition

SPECS = [*sorted(GAMES), "envs.toys:Chain", "envs.toys:Coins?players=2", "envs.toys:Win"]


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("spec", SPECS)
def test_pettingzoos_own_tests_pass(spec):
    api_test(to_pettingzoo.env(spec), num_cycles=60)
    seed_test(lambda: to_pettingzoo.env(spec), num_cycles=30)


def start(game):
    env = to_pettingzoo.env(game)
    env.reset(seed=0)
    return env


def test_a_won_game_pays_both_and_ends():
    env = start("tictactoe")
    for cell in (0, 3, 1, 4):
        assert env.last()[1:4] == (0, False, False)
        env.step(cell)
    assert env.agent_selection == "player_1"
    env.step(2)
    assert env.rewards == {"player_1": 1, "player_2": -1}
    assert env.terminations == {"player_1": True, "player_2": True}
    assert env.last()[1:3] == (-1, True)
    for _ in range(2):
        env.step(None)
    assert env.agents == []


def test_a_move_that_loses_is_paid_to_its_mover_and_another_move_keeps_the_turn():
    env = start(WinnerLoser())
    env.step(0)
    env.step(0)
    assert env.rewards == {"player_1": 1, "player_2": -1}
    env = start(Nim(stones=5, take=2, again=True))
    env.step(1)  # leaves 3, so player_1 moves again
    assert env.agent_selection == "player_1"
    env.step(0)
    assert env.agent_selection == "player_2"


def test_observation_and_mask_are_the_movers():
    env = start("tictactoe")
    env.step(4)
    seen = env.observe("player_2")
    assert seen["observation"].tolist() == [
        [[0, 0, 0], [0, 0, 0], [0, 0, 0]],
        [[0, 0, 0], [0, 1, 0], [0, 0, 0]],
    ]
    assert seen["action_mask"].tolist() == [1, 1, 1, 1, 0, 1, 1, 1, 1]
    assert env.observe("player_1")["action_mask"].tolist() == [0] * 9


def test_an_illegal_move_loses_and_raises_without_wrappers():
    env, bare = start("tictactoe"), to_pettingzoo.ToPettingZoo("tictactoe")
    bare.reset()
    env.step(4)
    bare.step(4)
    env.step(4)
    assert env.rewards == {"player_1": 0, "player_2": -1}
    assert env.terminations == {"player_1": True, "player_2": True}
    with pytest.raises(ValueError, match="cell 5 cannot be played"):
        bare.step(4)


def test_render_gives_or_prints_the_text(capsys):
    env = to_pettingzoo.env(Standoff(length=3), render_mode="ansi")
    env.reset()
    assert env.render() == "standoff: 0"
    human = to_pettingzoo.env(Standoff(length=3), render_mode="human")
    human.reset()
    human.step(0)
    assert capsys.readouterr().out == "standoff: 1\n"


def test_rewards_during_the_game_add_up():
    class Penny(Standoff):
        """Each move pays the mover a quarter."""

        def step(self, state, action):
            after, paid = super().step(state, action)
            return after, Transition(paid.reward + np.float32(0.25), paid.discount)

    env = start(Penny(length=3))
    env.step(0)
    env.step(0)
    assert env.last()[1] == 0  # player_1: 0.25 for his move, -0.25 for the other's
    env.step(0)
    totals = {agent: env._cumulative_rewards[agent] for agent in env.agents}
    assert totals == {"player_1": 0.25, "player_2": 0.0}
