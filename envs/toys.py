"""Toy worlds: games small enough that the exact value of every action is planted beside the rules.

A toy is a table over positions, so its rules, its values and its tests read as sentences.
Actions are named 1 .. A.  The observation is ``features`` [S] float32, the position one-hot.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from envs.numbered import NumberedActions
from selfplay.types import Bool, Float, Int, Transition

MOST = 10_000  # moves in the table of a toy


class ToyState(NamedTuple):
    position: Int  # [B] i32, row of the tables; the last one is the end of the game


class ToyObs(NamedTuple):
    features: Float  # [B, S] f32, one-hot position


class Move(NamedTuple):
    """What one action does in one position."""

    reward: float  # to the player who moves
    discount: int  # +1 the same player moves again, -1 the other, 0 the game is over
    after: int  # the next position; anything where the game is over
    value: float  # planted: the exact return of this action under best play


Table = Sequence[Sequence[Move | None]]  # moves[position][action], None where illegal


class Toy(NumberedActions):
    """A game given by its table of moves; position 0 .. S - 2, and S - 1 is the end."""

    def __init__(
        self, name: str, moves: Table, num_players: int, max_moves: int, start: int = 0
    ) -> None:
        self.name, self.num_players, self.max_moves = name, num_players, max_moves
        self.num_actions = max(len(row) for row in moves)
        self._start, self._end = start, len(moves)
        none, over = Move(0.0, 0, self._end, math.nan), Move(0.0, 0, self._end, 0.0)
        rows = [[*row, *[None] * (self.num_actions - len(row))] for row in moves]
        rows.append([over] * self.num_actions)
        self._legal: Bool = np.array([[move is not None for move in row] for row in rows])
        table = np.array([[move or none for move in row] for row in rows], np.float32)
        columns: list[Float] = [*np.moveaxis(table, -1, 0)]
        self._reward, self._discount, after, self._value = columns
        self._after: Int = np.where(self._discount == 0, self._end, after).astype(np.int32)

    def qvalues(self, state: ToyState) -> Float:
        """[B, A] f32: the exact return of each action, NaN where illegal, 0 once it is over."""
        return self._value[state.position]

    def value(self, state: ToyState) -> Float:
        """[B] f32: the exact return under best play."""
        best: Float = np.nanmax(self.qvalues(state), axis=1)
        return best

    def init(self, rng: np.random.Generator, batch: int) -> ToyState:
        return ToyState(np.full(batch, self._start, np.int32))

    def step(self, state: ToyState, action: Int) -> tuple[ToyState, Transition]:
        in_range = (action >= 0) & (action < self.num_actions)
        over = state.position == self._end
        cell = state.position, np.where(in_range, action, 0)
        wrong = np.flatnonzero(~over & ~(in_range & self._legal[cell]))
        if len(wrong):
            i = int(wrong[0])
            number = int(action[i]) + 1
            raise ValueError(f"action {number} cannot be played at {self.text(state, i)}")
        return ToyState(self._after[cell]), Transition(self._reward[cell], self._discount[cell])

    def legal(self, state: ToyState) -> Bool:
        return self._legal[state.position]

    def observe(self, state: ToyState) -> ToyObs:
        return ToyObs(np.eye(self._end + 1, dtype=np.float32)[state.position])

    def text(self, state: ToyState, i: int) -> str:
        position = int(state.position[i])
        return f"{self.name}: over" if position == self._end else f"{self.name}: {position}"


def _whole(name: str, length: int) -> int:
    """``length``; ValueError with a sentence when no toy is so long."""
    if not isinstance(length, int) or not 1 <= length <= MOST // 2:
        raise ValueError(f"{name} needs a whole length of 1 to {MOST // 2:,}; got {length}")
    return length


class Win(Toy):
    """One player, one move, one action, which pays 1."""

    def __init__(self) -> None:
        super().__init__("win", [[Move(1.0, 0, 0, value=1.0)]], num_players=1, max_moves=1)


class Bandit(Toy):
    """One player, one move: action ``a`` pays ``payoffs[a]``."""

    def __init__(self, payoffs: Sequence[float] = (-0.5, 0.25, 0.75)) -> None:
        arms = [Move(payoff, 0, 0, value=payoff) for payoff in payoffs]
        super().__init__("bandit", [arms], num_players=1, max_moves=1)


class Chain(Toy):
    """One player: action 1 goes on, action 2 stops; going on ``length`` times pays 1."""

    def __init__(self, length: int = 6) -> None:
        stop = Move(0.0, 0, 0, value=0.0)
        length = _whole("chain", length)
        rows = [[Move(0.0, 1, k + 1, value=1.0), stop] for k in range(length - 1)]
        rows.append([Move(1.0, 0, 0, value=1.0), stop])
        super().__init__("chain", rows, num_players=1, max_moves=length)


class Coins(Toy):
    """``length`` moves; action 1 takes a coin worth 1 / length, action 2 leaves it to nobody.

    Best play takes every coin.  Alone that is worth the share of coins left; in turn the coins
    cancel in pairs, so that an even number left is worth nothing and an odd one a single coin.
    """

    def __init__(self, length: int = 4, players: int = 1) -> None:
        length = _whole("coins", length)
        coin, turn = 1.0 / length, 1 if players == 1 else -1

        def worth(left: int) -> float:
            return coin * (left if players == 1 else left % 2)

        rows = []
        for k in range(length):
            rest = turn * worth(length - k - 1)
            discount = turn if k + 1 < length else 0
            taken = Move(coin, discount, k + 1, coin + rest)
            rows.append([taken, Move(0.0, discount, k + 1, rest)])
        super().__init__("coins", rows, num_players=players, max_moves=length)


class WinnerLoser(Toy):
    """Two players, one action each: the second one's move pays -1, so the first has won."""

    def __init__(self) -> None:
        rows = [[Move(0.0, -1, 1, value=1.0)], [Move(-1.0, 0, 0, value=-1.0)]]
        super().__init__("winner-loser", rows, num_players=2, max_moves=2)


