"""Relevance against brute force: every held move and every move after it, played in the game."""

from __future__ import annotations

import numpy as np

from envs import pong
from selfplay.mirror.relevance import catching, relevance


def meeting(state: pong.PongState, place: int) -> tuple[int, set[int]]:
    """In how many steps the ball comes to the left, and from where a paddle meets it then.

    ``place`` is where the right paddle always stands; no places where it misses the ball.
    """
    still = np.zeros((1, 2), np.int32)
    for steps in range(1, 1000):
        state.paddle[0, 1] = place
        before = state
        state, event = pong.step(state, still)
        if event[0, 1] == pong.MISSED:
            return steps, set()
        if event[0, 0] != pong.NOTHING:
            break
    places = set()
    for each in range(-pong.REACH, pong.REACH + 1):
        before.paddle[0, 0] = each
        if pong.step(before, still)[1][0, 0] == pong.RETURNED:
            places.add(each)
    return steps, places


def brute(state: pong.PongState, hold: int) -> float:
    """The relevance by all moves after every held one."""
    matters = []
    for place in [0] if state.ball[0, 2] < 0 else range(-pong.REACH, pong.REACH + 1):
        steps, places = meeting(state, place)
        if not places:
            continue
        decided = 0
        for held in range(1, hold + 1):
            chances = []
            for move in (-1, 0, 1):
                can = {int(state.paddle[0, 0])}
                for step in range(steps):
                    ways = (move,) if step < held else (-1, 0, 1)
                    can = {pong.moved(each, way) for each in can for way in ways}
                chances.append(not can.isdisjoint(places))
            decided += any(chances) and not all(chances)
        matters.append(decided / hold)
    return float(np.mean(matters))


def test_relevance_is_what_brute_force_finds() -> None:
    rng = np.random.default_rng(0)
    seen = set()
    for trial in range(10):
        state = pong.start(rng, 1)
        coming = trial < 8
        x = rng.uniform(-1.4, -0.3) if coming else rng.uniform(1.3, 1.45)
        speed = -rng.uniform(0.03, 0.045) if coming else 0.045
        state.ball[0] = x, rng.uniform(-1, 1), speed, rng.uniform(-0.04, 0.04)
        state.paddle[0] = rng.integers(-20, 21), 0
        hold = 8 if coming else 40
        got = relevance(*state.ball[0], int(state.paddle[0, 0]), hold)
        np.testing.assert_allclose(got, brute(state, hold), atol=1e-12)
        seen.add(round(got, 3))
    assert len(seen) > 3


def test_what_is_decided_does_not_matter() -> None:
    assert relevance(-1.48, 0.0, -0.03, 0.0, 20, 30) == 0.0  # out of reach
    assert relevance(1.4, 0.0, 0.03, 0.0, 0, 30) == 0.0  # all the time in the world
    assert relevance(-1.48, 0.0, -0.03, 0.0, 0, 30) == 0.0  # met whatever one does
    assert relevance(-1.48, 0.2, -0.03, 0.0, -1, 30) == 1.0  # met by one of the three moves


def test_the_places_that_meet_a_ball() -> None:
    assert catching(0.02) == (-4, 5)
    assert catching(1.0) == (20, 20)
    assert catching(-1.0) == (-20, -20)
