"""A comparison as the object that ``compare.json`` holds and ``compare --json`` prints."""

from __future__ import annotations

from typing import Any

import numpy as np

from selfplay.compare.analysis.curves import Curve
from selfplay.compare.analysis.exchange import Exchange, Match
from selfplay.compare.analysis.exchange_law import ExchangeLaw
from selfplay.compare.analysis.fits import LawFit, LawPoint
from selfplay.compare.comparison import Comparison, View
from selfplay.compare.compute import Compute
from selfplay.compare.groups import Group
from selfplay.compare.json_values import as_plain
from selfplay.compare.records import Run

# what is written of records that hold more
_FIELDS = {
    Compute: ("name", "unit"),
    Exchange: ("learner", "expert", "parameters", "matches", "law"),
    ExchangeLaw: ("reference", "scale", "exponent", "held_out", "apart"),
    Match: ("label", "games", "expert_s", "plateau", "state", "flops", "late"),
    Curve: ("label", "flops", "mean", "low", "high", "runs"),
    LawFit: ("label", "of", "form", "parameters", "held_out", "cells"),
    LawPoint: ("x", "loss"),
    Run: ("path", "seed", "finished"),
}


def comparison_json(comparison: Comparison) -> dict[str, Any]:
    """All numbers of a comparison; null for what is not known."""
    first = comparison.views[0]
    pairs = zip(comparison.groups, first.free.curves, strict=True)
    content = {
        "sentence": first.free.sentence,
        "charged_sentence": first.charged.sentence,
        "exchange_sentence": first.exchange_sentence,
        "settings": comparison.settings,
        **comparison._asdict(),
        "groups": [_group(*pair) for pair in pairs],
        "views": [_view(view) for view in comparison.views],
    }
    plain: dict[str, Any] = as_plain(content, _FIELDS)
    return plain


def _group(group: Group, curve: Curve) -> dict[str, Any]:
    ends = (curve.flops, curve.mean, curve.low, curve.high)
    last = [None if end is None or curve.empty else end[-1] for end in ends]
    epochs = [run.points.samples[-1] / run.points.unique[-1] for run in group.runs]
    return {
        **group._asdict(),
        **dict(zip(("flops", "value", "low", "high"), last, strict=True)),
        "samples": group.last("samples"),
        "positions_unique": group.last("unique"),
        "effective_epochs": np.mean(epochs),
        "expert_s": group.last("expert_s"),
        "wall_s": group.last("wall_s"),
    }


def _view(view: View) -> dict[str, Any]:
    return {
        "metric": view.metric,
        "title": view.title,
        "sentence": view.free.sentence,
        "charged_sentence": view.charged.sentence,
        "exchange_sentence": view.exchange_sentence,
        "exchanges": view.exchanges,
        "curves": view.free.curves,
        "charged": view.charged.curves,
        "crossings": view.free.crossings,
        "crossings_charged": view.charged.crossings,
    }