class Standoff(Toy):
    """Two players: action 1 holds, action 2 attacks and loses; ``length`` holds are a draw."""

    def __init__(self, length: int = 6) -> None:
        attack = Move(-1.0, 0, 0, value=-1.0)
        length = _whole("standoff", length)
        rows = [[Move(0.0, -1, k + 1, value=0.0), attack] for k in range(length - 1)]
        rows.append([Move(0.0, 0, 0, value=0.0), attack])
        super().__init__("standoff", rows, num_players=2, max_moves=length)


class Nim(Toy):
    """One heap: a move takes 1 .. ``take`` stones, whoever takes the last one wins.

    The mover loses exactly when the heap is a multiple of ``take + 1``.  With ``again`` (only for
    take = 2) a move that leaves a multiple of 3 stones earns another move; then the mover loses
    exactly when the heap is 3 or 4 more than a multiple of 6.
    """

    def __init__(self, stones: int = 10, take: int = 3, again: bool = False) -> None:
        whole = isinstance(stones, int) and isinstance(take, int)
        if not whole or min(stones, take) < 1 or stones * take > MOST or (again and take != 2):
            raise ValueError(
                f"nim needs whole stones >= 1, take >= 1 with stones * take <= {MOST:,}, and "
                f"take = 2 with again; got stones {stones}, take {take}, again {again}"
            )

        def sign(heap: int) -> float:
            """+1 where the mover of ``heap`` wins, -1 where he loses."""
            lost = heap % 6 in (3, 4) if again else heap % (take + 1) == 0
            return -1.0 if lost else 1.0

        def move(heap: int, taken: int) -> Move | None:
            left = heap - taken
            if left <= 0:
                return Move(1.0, 0, 0, value=1.0) if left == 0 else None
            turn = 1 if again and left % 3 == 0 else -1
            return Move(0.0, turn, left - 1, value=turn * sign(left))

        heaps = range(1, stones + 1)  # position p is a heap of p + 1 stones
        rows = [[move(heap, taken) for taken in range(1, take + 1)] for heap in heaps]
        name = f"nim-{stones}-{take}" + ("-again" if again else "")
        super().__init__(name, rows, num_players=2, max_moves=stones, start=stones - 1)

    def text(self, state: ToyState, i: int) -> str:
        position = int(state.position[i])
        return f"{self.name}: {0 if position == self._end else position + 1} stones left"
