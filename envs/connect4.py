"""Connect Four on a board of any size: drop stones, first to line up ``run`` of them wins.

Players       two, alternating
Actions       ``width``: the column, named 1 .. width from the left
Observation   planes [2, height, width] int8, row 0 at the top: stones of the player to move,
              stones of the other; with ``threats`` two more: empty cells in which a stone of
              either would complete a run
Rewards       +1 to the player who completes a run, 0 otherwise (a full board is a draw)
Symmetry      left and right mirrored
"""

from __future__ import annotations

from typing import Any, NamedTuple, NoReturn

import numpy as np
from numpy.typing import NDArray

from envs.boards import cells_in_line
from envs.numbered import NumberedActions
from selfplay.arrays import take, take_at
from selfplay.jit import bare_kernel, count_bits, kernel
from selfplay.types import Board, Bool, Float, Int, Transition

Bits = NDArray[np.uint64]
_ONE = np.uint64(1)


class Connect4State(NamedTuple):
    """Bitboards, column by column from the left, ``height + 1`` bits a column, lowest row first."""

    mover: Bits  # [B] u64, stones of the player to move
    other: Bits  # [B] u64, stones of the opponent
    over: Bool  # [B]


class Connect4Obs(NamedTuple):
    planes: NDArray[np.int8]  # [B, 2 or 4, H, W] i8


class Connect4(NumberedActions):
    """The rules; ``Connect4(width, height, run)`` for other boards than 7 x 6 and four in a row.

    With ``threats`` it is the same game, of which nets see more.
    """

    num_players = 2
    an_action = "a column"

    def __init__(
        self, width: int = 7, height: int = 6, run: int = 4, threats: bool = False
    ) -> None:
        whole = all(isinstance(size, int) for size in (width, height, run))
        if not whole or min(width, height) < 1 or not 2 <= run <= 64 or (height + 1) * width > 64:
            raise ValueError(
                f"connect4 needs width, height >= 1, run of 2 to 64 and "
                f"(height + 1) * width <= 64; got width {width}, height {height}, run {run}"
            )
        self.width, self.height, self.run, self.threats = width, height, run, bool(threats)
        standard = (width, height, run) == (7, 6, 4)
        self.name = "connect4" if standard else f"connect4-{width}x{height}-{run}"
        self.num_actions = width
        self.max_moves = width * height
        columns = np.arange(width, dtype=np.int32)
        self.action_map: Int = np.stack([columns, columns[::-1]])

    def init(self, rng: np.random.Generator, batch: int) -> Connect4State:
        mover, other = np.zeros((2, batch), np.uint64)
        return Connect4State(mover, other, np.zeros(batch, np.bool_))

    def step(self, state: Connect4State, action: Int) -> tuple[Connect4State, Transition]:
        after, paid = _room(len(action))
        illegal = _step(state, action, self.width, self.height, self.run, after, paid)
        if illegal >= 0:
            self._refuse(state, illegal, action)
        return after, paid

    def step_within(
        self, states: Connect4State, row: Any, at: Int, action: Int, to: Int
    ) -> tuple[Connect4State, Transition]:
        after, paid = _room(len(action))
        where = row, at, action, to
        illegal = _step_within(states, *where, self.width, self.height, self.run, after, paid)
        if illegal >= 0:
            self._refuse(take_at(states, row, at), illegal, action)
        return after, paid

    def ends(self, state: Connect4State, row: Any, action: Int) -> Float:
        pays = np.empty(len(action), np.float32)
        _ends(state, row, action, self.width, self.height, self.run, pays)
        return pays

    def legal(self, state: Connect4State) -> Bool:
        return _legal(state, self.width, self.height)

    def observe(self, state: Connect4State) -> Connect4Obs:
        planes = _observe(state, self.width, self.height)
        if self.threats:
            threatened = _threatened(state, self.height, self.run)
            more = _observe(threatened, self.width, self.height)
            planes = np.concatenate([planes, more], axis=1)
        return Connect4Obs(planes)

    def bare(self, obs: Connect4Obs) -> Connect4Obs:
        return Connect4Obs(obs.planes[:, :2])

    def transform(self, obs: Connect4Obs, k: int) -> Connect4Obs:
        return obs if k == 0 else Connect4Obs(obs.planes[..., ::-1])

    def _refuse(self, state: Connect4State, i: int, action: Int) -> NoReturn:
        raise ValueError(f"column {action[i] + 1} cannot be played in\n{self.text(state, i)}")

    def text(self, state: Connect4State, i: int) -> str:
        planes = self.observe(take(state, [i])).planes[0, :2]
        first_to_move = planes.sum() % 2 == 0
        mover, other = ("X", "O") if first_to_move else ("O", "X")
        marks = np.where(planes[0] == 1, mover, np.where(planes[1] == 1, other, "."))
        footer = " ".join(str((column + 1) % 10) for column in range(self.width))
        return "\n".join([*(" ".join(row) for row in marks), footer])

    def board(self, state: Connect4State, i: int) -> Board:
        mover, other = self.observe(take(state, [i])).planes[0, :2]
        stones = mover + other
        first, second = (mover, other) if stones.sum() % 2 == 0 else (other, mover)
        columns = np.arange(self.width, dtype=np.int32)
        lowest = np.maximum(self.height - 1 - stones.sum(axis=0), 0).astype(np.int32)
        clicks = np.tile(columns, (self.height, 1))
        line = cells_in_line(other == 1, self.run)  # whoever won has moved last
        return Board(first + 2 * second, clicks, lowest * self.width + columns, line, "holes")


