"""The scripted players, what weights do, and that the net learns."""

from __future__ import annotations

import numpy as np
import pytest

from envs import pong
from selfplay.mirror.learner import ALIKE, LEAST, RELEVANCE, RULE, WAYS, _draw, learner, remember
from selfplay.mirror.lesson import lesson
from selfplay.mirror.styles import STYLES, choose, mood


def watched(style: str, steps: int = 8000) -> dict[str, float]:
    """How a style plays against the one that follows: shares of steps and balls."""
    rng = np.random.default_rng(5)
    state, mind = pong.start(rng, 1), mood(rng)
    counts = dict.fromkeys(("far", "far moves", "away", "away moves", "met", "balls", "off"), 0.0)
    for _ in range(steps):
        action = choose(STYLES[style], mind, state)
        x, _, speed, _ = state.ball[0]
        kind = "away" if speed > 0 else "far" if x > 0 else None
        if kind:
            counts[kind] += 1
            counts[f"{kind} moves"] += action != pong.STAY
        other = pong.follow(pong.observe(state, 1)[0])
        state, event = pong.step(state, np.array([[action, other]], np.int32))
        counts["balls"] += event[0, 0] != pong.NOTHING
        if event[0, 0] == pong.RETURNED:
            counts["met"] += 1
            counts["off"] += abs(state.ball[0, 1] - pong.STRIDE * state.paddle[0, 0]) / pong.HALF
    return {
        "far": counts["far moves"] / counts["far"],
        "away": counts["away moves"] / counts["away"],
        "met": counts["met"] / counts["balls"],
        "off": counts["off"] / counts["met"],
    }


def test_styles_can_be_told_apart() -> None:
    seen = {style: watched(style) for style in STYLES}
    assert seen["late"]["far"] == 0 < 0.3 < seen["early"]["far"]
    assert seen["late"]["away"] == 0 < 0.1 < seen["early"]["away"]
    assert seen["hitter"]["off"] > seen["early"]["off"] + 0.2
    assert seen["lazy"]["off"] > seen["early"]["off"] + 0.1
    assert all(each["met"] > 0.9 for each in seen.values()), seen


def test_steps_are_drawn_by_their_weight() -> None:
    known = learner(np.random.default_rng(0), remembered=4)
    for at, (matters, closing) in enumerate([(0.0, False), (0.0, True), (1.0, True), (0.5, False)]):
        remember(known, np.full(6, at, np.float32), at % 3, matters, closing)
    weights = {
        ALIKE: [1, 1, 1, 1],
        RULE: [LEAST, 1, 1, LEAST],
        RELEVANCE: [LEAST, LEAST, 1, LEAST + (1 - LEAST) / 2],
    }
    for way, weight in weights.items():
        drawn = np.bincount([_draw(known, way) for _ in range(4000)], minlength=4) / 4000
        np.testing.assert_allclose(drawn, np.array(weight) / sum(weight), atol=0.03)


def test_memory_keeps_the_latest() -> None:
    known = learner(np.random.default_rng(0), remembered=3)
    for at in range(5):
        remember(known, np.full(6, at, np.float32), 0, 0.0, False)
    assert known.obs[:, 0].tolist() == [3, 4, 2]
    assert known.counts[0] == 5


@pytest.mark.parametrize("way", WAYS)
def test_the_net_learns_the_follower_within_a_minute(way: str) -> None:
    untaught = next(lesson("follower", way, seed=1, minutes=1, every_s=0.1, balls=100))
    *_, taught = lesson("follower", way, seed=1, minutes=0.75, every_s=45, balls=100)
    assert taught.returned > 0.8 > 0.6 > untaught.returned
    assert taught.everywhere > 0.55 > untaught.everywhere + 0.05
    assert taught.model > 0.95


def test_the_same_seed_gives_the_same_lesson() -> None:
    one, other = (list(lesson("late", "relevance", 3, 0.25, 5, 20)) for _ in range(2))
    assert one == other
