"""Draws the curves of the agents that ship: docs/strength.svg and docs/strength-games.svg.

    python docs/make_figures.py [RUN_FOLDER FIGURE.svg]

With a run it draws that one's curve alone; matplotlib comes with the extra ``dev``.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from selfplay.training.metrics_file import read_metrics

ROOT = Path(__file__).resolve().parent.parent
SHIPPED = ROOT / "runs/reference"
GAMES = {"tictactoe": "tic-tac-toe", "othello-6x6": "Othello 6 x 6", "othello": "Othello"}
# on no ground of its own: every colour can be read on a white page and on a dark one
LINES = {  # end of a metric's name: (colour, label)
    "net_mistake_rate": ("#d97706", "net alone"),
    "mistake_rate": ("#3b82f6", "64 simulations a move"),
}
GREY = "#7d8590"
REFERENCE = 2.1  # %, AlphaZero.jl's tutorial: six sets of the same kind, 600 simulations a move
FLOOR = 0.1  # %, where the logarithmic axis ends
STYLE: dict[str, Any] = {
    "svg.fonttype": "none", "svg.hashsalt": "selfplay", "font.family": "sans-serif",
    **{f"{part}.color": GREY for part in ("text", "xtick", "ytick", "grid")},
    "axes.labelcolor": GREY, "axes.edgecolor": GREY,
}  # fmt: skip


def strength_by_minute(metrics: list[dict[str, Any]]) -> list[tuple[float, dict[str, float]]]:
    """(minutes of the run, what was measured) for each measurement of strength."""
    seconds = {line["step"]: line["cost/wall_s"] for line in metrics if "cost/wall_s" in line}
    seconds[0] = 0.0
    return [
        (seconds[line["step"]] / 60, line)
        for line in metrics
        if line["phase"] == "strength" and "strength/mistake_rate" in line
    ]


def draw_strength(metrics: list[dict[str, Any]], figure: Path) -> None:
    """Writes the curve of mistakes against perfect play; the same metrics give the same bytes."""
    points = strength_by_minute(metrics)
    if not points:
        raise ValueError("no strength against perfect play was measured in this run")
    with mpl.rc_context(STYLE):
        canvas, axes = plt.subplots(figsize=(7.2, 3.6), layout="constrained")
        _draw_rates(axes, points, "strength/")
        axes.axhline(REFERENCE, color=GREY, linestyle=":")
        axes.annotate(
            "AlphaZero.jl, 600 simulations, 15-30 h with a GPU",
            (0, REFERENCE),
            (4, -10),
            xycoords=("axes fraction", "data"),
            textcoords="offset points",
            color=GREY,
            fontsize="small",
        )
        axes.set(xlabel="minutes of training", ylabel="mistakes against perfect play")
        axes.legend(frameon=False, loc="upper right")
        _save(canvas, figure)


def draw_games(runs: dict[str, list[dict[str, Any]]], figure: Path) -> None:
    """Writes the curves of several runs over the positions they made, side by side by title."""
    with mpl.rc_context(STYLE):
        canvas, panels = plt.subplots(
            1, len(runs), figsize=(9, 3), layout="constrained", sharey=True, squeeze=False
        )
        for axes, (title, metrics) in zip(panels[0], runs.items(), strict=True):
            measured = [line for line in metrics if line["phase"] == "strength"]
            prefix = "strength/" if "strength/mistake_rate" in measured[-1] else "strength/own_"
            _draw_rates(axes, [(line["step"] / 1000, line) for line in measured], prefix)
            axes.set_title(title, color=GREY, fontsize="medium")
        panels[0][0].set(ylabel="mistakes against perfect play")
        panels[0][len(runs) // 2].set(xlabel="thousand positions of self-play")
        panels[0][-1].legend(frameon=False, fontsize="small", loc="lower right")
        _save(canvas, figure)


def _draw_rates(axes: Axes, points: list[tuple[float, dict[str, float]]], prefix: str) -> None:
    """The lines of LINES with their intervals, on a logarithmic axis that ends at FLOOR."""
    x = [place for place, _ in points]
    for name, (colour, label) in LINES.items():
        rate, low, high = (
            [max(FLOOR, 100 * line[prefix + name + end]) for _, line in points]
            for end in ("", "_low", "_high")
        )
        axes.fill_between(x, low, high, color=colour, alpha=0.15, linewidth=0)
        axes.plot(x, rate, color=colour, label=label)
    axes.set(yscale="log", ylim=(FLOOR, 60), xlim=(0, None))
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}%")
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)


def _save(canvas: Figure, figure: Path) -> None:
    canvas.savefig(figure, transparent=True, metadata={"Date": None})
    plt.close(canvas)
    print(f"wrote {figure}")


def main(arguments: list[str]) -> None:
    if arguments:
        run, figure = map(Path, arguments)
        draw_strength(read_metrics(run), figure)
        return
    draw_strength(read_metrics(SHIPPED / "connect4"), ROOT / "docs/strength.svg")
    runs = {title: read_metrics(SHIPPED / name) for name, title in GAMES.items()}
    draw_games(runs, ROOT / "docs/strength-games.svg")


if __name__ == "__main__":
    main(sys.argv[1:])