@bare_kernel
def _has_run(stones: np.uint64, height: int, run: int) -> bool:
    """True when ``stones`` hold ``run`` in a line: vertical, horizontal or either diagonal."""
    for shift in (1, height + 1, height, height + 2):
        line, length = stones, 1  # where so many stand in line
        while length < run:
            step = min(length, run - length)
            line = line & (line >> np.uint64(step * shift)) if step * shift < 64 else np.uint64(0)
            length += step
        if line != 0:
            return True
    return False


def _room(count: int) -> tuple[Connect4State, Transition]:
    """For so many positions after a move, and what that pays."""
    (mover, other), over = np.empty((2, count), np.uint64), np.empty(count, np.bool_)
    return Connect4State(mover, other, over), Transition(*np.empty((2, count), np.float32))


_ILLEGAL, _GOES_ON, _DRAWN, _WON = range(4)


@bare_kernel
def _play(
    mover: np.uint64, other: np.uint64, column: int, width: int, height: int, run: int
) -> tuple[np.uint64, int]:
    """The stones of ``mover`` with one more in ``column``, and what has come of that."""
    if column < 0 or column >= width:
        return mover, _ILLEGAL
    full = (_ONE << np.uint64(height)) - _ONE
    base = np.uint64(column * (height + 1))
    stack = ((mover | other) >> base) & full
    if stack == full:
        return mover, _ILLEGAL
    mover |= (stack + _ONE) << base
    if _has_run(mover, height, run):
        return mover, _WON
    return mover, _DRAWN if count_bits(mover | other) == width * height else _GOES_ON


@bare_kernel
def _move(
    mover: np.uint64,
    other: np.uint64,
    over: bool,
    column: int,
    width: int,
    height: int,
    run: int,
    after: Connect4State,
    paid: Transition,
    i: int,
) -> bool:
    """Writes what ``column`` leads to at ``i`` of ``after`` and ``paid``; False: it is illegal."""
    if over:
        after.mover[i], after.other[i], after.over[i] = mover, other, True
        paid.reward[i], paid.discount[i] = 0.0, 0.0
        return True
    mover, come = _play(mover, other, column, width, height, run)
    after.mover[i], after.other[i], after.over[i] = other, mover, come > _GOES_ON
    paid.reward[i] = 1.0 if come == _WON else 0.0
    paid.discount[i] = 0.0 if come > _GOES_ON else -1.0
    return come != _ILLEGAL


