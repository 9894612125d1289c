"""Scripted players of Pong whose ways of playing differ, so that a claim needs no person.

None is perfect.  Where the ball will arrive they guess, the better the nearer it is, and guess anew
several times on its way; those that start late, or move only as far as they must, miss balls.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from envs.pong import DOWN, EDGE, HALF, STAY, STRIDE, UP, PongState, arrival, uniform
from selfplay.jit import kernel

REST, CENTRE, FOLLOW, FIDGET = 0, 1, 2, 3
_ANEW = 1 / 20  # the chance, a step, of another guess, or of another place to fidget to


class Style(NamedTuple):
    """How somebody plays; lengths are those of the court."""

    starts: float  # the ball is minded once it comes in and its x is below this
    foresees: bool  # goes where the ball will arrive; otherwise to the height where it is
    content: float  # how far from its goal the paddle rests
    edge: float  # share of half a paddle off its middle where balls are met, away from the other
    error: float  # standard deviation of a guess, for each unit of x that the ball is away
    idle: int  # while no ball is minded: REST, to the CENTRE, FOLLOW the ball, FIDGET


STYLES = {
    "early": Style(1.5, True, 0.04, 0.0, 0.15, CENTRE),
    "late": Style(0.0, True, 0.04, 0.0, 0.15, REST),
    "follower": Style(1.5, False, 0.08, 0.0, 0.1, FOLLOW),
    "hitter": Style(1.5, True, 0.04, 0.55, 0.1, CENTRE),
    "lazy": Style(0.6, True, 0.12, 0.0, 0.1, FIDGET),
}


class Mood(NamedTuple):
    """What a scripted player has in mind, changed in place."""

    number: NDArray[np.float64]  # [2] its present error of 1 standard deviation, where it fidgets
    chance: NDArray[np.uint64]  # [1]


def mood(rng: np.random.Generator) -> Mood:
    """A player's mind before the first ball."""
    return Mood(np.zeros(2), rng.integers(0, 2**64, 1, np.uint64))


@kernel
def _think(mind: Mood) -> None:
    """Another guess, and another place to fidget to."""
    total = -6.0
    for _ in range(12):
        total += uniform(mind.chance, 0)
    mind.number[0] = total  # a sum of twelve is normal enough
    mind.number[1] = 1.6 * uniform(mind.chance, 0) - 0.8


@kernel
def _goal(style: Style, mind: Mood, ball: NDArray[np.float64], own: float, other: float) -> float:
    """The height to which the paddle shall go, for a player on the left."""
    height, guess, fidget = float(ball[1]), float(mind.number[0]), float(mind.number[1])
    if ball[2] < 0 and ball[0] <= style.starts:
        y = arrival(ball[0], ball[1], ball[2], ball[3])[1] if style.foresees else height
        away = -1.0 if other > 0 else 1.0
        return y - away * style.edge * HALF + guess * style.error * float(ball[0] + EDGE)
    if style.idle == CENTRE:
        return 0.0
    if style.idle == FOLLOW:
        return height
    return fidget if style.idle == FIDGET else own


@kernel
def choose(style: Style, mind: Mood, state: PongState) -> int:
    """What the scripted player on the left of game 0 does."""
    if uniform(mind.chance, 0) < _ANEW:
        _think(mind)
    own, other = STRIDE * state.paddle[0, 0], STRIDE * state.paddle[0, 1]
    gap = _goal(style, mind, state.ball[0], own, other) - own
    if abs(gap) <= style.content:
        return STAY
    return UP if gap > 0 else DOWN
