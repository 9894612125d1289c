"""How other draws of the test positions would move what was measured of a run.

From the answers position by position (measure/answers.py): the positions are drawn again by
weights, exponential numbers over their sum (Rubin 1981, the Bayesian bootstrap).  All runs that
were measured on the same positions share the same draws, so that whatever is computed of several
runs, differences above all, is paired: what makes a position hard for both moves neither ahead.

Each half of the positions is told too, so that a checkpoint can be chosen on the one and judged on
the other.
"""

from __future__ import annotations

import functools
import sys
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from selfplay.compare.metrics import LOSS, MASS
from selfplay.measure.answers import Answers, answers_path, read_answers
from selfplay.measure.mistakes import SURPRISE

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

DRAWS = 1000  # of the positions
NET, SEARCH = PLAYERS = "net", "search"  # players who are looked at position by position

NOTHING: Mapping[Any, Any] = MappingProxyType({})


class Redraws(NamedTuple):
    """P measurements of one run, by the names of the metrics strength/*."""

    positions: str = ""  # the digest of the file; empty: the run left no answers
    moves: Mapping[str, F32] = NOTHING  # [P, DRAWS], how far each draw moves the metric
    halves: Mapping[str, F64] = NOTHING  # [P, 2], the mean over each half less that over all
    answers: Mapping[int, Answers] = NOTHING  # of PLAYERS, by place among the measurements


def read_redraws(run: Path, steps: Sequence[int]) -> Redraws:
    """Of the measurements at these ``steps``, NaN where one of them left no answers.

    Files that are damaged are named on standard error and count as missing.  Raises ValueError with
    a sentence where the positions are others in the middle of the run.
    """
    found = dict[int, Answers]()
    for place, step in enumerate(steps):
        path = answers_path(run, step)
        if path.exists():
            try:
                found[place] = read_answers(path)
            except ValueError as error:
                print(f"{error}; it is left out", file=sys.stderr)
    if len({answers.positions for answers in found.values()}) > 1:
        raise ValueError(f"{run} was measured on other positions from some step on")
    return redraws_of(found, len(steps))


def redraws_of(found: Mapping[int, Answers], measurements: int) -> Redraws:
    """Of the answers at some places among so many measurements, all to the same positions."""
    if not found:
        return Redraws()
    (digest,) = {answers.positions for answers in found.values()}
    columns = {place: columns_of(answers) for place, answers in found.items()}
    tables = dict[str, tuple[list[int], F32]]()  # by name: where it was measured, and [T, M]
    for name in dict.fromkeys(name for each in columns.values() for name in each):
        told = [place for place, each in columns.items() if name in each]
        if len({len(columns[place][name]) for place in told}) == 1:
            tables[name] = told, np.stack([columns[place][name] for place in told])
        # else a resumed run that is searched on fewer positions than before
    moves, halves = dict[str, F32](), dict[str, F64]()
    for names in _of_equal_length(tables):  # in one product, which reads the weights once
        values = np.concatenate([tables[name][1] for name in names])
        mean = values.mean(axis=1, dtype=np.float64)
        drawn = position_weights(digest, values.shape[1])
        moved = (values - mean[:, None].astype(np.float32)) @ drawn
        by_half = np.stack([values[:, half::2].mean(axis=1, dtype=np.float64) for half in (0, 1)])
        start = 0
        for name in names:
            told = tables[name][0]
            rows = slice(start, start := start + len(told))
            moves[name] = np.full((measurements, DRAWS), np.nan, np.float32)
            moves[name][told] = moved[rows]
            halves[name] = np.full((measurements, 2), np.nan)
            halves[name][told] = (by_half[:, rows] - mean[rows]).T
    kept = {place: answers.of(PLAYERS) for place, answers in found.items()}
    return Redraws(digest, moves, halves, kept)


def _of_equal_length(tables: Mapping[str, tuple[list[int], F32]]) -> Iterator[list[str]]:
    """The names whose tables are of equally many positions, together."""
    for count in dict.fromkeys(values.shape[1] for _, values in tables.values()):
        yield [name for name, (_, values) in tables.items() if values.shape[1] == count]


def columns_of(answers: Answers) -> dict[str, F32]:
    """[M] each: what a metric is the mean of, by its name."""
    columns = {
        _metric(player): mistakes.astype(np.float32)
        for player, mistakes in answers.mistakes.items()
    }
    if SEARCH in answers.mass:
        columns["strength/optimal_mass"] = answers.mass[SEARCH]
    if NET in answers.mass:
        surprise = -np.log(np.maximum(answers.mass[NET], SURPRISE))
        columns[LOSS] = surprise
        columns[MASS] = answers.mass[NET]
    return columns


def _metric(player: str) -> str:
    """The mistake rate of a player of the answers."""
    if player.startswith("search_"):
        return f"strength/ladder_mistake_rate/{player.removeprefix('search_')}"
    return f"strength/{'' if player == SEARCH else f'{player}_'}mistake_rate"


@functools.lru_cache(maxsize=4)
def position_weights(positions: str, count: int) -> F32:
    """[M, DRAWS], those of a draw sum to 1; the same wherever the positions are the same."""
    rng = np.random.default_rng(zlib.crc32(positions.encode()))
    drawn: F32 = rng.standard_exponential((DRAWS, count), np.float32)
    drawn /= drawn.sum(axis=1, keepdims=True)
    return drawn.T
