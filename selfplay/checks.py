"""check_game: whether a Game keeps the laws of ``selfplay/types.py``, told in sentences.

Random games are played side by side and recorded; then each law looks at the record and reports its
first violation.  A game that breaks the shapes, changes its input or is not deterministic is
reported at once and looked at no further.  Games and moves are counted from 1, actions from 0.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from selfplay.arrays import leaves, take, tree_map
from selfplay.types import Bool, Float, Game, Int, Obs, State, StepsWithin, Transition

_TOLERANCE = 1e-5
_METHODS = ("init", "step", "legal", "observe", "text", "action_name", "parse_action")


class _BrokenLaw(Exception):
    """Carries the sentence that tells which law was broken where."""


class _Ply(NamedTuple):
    """One move of B games side by side, over ones included."""

    number: int  # 0 for the first move
    state: State
    running: Bool  # [B], before the move
    legal: Bool  # [B, A]
    obs: Obs
    action: Int  # [B] i32
    after: State
    paid: Transition


class _Seen(NamedTuple):
    """What a player sees of a state, and what a step makes of it."""

    obs: Obs
    legal: Bool
    after: State
    paid: Transition


def check_game(game: Game, games: int = 16, seed: int = 0) -> list[str]:
    """One sentence for each law that ``game`` breaks in random games; none when it conforms."""
    try:
        _check_attributes(game)
        plies = list(_play(game, games, np.random.default_rng(seed)))
        _init_follows_seed(game, plies)
        _step_is_deterministic(game, plies)
    except _BrokenLaw as broken:
        return [str(broken)]
    findings = []
    for law in _LAWS:
        try:
            law(game, plies)
        except _BrokenLaw as broken:
            findings.append(str(broken))
        except Exception as error:
            checked = law.__name__.strip("_").replace("_", " ")
            findings.append(f"{type(error).__name__} while checking that {checked}: {error}")
    return findings


def _check_attributes(game: Game) -> None:
    for name in ("num_actions", "max_moves"):
        value = getattr(game, name, None)
        if not isinstance(value, int) or value < 1:
            raise _BrokenLaw(f"{name} must be a whole number of at least 1, but is {value!r}")
    title, num_players = getattr(game, "name", None), getattr(game, "num_players", None)
    if not isinstance(title, str) or not title:
        raise _BrokenLaw(f"name must be a text, but is {title!r}")
    if num_players not in (1, 2):
        raise _BrokenLaw(f"num_players must be 1 or 2, but is {num_players!r}")
    for method in _METHODS:
        if not callable(getattr(game, method, None)):
            raise _BrokenLaw(f"the method {method} is missing")


# Playing -----------------------------------------------------------------------------------------


def _play(game: Game, games: int, rng: np.random.Generator) -> Iterator[_Ply]:
    """Random games, move by move, up to ``max_moves``; then one more move after the end."""
    state = _call("init", game.init, np.random.default_rng(rng.integers(2**31)), games)
    _check_record("init", state, games)
    running: Bool = np.ones(games, np.bool_)
    obs_start = None
    for number in range(game.max_moves + 1):
        copy = tree_map(np.copy, state)
        legal = _legal(game, state, running, number)
        obs = _observe(game, state, number)
        obs_start = obs if obs_start is None else obs_start
        _check_same_form("observe", obs_start, obs, number)
        action = np.array([rng.choice(np.flatnonzero(row)) for row in legal], np.int32)
        after, paid = _step(game, state, action, number)
        _check_same_form("step", state, after, number)
        _check_same("the state given to legal, observe and step changed", copy, state, number)
        ply = _Ply(number, state, running, legal, obs, action, after, paid)
        _check_same(
            "the observation of a state changed when the state was stepped",
            obs,
            _observe(game, state, number),
            number,
        )
        yield ply
        if not running.any():
            return
        running = running & (paid.discount != 0)
        state = after


def _call(what: str, function: Callable[..., Any], *arguments: Any) -> Any:
    """What the game's function returns; an exception becomes a finding."""
    try:
        return function(*arguments)
    except Exception as error:
        raise _BrokenLaw(f"{what} raised {type(error).__name__}: {error}") from error


