"""Power laws against what was measured: L(D), L(N) and L(C) with their floors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from selfplay.compare.analysis.fits import LawFit
from selfplay.compare.analysis.sentence import brief
from selfplay.compare.comparison import Comparison
from selfplay.compare.groups import Group, spell_kind
from selfplay.compare.metrics import is_share, spell_metric
from selfplay.compare.records import F64
from selfplay.compare.report.canvas import (
    WIDTH,
    Label,
    Picture,
    label_ends,
    log_x,
    log_y,
    margin,
    new_axes,
    picture,
)
from selfplay.compare.report.palette import light

_WRAP = 28
_TITLES = {
    "D": ("data", "distinct expert games or positions, D"),
    "N": ("size", "parameters of the net, N"),
    "C": ("compute", "training compute, FLOPs"),
}
_MARKERS = "osD^vP"
_BEST, _OTHER = "-", (0, (1, 1.3))


def draw_law(comparison: Comparison, of: str) -> Picture | None:
    """L(D) or L(N): the best loss of each run, and both forms of the law."""
    fits = [fit for fit in comparison.fits if fit.of == of]
    if not fits:
        return None
    labels = list(dict.fromkeys(fit.label for fit in fits))
    cells = [cell for fit in fits for cell in fit.cells]
    x, loss = np.array([cell.x[0] for cell in cells]), np.concatenate([c.loss for c in cells])
    figure, axes = _new(labels, x, loss, of, comparison.loss)
    ends = []
    for i, label in enumerate(labels):
        mine = [fit for fit in fits if fit.label == label]
        colour = light(kind_of(label, comparison.groups))
        _dots(axes, mine[0], colour, _MARKERS[i % len(_MARKERS)])
        x, loss = _laws(axes, mine, colour, _BEST)
        ends.append(Label(float(x[-1]), float(loss[-1]), brief(label), colour))
    label_ends(axes, ends, _WRAP)
    return _picture(
        of,
        comparison.loss,
        "Small marks are the best measurement of each run, large ones their mean. Lines are power "
        "laws over the range they were fitted to: solid the form that foretells the largest "
        "half-decade better, dotted the other"
        + ("; thin level lines are floors, where they lie within the picture"
           if any(fit.form == "floor" for fit in fits) else "")
        + ". Parameters and intervals are in the table of fits.",
        figure,
    )  # fmt: skip


def draw_compute_law(comparison: Comparison) -> Picture | None:
    """L(C): the frontier of each regime with its band, and the better form of the law."""
    frontiers = [each for each in comparison.frontiers if len(each.flops) > 1]
    if not frontiers:
        return None
    labels = [each.label for each in frontiers]
    x, loss = (
        np.concatenate(part) for part in zip(*((f.flops, f.loss) for f in frontiers), strict=True)
    )
    figure, axes = _new(labels, x, loss, "C", comparison.loss)
    ends = []
    for each in frontiers:
        colour = light(kind_of(each.label, comparison.groups))
        if each.low is not None and each.high is not None:
            axes.fill_between(each.flops, each.low, each.high, color=colour, alpha=0.15, lw=0)
        axes.plot(each.flops, each.loss, color=colour, lw=1.8)
        fits = [fit for fit in comparison.fits if fit.of == "C" and fit.label == each.label]
        _laws(axes, fits[:1], colour, _OTHER)
        ends.append(Label(float(each.flops[-1]), float(each.loss[-1]), brief(each.label), colour))
    label_ends(axes, ends, _WRAP)
    chosen = any(each.arms > 1 for each in frontiers)
    return _picture(
        "C",
        comparison.loss,
        "Lines are the least loss that so much compute buys on the most data"
        + (", the net's size chosen on half of the seeds and judged on the others"
           if chosen else "")
        + ", bands 95% intervals; dotted lines are the law fitted to the last two decades, thin "
        "level ones its floor.",
        figure,
    )  # fmt: skip


def kind_of(label: str, groups: Sequence[Group]) -> str:
    """The regime that a label of fits.py begins with."""
    kinds = sorted({group.kind for group in groups}, key=lambda kind: -len(spell_kind(kind)))
    return next((kind for kind in kinds if label.startswith(spell_kind(kind))), "")


def _new(labels: Sequence[str], x: F64, loss: F64, of: str, metric: str) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(WIDTH, max(3.5, 0.9 + 0.36 * len(labels))))
    axes = new_axes(figure, 50, 36, margin([brief(label) for label in labels], _WRAP), 10)
    log_x(axes, x.min() / 1.15, x.max() * 1.15, _TITLES[of][1])
    log_y(axes, loss.min() / 1.4, loss.max() * 1.25, is_share(metric))
    axes.set_ylabel(f"{spell_metric(metric)}{'' if is_share(metric) else ', nats'}")
    return figure, axes


def _picture(of: str, loss: str, caption: str, figure: Figure) -> Picture:
    word = _TITLES[of][0]
    title = f"L({of}): {spell_metric(loss)} against {word}"
    return picture(f"law-{word}", title, caption, figure)


def _dots(axes: Axes, fit: LawFit, colour: str, marker: str) -> None:
    """Each run, and the mean of each cell."""
    for cell in fit.cells:
        x = np.full(len(cell.loss), cell.x[0])
        axes.plot(x, cell.loss, ls="", marker=marker, ms=2.6, mew=0, color=colour, alpha=0.5)
        mean = float(np.exp(np.log(cell.loss).mean()))
        axes.plot(x[:1], [mean], ls="", marker=marker, ms=5, mew=0, color=colour)


def _laws(axes: Axes, fits: Sequence[LawFit], colour: str, dash: Any) -> tuple[F64, F64]:
    """The fits over their own range, the better one first; the line of that one comes back."""
    lines = []
    for fit in fits:
        x = np.array([cell.x[0] for cell in fit.cells])
        dense = np.geomspace(x.min(), x.max(), 100)
        lines.append((dense, fit.predict(dense)))
        first = len(lines) == 1
        axes.plot(*lines[-1], color=colour, lw=1.5 if first else 1.0, ls=dash if first else _OTHER)
        if fit.form == "floor":
            floor = fit.parameter("floor").value
            if floor > axes.get_ylim()[0]:
                axes.plot([x.min(), x.max()], [floor, floor], color=colour, lw=0.6, alpha=0.5)
    return lines[0] if lines else (np.empty(0), np.empty(0))
