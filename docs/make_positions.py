"""Makes the informative positions that ship, and those to choose settings by, with their truth.

    python docs/make_positions.py [GAME ...]

Every file has four sets of equal size: random play, a player who knows the result of every move,
self-play of an agent, and play as careless as people's.  The same machine makes the same files; on
another one the agent may play other games.

Othello is solved near its end only.  There all positions have 8 to 13 empty squares, and the
expert searches with an agent until 14 are left, from where on he knows.  The agent is trained here
first: it is the one that plays the set of self-play, too.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

import envs
from selfplay.arrays import put, take
from selfplay.data.informative import Source, careless, draw_informative
from selfplay.lines.keys import canonical_keys
from selfplay.lines.openings import MoveRule, any_move
from selfplay.players.players import MinimaxPlayer, RolloutPlayer, SearchPlayer
from selfplay.stats import random_actions, soften
from selfplay.system.cores import core_count
from selfplay.training.agent import load_agent
from selfplay.training.run import train
from selfplay.truth.labels import Labeller
from selfplay.truth.othello import few_replies
from selfplay.truth.positions import default_positions, read_positions, write_positions
from selfplay.types import Game, Int, Player, State

SHIPPED = Path(__file__).resolve().parent.parent / "selfplay" / "truth" / "shipped"
CARELESS = 1 / 6  # of the moves
OTHELLO_AGENT = """
name = "positions-othello"
game = "othello"
budget = { flops = 4e12 }
net = { kind = "resnet", channels = 32, blocks = 3 }
search = { simulations = 16 }
regime = { positions = 512 }
actor = { games = 64, threads = 1, opening_share = 0.9, opening_plies = 20 }
strength = { every_s = 1e6, apart = false }

[learner]
batch = 512
lr = 0.01
final_lr = 1.0
warmup_steps = 10
average = 0.999
reuse = 6.0
"""


class Recipe(NamedTuple):
    """What is made for a game."""

    plies: range  # moves before a position
    agent: Callable[[], Player]
    beginner: Callable[[], MoveRule]  # plays as careless as people do
    openings: int  # random moves that games of the expert and of the agent begin with, at most
    judged: int  # positions of each set
    validated: int
    expert: Callable[[], MoveRule] | None = None  # plays where the truth is not known


def short_sighted(depth: int) -> MoveRule:
    """Looks a few moves ahead, and plays anything now and then."""
    return careless(by_policy(MinimaxPlayer(depth)), CARELESS)


def reference(run: str, simulations: int) -> SearchPlayer:
    """The agent of a run."""
    agent = load_agent(run)
    return SearchPlayer("agent", agent.search.with_simulations(simulations), agent.evaluator)


def trained(recipe: str, out: str, simulations: int) -> SearchPlayer:
    """The agent that ``recipe`` trains, in the folder ``out`` if it is not there yet."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "recipe.toml"
        path.write_text(recipe)
        return reference(str(train(str(path), out=out).folder), simulations)


def by_policy(player: Player) -> MoveRule:
    """Moves as often as the player's policy says."""

    def play(game: Game, state: State, rng: np.random.Generator) -> Int:
        return random_actions(player.decide(game, state, rng).policy, rng)

    return play


def by_choice(player: Player) -> MoveRule:
    """The moves that the player prefers."""
    return lambda game, state, rng: player.decide(game, state, rng).action


def by_truth(labeller: Labeller, otherwise: MoveRule | None) -> MoveRule:
    """Any of the best moves; as ``otherwise`` says where the labeller cannot tell them."""

    def play(game: Game, state: State, rng: np.random.Generator) -> Int:
        known = labeller.solvable(state)
        action = np.empty(len(known), np.int32)
        if known.any():
            best = soften(labeller.scores(take(state, known)), 0.0)
            put(action, known, random_actions(best, rng))
        if not known.all():
            assert otherwise is not None
            put(action, ~known, otherwise(game, take(state, ~known), rng))
        return action

    return play


def othello_agent(simulations: int) -> SearchPlayer:
    return trained(OTHELLO_AGENT, "runs/positions-othello", simulations)


RECIPES = {
    "connect4": Recipe(
        plies=range(8, 42),
        agent=lambda: reference("reference/connect4", 4),
        beginner=lambda: short_sighted(4),
        openings=8,
        judged=1500,
        validated=250,
    ),
    "connect4-4x4": Recipe(
        plies=range(4, 16),
        agent=lambda: RolloutPlayer(20),
        beginner=lambda: short_sighted(3),
        openings=4,
        judged=1500,
        validated=500,
    ),
    "othello": Recipe(
        plies=range(60 - 13, 60 - 8 + 1),
        agent=lambda: othello_agent(4),
        beginner=lambda: few_replies,
        openings=20,
        judged=1000,
        validated=125,
        expert=lambda: by_choice(othello_agent(4)),
    ),
}


def make(name: str) -> None:
    """Writes the two files of a game."""
    game, recipe = envs.make(name), RECIPES[name]
    with Labeller(game, core_count()) as labeller:
        expert = by_truth(labeller, recipe.expert and recipe.expert())
        sources = [
            Source("random", any_move),
            Source("expert", expert, recipe.openings),
            Source("self-play", by_policy(recipe.agent()), recipe.openings),
            Source("human-like", recipe.beginner()),
        ]
        stages = default_positions(game)
        apart = np.empty(0, np.uint64)
        if stages is not None:
            apart = canonical_keys(game, read_positions(game, stages).state)
        files = ("informative", recipe.judged, 1), ("validation", recipe.validated, 2)
        for kind, each, seed in files:
            start, path = time.monotonic(), SHIPPED / f"{game.name}_{kind}.csv.gz"
            found = draw_informative(game, sources, each, recipe.plies, seed, labeller, apart)
            sets, moves, scores = zip(*found, strict=True)
            write_positions(game, path, sets, moves, np.stack(scores))
            apart = np.union1d(apart, canonical_keys(game, read_positions(game, path).state))
            print(f"{path}: {len(found):,} positions, {time.monotonic() - start:.0f} s")


if __name__ == "__main__":
    for game_name in sys.argv[1:] or RECIPES:
        make(game_name)
