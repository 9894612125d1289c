"""Othello on 8 x 8 or 6 x 6: enclose the other's discs in a line and they become yours.

Players       two; where one has no move the other goes on (there is no action for passing)
Actions       size x size: the square, row by row from a1, named as players write it ("d3")
Observation   planes [3, size, size] int8, row 1 at the top: discs of the player to move, discs of
              the other, squares where the player to move may play (none once the game is over)
Rewards       for the last move: +1 to who made it if he has more discs, -1 if fewer, 0 if equal
Symmetries    the eight of the square
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from selfplay.arrays import take
from selfplay.jit import count_bits, highest_bit, kernel
from selfplay.types import Board, Bool, Int, Transition

Bits = NDArray[np.uint64]
_ZERO, _ONE = np.uint64(0), np.uint64(1)
_UP = ((0, 1), (1, -1), (1, 0), (1, 1))  # row and column steps towards higher bits


class OthelloState(NamedTuple):
    """Bitboards: bit 8 * row + column on boards of either size, a1 is bit 0."""

    mover: Bits  # [B] u64, discs of the player to move
    other: Bits  # [B] u64, discs of the opponent
    white: Bool  # [B], White (who did not begin) is to move; discs do not tell after a pass
    over: Bool  # [B]


class OthelloObs(NamedTuple):
    planes: NDArray[np.int8]  # [B, 3, size, size] i8


class Othello:
    """The rules; ``Othello(size=6)`` for the small board."""

    num_players = 2

    def __init__(self, size: int = 8) -> None:
        if size not in (6, 8) or isinstance(size, float):
            raise ValueError(f"othello is played on size 6 or 8; got size {size}")
        self.size = size
        self.name = "othello" if size == 8 else f"othello-{size}x{size}"
        self.num_actions = size * size
        self.max_moves = size * size - 4
        self.squares = board_mask(size)
        cells = np.arange(size * size, dtype=np.int32).reshape(size, size)
        # moved[i] is the square whose disc stands at i afterwards, so its inverse maps actions
        moved = [_turn(cells, k).reshape(-1) for k in range(8)]
        self.action_map: Int = np.stack([np.argsort(squares) for squares in moved]).astype(np.int32)

    def init(self, rng: np.random.Generator, batch: int) -> OthelloState:
        low, high = self.size // 2 - 1, self.size // 2
        black = _ONE << np.uint64(8 * low + high) | _ONE << np.uint64(8 * high + low)
        white = _ONE << np.uint64(8 * low + low) | _ONE << np.uint64(8 * high + high)
        whites_turn, over = np.zeros((2, batch), np.bool_)
        return OthelloState(np.full(batch, black), np.full(batch, white), whites_turn, over)

    def step(self, state: OthelloState, action: Int) -> tuple[OthelloState, Transition]:
        after = OthelloState._make(map(np.empty_like, state))
        paid = Transition(*np.empty((2, len(action)), np.float32))
        illegal = _step(state, action, self.size, self.squares, after, paid)
        if illegal >= 0:
            square = int(action[illegal])
            on_board = 0 <= square < self.num_actions
            name = self.action_name(square) if on_board else f"action {square}"
            raise ValueError(f"{name} cannot be played in\n{self.text(state, illegal)}")
        return after, paid

    def legal(self, state: OthelloState) -> Bool:
        return _legal(state, self.size, self.squares)

    def observe(self, state: OthelloState) -> OthelloObs:
        return OthelloObs(_observe(state, self.size, self.squares))

    def transform(self, obs: OthelloObs, k: int) -> OthelloObs:
        return OthelloObs(_turn(obs.planes, k))

    def action_name(self, action: int) -> str:
        row, column = divmod(action, self.size)
        return f"{'abcdefgh'[column]}{row + 1}"

    def parse_action(self, text: str) -> int:
        word = text.strip().lower()
        columns, rows = "abcdefgh"[: self.size], "12345678"[: self.size]
        if len(word) != 2 or word[0] not in columns or word[1] not in rows:
            raise ValueError(
                f"{text.strip()!r} is not a square: expected a letter a to {columns[-1]} and a "
                f"number 1 to {rows[-1]}, as in d3"
            )
        return rows.index(word[1]) * self.size + columns.index(word[0])

    def text(self, state: OthelloState, i: int) -> str:
        planes = self.observe(take(state, [i])).planes[0]
        mover, other = ("O", "X") if state.white[i] else ("X", "O")
        marks = np.where(planes[0] == 1, mover, np.where(planes[1] == 1, other, "."))
        discs = {mover: int(planes[0].sum()), other: int(planes[1].sum())}
        turn = "the game is over" if state.over[i] else f"{mover} to move"
        header = "  " + " ".join("abcdefgh"[: self.size])
        rows = [f"{row + 1} " + " ".join(cells) for row, cells in enumerate(marks)]
        return "\n".join([header, *rows, f"{turn}, discs: X {discs['X']}, O {discs['O']}"])

    def board(self, state: OthelloState, i: int) -> Board:
        mover, other, _ = self.observe(take(state, [i])).planes[0]
        black, white = (other, mover) if state.white[i] else (mover, other)
        squares = np.arange(self.num_actions, dtype=np.int32)
        return Board(black + 2 * white, squares.reshape(black.shape), squares, (), "discs")


def board_mask(size: int) -> np.uint64:
    """The squares of a board of ``size`` x ``size``, which lies in the corner at bit 0."""
    return np.uint64(sum(((1 << size) - 1) << (8 * row) for row in range(size)))


def _turn(board: NDArray[Any], k: int) -> NDArray[Any]:
    """Symmetry ``k`` of the last two axes: k % 4 quarter turns, mirrored first from 4 on."""
    flipped = board[..., ::-1] if k >= 4 else board
    return np.rot90(flipped, k % 4, axes=(-2, -1))


def _rays() -> Bits:
    """[64, 8] u64, the squares seen from each: four directions towards higher bits, then lower."""
    rays = np.zeros((64, 8), np.uint64)
    for square in range(64):
        for d, (down, right) in enumerate((*_UP, *((-r, -c) for r, c in _UP))):
            row, column = square // 8 + down, square % 8 + right
            while 0 <= row < 8 and 0 <= column < 8:
                rays[square, d] |= _ONE << np.uint64(8 * row + column)
                row, column = row + down, column + right
    return rays


_RAYS = _rays()
# the columns in which a disc can be enclosed sideways or diagonally; on 6 x 6 the empty columns
# beside the board do what the mask does on 8 x 8
_INNER = np.uint64(0x7E7E7E7E7E7E7E7E)


@kernel
def flips(square: int, mover: np.uint64, other: np.uint64) -> np.uint64:
    """The discs of ``other`` that a disc of ``mover`` on ``square`` (bit) would turn; 0: illegal.

    Towards higher bits a carry runs through the other's discs to the first square that holds none;
    towards lower bits that square is the highest bit of the ray without them.
    """
    turned = _ZERO
    for d in range(4):
        ray = _RAYS[square, d]
        end = ((other | ~ray) + _ONE) & ray & mover
        turned |= (end - np.uint64(end != _ZERO)) & ray
    for d in range(4, 8):
        ray = _RAYS[square, d]
        end = highest_bit(ray & ~other) & mover
        turned |= (_ZERO - (end << _ONE)) & ray
    return turned


@kernel
def moves(mover: np.uint64, other: np.uint64, board: np.uint64) -> np.uint64:
    """The squares where ``mover`` may play."""
    inner = other & _INNER
    found = _beyond(mover, inner, _ONE) | _beyond(mover, other, np.uint64(8))
    found |= _beyond(mover, inner, np.uint64(7)) | _beyond(mover, inner, np.uint64(9))
    return found & board & ~(mover | other)


@kernel
def _beyond(mover: np.uint64, through: np.uint64, shift: np.uint64) -> np.uint64:
    """The squares next to runs of ``through`` that begin at a disc of ``mover``, on both sides."""
    up, down = through & (mover << shift), through & (mover >> shift)
    for _ in range(5):  # a run has at most six discs
        up |= through & (up << shift)
        down |= through & (down >> shift)
    return (up << shift) | (down >> shift)


@kernel
def _step(
    state: OthelloState,
    action: Int,
    size: int,
    board: np.uint64,
    after: OthelloState,
    paid: Transition,
) -> int:
    """Plays ``action`` into ``after`` and ``paid``; the index of an illegal action, or -1."""
    for b in range(action.shape[0]):
        mover, other, white = state.mover[b], state.other[b], state.white[b]
        if state.over[b]:
            after.mover[b], after.other[b] = mover, other
            after.white[b], after.over[b] = white, True
            paid.reward[b], paid.discount[b] = 0.0, 0.0
            continue
        if action[b] < 0 or action[b] >= size * size:
            return b
        square = 8 * (action[b] // size) + action[b] % size
        disc = _ONE << np.uint64(square)
        turned = flips(square, mover, other)
        if turned == _ZERO or (mover | other) & disc != _ZERO:
            return b
        mover ^= turned | disc
        other ^= turned
        again = moves(other, mover, board) == _ZERO
        over = again and moves(mover, other, board) == _ZERO
        paid.reward[b] = 0.0
        if over:
            margin = count_bits(mover) - count_bits(other)
            paid.reward[b] = 1.0 if margin > 0 else -1.0 if margin < 0 else 0.0
        paid.discount[b] = 0.0 if over else 1.0 if again else -1.0
        stays = again and not over
        after.mover[b], after.other[b] = (mover, other) if stays else (other, mover)
        after.white[b], after.over[b] = white == stays, over
    return -1


@kernel
def _legal(state: OthelloState, size: int, board: np.uint64) -> Bool:
    legal = np.empty((state.mover.shape[0], size * size), np.bool_)
    for b in range(legal.shape[0]):
        if state.over[b]:
            legal[b] = True
            continue
        found = moves(state.mover[b], state.other[b], board)
        for row in range(size):
            for column in range(size):
                bit = np.uint64(8 * row + column)
                legal[b, row * size + column] = (found >> bit) & _ONE != _ZERO
    return legal


@kernel
def _observe(state: OthelloState, size: int, board: np.uint64) -> NDArray[np.int8]:
    planes = np.empty((state.mover.shape[0], 3, size, size), np.int8)
    for b in range(planes.shape[0]):
        mover, other = state.mover[b], state.other[b]
        found = moves(mover, other, board)  # none once the game is over
        for row in range(size):
            for column in range(size):
                bit = np.uint64(8 * row + column)
                planes[b, 0, row, column] = (mover >> bit) & _ONE
                planes[b, 1, row, column] = (other >> bit) & _ONE
                planes[b, 2, row, column] = (found >> bit) & _ONE
    return planes
