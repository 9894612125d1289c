"""Measures what weighting by relevance changes in how soon the mirror plays like its player.

    nice -n 10 python docs/measure_mirror.py [--on] [--draw]

Scripted players of each style teach it for six minutes of the game, all data alike, by the hand-set
rule and by relevance, ten seeds each.  Writes docs/mirror.json (all examinations; whole after every
seed) and, of it, docs/mirror.svg, and prints the table of docs/mirror.md; --draw does only that.
--on measures the seeds that docs/mirror.json lacks.
"""

from __future__ import annotations

import json
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from numpy.typing import NDArray

from selfplay.mirror.learner import WAYS
from selfplay.mirror.lesson import lesson
from selfplay.mirror.styles import STYLES

DOCS = Path(__file__).resolve().parent
SEEDS, MINUTES, EVERY_S, BALLS, ENOUGH = 10, 6, 20, 200, 0.9
PROCESSES = 6
DRAWS = 10_000  # of the bootstrap
COLOURS = {"alike": "#7d8590", "rule": "#d97706", "relevance": "#3b82f6"}
LABELS = {"alike": "all alike", "rule": "hand-set rule", "relevance": "relevance"}
GREY = "#7d8590"
Cells = dict[str, dict[str, NDArray[np.float64]]]  # style, way -> [seeds, examinations, 5]


def taught(task: tuple[int, str, str]) -> tuple[NDArray[np.float64], float]:
    """The examinations [T, 5] of one lesson (seed, style, way), and its CPU seconds."""
    begun = time.process_time()
    seed, style, way = task
    exams = [exam[1:] for exam in lesson(style, way, seed, MINUTES, EVERY_S, BALLS)]
    return np.round(np.array(exams), 4), time.process_time() - begun


def measure(stored: Path, goes_on: bool) -> None:
    """Writes every lesson's examinations: returned, model, agreement, everywhere, loss.

    Seed by seed, so that what is there is whole whenever this ends, and can be gone on with.
    """
    found: dict[str, dict[str, list[Any]]] = {style: {way: [] for way in WAYS} for style in STYLES}
    if goes_on:
        found = json.loads(stored.read_text())
    seeds = range(len(found["late"]["alike"]), SEEDS)
    next(lesson("late", "alike", 0, 1, 0.1, 20))  # compiles once, for all processes
    tasks = [(seed, style, way) for seed in seeds for style in STYLES for way in WAYS]
    total = 0.0
    with ProcessPoolExecutor(PROCESSES) as pool:
        for (seed, style, way), (exams, cpu_s) in zip(tasks, pool.map(taught, tasks), strict=True):
            found[style][way].append(exams.tolist())
            total += cpu_s
            if (style, way) == tasks[-1][1:]:
                stored.write_text(json.dumps(found, separators=(",", ":")) + "\n")
                print(f"{seed + 1} seeds, {total:.0f} CPU seconds", flush=True)


def minutes_until(returned: NDArray[np.float64]) -> NDArray[np.float64]:
    """[seeds], minutes until two examinations in a row found 90% returned; inf: not in time."""
    enough = returned >= ENOUGH
    twice = enough[:, :-1] & enough[:, 1:]
    first = (twice.argmax(axis=1) + 1) * EVERY_S / 60
    return np.where(twice.any(axis=1), first, np.inf)


def interval(values: NDArray[np.float64], statistic: Any) -> tuple[float, float, float]:
    """A statistic over seeds with its 95% percentile bootstrap, seeds drawn with replacement."""
    rng = np.random.default_rng(0)
    drawn = values[rng.integers(0, len(values), (DRAWS, len(values)))]
    low, high = np.quantile(statistic(drawn, axis=1), [0.025, 0.975], method="closest_observation")
    return float(statistic(values, axis=0)), float(low), float(high)


def tables(found: Cells) -> None:
    """Prints the rows of docs/mirror.md."""
    for style, ways in found.items():
        for way, exams in ways.items():
            until = minutes_until(exams[..., 0])
            mean = interval(np.minimum(until, MINUTES), np.mean)
            last = interval(exams[:, -1, 0], np.mean)
            agreement, loss = exams[:, -1, 2].mean(), exams[:, -1, 4].mean()
            print(
                f"| {style} | {LABELS[way]} | {np.isfinite(until).sum()} of {len(until)} "
                f"| {mean[0]:.1f} ({mean[1]:.1f} to {mean[2]:.1f}) "
                f"| {last[0]:.0%} ({last[1]:.0%} to {last[2]:.0%}) | {agreement:.0%} | {loss:.2f} |"
            )
    for way in ("rule", "relevance"):
        gain = np.mean(
            [ways[way][:, -1, 0] - ways["alike"][:, -1, 0] for ways in found.values()], 0
        )
        sooner = np.mean(
            [
                np.minimum(minutes_until(ways[way][..., 0]), MINUTES)
                - np.minimum(minutes_until(ways["alike"][..., 0]), MINUTES)
                for ways in found.values()
            ],
            0,
        )
        for name, values in (("returned at the end", gain), ("minutes", sooner)):
            value, low, high = interval(values, np.mean)
            print(f"{LABELS[way]} less all alike, {name}: {value:+.3f} ({low:+.3f} to {high:+.3f})")


def draw(found: Cells, figure: Path) -> None:
    """The mean share returned by minute with its interval over seeds, a panel for each style."""
    style_of = {"svg.fonttype": "none", "svg.hashsalt": "selfplay", "font.family": "sans-serif"}
    style_of |= {f"{part}.color": GREY for part in ("text", "xtick", "ytick", "grid")}
    style_of |= {"axes.labelcolor": GREY, "axes.edgecolor": GREY}
    with mpl.rc_context(style_of):
        canvas, panels = plt.subplots(1, len(found), figsize=(11, 2.9), sharey=True)
        for axes, (style, ways) in zip(panels, found.items(), strict=True):
            for way, exams in ways.items():
                minutes = np.arange(1, exams.shape[1] + 1) * EVERY_S / 60
                points = [interval(column, np.mean) for column in exams[..., 0].T]
                value, low, high = np.array(points).T
                axes.fill_between(minutes, low, high, color=COLOURS[way], alpha=0.15, linewidth=0)
                axes.plot(minutes, value, color=COLOURS[way], label=LABELS[way])
            axes.axhline(ENOUGH, color=GREY, linestyle=":")
            axes.set(title=style, xlabel="minutes of play", ylim=(0, 1), xlim=(0, MINUTES))
            axes.grid(alpha=0.25)
            axes.spines[["top", "right"]].set_visible(False)
        panels[0].set_ylabel("balls returned")
        panels[0].yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
        panels[-1].legend(frameon=False, fontsize="small", loc="upper left")
        canvas.tight_layout()
        canvas.savefig(figure, transparent=True, metadata={"Date": None})
        plt.close(canvas)


def main(arguments: list[str]) -> None:
    stored = DOCS / "mirror.json"
    if "--draw" not in arguments:
        measure(stored, "--on" in arguments)
    plain = json.loads(stored.read_text())
    found = {s: {w: np.array(seeds) for w, seeds in ways.items()} for s, ways in plain.items()}
    tables(found)
    draw(found, DOCS / "mirror.svg")


if __name__ == "__main__":
    main(sys.argv[1:])
