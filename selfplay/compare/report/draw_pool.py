"""The Elo of all that play in one pool, and the mistakes in their own games."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from selfplay.compare.groups import Group
from selfplay.compare.pool import Pool
from selfplay.compare.records import F64
from selfplay.compare.report.canvas import (
    LINE,
    WIDTH,
    Picture,
    margin,
    new_axes,
    picture,
    spell_percent,
)
from selfplay.compare.report.palette import light

_ROW = 2 * LINE  # points
_WRAP = 34  # characters


def draw_pool(pool: Pool | None, groups: Sequence[Group]) -> Picture | None:
    """Elo with intervals, the best on top; the share of mistakes in own games beside it."""
    if pool is None or not pool.labels:
        return None
    order = np.argsort(pool.elo)
    labels = [pool.labels[i] for i in order]
    kinds = {group.label: group.kind for group in groups}
    colours = [light(kinds.get(label, "")) for label in labels]
    height = _ROW * len(labels) + 46
    figure = Figure(figsize=(WIDTH, height / 72))
    left = margin(labels, _WRAP)
    known = bool(np.isfinite(pool.own_mistake_rate).any())
    width = (72 * WIDTH - left - 12 - (30 if known else 0)) * (0.62 if known else 1)
    axes = new_axes(figure, left, 36, 72 * WIDTH - left - width, 10)
    _intervals(axes, pool.elo[order], pool.low[order], pool.high[order], colours)
    axes.set_yticks(range(len(labels)), ["\n".join(wrap(label, _WRAP)[:2]) for label in labels])
    axes.tick_params(axis="y", length=0, labelcolor=light("ink"))
    axes.set_xlabel("Elo")
    if known:
        beside = new_axes(figure, left + width + 30, 36, 12, 10)
        rate, low, high = pool.own_mistake_rate, pool.own_low, pool.own_high
        _intervals(beside, rate[order], low[order], high[order], colours)
        beside.set_yticks(range(len(labels)), [""] * len(labels))
        beside.tick_params(axis="y", length=0)
        beside.set_xlim(left=0)
        beside.xaxis.set_major_formatter(lambda value, _: spell_percent(value))
        beside.set_xlabel("mistakes in own games")
    how = f"{pool.simulations} simulations a move" if pool.simulations else "the net alone"
    return picture(
        "pool",
        "Elo in one pool",
        f"Each plays others, {pool.games} games a pair, with {how}; lines are 95% intervals."
        + (" Right: the share of mistakes in the games they played." if known else ""),
        figure,
    )


def _intervals(axes: Axes, value: F64, low: F64, high: F64, colours: Sequence[str]) -> None:
    for row, colour in enumerate(colours):
        axes.plot([low[row], high[row]], [row, row], color=colour, lw=2.2, alpha=0.45)
        axes.plot(value[row], row, marker="o", ms=5.5, mew=0, color=colour)
    axes.set_ylim(-0.6, len(colours) - 0.4)
    axes.spines["left"].set_visible(False)
