"""Where the positions of a file come from, and what runs did on those of one source alone.

The sets of a position file are its sources: random play, an expert's, ... Which position is of
which the file itself tells, found by its digest; the answers of runs tell the rest.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

import envs
from selfplay.compare.records import Points, Settings
from selfplay.compare.redraws import columns_of, redraws_of
from selfplay.measure.answers import Answers
from selfplay.truth.positions import digest, find_positions, read_positions


class Sources(NamedTuple):
    """The sets of a position file of M positions."""

    positions: str  # its digest
    names: tuple[str, ...]
    set_index: NDArray[np.int32]  # [M], into names


def read_sources(settings: Settings, positions: str) -> Sources | None:
    """Of the file that runs were judged on; ``positions`` is the digest that they tell.

    None where the file is not there, has changed, or holds a single set.
    """
    game = envs.make(settings.game)
    path = find_positions(game, settings.positions)
    if path is None or not path.exists():
        return None
    try:
        found = read_positions(game, path)
    except ValueError:  # it was another file when the runs were judged
        return None
    if len(found.set_names) < 2 or digest(found) != positions:
        return None
    return Sources(positions, found.set_names, found.set_index)


def points_on(points: Points, sources: Sources, source: int, kept: str) -> Points:
    """The measurements of the net alone on the positions of one source; ``kept`` is left as is.

    Draws of the positions are of that source alone, the same for all runs.
    """
    rows = np.flatnonzero(sources.set_index == source)
    name = f"{sources.positions} {sources.names[source]}"
    alone = points.redraws.alone
    within = {place: _rows_of(answers, rows, name) for place, answers in alone.items()}
    strength = {kept: points.of(kept)}
    for place, answers in within.items():
        for metric, column in columns_of(answers).items():
            if metric not in strength:
                strength[metric] = np.full(len(points.flops), np.nan)
            strength[metric][place] = column.mean(dtype=np.float64)
    redraws = redraws_of(within, len(points.flops))
    return points._replace(strength=strength, redraws=redraws)


def _rows_of(answers: Answers, rows: NDArray[np.intp], name: str) -> Answers:
    mistakes = {player: wrong[rows] for player, wrong in answers.mistakes.items()}
    mass = {player: share[rows] for player, share in answers.mass.items()}
    return Answers(name, mistakes, mass)
