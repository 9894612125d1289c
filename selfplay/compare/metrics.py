"""The metrics that runs are compared by: which is taken, which way is better, how each is told.

All that compare knows of single metrics stands here.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from selfplay.training.metrics import ENDS, find

METRIC = "strength/mistake_rate"
LOSS = "strength/policy_cross_entropy"

# compared where nobody asks for another: the first of them that all runs have
_PREFERRED = (METRIC, "strength/unproved", "strength/own_mistake_rate")
# what the power laws are of where nobody asks for another
_LOSSES = (LOSS, "strength/own_policy_cross_entropy")
_BASELINES = ("solver", "minimax", "mcts", "random")  # the stronger first
# mistakes by each kind of search: on the positions that all share, on those of an agent's own games
_KINDS = tuple(
    tuple(f"strength/{where}{how}mistake_rate" for how in ("net_", "value_", ""))
    for where in ("", "own_")
)


def lower_is_better(metric: str) -> bool:
    """False for shares of points and of mass, True for mistakes and cross-entropies."""
    known = find(metric)
    return known is None or known.better != "up"


def on_fixed_positions(metric: str) -> bool:
    """True where every run was measured on the same positions; see bootstrap.py."""
    return not metric.startswith(("strength/vs_", "strength/own_"))


def needs_no_search(metric: str) -> bool:
    """True for what a net does alone on positions that no search has chosen."""
    alone = ("net_", "value_", "policy_", "validation_")
    return metric.removeprefix("strength/").startswith(alone)


# mistakes of the net alone on positions apart, which choose, and on those that are judged on
VALIDATION, VALIDATED = "strength/validation_mistake_rate", "strength/net_mistake_rate"
MASS = "strength/net_optimal_mass"


def is_share(metric: str) -> bool:
    """True for what lies between 0 and 1 and is told in percent; the others are nats."""
    known = find(metric)
    return known is None or known.unit == "share"


def spell_metric(metric: str) -> str:
    """A metric's name in a sentence: "score against solver", "own mistake rate"."""
    words = metric.removeprefix("strength/")
    opponent = words.removeprefix("vs_")
    return words.replace("_", " ") if opponent == words else f"score against {opponent}"


def spell_title(metric: str, effort: str) -> str:
    """A metric with the search it is measured with: "mistake rate, net alone"."""
    words = spell_metric(metric)
    for kind, how in (("net ", "net alone"), ("value ", "value one move ahead")):
        if words.endswith((f"{kind}mistake rate", f"{kind}optimal mass")):
            return f"{words.replace(kind, '')}, {how}"
    alone = needs_no_search(metric) or not is_share(metric)
    return f"{words}, {'net alone' if alone else effort}"


def spell_number(value: float, metric: str, digits: int = 1, sign: str = "") -> str:
    """A value or a difference: percent with so many ``digits``, or nats with three."""
    percent, digits = is_share(metric), digits if is_share(metric) else 3
    rounded = round(100 * value if percent else value, digits) + 0.0  # of -0.0 it makes 0.0
    return f"{rounded:{sign}.{digits}f}"


def spell_value(value: float, metric: str, digits: int = 2) -> str:
    """A value with its unit: "12.50%"."""
    return spell_number(value, metric, digits) + ("%" if is_share(metric) else "")


def unit_of_difference(metric: str) -> str:
    """Points of a hundred for shares."""
    return "points" if is_share(metric) else "nats"


def other_searches(metric: str, known: Collection[str]) -> list[str]:
    """Mistakes by the other kinds of search, where those of ``metric`` are, else any ``known``."""
    fits = [kinds for kinds in _KINDS if metric in kinds]
    fits = fits or [kinds for kinds in _KINDS if set(kinds).intersection(known)]
    return [other for kinds in fits[:1] for other in kinds if other != metric]


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
    usual = next((name for name in (*_LOSSES, metric) if name in known), metric)
    usual = usual if lower_is_better(usual) else ""
    if wish is None:
        return usual
    if not lower_is_better(wish):
        instead = f"take --loss {usual}" if usual else "these runs have none: leave --loss out"
        raise ValueError(
            f"power laws are of losses, and {wish} is better the higher it is; {instead}"
        )
    if wish in known:
        return wish
    return metric if lower_is_better(metric) else ""


def _known(runs: Sequence[Collection[str]]) -> set[str]:
    return {name for names in runs for name in names if not name.endswith(ENDS)}


def _rank(metric: str) -> tuple[int, int, int, str]:
    """What is compared first where nobody asks: smaller is sooner."""
    if metric in _PREFERRED:
        return 0, _PREFERRED.index(metric), 0, metric
    kind, _, number = metric.removeprefix("strength/vs_").partition(":")
    if metric.startswith("strength/vs_") and kind in _BASELINES:
        return 1, _BASELINES.index(kind), -int(number or 0), metric
    return 2, 0, 0, metric
