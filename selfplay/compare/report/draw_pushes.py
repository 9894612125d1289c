"""Does the prior move where the search pushed it: shares with a push beside those without one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from selfplay.compare.analysis.pushes import Push
from selfplay.compare.analysis.sentence import brief
from selfplay.compare.groups import Group, training_search
from selfplay.compare.report.canvas import (
    LINE,
    WIDTH,
    Picture,
    fold,
    light,
    margin,
    new_axes,
    picture,
    spell_percent,
)

MOST = 24  # rows
_ROW = 2.2 * LINE  # points
_WRAP = 30  # characters of a label
_GAP = 18.0  # points between panels
_TITLES = {
    "moves": "it chose another move:\nthe net plays it next",
    "mended": "the net erred, it did not:\nthe net does not next",
    "spoiled": "it erred, the net did not:\nthe net does next",
}


def draw_pushes(pushes: Sequence[Push], groups: Sequence[Group]) -> Picture | None:
    """A row a group, a panel a question; None where there are no shares."""
    kinds = [kind for kind in _TITLES if any(each.kind == kind for each in pushes)]
    told = {each.label for each in pushes if each.kind in kinds}
    shown = [group for group in groups if group.label in told]
    shown.sort(key=lambda group: (group.kind, training_search(group)))
    shown = shown[:MOST][::-1]
    if not shown:
        return None
    labels = [brief(group.label) for group in shown]
    left = margin(labels, _WRAP)
    width = (72 * WIDTH - left - 12 - _GAP * (len(kinds) - 1)) / len(kinds)
    figure = Figure(figsize=(WIDTH, (_ROW * len(shown) + 76) / 72))
    for i, kind in enumerate(kinds):
        at = left + i * (width + _GAP)
        axes = new_axes(figure, at, 30, 72 * WIDTH - at - width, 40)
        for row, group in enumerate(shown):
            here = [each for each in pushes if each.label == group.label and each.kind == kind]
            for each in here:
                _draw_row(axes, row, each, light(group.kind))
        names = ["\n".join(fold(label, _WRAP, 2)) for label in labels]
        axes.set_yticks(range(len(shown)), names if i == 0 else [""] * len(shown))
        axes.tick_params(axis="y", length=0, labelcolor=light("ink"))
        axes.set_ylim(-0.6, len(shown) - 0.4)
        axes.set_xlim(left=0)
        axes.xaxis.set_major_formatter(lambda value, _: spell_percent(value))
        axes.spines["left"].set_visible(False)
        axes.set_title(_TITLES[kind], loc="left", pad=5)
    return picture(
        "search-pushes",
        "Does the prior move where the search pushed it?",
        "Of the positions in which the search of a measurement did otherwise than the net alone: "
        "how often the net does so too at the next measurement (dots), and how often it would "
        "without a push (rings): where the search agreed with it, at equal probability of moves "
        "that are no mistakes, or, of moves, any particular third one. Lines are 95% intervals "
        "over positions. A regime that does not learn from its search shows what is left of a "
        "difference where nothing was pushed.",
        figure,
    )


def _draw_row(axes: Axes, row: int, push: Push, colour: str) -> None:
    for place, share, filled in ((0.16, push.followed, True), (-0.16, push.without, False)):
        value, low, high = share
        if np.isfinite(value):
            axes.plot([low, high], [row + place] * 2, color=colour, lw=2.0, alpha=0.45)
            face = colour if filled else light("paper")
            axes.plot(value, row + place, marker="o", ms=5.2, mew=1.2, mfc=face, mec=colour)
