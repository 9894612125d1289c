"""Seeds of one group: how their mistakes spread, and how alike seeds and regimes learn."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from selfplay.compare.analysis.seeds import SeedSpread
from selfplay.compare.analysis.sentence import brief
from selfplay.compare.analysis.similarity import Similarity
from selfplay.compare.groups import Group
from selfplay.compare.records import F64
from selfplay.compare.report.canvas import (
    LINE,
    WIDTH,
    Picture,
    fold,
    light,
    log_x,
    margin,
    new_axes,
    picture,
)
from selfplay.stats import Interval

MOST = 24  # rows
_ROW = 2 * LINE  # points
_WRAP = 34  # characters of a label
_NARROW = 24  # of one beside a cell
_CELL = 44.0  # points
_FAINT, _FULL = 0.05, 0.6  # opacity of a cell of 0 and of 1


def draw_seeds(
    spreads: Sequence[SeedSpread], similarities: Sequence[Similarity], groups: Sequence[Group]
) -> Picture | None:
    """A row a group: the ratio of variances, the order of learning, the agreement."""
    shown = list(spreads[:MOST])[::-1]
    if not shown:
        return None
    kinds = {group.label: group.kind for group in groups}
    own = {each.a: each for each in similarities if each.a == each.b}
    unknown = Interval(np.nan, np.nan, np.nan)
    ratios = [each.ratio for each in shown]
    orders = [own[each.label].order if each.label in own else unknown for each in shown]
    agreements = [own[each.label].agreement if each.label in own else unknown for each in shown]
    labels = [f"{brief(each.label)} ({each.seeds} seeds)" for each in shown]
    colours = [light(kinds.get(each.label, "")) for each in shown]
    height = _ROW * len(shown) + 62
    figure = Figure(figsize=(WIDTH, height / 72))
    left = margin(labels, _WRAP)
    width = (72 * WIDTH - left - 12 - 2 * 16) / 3
    columns = (
        (ratios, "variance over seeds, over that\nof independent positions", 1.0),
        (orders, "order of learning,\nrank correlation", None),
        (agreements, "agreement at equal\nstrength, kappa", None),
    )
    for i, (intervals, title, line) in enumerate(columns):
        at = left + i * (width + 16)
        axes = new_axes(figure, at, 50, 72 * WIDTH - at - width, 10)
        _draw_column(axes, np.array(intervals), colours)
        names = (
            ["\n".join(fold(label, _WRAP, 2)) for label in labels] if i == 0 else [""] * len(labels)
        )
        axes.set_yticks(range(len(labels)), names)
        axes.tick_params(axis="y", length=0, labelcolor=light("ink"))
        axes.set_xlabel(title)
        if line is not None:
            known = np.array(intervals)
            log_x(axes, min(0.5, known.min() / 1.2), max(2.0, known.max() * 1.2), title)
            axes.axvline(line, color=light("ink"), lw=0.9, ls=(0, (3, 2)), zorder=1)
    return picture(
        "seeds",
        "Law of large numbers over seeds, order of learning, path dependence",
        "The net alone, position by position. Left: at 1 the mistake rates of seeds spread as if "
        "each position were thrown anew by each seed; above, many are got right or wrong together. "
        "Middle: do seeds solve the positions in the same order? Right: do they err on the same "
        "ones where they are equally strong? 0 is chance, 1 the same whatever the way. Lines are "
        "95% intervals.",
        figure,
    )


def _draw_column(axes: Axes, intervals: F64, colours: Sequence[str]) -> None:
    """Intervals [G, 3], one a row; nothing where one is not known."""
    for row, ((value, low, high), colour) in enumerate(zip(intervals, colours, strict=True)):
        if np.isfinite(value):
            axes.plot([low, high], [row, row], color=colour, lw=2.2, alpha=0.45)
            axes.plot(value, row, marker="o", ms=5.5, mew=0, color=colour)
    axes.set_ylim(-0.6, len(colours) - 0.4)
    axes.spines["left"].set_visible(False)


def draw_similarity(similarities: Sequence[Similarity], labels: Sequence[str]) -> Picture | None:
    """Order of learning and agreement of the groups of ``labels``, each with each.

    None where there are not two.
    """
    told = {frozenset((each.a, each.b)): each for each in similarities}
    known = [label for label in labels if any(label in pair for pair in told)]
    if len(known) < 2:
        return None
    names = [fold(brief(label), _NARROW, 3) for label in known]
    left = margin([" ".join(lines) for lines in names], _NARROW)
    size = min(_CELL * len(known), (72 * WIDTH - left - 40) / 2)
    below = 12 + 5.2 * max(len(line) for lines in names for line in lines) * 0.75
    height = size + below + 26
    figure = Figure(figsize=((left + 2 * size + 40) / 72, height / 72))
    total = 72 * figure.get_size_inches()[0]
    panels: tuple[tuple[str, Callable[[Similarity], Interval]], ...] = (
        ("order of learning", lambda each: each.order),
        ("agreement", lambda each: each.agreement),
    )
    for i, (title, of) in enumerate(panels):
        at = left + i * (size + 20)
        axes = new_axes(figure, at, below, total - at - size, 26)
        axes.grid(False)
        axes.spines[:].set_visible(False)
        axes.set_title(title, pad=6)
        for row, a in enumerate(known):
            for column, b in enumerate(known):
                each = told.get(frozenset((a, b)))
                _cell(axes, column, row, None if each is None else of(each).value)
        axes.set(xlim=(0, len(known)), ylim=(len(known), 0))
        places = np.arange(len(known)) + 0.5
        axes.set_xticks(places, ["\n".join(lines) for lines in names], rotation=35, ha="right")
        axes.set_yticks(places, ["\n".join(lines) for lines in names] if i == 0 else [])
        axes.tick_params(length=0, labelcolor=light("ink"))
    return picture(
        "similarity",
        "How alike regimes learn",
        "Means over pairs of runs, the net alone; on the diagonal pairs of seeds of one group. "
        "Left: rank correlation of when each position is solved for good. Right: Cohen's kappa of "
        "the mistakes where both are equally strong. Intervals are in the table.",
        figure,
    )


def _cell(axes: Axes, column: int, row: int, value: float | None) -> None:
    known = value is not None and np.isfinite(value)
    share = min(1.0, max(0.0, value)) if known and value is not None else 0.0
    axes.add_patch(
        Rectangle(
            (column + 0.02, row + 0.03), 0.96, 0.94, facecolor=light("imitation"), lw=0,
            alpha=_FAINT + (_FULL - _FAINT) * share if known else 0.0,
        )
    )  # fmt: skip
    text = f"{value:.2f}" if known else "-"
    axes.text(column + 0.5, row + 0.5, text, ha="center", va="center", fontsize=8.5)
