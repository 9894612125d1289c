"""Random games of one game side by side, recorded move by move, every answer's form looked at."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from selfplay.arrays import leaves, names_of, tree_map
from selfplay.types import Bool, Game, Int, Obs, State, Transition


class Recorded(NamedTuple):
    """One move of B games side by side, over ones included."""

    number: int  # 0 for the first move
    state: State
    running: Bool  # [B], before the move
    legal: Bool  # [B, A]
    obs: Obs
    action: Int  # [B] i32
    after: State
    paid: Transition


def random_games(
    game: Game, games: int, rng: np.random.Generator, until: float
) -> Iterator[Recorded]:
    """Random games, move by move, up to ``max_moves``; then one more move after the end.

    Stops when time.monotonic() is ``until``, but not before the first move.
    """
    state = call("init", game.init, np.random.default_rng(rng.integers(2**31)), games)
    check_record("init", state, games)
    running: Bool = np.ones(games, np.bool_)
    obs_start = None
    for number in range(game.max_moves + 1):
        copy = tree_map(np.copy, state)
        legal = legal_of(game, state, running, number)
        obs = observe(game, state, number)
        obs_start = obs if obs_start is None else obs_start
        check_same_form("observe", obs_start, obs, number)
        action = np.array([rng.choice(np.flatnonzero(row)) for row in legal], np.int32)
        after, paid = step(game, state, action, number)
        check_same_form("step", state, after, number)
        check_same("the state given to legal, observe and step changed", copy, state, number)
        ply = Recorded(number, state, running, legal, obs, action, after, paid)
        check_same(
            "the observation of a state changed when the state was stepped",
            obs,
            observe(game, state, number),
            number,
        )
        yield ply
        if not running.any() or time.monotonic() > until:
            return
        running = running & (paid.discount != 0)
        state = after


def call(what: str, function: Callable[..., Any], *arguments: Any) -> Any:
    """What the game's function returns; an exception becomes a finding."""
    try:
        return function(*arguments)
    except Exception as error:
        raise BrokenLaw(f"{what} raised {type(error).__name__}: {error}") from error


def legal_of(game: Game, state: State, running: Bool, number: int) -> Bool:
    what = f"legal at move {number + 1}"
    legal: Bool = call(what, game.legal, state)
    check_array(what, legal, (len(running), game.num_actions), np.bool_)
    for b in np.flatnonzero(~legal.any(axis=1)).tolist():
        end = "; once a game is over all actions are legal" if not running[b] else ""
        raise BrokenLaw(f"no action is legal in {where(b, number)}{end}")
    return legal


def observe(game: Game, state: State, number: int) -> Obs:
    what = f"observe at move {number + 1}"
    obs = call(what, game.observe, state)
    check_record(what, obs, len(leaves(state)[0]))
    for path, array in paths(obs):
        if array.dtype == object:
            raise BrokenLaw(f"{what}: {path} holds Python objects, which no net can read")
        if not np.isfinite(array).all():
            row = int(np.argwhere(~np.isfinite(array))[0][0])
            raise BrokenLaw(f"the observation's {path} is not finite in {where(row, number)}")
    return obs


def step(game: Game, state: State, action: Int, number: int) -> tuple[State, Transition]:
    what = f"step at move {number + 1}"
    try:
        result = game.step(state, action.copy())
    except ValueError as error:
        raise BrokenLaw(
            f"{what} refused actions that legal allows ({action.tolist()}): {error}"
        ) from error
    except Exception as error:
        raise BrokenLaw(f"{what} raised {type(error).__name__}: {error}") from error
    if not isinstance(result, tuple) or len(result) != 2 or not isinstance(result[1], Transition):
        raise BrokenLaw(f"{what} must return (state, Transition), but returned {brief(result)}")
    after, paid = result
    check_record(what, after, len(action))
    for field, array in zip(Transition._fields, paid, strict=True):
        check_array(f"{what}: {field}", array, (len(action),), np.float32)
    return after, paid


# Forms -------------------------------------------------------------------------------------------


class BrokenLaw(Exception):
    """Carries the sentence that tells which law was broken where."""


def check_array(what: str, array: Any, shape: tuple[int, ...], dtype: Any) -> None:
    expected = f"{np.dtype(dtype).name} {list(shape)}"
    if not isinstance(array, np.ndarray):
        raise BrokenLaw(f"{what} must be an array {expected}, but is {brief(array)}")
    if array.shape != shape or array.dtype != dtype:
        actual = f"{array.dtype.name} {list(array.shape)}"
        raise BrokenLaw(f"{what} must be {expected}, but is {actual}")


def check_record(what: str, record: Any, rows: int) -> None:
    """A NamedTuple, nested perhaps, of arrays with ``rows`` rows."""
    if not isinstance(record, tuple) or not hasattr(record, "_fields") or not record:
        raise BrokenLaw(f"{what} must give a NamedTuple of arrays, but gave {brief(record)}")
    for path, array in paths(record):
        if not isinstance(array, np.ndarray):
            raise BrokenLaw(f"{what}: {path} must be an array, but is {brief(array)}")
        if array.ndim == 0 or len(array) != rows:
            raise BrokenLaw(
                f"{what}: {path} must have {rows} rows, one a game, but has shape "
                f"{list(array.shape)}"
            )


def check_same_form(what: str, first: Any, later: Any, number: int) -> None:
    """Same fields, shapes and types at move ``number`` as before."""
    forms = [
        {path: f"{array.dtype} {list(array.shape)}" for path, array in paths(record)}
        for record in (first, later)
    ]
    if forms[0] != forms[1]:
        raise BrokenLaw(
            f"{what} must keep fields, shapes and types: move {number + 1} has {forms[1]}, "
            f"before it was {forms[0]}"
        )


def check_same(law: str, expected: Any, actual: Any, number: int, rows: Any = None) -> None:
    """Raises where two records of one form differ; ``rows`` [B] are the games they belong to."""
    for (path, left), (_, right) in zip(paths(expected), paths(actual), strict=True):
        if left.dtype == object:
            continue  # Python objects say nothing here; observe and legal speak for them
        if left.shape != right.shape:
            raise BrokenLaw(f"{law}: {path} has shape {left.shape} and {right.shape}")
        same = (left == right) | ((left != left) & (right != right))
        for index in np.argwhere(~same)[:1]:
            cell, row = tuple(index), int(index[0])
            game_row = row if rows is None else int(rows[row])
            inner = f"[{', '.join(str(i) for i in cell[1:])}]" if len(cell) > 1 else ""
            raise BrokenLaw(
                f"{law}: in {where(game_row, number)}, {path}{inner} is {left[cell]} "
                f"against {right[cell]}"
            )


def paths(record: Any) -> Iterator[tuple[str, Any]]:
    """The arrays of a record with their names, depth first."""
    return zip(names_of(record, between="."), leaves(record), strict=True)


def where(row: int, number: int) -> str:
    return f"game {row + 1}, move {number + 1}"


def brief(value: Any) -> str:
    text = repr(value)
    return f"{type(value).__name__} {text if len(text) <= 60 else text[:57] + '...'}"
