"""The exchange rate for TensorBoard: a run for each expert and net, whose steps are games D.

The values are log10 of the compute that matches D games, so that the law is seen on linear axes;
what lies beyond the range that was measured stands at its end.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from selfplay.compare.analysis.exchange import Exchange, Match
from selfplay.compare.analysis.exchange_sentence import name_games
from selfplay.compare.analysis.sentence import brief
from selfplay.compare.comparison import View
from selfplay.compare.metrics import spell_metric

Chart = tuple[str, tuple[str, list[str]]]


def exchange_tags(view: View) -> list[str]:
    """Of the value, and of the ends of its interval."""
    unit, metric = view.free.curves[0].unit, spell_metric(view.metric)
    name = f"log10 of the {unit} that match D games, {metric}"
    bands = (f"exchange_bands/{name}_{end}" for end in ("low", "high"))
    return [f"exchange/{name} (step = D)", *bands]


def exchange_charts(views: Sequence[View]) -> list[Chart]:
    """For Custom Scalars: one a view, all experts and nets in each."""
    return [
        (f"exchange rate, {view.title} (step = games D)", ("Margin", exchange_tags(view)))
        for view in views
        if _charted(view)
    ]


def exchange_names(views: Sequence[View]) -> list[str]:
    """Names of the runs, one for each pair of own games and an expert."""
    return list(dict.fromkeys(_name(each) for view in views for each in _charted(view)))


def exchange_scalars(views: Sequence[View], name: str) -> list[tuple[int, dict[str, float]]]:
    """Step and values of the run ``name``, by ascending step."""
    steps: dict[int, dict[str, float]] = {}
    for view in views:
        for each in _charted(view):
            for match in each.matches if _name(each) == name else ():
                told = zip(exchange_tags(view), _logs(match, each), strict=True)
                steps.setdefault(match.games, {}).update(told)
    return sorted(steps.items())


def _charted(view: View) -> list[Exchange]:
    """One amount of games alone is no chart."""
    return [each for each in view.exchanges if len(each.matches) > 1]


def _name(each: Exchange) -> str:
    return f"exchange, {brief(each.learner)} for {name_games(each.expert, 'D')}"


def _logs(match: Match, each: Exchange) -> list[float]:
    first, last = (float(end) for end in each.curve.flops[[0, -1]])
    ends = (match.flops.value if math.isnan(end) else end for end in match.flops)
    return [math.log10(float(np.clip(end, first, last))) for end in ends]
