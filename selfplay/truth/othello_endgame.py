"""Othello solved to the end: the exact disc difference of a position and of each of its moves.

Alpha-beta with null windows (principal variation search).  With many empties: a hash table, and
the moves that leave the opponent the fewest replies first ("fastest first").  With few: moves into
regions with an odd number of empties first, so that one's own disc is the last there.  Known since
Buro's Logistello and Andersson's end game solver; the code is the project's own.

A disc difference is the mover's discs less the other's at the end; empties count for the winner,
as in the problems of the French federation (FFO) and in tournaments.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from envs.othello import Bits, board_mask, flips, moves
from selfplay.jit import count_bits, kernel, lowest_index, signed
from selfplay.types import Float

_ZERO, _ONE = np.uint64(0), np.uint64(1)
_FEW = 7  # empties below which neither table nor sorting pay
_TABLE_BITS = 20
_UNKNOWN = 64  # no square: the table knows no best move
_EVERYTHING = 100  # more than any disc difference


class Endgame(NamedTuple):
    """A board, and what one search remembers.  Rows of ``square`` and so on: empties left."""

    board: np.uint64  # the squares there are
    quarters: Bits  # [4] u64
    corners: np.uint64
    mover: Bits  # [T] u64, the positions of the table
    other: Bits  # [T] u64
    bounds: NDArray[np.int8]  # [T, 4] i8: the least and the most it can be, best square, empties
    square: NDArray[np.int64]  # [65, 64] i64, the moves to try
    turned: Bits  # [65, 64] u64, what each turns
    weight: NDArray[np.int64]  # [65, 64] i64, the larger, the sooner tried
    nodes: NDArray[np.int64]  # [1] i64, positions looked at


def endgame(size: int) -> Endgame:
    """An empty memory for boards of ``size`` x ``size``; good for any number of positions."""
    half = size // 2
    quarter = sum(((1 << half) - 1) << (8 * row) for row in range(half))
    last = size - 1
    room = 1 << _TABLE_BITS
    return Endgame(
        board=board_mask(size),
        quarters=np.array(
            [quarter << (8 * row + column) for row in (0, half) for column in (0, half)], np.uint64
        ),
        corners=np.uint64(sum(1 << corner for corner in (0, last, 8 * last, 9 * last))),
        mover=np.zeros(room, np.uint64),
        other=np.zeros(room, np.uint64),
        bounds=np.zeros((room, 4), np.int8),
        square=np.empty((65, 64), np.int64),
        turned=np.empty((65, 64), np.uint64),
        weight=np.empty((65, 64), np.int64),
        nodes=np.zeros(1, np.int64),
    )


@kernel
def solve_moves(mover: np.uint64, other: np.uint64, memory: Endgame, scores: Float) -> None:
    """Writes into ``scores`` [64] the exact disc difference of each move, by bit; NaN: illegal."""
    scores[:] = np.nan
    window: int = signed(_EVERYTHING)  # a plain number: a literal would be a type of its own
    left = moves(mover, other, memory.board)
    while left != _ZERO:
        square = lowest_index(left)
        left &= left - _ONE
        turned = flips(square, mover, other)
        after = mover | turned | (_ONE << np.uint64(square))
        scores[square] = -solve(other ^ turned, after, -window, window, memory)


@kernel
def _final(mover: np.uint64, other: np.uint64, board: np.uint64) -> int:
    """The disc difference where nobody can move."""
    difference = count_bits(mover) - count_bits(other)
    empties = count_bits(board) - count_bits(mover | other)
    if difference > 0:
        return difference + empties
    return difference - empties if difference < 0 else difference


@kernel
def _last_square(mover: np.uint64, other: np.uint64, square: int, board: np.uint64) -> int:
    """The disc difference with one empty square left."""
    cells = count_bits(board)
    mine = count_bits(mover)
    turned = flips(square, mover, other)
    if turned != _ZERO:
        return 2 * (mine + count_bits(turned) + 1) - cells
    turned = flips(square, other, mover)
    if turned != _ZERO:
        return 2 * (mine - count_bits(turned)) - cells
    return 2 * mine - cells + (2 if 2 * mine >= cells else 0)


@kernel
def _few_left(
    mover: np.uint64, other: np.uint64, low: int, high: int, empties: np.uint64, memory: Endgame
) -> int:
    """As ``solve``, with parity alone."""
    memory.nodes[0] += 1
    if empties & (empties - _ONE) == _ZERO:
        if empties == _ZERO:
            return _final(mover, other, memory.board)
        return _last_square(mover, other, lowest_index(empties), memory.board)
    odd = _ZERO
    for quarter in memory.quarters:
        if count_bits(empties & quarter) & 1:
            odd |= quarter
    best = -_EVERYTHING
    for part in range(2):
        left = empties & odd if part == 0 else empties & ~odd
        while left != _ZERO:
            square = lowest_index(left)
            disc = left & (_ZERO - left)
            left ^= disc
            turned = flips(square, mover, other)
            if turned == _ZERO:
                continue
            score = -_few_left(
                other ^ turned, mover | turned | disc, -high, -low, empties ^ disc, memory
            )
            if score > best:
                best = score
                if best >= high:
                    return best
                low = max(low, best)
    if best > -_EVERYTHING:
        return best
    if moves(other, mover, memory.board) == _ZERO:
        return _final(mover, other, memory.board)
    return -_few_left(other, mover, -high, -low, empties, memory)


@kernel
def solve(mover: np.uint64, other: np.uint64, low: int, high: int, memory: Endgame) -> int:
    """The disc difference of best play for ``mover``, who is to move or has to pass.

    Exact between ``low`` and ``high``; a value <= low is an upper bound, one >= high a lower one.
    Calls itself, always with the same types, and nothing that calls it back: numba loads no other
    recursion from its cache on disk.
    """
    empties = memory.board & ~(mover | other)
    number = count_bits(empties)
    if number < _FEW:
        return _few_left(mover, other, low, high, empties, memory)
    memory.nodes[0] += 1
    found = moves(mover, other, memory.board)
    if found == _ZERO:
        if moves(other, mover, memory.board) == _ZERO:
            return _final(mover, other, memory.board)
        return -solve(other, mover, -high, -low, memory)
    slot, known = _look_up(mover, other, memory)
    least: int = -64
    most: int = 64
    first: int = _UNKNOWN
    if known:
        least = signed(memory.bounds[slot, 0])
        most = signed(memory.bounds[slot, 1])
        first = signed(memory.bounds[slot, 2])
        if least >= high or least == most:
            return least
        if most <= low:
            return most
        low, high = max(low, least), min(high, most)
    count = _sort_moves(mover, other, found, empties, first, memory)
    best, best_square, floor = -_EVERYTHING, _UNKNOWN, low
    for i in range(count):
        _next_to_front(i, count, number, memory)
        square, turned = memory.square[number, i], memory.turned[number, i]
        after = mover | turned | (_ONE << np.uint64(square))
        reply = other ^ turned
        if i == 0:
            score = -solve(reply, after, -high, -floor, memory)
        else:
            score = -solve(reply, after, -floor - 1, -floor, memory)
            if floor < score < high:
                score = -solve(reply, after, -high, -score, memory)
        if score > best:
            best, best_square = score, square
            floor = max(floor, best)
            if best >= high:
                break
    if best > low:
        least = max(least, best)
    if best < high:
        most = min(most, best)
    memory.mover[slot], memory.other[slot] = mover, other
    memory.bounds[slot, 0], memory.bounds[slot, 1] = least, most
    memory.bounds[slot, 2], memory.bounds[slot, 3] = best_square, number
    return best


@kernel
def _sort_moves(
    mover: np.uint64,
    other: np.uint64,
    found: np.uint64,
    empties: np.uint64,
    first: int,
    memory: Endgame,
) -> int:
    """Writes the moves ``found`` and their weights; how many there are.  ``first`` comes first."""
    number = count_bits(empties)
    odd = _ZERO
    for quarter in memory.quarters:
        if count_bits(empties & quarter) & 1:
            odd |= quarter
    count = 0
    while found != _ZERO:
        square = lowest_index(found)
        disc = found & (_ZERO - found)
        found ^= disc
        turned = flips(square, mover, other)
        replies = moves(other ^ turned, mover | turned | disc, memory.board)
        # a corner as a reply counts twice, a corner taken and the odd region break ties
        weight = -8 * (count_bits(replies) + count_bits(replies & memory.corners))
        if disc & memory.corners != _ZERO:
            weight += 12
        if disc & odd != _ZERO:
            weight += 3
        if square == first:
            weight += 1 << 20
        memory.square[number, count] = square
        memory.turned[number, count] = turned
        memory.weight[number, count] = weight
        count += 1
    return count


@kernel
def _next_to_front(i: int, count: int, number: int, memory: Endgame) -> None:
    """Moves the heaviest of the moves from ``i`` on to ``i``."""
    heaviest = i
    for j in range(i + 1, count):
        if memory.weight[number, j] > memory.weight[number, heaviest]:
            heaviest = j
    if heaviest != i:
        square, turned = memory.square[number, i], memory.turned[number, i]
        memory.square[number, i] = memory.square[number, heaviest]
        memory.turned[number, i] = memory.turned[number, heaviest]
        memory.square[number, heaviest], memory.turned[number, heaviest] = square, turned
        memory.weight[number, heaviest] = memory.weight[number, i]


@kernel
def _look_up(mover: np.uint64, other: np.uint64, memory: Endgame) -> tuple[int, bool]:
    """The slot of the table for a position, and whether it is there.

    Of two slots, the first keeps the position with more empties, the second the latest.
    """
    mixed = (mover * np.uint64(0x9E3779B97F4A7C15)) ^ (other * np.uint64(0xC2B2AE3D27D4EB4F))
    mixed ^= mixed >> np.uint64(29)
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    slot: int = signed(mixed >> np.uint64(64 - _TABLE_BITS)) & ~1
    for each in (slot, slot + 1):
        if memory.mover[each] == mover and memory.other[each] == other:
            return each, True
    empties = count_bits(memory.board & ~(mover | other))
    return (slot if empties >= memory.bounds[slot, 3] else slot + 1), False
