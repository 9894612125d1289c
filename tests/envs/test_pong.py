"""The laws of Pong, each by values worked out by hand."""

from __future__ import annotations

import time

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from envs import pong


def court(x: float, y: float, speed: float, rise: float, left: int = 0, right: int = 0):
    state = pong.start(np.random.default_rng(0), 1)
    state.ball[0] = x, y, speed, rise
    state.paddle[0] = left, right
    return state


def after(state, left: int = pong.STAY, right: int = pong.STAY):
    return pong.step(state, np.array([[left, right]], np.int32))


def test_a_wall_reflects_a_ball() -> None:
    state, _ = after(court(0.0, 0.99, 0.03, 0.03))
    np.testing.assert_allclose(state.ball[0], [0.03, 0.98, 0.03, -0.03])
    state, _ = after(court(0.0, -0.99, 0.03, -0.03))
    np.testing.assert_allclose(state.ball[0], [0.03, -0.98, 0.03, 0.03])


def test_a_paddle_sends_the_ball_back_quicker_and_by_where_it_was_met() -> None:
    state, event = after(court(-1.49, 0.1, -0.03, 0.0))
    assert event.tolist() == [[pong.RETURNED, pong.NOTHING]]
    np.testing.assert_allclose(state.ball[0], [-1.48, 0.1, 0.0309, 0.02])
    state, event = after(court(1.49, -0.2, 0.045, 0.0))
    assert event.tolist() == [[pong.NOTHING, pong.RETURNED]]
    np.testing.assert_allclose(state.ball[0], [1.465, -0.2, -0.045, -0.04])


def test_a_ball_past_a_paddle_is_the_others_point_and_served_anew() -> None:
    state, event = after(court(-1.49, 0.21, -0.03, 0.0, left=0))
    assert event.tolist() == [[pong.MISSED, pong.NOTHING]]
    assert state.score.tolist() == [[0, 1]]
    assert state.ball[0, 0] == 0
    assert abs(state.ball[0, 2]) == pong.SERVE
    assert after(court(-1.49, 0.21, -0.03, 0.0), pong.UP)[1][0, 0] == pong.RETURNED


def test_paddles_move_a_stride_and_stop_at_the_walls() -> None:
    state = court(0, 0, 0.03, 0, left=20, right=-19)
    state, _ = after(state, pong.UP, pong.DOWN)
    assert state.paddle.tolist() == [[20, -20]]
    state, _ = after(state, pong.DOWN, pong.DOWN)
    assert state.paddle.tolist() == [[19, -20]]


def test_both_sides_see_the_same_court() -> None:
    here, there = court(0.6, 0.3, 0.03, 0.01, 4, -7), court(-0.6, 0.3, -0.03, 0.01, -7, 4)
    np.testing.assert_array_equal(pong.observe(here, 0), pong.observe(there, 1))
    np.testing.assert_allclose(
        pong.observe(here, 0)[0], [0.4, 0.3, 2 / 3, 0.25, 0.2, -0.35], rtol=1e-6
    )


def test_mirrored_games_stay_mirrored_until_a_serve() -> None:
    rng = np.random.default_rng(1)
    here, there = court(0.6, 0.3, 0.03, 0.01), court(-0.6, 0.3, -0.03, 0.01)
    for _ in range(200):
        action = rng.integers(0, 3, (1, 2), np.int32)
        here, event = pong.step(here, action)
        there, mirrored = pong.step(there, action[:, ::-1])
        assert event.tolist() == mirrored[:, ::-1].tolist()
        if (event == pong.MISSED).any():
            return
        np.testing.assert_allclose(here.ball * [-1, 1, -1, 1], there.ball)
    raise AssertionError("nobody missed")


def test_nothing_leaves_its_bounds_and_steps_are_pure() -> None:
    rng = np.random.default_rng(2)
    state = pong.start(rng, 64)
    serves = 0
    for _ in range(400):
        before = [array.copy() for array in state]
        follower, event = pong.step(state, rng.integers(0, 3, (64, 2), np.int32))
        for old, same in zip(before, state, strict=True):
            np.testing.assert_array_equal(old, same)
        state, serves = follower, serves + int((event == pong.MISSED).sum())
        assert (np.abs(pong.observe(state, 0)) <= 1).all()
        assert (np.abs(state.ball[:, 2]) >= pong.SERVE).all()
    assert serves == state.score.sum() > 100


def test_arrival_is_where_the_dynamics_bring_the_ball() -> None:
    rng = np.random.default_rng(3)
    for _ in range(50):
        state = court(*rng.uniform(-1, 1, 2), -rng.uniform(0.03, 0.045), rng.uniform(-0.04, 0.04))
        steps, height = pong.arrival(*state.ball[0])
        for _ in range(steps - 1):
            state, event = after(state)
            assert not event.any()
        y, _ = pong.fly(*state.ball[0, [1, 3]])
        _, event = after(state)
        assert event[0, 0] != pong.NOTHING
        assert height == y


def test_the_environment_passes_gymnasiums_check_and_repeats_itself() -> None:
    env = gymnasium.make(f"envs.pong:{pong.ID}", points=3)
    check_env(env.unwrapped, skip_render_check=True)
    episodes = []
    for _ in range(2):
        observation, _ = env.reset(seed=7)
        total, over, steps = 0.0, False, 0
        while not over:
            action = pong.follow(observation) if steps % 3 else pong.STAY
            observation, reward, over, _, info = env.step(action)
            total, steps = total + reward, steps + 1
        assert max(info["score"]) == 3
        assert total == info["score"][0] - info["score"][1]
        episodes.append((steps, info["score"]))
    assert episodes[0] == episodes[1]


def test_the_court_as_text() -> None:
    env = pong.PongEnv(render_mode="ansi")
    env.reset(seed=0)
    lines = str(env.render()).splitlines()
    assert len(lines) == 12
    assert lines[-1] == "0 : 0"
    assert sum(line.count("o") for line in lines) == 1
    assert [line[0] for line in lines[:-1]].count("#") == 3


def test_mistakes_are_told() -> None:
    state = pong.start(np.random.default_rng(0), 1)
    with pytest.raises(ValueError, match="0 \\(stay\\), 1 \\(up\\) and 2 \\(down\\)"):
        pong.step(state, np.array([[3, 0]], np.int32))
    with pytest.raises(ValueError, match="at least 1 point"):
        pong.PongEnv(points=0)


def test_a_million_steps_a_second() -> None:
    state = pong.start(np.random.default_rng(0), 4096)
    action = np.zeros((4096, 2), np.int32)
    event = np.zeros((4096, 2), np.int8)
    pong.step_within(state, action, event)
    begun = time.process_time()
    for _ in range(250):
        pong.step_within(state, action, event)
    assert 4096 * 250 / (time.process_time() - begun) > 1e6
