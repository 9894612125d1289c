"""What the adapters from PettingZoo and Gymnasium share: a Game over copied environments.

A position is a snapshot: an environment object that is never stepped again.  A move deep-copies it
and steps the copy, which keeps ``step`` pure and lets a search try any move from any position.
Slow (a copy takes 0.1 - 0.3 ms) and correct; write the rules as a batched Game (as
``envs/tictactoe.py`` does) when speed matters.

A copy carries the environment's random state with it, so the search would foresee chance that
comes after the reset, and it sees whatever the environment hides from the players.  Hence only
games of perfect information that are deterministic after the reset; the start may be random.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from envs import importing
from envs.adapters.copies import Probe, Snapshot, copied
from envs.adapters.encoding import BoardObs, Encoding, FlatObs
from envs.numbered import NumberedActions
from selfplay.arrays import tree_map
from selfplay.types import Bool, Int, Transition

_EPSILON = 1e-6
_MOVES_COMPARED = 8
_SECONDS_AT_FIRST = 3.0  # for them, of an environment that is slow to copy
_GAMES_WATCHED, _MOVES_WATCHED = 4, 60


class AdaptedState(NamedTuple):
    env: NDArray[np.object_]  # [B] environments, never stepped again
    observation: NDArray[Any]  # [B, ...] for the player to move
    legal: Bool  # [B, A]
    seat: NDArray[np.int8]  # [B] i8, 0 or 1: who is to move
    over: Bool  # [B]
    moves: Int  # [B] i32, since the reset
    paid: NDArray[np.float64]  # [B, 2] f64, to each seat since the reset, unscaled


class AdaptedGame(NumberedActions, ABC):
    """A Game whose rules are in copies of ``env``; subclasses reset and step them.

    ``scale`` multiplies the environment's rewards; returns must then lie in [-1, 1].  A game is cut
    off after ``max_moves``, with nothing further paid.
    """

    first_number = 0

    def __init__(
        self,
        env: Any,
        name: str,
        seats: Sequence[str],
        encoding: Encoding,
        num_actions: int,
        scale: float,
        max_moves: int,
    ) -> None:
        if not scale > 0 or max_moves < 1:
            raise ValueError(
                f"{name}: scale must be above 0 and max_moves at least 1; "
                f"got scale {scale}, max_moves {max_moves}"
            )
        self.name, self.num_actions, self.max_moves = name, num_actions, max_moves
        self.num_players = len(seats)
        self._seats, self._encoding, self._scale = tuple(seats), encoding, scale
        self._env = env
        reset, advance = partial(self._guarded, "reset"), partial(self._guarded, "step")
        self._probe = Probe(env, name, num_actions, reset, advance)
        until = time.monotonic() + _SECONDS_AT_FIRST
        if fault := self._probe.fault(1, _MOVES_COMPARED, seed=0, clocks=False, until=until):
            raise ValueError(fault)
        self._check_copies()

    def fault(self, seed: int, until: float) -> str | None:
        """The law that copies of the environment break, in a sentence; None where none is seen to.

        Looks until time.monotonic() is ``until``, at most.
        """
        return self._probe.fault(_GAMES_WATCHED, _MOVES_WATCHED, seed, until=until)

    @abstractmethod
    def _reset(self, env: Any, seed: int) -> Snapshot:
        """``env`` itself, reset with ``seed``."""

    @abstractmethod
    def _advance(self, env: Any, action: int) -> Snapshot:
        """``env`` itself, stepped by ``action``."""

    def _guarded(self, what: str, env: Any, number: int) -> Snapshot:
        """``_reset`` or ``_advance`` with a sentence for what goes wrong in the environment."""
        try:
            return self._reset(env, number) if what == "reset" else self._advance(env, number)
        except ValueError:
            raise
        except Exception as error:
            reason = f"{type(error).__name__}: {error}"
            raise ValueError(f"{self.name}: {what}({number}) raised {reason}") from error

    def _play(self, env: Any, action: int) -> Snapshot:
        """A copy of ``env`` after ``action``; ``env`` stays untouched."""
        return self._guarded("step", copied(env, self.name), action)

    def _check_copies(self) -> None:
        """Raises ValueError where copies go on otherwise than the environment they came from."""
        rng = np.random.default_rng(0)
        alone, chain = (self._guarded("reset", copied(self._env, self.name), 0) for _ in range(2))
        for move in range(_MOVES_COMPARED):
            if not np.array_equal(alone.observation, chain.observation) or alone.over != chain.over:
                raise ValueError(
                    f"copies of {self.name} forget their position: after {move} moves, a copy "
                    "for each, the observation is not that of one environment stepped "
                    "throughout; give the environment a __deepcopy__ that keeps everything"
                )
            legal = alone.legal(self.num_actions)
            if alone.over or not len(legal):
                return
            action = int(rng.choice(legal))
            chain = self._play(chain.env, action)
            alone = self._guarded("step", alone.env, action)

    def init(self, rng: np.random.Generator, batch: int) -> AdaptedState:
        state = AdaptedState(
            env=np.empty(batch, np.object_),
            observation=np.zeros((batch, *self._encoding.shape), self._encoding.dtype),
            legal=np.ones((batch, self.num_actions), np.bool_),
            seat=np.zeros(batch, np.int8),
            over=np.zeros(batch, np.bool_),
            moves=np.zeros(batch, np.int32),
            paid=np.zeros((batch, 2)),
        )
        for b, seed in enumerate(rng.integers(2**31, size=batch).tolist()):
            self._write(state, b, self._guarded("reset", copied(self._env, self.name), seed))
        return state

    def step(self, state: AdaptedState, action: Int) -> tuple[AdaptedState, Transition]:
        after: AdaptedState = tree_map(np.copy, state)
        paid = Transition(*np.zeros((2, len(action)), np.float32))
        running = np.flatnonzero(~state.over).tolist()
        for b in running:  # all before the first is played: copies are dear
            chosen = int(action[b])
            if not 0 <= chosen < self.num_actions or not state.legal[b, chosen]:
                where = f"{self.name}:\n{self.text(state, b)}"
                raise ValueError(f"action {chosen} cannot be played in {where}")
        for b in running:
            move = self._play(state.env[b], int(action[b]))
            after.moves[b] += 1
            after.paid[b] += move.paid
            self._write(after, b, move)
            self._check_paid(after, b, complete=move.over)
            seat = int(state.seat[b])
            paid.reward[b] = self._scale * self._advantage(move.paid, seat)
            if not after.over[b]:
                paid.discount[b] = 1.0 if move.seat == seat else -1.0
        return after, paid

    def legal(self, state: AdaptedState) -> Bool:
        return state.legal

    def observe(self, state: AdaptedState) -> BoardObs | FlatObs:
        return self._encoding.record(state.observation)

    def text(self, state: AdaptedState, i: int) -> str:
        """What the environment renders in mode "ansi"; else the observation."""
        env, observation = state.env[i], state.observation[i]
        if getattr(env, "render_mode", None) == "ansi":
            return str(copied(env, self.name).render()).rstrip()
        if self._encoding.board and len(observation) == 2:
            mover, other = "XO" if state.seat[i] == 0 else "OX"
            marks = np.where(observation[0], mover, np.where(observation[1], other, "."))
            return "\n".join(" ".join(row) for row in marks)
        return np.array2string(observation, threshold=400)

    def _write(self, state: AdaptedState, b: int, snapshot: Snapshot) -> None:
        """Fills row ``b``, all but the payments; ``state.moves[b]`` is up to date."""
        over = snapshot.over or bool(state.moves[b] >= self.max_moves)
        state.env[b], state.observation[b] = snapshot.env, snapshot.observation
        state.seat[b], state.over[b] = snapshot.seat, over
        if snapshot.mask is not None and snapshot.mask.shape != (self.num_actions,):
            given = f"its action mask has shape {list(snapshot.mask.shape)}"
            raise ValueError(f"{self.name} has {self.num_actions} actions, but {given}")
        state.legal[b] = True if over or snapshot.mask is None else snapshot.mask
        if not state.legal[b].any():
            raise ValueError(
                f"{self.name} goes on after {state.moves[b]} moves, but its action mask allows "
                f"nothing"
            )

    def _advantage(self, paid: Sequence[float] | NDArray[np.float64], seat: int) -> float:
        """What ``paid`` is worth to ``seat``: alone all of it, else half the lead."""
        if self.num_players == 1:
            return float(paid[0])
        return float(paid[seat] - paid[1 - seat]) / 2.0

    def _check_paid(self, state: AdaptedState, b: int, complete: bool) -> None:
        """Raises ValueError where payments since the reset break the laws of a Game."""
        paid = state.paid[b]
        total = self._scale * self._advantage(paid, 0)
        if not abs(total) <= 1.0 + _EPSILON:
            raise ValueError(
                f"{self.name} has paid {total:g} after {state.moves[b]} moves; returns must lie in "
                f"[-1, 1]: choose a smaller scale than {self._scale:g}, or fewer max_moves"
            )
        if complete and self.num_players == 2 and abs(paid.sum()) > _EPSILON:
            raise ValueError(
                f"{self.name} is not zero-sum: over one game it paid {paid[0]:g} to "
                f"{self._seats[0]} and {paid[1]:g} to {self._seats[1]}"
            )


_IN_CLASSIC = ("pygame", "chess")  # packages that the extra ``classic`` brings


def _missing(error: ImportError, module_name: str) -> str:
    """What cannot be imported, and what brings it."""
    missing = (error.name or "").partition(".")[0]
    if not isinstance(error, ModuleNotFoundError) or not missing:
        return str(error)
    if missing in module_name.split("."):
        return f"{error} (is it installed, or does it lie in the working folder?)"
    if missing in _IN_CLASSIC:
        return f"it needs the package {missing}: pip install 'selfplay[classic]'"
    return f"it needs the package {missing}, which selfplay does not bring: pip install {missing}"


def construct(target: str, options: dict[str, Any], attributes: Sequence[str]) -> Any:
    """What "module" or "module:name" makes of ``options``.

    Without a name the first of ``attributes`` that the module has is called.  Raises ValueError
    with a sentence for the user when there is nothing to call or it refuses the options.
    """
    module_name, _, name = target.partition(":")
    try:
        module = importing.load(module_name)
    except ImportError as error:
        reason = _missing(error, module_name)
        raise ValueError(f"cannot import {module_name!r}: {reason}") from error
    names = [name] if name else list(attributes)
    found = [getattr(module, each) for each in names if callable(getattr(module, each, None))]
    if not found:
        raise ValueError(f"module {module_name!r} has no {' or '.join(names)} to call")
    try:
        return found[0](**options)
    except Exception as error:  # whatever an environment makes of its options
        told = importing.told(error)
        raise ValueError(f"{target} does not accept {options}: {told}") from error
