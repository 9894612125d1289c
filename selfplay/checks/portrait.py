"""What a game is, seen from random games: who wins by how much, whose turn it is, how long it is.

None of it breaks a law; but who knows the game sees where a reward has the wrong sign.
"""

from __future__ import annotations

import math
import time
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from selfplay.arrays import hash_rows
from selfplay.lines.lockstep import lockstep
from selfplay.lines.openings import any_move
from selfplay.types import Game

_MOVES_SHOWN = 60
_LINES_SHOWN = 24


class Portrait(NamedTuple):
    """Figures of finished random games; shares are in [0, 1], ranges are (least, mean, most)."""

    games: int
    starts: int  # that look different
    moves: tuple[float, float, float]  # of a game
    choices: tuple[float, float, float]  # moves that may be played at a turn
    same_again: float  # of the moves that end no game: the same player moves again
    returns: tuple[float, float, float]  # of the player who moves first
    first_wins: float
    second_wins: float
    last_mover_wins: float  # of the games that somebody wins; NaN where nobody does
    sample: list[str]  # the moves of one game
    picture: str  # its last position
    sample_return: float  # of the player who moves first


def portrait(game: Game, games: int = 64, seed: int = 0, until: float = math.inf) -> Portrait:
    """The portrait of ``game`` from so many random games, as far as they end in time.

    That is until time.monotonic() is ``until``.  Raises ValueError where none has ended by then.
    """
    rng = np.random.default_rng(seed)
    start = game.init(rng, games)
    ended = np.zeros(games, np.bool_)
    paid = np.zeros((games, 2))  # to either player
    moves, last_mover = np.zeros((2, games), np.int64)
    over_to, stayed = 0, 0  # turns: with the other player, with the same
    choices: list[int] = []
    sample: list[str] = []
    picture = ""
    plies = lockstep(game, start, lambda turn: any_move(game, turn.state, rng))
    while time.monotonic() < until and (ply := next(plies, None)) is not None:
        (_, lane, second, state), action, after, pay = ply
        seat = second.astype(np.int64)
        choices += game.legal(state).sum(axis=1).tolist()
        paid[lane, seat] += pay.reward
        paid[lane, 1 - seat] -= pay.reward
        moves[lane] += 1
        last_mover[lane] = seat
        ended[lane] = pay.discount == 0
        over_to += int((pay.discount < 0).sum())
        stayed += int((pay.discount > 0).sum())
        if lane[0] == 0:
            sample.append(game.action_name(int(action[0])))
            picture = game.text(after, 0)
    if not ended.any():
        raise ValueError(
            f"no random game of {game.name} has ended in time, after {int(moves.max())} "
            "moves: more --seconds show more of it"
        )
    first = paid[ended, 0]
    last = paid[ended, last_mover[ended]]
    won = last[last != 0] > 0
    return Portrait(
        games=int(ended.sum()),
        starts=len(np.unique(hash_rows(game.observe(start)), axis=0)),
        moves=_range(moves[ended]),
        choices=_range(np.array(choices)),
        same_again=stayed / max(1, over_to + stayed),
        returns=_range(first),
        first_wins=float((first > 0).mean()),
        second_wins=float((first < 0).mean()),
        last_mover_wins=float(won.mean()) if len(won) else math.nan,
        sample=sample,
        picture=picture,
        sample_return=float(paid[0, 0]),
    )


def _range(values: NDArray[np.number]) -> tuple[float, float, float]:
    return float(values.min()), float(values.mean()), float(values.max())


def described(game: Game, seen: Portrait) -> list[str]:
    """Sentences for people, and one game drawn."""
    count = "1 random game" if seen.games == 1 else f"{seen.games} random games"
    start = "always the same" if seen.starts == 1 else f"random ({seen.starts} seen)"
    lines = [
        f"{game.name}, {count}: {_spread(seen.moves, 'g', ' moves')}, "
        f"{_spread(seen.choices, 'g', ' to choose from')}"
        + (f"; the start is {start}" if seen.games > 1 else "")
    ]
    returns = _spread(seen.returns, "+.2f")
    if game.num_players == 1:
        lines.append(f"  the player's return is {returns}")
    else:
        lines += [
            f"  who moves first wins {seen.first_wins:.0%}, loses {seen.second_wins:.0%}; his "
            f"return is {returns}",
            _last_mover(seen.last_mover_wins),
            "  the players move in turn"
            if not seen.same_again
            else f"  after {seen.same_again:.1%} of the moves the same player moves again",
        ]
    moves = " ".join(seen.sample[:_MOVES_SHOWN])
    more = " ..." if len(seen.sample) > _MOVES_SHOWN else ""
    result = f"{seen.sample_return:+.2f} for who moves first"
    if game.num_players == 1:
        result = f"return {seen.sample_return:+.2f}"
    lines.append(f"  one of them: {moves}{more} ({result})")
    picture = seen.picture.splitlines()
    return lines + [f"    {line}" for line in picture[:_LINES_SHOWN]]


def _spread(values: tuple[float, float, float], form: str, unit: str = "") -> str:
    """A range with its mean, in words."""
    low, mean, high = values
    if low == high:
        return f"{low:{form}}{unit}"
    average = f"{mean:{'.1f' if form == 'g' else form}}"
    return f"{low:{form}} to {high:{form}}{unit} ({average} on average)"


def _last_mover(wins: float) -> str:
    if math.isnan(wins):
        return "  nobody wins"
    if wins == 1:
        return "  whoever makes the last move wins, in all games that somebody wins"
    if wins == 0:
        return "  whoever makes the last move loses, in all games that somebody wins"
    return f"  whoever makes the last move wins {wins:.0%} of the games that somebody wins"
