"""Whether a game hides from its players what its states hold: cards, moves, coming dice.

A search steps the states themselves, so it sees all of that and plays as if the player did.  What a
player knows are his observations, his legal moves and what he did.  Where equal knowledge and equal
moves lead to different things, something was hidden from him.
"""

from __future__ import annotations

import math
import time
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from selfplay.arrays import (
    bytes_of,
    concatenate,
    hash_rows,
    holds_objects,
    leaves,
    length,
    repeat,
    take,
)
from selfplay.lines.lockstep import Turn, lockstep
from selfplay.types import Bool, Game, Int, Obs, State, Transition

_STARTS = 512  # drawn, to find different ones that look the same
_BYTES = 1 << 26  # of the states of the starts, at most
_AT_ONCE = 32
_VARIED = 0.03  # share of starts in which a number is not as in most
_TOGETHER = 0.4  # correlation; hands of 13 cards out of 52 show 0.37
_COLUMNS = 1000  # of what the second player sees, at most
_CHARACTERS = 6  # ways to play, at most
_MEMBERS = 8  # starts that look the same which are played
_ALONE = 8  # starts without one like it which are played
_GAMES, _PLIES = 512, 200  # side by side, and how far
_GAMES_OBJECTS, _PLIES_OBJECTS = 48, 60  # the same for games whose states are Python objects
_ROUNDS = 4
_TOLERANCE = 1e-4


