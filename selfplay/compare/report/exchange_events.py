"""The exchange rate for TensorBoard: a run for each expert and net, whose steps are games D.

The values are log10 of the compute that matches D games, so that the law is seen on linear axes;
what lies beyond the range that was measured stands at its end.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from selfplay.compare.analysis.exchange import Exchange, Match
from selfplay.compare.analysis.exchange_sentence import name_games
from selfplay.compare.analysis.sentence import brief
from selfplay.compare.comparison import View
from selfplay.compare.metrics import spell_metric

Chart = tuple[str, tuple[str, list[str]]]


def exchange_tags(view: View) -> list[str]:
    """Of the value, and of the ends of its interval."""
    name = (
        f"log10 of the {view.free.curves[0].unit} that match D games, {spell_metric(view.metric)}"
    )
    return [
        f"exchange/{name}/step = D",
        *(f"exchange_bands/{name}_{end}" for end in ("low", "high")),
    ]


def exchange_charts(views: Sequence[View]) -> list[Chart]:
    """For Custom Scalars: one a view, all experts and nets in each."""
    return [
        (f"exchange rate, {view.title} (step = games D)", ("Margin", exchange_tags(view)))
        for view in views
        if view.exchanges
    ]


def exchange_names(views: Sequence[View]) -> list[str]:
    """Names of the runs, one for each pair of own games and an expert."""
    names = (_name(each) for view in views for each in view.exchanges)
    return list(dict.fromkeys(names))


def exchange_scalars(views: Sequence[View], name: str) -> list[tuple[int, dict[str, float]]]:
    """Step and values of the run ``name``, by ascending step."""
    steps: dict[int, dict[str, float]] = {}
    for view in views:
        for each in (each for each in view.exchanges if _name(each) == name):
            for match in each.matches:
                values = _logs(match, each)
                steps.setdefault(match.games, {}).update(
                    zip(exchange_tags(view), values, strict=True)
                )
    return sorted(steps.items())


def _name(each: Exchange) -> str:
    return f"exchange, {brief(each.learner)} for {name_games(each.expert, 'D')}"


def _logs(match: Match, each: Exchange) -> list[float]:
    first, last = (float(end) for end in each.curve.flops[[0, -1]])
    ends = (match.flops.value if math.isnan(end) else end for end in match.flops)
    return [math.log10(float(np.clip(end, first, last))) for end in ends]
