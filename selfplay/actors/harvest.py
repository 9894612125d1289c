"""What an actor hands over: finished games as samples, as records and as sums."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from selfplay import arrays
from selfplay.cached import Usage
from selfplay.learning.samples import blank_targets
from selfplay.types import Game, Targets

COMMENT = " # "  # between the moves of a record and what else is told of the game


class Tally(NamedTuple):
    """Sums over the games of a harvest; add tallies to merge them."""

    games: float = 0.0
    positions: float = 0.0
    first_wins: float = 0.0
    draws: float = 0.0
    length: float = 0.0  # moves, openings included
    moves: float = 0.0  # searched, of finished and running games
    simulations: float = 0.0
    depth: float = 0.0  # the sums below are over ``moves``
    entropy: float = 0.0
    kl_target_prior: float = 0.0
    value_gain: float = 0.0
    solved: float = 0.0
    lost: float = 0.0  # actors that died, with the games that they were playing

    def plus(self, other: Tally) -> Tally:
        return Tally(*(a + b for a, b in zip(self, other, strict=True)))


class Harvest(NamedTuple):
    """Finished games: their positions, their records, their sums."""

    samples: Targets
    keys: NDArray[np.uint64]  # [M], canonical, of the positions
    records: list[str]  # "MOVES # opening PLIES seed SEED", as ``parse_record`` reads them
    tally: Tally


def saved_harvest(harvest: Harvest, usage: Usage) -> dict[str, Any]:
    """A harvest and its cost, as a checkpoint holds them."""
    samples, keys, records, tally = harvest
    fields = zip(arrays.names_of(samples), arrays.leaves(samples), strict=True)
    return {
        "samples": dict(fields),
        "keys": keys.view(np.int64),  # torch has no unsigned ones
        "records": records,
        "tally": tally._asdict(),
        "usage": usage._asdict(),
    }


def loaded_harvest(saved: Mapping[str, Any], game: Game) -> tuple[Harvest, Usage]:
    """What ``saved_harvest`` was given."""
    like = blank_targets(game)
    fields = iter([saved["samples"][name] for name in arrays.names_of(like)])
    samples: Targets = arrays.tree_map(lambda _: next(fields), like)
    keys, records = saved["keys"].view(np.uint64), list(saved["records"])
    return Harvest(samples, keys, records, Tally(**saved["tally"])), Usage(**saved["usage"])


class Record(NamedTuple):
    """One game as it was played."""

    moves: str  # in the game's notation
    opening: int  # so many of them, the first, were random
    seed: int  # the start was game.init(np.random.default_rng(seed), 1)


def parse_record(line: str) -> Record:
    """The game that a line of ``games/000500.txt`` tells."""
    moves, _, rest = line.rpartition(COMMENT)
    _, opening, _, seed = rest.split()
    return Record(moves, int(opening), int(seed))
