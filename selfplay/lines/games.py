"""Positions of whole games, and how a list of moves becomes them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from selfplay.arrays import empty_like, put, take
from selfplay.lines.openings import NO_MOVE
from selfplay.types import Bool, Float, Game, Int, State


class Games(NamedTuple):
    """The M positions of G games, in order; none of them is over."""

    state: State  # arrays [M, ...], the position before each move
    action: NDArray[np.int16]  # [M] i16, the move played
    outcome: Float  # [M] f32 in [-1, 1], return of the game for the player to move
    game: NDArray[np.int32]  # [M] i32, which game, ascending from 0
    policy: Float | None = None  # [M, A] f32, the expert's probabilities; None: moves are all
    scores: Float | None = None  # [M, A] f32, as from a Solver; NaN where illegal or unknown
    ply: NDArray[np.int16] | None = None  # [M] i16, moves before; None: 0, 1, 2, ... in each game
    second: Bool | None = None  # [M], the second player is to move; None: they alternate


class IllegalMoveError(ValueError):
    """A move that the rules do not allow; ``game`` and ``ply`` say which, both from 0."""

    def __init__(self, sentence: str, game: int, ply: int) -> None:
        super().__init__(sentence)
        self.game = game
        self.ply = ply


def pick(games: Games, rows: Any) -> Games:
    """The rows that an index, a mask or a slice picks, columns that are missing left missing."""
    picked = (None if column is None else take(column, rows) for column in games)
    return Games._make(picked)


def replay(game: Game, moves: Int) -> Games:
    """The positions of ``moves`` [G, L], each row a game from its start, NO_MOVE behind its end.

    All games are stepped side by side.  The outcome is the sum of what was paid from a position
    on, NaN in games that are not over after their last move.
    Raises IllegalMoveError for the first ply at which a move is illegal or follows the end.
    """
    lengths = (moves != NO_MOVE).sum(axis=1)
    if (moves[np.arange(moves.shape[1]) >= lengths[:, None]] != NO_MOVE).any():
        raise ValueError("a line of play has a gap: NO_MOVE stands behind its end only")
    start = np.cumsum(lengths) - lengths
    count = int(lengths.sum())
    state = game.init(np.random.default_rng(0), len(moves))
    states = empty_like(state, count)
    reward, discount = np.empty(count, np.float32), np.empty(count, np.float32)
    second = np.zeros(count, np.bool_)
    turn = np.zeros(len(moves), np.bool_)
    over = np.zeros(len(moves), np.bool_)
    going = np.arange(len(moves))
    for ply in range(moves.shape[1]):
        left = lengths[going] > ply
        if not left.all():
            state, going = take(state, left), going[left]
        if not len(going):
            break
        action = moves[going, ply]
        _check(game, state, action, over[going], going, ply)
        rows = start[going] + ply
        put(states, rows, state)
        second[rows] = turn[going]
        state, paid = game.step(state, action)
        reward[rows], discount[rows] = paid.reward, paid.discount
        turn[going] ^= paid.discount < 0
        over[going] = paid.discount == 0
    number = np.repeat(np.arange(len(moves), dtype=np.int32), lengths)
    ply_of = (np.arange(count) - start[number]).astype(np.int16)
    return Games(
        state=states,
        action=moves[number, ply_of].astype(np.int16),
        outcome=_back_up(reward, discount, start, lengths),
        game=number,
        ply=ply_of,
        second=second,
    )


def _back_up(
    reward: Float, discount: Float, start: NDArray[np.int64], lengths: NDArray[np.int64]
) -> Float:
    """[M] f32, the return from each position on; NaN where the last move ended nothing."""
    outcome = np.empty(len(reward), np.float32)
    after = np.full(len(start), np.nan, np.float32)
    for back in range(1, int(lengths.max(initial=0)) + 1):
        there = np.flatnonzero(lengths >= back)
        rows = start[there] + lengths[there] - back
        ends = discount[rows] == 0
        after[there] = reward[rows] + np.where(ends, 0, discount[rows] * after[there])
        outcome[rows] = after[there]
    return outcome


def _check(
    game: Game, state: State, action: Int, over: Bool, going: NDArray[np.int64], ply: int
) -> None:
    """Raises IllegalMoveError unless every action may be played."""
    known = (action >= 0) & (action < game.num_actions)
    legal = game.legal(state)[np.arange(len(action)), np.where(known, action, 0)]
    wrong = over | ~known | ~legal
    if not wrong.any():
        return
    i = int(wrong.argmax())
    which = f"move {ply + 1} of game {int(going[i]) + 1}"
    if over[i]:
        sentence = f"{which} comes after the end of the game"
    elif not known[i]:
        sentence = f"{which} is action {action[i]}; {game.name} has 0 to {game.num_actions - 1}"
    else:
        sentence = f"{which} ({game.action_name(int(action[i]))}) is illegal"
    raise IllegalMoveError(sentence, int(going[i]), ply)
