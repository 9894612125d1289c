"""The proving game as a Gymnasium environment."""

from __future__ import annotations

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from envs.proving.game import Proving
from envs.proving.to_gymnasium import ID, ProvingEnv


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("mask_in_observation", [False, True])
@pytest.mark.parametrize("view", ["walks", "graph"])
def test_gymnasiums_own_test_passes(view: str, mask_in_observation: bool) -> None:
    env = ProvingEnv(view=view, mask_in_observation=mask_in_observation, render_mode="ansi")
    check_env(env)


def play(env: gymnasium.Env, seed: int, problem: str) -> list[float]:
    """What a random attempt paid until it ended."""
    rng = np.random.default_rng(seed)
    _, info = env.reset(seed=seed, options={"problem": problem})
    assert info["problem"] == problem
    rewards, over = [], False
    while not over:
        action = int(rng.choice(np.flatnonzero(info["action_mask"])))
        _, reward, over, truncated, info = env.step(action)
        assert not truncated
        assert info["problem"] == problem
        rewards.append(reward)
    return rewards


@pytest.mark.parametrize("lost", [0.0, -1.0])
def test_a_closed_tableau_pays_one_and_all_else_nothing(lost: float) -> None:
    env = ProvingEnv(lost=lost)
    last = []
    for seed in range(60):
        rewards = play(env, seed, "pelletier_24")
        assert not any(rewards[:-1])
        last.append(rewards[-1])
    assert set(last) == {1.0, lost}
    assert 5 <= last.count(1.0) <= 55


def test_the_spaces_are_those_of_the_view() -> None:
    walks = ProvingEnv(actions=16)
    assert isinstance(walks.observation_space, gymnasium.spaces.Dict)
    shapes = {name: box.shape for name, box in walks.observation_space.items()}
    assert shapes == {"context": (160,), "options": (16, 32)}
    assert isinstance(walks.action_space, gymnasium.spaces.Discrete)
    assert walks.action_space.n == 16
    graph = ProvingEnv(view="graph").observation_space
    assert isinstance(graph, gymnasium.spaces.Dict)
    game = Proving(view="graph")
    seen = game.observe(game.init(np.random.default_rng(0), 1))
    assert set(graph) == set(seen._fields)


def test_problems_are_chosen_by_name_or_drawn() -> None:
    env = ProvingEnv()
    assert len(env.problems) == 139
    assert env.reset(seed=0, options={"problem": "agatha"})[1]["problem"] == "agatha"
    drawn = {env.reset()[1]["problem"] for _ in range(30)}
    assert len(drawn) > 15
    assert env.reset(seed=7)[1]["problem"] == env.reset(seed=7)[1]["problem"]
    with pytest.raises(ValueError, match=r"no problem 'agata' in this .* did you mean 'agatha'\?"):
        env.reset(options={"problem": "agata"})


def test_an_inference_that_is_not_possible_ends_the_attempt() -> None:
    env = ProvingEnv()
    env.reset(seed=0, options={"problem": "agatha"})
    _, reward, over, _, info = env.step(63)
    assert (reward, over, info["illegal_action"]) == (-1.0, True, True)


def test_it_is_made_by_its_name() -> None:
    options = {"view": "graph", "actions": 32, "render_mode": "ansi"}
    env = gymnasium.make(f"envs.proving.to_gymnasium:{ID}", **options)
    env.reset(seed=0, options={"problem": "pelletier_24"})
    assert env.action_space == gymnasium.spaces.Discrete(32)
    assert str(env.render()).startswith("pelletier_24: open after 0 choices\nchoose the clause to ")
