"""Power laws against what was measured: L(D), L(N) and L(C) with their floors."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from selfplay.compare.analysis.fits import Fit
from selfplay.compare.analysis.frontier import Frontier
from selfplay.compare.analysis.sentence import brief, spell_metric
from selfplay.compare.comparison import Comparison
from selfplay.compare.records import F64, Group, spell_kind
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
from selfplay.compare.views import is_share

_WRAP = 28
_TITLES = {
    "D": ("data", "distinct expert games or positions, D"),
    "N": ("size", "parameters of the net, N"),
    "C": ("compute", "training compute, FLOPs"),
}
_MARKERS = "osD^vP"
_BEST, _OTHER = "-", (0, (1, 1.3))


def draw_law(found: Comparison, of: str) -> Picture | None:
    """L(D) or L(N): the best loss of each run, and both forms of the law."""
    fits = [fit for fit in found.fits if fit.of == of]
    if not fits:
        return None
    word, title = _TITLES[of]
    labels = list(dict.fromkeys(fit.label for fit in fits))
    x = np.array([cell.x[0] for fit in fits for cell in fit.cells])
    loss = np.concatenate([cell.loss for fit in fits for cell in fit.cells])
    figure, axes = _new(labels, x, loss, title, found.loss)
    ends = []
    for label in labels:
        mine = [fit for fit in fits if fit.label == label]
        colour = light(kind_of(label, found.groups))
        _dots(axes, mine[0], colour, marker=_MARKERS[labels.index(label) % len(_MARKERS)])
        line = _laws(axes, mine, colour)
        ends.append(Label(float(line[0][-1]), float(line[1][-1]), brief(label), colour))
    label_ends(axes, ends, _WRAP)
    return picture(
        f"law-{word}",
        f"L({of}): {spell_metric(found.loss)} against {word}",
        f"Small marks are the best measurement of each run, large ones their mean. {_how(fits)}",
        figure,
    )


def draw_compute_law(found: Comparison) -> Picture | None:
    """L(C): the frontier of each regime with its band, and both forms of the law."""
    frontiers = [each for each in found.frontiers if len(each.flops) > 1]
    if not frontiers:
        return None
    labels = [each.label for each in frontiers]
    x = np.concatenate([each.flops for each in frontiers])
    loss = np.concatenate([each.loss for each in frontiers])
    word, title = _TITLES["C"]
    figure, axes = _new(labels, x, loss, title, found.loss)
    ends = []
    for each in frontiers:
        colour = light(kind_of(each.label, found.groups))
        _frontier(axes, each, colour)
        fits = [fit for fit in found.fits if fit.of == "C" and fit.label == each.label]
        _laws(axes, fits[:1], colour, dash=_OTHER)
        ends.append(Label(float(each.flops[-1]), float(each.loss[-1]), brief(each.label), colour))
    label_ends(axes, ends, _WRAP)
    chosen = any(each.arms > 1 for each in frontiers)
    return picture(
        f"law-{word}",
        f"L(C): {spell_metric(found.loss)} against {word}",
        ("Lines are the least loss that so much compute buys on the most data"
         + (", the net's size chosen on half of the seeds and judged on the others"
            if chosen else "")
         + ", bands 95% intervals; dotted lines are the law fitted to the last two decades, thin "
         "level ones its floor."),
        figure,
    )  # fmt: skip


def kind_of(label: str, groups: Sequence[Group]) -> str:
    """The regime that a label of fits.py begins with."""
    kinds = sorted({group.kind for group in groups}, key=lambda kind: -len(spell_kind(kind)))
    return next((kind for kind in kinds if label.startswith(spell_kind(kind))), "")


def _new(labels: Sequence[str], x: F64, loss: F64, title: str, metric: str) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(WIDTH, max(3.5, 0.9 + 0.36 * len(labels))))
    axes = new_axes(figure, 50, 36, margin([brief(label) for label in labels], _WRAP), 10)
    log_x(axes, x.min() / 1.15, x.max() * 1.15, title)
    log_y(axes, loss.min() / 1.4, loss.max() * 1.25, is_share(metric))
    unit = "" if is_share(metric) else ", nats"
    axes.set_ylabel(f"{spell_metric(metric)}{unit}")
    return figure, axes


def _dots(axes: Axes, fit: Fit, colour: str, marker: str) -> None:
    """Each run, and the mean of each cell."""
    for cell in fit.cells:
        x = np.full(len(cell.loss), cell.x[0])
        axes.plot(x, cell.loss, ls="", marker=marker, ms=2.6, mew=0, color=colour, alpha=0.5)
        mean = float(np.exp(np.log(cell.loss).mean()))
        axes.plot(x[:1], [mean], ls="", marker=marker, ms=5, mew=0, color=colour)


def _laws(
    axes: Axes, fits: Sequence[Fit], colour: str, dash: str | tuple[int, tuple[float, ...]] = _BEST
) -> tuple[F64, F64]:
    """The fits over their own range, the better one first; the line of that one comes back."""
    line = np.empty(0), np.empty(0)
    for i, fit in enumerate(fits):
        x = np.array([cell.x[0] for cell in fit.cells])
        dense = np.geomspace(x.min(), x.max(), 100)
        loss = fit.predict(dense)
        axes.plot(
            dense, loss, color=colour, lw=1.5 if i == 0 else 1.0, ls=dash if i == 0 else _OTHER
        )
        if fit.form == "floor":
            floor = fit.parameter("floor").value
            if floor > axes.get_ylim()[0]:
                axes.plot([x.min(), x.max()], [floor, floor], color=colour, lw=0.6, alpha=0.5)
        line = (dense, loss) if i == 0 else line
    return line


def _frontier(axes: Axes, each: Frontier, colour: str) -> None:
    if each.low is not None and each.high is not None:
        axes.fill_between(each.flops, each.low, each.high, color=colour, alpha=0.15, lw=0)
    axes.plot(each.flops, each.loss, color=colour, lw=1.8)


def _how(fits: Sequence[Fit]) -> str:
    words = (
        "Lines are power laws over the range they were fitted to: solid the form that foretells "
    )
    words += "the largest half-decade better, dotted the other"
    if any(fit.form == "floor" for fit in fits):
        words += "; thin level lines are floors, where they lie within the picture"
    return words + ". Parameters and intervals are in the table of fits."
