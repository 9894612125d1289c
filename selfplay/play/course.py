"""The course of a game: how likely a win was after each move, what each move cost, what was better.

The scale of what a move loses is that of returns: from a win to a draw is 1, to a loss 2.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np

from selfplay.lines.keys import canonical_keys, position_keys
from selfplay.play.variations import RETRY, Position, after
from selfplay.players.limits import Limit
from selfplay.players.thinking import Thinker
from selfplay.truth.base import Partial, Solver, optimal_moves
from selfplay.types import NO_ACTION, Decision, Float, Game, Player

NO_LIMIT = Limit()
SURE = 3.0  # standard errors beyond which a difference is no noise of the search
NET_ERROR = 0.06  # of one net-guided value near 0, from how two searches differ: docs/play.md
MARKS = (("blunder", 0.3), ("mistake", 0.2), ("inaccuracy", 0.1))  # lila's Advice.scala
SIGNS = {"blunder": "??", "mistake": "?", "inaccuracy": "?!", "": ""}
WORST = 3  # moves that a review shows
LINE = 5  # moves of the line that was better


class Estimate(NamedTuple):
    """What is thought of a position, for the player to move."""

    action: int  # the move to play
    value: float  # in [-1, 1], the return expected from that
    error: float  # standard error of the value; 0 where it is known, inf where it is a guess
    line: tuple[int, ...]  # the moves expected, ``action`` first


class Seen(Protocol):
    """The part of an Estimate that ``loss`` needs."""

    @property
    def action(self) -> int: ...
    @property
    def value(self) -> float: ...
    @property
    def error(self) -> float: ...


Think = Callable[[Position], Estimate]  # of a position that is not over


class Truth(NamedTuple):
    """What best play brings to the player who moved: 1 a win, 0 a draw, -1 a loss."""

    before: int  # his move
    after: int  # it


class Judged(NamedTuple):
    """A move of a game and what became of it."""

    ply: int  # moves before it
    mover: int  # 0: who moved first in the game, 1: the other
    action: int
    win: float  # probability that the first player wins, a draw counts half, after the move
    lost: float  # return that the move gave away; 0 where that may be noise
    mark: str  # "blunder", "mistake", "inaccuracy" or ""
    better: int  # the action to play instead of a marked move; NO_ACTION of others
    line: tuple[int, ...]  # the moves expected then, ``better`` first
    truth: Truth | None = None  # where a solver knows it
    punished: bool | None = None  # of a marked move: the reply kept at least half of what it gave;
    # None of others, and where no reply of the other player follows

    @property
    def may_retry(self) -> bool:
        """Whether the move lost enough to be taken back and tried again."""
        return self.lost >= RETRY


class Side(NamedTuple):
    """A player's moves of a game in sum."""

    moves: int
    loss: float  # average return that a move gave away; NaN without moves
    accuracy: float  # average over the moves, in per cent, as lichess's; NaN without moves
    inaccuracies: int
    mistakes: int
    blunders: int


def standard_error(value: float, visits: int) -> float:
    """Of a mean of ``visits`` values in [-1, 1], at most; inf where there are none.

    Wins and losses have variance 1 - value^2, everything else has less; few that are all alike say
    little.  A win or a loss without a visit has been proven.
    """
    if not visits:
        return 0.0 if abs(value) >= 1.0 else math.inf
    return math.sqrt(max(0.0, 1.0 - value * value) / visits + 1.0 / visits**2)


def error_of(player: Player, value: float, visits: int, proven: bool = False) -> float:
    """The standard error of what ``player`` thinks a position is worth; 0 where it knows.

    What a net thinks of the positions of a search scatters far less than results of games would,
    more visits do not take away where it is wrong, and a forced win is known after few.
    """
    if proven or not getattr(player, "guesses", False):
        return 0.0
    if visits and getattr(player, "net_guided", False):
        return NET_ERROR * math.sqrt(max(0.0, 1.0 - value * value))
    return standard_error(value, visits)


def expected(decision: Decision) -> float:
    """The return that the move of one position's ``decision`` is expected to bring."""
    known = float(decision.qvalues[int(decision.action)])
    return float(decision.value) if math.isnan(known) else known


def loss(
    game: Game, before: Position, action: int, best: Seen, think: Callable[[Position], Seen]
) -> float:
    """How much worse ``action`` is at ``before`` than ``best``, what is thought there.

    At least 0, and 0 where the two moves are mirror images or where the difference may be noise of
    the search.
    """
    if action == best.action:
        return 0.0
    played, rival = after(game, before, action), after(game, before, best.action)
    if _is_image(game, played, rival):
        return 0.0
    gained, error = _gained(before, played, think)
    lost = best.value - gained
    error_here = math.hypot(best.error, error)
    if lost <= SURE * error_here:
        return 0.0
    if error_here:  # a search of its own for either move: none has had more replies looked at
        other, error_there = _gained(before, rival, think)
        lost = min(lost, other - gained)
        if lost <= SURE * math.hypot(error, error_there):
            return 0.0
    return max(0.0, lost)


def _gained(
    before: Position, reached: Position, think: Callable[[Position], Seen]
) -> tuple[float, float]:
    """The return that the mover of ``before`` has from its move on, with its standard error."""
    gained = reached.paid[before.mover] - before.paid[before.mover]
    if reached.over:
        return gained, 0.0
    seen, sign = think(reached), 1 if reached.mover == before.mover else -1
    return gained + sign * seen.value, seen.error


def _is_image(game: Game, left: Position, right: Position) -> bool:
    """Whether a symmetry of the game turns one position into the other."""
    if left._replace(state=None) != right._replace(state=None):
        return False
    keys = [canonical_keys(game, each.state) for each in (left, right)]
    return bool(keys[0] == keys[1])


