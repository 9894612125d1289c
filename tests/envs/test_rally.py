"""A rally of Pong, move by move, is Pong step by step."""

from __future__ import annotations

import numpy as np
import pytest

from envs import make, pong
from envs.rally import Rally, seen_first

GAME = Rally()


def test_moves_in_turn_are_the_steps_of_pong() -> None:
    """Until a ball is missed, which is the other's point; later moves change nothing."""
    rng = np.random.default_rng(1)
    state = GAME.init(np.random.default_rng(0), 32)
    served = pong.start(np.random.default_rng(0), 32)
    over, points = np.zeros(32, np.bool_), np.zeros(32)
    for _ in range(400):
        action = rng.integers(0, 3, (32, 2), np.int32)
        between, paid = GAME.step(state, action[:, 0])
        assert (paid.discount == np.where(over, 0, -1)).all()
        assert not paid.reward.any()
        features = GAME.observe(between).features[~over]
        served = pong.step(served, action)[0]  # whose paddles alone are looked at once it is over
        np.testing.assert_array_equal(np.rint(features[:, 5] * 20), served.paddle[~over, 0])
        state, paid = GAME.step(between, action[:, 1])
        points += paid.reward
        ended = served.score.sum(axis=1) > 0
        assert (paid.discount == np.where(ended, 0, -1)).all()
        over = ended
        np.testing.assert_array_equal(
            GAME.observe(state).features[~over], pong.observe(served, 0)[~over]
        )
        if over.all():
            break
    assert over.all()
    assert set(points.tolist()) == {-1.0, 1.0}


def test_a_ball_past_the_first_paddle_is_lost_by_him_and_draws_end_after_500_steps() -> None:
    state = GAME.init(np.random.default_rng(0), 2)
    state.ball[:] = (-1.49, 0.5, -0.03, 0.0), (0.0, 0.0, 0.03, 0.0)
    state.moves[1] = GAME.max_moves - 2
    stay = np.zeros(2, np.int32)
    state, paid = GAME.step(state, stay)
    assert paid.discount.tolist() == [-1, -1]
    state, paid = GAME.step(state, stay)
    assert paid.reward.tolist() == [1, 0]  # to the second player, who has moved
    assert paid.discount.tolist() == [0, 0]


def test_what_is_seen_tells_the_position() -> None:
    state = GAME.init(np.random.default_rng(3), 8)
    for _ in range(40):
        state, _ = GAME.step(state, np.random.default_rng(4).integers(0, 3, 8).astype(np.int32))
    features = GAME.observe(state).features
    again = seen_first(features, state.moves)
    np.testing.assert_array_equal(GAME.observe(again).features, features)
    np.testing.assert_array_equal(again.paddle, state.paddle)


def test_names_and_mistakes() -> None:
    assert isinstance(make("pong"), Rally)
    assert [GAME.parse_action(GAME.action_name(a).upper()) for a in range(3)] == [0, 1, 2]
    with pytest.raises(ValueError, match="'left' is no move of a paddle: stay, up or down"):
        GAME.parse_action("left")
    with pytest.raises(ValueError, match="action 3 is no move of a paddle"):
        GAME.step(GAME.init(np.random.default_rng(0), 1), np.array([3], np.int32))
