"""The metrics that runs are compared by: which is taken, which way is better, how each is told."""

from __future__ import annotations

from collections.abc import Collection, Sequence

METRIC = "strength/mistake_rate"
LOSS = "strength/policy_cross_entropy"

# compared where nobody asks for another: the first of them that all runs have
_PREFERRED = (METRIC, "strength/unproved", "strength/own_mistake_rate")
# what the power laws are of where nobody asks for another
_LOSSES = (LOSS, "strength/own_policy_cross_entropy")
_BASELINES = ("solver", "minimax", "mcts", "random")  # the stronger first
_ENDS = ("_low", "_high")  # of an interval
_SCORES = ("strength/vs_", "strength/optimal_mass", "strength/proved")


def lower_is_better(metric: str) -> bool:
    """False for shares of points and of mass, True for mistakes and cross-entropies."""
    return not metric.startswith(_SCORES)


def on_fixed_positions(metric: str) -> bool:
    """True where every run was measured on the same positions; see bootstrap.py."""
    return not metric.startswith(("strength/vs_", "strength/own_"))


def choose_metric(runs: Sequence[Collection[str]], wish: str | None) -> str:
    """``wish``, else the metric to compare by runs that have these ``strength/*``.

    Mistakes come first, then what is not proved, mistakes in own games, points against the
    strongest baseline; one that all runs have comes before one that some lack.  Raises ValueError
    with a sentence when no run has ``wish``.
    """
    known = _known(runs)
    if wish is not None:
        if wish not in known:
            raise ValueError(f"no run has {wish!r}; there are: {', '.join(sorted(known))}")
        return wish
    ordered = sorted(known, key=_rank)
    shared = (name for name in ordered if all(name in names for names in runs))
    return next(shared, ordered[0])


def choose_loss(runs: Sequence[Collection[str]], wish: str | None, metric: str) -> str:
    """``wish`` if a run has it, else a cross-entropy, else ``metric`` if it is a loss, else "".

    Raises ValueError with a sentence when ``wish`` is a score: power laws are of losses.
    """
    known = _known(runs)
    found = next((name for name in (*_LOSSES, metric) if name in known), metric)
    found = found if lower_is_better(found) else ""
    if wish is None:
        return found
    if not lower_is_better(wish):
        instead = f"take --loss {found}" if found else "these runs have none: leave --loss out"
        raise ValueError(
            f"power laws are of losses, and {wish} is better the higher it is; {instead}"
        )
    if wish in known:
        return wish
    return metric if lower_is_better(metric) else ""


def _known(runs: Sequence[Collection[str]]) -> set[str]:
    return {name for names in runs for name in names if not name.endswith(_ENDS)}


def _rank(metric: str) -> tuple[int, int, int, str]:
    """What is compared first where nobody asks: smaller is sooner."""
    if metric in _PREFERRED:
        return 0, _PREFERRED.index(metric), 0, metric
    kind, _, number = metric.removeprefix("strength/vs_").partition(":")
    if metric.startswith("strength/vs_") and kind in _BASELINES:
        return 1, _BASELINES.index(kind), -int(number or 0), metric
    return 2, 0, 0, metric
