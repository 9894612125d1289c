"""Tic-tac-toe: three in a line on a 3 x 3 board.

Players       two, alternating
Actions       9: the cell, named 1 .. 9 row by row from the top left
Observation   planes [2, 3, 3] int8: marks of the player to move, marks of the other
Rewards       +1 to the player who completes a line, 0 otherwise (a full board is a draw)
Symmetries    the eight of the square
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from envs.boards import cells_in_line
from envs.numbered import NumberedActions
from selfplay.arrays import take
from selfplay.jit import kernel
from selfplay.types import Board, Bool, Int, Transition

_LINES = np.array([0o7, 0o70, 0o700, 0o111, 0o222, 0o444, 0o421, 0o124], np.uint16)
_FULL = 0o777


class TicTacToeState(NamedTuple):
    """Bit 3 * row + column of each board is a cell."""

    mover: NDArray[np.uint16]  # [B] u16, marks of the player to move
    other: NDArray[np.uint16]  # [B] u16, marks of the opponent
    over: Bool  # [B]


class TicTacToeObs(NamedTuple):
    planes: NDArray[np.int8]  # [B, 2, 3, 3] i8


class TicTacToe(NumberedActions):
    """The rules."""

    name = "tictactoe"
    num_actions = 9
    max_moves = 9
    num_players = 2
    an_action = "a cell"

    def __init__(self) -> None:
        cells = np.arange(9, dtype=np.int32).reshape(3, 3)
        # moved[i] is the cell whose content stands at i afterwards, so its inverse maps actions
        moved = [_turn(cells, k).reshape(9) for k in range(8)]
        self.action_map: Int = np.stack([np.argsort(cells) for cells in moved]).astype(np.int32)

    def init(self, rng: np.random.Generator, batch: int) -> TicTacToeState:
        mover, other = np.zeros((2, batch), np.uint16)
        return TicTacToeState(mover, other, np.zeros(batch, np.bool_))

    def step(self, state: TicTacToeState, action: Int) -> tuple[TicTacToeState, Transition]:
        after = TicTacToeState._make(map(np.empty_like, state))
        paid = Transition(*np.empty((2, len(action)), np.float32))
        illegal = _step(state, action, after, paid)
        if illegal >= 0:
            cell = int(action[illegal]) + 1
            raise ValueError(f"cell {cell} cannot be played in\n{self.text(state, illegal)}")
        return after, paid

    def legal(self, state: TicTacToeState) -> Bool:
        taken = (state.mover | state.other)[:, None] >> np.arange(9, dtype=np.uint16) & 1
        legal: Bool = (taken == 0) | state.over[:, None]
        return legal

    def observe(self, state: TicTacToeState) -> TicTacToeObs:
        boards = np.stack([state.mover, state.other], axis=1)[..., None]
        cells = (boards >> np.arange(9, dtype=np.uint16)) & 1
        return TicTacToeObs(cells.astype(np.int8).reshape(-1, 2, 3, 3))

    def transform(self, obs: TicTacToeObs, k: int) -> TicTacToeObs:
        return TicTacToeObs(_turn(obs.planes, k))

    def text(self, state: TicTacToeState, i: int) -> str:
        planes = self.observe(take(state, [i])).planes[0]
        mover, other = ("X", "O") if planes.sum() % 2 == 0 else ("O", "X")
        empty = np.arange(1, 10).reshape(3, 3).astype(str)
        marks = np.where(planes[0] == 1, mover, np.where(planes[1] == 1, other, empty))
        return "\n".join(" ".join(row) for row in marks)

    def board(self, state: TicTacToeState, i: int) -> Board:
        mover, other = self.observe(take(state, [i])).planes[0]
        first, second = (mover, other) if (mover + other).sum() % 2 == 0 else (other, mover)
        cells = np.arange(9, dtype=np.int32)
        line = cells_in_line(other == 1, 3)  # whoever won has moved last
        return Board(first + 2 * second, cells.reshape(3, 3), cells, line, "marks")


def _turn(board: NDArray[Any], k: int) -> NDArray[Any]:
    """Symmetry ``k`` of the last two axes: k % 4 quarter turns, mirrored first from 4 on."""
    flipped = board[..., ::-1] if k >= 4 else board
    return np.rot90(flipped, k % 4, axes=(-2, -1))


@kernel
def _step(state: TicTacToeState, action: Int, after: TicTacToeState, paid: Transition) -> int:
    """Plays ``action`` into ``after`` and ``paid``; the index of an illegal action, or -1."""
    for b in range(action.shape[0]):
        mover, other, cell = state.mover[b], state.other[b], action[b]
        if state.over[b]:
            after.mover[b], after.other[b], after.over[b] = mover, other, True
            paid.reward[b], paid.discount[b] = 0.0, 0.0
            continue
        if cell < 0 or cell > 8 or (mover | other) & (1 << cell):
            return b
        mover |= 1 << cell
        won = False
        for line in _LINES:
            won |= mover & line == line
        over = won or (mover | other) == _FULL
        after.mover[b], after.other[b], after.over[b] = other, mover, over
        paid.reward[b] = 1.0 if won else 0.0
        paid.discount[b] = 0.0 if over else -1.0
    return -1
