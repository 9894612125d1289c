"""Actors that play the next games in the background, under the weights of when they began."""

from __future__ import annotations

import contextlib
import copy
import time
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NamedTuple

from selfplay.actors.base import Actors
from selfplay.actors.harvest import Harvest, loaded_harvest, saved_harvest
from selfplay.cached import Usage
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
        played = self._future.result()
        saved = saved_harvest(played.harvest, played.usage)
        return saved | {"wall_s": played.wall_s, "metrics": played.metrics}

    def load_state_dict(self, saved: Mapping[str, Any], game: Game) -> None:
        """Has that to be taken which ``state_dict`` returned."""
        if not saved:
            return
        harvest, usage = loaded_harvest(saved, game)
        self._future = Future()
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
