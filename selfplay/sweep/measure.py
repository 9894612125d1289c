"""What a cell will cost, from a few seconds of its own self-play and learning on this machine."""

from __future__ import annotations

import math
import time
from typing import NamedTuple

import torch

from selfplay.config import Config
from selfplay.learning.learner import Learner
from selfplay.learning.samples import blank_targets
from selfplay.measure.bench import bench
from selfplay.measure.strength import StrengthMeter
from selfplay.nets.evaluator import choose_precision
from selfplay.sweep.forecast import Estimate

MEASURED = "a quick measurement of its net"

_GAMES = 64  # side by side while measuring: few, so that they are soon in all stages
_SECONDS = 1.0


class Rates(NamedTuple):
    """How fast one core is with a net."""

    flops: float  # of one position forwards
    alone_per_s: float  # positions a second through the net
    simulations_per_s: float  # of self-play
    evaluations: float  # positions through the net a simulation
    learned_per_s: float  # samples a second
    look_s: float = 0.0  # seconds of a measurement of strength


def estimate(config: Config, rates: Rates) -> Estimate:
    """What a run will use, its measurements of strength included.

    A position costs the net's answers that it takes to play it and the ``learner.reuse`` samples
    that are learned from it; a regime that learns from what is there has only the samples.
    """
    positions, seconds, flops = _course(config, rates)
    whole = positions * seconds + (1 + points(config, rates)) * rates.look_s
    limit = config.budget.seconds
    return Estimate(min(whole, limit or whole), positions * flops, MEASURED)


def points(config: Config, rates: Rates) -> int:
    """How many measurements of strength a run makes once it has used compute.

    At most one behind each iteration; what is measured before the first counts for no curve.
    """
    positions, seconds, flops = _course(config, rates)
    an_iteration = float(getattr(config.regime, "positions", 0.0)) or 1.0
    iterations = max(1, math.ceil(positions / an_iteration))
    if config.strength.per_decade:
        ends = (min(an_iteration, positions), positions)
        first, last = (
            math.floor(config.strength.per_decade * math.log10(max(1.0, end * flops)))
            for end in ends
        )
        looks = last - first + 2  # behind the first iteration, in each new stretch, at the end
    else:
        looks = math.floor(positions * seconds / config.strength.every_s) + 1
    return min(iterations, looks)


def _course(config: Config, rates: Rates) -> tuple[float, float, float]:
    """The positions that the budget is enough for, and the seconds and FLOPs of one of them."""
    played_s, played_flops = _playing(config, rates)
    samples = config.learner.reuse if played_flops else 1.0
    learned_flops = 3 * rates.flops * samples
    seconds = played_s + samples / rates.learned_per_s
    flops = played_flops + learned_flops
    budget = config.budget
    counts = [
        limit / unit
        for limit, unit in (
            (budget.positions, 1.0),
            (budget.flops, flops),
            (budget.seconds, seconds),
        )
        if limit
    ]
    return min(counts), seconds, flops


def _playing(config: Config, rates: Rates) -> tuple[float, float]:
    """Seconds and FLOPs of the play that makes one position."""
    cost = config.regime.position_cost
    if cost == "nothing":
        return 0.0, 0.0
    if cost == "net":
        return 1 / rates.alone_per_s, rates.flops
    simulations = config.search.simulations
    played = rates.flops * simulations * rates.evaluations
    return simulations / rates.simulations_per_s, played


def measure(config: Config) -> Rates:
    """The rates of a configuration in one thread of this process."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        actor = config.actor.model_copy(
            update={"games": min(_GAMES, config.actor.games), "threads": 1}
        )
        found = bench(
            config.game, config.net, config.search, actor, config.evaluator, seconds=_SECONDS
        )
        return Rates(
            found["net_mflops"] * 1e6,
            found["net_positions_per_s"],
            found["simulations_per_s"],
            found["evaluations_per_simulation"],
            _learned_per_s(config),
            _look_s(config),
        )
    finally:
        torch.set_num_threads(threads)


def _learned_per_s(config: Config) -> float:
    """Samples a second of the learner, on samples that say nothing."""
    game = config.rules()
    net = config.net.build(game)
    precision = choose_precision(net, game, "cpu", config.evaluator.precision)
    autocast = precision.dtype == torch.bfloat16
    learner = Learner(net, config.learner, game, "cpu", autocast, 0)
    samples = blank_targets(game, config.learner.batch)
    learner.fit(samples, 1, 0.0)
    start, steps = time.perf_counter(), 0
    while time.perf_counter() - start < _SECONDS:
        learner.fit(samples, 1, 0.0)
        steps += 1
    return steps * config.learner.batch / (time.perf_counter() - start)


def _look_s(config: Config) -> float:
    """Seconds that a fresh net's strength takes to measure; 0 where the cell itself will fail."""
    game = config.rules()
    net = config.net.build(game)
    dtype = choose_precision(net, game, "cpu", config.evaluator.precision).dtype
    try:
        meter = StrengthMeter(game, config.search, config.strength, "cpu", dtype)
    except ValueError:  # no such position file or baseline: the sweep keeps what the cell says
        return 0.0
    start = time.perf_counter()
    meter.measure(net)
    return time.perf_counter() - start


def rates_key(config: Config) -> str:
    """Equal for configurations whose rates are the same."""
    parts = (
        config.game, config.net, config.search, config.learner.batch, config.evaluator,
        config.strength,
    )  # fmt: skip
    return repr(parts)
