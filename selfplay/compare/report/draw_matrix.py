"""Extractor or quarry, as a table in colours."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from selfplay.compare.analysis.matrix import SizeMatrix
from selfplay.compare.metrics import (
    lower_is_better,
    spell_metric,
    spell_number,
    spell_value,
)
from selfplay.compare.report.canvas import WIDTH, Picture, new_axes, picture
from selfplay.compare.report.palette import light

_FAINT, _FULL = 0.06, 0.55  # opacity of the best and of the worst cell


def draw_matrix(matrix: SizeMatrix | None) -> Picture | None:
    """Data made by nets of one size (rows), learners of another (columns), with intervals."""
    if matrix is None:
        return None
    rows, columns = matrix.value.shape
    figure = Figure(figsize=(min(WIDTH, 1.9 + 1.5 * columns), 0.85 + 0.62 * rows))
    axes = new_axes(figure, 90, 8, 8, 42)
    axes.grid(False)
    axes.spines[:].set_visible(False)
    low, high = np.nanmin(matrix.value), np.nanmax(matrix.value)
    for row in range(rows):
        for column in range(columns):
            value = matrix.value[row, column]
            share = (value - low) / (high - low) if high > low else 0.5
            if not lower_is_better(matrix.metric):
                share = 1 - share
            opacity = 0.0 if np.isnan(value) else _FAINT + (_FULL - _FAINT) * share
            place, colour = (column + 0.02, row + 0.03), light("imitation")
            axes.add_patch(Rectangle(place, 0.96, 0.94, facecolor=colour, alpha=opacity, lw=0))
            _write(axes, matrix, row, column)
    axes.set(xlim=(0, columns), ylim=(rows, 0))
    axes.set_xticks(np.arange(columns) + 0.5, [f"{n:,}" for n in matrix.learners])
    axes.set_yticks(np.arange(rows) + 0.5, [f"{n:,}" for n in matrix.makers])
    axes.xaxis.tick_top()
    axes.xaxis.set_label_position("top")
    axes.tick_params(length=0)
    axes.set_xlabel("parameters of the net that learns", labelpad=6)
    axes.set_ylabel("parameters of the net\nthat made the data")
    return picture(
        "matrix",
        f"Extractor or quarry: {spell_metric(matrix.metric)} on frozen data",
        "The last value and its 95% interval; the stronger the colour, the "
        f"{'higher' if lower_is_better(matrix.metric) else 'lower'} it is. "
        "A column that gets better downwards says that better data help: the quarry was the "
        "limit. A row that gets better to the right says that larger learners find more in the "
        "same data: the extractor was.",
        figure,
    )


def _write(axes: Axes, matrix: SizeMatrix, row: int, column: int) -> None:
    value, low, high = (
        float(part[row, column]) for part in (matrix.value, matrix.low, matrix.high)
    )
    at = column + 0.5, row + 0.5
    if np.isnan(value):
        axes.text(*at, "no run", ha="center", va="center", color=light("muted"))
        return
    axes.annotate(
        spell_value(value, matrix.metric, 1), at, (0, 6), textcoords="offset points",
        ha="center", va="center", fontsize=10.5, fontweight="bold",
    )  # fmt: skip
    ends = "-".join(spell_number(end, matrix.metric) for end in (low, high))
    spread = "one seed" if np.isnan(low) else f"{ends}, {int(matrix.seeds[row, column])} seeds"
    axes.annotate(
        spread, at, (0, -8), textcoords="offset points", ha="center", va="center", fontsize=7.5
    )
