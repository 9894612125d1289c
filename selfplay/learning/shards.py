"""The replay window on disk: positions that a run made, a sealed .npz file for each checkpoint."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from selfplay import arrays
from selfplay.learning.checkpoint import DamagedError, read_sealed, write_sealed
from selfplay.learning.samples import blank_targets
from selfplay.system.swollen import refuse_swollen_zip
from selfplay.types import Game, Targets


class Made(NamedTuple):
    """Which of the positions that a run made are in a shard."""

    seed: int  # of the run
    iteration: int  # of the checkpoint that it was written with
    first: int  # positions made before
    total: int  # and up to its end


def save_shard(path: Path, samples: Targets, made: Made | None = None) -> None:
    """Writes samples as one uncompressed .npz file."""
    columns = [*arrays.leaves(samples), np.zeros(arrays.length(samples), np.float32)]
    fields = {f"field{i}": array for i, array in enumerate(columns)}
    if made is not None:
        fields["made"] = np.array([number % 2**63 for number in made], np.int64)
    write_sealed(path, lambda file: np.savez(file, **fields))  # type: ignore[arg-type]


def load_shard(path: Path, game: Game) -> tuple[Targets, Made | None]:
    """The samples of a file, and which they are; None where it does not say.

    Raises DamagedError when the file is damaged or missing, ValueError when it holds samples of
    another game.
    """
    with _reading(path), np.load(io.BytesIO(read_sealed(path)), allow_pickle=False) as file:
        fields = [file[f"field{i}"] for i in range(_count(file) - 1)]
        made = Made(*file["made"].tolist()) if "made" in file.files else None
        if len({len(field) for field in fields}) != 1:
            raise ValueError("fields of unequal length")
    like = blank_targets(game)
    expected = arrays.leaves(like)
    if [(a.shape[1:], a.dtype) for a in fields] != [(a.shape[1:], a.dtype) for a in expected]:
        raise ValueError(f"{path} holds positions of another game than the run's")
    rest = iter(fields)
    samples: Targets = arrays.tree_map(lambda _: next(rest), like)
    return samples, made


def count_samples(path: Path) -> int:
    """How many samples a file of ``save_shard`` holds; reads one small field only.

    Raises DamagedError when the file is damaged.
    """
    with _reading(path):
        refuse_swollen_zip(path)
    with _reading(path), np.load(path, allow_pickle=False) as file:
        return len(file[f"field{_count(file) - 1}"])


def _count(file: Any) -> int:
    """How many fields of samples an open .npz file holds."""
    return sum(name.startswith("field") for name in file.files)


@contextlib.contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Turns what numpy raises on a damaged file into a sentence."""
    try:
        yield
    except Exception as error:  # damaged bytes make numpy and zipfile raise almost anything
        raise DamagedError(f"{path} is missing or damaged") from error
