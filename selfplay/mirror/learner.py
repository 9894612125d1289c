"""A net of a few dozen units that learns what a player does, a few batches a step.

Everything is compiled, so that what is learned in a minute of the game takes a second or two.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from envs.pong import FEATURES, uniform
from selfplay.jit import kernel
from selfplay.types import Bool, Float

ALIKE, RULE, RELEVANCE = 0, 1, 2
WAYS = {"alike": ALIKE, "rule": RULE, "relevance": RELEVANCE}
UNITS = 48
BATCH = 32
BATCHES = 8  # a step of the game
REMEMBERED = 36_000  # steps, ten minutes
LEAST = 0.05  # weight of a step that does not matter
RATE = 3e-3
_FIRST, _SECOND, _TINY = 0.9, 0.999, 1e-8  # Adam's (Kingma and Ba 2015)


class Net(NamedTuple):
    """6 -> U -> 3, rectified between; the last row of a layer is its bias."""

    hidden: Float  # [7, U] f32
    out: Float  # [U + 1, 3] f32


class Learner(NamedTuple):
    """The net, what Adam knows, and the steps that are remembered; changed in place."""

    net: Net
    mean: Net  # of gradients
    square: Net
    slope: Net
    obs: Float  # [R, 6] f32, what the player saw, as if on the left
    action: NDArray[np.int8]  # [R] what the player did
    relevance: Float  # [R] f32 in [0, 1]
    closing: Bool  # [R] the ball came towards the player
    counts: NDArray[np.int64]  # [2] steps seen, batches learned
    chance: NDArray[np.uint64]  # [1]


def learner(rng: np.random.Generator, remembered: int = REMEMBERED) -> Learner:
    """A random net that has seen nothing."""
    hidden = rng.normal(0, np.sqrt(2 / FEATURES), (FEATURES + 1, UNITS))
    out = rng.normal(0, np.sqrt(1 / UNITS), (UNITS + 1, 3))
    hidden[-1] = rng.uniform(-1, 1, UNITS)
    out[-1] = 0
    net = Net(hidden.astype(np.float32), out.astype(np.float32))
    mean, square, slope = (Net(*map(np.zeros_like, net)) for _ in range(3))
    return Learner(
        net,
        mean,
        square,
        slope,
        np.zeros((remembered, FEATURES), np.float32),
        np.zeros(remembered, np.int8),
        np.zeros(remembered, np.float32),
        np.zeros(remembered, np.bool_),
        np.zeros(2, np.int64),
        rng.integers(0, 2**64, 1, np.uint64),
    )


@kernel
def forward(net: Net, obs: Float, units: Float, logits: Float) -> int:
    """The likeliest action; ``units`` [U] and ``logits`` [3] are filled."""
    count = len(units)
    for u in range(count):
        units[u] = net.hidden[FEATURES, u]
    for f in range(FEATURES):
        for u in range(count):
            units[u] += net.hidden[f, u] * obs[f]
    up, down, stay = net.out[count, 1], net.out[count, 2], net.out[count, 0]
    for u in range(count):
        units[u] = max(units[u], np.float32(0))
        stay += net.out[u, 0] * units[u]
        up += net.out[u, 1] * units[u]
        down += net.out[u, 2] * units[u]
    logits[0], logits[1], logits[2] = stay, up, down
    return int(np.argmax(logits))


@kernel
def remember(known: Learner, obs: Float, action: int, relevance: float, closing: bool) -> None:
    """Keeps a step of the player, in place of the oldest once all places are taken."""
    at = known.counts[0] % len(known.action)
    known.obs[at] = obs
    known.action[at] = action
    known.relevance[at] = relevance
    known.closing[at] = closing
    known.counts[0] += 1


@kernel
def weight(way: int, relevance: float, closing: bool) -> float:
    """In [LEAST, 1], how often a step is drawn, against one that matters most."""
    if way == ALIKE:
        return 1.0
    matters = relevance if way == RELEVANCE else 1.0 * closing
    return LEAST + (1 - LEAST) * matters


@kernel
def _draw(known: Learner, way: int) -> int:
    """A remembered step, drawn in proportion to its weight (by refusing others)."""
    steps = min(known.counts[0], len(known.action))
    while True:
        at = int(uniform(known.chance, 0) * steps)
        if uniform(known.chance, 0) < weight(way, known.relevance[at], known.closing[at]):
            return at


@kernel
def _add_slope(known: Learner, at: int, units: Float, logits: Float) -> float:
    """Adds the slope of the cross-entropy at one remembered step, and returns that in nats."""
    net, slope, obs = known.net, known.slope, known.obs[at]
    forward(net, obs, units, logits)
    top = logits.max()
    total = np.float32(0)
    for a in range(3):
        total += np.exp(logits[a] - top)
    loss: float = np.log(total) + top - logits[known.action[at]]
    for a in range(3):
        logits[a] = np.exp(logits[a] - top) / total - np.float32(a == known.action[at])
    count = len(units)
    for a in range(3):
        slope.out[count, a] += logits[a]
    stay, up, down = logits[0], logits[1], logits[2]
    for u in range(count):
        on = np.float32(units[u] > 0)
        for a in range(3):
            slope.out[u, a] += logits[a] * units[u]
        # from here on ``units`` holds the slope at each unit
        units[u] = on * (stay * net.out[u, 0] + up * net.out[u, 1] + down * net.out[u, 2])
    for f in range(FEATURES):
        for u in range(count):
            slope.hidden[f, u] += units[u] * obs[f]
    for u in range(count):
        slope.hidden[FEATURES, u] += units[u]
    return loss


@kernel
def _adam(value: Float, mean: Float, square: Float, slope: Float, tick: int) -> None:
    """Moves ``value`` [X, Y] down its summed slope over a batch, which is cleared."""
    rate = np.float32(RATE * np.sqrt(1 - _SECOND**tick) / (1 - _FIRST**tick))
    first, second = np.float32(_FIRST), np.float32(_SECOND)
    for i in range(value.shape[0]):
        for j in range(value.shape[1]):
            by = slope[i, j] / np.float32(BATCH)
            mean[i, j] = first * mean[i, j] + (np.float32(1) - first) * by
            square[i, j] = second * square[i, j] + (np.float32(1) - second) * by * by
            value[i, j] -= rate * mean[i, j] / (np.sqrt(square[i, j]) + np.float32(_TINY))
            slope[i, j] = 0


@kernel
def learn(known: Learner, way: int, units: Float, logits: Float) -> float:
    """Learns BATCHES of remembered steps, drawn ``way``; their mean loss in nats."""
    total = 0.0
    net, mean, square, slope = known.net, known.mean, known.square, known.slope
    for _ in range(BATCHES):
        for _ in range(BATCH):
            total += _add_slope(known, _draw(known, way), units, logits)
        known.counts[1] += 1
        _adam(net.hidden, mean.hidden, square.hidden, slope.hidden, known.counts[1])
        _adam(net.out, mean.out, square.out, slope.out, known.counts[1])
    return total / (BATCHES * BATCH)
