"""Frozen: the net learns from positions that another run made, and that stay as they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from selfplay import arrays
from selfplay.learning.checkpoint import DamagedError
from selfplay.learning.replay import Replay
from selfplay.learning.shards import load_shard
from selfplay.lines.keys import canonical_obs_keys
from selfplay.regimes.base import Look, Parts, RegimeSection
from selfplay.regimes.epochs import EpochsLoop, Stock
from selfplay.types import Game, Targets


class Frozen(RegimeSection):
    """Section ``[regime]`` with ``kind = "frozen"``: tells the extractor from the quarry.

    Nets of several sizes that learn from the same positions differ by what they can extract
    (Silver et al. 2017, fig. 4).
    """

    looks = (Look("frozen", "frozen", "#4f5b8c", "#a3aee6"),)
    taught = True
    position_cost = "nothing"
    begins_with = "learning"

    kind: Literal["frozen"] = "frozen"
    run: str
    """folder of the run whose replay holds the positions"""
    unique: int | None = Field(None, ge=1, le=10**12)
    """so many of its different positions, drawn once; none: all"""
    positions: int = Field(8192, ge=1, le=10**9)
    """between two reports, rounded to whole batches"""

    def open(self, parts: Parts) -> EpochsLoop:
        """Raises ValueError when the run is of another game or has too few positions."""
        return EpochsLoop(self.positions, FrozenStock(self, parts), parts)


class FrozenStock(Stock):
    """What a run's replay holds on disk, equal positions merged as this run's [replay] says.

    Positions that this run is judged on are left out: its maker may have been judged on others.
    """

    def __init__(self, section: Frozen, parts: Parts) -> None:
        folder = Path(section.run)
        shards = _shards(sorted(folder.glob("replay/*.npz")), parts.game)
        if not shards:
            raise ValueError(
                f"regime.run = {section.run!r}: there are no positions in {folder / 'replay'}; "
                f"name the folder of a run that played itself"
            )
        self._run = section.run
        shards = [
            parts.unjudged(shard, canonical_obs_keys(parts.game, shard.obs)) for shard in shards
        ]
        count = sum(map(arrays.length, shards))
        whole = parts.replay.section.model_copy(update={"window": count, "capacity": count})
        replay = Replay(whole, parts.game.num_actions)
        replay.restore(shards, count)
        window, _ = replay.window()
        there, drawn = len(window), np.arange(len(window))
        if section.unique is not None:
            if section.unique > there:
                raise ValueError(
                    f"{section.run} holds {there:,} different positions; regime.unique asks for "
                    f"{section.unique:,}"
                )
            drawn = np.random.default_rng(0).permutation(there)[: section.unique]
        self._samples = window.take(drawn)
        self._keys = canonical_obs_keys(parts.game, self._samples.obs)

    def __len__(self) -> int:
        return arrays.length(self._samples)

    def samples(self, rows: NDArray[np.int64]) -> Targets:
        return arrays.take(self._samples, rows)

    def keys(self, rows: NDArray[np.int64]) -> NDArray[np.uint64]:
        return self._keys[rows]

    def source(self) -> dict[str, Any]:
        return {
            "path": self._run,
            "expert": f"the run {self._run}",
            "positions": len(self),
            "unique": len(np.unique(self._keys)),
        }


def _shards(paths: list[Path], game: Game) -> list[Targets]:
    """The positions of a run's shards, given in order; none may be missing or another's."""
    parts: list[Targets] = []
    until: int | None = None  # positions made until the end of the shard before, where known
    for path in paths:
        try:
            samples, made = load_shard(path, game)
        except DamagedError as error:
            raise ValueError(f"{error}; put it back as it was, or name another run") from error
        if made is not None and path.stem != f"{made.iteration:06}":
            raise ValueError(
                f"{path} holds the positions of iteration {made.iteration}, not those that were "
                f"written there; put the right file back, or name another run"
            )
        if made is not None and until not in (None, made.first):
            raise ValueError(
                f"a file before {path} is missing: {made.first - (until or 0):,} positions; put it "
                f"back, or name another run"
            )
        until = made.total if made else None
        parts.append(samples)
    return parts
