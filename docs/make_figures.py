"""Draws docs/strength.svg from a run's metrics: the figure at the top of the README.

    python docs/make_figures.py [RUN_FOLDER] [FIGURE.svg]

RUN_FOLDER is runs/reference/connect4 unless given; matplotlib comes with the extra ``dev``.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt

from selfplay.training.metrics_file import read_metrics

ROOT = Path(__file__).resolve().parent.parent
# on no ground of its own: every colour can be read on a white page and on a dark one
LINES = {  # metric: (colour, label)
    "strength/net_mistake_rate": ("#d97706", "net alone"),
    "strength/mistake_rate": ("#3b82f6", "64 simulations a move"),
}
GREY = "#7d8590"
REFERENCE = 2.1  # %, AlphaZero.jl's tutorial: six sets of the same kind, 600 simulations a move
FLOOR = 0.1  # %, where the logarithmic axis ends


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
    minutes = [minute for minute, _ in points]
    style = {"svg.fonttype": "none", "svg.hashsalt": "selfplay", "font.family": "sans-serif"}
    style |= {f"{part}.color": GREY for part in ("text", "xtick", "ytick", "grid")}
    style |= {"axes.labelcolor": GREY, "axes.edgecolor": GREY}
    with mpl.rc_context(style):
        canvas, axes = plt.subplots(figsize=(7.2, 3.6), layout="constrained")
        for name, (colour, label) in LINES.items():
            rate, low, high = (
                [max(FLOOR, 100 * line[name + end]) for _, line in points]
                for end in ("", "_low", "_high")
            )
            axes.fill_between(minutes, low, high, color=colour, alpha=0.15, linewidth=0)
            axes.plot(minutes, rate, color=colour, label=label)
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
        axes.set(yscale="log", ylim=(FLOOR, 60), xlim=(0, None))
        axes.set(xlabel="minutes of training", ylabel="mistakes against perfect play")
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}%")
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False, loc="upper right")
        canvas.savefig(figure, transparent=True, metadata={"Date": None})
        plt.close(canvas)


def main(arguments: list[str]) -> None:
    run = Path(arguments[0]) if arguments else ROOT / "runs/reference/connect4"
    figure = Path(arguments[1]) if len(arguments) > 1 else ROOT / "docs/strength.svg"
    draw_strength(read_metrics(run), figure)
    print(f"wrote {figure}")


if __name__ == "__main__":
    main(sys.argv[1:])