def what_is_hidden(game: Game, seed: int = 0, until: float = math.inf) -> str | None:
    """A sentence where ``game`` is found to hide something; None where it is not.

    Looks until time.monotonic() is ``until``, at most.
    """
    rng = np.random.default_rng(seed)
    starts = _starts(game, rng, until)
    finding = _dealt_apart(game, starts, until)
    if finding is not None:
        return finding
    state = _comparable(game, starts)
    if state is None:
        return None
    # each start with pairs of characters; a character decides what one knows how to play
    most = _GAMES_OBJECTS if holds_objects(state) else _GAMES
    times = min(_CHARACTERS, max(2, most // length(state)))
    pairs = np.stack(np.divmod(np.arange(times, dtype=np.uint64), 2), axis=1)
    state, character = repeat(state, times), np.tile(pairs, (length(state), 1))
    for number in range(_ROUNDS):
        if number and time.monotonic() > until:
            return None
        finding = _round(game, state, character + np.uint64(_CHARACTERS * number), until)
        if finding is not None:
            return finding
    return None


def _starts(game: Game, rng: np.random.Generator, until: float) -> State:
    """_STARTS starts, as far as memory and time allow."""
    parts = [game.init(rng, _AT_ONCE)]
    while (
        len(parts) * _AT_ONCE < _STARTS
        and len(parts) * bytes_of(parts[0]) < _BYTES
        and time.monotonic() < until
    ):
        parts.append(game.init(rng, _AT_ONCE))
    return concatenate(parts)


def _dealt_apart(game: Game, state: State, until: float) -> str | None:
    """A sentence where the players see what was drawn for each alone at the starts ``state``.

    Hands of many cards never come twice.  But after one and the same move the second player sees
    what varies from start to start and goes together with nothing that the first player saw.
    """
    if game.num_players == 1:
        return None
    legal = game.legal(state)
    action = int(legal.sum(axis=0).argmax())
    rows = np.flatnonzero(legal[:, action])
    first, second = [], []
    for at in range(0, len(rows), _AT_ONCE):
        if time.monotonic() > until:
            break
        here = take(state, rows[at : at + _AT_ONCE])
        after, paid = game.step(here, np.full(length(here), action, np.int32))
        turned = paid.discount < 0
        first.append(_numbers(game.observe(take(here, turned))))
        second.append(_numbers(game.observe(take(after, turned))))
    if sum(map(len, first)) < _STARTS // 2:
        return None
    before, then = _standard(np.concatenate(first)), _standard(np.concatenate(second))
    if not then.size or len(np.unique(before, axis=0)) < _STARTS // 4:
        return None
    together = np.abs(then[:, :_COLUMNS].T @ before).max(axis=1, initial=0.0) / len(then)
    if together.min() >= _TOGETHER:
        return None
    return (
        f"{game.name} hides something from the player to move (a card, or what else is drawn at "
        "the start), which a search on copies would see: after one and the same move "
        f"({game.action_name(action)}) the second player sees what nothing that the first saw "
        "goes together with"
    )


def _numbers(obs: Obs) -> NDArray[np.float64]:
    """[B, ...], all that is seen in one row."""
    rows = [array.reshape(len(array), math.prod(array.shape[1:])) for array in leaves(obs)]
    return np.concatenate(rows, axis=1).astype(np.float64)


def _standard(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """The columns that are not nearly constant, with mean 0 and variance 1."""
    varied = (rows != np.median(rows, axis=0)).mean(axis=0) > _VARIED
    rows = rows[:, varied]
    scaled: NDArray[np.float64] = (rows - rows.mean(axis=0)) / rows.std(axis=0)
    return scaled


def _comparable(game: Game, state: State) -> State | None:
    """Starts of which many look alike, as far as there are any; None if nothing can be compared."""
    keys = _know(game, state, np.zeros(length(state), np.uint64), 0, 0)
    _, group, size = np.unique(keys, return_inverse=True, return_counts=True)
    order = np.argsort(group, kind="stable")
    rank = np.empty(len(order), np.int64)  # which of its group
    rank[order] = np.arange(len(order)) - np.searchsorted(group[order], group[order])
    alike = np.flatnonzero((size[group] > 1) & (rank < _MEMBERS))
    alone = np.flatnonzero((size[group] == 1) | (rank == 0))[:_ALONE]
    most = (_GAMES_OBJECTS if holds_objects(state) else _GAMES) // 2
    alike = alike[np.argsort(group[alike], kind="stable")]
    rows = np.unique(np.concatenate([alike[: most - _ALONE], alone]))
    if game.num_players == 1 and not len(alike):
        return None
    return take(state, rows)


def _know(
    game: Game, state: State, before: NDArray[np.uint64], number: int, seat: Int | int
) -> NDArray[np.uint64]:
    """[M] u64, what the player in ``seat`` [M] knows: what he knew ``before``, sees and may do."""
    place = np.empty((len(before), 2), np.int64)
    place[:, 0], place[:, 1] = number, seat
    return hash_rows((before, hash_rows(game.observe(state)), game.legal(state), place))[:, 0]


def _round(game: Game, state: State, character: NDArray[np.uint64], until: float) -> str | None:
    """Plays the games; a move follows from what its player knows and his ``character`` [M, 2]."""
    known = np.zeros((length(state), 2), np.uint64)  # by each seat

    def choose(turn: Turn) -> Int:
        at = turn.lane, turn.second.astype(np.int32)
        now = _know(game, turn.state, known[at], turn.number, at[1])
        legal = game.legal(turn.state)
        # one of the legal actions, by a number that counts them round and round
        nth = hash_rows((now, character[at]))[:, 0] % legal.sum(axis=1).astype(np.uint64)
        action: Int = (legal.cumsum(axis=1) > nth[:, None]).argmax(axis=1).astype(np.int32)
        known[at] = hash_rows((now, action.astype(np.uint64)))[:, 0]
        return action

    plies = min(game.max_moves, _PLIES_OBJECTS if holds_objects(state) else _PLIES)
    for turn, action, after, paid in islice(lockstep(game, state, choose), plies):
        difference = _difference(game, known[turn.lane, turn.second.astype(np.int32)], after, paid)
        if difference is not None:
            move = game.action_name(int(action[difference[0]]))
            return (
                f"{game.name} hides something from the player to move (a card, a move of the "
                f"other, or how dice will fall), which a search on copies would see: in two games "
                f"he had seen the same and done the same, yet move {turn.number + 1} ({move}) "
                f"{difference[1]}"
            )
        if time.monotonic() > until:
            return None
    return None


def _difference(
    game: Game, known: NDArray[np.uint64], after: State, paid: Transition
) -> tuple[int, str] | None:
    """The row of a game where a move brought what it did not in one ``known`` alike, and what."""
    _, first, group = np.unique(known, return_index=True, return_inverse=True)
    twin = first[group]  # [M], the game to compare with
    for values, what in ((paid.reward, "paid"), (paid.discount, "was followed by discount")):
        for row in np.flatnonzero(np.abs(values - values[twin]) > _TOLERANCE)[:1].tolist():
            return row, f"{what} {values[row]:g} in one and {values[twin[row]]:g} in the other"
    goes_on = paid.discount != 0
    legal = game.legal(after)
    for row in np.flatnonzero(goes_on & (legal != legal[twin]).any(axis=1))[:1].tolist():
        return row, "left different moves to the player after it"
    for row in np.flatnonzero(goes_on & _looks_different(game.observe(after), twin))[:1].tolist():
        return row, "led to different observations"
    return None


def _looks_different(obs: Obs, twin: NDArray[np.int64]) -> Bool:
    """[M], True where an observation is not that of the ``twin``, by more than rounding."""
    differs: Bool = np.zeros(len(twin), np.bool_)
    for array in leaves(obs):
        near = np.isclose(array, array[twin], rtol=_TOLERANCE, atol=_TOLERANCE, equal_nan=True)
        differs |= ~near.reshape(len(twin), -1).all(axis=1)
    return differs
