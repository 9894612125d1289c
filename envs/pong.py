"""Pong: two paddles, one ball, as a Gymnasium environment and as kernels for many games at once.

    import gymnasium
    env = gymnasium.make("envs.pong:selfplay/Pong-v0")
    observation, info = env.reset(seed=0)

The court is 3 wide and 2 high, x from -1.5 (left paddle) to 1.5 (right), y from -1 to 1 (up).
Time runs in steps, 60 a second.  In a step first both paddles move, then the ball.

Players       two, at the same time; each sees the court as if it stood on the left
Actions       3: stay, up, down; a paddle moves 0.04 a step and stops at the walls
Observation   [6] f32 in [-1, 1]: the ball's x, y, speed in x and in y, own paddle, the other's
Rewards       +1 for a point, -1 for the other's
End           a side has ``points`` (11)

A ball that meets a paddle goes back 3% quicker, up to 1.5 times the serve, and rises the steeper
the farther from the paddle's middle it was met.  Serves start in the middle, to either side alike.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import gymnasium
import numpy as np
from numpy.typing import NDArray

from selfplay.arrays import tree_map
from selfplay.jit import kernel, scrambled
from selfplay.types import Float, Int

ID = "selfplay/Pong-v0"
STEPS_PER_S = 60
WALL = 1.0  # |y| of the walls
EDGE = 1.5  # |x| of the paddles
HALF = 0.2  # of a paddle's length
STRIDE = 0.04  # how far a paddle moves in a step
REACH = 20  # paddles stand at STRIDE * -REACH ... STRIDE * REACH
SERVE = 0.03  # |speed in x| of a serve, a step
FASTEST = 0.045
QUICKER = 1.03  # by which factor a paddle sends the ball back
STEEPEST = 0.04  # |speed in y| of a ball met at a paddle's end
STAY, UP, DOWN = 0, 1, 2
MOVES = np.array([0, 1, -1], np.int32)  # of a paddle, in strides, by action
NOTHING, RETURNED, MISSED = 0, 1, 2  # what happened to a ball, for each side
FEATURES = 6
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)

F64 = NDArray[np.float64]


class PongState(NamedTuple):
    """B games; side 0 is the left one."""

    ball: F64  # [B, 4] f64, x, y, speed in x, speed in y
    paddle: Int  # [B, 2] i32, its middle in strides from the court's
    score: Int  # [B, 2] i32, points
    chance: NDArray[np.uint64]  # [B] u64, where the game's random numbers stand


def start(rng: np.random.Generator, batch: int) -> PongState:
    """``batch`` games with the paddles in the middle and a ball just served."""
    state = PongState(
        np.zeros((batch, 4)),
        np.zeros((batch, 2), np.int32),
        np.zeros((batch, 2), np.int32),
        rng.integers(0, 2**64, batch, np.uint64),
    )
    _serve_all(state)
    return state


def step(state: PongState, action: Int) -> tuple[PongState, NDArray[np.int8]]:
    """The games after ``action`` [B, 2] of both sides, and what happened [B, 2] i8 to each.

    RETURNED: the side has met the ball; MISSED: it went past it, which is the other's point.
    Raises ValueError for an action that is none.
    """
    if ((action < STAY) | (action > DOWN)).any():
        raise ValueError(f"actions of Pong are 0 (stay), 1 (up) and 2 (down); got {action}")
    after = tree_map(np.copy, state)
    event = np.zeros((len(action), 2), np.int8)
    step_within(after, action, event)
    return after, event


def observe(state: PongState, side: int) -> Float:
    """[B, 6] f32, what ``side`` sees, mirrored so that it stands on the left."""
    obs = np.empty((len(state.ball), FEATURES), np.float32)
    for b in range(len(obs)):
        observe_into(state, b, side, obs[b])
    return obs


@kernel
def uniform(chance: NDArray[np.uint64], b: int) -> float:
    """The next random number in [0, 1) of stream ``b``."""
    chance[b] += _GOLDEN
    return float(scrambled(chance[b]) >> np.uint64(11)) / 9007199254740992.0


@kernel
def _serve(state: PongState, b: int) -> None:
    ball = state.ball[b]
    ball[0] = 0.0
    ball[1] = uniform(state.chance, b) - 0.5
    ball[2] = SERVE if uniform(state.chance, b) < 0.5 else -SERVE
    ball[3] = STEEPEST * (2 * uniform(state.chance, b) - 1)


@kernel
def _serve_all(state: PongState) -> None:
    for b in range(len(state.ball)):
        _serve(state, b)


@kernel
def moved(paddle: int, move: int) -> int:
    """Where a paddle stands after ``move`` strides."""
    return min(REACH, max(-REACH, paddle + move))


@kernel
def meets(y: float, paddle: int) -> bool:
    """Whether a paddle meets a ball that arrives at height ``y``."""
    return abs(y - STRIDE * paddle) <= HALF


@kernel
def fly(y: float, rise: float) -> tuple[float, float]:
    """Height and speed in y after a step; the walls reflect."""
    y += rise
    if y > WALL:
        return 2 * WALL - y, -rise
    if y < -WALL:
        return -2 * WALL - y, -rise
    return y, rise


@kernel
def bounced(speed: float) -> float:
    """|speed in x| after a paddle met a ball of ``speed``."""
    return min(FASTEST, abs(speed) * QUICKER)


@kernel
def step_one(state: PongState, b: int, left: int, right: int, event: NDArray[np.int8]) -> None:
    """Game ``b`` goes on by a step, in place; ``event`` [2] says what happened."""
    ball, paddle = state.ball[b], state.paddle[b]
    event[0] = event[1] = NOTHING
    paddle[0] = moved(paddle[0], MOVES[left])
    paddle[1] = moved(paddle[1], MOVES[right])
    move_ball(ball, paddle, event)
    for side in range(2):
        if event[side] == MISSED:
            state.score[b, 1 - side] += 1
            _serve(state, b)


@kernel
def move_ball(ball: F64, paddle: Int, event: NDArray[np.int8]) -> None:
    """One ball [4] goes on by a step; ``event`` [2] says which of the paddles [2] met or missed it.

    A ball that was missed stays where it is.
    """
    ball[0] += ball[2]
    ball[1], ball[3] = fly(ball[1], ball[3])
    if abs(ball[0]) < EDGE:
        return
    side = 0 if ball[0] < 0 else 1
    outward = -1.0 if side == 0 else 1.0
    if not meets(ball[1], paddle[side]):
        event[side] = MISSED
        return
    event[side] = RETURNED
    ball[0] = outward * (2 * EDGE - abs(ball[0]))
    ball[2] = -outward * bounced(ball[2])
    ball[3] = (ball[1] - STRIDE * paddle[side]) / HALF * STEEPEST


@kernel
def step_within(state: PongState, action: Int, event: NDArray[np.int8]) -> None:
    """All games go on by a step, in place."""
    for b in range(len(action)):
        step_one(state, b, action[b, 0], action[b, 1], event[b])


@kernel
def observe_into(state: PongState, b: int, side: int, obs: Float) -> None:
    """What ``side`` of game ``b`` sees, into ``obs`` [6]."""
    see(state.ball[b], state.paddle[b], side, obs)


@kernel
def see(ball: F64, paddle: Int, side: int, obs: Float) -> None:
    """What ``side`` sees of one ball [4] and the paddles [2], into ``obs`` [6]."""
    mirrored = 1.0 - 2.0 * side
    obs[0] = mirrored * ball[0] / EDGE
    obs[1] = ball[1] / WALL
    obs[2] = mirrored * ball[2] / FASTEST
    obs[3] = ball[3] / STEEPEST
    obs[4] = paddle[side] / REACH
    obs[5] = paddle[1 - side] / REACH


def court_of(obs: Float) -> tuple[F64, Int]:
    """The balls [B, 4] f64 and paddles [B, 2] i32 of which the left side sees ``obs`` [B, 6]."""
    ball = obs[:, :4] * np.array([EDGE, WALL, FASTEST, STEEPEST])
    return ball, np.rint(obs[:, 4:] * REACH).astype(np.int32)


def drawn(ball: F64, paddle: Int) -> str:
    """One ball [4] and the paddles [2] as lines of text: ``o`` the ball, ``#`` the paddles."""
    court = np.full((11, 31), " ")
    court[0, :] = court[-1, :] = "-"
    for side, column in ((0, 0), (1, 30)):
        middle = paddle[side] * STRIDE
        rows = np.linspace(middle - HALF, middle + HALF, 3)
        court[np.rint(5 - 5 * rows).astype(int), column] = "#"
    court[round(5 - 5 * ball[1]), round(15 + 10 * ball[0])] = "o"
    return "\n".join("".join(row) for row in court)


