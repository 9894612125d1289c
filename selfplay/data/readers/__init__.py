"""Recorded games in the formats that people and sites keep them in, one format a file.

Which reader takes which, and how a data set is made of what it reads, stands here.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from selfplay.data.manifest import Manifest, Source
from selfplay.data.readers.importer import Parse, Told
from selfplay.data.writer import Writer
from selfplay.system.text import read_bytes
from selfplay.types import Game

# format, whose reader is FORMAT.py with import_FORMAT -> the game that it implies
FORMATS: dict[str, str | None] = {
    "wthor": "othello",
    "moves": None,
    "sgf": None,
    "pgn": None,
    "mirror": "pong",
}


def form_of(path: Path) -> str:
    """The format that a file's name tells; lists of moves have any."""
    name = path.name.lower().removesuffix(".gz")
    return {".wtb": "wthor", ".sgf": "sgf", ".pgn": "pgn"}.get(Path(name).suffix, "moves")


def told_in(path: Path, game: Game) -> Told:
    """What a file tells, game by game, in the format that its name tells; none is played yet.

    Raises ValueError with a sentence where it cannot be read.
    """
    form = form_of(path)
    parse: Parse = getattr(importlib.import_module(f"{__name__}.{form}"), f"parse_{form}")
    return parse(game, read_bytes(path), str(path))


def import_files(
    form: str,
    paths: Sequence[Path],
    spec: str,
    game: Game,
    out: str | Path,
    licence: str = "",
    held_out: NDArray[np.uint64] | None = None,
    skip_broken: bool = False,
) -> Manifest:
    """Reads the files, writes the data set ``out`` and returns its manifest.

    Raises ValueError with a sentence for what is missing, damaged or against the rules; ``out``
    stays without a manifest then.
    """
    module = importlib.import_module(f"{__name__}.{form}")
    read: Callable[..., Any] = getattr(module, f"import_{form}")
    writer = Writer(out, spec, game, held_out)
    try:
        imported = read(paths, game, writer.add, skip_broken)
        return writer.close(Source(imported.expert, licence, notes=imported.notes))
    except BaseException:
        writer.discard()
        raise
