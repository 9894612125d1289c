"""A comparison as the object that ``compare.json`` holds and ``compare --json`` prints."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from selfplay.compare.analysis.curves import Curve
from selfplay.compare.analysis.fits import LawFit, LawPoint
from selfplay.compare.comparison import Comparison
from selfplay.compare.groups import Group
from selfplay.compare.json_values import as_plain
from selfplay.compare.records import Run
from selfplay.compare.views import View
from selfplay.stats import Interval

# what is written of records that hold more
_FIELDS = {
    Curve: ("label", "flops", "mean", "low", "high", "runs"),
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
        "metric": comparison.metric,
        "loss": comparison.loss,
        "settings": comparison.settings,
        "flop_rate": comparison.flop_rate,
        "groups": [_group(*pair) for pair in pairs],
        "views": [_view(view) for view in comparison.views],
        "fits": [_fit(fit) for fit in comparison.fits],
        "frontiers": comparison.frontiers,
        "elasticities": comparison.elasticities,
        "matrix": comparison.matrix,
        "pool": comparison.pool,
        "skipped": comparison.skipped,
        "notes": comparison.notes,
    }
    plain: dict[str, Any] = as_plain(content, _FIELDS)
    return plain


def _group(group: Group, curve: Curve) -> dict[str, Any]:
    ends = (curve.flops, curve.mean, curve.low, curve.high)
    last = [None if end is None or curve.empty else end[-1] for end in ends]
    epochs = [run.points.samples[-1] / run.points.unique[-1] for run in group.runs]
    return {
        "label": group.label,
        "kind": group.kind,
        "expert": group.expert,
        "games": group.games,
        "positions": group.positions,
        "parameters": group.parameters,
        "maker_parameters": group.maker_parameters,
        "runs": group.runs,
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
        "curves": view.free.curves,
        "charged": view.charged.curves,
        "crossings": view.free.crossings,
        "crossings_charged": view.charged.crossings,
    }


def _fit(fit: LawFit) -> dict[str, Any]:
    return {
        "label": fit.label,
        "of": fit.of,
        "form": fit.form,
        "parameters": {
            each.name: each.interval or Interval(each.value, math.nan, math.nan)
            for each in fit.parameters
        },
        "held_out": fit.held_out,
        "cells": fit.cells,
    }
