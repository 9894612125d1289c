"""The laws of ``selfplay/types.py``: each raises BrokenLaw, with a sentence, where it is broken.

They look at random games that were recorded (record.py).  Games and moves are counted from 1,
actions from 0.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from selfplay.arrays import leaves, take, tree_map
from selfplay.checks.boards import boards_are_drawn
from selfplay.checks.record import (
    BrokenLaw,
    Recorded,
    brief,
    call,
    check_array,
    check_record,
    check_same,
    check_same_form,
    legal_of,
    observe,
    step,
    where,
)
from selfplay.types import Bool, Float, Game, Int, LooksAhead, Obs, State, StepsWithin, Transition

_TOLERANCE = 1e-5
_METHODS = ("init", "step", "legal", "observe", "text", "action_name", "parse_action")


class _Seen(NamedTuple):
    """What a player sees of a state, and what a step makes of it."""

    obs: Obs
    legal: Bool
    after: State
    paid: Transition


def attributes_are_there(game: Game) -> None:
    for name in ("num_actions", "max_moves"):
        value = getattr(game, name, None)
        if not isinstance(value, int) or value < 1:
            raise BrokenLaw(f"{name} must be a whole number of at least 1, but is {value!r}")
    title, num_players = getattr(game, "name", None), getattr(game, "num_players", None)
    if not isinstance(title, str) or not title:
        raise BrokenLaw(f"name must be a text, but is {title!r}")
    if num_players not in (1, 2):
        raise BrokenLaw(f"num_players must be 1 or 2, but is {num_players!r}")
    for method in _METHODS:
        if not callable(getattr(game, method, None)):
            raise BrokenLaw(f"the method {method} is missing")


def init_follows_seed(game: Game, plies: list[Recorded]) -> None:
    rows = len(plies[0].running)
    first, second = (game.init(np.random.default_rng(7), rows) for _ in range(2))
    law = "init with equally seeded generators must give equal states"
    check_same(law, first, second, 0)
    check_same(law, game.observe(first), game.observe(second), 0)


def step_is_deterministic(game: Game, plies: list[Recorded]) -> None:
    law = "the same step twice must give the same"
    for ply in plies:
        after, paid = step(game, ply.state, ply.action, ply.number)
        check_same(law, ply.paid, paid, ply.number)
        check_same(law, ply.after, after, ply.number)
        check_same(law, game.observe(ply.after), game.observe(after), ply.number)


def _steps_within_a_table_are_steps(game: Game, plies: list[Recorded]) -> None:
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
        check_same(law, take(ply.paid, twice), paid, ply.number, twice)
        check_same(law, take(ply.after, twice), after, ply.number, twice)
        for column, expected in enumerate((ply.state, ply.after, ply.after, ply.after)):
            actual = tree_map(lambda array, k=column: array[:, k], table)
            check_same(law, expected, actual, ply.number)


def _ends_are_steps(game: Game, plies: list[Recorded]) -> None:
    """What is said to end the game ends it, pays as much, and nothing else does."""
    if not isinstance(game, LooksAhead):
        return
    for ply in plies:
        rows = np.arange(len(ply.running))
        for row in (rows, rows[::-1]):
            paid = take(ply.paid, row)
            expected = np.where(paid.discount == 0, paid.reward, np.float32(np.nan))
            found = game.ends(ply.state, row, ply.action[row])
            check_same("ends must say what step pays", expected, found, ply.number, row)


def _rows_are_independent(game: Game, plies: list[Recorded]) -> None:
    """Each move, one game alone and all in reverse order against the batch."""
    law = "a game must not depend on the others in its batch"
    for ply in plies:
        rows = len(ply.running)
        for index in (np.array([ply.number % rows]), np.arange(rows)[::-1]):
            state = take(ply.state, index)
            after, paid = step(game, state, ply.action[index], ply.number)
            obs, legal = game.observe(state), game.legal(state)
            expected = take(_Seen(ply.obs, ply.legal, ply.after, ply.paid), index)
            check_same(law, expected, _Seen(obs, legal, after, paid), ply.number, index)


def _discounts_are_signs(game: Game, plies: list[Recorded]) -> None:
    allowed = (-1, 0, 1) if game.num_players == 2 else (0, 1)
    for ply in plies:
        for b in np.flatnonzero(~np.isin(ply.paid.discount, allowed)).tolist():
            raise BrokenLaw(
                f"discount must be one of {allowed} with num_players = {game.num_players}, but is "
                f"{ply.paid.discount[b]:g} in {where(b, ply.number)}"
            )


def _games_end_in_time(game: Game, plies: list[Recorded]) -> None:
    for b in np.flatnonzero(plies[-1].running).tolist():
        if plies[-1].number >= game.max_moves:
            raise BrokenLaw(f"game {b + 1} still runs after max_moves = {game.max_moves} moves")


def _returns_are_bounded(game: Game, plies: list[Recorded]) -> None:
    value: Float = np.zeros(len(plies[0].running), np.float32)
    last = plies[-1]
    ended = ~last.running | (last.paid.discount == 0) | (last.number >= game.max_moves)
    for ply in reversed(plies):
        value = ply.paid.reward + ply.paid.discount * value
        for b in np.flatnonzero(ended & ~(np.abs(value) <= 1 + _TOLERANCE)).tolist():
            raise BrokenLaw(
                f"returns must lie in [-1, 1], but from {where(b, ply.number)} on the player to "
                f"move gets {value[b]:g}"
            )


def _end_is_absorbing(game: Game, plies: list[Recorded]) -> None:
    for ply in plies:
        over = np.flatnonzero(~ply.running)
        for b in over.tolist():
            if not ply.legal[b].all():
                raise BrokenLaw(
                    f"all actions are legal once a game is over, but in {where(b, ply.number)} "
                    f"legal is {ply.legal[b].astype(int).tolist()}"
                )
            if ply.paid.reward[b] != 0 or ply.paid.discount[b] != 0:
                raise BrokenLaw(
                    f"a step after the end has reward 0 and discount 0, but in "
                    f"{where(b, ply.number)} they are {ply.paid.reward[b]:g} and "
                    f"{ply.paid.discount[b]:g}"
                )
        law = "a step after the end must change nothing"
        before, after = take(ply.state, over), take(ply.after, over)
        check_same(law, before, after, ply.number, over)
        if len(over):
            check_same(law, game.observe(before), game.observe(after), ply.number, over)


def _illegal_actions_are_refused(game: Game, plies: list[Recorded]) -> None:
    """Each move, in one running game: an illegal action, and the two next to the range."""
    for ply in plies:
        running = np.flatnonzero(ply.running)
        if not len(running):
            continue
        b = int(running[ply.number % len(running)])
        for chosen in [*np.flatnonzero(~ply.legal[b])[:1].tolist(), -1, game.num_actions]:
            action = ply.action.copy()
            action[b] = chosen
            claim = f"action {chosen} is illegal in {where(b, ply.number)}, but step"
            try:
                game.step(ply.state, action)
            except ValueError:
                continue
            except Exception as error:
                raise BrokenLaw(
                    f"{claim} raised {type(error).__name__} ({error}) instead of ValueError"
                ) from error
            raise BrokenLaw(f"{claim} played it instead of raising ValueError")


def _names_are_read_back(game: Game, plies: list[Recorded]) -> None:
    names: dict[str, int] = {}
    for action in range(game.num_actions):
        name = call(f"action_name({action})", game.action_name, action)
        if not isinstance(name, str) or not name:
            raise BrokenLaw(f"action_name({action}) must be a text, but is {brief(name)}")
        if name.split() != [name]:
            raise BrokenLaw(
                f"action_name({action}) is {name!r}: records of games put a space between moves"
            )
        if name in names:
            raise BrokenLaw(f"actions {names[name]} and {action} have the same name {name!r}")
        names[name] = action
    for name, action in names.items():
        back = call(f"parse_action({name!r})", game.parse_action, name)
        if back != action:
            raise BrokenLaw(f"action {action} is named {name!r}, which is parsed as {back!r}")
    for nonsense in ("", "no such action"):
        try:
            parsed = game.parse_action(nonsense)
        except ValueError:
            continue
        except Exception as error:
            raise BrokenLaw(
                f"parse_action({nonsense!r}) raised {type(error).__name__} ({error}) instead of "
                "ValueError with a sentence for the user"
            ) from error
        raise BrokenLaw(f"parse_action({nonsense!r}) must raise ValueError; it gave {parsed!r}")


def _text_is_drawn(game: Game, plies: list[Recorded]) -> None:
    for ply in plies:
        rows = len(ply.running)
        for b in {0, rows - 1}:
            text = call(f"text in {where(b, ply.number)}", game.text, ply.state, b)
            if not isinstance(text, str) or not text.strip():
                raise BrokenLaw(
                    f"text must draw the position, but is {brief(text)} in {where(b, ply.number)}"
                )


def _symmetries_hold(game: Game, plies: list[Recorded]) -> None:
    """Mapped moves from the start must lead to transformed positions with equal pay."""
    action_map, transform = (getattr(game, name, None) for name in ("action_map", "transform"))
    if action_map is None and transform is None:
        return
    if action_map is None or not callable(transform):
        raise BrokenLaw("symmetries need both action_map and transform; one is missing")
    _check_action_map(game, action_map)
    for k in range(len(action_map)):
        _check_symmetry(game, plies, action_map[k], k)


def _check_action_map(game: Game, action_map: NDArray[Any]) -> None:
    rows = len(action_map) if isinstance(action_map, np.ndarray) else 0
    check_array("action_map", action_map, (rows, game.num_actions), np.int32)
    identity = list(range(game.num_actions))
    for k, row in enumerate(action_map):
        if sorted(row.tolist()) != identity:
            raise BrokenLaw(f"action_map[{k}] is no permutation of the actions: {row.tolist()}")
    if action_map[:1].tolist() != [identity]:
        raise BrokenLaw(f"action_map[0] must be the identity, but is {action_map[:1].tolist()}")


def _check_symmetry(game: Game, plies: list[Recorded], actions: Int, k: int) -> None:
    state = plies[0].state
    for ply in plies:
        what = f"transform of symmetry {k} at move {ply.number + 1}"
        expected = call(what, game.transform, ply.obs, k)  # type: ignore[attr-defined]
        check_record(what, expected, len(ply.running))
        check_same_form(what, ply.obs, expected, ply.number)
        law = f"symmetry {k}: transform(observe(state)) against observe after the mapped moves"
        if k and not ply.number and not all(map(np.array_equal, leaves(expected), leaves(ply.obs))):
            return  # a start that is not itself symmetric cannot be replayed
        check_same(law, expected, observe(game, state, ply.number), ply.number)
        legal = legal_of(game, state, ply.running, ply.number)[:, actions]
        for b, a in np.argwhere(legal != ply.legal).tolist():
            raise BrokenLaw(
                f"symmetry {k}: in {where(b, ply.number)}, legal[{a}] is {ply.legal[b, a]} "
                f"against {legal[b, a]} of the mapped action {actions[a]}"
            )
        try:
            state, paid = step(game, state, actions[ply.action], ply.number)
        except BrokenLaw as broken:
            raise BrokenLaw(f"symmetry {k}: {broken}") from broken
        law = f"symmetry {k}: what a move pays against what the mapped move pays"
        check_same(law, ply.paid, paid, ply.number)


Law = Callable[[Game, list[Recorded]], None]
LAWS_OF_RECORDS: tuple[Law, ...] = (
    _discounts_are_signs,
    _games_end_in_time,
    _returns_are_bounded,
    _end_is_absorbing,
    _names_are_read_back,
    _symmetries_hold,
)
LAWS_OF_STEPS: tuple[Law, ...] = (
    _rows_are_independent,
    _illegal_actions_are_refused,
    _text_is_drawn,
    boards_are_drawn,
    _steps_within_a_table_are_steps,
    _ends_are_steps,
)
