"""How long the games of the first harvests are: those that end early come first.

    python docs/measure_lengths.py                 # half a minute on one core
    python docs/measure_lengths.py othello-6x6 --share 2048

All games of an actor begin together and a harvest holds those that are over, so the first ones hold
short games alone, until the lanes have spread.  The net says the same of every position: nothing
changes from harvest to harvest but that.
"""

from __future__ import annotations

import argparse
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

import envs
from selfplay.actors.actor import Actor, ActorSection
from selfplay.cached import CachedEvaluator
from selfplay.search import Gumbel
from selfplay.types import Evaluation, Obs

FIRST = 12  # harvests that are told one by one


class Silent(CachedEvaluator):
    """Says the same of every position."""

    def _forward(self, obs: Obs, count: int) -> Evaluation:
        actions, zero = self._cache.answers.shape[1] - 2, np.zeros(count, np.float32)
        return Evaluation(np.zeros((count, actions), np.float32), zero, zero)


class Lengths(NamedTuple):
    """Of the harvests of some actors, [S, K]."""

    games: NDArray[np.float64]
    moves: NDArray[np.float64]  # of these together


def measure(name: str, simulations: int, lanes: int, share: int, harvests: int) -> Lengths:
    """Five actors of so many lanes, each with a seed of its own, that are asked ``harvests`` times
    for ``share`` positions.
    """
    tallies = []
    for seed in range(5):
        game = envs.make(name)
        evaluator = Silent(game.num_actions, 1 << 14)
        section, rng = ActorSection(games=lanes), np.random.default_rng(seed)
        actor = Actor(game, Gumbel(simulations=simulations), section, lanes, rng)
        tallies.append([actor.collect(evaluator, share).tally for _ in range(harvests)])
    games, moves = (
        np.array([[getattr(tally, what) for tally in row] for row in tallies])
        for what in ("games", "length")
    )
    return Lengths(games, moves)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("game", nargs="?", default="connect4")
    parser.add_argument("--simulations", type=int, default=16)
    parser.add_argument("--games", type=int, default=256, help="side by side")
    parser.add_argument("--share", type=int, default=2048, help="positions of a harvest")
    parser.add_argument("--harvests", type=int, default=40)
    options = parser.parse_args()
    told = measure(
        options.game, options.simulations, options.games, options.share, options.harvests
    )
    late = slice(options.harvests // 2, None)
    settled = told.moves[:, late].sum(axis=1) / told.games[:, late].sum(axis=1)
    print("harvest  moves a game, mean of 5 seeds +- standard error  all up to it")
    for k in range(min(FIRST, options.harvests)):
        each = told.moves[:, k] / told.games[:, k]
        so_far = told.moves[:, : k + 1].sum() / told.games[:, : k + 1].sum()
        print(f"{k + 1:7}  {each.mean():.2f} +- {each.std(ddof=1) / 5**0.5:.2f}  {so_far:.2f}")
    print(f"second half  {settled.mean():.2f} +- {settled.std(ddof=1) / 5**0.5:.2f}")


if __name__ == "__main__":
    main()
