"""Games whose moves are chosen at random by the probabilities that an expert gives them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from selfplay.arrays import concatenate, length
from selfplay.lines.games import Games, gathered
from selfplay.lines.lockstep import Turn, lockstep
from selfplay.lines.openings import NO_MOVE, ROUNDS, Openings, random_positions
from selfplay.stats import random_actions
from selfplay.types import Float, Game, Int

OPENING_SHARE = 0.5  # of the games, where openings are asked for

Choice = tuple[Float, Float | None]  # probabilities [B, A], scores [B, A] or None
Weigh = Callable[[Turn, np.random.Generator], Choice]


def play(game: Game, weigh: Weigh, count: int, openings: int, rng: np.random.Generator) -> Games:
    """``count`` games side by side; the random moves that some begin with are not among them."""
    opened = _opened(game, count, openings, rng)
    choices: list[Choice] = []

    def choose(turn: Turn) -> Int:
        choices.append(weigh(turn, rng))
        return random_actions(choices[-1][0], rng)

    plies = list(lockstep(game, opened.state, choose, second=opened.second))
    games = gathered(plies, opened.state, (opened.moves != NO_MOVE).sum(axis=1))
    # game by game, as the positions
    order = np.argsort(np.concatenate([ply.turn.lane for ply in plies]), kind="stable")
    policy, scores = (
        None if column[0] is None else np.concatenate(column)[order]
        for column in zip(*choices, strict=True)
    )
    return games._replace(policy=policy, scores=scores)


def _opened(game: Game, count: int, openings: int, rng: np.random.Generator) -> Openings:
    """``count`` positions that games go on from, none over."""
    plies = np.zeros(count, np.int64)
    if openings:
        opened = rng.random(count) < OPENING_SHARE
        plies[opened] = rng.integers(1, openings + 1, int(opened.sum()))
    reached = random_positions(game, plies, rng)
    for _ in range(ROUNDS):
        missing = count - length(reached.second)
        if not missing:
            return reached
        more = random_positions(game, rng.choice(plies[plies > 0], missing), rng)
        reached = concatenate([_wider(reached, openings), _wider(more, openings)])
    if length(reached.second) == count:
        return reached
    raise ValueError(f"random games of {game.name} end before {openings} moves are played")


def _wider(reached: Openings, plies: int) -> Openings:
    """The same with ``plies`` columns of moves."""
    moves: Int = np.full((len(reached.moves), plies), NO_MOVE, np.int32)
    moves[:, : reached.moves.shape[1]] = reached.moves
    return reached._replace(moves=moves)
