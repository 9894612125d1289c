"""Makes the informative positions that ship, and those to choose settings by, with their truth.

    python docs/make_positions.py [GAME ...]

Every file has four sets of equal size: random play, a player who knows the result of every move,
self-play of an agent, and a player who looks a few moves ahead and is careless now and then.  The
same machine makes the same files; on another one the agent may play other games.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

import envs
from selfplay.data.informative import Source, careless, draw_informative
from selfplay.lines.keys import canonical_keys
from selfplay.lines.openings import MoveRule, any_move
from selfplay.players.players import MinimaxPlayer, RolloutPlayer, SearchPlayer
from selfplay.stats import random_actions, soften
from selfplay.system.cores import core_count
from selfplay.training.agent import load_agent
from selfplay.truth.labels import Labeller
from selfplay.truth.positions import default_positions, read_positions, write_positions
from selfplay.types import Game, Int, Player, State

SHIPPED = Path(__file__).resolve().parent.parent / "selfplay" / "truth" / "shipped"
CARELESS = 1 / 6  # of the moves


class Recipe(NamedTuple):
    """What is made for a game."""

    first: int  # moves before a position, at least
    depth: int  # that the careless player looks ahead
    agent: Callable[[], Player]
    openings: int  # random moves that games of the expert and of the agent begin with, at most
    judged: int  # positions of each set
    validated: int


RECIPES = {
    "connect4": Recipe(8, 4, lambda: reference("reference/connect4", 4), 8, 1500, 250),
    "connect4-4x4": Recipe(4, 3, lambda: RolloutPlayer(20), 4, 1500, 500),
}


def reference(run: str, simulations: int) -> Player:
    """The agent of a run that ships."""
    agent = load_agent(run)
    return SearchPlayer("agent", agent.search.with_simulations(simulations), agent.evaluator)


def by_policy(player: Player) -> MoveRule:
    """Moves as often as the player's policy says."""

    def play(game: Game, state: State, rng: np.random.Generator) -> Int:
        return random_actions(player.decide(game, state, rng).policy, rng)

    return play


def by_truth(labeller: Labeller) -> MoveRule:
    """Any of the best moves."""

    def play(game: Game, state: State, rng: np.random.Generator) -> Int:
        return random_actions(soften(labeller.scores(state), 0.0), rng)

    return play


def make(name: str) -> None:
    """Writes the two files of a game."""
    game, recipe = envs.make(name), RECIPES[name]
    minimax = MinimaxPlayer(recipe.depth)
    with Labeller(game, core_count()) as labeller:
        sources = [
            Source("random", any_move),
            Source("expert", by_truth(labeller), recipe.openings),
            Source("self-play", by_policy(recipe.agent()), recipe.openings),
            Source("human-like", careless(by_policy(minimax), CARELESS)),
        ]
        stages = default_positions(game)
        apart = np.empty(0, np.uint64)
        if stages is not None:
            apart = canonical_keys(game, read_positions(game, stages).state)
        files = ("informative", recipe.judged, 1), ("validation", recipe.validated, 2)
        for kind, each, seed in files:
            start, path = time.monotonic(), SHIPPED / f"{game.name}_{kind}.csv.gz"
            found = draw_informative(game, sources, each, recipe.first, seed, labeller, apart)
            sets, moves, scores = zip(*found, strict=True)
            write_positions(game, path, sets, moves, np.stack(scores))
            apart = np.union1d(apart, canonical_keys(game, read_positions(game, path).state))
            print(f"{path}: {len(found):,} positions, {time.monotonic() - start:.0f} s")


if __name__ == "__main__":
    for game_name in sys.argv[1:] or RECIPES:
        make(game_name)