def _legal(game: Game, state: State, running: Bool, number: int) -> Bool:
    what = f"legal at move {number + 1}"
    legal: Bool = _call(what, game.legal, state)
    _check_array(what, legal, (len(running), game.num_actions), np.bool_)
    for b in np.flatnonzero(~legal.any(axis=1)).tolist():
        end = "; once a game is over all actions are legal" if not running[b] else ""
        raise _BrokenLaw(f"no action is legal in {_where(b, number)}{end}")
    return legal


def _observe(game: Game, state: State, number: int) -> Obs:
    what = f"observe at move {number + 1}"
    obs = _call(what, game.observe, state)
    _check_record(what, obs, len(leaves(state)[0]))
    for path, array in _paths(obs):
        if array.dtype == object:
            raise _BrokenLaw(f"{what}: {path} holds Python objects, which no net can read")
        if not np.isfinite(array).all():
            row = int(np.argwhere(~np.isfinite(array))[0][0])
            raise _BrokenLaw(f"the observation's {path} is not finite in {_where(row, number)}")
    return obs


def _step(game: Game, state: State, action: Int, number: int) -> tuple[State, Transition]:
    what = f"step at move {number + 1}"
    try:
        result = game.step(state, action.copy())
    except ValueError as error:
        raise _BrokenLaw(
            f"{what} refused actions that legal allows ({action.tolist()}): {error}"
        ) from error
    except Exception as error:
        raise _BrokenLaw(f"{what} raised {type(error).__name__}: {error}") from error
    if not isinstance(result, tuple) or len(result) != 2 or not isinstance(result[1], Transition):
        raise _BrokenLaw(f"{what} must return (state, Transition), but returned {_brief(result)}")
    after, paid = result
    _check_record(what, after, len(action))
    for field, array in zip(Transition._fields, paid, strict=True):
        _check_array(f"{what}: {field}", array, (len(action),), np.float32)
    return after, paid


# Forms -------------------------------------------------------------------------------------------


def _check_array(what: str, array: Any, shape: tuple[int, ...], dtype: Any) -> None:
    expected = f"{np.dtype(dtype).name} {list(shape)}"
    if not isinstance(array, np.ndarray):
        raise _BrokenLaw(f"{what} must be an array {expected}, but is {_brief(array)}")
    if array.shape != shape or array.dtype != dtype:
        found = f"{array.dtype.name} {list(array.shape)}"
        raise _BrokenLaw(f"{what} must be {expected}, but is {found}")


def _check_record(what: str, record: Any, rows: int) -> None:
    """A NamedTuple, nested perhaps, of arrays with ``rows`` rows."""
    if not isinstance(record, tuple) or not hasattr(record, "_fields") or not record:
        raise _BrokenLaw(f"{what} must give a NamedTuple of arrays, but gave {_brief(record)}")
    for path, array in _paths(record):
        if not isinstance(array, np.ndarray):
            raise _BrokenLaw(f"{what}: {path} must be an array, but is {_brief(array)}")
        if array.ndim == 0 or len(array) != rows:
            raise _BrokenLaw(
                f"{what}: {path} must have {rows} rows, one a game, but has shape "
                f"{list(array.shape)}"
            )


def _check_same_form(what: str, first: Any, later: Any, number: int) -> None:
    """Same fields, shapes and types at move ``number`` as before."""
    forms = [
        {path: f"{array.dtype} {list(array.shape)}" for path, array in _paths(record)}
        for record in (first, later)
    ]
    if forms[0] != forms[1]:
        raise _BrokenLaw(
            f"{what} must keep fields, shapes and types: move {number + 1} has {forms[1]}, "
            f"before it was {forms[0]}"
        )


