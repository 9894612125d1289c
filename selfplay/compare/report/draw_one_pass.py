"""L(E) against L(D): one pass by each size of the net, the stocks, and where the two part."""

from __future__ import annotations

import math

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator

from selfplay.compare.analysis.one_pass import OnePass, SizePass
from selfplay.compare.analysis.sentence import brief
from selfplay.compare.analysis.stocks import Stock
from selfplay.compare.report.canvas import (
    WIDTH,
    Label,
    Picture,
    label_ends,
    light,
    log_x,
    log_y,
    margin,
    new_axes,
    picture,
)

_HEIGHT = 3.9  # inches
_BESIDE = 122.0  # points, what E* against N takes
_BAND = 0.15  # opacity
_WRAP = 20  # characters of a label


def draw_one_pass(passes: OnePass, kind: str, number: int) -> Picture:
    """``kind``: the regime, whose colour it has; ``number``: of the figures of this name."""
    figure = Figure(figsize=(WIDTH, _HEIGHT))
    parted = [size for size in passes.sizes if 0 < size.leaves.value < math.inf]
    texts = [f"N = {size.parameters:,}" for size in passes.sizes]
    beside = _BESIDE + 54 if len(parted) > 1 else 0.0
    axes = new_axes(figure, 50, 36, margin([*texts, "L(D)"], _WRAP) + beside, 10)
    _scale(axes, passes)
    if passes.low is not None and passes.high is not None:
        axes.fill_between(
            passes.data, passes.low, passes.high, color=light("ink"), alpha=_BAND, lw=0
        )
    axes.plot(passes.data, passes.best, color=light("ink"), lw=1.6, marker="o", ms=3.5, mew=0)
    for stock in passes.stocks:
        again = stock.samples >= stock.data  # the first pass is that of new positions
        axes.plot(
            stock.samples[again], stock.loss[again], color=light("ink"), lw=0.7, ls=(0, (4, 2))
        )
    ends = [Label(float(passes.data[-1]), float(passes.best[-1]), "L(D)", light("ink"))]
    opacities = np.linspace(0.35, 1.0, len(passes.sizes)) if len(passes.sizes) > 1 else [1.0]
    for size, text, opacity in zip(passes.sizes, texts, opacities, strict=True):
        ends.append(_draw(axes, size, text, light(kind), float(opacity)))
    label_ends(axes, ends, _WRAP)
    if beside:
        right = 72 * WIDTH - _BESIDE - 8
        _draw_parting(new_axes(figure, right, 36, 8, 24), parted, passes, light(kind))
    return picture(
        "one-pass" if number == 0 else f"one-pass-{number + 1}",
        f"L(E) against L(D): one pass and many, {brief(passes.label)}",
        "Coloured lines are one pass over ever new positions, a line a size of the net, the "
        "fainter the smaller; the dark line is the least loss of the net of "
        f"{passes.reference:,} parameters after any number of passes through D positions, the "
        "dashed ones how it goes on in a stock that it has gone through once. Bands are 95% "
        "intervals over seeds. Where a line lies near the dark one the data are its limit; "
        "rings mark E*, from where on it stays 10% above: there the net is. The loss is that on "
        "positions kept aside, less the entropy of their targets."
        + (" Right: E* against the size, with 95% intervals." if beside else ""),
        figure,
    )  # fmt: skip


def _scale(axes: Axes, passes: OnePass) -> None:
    courses: list[SizePass | Stock] = [*passes.sizes, *passes.stocks]
    x = np.concatenate([passes.data, *(each.samples for each in courses)])
    y = np.concatenate([passes.best, *(each.loss for each in courses)])
    log_x(axes, float(x.min()) / 1.15, float(x.max()) * 1.15, "samples E, or positions D")
    log_y(axes, float(y.min()) / 1.2, float(y.max()) * 1.15, percent=False)
    axes.set_ylabel("loss on positions kept aside, nats")


def _draw(axes: Axes, size: SizePass, text: str, colour: str, opacity: float) -> Label:
    if size.low is not None and size.high is not None:
        axes.fill_between(
            size.samples, size.low, size.high, color=colour, alpha=_BAND * opacity, lw=0
        )
    axes.plot(size.samples, size.loss, color=colour, alpha=opacity, lw=1.5)
    if 0 < size.leaves.value < math.inf:
        at = size.leaves.value
        loss = np.exp(np.interp(np.log(at), np.log(size.samples), np.log(size.loss)))
        axes.plot(at, loss, marker="o", ms=6, mfc=light("paper"), mec=colour, mew=1.3, zorder=4)
    return Label(float(size.samples[-1]), float(size.loss[-1]), text, colour)


def _draw_parting(axes: Axes, parted: list[SizePass], passes: OnePass, colour: str) -> None:
    """E* against N, with the power law through it where there are sizes enough for one."""
    n = np.array([size.parameters for size in parted], np.float64)
    value, low, high = np.array([size.leaves for size in parted]).T
    first, last = passes.data[0], passes.data[-1]
    low = np.where(np.isnan(low), value, np.maximum(low, first))
    high = np.where(np.isnan(high), value, np.minimum(high, last))
    axes.vlines(n, low, high, color=colour, lw=2.2, alpha=0.45)
    axes.plot(n, value, ls="", marker="o", ms=5.5, mew=0, color=colour)
    exponent = passes.exponent
    if not math.isnan(exponent.value):
        centre = np.exp(np.log(n).mean()), np.exp(np.log(value).mean())
        axes.plot(n, centre[1] * (n / centre[0]) ** exponent.value, color=colour, lw=1.0)
        ends = "" if math.isnan(exponent.low) else f" ({exponent.low:.2f}-{exponent.high:.2f})"
        axes.set_title(f"exponent {exponent.value:.2f}{ends}", fontweight="normal", pad=6)
    log_x(axes, float(n.min()) / 1.4, float(n.max()) * 1.4, "parameters N")
    axes.xaxis.set_major_locator(LogLocator(subs=(1,) if n.max() > 5 * n.min() else (1, 2, 5)))
    log_y(axes, float(low.min()) / 1.3, float(high.max()) * 1.3, percent=False)
    axes.set_ylabel("E*, samples", labelpad=1)
