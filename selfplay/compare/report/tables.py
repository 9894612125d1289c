"""The tables of a comparison as text, for the terminal and for the page."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from selfplay.compare.analysis.crossing import Crossing
from selfplay.compare.analysis.curves import Curve
from selfplay.compare.analysis.fits import Fit
from selfplay.compare.analysis.sentence import (
    brief,
    group_order,
    representatives,
    spell_flops,
    spell_metric,
)
from selfplay.compare.comparison import Comparison
from selfplay.compare.pool import Pool
from selfplay.compare.views import View, is_share
from selfplay.stats import Interval

NONE = "-"  # in a cell of which nothing is known
_STATES = {
    "crosses": "overtakes",
    "ahead": "better all along",
    "behind": "worse to the end",
    "undecided": "not certain",
    "apart": "no compute in common",
    "unknown": "one seed: no interval",
}


class Table(NamedTuple):
    """Rows of cells under headings; the first column is words, the others are numbers."""

    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""  # what a reader must know of the columns


def groups_table(views: Sequence[View]) -> Table:
    """One row a group, at the largest compute that all its seeds reached; a column a view."""
    ordered = sorted(views[0].curves, key=lambda curve: group_order(curve.group))
    what = views[0].title.partition(",")[0]
    titles = [
        spell_metric(view.metric) if len(views) == 1 else view.title.removeprefix(f"{what}, ")
        for view in views
    ]
    heads = (
        "group", "seeds", "N", "D", "FLOPs", *(f"{title} (95%)" for title in titles), "E / D",
        "expert s", "wall s",
    )  # fmt: skip
    return Table(
        "Groups of runs" if len(views) == 1 else f"Groups of runs: {what}",
        heads,
        tuple(_group_row(curve, views) for curve in ordered),
        "N: parameters; D: games of the expert, or positions of a frozen run, or (=) different "
        "positions that the runs made; E / D: samples learned from over different positions; "
        "seconds of the expert's CPU and of the wall: means over seeds at the last measurement",
    )


def _group_row(curve: Curve, views: Sequence[View]) -> tuple[str, ...]:
    group = curve.group
    last = [run.points for run in group.runs]
    unique = float(np.mean([points.unique[-1] for points in last]))
    samples = float(np.mean([points.samples[-1] for points in last]))
    made = NONE if math.isnan(unique) else f"={_count(unique)}"
    data = f"{group.data:,}" if group.data is not None else made
    return (
        brief(group.label),
        str(len(group.runs)),
        f"{group.parameters:,}",
        data,
        spell_flops(float(curve.flops[-1])) if len(curve.flops) else NONE,
        *(_last(view, group.label) for view in views),
        _short(samples / unique) if unique > 0 else NONE,
        _count(float(np.mean([points.expert_s[-1] for points in last]))),
        _count(float(np.mean([points.wall_s[-1] for points in last]))),
    )


def _last(view: View, label: str) -> str:
    """The value of a group at the end of its curve, with its interval if there is one."""
    curve = next((curve for curve in view.curves if curve.label == label), None)
    if curve is None or not len(curve.flops):
        return NONE
    value = spell_value(float(curve.mean[-1]), curve.metric)
    if curve.low is None or curve.high is None:
        return f"{value} (one seed)"
    return f"{value} ({spell_range(float(curve.low[-1]), float(curve.high[-1]), curve.metric)})"


def chief_crossings(curves: Sequence[Curve], crossings: Sequence[Crossing]) -> list[Crossing]:
    """Those of each regime's best group against all that is taught by others than itself.

    Frozen data are against nobody, unless nothing else is taught.
    """
    kinds = {curve.label: curve.group.kind for curve in curves}
    best = {curve.label for curve in representatives(curves)}
    against = [each for each in crossings if each.a in best]
    return [each for each in against if kinds[each.b] != "frozen"] or against


def crossings_table(crossings: Sequence[Crossing], title: str) -> Table:
    """One row a pair."""
    rows = []
    for each in crossings:
        low = spell_flops(each.low) if each.low else f"below {_flops(each.first)}"
        high = spell_flops(each.high) if each.high else f"over {_flops(each.last)}"
        lead = NONE if math.isnan(each.lead) else _lead(each)
        rows.append(
            (
                f"{brief(each.a)} against {brief(each.b)}",
                _STATES[each.state],
                spell_flops(each.flops) if each.flops else NONE,
                f"{low} to {high}" if each.state == "crosses" else NONE,
                spell_flops(each.sure) if each.sure else NONE,
                lead,
            )
        )
    return Table(
        title,
        ("pair", "the first", "at FLOPs", "95%", "certain from", "lead in the end"),
        tuple(rows),
        "certain from: the compute from which on the first is better with probability over 0.975; "
        "lead in the end: at the largest compute in common, with its 95% interval, above 0 where "
        "the first is better; all pairs are in compare.json",
    )


def _lead(found: Crossing) -> str:
    share = is_share(found.metric)
    scale, digits = (100, 1) if share else (1, 3)
    unit = " points" if share else " nats"
    value = f"{scale * found.lead:+.{digits}f}{unit}"
    if found.gap is None:
        return value
    return f"{value} ({scale * found.gap.low:+.{digits}f} to {scale * found.gap.high:+.{digits}f})"


def fits_table(fits: Sequence[Fit], loss: str) -> Table:
    """One row a law and form; of the two forms of a law the one that foretells better is first."""
    rows = []
    for fit in fits:
        told = "; ".join(
            f"{each.name.replace('_', ' ')} {_short(each.value)}{_around(each.interval)}"
            for each in fit.parameters
        )
        error = NONE if fit.held_out is None else _error(math.expm1(fit.held_out))
        rows.append(
            (f"L({fit.of}), {brief(fit.label)}", fit.form, told, str(len(fit.cells)), error)
        )
    return Table(
        f"Power laws of the {spell_metric(loss)}",
        ("law", "form", "parameters (95%)", "points", "held-out error"),
        tuple(rows),
        "power: L = (scale / x)^exponent; floor: L = floor + (scale / x)^exponent; nested: "
        "L = ((scale n / N)^(exponent n / exponent d) + scale d / D)^(exponent d); additive: "
        "L = floor + (scale n / N)^(exponent n) + (scale d / D)^(exponent d); held-out error: the "
        "mean relative error in the largest half-decade of x, foretold from the rest",
    )


def _error(share: float) -> str:
    return f"{100 * share:.1f}%" if share >= 0.0005 else "below 0.1%"


def elasticities_table(found: Comparison) -> Table:
    rows = tuple(
        (
            brief(each.label),
            f"d ln L / d ln {each.of}",
            f"{each.value:+.3f}",
            NONE
            if each.interval is None
            else f"{each.interval.low:+.3f} to {each.interval.high:+.3f}",
            f"{each.of} = {_span(each.x.tolist())}",
        )
        for each in found.elasticities
    )
    return Table(
        "Elasticities: what more data or a larger net would bring",
        ("of", "elasticity", "value", "95%", "over"),
        rows,
        "-0.3 means that ten times x halves the loss",
    )


def pool_table(pool: Pool) -> Table:
    rows = []
    for i in np.argsort(-pool.elo):
        rate, low, high = (
            float(part[i]) for part in (pool.own_mistake_rate, pool.own_low, pool.own_high)
        )
        rows.append(
            (
                brief(pool.labels[i]),
                f"{pool.elo[i]:+.0f}",
                f"{pool.low[i]:+.0f} to {pool.high[i]:+.0f}",
                f"{100 * float(np.nanmean(pool.score[i])):.1f}%",
                NONE if math.isnan(rate) else f"{100 * rate:.2f}%",
                NONE if math.isnan(low) else f"{100 * low:.2f} to {100 * high:.2f}%",
            )
        )
    return Table(
        "Elo in one pool",
        ("player", "Elo", "95%", "points", "mistakes in own games", "95%"),
        tuple(rows),
        f"{pool.games} games a pair, {pool.simulations} simulations a move (0: the nets alone); "
        "points: the mean score against the others",
    )


def spell_value(value: float, metric: str) -> str:
    return f"{100 * value:.2f}%" if is_share(metric) else f"{value:.3f}"


def spell_range(low: float, high: float, metric: str) -> str:
    if is_share(metric):
        return f"{100 * low:.2f} to {100 * high:.2f}"
    return f"{low:.3f} to {high:.3f}"


def _around(interval: Interval | None) -> str:
    return "" if interval is None else f" ({_short(interval.low)} to {_short(interval.high)})"


def _span(values: Sequence[float]) -> str:
    return f"{min(values):,.0f} to {max(values):,.0f}"


def _flops(value: float) -> str:
    return NONE if math.isnan(value) else spell_flops(value)


def _count(value: float) -> str:
    if math.isnan(value):
        return NONE
    return f"{value:,.0f}" if value < 1e6 else spell_flops(value)


def _short(value: float) -> str:
    if math.isnan(value):
        return NONE
    if value and not 1e-3 <= abs(value) < 1e5:
        return f"{value:.1e}".replace("e+0", "e").replace("e+", "e").replace("e-0", "e-")
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"
