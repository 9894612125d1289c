"""The same runs by each kind of search: the net alone, its value one move ahead, with search.

Regimes are compared at equal search only, so each kind has curves, crossings and a sentence of
its own, and no two kinds ever share a figure.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from selfplay.compare.analysis.crossing import Crossing
from selfplay.compare.analysis.curves import Curve, curves
from selfplay.compare.analysis.sentence import spell_metric
from selfplay.compare.comparison import Comparison, find_crossings, write_answer
from selfplay.compare.records import Group

# one after the other: on the positions that all share, on those of each agent's own games
_SEARCHES = tuple(
    (f"{where}net_mistake_rate", f"{where}value_mistake_rate", f"{where}mistake_rate")
    for where in ("strength/", "strength/own_")
)


class View(NamedTuple):
    """The strength of all groups by one metric."""

    metric: str
    title: str  # "mistake rate, 64 simulations a move"
    sentence: str
    charged_sentence: str  # empty: there is no expert to charge
    curves: tuple[Curve, ...]
    charged: tuple[Curve, ...]
    crossings: tuple[Crossing, ...]
    crossings_charged: tuple[Crossing, ...]


def make_views(found: Comparison) -> tuple[View, ...]:
    """The metric that was asked for, then the other kinds of search that the runs tell of."""
    others = _others(found)
    first = View(
        found.metric,
        title_metric(found.metric, found.groups),
        found.sentence,
        found.charged_sentence,
        found.curves,
        found.charged,
        found.crossings,
        found.crossings_charged,
    )
    return (first, *(view for metric in others if (view := _view(found, metric)) is not None))


def _others(found: Comparison) -> list[str]:
    """Mistakes by the other kinds of search, where those of ``found.metric`` are, else anywhere."""
    known = {name for group in found.groups for run in group.runs for name in run.points.names}
    fits = [kinds for kinds in _SEARCHES if found.metric in kinds]
    fits = fits or [kinds for kinds in _SEARCHES if known.intersection(kinds)]
    return [metric for kinds in fits[:1] for metric in kinds if metric != found.metric]


def _view(found: Comparison, metric: str) -> View | None:
    """None where no run has the metric."""
    told = (
        group._replace(runs=tuple(r for r in group.runs if np.isfinite(r.points.of(metric)).any()))
        for group in found.groups
    )
    groups = [group for group in told if group.runs]
    if not groups:
        return None
    free = curves(groups, metric)
    charged = curves(groups, metric, found.flop_rate) if found.charged else ()
    return View(
        metric,
        title_metric(metric, groups),
        write_answer(free),
        write_answer(charged) if charged else "",
        free,
        charged,
        find_crossings(free),
        find_crossings(charged),
    )


def title_metric(metric: str, groups: tuple[Group, ...] | list[Group]) -> str:
    """A metric with the search it is measured with: "mistake rate, net alone"."""
    words = spell_metric(metric)
    for kind, how in (("net ", "net alone"), ("value ", "value one move ahead")):
        if words.endswith(f"{kind}mistake rate"):
            return f"{words.replace(kind, '')}, {how}"
    if metric.endswith("cross_entropy"):
        return f"{words}, net alone"
    return f"{words}, {groups[0].runs[0].settings.effort}"


def is_share(metric: str) -> bool:
    """True for what lies between 0 and 1 and is told in percent."""
    return not metric.endswith("cross_entropy")