@bare_kernel
def _step(
    state: Connect4State,
    action: Int,
    width: int,
    height: int,
    run: int,
    after: Connect4State,
    paid: Transition,
) -> int:
    """Plays ``action`` into ``after`` and ``paid``; the index of an illegal action, or -1."""
    for i in range(action.shape[0]):
        before = state.mover[i], state.other[i], state.over[i]
        if not _move(*before, action[i], width, height, run, after, paid, i):
            return i
    return -1


@bare_kernel
def _step_within(
    states: Connect4State,
    row: NDArray[np.int64],
    at: Int,
    action: Int,
    to: Int,
    width: int,
    height: int,
    run: int,
    after: Connect4State,
    paid: Transition,
) -> int:
    """As ``_step`` from [row, at] of ``states`` to [row, to]."""
    for i in range(action.shape[0]):
        here = row[i], at[i]
        before = states.mover[here], states.other[here], states.over[here]
        if not _move(*before, action[i], width, height, run, after, paid, i):
            return i
        there = row[i], to[i]
        states.mover[there], states.other[there] = after.mover[i], after.other[i]
        states.over[there] = after.over[i]
    return -1


@bare_kernel
def _ends(
    state: Connect4State,
    row: NDArray[np.int64],
    action: Int,
    width: int,
    height: int,
    run: int,
    pays: Float,
) -> None:
    """Fills ``pays`` [K], see LooksAhead."""
    for k in range(action.shape[0]):
        i = row[k]
        _, come = _play(state.mover[i], state.other[i], action[k], width, height, run)
        pays[k] = np.nan if come == _GOES_ON else 0.0
        if come == _WON:
            pays[k] = 1.0
        if state.over[i]:
            pays[k] = 0.0


@kernel
def _legal(state: Connect4State, width: int, height: int) -> Bool:
    legal = np.empty((state.mover.shape[0], width), np.bool_)
    for b in range(legal.shape[0]):
        taken = state.mover[b] | state.other[b]
        for column in range(width):
            top = _ONE << np.uint64(column * (height + 1) + height - 1)
            legal[b, column] = state.over[b] or (taken & top) == 0
    return legal


@bare_kernel
def _threats(stones: np.uint64, height: int, run: int) -> np.uint64:
    """Cells in which one more stone would complete a run, taken ones and rims of columns too."""
    found = np.uint64(0)
    for shift in (1, height + 1, height, height + 2):
        for hole in range(run):
            line = ~np.uint64(0)  # cells from which all others of the run hold stones
            for cell in range(run):
                away = abs(cell - hole) * shift
                if cell == hole:
                    continue
                if away >= 64:
                    line = np.uint64(0)
                elif cell > hole:
                    line &= stones >> np.uint64(away)
                else:
                    line &= stones << np.uint64(away)
            found |= line
    return found


@kernel
def _threatened(state: Connect4State, height: int, run: int) -> Connect4State:
    """Free cells in which a stone of either would complete a run, in the place of stones."""
    mine, its = np.empty_like(state.mover), np.empty_like(state.other)
    for b in range(len(mine)):
        free = ~(state.mover[b] | state.other[b])
        mine[b] = _threats(state.mover[b], height, run) & free
        its[b] = _threats(state.other[b], height, run) & free
    return Connect4State(mine, its, state.over)


@kernel
def _observe(state: Connect4State, width: int, height: int) -> NDArray[np.int8]:
    planes = np.empty((state.mover.shape[0], 2, height, width), np.int8)
    for b in range(planes.shape[0]):
        for row in range(height):
            for column in range(width):
                bit = np.uint64(column * (height + 1) + height - 1 - row)
                planes[b, 0, row, column] = (state.mover[b] >> bit) & _ONE
                planes[b, 1, row, column] = (state.other[b] >> bit) & _ONE
    return planes
