"""The figures of a report, each a Picture: drawn from a comparison, nothing computed but places.

Those of strength against compute are in draw_strength.py; here are the laws, the matrix, the pool.
"""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from selfplay.compare.analysis.fits import LawFit
from selfplay.compare.analysis.matrix import SizeMatrix
from selfplay.compare.analysis.sentence import brief, representatives
from selfplay.compare.comparison import Comparison
from selfplay.compare.groups import Group, spell_kind
from selfplay.compare.metrics import (
    is_share,
    lower_is_better,
    spell_metric,
    spell_number,
    spell_value,
)
from selfplay.compare.pool import Pool
from selfplay.compare.records import F64
from selfplay.compare.report.canvas import (
    LINE,
    STYLE,
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
    spell_percent,
)
from selfplay.compare.report.draw_exchange import draw_exchange
from selfplay.compare.report.draw_one_pass import draw_one_pass
from selfplay.compare.report.draw_pushes import draw_pushes
from selfplay.compare.report.draw_search import draw_planes, draw_raw
from selfplay.compare.report.draw_seeds import draw_seeds, draw_similarity
from selfplay.compare.report.draw_strength import draw_epochs, draw_groups, draw_regimes

_WRAP = 28
_TITLES = {
    "D": ("data", "distinct expert games or positions, D"),
    "N": ("size", "parameters of the net, N"),
    "C": ("compute", "training compute"),
}
_MARKERS = "osD^vP"
_BEST, _OTHER = "-", (0, (1, 1.3))
_FAINT, _FULL = 0.06, 0.55  # opacity of the best and of the worst cell
_ROW = 2 * LINE  # points
_WRAP_PLAYER = 34  # characters


def draw_all(comparison: Comparison) -> tuple[Picture, ...]:
    """Every figure that the runs have something to say for, in the order of the report."""
    first, *others = comparison.views
    with mpl.rc_context(STYLE):  # type: ignore[arg-type]  # it wants literal keys
        drawn = [
            draw_exchange(first),
            draw_regimes(first, first.free, "strength"),
            draw_regimes(first, first.charged, "strength-charged"),
            draw_groups(first),
            *(
                draw_regimes(view, view.free, f"strength-{view.metric.rpartition('/')[2]}")
                for view in others
            ),
            draw_law(comparison, "D"),
            draw_law(comparison, "N"),
            draw_compute_law(comparison),
            draw_epochs(first),
            draw_matrix(comparison.matrix),
            *(
                draw_one_pass(each, kind_of(each.label, comparison.groups), number)
                for number, each in enumerate(comparison.one_passes)
            ),
            draw_planes(comparison.planes, comparison.groups),
            draw_pushes(comparison.pushes, comparison.groups),
            draw_raw(comparison),
            draw_seeds(comparison.seeds, comparison.similarities, comparison.groups),
            draw_similarity(
                comparison.similarities,
                [curve.label for curve in representatives(first.free.curves)],
            ),
            draw_pool(comparison.pool, comparison.groups),
        ]
    return tuple(each for each in drawn if each is not None)


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
    axes.set_xlabel(f"{_TITLES['C'][1]}, {comparison.compute.unit}")
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
        floor = fit.parameters["floor"].value if "floor" in fit.parameters else 0.0
        if floor > axes.get_ylim()[0]:
            axes.plot([x.min(), x.max()], [floor, floor], color=colour, lw=0.6, alpha=0.5)
    return lines[0] if lines else (np.empty(0), np.empty(0))


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
    shares = (matrix.value - low) / (high - low) if high > low else np.full((rows, columns), 0.5)
    shares = shares if lower_is_better(matrix.metric) else 1 - shares
    for (row, column), value in np.ndenumerate(matrix.value):
        opacity = 0.0 if np.isnan(value) else _FAINT + (_FULL - _FAINT) * shares[row, column]
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
    value, low, high, seeds = (float(part[row, column]) for part in matrix[3:])
    at = column + 0.5, row + 0.5
    if np.isnan(value):
        axes.text(*at, "no run", ha="center", va="center", color=light("muted"))
        return
    axes.annotate(
        spell_value(value, matrix.metric, 1), at, (0, 6), textcoords="offset points",
        ha="center", va="center", fontsize=10.5, fontweight="bold",
    )  # fmt: skip
    ends = "-".join(spell_number(end, matrix.metric) for end in (low, high))
    spread = "one seed" if np.isnan(low) else f"{ends}, {seeds:.0f} seeds"
    axes.annotate(
        spread, at, (0, -8), textcoords="offset points", ha="center", va="center", fontsize=7.5
    )


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
    left = margin(labels, _WRAP_PLAYER)
    known = bool(np.isfinite(pool.own_mistake_rate).any())
    width = (72 * WIDTH - left - 12 - (30 if known else 0)) * (0.62 if known else 1)
    axes = new_axes(figure, left, 36, 72 * WIDTH - left - width, 10)
    _intervals(axes, pool.elo[order], pool.low[order], pool.high[order], colours)
    axes.set_yticks(
        range(len(labels)), ["\n".join(wrap(label, _WRAP_PLAYER)[:2]) for label in labels]
    )
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
