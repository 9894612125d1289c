"""A rally of Pong as a game for two: from the serve until one of them misses the ball.

Players       two; in turn each moves his paddle, and behind the second one's move goes the ball
Actions       3: stay, up, down
Observation   features [6] f32 as in pong.py, mirrored so that the player to move is on the left
Rewards       +1 to the player whose opponent has missed the ball; a draw after 500 steps
Starts        serves, drawn at random, with both paddles in the middle

Moves in turn are those of pong.py's steps, where both move at once, but that the second player sees
how the first one has moved.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from envs import pong
from selfplay.arrays import tree_map
from selfplay.jit import kernel
from selfplay.types import Bool, Float, Int, Transition

STEPS = 500  # of the ball, more than eight seconds
NAMES = ("stay", "up", "down")


class RallyState(NamedTuple):
    ball: pong.F64  # [B, 4] f64, x, y, speed in x, speed in y
    paddle: Int  # [B, 2] i32, left and right, in strides from the court's middle
    second: Bool  # [B] the player on the right is to move
    moves: Int  # [B] i32, so many were made
    over: Bool  # [B]


class RallyObs(NamedTuple):
    features: Float  # [B, 6] f32


class Rally:
    """The rules."""

    name = "pong"
    num_actions = len(NAMES)
    max_moves = 2 * STEPS
    num_players = 2

    def init(self, rng: np.random.Generator, batch: int) -> RallyState:
        served = pong.start(rng, batch)
        return begun(served.ball, served.paddle)

    def step(self, state: RallyState, action: Int) -> tuple[RallyState, Transition]:
        wrong = ~state.over & ((action < 0) | (action >= self.num_actions))
        if wrong.any():
            raise ValueError(f"action {action[wrong.argmax()]} is no move of a paddle, 0 to 2")
        after = tree_map(np.copy, state)
        paid = Transition(*np.zeros((2, len(action)), np.float32))
        _step(after, action, paid)
        return after, paid

    def legal(self, state: RallyState) -> Bool:
        return np.ones((len(state.over), self.num_actions), np.bool_)

    def observe(self, state: RallyState) -> RallyObs:
        features = np.empty((len(state.over), pong.FEATURES), np.float32)
        _observe(state, features)
        return RallyObs(features + np.float32(0))  # -0 becomes 0

    def text(self, state: RallyState, i: int) -> str:
        return pong.drawn(state.ball[i], state.paddle[i])

    def action_name(self, action: int) -> str:
        return NAMES[action]

    def parse_action(self, text: str) -> int:
        if text.strip().lower() not in NAMES:
            raise ValueError(f"{text.strip()!r} is no move of a paddle: stay, up or down")
        return NAMES.index(text.strip().lower())


def seen_first(obs: Float, moves: NDArray[np.integer]) -> RallyState:
    """The positions after ``moves`` [B], even numbers, of which who moves sees ``obs`` [B, 6]."""
    return begun(*pong.court_of(obs))._replace(moves=moves.astype(np.int32))


def begun(ball: pong.F64, paddle: Int) -> RallyState:
    """Rallies that begin with balls [B, 4] and paddles [B, 2]; the first player is to move."""
    second, over = np.zeros((2, len(ball)), np.bool_)
    return RallyState(ball, paddle, second, np.zeros(len(ball), np.int32), over)


@kernel
def _step(state: RallyState, action: Int, paid: Transition) -> None:
    """Plays ``action`` [B] in place."""
    event = np.zeros(2, np.int8)
    for b in range(len(action)):
        if state.over[b]:
            continue
        side = int(state.second[b])
        state.paddle[b, side] = pong.moved(state.paddle[b, side], pong.MOVES[action[b]])
        state.second[b] = side == 0
        state.moves[b] += 1
        if side:
            event[:] = pong.NOTHING
            pong.move_ball(state.ball[b], state.paddle[b], event)
            paid.reward[b] = 1.0 * (event[0] == pong.MISSED) - 1.0 * (event[1] == pong.MISSED)
        state.over[b] = paid.reward[b] != 0 or state.moves[b] >= 2 * STEPS
        paid.discount[b] = 0.0 if state.over[b] else -1.0


@kernel
def _observe(state: RallyState, features: Float) -> None:
    for b in range(len(features)):
        pong.see(state.ball[b], state.paddle[b], int(state.second[b]), features[b])
