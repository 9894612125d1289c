"""What many places on Ray would do to one learner: an event simulation with measured constants.

    python docs/simulate_places.py            # the table of docs/scale.md
    python docs/simulate_places.py --check    # the same against real places on this machine

The loop is that of ``selfplay/actors/ray_places.py``: two asks a place, what is there first is
taken first, the learner waits for places that would fall behind; see ``RayActors``.
"""

from __future__ import annotations

import argparse
import bisect
import heapq
import time
from collections import deque
from typing import NamedTuple

import numpy as np


class World(NamedTuple):
    """What is simulated; seconds and positions."""

    places: int
    rate: float  # positions that one place plays a second
    positions: int  # of an iteration
    learner: float  # samples that the learner takes a second
    reuse: float = 2.0
    spread: float = 0.1  # of the time for a harvest, as a share of its mean
    harvest_s: float = 0.53e-3  # of the driver for each harvest ...
    position_s: float = 0.38e-6  # ... and for each position in it
    publish_s: float = 0.02  # until new weights are out
    noticed_s: float = 1.5  # from a death to its being heard
    back_s: float = 15.0  # from then to the next life's first game
    deaths: float = 0.0  # of one place, an hour
    under_way: float = 0.0  # positions in the games of one place that are not over
    sample_bytes: float = 171.0
    weight_bytes: float = 0.9e6
    max_lag: int = 4
    in_order: bool = False  # all places play, then all is learned


class Told(NamedTuple):
    """What came of it, over the second half of the iterations."""

    positions_per_s: float
    idle: float  # share of its time that the learner waits
    played: float  # share of their time that places play
    lag: float  # mean, in versions, over positions
    lag_max: int
    in_mb_s: float  # into the driver
    out_mb_s: float  # out of it
    lost: float  # share of what was played


class _Ask(NamedTuple):
    version: int  # when it was asked
    start: float
    done: float
    plays: float  # seconds of it
    died: bool


