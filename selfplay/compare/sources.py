"""Where the positions of a file come from, and what runs did on those of one source alone.

The sets of a position file are its sources: random play, an expert's, ... Which position is of
which the file itself tells, found by its digest; the answers of runs tell the rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

import envs
from selfplay.arrays import rank_within
from selfplay.compare.records import Points, Run, Settings
from selfplay.compare.redraws import NET, columns_of, redraws_of
from selfplay.truth.positions import digest, find_positions, read_positions


class Sources(NamedTuple):
    """The sets of a position file of M positions."""

    positions: str  # its digest
    names: tuple[str, ...]
    set_index: NDArray[np.int32]  # [M], into names
    legal: NDArray[np.int64]  # [M], how many moves are legal

    def searched(self, count: int) -> NDArray[np.intp] | None:
        """[count], the first of each set, which were searched; None: there is no such choice."""
        rank = rank_within(self.set_index)
        each = np.sort(rank)[count - 1] + 1 if count <= len(rank) else 0
        rows = np.flatnonzero(rank < each)
        return rows if len(rows) == count else None


def sources_of(runs: Sequence[Run]) -> Sources | None:
    """Of the positions that runs left answers to, which are the same of all that left any."""
    told = [run for run in runs if run.points.redraws.positions]
    return read_sources(told[0].settings, told[0].points.redraws.positions) if told else None


def read_sources(settings: Settings, positions: str) -> Sources | None:
    """Of the file that runs were judged on; ``positions`` is the digest that they tell.

    None where the file is not there or has changed.
    """
    game = envs.make(settings.game)
    path = find_positions(game, settings.positions)
    if path is None or not path.exists():
        return None
    try:
        found = read_positions(game, path)
    except ValueError:  # it was another file when the runs were judged
        return None
    if digest(found) != positions:
        return None
    legal = (~np.isnan(found.scores)).sum(axis=1)
    return Sources(positions, found.set_names, found.set_index, legal)


def points_on(points: Points, sources: Sources, source: int, kept: str) -> Points:
    """The measurements of the net alone on the positions of one source; ``kept`` is left as is.

    Draws of the positions are of that source alone, the same for all runs.
    """
    rows = np.flatnonzero(sources.set_index == source)
    name = f"{sources.positions} {sources.names[source]}"
    within = {
        place: answers.of((NET,), rows)._replace(positions=name)
        for place, answers in points.redraws.answers.items()
        if NET in answers.mistakes
    }
    strength = {kept: points.of(kept)}
    for place, answers in within.items():
        for metric, column in columns_of(answers).items():
            if metric not in strength:
                strength[metric] = np.full(len(points.flops), np.nan)
            strength[metric][place] = column.mean(dtype=np.float64)
    redraws = redraws_of(within, len(points.flops))
    return points._replace(strength=strength, redraws=redraws)
