"""Copies of environments, and whether a copy is the whole of one.

A search steps copies.  That finds the truth only where nothing outside a copy decides what a step
does (another generator, the clock, state kept in a module, a class or a closure), where the start
follows its seed, and where no dice are thrown after it: a copy knows how they will fall.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from envs.adapters.outside import Shared, clock_showing, generators, random_state, reseed, wrapped
from selfplay.types import Bool

_LATER_S = (0.37, 1.0, 12_345.0, 400_000_000.25)  # another fraction, second, hour and year
_REPEATED = 4  # times that a step is taken where chance might not show at once
_RESEEDED = 3  # other dice that are tried wherever some are thrown
_now = time.monotonic  # the clock itself, also while environments see another


class Snapshot(NamedTuple):
    """One environment and what it said when it was reset or stepped."""

    env: Any  # never stepped again
    observation: NDArray[Any]  # encoded, for the player to move
    mask: Bool | None  # [A], None where everything is legal
    seat: int  # 0 or 1: who is to move
    over: bool
    paid: tuple[float, float]  # to seats 0 and 1 by the move that led here

    def legal(self, num_actions: int) -> NDArray[np.intp]:
        """The actions that the mask allows."""
        return np.arange(num_actions) if self.mask is None else np.flatnonzero(self.mask)


Taken = tuple[Snapshot, int, Snapshot]  # a move of a recorded game: before, action, after


class Probe(NamedTuple):
    """Plays random games with copies of ``env`` and looks for what a search must not meet."""

    env: Any
    name: str
    num_actions: int
    reset: Callable[[Any, int], Snapshot]  # acts on the environment given, with a seed
    advance: Callable[[Any, int], Snapshot]  # so does this, with an action

    def fault(
        self, games: int, moves: int, seed: int, clocks: bool = True, until: float = math.inf
    ) -> str | None:
        """The sentence that names the law which copies break; None where none is seen to break.

        ``until``: the time.monotonic() at which to stop looking.
        """
        shared = Shared()
        rng = np.random.default_rng(seed)
        taken: list[Taken] = []
        try:
            for _ in range(games):
                if found := self._watch(moves, rng, clocks, until, taken):
                    return found
            for before, action, after in reversed(taken):  # all others were played meanwhile
                if _now() < until and not _alike(self._step(before, action), after):
                    return self._outside(action)
        finally:
            shared.restore()
        return None

    def _watch(
        self, moves: int, rng: np.random.Generator, clocks: bool, until: float, taken: list[Taken]
    ) -> str | None:
        """Looks at one game, move by move, and adds it to ``taken``."""
        start = int(rng.integers(2**31))
        at = self.reset(copied(self.env, self.name), start)
        for _ in range(_REPEATED):
            Shared().reseed(int(rng.integers(2**31)))
            twin = self.reset(copied(self.env, self.name), start)
            if not _alike(at, twin):
                break
        others: list[Snapshot] = []  # where other dice have led, which may show only later
        for number in range(moves):
            if not _alike(at, twin):
                for before, action, after in taken * _REPEATED:  # chance may have hidden itself
                    if not _alike(self._step(before, action), after):
                        return self._outside(action)
                return (
                    f"the start of {self.name} does not follow its seed: reset twice with the "
                    f"same seed, it goes on otherwise after {number} equal moves; draw only from "
                    "generators that reset seeds"
                )
            legal = at.legal(self.num_actions)
            if at.over or not len(legal) or _now() > until:
                return None
            action = int(rng.choice(legal))
            shared = Shared()
            after = self._step(at, action)
            if source := shared.drawn_from():
                return (
                    f"{self.name} draws from {source} in a step: that generator lies outside the "
                    "copy that a search steps, and equal moves need not lead to the same"
                )
            others = [self._step(each, action) for each in others]
            others += self._with_other_dice(at, action, after, rng)
            if not all(_alike(each, after) for each in others):
                return throws_dice(self.name, action)
            if found := self._repeats(at, action, after, clocks):
                return found
            taken.append((at, action, after))
            at, twin, others = after, self._step(twin, action), others[:_RESEEDED]
        return None

    def _step(self, at: Snapshot, action: int) -> Snapshot:
        return self.advance(copied(at.env, self.name), action)

    def _with_other_dice(
        self, at: Snapshot, action: int, after: Snapshot, rng: np.random.Generator
    ) -> Iterator[Snapshot]:
        """Where the same step leads with other dice, if it throws some."""
        stood = [random_state(each) for each in generators(at.env)]
        if stood == [random_state(each) for each in generators(after.env)]:
            return
        for _ in range(_RESEEDED):
            env = copied(at.env, self.name)
            for each in generators(env):
                reseed(each, int(rng.integers(2**31)))
            yield self.advance(env, action)

    def _repeats(self, at: Snapshot, action: int, after: Snapshot, clocks: bool) -> str | None:
        """Whether the same step of another copy does the same, now and at other times."""
        shown: list[Snapshot] = []
        for later in (*[0.0] * _REPEATED, *_LATER_S) if clocks else ():
            with clock_showing(at.env, later):
                shown.append(self._step(at, action))
        twins = [(shown[0], each) for each in shown[1:_REPEATED]]
        if not all(_alike(*pair) for pair in [*twins, (self._step(at, action), after)]):
            return self._outside(action)
        if not all(_alike(after, each) for each in shown):
            return (
                f"{self.name} asks the clock: action {action} in one and the same position has "
                "another outcome at another time, so a search cannot know what it does"
            )
        return None

    def _outside(self, action: int) -> str:
        return (
            f"{self.name} has state outside the copy that a search steps (in a module, a class or "
            f"a closure, or chance that no seed reaches): action {action} in one and the same "
            "position had two outcomes"
        )


def throws_dice(name: str, action: int) -> str:
    """The sentence for an environment that is not deterministic after the reset."""
    return (
        f"{name} throws dice: action {action} in one and the same position had two outcomes; only "
        "environments that are deterministic after the reset can be searched (FrozenLake, for one, "
        "is with is_slippery=false)"
    )


def _alike(left: Snapshot, right: Snapshot) -> bool:
    """Whether two environments have said the same."""
    masks = [None if each.mask is None else each.mask.tolist() for each in (left, right)]
    return (
        (left.seat, left.over, left.paid) == (right.seat, right.over, right.paid)
        and masks[0] == masks[1]
        and np.array_equal(left.observation, right.observation, equal_nan=True)
    )


def copied(env: Any, name: str) -> Any:
    """A deep copy; raises ValueError with a sentence for the user when ``env`` cannot be copied.

    An EzPickle environment would deep-copy into a new one that forgot its position, so the copy is
    made attribute by attribute, down the chain of wrappers (unless a class has ``__deepcopy__``).
    """
    try:
        chain = list(wrapped(env))
        plain = [each for each in chain if not hasattr(type(each), "__deepcopy__")]
        memo: dict[int, Any] = {id(each): object.__new__(type(each)) for each in plain}
        for each in plain:
            inside = {name: _copied(value, memo) for name, value in vars(each).items()}
            memo[id(each)].__dict__.update(inside)
        return copy.deepcopy(env, memo)
    except Exception as error:
        raise ValueError(
            f"{name} cannot be copied ({type(error).__name__}: {error}); "
            "a search needs copies (no windows, files or sockets inside the environment)"
        ) from error


_ATOMS = {int, float, complex, bool, str, bytes, type(None)}


def _copied(value: Any, memo: dict[int, Any]) -> Any:
    """As copy.deepcopy, but four times as fast on the tables of numbers that rules often are."""
    kind = type(value)
    if kind in _ATOMS or (kind is tuple and _ATOMS.issuperset(map(type, value))):
        return value
    if kind is not list and kind is not dict:
        return copy.deepcopy(value, memo)
    made = memo.get(id(value))
    if made is not None:
        return made
    if kind is dict:
        made = memo[id(value)] = {}
        for key, part in value.items():
            made[_copied(key, memo)] = _copied(part, memo)
    else:
        made = memo[id(value)] = []
        made.extend([_copied(part, memo) for part in value])
    return made
