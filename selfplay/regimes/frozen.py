"""Frozen: the net learns from positions that another run made, and that stay as they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from selfplay import arrays
from selfplay.learning.checkpoint import DamagedError
from selfplay.learning.merging import Merged
from selfplay.learning.replay import Recent, Replay
from selfplay.learning.samples import joined
from selfplay.learning.shards import load_shard
from selfplay.lines.keys import canonical_obs_keys
from selfplay.regimes.base import Look, Parts
from selfplay.regimes.epochs import EpochsLoop, Stock, StockSection
from selfplay.types import NO_ACTION, Bool, Game, Targets

_LARGEST = 0.1  # share of the positions that are held out, at most


class Frozen(StockSection):
    """Section ``[regime]`` with ``kind = "frozen"``: tells the extractor from the quarry.

    Nets of several sizes that learn from the same positions differ by what they can extract
    (Silver et al. 2017, fig. 4).
    """

    looks = (Look("frozen", "frozen", "#4f5b8c", "#a3aee6"),)

    kind: Literal["frozen"] = "frozen"
    run: str
    """folder of the run whose replay holds the positions"""
    unique: int | None = Field(None, ge=1, le=10**12)
    """so many of its different positions, those of fewer among those of more; none: all"""
    held_out: int = Field(4096, ge=0, le=10**9)
    """of its positions, in whole games and a tenth at most, that are not learned: those of them
    that occur in no other game tell `validation/*`, the same for every seed and draw"""

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
        self._section, self._game = section, parts.game
        made = joined(shards)
        keys = canonical_obs_keys(parts.game, made.obs)
        learnable = parts.learnable(keys)
        parts.refuse_nothing(int(learnable.sum()))
        game = games_of(made)[learnable]
        made, keys = parts.unjudged(made, keys), keys[learnable]
        held = held_out(game, section.held_out)
        self._window = _merged(arrays.take(made, ~held), parts)
        unseen = held & ~np.isin(keys, keys[~held])
        if unseen.any():
            aside = _merged(arrays.take(made, unseen), parts)
            self.aside = aside.take(np.arange(len(aside)))
        self.redraw(section.draw_for(parts))

    def redraw(self, draw: int) -> None:
        there, unique = len(self._window), self._section.unique
        drawn = np.arange(there)
        if unique is not None:
            if unique > there:
                raise ValueError(
                    f"{self._section.run} holds {there:,} different positions that are not held "
                    f"out; regime.unique asks for {unique:,}"
                )
            drawn = np.random.default_rng(draw).permutation(there)[:unique]
        self.draw = draw
        self._samples = self._window.take(drawn)
        self._keys = canonical_obs_keys(self._game, self._samples.obs)

    def __len__(self) -> int:
        return arrays.length(self._samples)

    def samples(self, rows: NDArray[np.int64]) -> Targets:
        return arrays.take(self._samples, rows)

    def keys(self, rows: NDArray[np.int64]) -> NDArray[np.uint64]:
        return self._keys[rows]

    def source(self) -> dict[str, Any]:
        return {
            "path": self._section.run,
            "expert": f"the run {self._section.run}",
            "positions": len(self),
            "unique": len(np.unique(self._keys)),
            "held_out": 0 if self.aside is None else arrays.length(self.aside),
        }


def games_of(made: Targets) -> NDArray[np.int64]:
    """[M], ascending: the number of the game of each position, in the order in which a run made
    them, which is game by game.

    A game ends where no reply is known although the position behind was searched in full.  Where
    that was not so, two games may have one number; no game has two.
    """
    last = (made.reply_actions == NO_ACTION).all(axis=1)
    begins = last[:-1] & (made.policy_weight[1:] > 0)
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(begins)])[: len(last)]


def held_out(game: NDArray[np.int64], count: int) -> Bool:
    """[M], True in games drawn at random, once for all, of ``count`` positions or a few less.

    ``game`` [M] is that of ``games_of``.
    """
    lengths = np.bincount(game)
    order = np.random.default_rng(0).permutation(len(lengths))
    most = min(count, int(_LARGEST * len(game)))
    drawn = np.zeros(len(lengths), np.bool_)
    drawn[order] = np.cumsum(lengths[order]) <= most
    held: Bool = drawn[game]
    return held


def _merged(samples: Targets, parts: Parts) -> Merged | Recent:
    """The samples, one or more, equal ones as one."""
    count = arrays.length(samples)
    whole = parts.replay.section.model_copy(update={"window": count, "capacity": count})
    replay = Replay(whole, parts.game.num_actions)
    replay.restore([samples], count)
    return replay.window()[0]


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