@kernel
def arrival(x: float, y: float, speed: float, rise: float) -> tuple[int, float]:
    """In how many steps a ball with ``speed`` < 0 comes to the left paddle, and at what height."""
    steps = 0
    while x > -EDGE:
        x += speed
        y, rise = fly(y, rise)
        steps += 1
    return steps, y


def follow(obs: Float) -> int:
    """The action that brings a paddle to the height of the ball."""
    gap = float(obs[1]) * WALL - float(obs[4]) * REACH * STRIDE
    return STAY if abs(gap) < HALF / 2 else UP if gap > 0 else DOWN


class PongEnv(gymnasium.Env[Float, np.int64]):
    """One side of one game; ``opponent`` chooses for the other from what it sees [6] f32.

    The same seed and actions give the same episode.
    """

    metadata = {"render_modes": ["ansi"], "render_fps": STEPS_PER_S}  # noqa: RUF012  # Gymnasium's

    def __init__(
        self,
        opponent: Callable[[Float], int] = follow,
        points: int = 11,
        render_mode: str | None = None,
    ) -> None:
        if points < 1:
            raise ValueError(f"a game of Pong goes to at least 1 point; got points = {points}")
        self.observation_space = gymnasium.spaces.Box(-1, 1, (FEATURES,), np.float32)
        self.action_space = gymnasium.spaces.Discrete(3)
        self.render_mode = render_mode
        self._opponent, self._points = opponent, points
        self._state = start(np.random.default_rng(0), 1)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Float, dict[str, Any]]:
        super().reset(seed=seed)
        self._state = start(self.np_random, 1)
        return observe(self._state, 0)[0], self._info()

    def step(self, action: np.int64) -> tuple[Float, float, bool, bool, dict[str, Any]]:
        other = self._opponent(observe(self._state, 1)[0])
        self._state, event = step(self._state, np.array([[action, other]], np.int32))
        reward = float(event[0, 1] == MISSED) - float(event[0, 0] == MISSED)
        over = int(self._state.score.max()) >= self._points
        return observe(self._state, 0)[0], reward, over, False, self._info()

    def render(self) -> str | None:
        """The court as lines of text, and the points."""
        if self.render_mode != "ansi":
            return None
        left, right = self._state.score[0]
        return f"{drawn(self._state.ball[0], self._state.paddle[0])}\n{left} : {right}"

    def _info(self) -> dict[str, Any]:
        return {"score": (int(self._state.score[0, 0]), int(self._state.score[0, 1]))}


gymnasium.register(ID, entry_point="envs.pong:PongEnv")
