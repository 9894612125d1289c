"""How much a paddle's move matters: whether the ball can still be reached after it, or not.

A hand does not change its mind sixty times a second: a move is held for a while.  The relevance of
a step is the mean, over holding times of 1 to ``hold`` steps (or until the ball is there), of the
best less the worst of the three moves, each 1 where the ball can be reached afterwards and 0 where
it cannot.  Nothing in it is fitted: the ball's way and the paddle's speed decide.  A ball that goes
away comes back from wherever the other paddle may meet it; each such return counts alike.
"""

from __future__ import annotations

from envs.pong import (
    EDGE,
    HALF,
    REACH,
    STEEPEST,
    STRIDE,
    arrival,
    bounced,
    fly,
    meets,
    moved,
)
from selfplay.jit import kernel

HOLD = 30  # steps, half a second: as long as somebody holds a move at most


@kernel
def catching(y: float) -> tuple[int, int]:
    """The lowest and the highest place of a paddle that meets a ball at height ``y``."""
    low = -REACH
    while not meets(y, low):
        low += 1
    high = low
    while high < REACH and meets(y, high + 1):
        high += 1
    return low, high


@kernel
def spread(steps: int, y: float, paddle: int, hold: int) -> float:
    """The relevance where the ball is to be met in ``steps`` steps at height ``y``."""
    if steps - hold >= 2 * REACH:  # from anywhere to anywhere
        return 0.0
    low, high = catching(y)
    decided = 0
    for held in range(1, hold + 1):
        time = min(held, steps)
        reached = 0
        for move in (-1, 0, 1):
            place = moved(paddle, move * time)
            reached += max(low - place, place - high) <= steps - time
        decided += 0 < reached < 3
    return decided / hold


@kernel
def relevance(x: float, y: float, speed: float, rise: float, paddle: int, hold: int) -> float:
    """In [0, 1], how much the next move of the left paddle matters; see the top of this file."""
    if speed < 0:
        steps, height = arrival(x, y, speed, rise)
        return spread(steps, height, paddle, hold)
    away = 0
    while x < EDGE:
        x += speed
        y, rise = fly(y, rise)
        away += 1
    low, high = catching(y)
    total = 0.0
    for other in range(low, high + 1):
        steep = (y - STRIDE * other) / HALF * STEEPEST
        back, height = arrival(2 * EDGE - x, y, -bounced(speed), steep)
        total += spread(away + back, height, paddle, hold)
    return total / (high - low + 1)
