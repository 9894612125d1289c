"""Positions in which one can err, from several kinds of play: what agents are judged on.

A position whose legal moves all keep the same result says nothing of who moves there.  The files
that ship are made by ``docs/make_positions.py``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from selfplay.arrays import rank_within, take
from selfplay.lines.games import replay
from selfplay.lines.keys import canonical_keys
from selfplay.lines.lockstep import Turn, lockstep
from selfplay.lines.openings import NO_MOVE, MoveRule, any_move
from selfplay.truth.base import Labelled, optimal_moves
from selfplay.truth.labels import Labeller
from selfplay.types import Game, Int, State

A_GAME = 3  # positions, at most
_AT_ONCE = 32  # games
_PATIENCE = 20  # rounds of games without a new position, after which there are none


class Source(NamedTuple):
    """A kind of play."""

    name: str  # of the set of its positions
    rule: MoveRule
    openings: int = 0  # games begin with so many random moves, at most


def careless(rule: MoveRule, share: float) -> MoveRule:
    """The rule of a player who in a ``share`` of the positions plays anything."""

    def play(game: Game, state: State, rng: np.random.Generator) -> Int:
        action, anything = rule(game, state, rng), any_move(game, state, rng)
        moves: Int = np.where(rng.random(len(action)) < share, anything, action).astype(np.int32)
        return moves

    return play


def draw_informative(
    game: Game,
    sources: Sequence[Source],
    each: int,
    plies: range,
    seed: int,
    labeller: Labeller,
    apart: NDArray[np.uint64],
) -> list[Labelled]:
    """``each`` positions of every source, in random order, in which a legal move spoils the result.

    They come after as many moves of a game as ``plies`` holds, where the labeller can solve them,
    at most A_GAME of one game.  None is equal to another or a mirror image, or has a canonical key
    that is set ``apart``.  The same seed gives the same positions if the rules of the sources do.

    Raises ValueError where the games of a source bring nothing new any more.
    """
    seen = set(apart.tolist())
    labelled: list[Labelled] = []
    for number, source in enumerate(sources):
        rng, found, barren = np.random.default_rng([seed, number]), list[Labelled](), 0
        while len(found) < each:
            new = _round(game, source, plies, rng, labeller, seen)
            labeller.refresh()  # who is interrupted has not solved in vain
            barren = 0 if new else barren + 1
            if barren == _PATIENCE:
                raise ValueError(
                    f"{game.name} has no more than {len(found):,} positions for the set "
                    f"{source.name!r}; ask for fewer than {each:,}, or for earlier ones"
                )
            found += new
        labelled += [found[i] for i in rng.permutation(len(found))[:each].tolist()]
    return labelled


def _round(
    game: Game,
    source: Source,
    plies: range,
    rng: np.random.Generator,
    labeller: Labeller,
    seen: set[int],
) -> list[Labelled]:
    """The positions that some games of a source bring; all that were looked at are ``seen``."""
    moves = _play(game, source, rng)
    games = replay(game, moves)
    assert games.ply is not None
    legal = game.legal(games.state).sum(axis=1)
    fit = np.isin(games.ply, plies) & (legal > 1) & labeller.solvable(games.state)
    rows = rng.permutation(np.flatnonzero(fit))
    keys, turn = canonical_keys(game, take(games.state, rows)), rank_within(games.game[rows])
    found, kept = list[Labelled](), Counter[int]()
    for i in range(int(turn.max(initial=-1)) + 1):  # a position of each game that lacks one
        tried = []
        for row, key in zip(rows[turn == i].tolist(), keys[turn == i].tolist(), strict=True):
            if kept[games.game[row]] < A_GAME and key not in seen:
                seen.add(key)
                tried.append(row)
        scores = labeller.scores(take(games.state, tried))
        spoils = optimal_moves(scores).sum(axis=1) < legal[tried]
        for row, truth, spoilt in zip(tried, scores, spoils, strict=True):
            if spoilt:
                number = int(games.game[row])
                kept[number] += 1
                line = moves[number, : games.ply[row]].tolist()
                found.append(Labelled(source.name, line, truth))
    return found


def _play(game: Game, source: Source, rng: np.random.Generator) -> Int:
    """[G, L] i32, whole games of a source, NO_MOVE behind their ends."""
    random = rng.integers(0, source.openings + 1, _AT_ONCE)

    def choose(turn: Turn) -> Int:
        action = any_move(game, turn.state, rng)
        own = np.flatnonzero(turn.number >= random[turn.lane])
        if len(own):
            action[own] = source.rule(game, take(turn.state, own), rng)
        return action

    moves = np.full((_AT_ONCE, game.max_moves), NO_MOVE, np.int32)
    for turn, action, _, _ in lockstep(game, game.init(rng, _AT_ONCE), choose):
        moves[turn.lane, turn.number] = action
    return moves