class _Place:
    """Plays what it is asked, in order, and dies at times."""

    def __init__(self, world: World, rng: np.random.Generator) -> None:
        self.world, self.rng = world, rng
        self.asked: deque[_Ask] = deque()
        self.free = self.born = 0.0
        self.death = self._lives()
        self.busy_s = 0.0

    def _lives(self) -> float:
        hours = self.rng.exponential(1 / self.world.deaths) if self.world.deaths else np.inf
        return 3600 * float(hours)

    def ask(self, now: float, version: int) -> None:
        world = self.world
        share = -(-world.positions // world.places)
        start = max(now, self.free)
        takes = share / world.rate
        takes *= max(0.1, 1 + world.spread * float(self.rng.standard_normal()))
        died = start + takes > self.death
        plays = max(0.0, self.death - start) if died else takes
        self.free = max(now, self.death + world.noticed_s) if died else start + takes
        self.busy_s += plays
        self.asked.append(_Ask(version, start, self.free, plays, died))

    def heard_of_death(self, now: float) -> None:
        self.asked.clear()
        self.free = self.born = now + self.world.back_s
        self.death = self.free + self._lives()

    def is_late(self, now: float, oldest: int) -> bool:
        """Whether what it plays could be too old, if it plays at all."""
        return self.born <= now and self.asked[0].version < oldest


def simulate(world: World, iterations: int = 200, seed: int = 0) -> Told:
    """Iterations of playing and learning."""
    rng = np.random.default_rng(seed)
    places = [_Place(world, rng) for _ in range(world.places)]
    share = -(-world.positions // world.places)
    published: list[float] = []
    now = 0.0
    taken, idle, lost, lags = 0, 0.0, 0.0, []
    mark = (0.0, 0, 0.0)
    for iteration in range(iterations):
        if iteration == iterations // 2:
            mark, lags, lost, idle = (now, taken, _busy(places)), [], 0.0, 0.0
        now += world.publish_s
        published.append(now)
        version = len(published)
        for place in places:
            while len(place.asked) < (1 if world.in_order else 2):
                place.ask(now, version)
        made, heap = 0, [(place.asked[0].done, i) for i, place in enumerate(places)]
        heapq.heapify(heap)
        while heap:
            done, i = heapq.heappop(heap)
            place = places[i]
            enough = made >= world.positions and not world.in_order
            if enough and not place.is_late(now, version + 1 - world.max_lag):
                continue  # for the next iteration
            ask = place.asked.popleft()
            idle += max(0.0, done - now)
            now = max(now, done)
            if ask.died:
                lost += ask.plays * world.rate + world.under_way
                place.heard_of_death(now)
                place.ask(now, version)
                heapq.heappush(heap, (place.asked[0].done, i))
                continue
            now += world.harvest_s + world.position_s * share
            made += share
            lags.append(version - bisect.bisect_right(published, ask.start + 1e-9))
            if not world.in_order:
                place.ask(now, version)
                heapq.heappush(heap, (place.asked[0].done, i))
        taken += made
        now += made * world.reuse / world.learner
    seconds = now - mark[0]
    got = taken - mark[1]
    return Told(
        positions_per_s=got / seconds,
        idle=idle / seconds,
        played=(_busy(places) - mark[2]) / (seconds * world.places),
        lag=float(np.mean(lags)),
        lag_max=int(max(lags)),
        in_mb_s=got * world.sample_bytes / seconds / 1e6,
        out_mb_s=(iterations - iterations // 2)
        * world.weight_bytes * world.places / seconds / 1e6,
        lost=lost / (lost + got),
    )  # fmt: skip


def _busy(places: list[_Place]) -> float:
    return sum(place.busy_s for place in places)


def table() -> None:
    """Connect Four, 5x64: 63 places of 16 cores, 1,000 of one; 8 GPUs with 20x128 (predicted)."""
    core = 312.0  # positions a second, 32 simulations a move
    many = World(63, 16 * core, 131_072, 800_000, under_way=256 * 18)
    single = World(1000, core, 1_000_000, 800_000, under_way=16 * 18)
    gpus = World(8, 50_000, 262_144, 110_000, weight_bytes=12.6e6, under_way=7680 * 18)
    worlds = [
        many,
        many._replace(in_order=True),
        many._replace(positions=8192),
        many._replace(learner=200_000.0),
        many._replace(deaths=1.0),
        many._replace(deaths=1.0, in_order=True),
        single,
        single._replace(deaths=1.0),
        gpus,
    ]
    print(
        "| places | positions an iteration | learner, samples/s | `order` | deaths an hour "
        "| positions/s | learner waits | places play | lag | in / out, MB/s | lost |\n"
        f"|{'---|' * 11}"
    )
    for world in worlds:
        told = simulate(world, 2000 if world.deaths and world.places < 100 else 200)
        print(
            f"| {world.places:,} of {world.rate:,.0f} positions/s | {world.positions:,} "
            f"| {world.learner:,.0f} | {'places' if world.in_order else 'any'} "
            f"| {world.deaths * world.places:.0f} | {told.positions_per_s:,.0f} | {told.idle:.0%} "
            f"| {told.played:.0%} | {told.lag:.2f}, at most {told.lag_max} "
            f"| {told.in_mb_s:.0f} / {told.out_mb_s:.0f} | {told.lost:.2%} |"
        )


def check(counts: list[int], iterations: int) -> None:
    """Real places on this machine, which share its cores, beside what is simulated for them."""
    from measure_places import small_actors

    for count in counts:
        actors, net, positions = small_actors(count)
        try:
            actors.collect(net, positions)  # compiles and spreads the games
            for _ in range(3):
                actors.collect(net, positions)
            rates, waits, lags = [], [], []
            learn_s = 0.3
            begun = time.perf_counter()
            made = 0.0
            for _ in range(iterations):
                start = time.perf_counter()
                harvest = actors.collect(net, positions)[0]
                waits.append(time.perf_counter() - start)
                made += harvest.tally.positions
                lags.append(actors.metrics()["selfplay/lag"])
                time.sleep(learn_s)
            wall = time.perf_counter() - begun
            rates.append(made / wall)
        finally:
            actors.close()
        per_place = rates[0] / count
        world = World(
            count, per_place, positions, positions * 2 / learn_s, spread=0.2, publish_s=0.01
        )
        told = simulate(world)
        print(
            f"{count:3d} places: {rates[0]:8,.0f} positions/s (simulated "
            f"{told.positions_per_s:8,.0f}), learner waits {sum(waits) / wall:.0%} "
            f"({told.idle:.0%}), lag {np.mean(lags):.2f} ({told.lag:.2f})"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="against real places")
    parser.add_argument("--places", type=int, nargs="+", default=[2, 8, 32])
    parser.add_argument("--iterations", type=int, default=20)
    options = parser.parse_args()
    if options.check:
        check(options.places, options.iterations)
    else:
        table()


if __name__ == "__main__":
    main()