def _check_same(law: str, expected: Any, found: Any, number: int, rows: Any = None) -> None:
    """Raises where two records of one form differ; ``rows`` [B] are the games they belong to."""
    for (path, left), (_, right) in zip(_paths(expected), _paths(found), strict=True):
        if left.dtype == object:
            continue  # Python objects say nothing here; observe and legal speak for them
        if left.shape != right.shape:
            raise _BrokenLaw(f"{law}: {path} has shape {left.shape} and {right.shape}")
        same = (left == right) | ((left != left) & (right != right))
        for index in np.argwhere(~same)[:1]:
            cell, row = tuple(index), int(index[0])
            game_row = row if rows is None else int(rows[row])
            inner = f"[{', '.join(str(i) for i in cell[1:])}]" if len(cell) > 1 else ""
            raise _BrokenLaw(
                f"{law}: in {_where(game_row, number)}, {path}{inner} is {left[cell]} "
                f"against {right[cell]}"
            )


def _paths(record: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """The arrays of a record with their names, depth first."""
    for name, value in zip(record._fields, record, strict=True):
        if isinstance(value, tuple):
            yield from _paths(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _where(row: int, number: int) -> str:
    return f"game {row + 1}, move {number + 1}"


def _brief(value: Any) -> str:
    text = repr(value)
    return f"{type(value).__name__} {text if len(text) <= 60 else text[:57] + '...'}"


# Laws: each raises _BrokenLaw at its first violation ---------------------------------------------


def _init_follows_seed(game: Game, plies: list[_Ply]) -> None:
    rows = len(plies[0].running)
    first, second = (game.init(np.random.default_rng(7), rows) for _ in range(2))
    law = "init with equally seeded generators must give equal states"
    _check_same(law, first, second, 0)
    _check_same(law, game.observe(first), game.observe(second), 0)


def _step_is_deterministic(game: Game, plies: list[_Ply]) -> None:
    law = "the same step twice must give the same"
    for ply in plies:
        after, paid = _step(game, ply.state, ply.action, ply.number)
        _check_same(law, ply.paid, paid, ply.number)
        _check_same(law, ply.after, after, ply.number)
        _check_same(law, game.observe(ply.after), game.observe(after), ply.number)


def _steps_within_a_table_are_steps(game: Game, plies: list[_Ply]) -> None:
    """From place to place as by itself, and nothing else in the table changes."""
    if not isinstance(game, StepsWithin):
        return
    law = "step_within must do what step does"
    rng = np.random.default_rng(0)
    for ply in plies:
        rows = rng.permutation(len(ply.running))
        twice = np.concatenate([rows, rows])  # a lane may come more than once
        table = tree_map(lambda a, b: np.stack([a, b, a, b], axis=1), ply.state, ply.after)
        at = np.zeros_like(twice, np.int32)
        to = np.repeat(np.array([2, 3], np.int32), len(rows))
        after, paid = game.step_within(table, twice, at, ply.action[twice], to)
        _check_same(law, take(ply.paid, twice), paid, ply.number, twice)
        _check_same(law, take(ply.after, twice), after, ply.number, twice)
        for column, expected in enumerate((ply.state, ply.after, ply.after, ply.after)):
            found = tree_map(lambda array, k=column: array[:, k], table)
            _check_same(law, expected, found, ply.number)


def _rows_are_independent(game: Game, plies: list[_Ply]) -> None:
    """Each move, one game alone and all in reverse order against the batch."""
    law = "a game must not depend on the others in its batch"
    for ply in plies:
        rows = len(ply.running)
        for index in (np.array([ply.number % rows]), np.arange(rows)[::-1]):
            state = take(ply.state, index)
            after, paid = _step(game, state, ply.action[index], ply.number)
            obs, legal = game.observe(state), game.legal(state)
            expected = take(_Seen(ply.obs, ply.legal, ply.after, ply.paid), index)
            _check_same(law, expected, _Seen(obs, legal, after, paid), ply.number, index)


def _discounts_are_signs(game: Game, plies: list[_Ply]) -> None:
    allowed = (-1, 0, 1) if game.num_players == 2 else (0, 1)
    for ply in plies:
        for b in np.flatnonzero(~np.isin(ply.paid.discount, allowed)).tolist():
            raise _BrokenLaw(
                f"discount must be one of {allowed} with num_players = {game.num_players}, but is "
                f"{ply.paid.discount[b]:g} in {_where(b, ply.number)}"
            )


def _games_end_in_time(game: Game, plies: list[_Ply]) -> None:
    for b in np.flatnonzero(plies[-1].running).tolist():
        if plies[-1].number >= game.max_moves:
            raise _BrokenLaw(f"game {b + 1} still runs after max_moves = {game.max_moves} moves")


def _returns_are_bounded(game: Game, plies: list[_Ply]) -> None:
    value: Float = np.zeros(len(plies[0].running), np.float32)
    for ply in reversed(plies):
        value = ply.paid.reward + ply.paid.discount * value
        for b in np.flatnonzero(~(np.abs(value) <= 1 + _TOLERANCE)).tolist():
            raise _BrokenLaw(
                f"returns must lie in [-1, 1], but from {_where(b, ply.number)} on the player to "
                f"move gets {value[b]:g}"
            )


def _end_is_absorbing(game: Game, plies: list[_Ply]) -> None:
    for ply in plies:
        over = np.flatnonzero(~ply.running)
        for b in over.tolist():
            if not ply.legal[b].all():
                raise _BrokenLaw(
                    f"all actions are legal once a game is over, but in {_where(b, ply.number)} "
                    f"legal is {ply.legal[b].astype(int).tolist()}"
                )
            if ply.paid.reward[b] != 0 or ply.paid.discount[b] != 0:
                raise _BrokenLaw(
                    f"a step after the end has reward 0 and discount 0, but in "
                    f"{_where(b, ply.number)} they are {ply.paid.reward[b]:g} and "
                    f"{ply.paid.discount[b]:g}"
                )
        law = "a step after the end must change nothing"
        before, after = take(ply.state, over), take(ply.after, over)
        _check_same(law, before, after, ply.number, over)
        if len(over):
            _check_same(law, game.observe(before), game.observe(after), ply.number, over)


def _illegal_actions_are_refused(game: Game, plies: list[_Ply]) -> None:
    """Each move, in one running game: an illegal action, and the two next to the range."""
    for ply in plies:
        running = np.flatnonzero(ply.running)
        if not len(running):
            continue
        b = int(running[ply.number % len(running)])
        for chosen in [*np.flatnonzero(~ply.legal[b])[:1].tolist(), -1, game.num_actions]:
            action = ply.action.copy()
            action[b] = chosen
            where = f"action {chosen} is illegal in {_where(b, ply.number)}, but step"
            try:
                game.step(ply.state, action)
            except ValueError:
                continue
            except Exception as error:
                raise _BrokenLaw(
                    f"{where} raised {type(error).__name__} ({error}) instead of ValueError"
                ) from error
            raise _BrokenLaw(f"{where} played it instead of raising ValueError")


def _names_are_read_back(game: Game, plies: list[_Ply]) -> None:
    names: dict[str, int] = {}
    for action in range(game.num_actions):
        name = _call(f"action_name({action})", game.action_name, action)
        if not isinstance(name, str) or not name:
            raise _BrokenLaw(f"action_name({action}) must be a text, but is {_brief(name)}")
        if name in names:
            raise _BrokenLaw(f"actions {names[name]} and {action} have the same name {name!r}")
        names[name] = action
    for name, action in names.items():
        back = _call(f"parse_action({name!r})", game.parse_action, name)
        if back != action:
            raise _BrokenLaw(f"action {action} is named {name!r}, which is parsed as {back!r}")
    for nonsense in ("", "no such action"):
        try:
            parsed = game.parse_action(nonsense)
        except ValueError:
            continue
        except Exception as error:
            raise _BrokenLaw(
                f"parse_action({nonsense!r}) raised {type(error).__name__} ({error}) instead of "
                "ValueError with a sentence for the user"
            ) from error
        raise _BrokenLaw(f"parse_action({nonsense!r}) must raise ValueError; it gave {parsed!r}")


def _text_is_drawn(game: Game, plies: list[_Ply]) -> None:
    for ply in plies:
        rows = len(ply.running)
        for b in {0, rows - 1}:
            text = _call(f"text in {_where(b, ply.number)}", game.text, ply.state, b)
            if not isinstance(text, str) or not text.strip():
                raise _BrokenLaw(
                    f"text must draw the position, but is {_brief(text)} in {_where(b, ply.number)}"
                )


def _symmetries_hold(game: Game, plies: list[_Ply]) -> None:
    """Mapped moves from the start must lead to transformed positions with equal pay."""
    action_map, transform = (getattr(game, name, None) for name in ("action_map", "transform"))
    if action_map is None and transform is None:
        return
    if action_map is None or not callable(transform):
        raise _BrokenLaw("symmetries need both action_map and transform; one is missing")
    _check_action_map(game, action_map)
    for k in range(len(action_map)):
        _check_symmetry(game, plies, action_map[k], k)


def _check_action_map(game: Game, action_map: NDArray[Any]) -> None:
    rows = len(action_map) if isinstance(action_map, np.ndarray) else 0
    _check_array("action_map", action_map, (rows, game.num_actions), np.int32)
    identity = list(range(game.num_actions))
    for k, row in enumerate(action_map):
        if sorted(row.tolist()) != identity:
            raise _BrokenLaw(f"action_map[{k}] is no permutation of the actions: {row.tolist()}")
    if action_map[:1].tolist() != [identity]:
        raise _BrokenLaw(f"action_map[0] must be the identity, but is {action_map[:1].tolist()}")


def _check_symmetry(game: Game, plies: list[_Ply], actions: Int, k: int) -> None:
    state = plies[0].state
    for ply in plies:
        what = f"transform of symmetry {k} at move {ply.number + 1}"
        expected = _call(what, game.transform, ply.obs, k)  # type: ignore[attr-defined]
        _check_record(what, expected, len(ply.running))
        _check_same_form(what, ply.obs, expected, ply.number)
        law = f"symmetry {k}: transform(observe(state)) against observe after the mapped moves"
        if k and not ply.number and not _equal(expected, ply.obs):
            return  # a start that is not itself symmetric cannot be replayed
        _check_same(law, expected, _observe(game, state, ply.number), ply.number)
        legal = _legal(game, state, ply.running, ply.number)[:, actions]
        for b, a in np.argwhere(legal != ply.legal).tolist():
            raise _BrokenLaw(
                f"symmetry {k}: in {_where(b, ply.number)}, legal[{a}] is {ply.legal[b, a]} "
                f"against {legal[b, a]} of the mapped action {actions[a]}"
            )
        try:
            state, paid = _step(game, state, actions[ply.action], ply.number)
        except _BrokenLaw as broken:
            raise _BrokenLaw(f"symmetry {k}: {broken}") from broken
        law = f"symmetry {k}: what a move pays against what the mapped move pays"
        _check_same(law, ply.paid, paid, ply.number)


def _equal(left: Any, right: Any) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(leaves(left), leaves(right), strict=True))


_LAWS: tuple[Callable[[Game, list[_Ply]], None], ...] = (
    _rows_are_independent,
    _discounts_are_signs,
    _games_end_in_time,
    _returns_are_bounded,
    _end_is_absorbing,
    _illegal_actions_are_refused,
    _names_are_read_back,
    _text_is_drawn,
    _symmetries_hold,
    _steps_within_a_table_are_steps,
)