class Course:
    """Judges the lines of one game; a position that several have in common is thought of once.

    ``solver``: what knows the truth, wherever it does; that counts before what is thought.
    """

    def __init__(self, game: Game, think: Think, solver: Solver | None = None) -> None:
        self._game, self._think, self.solver = game, think, solver
        self._estimates: dict[int, Estimate] = {}
        self._scores: dict[int, Float | None] = {}

    def win(self, position: Position) -> float:
        """The probability that the first player wins from there, a draw counts half."""
        paid = position.paid[0]
        if not position.over:
            sign = 1 if position.mover == 0 else -1
            paid += sign * self.estimate(position).value
        return min(1.0, max(0.0, (1.0 + paid) / 2))

    def estimate(self, position: Position) -> Estimate:
        """What is thought of a position that is not over."""
        key = int(position_keys(position.state)[0])
        if key not in self._estimates:
            self._estimates[key] = self._think(position)
        return self._estimates[key]

    def judge(self, line: Sequence[Position]) -> Iterator[Judged]:
        """The moves of ``line``, positions each with what was played there, one by one.

        A marked move comes twice, the second time when its reply has been judged.
        """
        last: Judged | None = None
        for ply, before in enumerate(line):
            if before.action == NO_ACTION or before.over:
                return
            judged = self._judged(ply, before)
            if last is not None and last.mark and judged.mover != last.mover:
                yield last._replace(punished=judged.lost <= last.lost / 2)
            yield judged
            last = judged

    def _judged(self, ply: int, before: Position) -> Judged:
        game, action = self._game, before.action
        reached = after(game, before, action)
        win, scores = self.win(reached), self.scores(before)
        truth, best = None, self.estimate(before)
        if scores is None:
            lost, better = loss(game, before, action, best, self.estimate), best.action
        else:
            result = np.sign(scores)
            truth = Truth(int(np.nanmax(result)), int(result[action]))
            lost = float(truth.before - truth.after)
            optimal = optimal_moves(scores[None])[0, best.action]
            better = best.action if optimal else int(np.nanargmax(scores))
        mark = mark_of(lost)
        if not mark:
            return Judged(ply, before.mover, action, win, lost, mark, NO_ACTION, (), truth)
        line = self._line(before, best.line if better == best.action else (better,))
        return Judged(ply, before.mover, action, win, lost, mark, better, line, truth)

    def _line(self, before: Position, line: tuple[int, ...]) -> tuple[int, ...]:
        """The line of up to LINE moves that is expected at ``before`` and begins with ``line``."""
        at = before
        for action in line:
            at = after(self._game, at, action)
        while len(line) < LINE and not at.over:
            more = self.estimate(at).line
            line += more
            for action in more:
                at = after(self._game, at, action)
        return line[:LINE]

    def scores(self, position: Position) -> Float | None:
        """[A] f32, as from a Solver; None where the truth is not known."""
        solver, state = self.solver, position.state
        if solver is None or position.over:
            return None
        key = int(position_keys(state)[0])
        if key not in self._scores:
            known = not isinstance(solver, Partial) or bool(solver.solvable(state)[0])
            self._scores[key] = solver.scores(state)[0] if known else None
        return self._scores[key]


def thinking(
    game: Game, player: Player, rng: np.random.Generator, limit: Limit = NO_LIMIT
) -> Think:
    """What ``player`` thinks of positions, within ``limit`` or its own."""
    thinker = Thinker(game, player, rng)

    def think(position: Position) -> Estimate:
        *_, seen = thinker.think(position.state, limit)
        error = error_of(player, seen.value, int(seen.visits[seen.action]), seen.proven)
        return Estimate(seen.action, seen.value, error, seen.line)

    return think


def mark_of(lost: float) -> str:
    """The mark of a move that gave away so much return."""
    return next((mark for mark, least in MARKS if lost >= least), "")


def accuracy(lost: float) -> float:
    """Of a move that gave away so much return, in per cent (lichess.org/page/accuracy).

    What a move lost of the probability to win, in per cent, is 50 times the return.
    """
    return min(100.0, max(0.0, 103.1668 * math.exp(-0.04354 * 50 * lost) - 3.1669))


def by_ply(judged: Iterable[Judged]) -> list[Judged]:
    """What ``Course.judge`` told of every move in the end, in their order."""
    latest = {each.ply: each for each in judged}
    return [latest[ply] for ply in sorted(latest)]


def side_of(moves: Sequence[Judged], mover: int) -> Side:
    """One player's moves in sum."""
    own = [each for each in moves if each.mover == mover]
    marks = [each.mark for each in own]
    return Side(
        len(own),
        float(np.mean([each.lost for each in own])) if own else math.nan,
        float(np.mean([accuracy(each.lost) for each in own])) if own else math.nan,
        *(marks.count(mark) for mark, _ in reversed(MARKS)),
    )


def worst(moves: Sequence[Judged], most: int = WORST) -> list[Judged]:
    """The marked moves that lost most, ``most`` of them; of equal ones the earlier first."""
    marked = [each for each in moves if each.mark]
    return sorted(marked, key=lambda each: (-each.lost, each.ply))[:most]


def judged_json(game: Game, judged: Judged) -> dict[str, Any]:
    """A judged move as plain JSON, actions by their names."""
    name = game.action_name
    return {
        **judged._asdict(),
        "action": name(judged.action),
        "better": name(judged.better) if judged.mark else None,
        "line": [name(action) for action in judged.line],
        "truth": judged.truth._asdict() if judged.truth else None,
        "may_retry": judged.may_retry,
    }
