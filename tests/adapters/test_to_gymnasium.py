"""Games as Gymnasium environments: check_env, seats, opponents, pay, illegal moves."""

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from envs import GAMES, make
from envs.adapters.to_gymnasium import ToGymnasium
from envs.toys import Bandit, Chain, Coins, Nim, WinnerLoser
from selfplay.types import Decision

SPECS = [*sorted(GAMES), "envs.toys:Chain", "envs.toys:Coins?players=2", "envs.toys:WinnerLoser"]


class Always:
    """A Player with a list of moves."""

    name = "always"

    def __init__(self, *actions):
        self.actions = list(actions)

    def decide(self, game, state, rng):
        legal = game.legal(state).astype(np.float32)
        action = np.array([self.actions.pop(0)], np.int32)
        zeros = np.zeros(legal.shape, np.float32)
        return Decision(action, legal, zeros[:, 0], zeros.astype(np.int32), zeros)


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("mask_in_observation", [False, True])
@pytest.mark.parametrize("spec", SPECS)
def test_gymnasiums_own_test_passes(spec, mask_in_observation):
    check_env(ToGymnasium(spec, mask_in_observation=mask_in_observation, render_mode="ansi"))


def test_winning_from_the_first_seat():
    env = ToGymnasium("tictactoe", opponent=Always(3, 4))
    env.reset(seed=0)
    assert env.step(0)[1:4] == (0, False, False)
    mine, theirs = env.step(1)[0].tolist()
    assert mine == [[1, 1, 0], [0, 0, 0], [0, 0, 0]]
    assert theirs == [[0, 0, 0], [1, 1, 0], [0, 0, 0]]
    assert env.step(2)[1:4] == (1, True, False)


@pytest.mark.parametrize(
    ("game", "replies", "seat", "steps"),
    [
        ("tictactoe", (0, 1, 2), "second", [(3, 0, False), (4, -1, True)]),
        (WinnerLoser(), (0,), "first", [(0, 1, True)]),  # what the opponent loses the agent wins
        # a coin taken, the opponent leaves his; then both take one
        (Coins(length=4, players=2), (1, 0), "first", [(0, 0.25, False), (0, 0.0, True)]),
        # paid before the agent's first move
        (Coins(length=2, players=2), (0,), "second", [(1, -0.5, True)]),
        (Chain(length=2), None, "first", [(0, 0, False), (0, 1, True)]),  # alone
    ],
)
def test_what_steps_pay(game, replies, seat, steps):
    env = ToGymnasium(game, opponent=None if replies is None else Always(*replies), seat=seat)
    _, info = env.reset(seed=0)
    if game == "tictactoe":
        assert info["action_mask"].tolist() == [0, 1, 1, 1, 1, 1, 1, 1, 1]
    for action, reward, over in steps:
        assert env.step(action)[1:4] == (reward, over, False)


def test_another_move_stays_with_the_agent_and_with_the_opponent():
    env = ToGymnasium(Nim(stones=8, take=2, again=True), opponent=Always(1, 1))
    env.reset(seed=0)
    env.step(1)  # 6 left, which is a multiple of 3: the agent again, the opponent not asked
    assert len(env._opponent.actions) == 2
    assert env.step(0)[1:3] == (0, False)  # 5 left; the opponent leaves 3, so again, leaves 1
    assert env.step(0)[1:3] == (1, True)


def test_one_player_games_have_no_opponent():
    with pytest.raises(ValueError, match="bandit has one player: no opponent"):
        ToGymnasium(Bandit(), opponent=Always())


def test_an_illegal_action_ends_the_episode_with_minus_one():
    env = ToGymnasium("tictactoe", opponent=Always(1))
    env.reset(seed=0)
    env.step(0)
    _, reward, terminated, truncated, info = env.step(1)
    assert (reward, terminated, truncated, info["illegal_action"]) == (-1, True, False, True)
    assert env.step(5)[1:3] == (0, True)


def test_seats_are_drawn_in_about_equal_shares_or_chosen_at_reset():
    env = ToGymnasium("tictactoe", seat="random")
    env.reset(seed=1)
    moved = [int(env.reset()[1]["action_mask"].sum()) == 8 for _ in range(200)]
    assert 100 - 3 * 7.1 <= sum(moved) <= 100 + 3 * 7.1
    _, info = env.reset(seed=0, options={"seat": "second"})
    assert info["action_mask"].sum() == 8
    with pytest.raises(ValueError, match="seat is one of first, second, random, not 'third'"):
        env.reset(options={"seat": "third"})


def test_random_opponents_repeat_for_a_seed():
    def episode():
        env = ToGymnasium("connect4")
        env.reset(seed=4)
        return [env.step(3)[0].tolist() for _ in range(3)]

    assert episode() == episode()


def test_spaces_have_the_games_shape_and_type():
    plain = ToGymnasium("connect4").observation_space
    assert (plain.shape, plain.dtype) == ((2, 6, 7), np.int8)
    masked = ToGymnasium("connect4", mask_in_observation=True).observation_space
    assert isinstance(masked, gymnasium.spaces.Dict)
    assert masked["action_mask"].shape == (7,)


def test_a_registered_game_is_made_by_gymnasium():
    entry = "envs.adapters.to_gymnasium:ToGymnasium"
    gymnasium.register("selfplay-test/Nim-v0", entry_point=entry, kwargs={"game": make("nim")})
    env = gymnasium.make("selfplay-test/Nim-v0")
    env.reset(seed=0)
    assert env.action_space.n == 3
