"""Truth: how often a player errs, measured against positions whose exact scores are known."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from selfplay.arrays import length, take
from selfplay.stats import Interval, mean_of, result_probabilities, wilson
from selfplay.truth.base import optimal_moves
from selfplay.truth.positions import Positions
from selfplay.types import Decision, Evaluator, Float, Game, Player

SURPRISE = 1e-6  # no result is given a smaller probability, so cross-entropies stay finite


class SetTruth(NamedTuple):
    """A player on the positions of one set."""

    name: str
    n: int
    mistake_rate: Interval  # share of positions where the move played spoils the best result
    optimal_mass: float  # mean probability that the policy puts on moves that do not
    policy_cross_entropy: float  # nats, mean of -ln of that probability
    value_cross_entropy: float  # nats, of the predicted result against the true one


class Truth(NamedTuple):
    """A player on a position file; overall figures are means over the sets."""

    sets: tuple[SetTruth, ...]
    mistake_rate: Interval
    optimal_mass: float
    policy_cross_entropy: float
    value_cross_entropy: float


def evaluate_positions(
    game: Game,
    positions: Positions,
    player: Player,
    batch: int = 1024,
    rng: np.random.Generator | None = None,
    evaluator: Evaluator | None = None,
) -> Truth:
    """What ``player`` does on ``positions``, ``batch`` of them at a time.

    The predicted result follows from the decision's value, and from the probability of a draw
    that ``evaluator`` states, if one is given: see stats.result_probabilities.
    """
    rng = rng or np.random.default_rng(0)
    parts: list[NDArray[np.float64]] = []
    for start in range(0, length(positions.state), batch):
        rows = slice(start, start + batch)
        state = take(positions.state, rows)
        decision = player.decide(game, state, rng)
        draw = evaluator(game, state).draw if evaluator else None
        parts.append(_judge(positions.scores[rows], decision, draw))
    columns = np.concatenate(parts, axis=1)
    sets = []
    for i, name in enumerate(positions.set_names):
        mistakes, *measured = columns[:, positions.set_index == i]
        rate = wilson(float(mistakes.sum()), len(mistakes))
        sets.append(SetTruth(name, len(mistakes), rate, *(float(each.mean()) for each in measured)))
    return Truth(
        tuple(sets),
        mean_of([each.mistake_rate for each in sets]),
        float(np.mean([each.optimal_mass for each in sets])),
        float(np.mean([each.policy_cross_entropy for each in sets])),
        float(np.mean([each.value_cross_entropy for each in sets])),
    )


def truth_json(game: Game, simulations: int, truth: Truth) -> dict[str, object]:
    """The object that ``evaluate --positions --json`` prints."""
    sets = {each.name: {"n": each.n, **_figures(each)} for each in truth.sets}
    return {"game": game.name, "simulations": simulations, **_figures(truth), "sets": sets}


def _figures(truth: SetTruth | Truth) -> dict[str, float]:
    return truth.mistake_rate.scalars("mistake_rate") | {
        "optimal_mass": truth.optimal_mass,
        "policy_cross_entropy": truth.policy_cross_entropy,
        "value_cross_entropy": truth.value_cross_entropy,
    }


def _judge(scores: Float, decision: Decision, draw: Float | None) -> NDArray[np.float64]:
    """[4, B] f64: mistakes, optimal mass, and the surprise in nats at it and at the result."""
    rows = np.arange(len(scores))
    optimal = optimal_moves(scores)
    mass = (decision.policy * optimal).sum(axis=1, dtype=np.float64)
    result = 1 - np.sign(np.nanmax(scores, axis=1)).astype(np.int64)  # 0 win, 1 draw, 2 loss
    probability = result_probabilities(decision.value.astype(np.float64), draw)[rows, result]
    surprise = -np.log(np.maximum(probability, SURPRISE))
    unlikely = -np.log(np.maximum(mass, SURPRISE))
    return np.stack([~optimal[rows, decision.action], mass, unlikely, surprise])
