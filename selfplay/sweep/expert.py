"""The data sets of a sweep: how long they take to make, and whether they hold enough games."""

from __future__ import annotations

import json
import math
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

from selfplay.data.manifest import NAME, read_manifest
from selfplay.data.readers import FORMATS
from selfplay.data.splits import VALIDATION_SHARE

SAMPLE = 8  # games that are made to learn what one costs
_PATIENCE_S = 120.0
_DEFAULT_GAMES = 1000  # of the verb ``data``


def expert_seconds(make: str) -> float:
    """CPU seconds that ``selfplay data MAKE`` will take its expert; NaN where a try does not tell.

    A few games are made aside.  Positions that their expert meets again cost nothing, so that the
    estimate is more than the truth where games are many.
    """
    games = games_of(make)
    if games is None:
        return math.nan
    few = min(SAMPLE, games)
    with tempfile.TemporaryDirectory() as aside:
        words = [*shlex.split(make), "--games", str(few), "--out", f"{aside}/few", "--json"]
        words += ["--processes", "1"] if "--processes" not in make else []
        try:
            done = subprocess.run(
                [sys.executable, "-m", "selfplay.verbs.cli", "data", *words],
                capture_output=True, text=True, timeout=_PATIENCE_S, check=True,
            )  # fmt: skip
            spent = float(json.loads(done.stdout)["source"]["expert_s"])
        except (subprocess.SubprocessError, ValueError, KeyError):
            return math.nan
    return spent * games / few


def games_of(make: str) -> int | None:
    """The games that ``selfplay data MAKE`` makes; None where they are recorded ones."""
    words = shlex.split(make)
    if not words or words[0] in FORMATS:
        return None
    games = re.search(r" --games[= ](\S*)", " ".join([*words, ""]))
    if games is None:
        return _DEFAULT_GAMES
    return int(games[1]) if games[1].isdecimal() else None


def refuse_too_few_games(cell: str, games: int, folder: Path, make: str) -> None:
    """Raises ValueError when a cell asks for more training games than its data set will have.

    ``make``: how the set in ``folder`` is made where it is not there.  A share of the games is kept
    for validation, by chance; three standard deviations are allowed.
    """
    asks = f"cell {cell} asks for {games:,} games, and"
    if (folder / NAME).is_file():
        there = read_manifest(folder).counts["train"].games
        if games > there:
            raise ValueError(f"{asks} {folder} has {there:,} for training")
    elif (all_games := games_of(make)) is not None:
        kept = all_games * (1 - VALIDATION_SHARE)
        if games > min(all_games, kept + 3 * math.sqrt(kept * VALIDATION_SHARE)):
            more = math.ceil(1.1 * games)
            raise ValueError(
                f"{asks} of the {all_games:,} of 'selfplay data {make}' about {kept:,.0f} are for "
                f"training, the rest for validation: make {more:,} with --games {more}"
            )
