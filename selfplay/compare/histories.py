"""Where the nets of runs erred position by position, at every measurement that they kept."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from selfplay.measure.answers import answers_path, read_answers, read_packed_mistakes
from selfplay.types import Bool

PLAYER = "net"  # alone: what was learned, without what a search adds


class History(NamedTuple):
    """T measurements of one run, by ascending step."""

    positions: str  # digest of the position file
    steps: NDArray[np.int64]  # [T]
    wrong: Bool  # [T, M], whether the net alone errs

    @property
    def rates(self) -> NDArray[np.float64]:
        """[T] f64, mistake rates over all positions alike."""
        return np.asarray(self.wrong.mean(axis=1))


def read_histories(folders: Sequence[Path]) -> dict[Path, History]:
    """Of the runs that kept their answers; all were judged on the same positions.

    Where files differ those of fewer runs are left out.
    """
    found = {folder: each for folder in folders if (each := _read(folder)) is not None}
    digests = Counter(each.positions for each in found.values())
    chosen = [digest for digest, _ in digests.most_common(1)]
    return {folder: each for folder, each in found.items() if each.positions in chosen}


def _read(folder: Path) -> History | None:
    """None where nothing was kept, or damaged: standard error names what."""
    paths = {
        int(path.stem): path
        for path in answers_path(folder, 0).parent.glob("[0-9]*.npz")
        if path.stem.isdecimal()
    }
    steps = sorted(paths)
    if not steps:
        return None
    try:
        last = read_answers(paths[steps[-1]])
        packed = [read_packed_mistakes(paths[step], PLAYER) for step in steps]
    except ValueError as error:
        print(
            f"{error}; {folder} is left out of what is told position by position", file=sys.stderr
        )
        return None
    if PLAYER not in last.mistakes:
        return None
    count = len(last.mistakes[PLAYER])
    wrong = np.unpackbits(np.stack(packed), axis=1, count=count).view(np.bool_)
    return History(last.positions, np.array(steps, np.int64), wrong)
