"""check_game: whether a Game keeps the laws of ``selfplay/types.py``, told in sentences.

Random games are played side by side and recorded; then each law looks at the record and reports its
first violation.  A game that breaks the shapes, changes its input or is not deterministic is
reported at once and looked at no further.

Where time is short, fewer games are played, not to their ends, and the laws that step again look at
moves here and there.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np

from selfplay.checks.hidden import what_is_hidden
from selfplay.checks.laws import (
    LAWS_OF_RECORDS,
    LAWS_OF_STEPS,
    attributes_are_there,
    init_follows_seed,
    step_is_deterministic,
)
from selfplay.checks.record import (
    BrokenLaw,
    Recorded,
    call,
    check_record,
    legal_of,
    observe,
    random_games,
    step,
)
from selfplay.types import Game

_SHARE = 0.15  # of the seconds, for each of: other's rules, playing, stepping again, what is hidden
_FORESEEN = 20  # moves of a game that are to be possible in its share of the time


@runtime_checkable
class Adapted(Game, Protocol):
    """A Game whose rules are an environment that somebody else has written."""

    def fault(self, seed: int, until: float) -> str | None:
        """The law that copies of the environment break, in a sentence; None where none is seen to.

        Looks until time.monotonic() is ``until``, at most.
        """


class Examination(NamedTuple):
    """What was found out about a game, and how much of it was looked at."""

    findings: list[str]  # a sentence for each law that is broken
    games: int  # played at random, side by side
    ended: int  # of them
    moves: int  # that were played
    taken_again: int  # of them


def check_game(game: Game, games: int = 16, seed: int = 0) -> list[str]:
    """One sentence for each law that ``game`` breaks in random games; none when it conforms."""
    return examine(game, games, seed).findings


def examine(
    game: Game,
    games: int = 16,
    seed: int = 0,
    seconds: float = math.inf,
    tell: Callable[[str], None] = lambda _: None,
) -> Examination:
    """As ``check_game``, in about ``seconds``; ``tell`` hears what is being done."""
    plies: list[Recorded] = []
    few: list[Recorded] = []
    try:
        attributes_are_there(game)
        if isinstance(game, Adapted):
            _environment_is_fair(game, seed, seconds, tell)
        tell("playing random games")
        rows = _affordable(game, games, seconds)
        began = time.monotonic()
        rng = np.random.default_rng(seed)
        plies += random_games(game, rows, rng, began + _SHARE * seconds)
        took = max(time.monotonic() - began, 1e-9)
        few = _spread(plies, math.ceil(len(plies) * min(1.0, _SHARE * seconds / (4 * took))))
        tell("taking their moves again")
        init_follows_seed(game, plies)
        step_is_deterministic(game, few)
        findings = _broken_laws(game, plies, few, tell)
    except BrokenLaw as broken:
        findings = [str(broken)]
    if not findings and not isinstance(game, Adapted):  # of a broken game it would be said in vain
        tell("looking for what is hidden")
        try:
            hidden = what_is_hidden(game, seed, time.monotonic() + _SHARE * seconds)
            findings = [] if hidden is None else [hidden]
        except Exception as error:
            findings = [f"{type(error).__name__} while looking for what is hidden: {error}"]
    if not plies:
        return Examination(findings, 0, 0, 0, 0)
    last = plies[-1]
    ended = ~last.running | (last.paid.discount == 0)
    moves, again = (int(sum(ply.running.sum() for ply in part)) for part in (plies, few))
    return Examination(findings, len(ended), int(ended.sum()), moves, again)


def _broken_laws(
    game: Game, plies: list[Recorded], few: list[Recorded], tell: Callable[[str], None]
) -> list[str]:
    """The sentences of the laws that look at the record, and of those that step again."""
    findings = []
    for law in (*LAWS_OF_RECORDS, *LAWS_OF_STEPS):
        tell(_title(law))
        try:
            law(game, plies if law in LAWS_OF_RECORDS else few)
        except BrokenLaw as broken:
            findings.append(str(broken))
        except Exception as error:
            findings.append(f"{type(error).__name__} while checking that {_title(law)}: {error}")
    return findings


def _title(law: Callable[..., None]) -> str:
    return law.__name__.strip("_").replace("_", " ")


def _affordable(game: Game, games: int, seconds: float) -> int:
    """As many of the ``games`` as go _FORESEEN moves in their share of the time, at least one."""
    if math.isinf(seconds):
        return games
    for _ in range(2):  # the first time kernels may have to be compiled
        began = time.monotonic()
        state = call("init", game.init, np.random.default_rng(0), 1)
        check_record("init", state, 1)
        legal = legal_of(game, state, np.ones(1, np.bool_), 0)
        observe(game, state, 0)
        step(game, state, legal.argmax(axis=1).astype(np.int32), 0)
    moves = _FORESEEN * max(time.monotonic() - began, 1e-9)
    return max(1, min(games, int(_SHARE * seconds / moves)))


def _spread(plies: list[Recorded], count: int) -> list[Recorded]:
    """``count`` of the plies, evenly spread, the first and the last among them."""
    chosen = np.unique(np.linspace(0, len(plies) - 1, count).round().astype(int))
    return [plies[i] for i in chosen]


def _environment_is_fair(
    game: Adapted, seed: int, seconds: float, tell: Callable[[str], None]
) -> None:
    """Copies are the whole of it and nothing is hidden; before its returns are looked at."""
    tell("looking at copies")
    fault = game.fault(seed, time.monotonic() + _SHARE * seconds)
    if fault is not None:
        raise BrokenLaw(fault)
    tell("looking for what is hidden")
    try:
        hidden = what_is_hidden(game, seed, time.monotonic() + _SHARE * seconds)
    except ValueError:  # a step that pays too much, for one: random games will come to it
        return
    if hidden is not None:
        raise BrokenLaw(hidden)
