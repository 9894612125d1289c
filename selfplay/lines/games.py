"""Positions of whole games: of lists of moves, or of moves drawn as an expert weighs them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from selfplay.arrays import concatenate, empty_like, length, put, take
from selfplay.lines.lockstep import Ply, Turn, lockstep
from selfplay.lines.openings import NO_MOVE, ROUNDS, random_positions
from selfplay.stats import random_actions
from selfplay.types import Bool, Float, Game, Int, State

OPENING_SHARE = 0.5  # of the games, where openings are asked for

Choice = tuple[Float, Float | None]  # probabilities [B, A], scores [B, A] or None
Weigh = Callable[[Turn, np.random.Generator], Choice]


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
    stakes: Float | None = None  # [M] f32 in [0, 1], what is at stake; None: the scores tell it


class IllegalMoveError(ValueError):
    """A move that the rules do not allow; ``game`` and ``ply`` say which, both from 0."""

    def __init__(self, reason: str, game: int, ply: int) -> None:
        super().__init__(f"move {ply + 1} of game {game + 1} {reason}")
        self.sentence = f"move {ply + 1} {reason}"  # for who names the game himself
        self.game = game
        self.ply = ply


def side_by_side(lines: Sequence[Sequence[int]]) -> Int:
    """[G, L] i32, lines of play with NO_MOVE behind the shorter ones."""
    moves = np.full((len(lines), max(map(len, lines), default=0)), NO_MOVE, np.int32)
    for row, line in zip(moves, lines, strict=True):
        row[: len(line)] = line
    return moves


def pick(games: Games, rows: Any) -> Games:
    """The rows that an index, a mask or a slice picks, columns that are missing left missing."""
    picked = (None if column is None else take(column, rows) for column in games)
    return Games._make(picked)


def together(parts: Sequence[Games]) -> Games:
    """The games of all parts, numbered on."""
    numbered, first = [], 0
    for part in parts:
        numbered.append(part._replace(game=part.game + np.int32(first)))
        first += int(part.game.max(initial=-1)) + 1
    columns = zip(*numbered, strict=True)
    return Games._make(None if c[0] is None else concatenate(list(c)) for c in columns)


Refused = dict[int, IllegalMoveError]  # by the number of the game


def first_rows(number: NDArray[np.integer]) -> NDArray[np.int64]:
    """[G] i64, the rows where games begin; ``number`` [M] is ``game`` of Games, or rows of it."""
    return np.flatnonzero(np.diff(number, prepend=-1))


def replay(game: Game, moves: Int, refused: Refused | None = None) -> Games:
    """The positions of ``moves`` [G, L], as ``recorded`` plays them.

    The outcome is the sum of what was paid from a position on, NaN in games that are not over after
    their last move.  What is returned of a refused game means nothing.
    """
    start = game.init(np.random.default_rng(0), len(moves))
    return gathered(recorded(game, moves, refused), start)


def recorded(game: Game, moves: Int, refused: Refused | None = None) -> Iterator[Ply]:
    """Plays ``moves`` [G, L], each row a game from its start, NO_MOVE behind its end.

    Raises IllegalMoveError for the first ply at which a move is illegal or follows the end; with
    ``refused`` that is noted there instead, and the game goes no further.
    """
    lengths = (moves != NO_MOVE).sum(axis=1)
    if (moves[np.arange(moves.shape[1]) >= lengths[:, None]] != NO_MOVE).any():
        raise ValueError("a line of play has a gap: NO_MOVE stands behind its end only")

    def refuse(reason: str, lane: int, ply: int) -> None:
        error = IllegalMoveError(reason, lane, ply)
        if refused is None:
            raise error
        refused[lane], lengths[lane] = error, 0

    def choose(turn: Turn) -> Int:
        action: Int = moves[turn.lane, turn.number]
        legal = game.legal(turn.state)
        known = (action >= 0) & (action < game.num_actions)
        for i in np.flatnonzero(~(known & legal[np.arange(len(action)), action * known])).tolist():
            reason = f"is action {action[i]}; {game.name} has 0 to {game.num_actions - 1}"
            if known[i]:
                reason = f"({game.action_name(int(action[i]))}) is illegal"
            refuse(reason, int(turn.lane[i]), turn.number)
            action[i] = legal[i].argmax()
        return action

    for ply in lockstep(game, game.init(np.random.default_rng(0), len(moves)), choose, lengths):
        yield ply
        lane, after = ply.turn.lane, ply.turn.number + 1
        for late in lane[(ply.paid.discount == 0) & (lengths[lane] > after)].tolist():
            refuse("comes after the end of the game", late, after)


def gathered(plies: Iterable[Ply], start: State, before: NDArray[np.int64] | None = None) -> Games:
    """The positions of games [G] from ``start`` that were played side by side, game by game.

    ``before`` [G]: the moves that were played before the first ply (None: none).
    """
    played = list(plies)
    lane = np.concatenate([np.empty(0, np.int64), *(ply.turn.lane for ply in played)])
    lengths = np.bincount(lane, minlength=length(start))
    begin = np.cumsum(lengths) - lengths
    count = len(lane)
    states, action = empty_like(start, count), np.empty(count, np.int16)
    reward, discount = np.empty((2, count), np.float32)
    second = np.empty(count, np.bool_)
    for turn, chosen, _, paid in played:
        rows = begin[turn.lane] + turn.number
        put(states, rows, turn.state)
        action[rows], second[rows] = chosen, turn.second
        reward[rows], discount[rows] = paid
    number = np.repeat(np.arange(len(lengths), dtype=np.int32), lengths)
    ply_of = np.arange(count) - begin[number]
    if before is not None:
        ply_of += before[number]
    return Games(
        state=states,
        action=action,
        outcome=_back_up(reward, discount, begin, lengths),
        game=number,
        ply=ply_of.astype(np.int16),
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


def play(
    game: Game,
    weigh: Weigh,
    count: int,
    openings: int,
    rng: np.random.Generator,
    opening_share: float = OPENING_SHARE,
) -> Games:
    """``count`` games side by side; the random moves that some begin with are not among them.

    A share ``opening_share`` of the games begins with 1 to ``openings`` of them.
    """
    state, second, before = _opened(game, count, openings, opening_share, rng)
    choices: list[Choice] = []

    def choose(turn: Turn) -> Int:
        choices.append(weigh(turn, rng))
        return random_actions(choices[-1][0], rng)

    plies = list(lockstep(game, state, choose, second=second))
    # game by game, as the positions
    order = np.argsort(np.concatenate([ply.turn.lane for ply in plies]), kind="stable")
    policy, scores = (
        None if column[0] is None else np.concatenate(column)[order]
        for column in zip(*choices, strict=True)
    )
    return gathered(plies, state, before)._replace(policy=policy, scores=scores)


def _opened(
    game: Game, count: int, openings: int, share: float, rng: np.random.Generator
) -> tuple[State, Bool, NDArray[np.int64]]:
    """``count`` positions that games go on from, none over; who is to move; the moves before."""
    wanted = np.zeros(count, np.int64)
    if openings:
        opened = rng.random(count) < share
        wanted[opened] = rng.integers(1, openings + 1, int(opened.sum()))
    plies, parts = wanted, []
    for _ in range(ROUNDS + 1):
        reached = random_positions(game, plies, rng)
        parts.append((reached.state, reached.second, (reached.moves != NO_MOVE).sum(axis=1)))
        missing = count - sum(len(second) for _, second, _ in parts)
        if not missing:
            return tuple(concatenate(parts))
        plies = rng.choice(wanted[wanted > 0], missing)
    raise ValueError(f"random games of {game.name} end before {openings} moves are played")
