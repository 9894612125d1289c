"""Search at training and at test: lines of equal strength, and the net alone against search."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator

from selfplay.compare.analysis.curves import Curve, on_common_grid
from selfplay.compare.analysis.plane import SearchPlane
from selfplay.compare.analysis.sentence import brief, representatives
from selfplay.compare.comparison import Comparison
from selfplay.compare.groups import Group, differs_in_search, training_search
from selfplay.compare.metrics import METRIC, VALIDATED
from selfplay.compare.records import F64
from selfplay.compare.report.canvas import (
    WIDTH,
    Label,
    Picture,
    fold,
    label_ends,
    light,
    log_x,
    log_y,
    margin,
    new_axes,
    picture,
    spell_percent,
    spell_power,
)

MOST = 6  # panels, and lines
_PANEL = 214.0  # points of height
_LEVELS = (0.5, 0.3, 0.2, 0.15, 0.1, 0.07, 0.05, 0.03, 0.02, 0.01, 0.005, 0.002, 0.001)
_LINES = 4  # of equal strength in a panel
_WRAP = 26


def draw_planes(planes: Sequence[SearchPlane], groups: Sequence[Group]) -> Picture | None:
    """A panel a group; None where no plane was fitted."""
    shown = planes[:MOST]
    if not shown:
        return None
    kinds = {group.label: group.kind for group in groups}
    columns = min(2, len(shown))
    rows = -(-len(shown) // columns)
    figure = Figure(figsize=(WIDTH, (_PANEL * rows + 10) / 72))
    width = 72 * WIDTH / columns
    train, test = (np.concatenate([getattr(p, name) for p in shown]) for name in ("train", "test"))
    for i, plane in enumerate(shown):
        column, row = i % columns, i // columns
        left, bottom = column * width + 50, (rows - 1 - row) * _PANEL + 36
        axes = new_axes(
            figure, left, bottom, 72 * WIDTH - (column + 1) * width + 10,
            row * _PANEL + 46,
        )  # fmt: skip
        lowest = i + columns >= len(shown)
        log_x(axes, train.min() / 1.3, train.max() * 1.3, "training, FLOPs" if lowest else "")
        log_y(axes, test.min() / 1.4, test.max() * 1.4, percent=False)
        axes.yaxis.set_major_locator(
            LogLocator(subs=(1, 3) if test.max() < 30 * test.min() else (1,))
        )
        axes.yaxis.set_major_formatter(lambda value, _: spell_power(value))
        _draw_plane(axes, plane, light(kinds.get(plane.label, "")))
        if column == 0:
            axes.set_ylabel("search at test, FLOPs a move")
        slope = f"slope {plane.slope.value:.2f}"
        if not np.isnan(plane.slope.low):
            slope += f" ({plane.slope.low:.2f} to {plane.slope.high:.2f})"
        name = fold(brief(plane.label), 40 if columns > 1 else 90, 2)
        axes.set_title("\n".join([*name, slope]), loc="left", pad=5)
    more = f"; {len(planes) - MOST} further groups are in the table" if len(planes) > MOST else ""
    return picture(
        "search-plane",
        "Training against search: lines of equal strength",
        "Points are measurements with search, the last of a run with several searches; lines are "
        "of equal mistake rate by the plane fitted to the log-odds over the last "
        "two decades of training. At slope s ten times the training replace 10^-s times the "
        f"search; its 95% interval beside it (Jones 2021: -1.2 in Hex){more}.",
        figure,
    )  # fmt: skip


def _draw_plane(axes: Axes, plane: SearchPlane, colour: str) -> None:
    spread = (plane.rate - plane.rate.min()) / max(float(np.ptp(plane.rate)), 1e-9)
    axes.scatter(
        plane.train, plane.test, s=9, lw=0, color=colour, alpha=0.25 + 0.65 * (1 - spread), zorder=3
    )
    x = np.geomspace(plane.train.min(), plane.train.max(), 60)
    for rate in _levels(plane):
        y = plane.test_at(rate, x)
        inside = (y >= plane.test.min() / 1.2) & (y <= plane.test.max() * 1.2)
        axes.plot(x[inside], y[inside], color=light("muted"), lw=1.0)
        at = _clear(plane, x[inside], y[inside])
        axes.text(
            x[inside][at], y[inside][at], spell_percent(rate), fontsize=7.5, ha="center",
            va="center", color=light("ink"),
            bbox={"facecolor": light("paper"), "edgecolor": "none", "pad": 1.2},
        )  # fmt: skip


def _clear(plane: SearchPlane, x: F64, y: F64) -> int:
    """Where on a line, in its middle half, a label is the furthest from what was measured."""
    places, points = (np.log10(np.stack(each)) for each in ((x, y), (plane.train, plane.test)))
    away = np.hypot(*(places[:, :, None] - points[:, None])).min(axis=1)
    quarter = len(x) // 4
    return quarter + int(np.argmax(away[quarter : len(x) - quarter]))


def _levels(plane: SearchPlane) -> list[float]:
    """Round mistake rates whose line crosses what was measured, a few evenly among them."""
    x = np.geomspace(plane.train.min(), plane.train.max(), 60)
    low, high = plane.test.min() / 1.2, plane.test.max() * 1.2
    lines = {rate: plane.test_at(rate, x) for rate in _LEVELS}
    seen = [rate for rate, y in lines.items() if ((y >= low) & (y <= high)).sum() > 5]
    picks = np.unique(np.linspace(0, len(seen) - 1, min(_LINES, len(seen))).round().astype(int))
    return [seen[i] for i in picks] if seen else []


def draw_raw(comparison: Comparison) -> Picture | None:
    """The net alone against the same net with search, over training, a line a group.

    The only figure in which two kinds of search meet.  None where both were not measured.
    """
    pairs = _pairs(comparison)
    if not pairs:
        return None
    labels = [brief(alone.label) for alone, _ in pairs]
    figure = Figure(figsize=(WIDTH, 4.1))
    axes = new_axes(figure, 50, 36, margin(labels, _WRAP), 10)
    x, y = (np.concatenate([curve.mean for curve in part]) for part in zip(*pairs, strict=True))
    x, y = x[(x > 0) & (y > 0)], y[(x > 0) & (y > 0)]
    if not len(x):
        return None
    log_x(axes, x.min() / 1.1, x.max() * 1.1, "mistake rate of the net alone")
    axes.xaxis.set_major_formatter(lambda value, _: spell_percent(value))
    log_y(axes, y.min() / 1.2, y.max() * 1.2, percent=True)
    axes.set_ylabel(f"mistake rate, {comparison.settings.effort}")
    level = np.array(axes.get_xlim())
    axes.plot(level, level, color=light("muted"), lw=1.0, ls=(0, (1, 1.3)), scaley=False)
    kinds = [alone.group.kind for alone, _ in pairs]
    ends = []
    for i, (alone, searched) in enumerate(pairs):
        alike = [k for k, kind in enumerate(kinds) if kind == kinds[i]]
        opacity = float(np.linspace(1.0, 0.4, len(alike))[::-1][alike.index(i)])
        ends.append(_draw_raw(axes, alone.mean, searched.mean, labels[i], kinds[i], opacity))
    label_ends(axes, ends, _WRAP)
    return picture(
        "search-raw",
        f"The net alone against the same with {comparison.settings.effort}",
        "Each line is the mean of a group over its training, which ends at the dot. Far below the "
        "diagonal (dotted, where it lies in the picture) search adds much; a line that comes "
        "nearer to it has learned what search found. Of lines that end at equal height the one "
        "further to the left needs search less.",
        figure,
    )


def _draw_raw(axes: Axes, x: F64, y: F64, text: str, kind: str, opacity: float) -> Label:
    known = (x > 0) & (y > 0)
    x, y, colour = x[known], y[known], light(kind)
    axes.plot(x, y, color=colour, alpha=opacity, lw=1.2 + 0.6 * opacity)
    axes.plot(x[-1:], y[-1:], ls="", marker="o", ms=5.5, mew=0, color=colour, alpha=opacity)
    return Label(float(x[-1]), float(y[-1]), text, colour)


def _pairs(comparison: Comparison) -> list[tuple[Curve, Curve]]:
    """The curves of the net alone and with search of the groups that are shown, on one grid.

    Of groups that differ in the search they were trained with all, of others one a regime.
    """
    curves = {view.metric: view.free.curves for view in comparison.views}
    if METRIC not in curves or VALIDATED not in curves:
        return []
    searched = {curve.label: curve for curve in curves[METRIC]}
    alone = [curve for curve in curves[VALIDATED] if curve.label in searched]
    chief = [curve.label for curve in representatives(alone)] if alone else []
    trained = {curve.label: training_search(curve.group) for curve in alone}
    groups = [curve.group for curve in alone]
    told = [c for c in alone if differs_in_search(c.group, groups) or c.label in chief]
    told.sort(key=lambda curve: (curve.group.kind, trained[curve.label]))
    pairs = (on_common_grid(curve, searched[curve.label]) for curve in told)
    return [pair for pair in pairs if not pair[0].empty and (pair[0].mean > 0).any()][:MOST]
