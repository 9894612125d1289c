"""The metrics of a run in one table: what they mean, which way is better, how they are shown.

Measures of strength and regimes bring theirs; what every run has stands here.
"""

from __future__ import annotations

from functools import cache

from selfplay.config import Config
from selfplay.measure.strength import MEASURES
from selfplay.section import Metric, kinds_of

ENDS = ("_low", "_high")  # of the names of an interval's ends

_PLAY = (  # what it costs, and how the games go
    Metric("cost/games", "games finished since the start", label="games"),
    Metric("step", "positions generated since the start", label="positions"),
    Metric("cost/flops", "`cost/flops_learn` + `cost/flops_generate`", "FLOPs"),
    Metric(
        "cost/flops_learn",
        "3 x FLOPs of one position forwards x `cost/samples`, at 2 a multiply-add; where positions "
        "differ in size, as in proving, 3 x the FLOPs forwards that were run, problems that were "
        "encoded included",
        "FLOPs",
    ),
    Metric(
        "cost/flops_generate",
        "FLOPs of one position forwards x positions that went through the net; where they differ "
        "in size, the FLOPs that were run",
        "FLOPs",
    ),
    Metric("cost/expert_s", "CPU seconds that the expert spent on the labels used so far", "s"),
    Metric("cost/expert_flops", "FLOPs of it, where the expert is a net", "FLOPs"),
    Metric(
        "cost/tree_s",
        "thread seconds of search and game, outside the net; of self-play by the threads' own "
        "clocks, so that waiting for a core does not count",
        "s",
    ),
    Metric(
        "cost/device_s",
        "seconds that GPUs took for learning and generating, by their own clocks, from the first "
        "kernel of a batch or step to the last; what processes, or play and learning, do side by "
        "side counts for each; measurements are not counted; absent where no GPU was used",
        "s",
    ),
    Metric("cost/samples", "positions learned from since the start, repetitions counted"),
    Metric(
        "cost/positions_unique",
        "different positions generated since the start, those that a symmetry of the game turns "
        "into one another counted once; exact below 262,144, then an estimate with standard error "
        "0.2%",
    ),
    Metric(
        "cost/stopped",
        "1 where a run stopped early (`budget.patience`): in its last measurement; else absent",
    ),
    Metric("cost/effective_epochs", "`cost/samples` / `cost/positions_unique`"),
    Metric(
        "cost/wall_s",
        "seconds of the run at this report, measurements included, pauses between a stop and a "
        "resume not",
        "s",
    ),
    Metric(
        "selfplay/simulations_per_s",
        "sum over moves of the simulations granted / seconds; those that a proof saved count",
        label="simulations/s",
    ),
    Metric("selfplay/games", "games finished in this iteration; the next three are over these"),
    Metric("selfplay/lost", "actors that died in this iteration, with the games that they played"),
    Metric("selfplay/lag", "updates of the net between playing and learning, mean over positions"),
    Metric("selfplay/lag_max", "the most such updates of any position"),
    Metric("selfplay/length", "moves / games, random openings included"),
    Metric(
        "selfplay/first_wins",
        "share of games that the player who moves first wins, proven values taken for outcomes",
        "share",
    ),
    Metric("selfplay/draws", "share of games that are drawn, likewise", "share"),
    Metric("selfplay/evaluations_per_s", "positions that went through the net / seconds"),
    Metric("selfplay/seconds", "seconds that this iteration played", "s"),
    Metric(
        "selfplay/unique",
        'distinct positions in the window / positions in the window (1 with `replay.merge = "none"`'
        ")",
        "share",
    ),
)

_LEARNING = (  # and the searches that it learns from
    Metric(
        "learn/policy_loss",
        "mean over steps of -sum_a target(a) log p(a), weighted by position",
        "nats",
        label="policy loss",
        form="{:.3f}",
    ),
    Metric(
        "learn/value_loss",
        "mean over steps of -sum target log p over win, draw, loss",
        "nats",
        label="value loss",
        form="{:.3f}",
    ),
    Metric("learn/kl", "policy_loss - entropy of the target", "nats"),
    Metric(
        "learn/value_explained",
        "1 - mean((target - guess)^2) / variance(target), of win probability - loss probability",
    ),
    Metric("learn/grad_norm", "mean over steps of the gradient's norm before it is cut"),
    Metric("learn/lr", "learning rate of the last step"),
    Metric("learn/steps", "gradient steps in this iteration"),
    Metric("learn/seconds", "seconds that this iteration learned", "s"),
    Metric("learn/reuse", "samples learned from / positions generated, since the start"),
    Metric("learn/window", "positions in the replay window, before equal ones are merged"),
    Metric(
        "learn/staleness",
        "mean over these of the updates of the acting net since the position's game was finished; "
        "those of this iteration count 0, or 1 where they were played while the net learned",
    ),
    Metric(
        "search/kl_target_prior",
        "mean over moves of sum_a target(a) log(target(a) / prior(a))",
        "nats",
        label="KL target to prior",
        form="{:.3f}",
    ),
    Metric(
        "search/evaluations_per_simulation",
        "positions that went through the net / simulations granted",
    ),
    Metric("search/entropy", "mean over moves of -sum_a target(a) log target(a)", "nats"),
    Metric(
        "search/depth", "mean over moves of the mean depth of the leaves, in moves from the root"
    ),
    Metric("search/value_gain", "mean over moves of (search value - net value) at the root"),
    Metric("search/solved", "share of moves at whose end the value of the root is proven", "share"),
    Metric("net/parameters", "weights of the net"),
)


@cache
def table() -> tuple[Metric, ...]:
    """All metrics, those of strength first."""
    strength = [metric for measure in MEASURES for metric in measure.metrics]
    kinds = kinds_of(Config.model_fields["regime"])
    regimes = dict.fromkeys(metric for kind in kinds for metric in kind.metrics)
    return (*strength, *_PLAY, *regimes, *_LEARNING)


@cache
def find(name: str) -> Metric | None:
    """The metric that a curve, or an end of its interval, belongs to; None if it is not known."""
    plain = name.removesuffix(ENDS[0]).removesuffix(ENDS[1])
    for metric in table():
        if metric.matches(name) or (metric.interval and metric.matches(plain)):
            return metric
    return None
