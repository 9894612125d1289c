"""A comparison as the object that ``compare.json`` holds and ``compare --json`` prints."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from selfplay.compare.analysis.curves import Curve
from selfplay.compare.analysis.fits import Fit
from selfplay.compare.comparison import Comparison
from selfplay.compare.pool import Pool
from selfplay.compare.records import Group
from selfplay.compare.views import View
from selfplay.stats import Interval


def comparison_json(found: Comparison, views: Sequence[View], pool: Pool | None) -> dict[str, Any]:
    """All numbers of a comparison; null for what is not known."""
    settings = found.groups[0].runs[0].settings
    content = {
        "sentence": found.sentence,
        "charged_sentence": found.charged_sentence,
        "metric": found.metric,
        "loss": found.loss,
        "settings": settings._asdict(),
        "flop_rate": found.flop_rate,
        "groups": [
            _group(group, curve) for group, curve in zip(found.groups, found.curves, strict=True)
        ],
        "views": [
            {
                "metric": view.metric,
                "title": view.title,
                "sentence": view.sentence,
                "charged_sentence": view.charged_sentence,
                "curves": [_curve(curve) for curve in view.curves],
                "charged": [_curve(curve) for curve in view.charged],
                "crossings": [each._asdict() for each in view.crossings],
                "crossings_charged": [each._asdict() for each in view.crossings_charged],
            }
            for view in views
        ],
        "fits": [_fit(fit) for fit in found.fits],
        "frontiers": [each._asdict() for each in found.frontiers],
        "elasticities": [each._asdict() for each in found.elasticities],
        "matrix": None if found.matrix is None else found.matrix._asdict(),
        "pool": None if pool is None else pool._asdict(),
        "skipped": [{"path": str(each.path), "reason": each.reason} for each in found.skipped],
        "notes": list(found.notes),
    }
    plain: dict[str, Any] = _plain(content)
    return plain


def _group(group: Group, curve: Curve) -> dict[str, Any]:
    points = [run.points for run in group.runs]
    known = len(curve.flops) > 0
    return {
        "label": group.label,
        "kind": group.kind,
        "expert": group.expert,
        "games": group.games,
        "positions": group.positions,
        "parameters": group.parameters,
        "maker_parameters": group.maker_parameters,
        "runs": [
            {"path": str(run.path), "seed": run.seed, "finished": run.finished}
            for run in group.runs
        ],
        "flops": curve.flops[-1] if known else None,
        "value": curve.mean[-1] if known else None,
        "low": curve.low[-1] if known and curve.low is not None else None,
        "high": curve.high[-1] if known and curve.high is not None else None,
        "samples": np.mean([each.samples[-1] for each in points]),
        "positions_unique": np.mean([each.unique[-1] for each in points]),
        "effective_epochs": np.mean([each.samples[-1] / each.unique[-1] for each in points]),
        "expert_s": np.mean([each.expert_s[-1] for each in points]),
        "wall_s": np.mean([each.wall_s[-1] for each in points]),
    }


def _curve(curve: Curve) -> dict[str, Any]:
    return {
        "label": curve.label,
        "flops": curve.flops,
        "mean": curve.mean,
        "low": curve.low,
        "high": curve.high,
        "runs": curve.runs,
    }


def _fit(fit: Fit) -> dict[str, Any]:
    return {
        "label": fit.label,
        "of": fit.of,
        "form": fit.form,
        "parameters": {
            each.name: each.interval or Interval(each.value, math.nan, math.nan)
            for each in fit.parameters
        },
        "held_out": fit.held_out,
        "cells": [{"x": cell.x, "loss": cell.loss} for cell in fit.cells],
    }


def _plain(value: Any) -> Any:
    """``value`` in lists, objects and finite numbers; an interval is value, low and high."""
    if isinstance(value, Interval):
        return {name: _plain(part) for name, part in value._asdict().items()}
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, (list, tuple)):
        return [_plain(part) for part in value]
    if isinstance(value, (float, np.floating)):
        return float(value) if math.isfinite(value) else None
    return value
