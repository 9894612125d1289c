"""A comparison as the object that ``compare.json`` holds and ``compare --json`` prints."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from selfplay.compare.analysis.curves import Curve
from selfplay.compare.analysis.fits import LawFit
from selfplay.compare.comparison import Comparison
from selfplay.compare.groups import Group
from selfplay.compare.plain import as_plain
from selfplay.compare.views import View
from selfplay.stats import Interval


def comparison_json(comparison: Comparison) -> dict[str, Any]:
    """All numbers of a comparison; null for what is not known."""
    first = comparison.views[0]
    pairs = zip(comparison.groups, first.free.curves, strict=True)
    content = {
        "sentence": first.free.sentence,
        "charged_sentence": first.charged.sentence,
        "metric": comparison.metric,
        "loss": comparison.loss,
        "settings": comparison.settings._asdict(),
        "flop_rate": comparison.flop_rate,
        "groups": [_group(*pair) for pair in pairs],
        "views": [_view(view) for view in comparison.views],
        "fits": [_fit(fit) for fit in comparison.fits],
        "frontiers": [each._asdict() for each in comparison.frontiers],
        "elasticities": [each._asdict() for each in comparison.elasticities],
        "matrix": comparison.matrix and comparison.matrix._asdict(),
        "pool": comparison.pool and comparison.pool._asdict(),
        "skipped": [each._asdict() for each in comparison.skipped],
        "notes": comparison.notes,
    }
    plain: dict[str, Any] = as_plain(content)
    return plain


def _some(record: Any, *names: str) -> dict[str, Any]:
    return {name: getattr(record, name) for name in names}


def _group(group: Group, curve: Curve) -> dict[str, Any]:
    points = [run.points for run in group.runs]
    ends = (curve.flops, curve.mean, curve.low, curve.high)
    last = [None if end is None or curve.empty else end[-1] for end in ends]
    samples, unique, expert_s, wall_s = (
        np.array([getattr(each, name)[-1] for each in points])
        for name in ("samples", "unique", "expert_s", "wall_s")
    )
    return {
        **_some(group, "label", "kind", "expert", "games", "positions", "parameters"),
        "maker_parameters": group.maker_parameters,
        "runs": [_some(run, "path", "seed", "finished") for run in group.runs],
        **dict(zip(("flops", "value", "low", "high"), last, strict=True)),
        "samples": samples.mean(),
        "positions_unique": unique.mean(),
        "effective_epochs": (samples / unique).mean(),
        "expert_s": expert_s.mean(),
        "wall_s": wall_s.mean(),
    }


def _view(view: View) -> dict[str, Any]:
    accounts = view.free, view.charged
    curves, charged = (
        [_some(each, "label", "flops", "mean", "low", "high", "runs") for each in account.curves]
        for account in accounts
    )
    crossings, late = ([each._asdict() for each in account.crossings] for account in accounts)
    return {
        **_some(view, "metric", "title"),
        "sentence": view.free.sentence,
        "charged_sentence": view.charged.sentence,
        "curves": curves,
        "charged": charged,
        "crossings": crossings,
        "crossings_charged": late,
    }


def _fit(fit: LawFit) -> dict[str, Any]:
    return {
        **_some(fit, "label", "of", "form"),
        "parameters": {
            each.name: each.interval or Interval(each.value, math.nan, math.nan)
            for each in fit.parameters
        },
        "held_out": fit.held_out,
        "cells": [_some(cell, "x", "loss") for cell in fit.cells],
    }
