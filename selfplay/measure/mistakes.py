"""How often a player errs on positions whose exact scores are known."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from selfplay.arrays import length, take
from selfplay.players.players import NetPlayer, SearchPlayer, ValuePlayer
from selfplay.section import Metric
from selfplay.stats import Interval, clustered, mean_of, result_probabilities
from selfplay.truth.base import optimal_moves
from selfplay.truth.positions import Positions
from selfplay.types import Bool, Decision, Evaluator, Float, Game, Player

SURPRISE = 1e-6  # no result is given a smaller probability, so cross-entropies stay finite
mistake_metric = partial(Metric, unit="share", better="down", interval=True)
surprise_metric = partial(Metric, unit="nats", better="down")


class SetTruth(NamedTuple):
    """A player on the positions of one set."""

    name: str
    n: int
    mistake_rate: Interval  # share of positions where the move played spoils the best result
    optimal_mass: float  # mean probability that the policy puts on moves that do not
    policy_cross_entropy: float  # nats, mean of -ln of that probability
    value_cross_entropy: float  # nats, of the predicted result against the true one


class Truth(NamedTuple):
    """A player on M positions; overall figures are means over the sets."""

    sets: tuple[SetTruth, ...]
    mistake_rate: Interval
    optimal_mass: float
    policy_cross_entropy: float
    value_cross_entropy: float
    mistakes: Bool  # [M], where the move played spoils the best result
    mass: Float  # [M] f32, the probability that the policy puts on moves that do not
    moves: NDArray[np.uint16]  # [M], the action played


def evaluate_positions(
    game: Game,
    positions: Positions,
    player: Player,
    batch: int = 1024,
    evaluator: Evaluator | None = None,
) -> Truth:
    """What ``player`` does on ``positions``, ``batch`` of them at a time.

    The predicted result follows from the decision's value, and from the probability of a draw
    that ``evaluator`` states, if one is given: see stats.result_probabilities.
    """
    rng, parts = np.random.default_rng(0), list[NDArray[np.float64]]()
    for start in range(0, length(positions.state), batch):
        rows = slice(start, start + batch)
        state = take(positions.state, rows)
        decision = player.decide(game, state, rng)
        draw = evaluator(game, state).draw if evaluator else None
        parts.append(_judge(positions.scores[rows], decision, draw))
    columns = np.concatenate(parts, axis=1)
    sets = []
    for i, name in enumerate(positions.set_names):
        here = positions.set_index == i
        mistakes, *measured = columns[:-1, here]
        group = None if positions.group is None else positions.group[here]
        rate = clustered(mistakes > 0, group)
        sets.append(SetTruth(name, len(mistakes), rate, *(float(each.mean()) for each in measured)))
    _, _, rates, *figures = zip(*sets, strict=True)
    mass, unlikely, surprise = (float(np.mean(each)) for each in figures)
    mistakes, of_optimal = columns[0] > 0, columns[1].astype(np.float32)
    moves = columns[-1].astype(np.uint16)
    rate = mean_of(rates)
    return Truth(tuple(sets), rate, mass, unlikely, surprise, mistakes, of_optimal, moves)


def random_mistakes(positions: Positions) -> float:
    """The mistake rate that is expected of random legal moves: mean over the sets, as ever."""
    legal = ~np.isnan(positions.scores)
    wrong = 1 - optimal_moves(positions.scores).sum(axis=1) / legal.sum(axis=1)
    sets = range(len(positions.set_names))
    return float(np.mean([wrong[positions.set_index == i].mean() for i in sets]))


def truth_json(game: Game, simulations: int | None, truth: Truth) -> dict[str, object]:
    """The object that ``evaluate --positions --json`` prints; no simulations where time counts."""
    sets = {each.name: {"n": each.n, **_figures(each)} for each in truth.sets}
    return {"game": game.name, "simulations": simulations, **_figures(truth), "sets": sets}


def judge_agent(
    game: Game, positions: Positions, agent: SearchPlayer, searched: Positions | None = None
) -> dict[str, Truth]:
    """The ``net`` alone, its ``value`` one move ahead, and the ``search``, by these names.

    The latter two on ``searched``, which costs less, where it is given.
    """
    evaluator, some = agent.evaluator, positions if searched is None else searched
    net, value = NetPlayer("net", evaluator), ValuePlayer("value", evaluator)
    return {
        "net": evaluate_positions(game, positions, net, evaluator=evaluator),
        "value": evaluate_positions(game, some, value, evaluator=evaluator),
        "search": evaluate_positions(game, some, agent, evaluator=evaluator),
    }


def rates_of(prefix: str, judged: dict[str, Truth]) -> dict[str, float]:
    """What ``judge_agent`` found as metrics: mistakes of all three, cross-entropies of the net."""
    scalars: dict[str, float] = {}
    for player, stem in (("search", ""), ("net", "net_"), ("value", "value_")):
        scalars |= judged[player].mistake_rate.scalars(f"{prefix}{stem}mistake_rate")
    scalars[f"{prefix}value_cross_entropy"] = judged["net"].value_cross_entropy
    scalars[f"{prefix}policy_cross_entropy"] = judged["net"].policy_cross_entropy
    return scalars


def _figures(truth: SetTruth | Truth) -> dict[str, float]:
    return truth.mistake_rate.scalars("mistake_rate") | {
        "optimal_mass": truth.optimal_mass,
        "policy_cross_entropy": truth.policy_cross_entropy,
        "value_cross_entropy": truth.value_cross_entropy,
    }


def _judge(scores: Float, decision: Decision, draw: Float | None) -> NDArray[np.float64]:
    """[5, B] f64: mistakes, optimal mass, the surprise in nats at it and at the result, moves."""
    rows = np.arange(len(scores))
    optimal = optimal_moves(scores)
    mass = (decision.policy * optimal).sum(axis=1, dtype=np.float64)
    mass = np.minimum(mass, 1.0)  # f32 shares may come to a little more
    result = 1 - np.sign(np.nanmax(scores, axis=1)).astype(np.int64)  # 0 win, 1 draw, 2 loss
    probability = result_probabilities(decision.value.astype(np.float64), draw)[rows, result]
    surprise = -np.log(np.maximum(probability, SURPRISE))
    unlikely = 0.0 - np.log(np.maximum(mass, SURPRISE))  # not -0.0
    wrong = ~optimal[rows, decision.action]
    return np.stack([wrong, mass, unlikely, surprise, decision.action])
