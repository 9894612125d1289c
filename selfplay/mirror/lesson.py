"""A player on the left, the mirror on the right: step by step, and whole lessons without a page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from envs.pong import (
    FEATURES,
    NOTHING,
    RETURNED,
    STEPS_PER_S,
    PongState,
    observe_into,
    start,
    step_one,
)
from selfplay.jit import kernel
from selfplay.mirror.learner import UNITS, WAYS, Learner, forward, learn, learner, remember
from selfplay.mirror.relevance import HOLD, relevance
from selfplay.mirror.styles import STYLES, Mood, Style, choose, mood
from selfplay.types import Float


class Desk(NamedTuple):
    """Where the net computes; nothing in it lasts."""

    units: Float  # [U] f32
    logits: Float  # [3] f32
    here: Float  # [6] f32, what the player sees
    there: Float  # [6] f32, what the mirror sees


def desk() -> Desk:
    return Desk(*(np.zeros(size, np.float32) for size in (UNITS, 3, FEATURES, FEATURES)))


@kernel
def frame(
    state: PongState, known: Learner, table: Desk, action: int, way: int, event: NDArray[np.int8]
) -> tuple[float, bool, float]:
    """One step in which the player does ``action``, and a batch is learned.

    Returns the step's relevance, whether the net would have done the same before it learned of it,
    and the loss of the batch.  ``event`` [2] says what happened to either side.
    """
    observe_into(state, 0, 0, table.here)
    observe_into(state, 0, 1, table.there)
    same = forward(known.net, table.here, table.units, table.logits) == action
    answer = forward(known.net, table.there, table.units, table.logits)
    ball = state.ball[0]
    closing = ball[2] < 0
    matters = relevance(ball[0], ball[1], ball[2], ball[3], state.paddle[0, 0], HOLD)
    remember(known, table.here, action, matters, closing)
    step_one(state, 0, action, answer, event)
    return matters, same, learn(known, way, table.units, table.logits)


@kernel
def teach(
    state: PongState, style: Style, mind: Mood, known: Learner, table: Desk, way: int, steps: int
) -> float:
    """``steps`` steps of a scripted player; the mean loss."""
    event = np.zeros(2, np.int8)
    total = 0.0
    for _ in range(steps):
        total += frame(state, known, table, choose(style, mind, state), way, event)[2]
    return total / steps


@kernel
def _examine(
    state: PongState, style: Style, mind: Mood, known: Learner, table: Desk, balls: int
) -> NDArray[np.float64]:
    """[8] f64, sums until ``balls`` balls have come to the mirror, which learns nothing.

    Balls that it met; those that came; of the player the same; steps where both do the same and
    all, weighted by relevance; the same unweighted.
    """
    event = np.zeros(2, np.int8)
    sums = np.zeros(8)
    while sums[1] < balls:
        action = choose(style, mind, state)
        observe_into(state, 0, 0, table.here)
        observe_into(state, 0, 1, table.there)
        same = forward(known.net, table.here, table.units, table.logits) == action
        answer = forward(known.net, table.there, table.units, table.logits)
        ball = state.ball[0]
        matters = relevance(ball[0], ball[1], ball[2], ball[3], state.paddle[0, 0], HOLD)
        step_one(state, 0, action, answer, event)
        for side in range(2):
            sums[2 - 2 * side] += event[side] == RETURNED
            sums[3 - 2 * side] += event[side] != NOTHING
        sums[4] += matters * same
        sums[5] += matters
        sums[6] += same
        sums[7] += 1
    return sums


class Examined(NamedTuple):
    """How well the mirror plays, and plays as its model does, after some minutes of the game."""

    minutes: float
    returned: float  # share of balls that the mirror meets
    model: float  # share that the player meets
    agreement: float  # share of steps at which both do the same, weighted by relevance
    everywhere: float  # unweighted
    loss: float  # nats, mean over the batches since the examination before


def lesson(
    style: str, way: str, seed: int, minutes: float, every_s: float = 10, balls: int = 300
) -> Iterator[Examined]:
    """A lesson of a scripted player's, examined ``every_s`` seconds of the game on other balls.

    ``style`` is one of STYLES, ``way`` one of WAYS.
    """
    chances = np.random.SeedSequence(seed).spawn(4)
    game, mind, net, apart = (np.random.default_rng(chance) for chance in chances)
    state, thought, known, table = start(game, 1), mood(mind), learner(net), desk()
    steps = round(every_s * STEPS_PER_S)
    for done in range(1, round(minutes * 60 / every_s) + 1):
        loss = teach(state, STYLES[style], thought, known, table, WAYS[way], steps)
        sums = _examine(start(apart, 1), STYLES[style], mood(apart), known, table, balls)
        returned, model, agreement, everywhere = map(float, sums[0::2] / sums[1::2])
        yield Examined(done * every_s / 60, returned, model, agreement, everywhere, loss)
