"""Actors that play the next games in the background, under the weights of when they began."""

from __future__ import annotations

import contextlib
import copy
import time
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from selfplay import arrays
from selfplay.actors.base import Actors
from selfplay.actors.harvest import Harvest, Tally
from selfplay.cached import Usage
from selfplay.learning.samples import blank_targets
from selfplay.types import Game

if TYPE_CHECKING:
    from selfplay.nets import Net


class Played(NamedTuple):
    """What came of a collect, and what it cost."""

    harvest: Harvest
    usage: Usage
    wall_s: float  # that it took
    metrics: dict[str, float]  # what else the actors tell of it


class Ahead:
    """One collect of ``actors`` at a time, in a thread that does nothing else.

    What it raises is raised by whoever asks for what was played.
    """

    def __init__(self, actors: Actors) -> None:
        self._actors = actors
        self._pool = ThreadPoolExecutor(1, "ahead")
        self._future: Future[Played] | None = None

    @property
    def begun(self) -> bool:
        """Whether there is a collect that nobody has taken."""
        return self._future is not None

    def begin(self, net: Net, positions: int) -> None:
        """Begins to collect under the present weights of ``net``, which may change meanwhile."""
        self._future = self._pool.submit(play, self._actors, copy.deepcopy(net), positions)

    def take(self) -> Played:
        """What was played since ``begin``; waits for it."""
        assert self._future is not None
        played, self._future = self._future.result(), None
        return played

    def state_dict(self) -> dict[str, Any]:
        """What was played and not taken; waits for it, and leaves it to be taken."""
        if self._future is None:
            return {}
        (samples, keys, records, tally), usage, wall_s, metrics = self._future.result()
        fields = zip(arrays.names_of(samples), arrays.leaves(samples), strict=True)
        return {
            "samples": dict(fields),
            "keys": keys.view(np.int64),  # torch has no unsigned ones
            "records": records,
            "tally": tally._asdict(),
            "usage": usage._asdict(),
            "wall_s": wall_s,
            "metrics": metrics,
        }

    def load_state_dict(self, saved: Mapping[str, Any], game: Game) -> None:
        """Has that to be taken which ``state_dict`` returned."""
        if not saved:
            return
        like = blank_targets(game)
        fields = iter([saved["samples"][name] for name in arrays.names_of(like)])
        harvest = Harvest(
            arrays.tree_map(lambda _: next(fields), like),
            saved["keys"].view(np.uint64),
            list(saved["records"]),
            Tally(**saved["tally"]),
        )
        self._future = Future()
        usage = Usage(**saved["usage"])
        self._future.set_result(Played(harvest, usage, saved["wall_s"], dict(saved["metrics"])))

    def close(self) -> None:
        """Gives up a collect under way."""
        if self._future is not None and not self._future.done():
            self._actors.cancel()
            with contextlib.suppress(Exception):  # it is of no interest any more
                self._future.result()
        self._pool.shutdown()


def play(actors: Actors, net: Net, positions: int) -> Played:
    """A collect, with the time that it took."""
    start = time.perf_counter()
    harvest, usage = actors.collect(net, positions)
    return Played(harvest, usage, time.perf_counter() - start, actors.metrics())
