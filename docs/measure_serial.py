"""Prints the milliseconds between playing and learning: what the main thread does with a harvest.

    python docs/measure_serial.py GAME [--window 1000000] [--iterations 10] [--seed 0]

The window is filled with games of GAME that a search of 2 simulations plays, in two threads, which
knows nothing.  Then 8,192 further positions come, iteration by iteration, as they do in self-play:
they are joined, put into the window and counted, and the window is handed over.  Twice as many
positions as came are drawn from it, in batches of 512; drawing is a part of learning.  What is
printed are medians over the iterations.
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from envs import make
from selfplay import arrays
from selfplay.actors.actor import Actor, ActorSection
from selfplay.actors.base import combined
from selfplay.actors.harvest import Harvest
from selfplay.cached import Usage
from selfplay.learning.replay import Replay, ReplaySection
from selfplay.regimes.ledger import Ledger
from selfplay.search import Gumbel
from selfplay.types import Evaluation, Game, State

_THREADS, _POSITIONS, _BATCH, _REUSE = 2, 8192, 512, 2
_FREE = Usage(0, 0, 0.0, 0.0)


class Players:
    """Actors whose games are of no strength and as different as those at the start of a run."""

    def __init__(self, game: Game, seed: int) -> None:
        section = ActorSection(games=512, opening_share=0.9, opening_plies=30)
        streams = np.random.SeedSequence(seed).spawn(_THREADS)
        self._actors = [
            Actor(game, Gumbel(simulations=2), section, 512, np.random.default_rng(stream))
            for stream in streams
        ]
        self._pool = ThreadPoolExecutor(_THREADS)

    def collect(self, positions: int) -> list[tuple[Harvest, Usage]]:
        share = positions // _THREADS
        played = self._pool.map(lambda actor: actor.collect(_knows_nothing, share), self._actors)
        return [(harvest, _FREE) for harvest in played]


class Laps:
    """Seconds from one call to the next, by name."""

    def __init__(self) -> None:
        self.seconds: dict[str, list[float]] = defaultdict(list)
        self._last = time.perf_counter()

    def start(self) -> None:
        self._last = time.perf_counter()

    def end(self, name: str) -> None:
        now = time.perf_counter()
        self.seconds[name].append(now - self._last)
        self._last = now


def measure(game: Game, window: int, iterations: int, seed: int) -> str:
    """One line a stage."""
    players, ledger, laps = Players(game, seed), Ledger(), Laps()
    replay = Replay(ReplaySection(window=window, capacity=window), game.num_actions)
    rng = np.random.default_rng(seed)

    def take_in(positions: int) -> None:
        parts = players.collect(positions)
        laps.start()
        harvest, _ = combined(parts)
        laps.end("join")
        replay.add(harvest.samples)
        laps.end("add")
        ledger.note(arrays.length(harvest.samples), harvest.keys, len(replay))
        laps.end("count")

    while replay.total < window:
        take_in(8 * _POSITIONS)
    replay.window()
    laps.seconds.clear()
    for _ in range(iterations):
        take_in(_POSITIONS)
        source, _ = replay.window()
        laps.end("window")
        order = rng.permutation(len(source))[: _REUSE * _POSITIONS]
        laps.end("permutation")
        for start in range(0, len(order), _BATCH):
            source.take(order[start : start + _BATCH])
        laps.end("drawing")
    medians = {name: 1e3 * float(np.median(each)) for name, each in laps.seconds.items()}
    serial = sum(medians[name] for name in ("join", "add", "count", "window"))
    lines = [f"{name:12} {ms:8.2f} ms" for name, ms in medians.items()]
    whole = f"{len(replay):,} positions, {len(source):,} of them different"
    return "\n".join([whole, *lines, f"between playing and learning {serial:.2f} ms"])


def _knows_nothing(game: Game, state: State) -> Evaluation:
    count = arrays.length(state)
    zero = np.zeros(count, np.float32)
    return Evaluation(np.zeros((count, game.num_actions), np.float32), zero, zero)


def main() -> None:
    parser = argparse.ArgumentParser(description="times what is done between playing and learning")
    parser.add_argument("game")
    parser.add_argument("--window", type=int, default=1_000_000)
    parser.add_argument("--iterations", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    print(measure(make(options.game), options.window, options.iterations, options.seed))


if __name__ == "__main__":
    main()
