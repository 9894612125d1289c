"""What happens between a person and an agent, without a screen: moves, undo, what is thought."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Generic, NamedTuple, TypeVar

import numpy as np

from selfplay.arrays import take
from selfplay.lines.keys import canonical_keys
from selfplay.types import Decision, Game, Player, State

NOT_PLAYED = -1  # the action of a position that is still to be decided
SURE = 3.0  # standard errors beyond which a difference is no noise of the search


class Position(NamedTuple):
    """A position of the game, and what was played there."""

    state: State  # [1]
    mover: int  # 0: who moved first, 1: the other
    over: bool
    paid: tuple[float, float]  # to either player since the start
    action: int = NOT_PLAYED


class Opinion(NamedTuple):
    """What the agent thinks of a position; everything for the player to move."""

    action: int  # the move it would play
    value: float  # in [-1, 1], the return it expects from that
    decision: Decision  # [A] and scalars: where the move comes from
    net: Decision | None  # [A] and scalars: what its net said before the search, if it has one
    error: float  # standard error of the value; 0 where it is known, inf where it is a guess


Thought = TypeVar("Thought")


class Session(Generic[Thought]):
    """The course of a game from its start, in which any move may be taken back.

    ``side`` is the person's: 0 moves first, 1 second (one-player games have 0 only).  What a
    subclass thinks of a position is kept as long as the position is.
    """

    ended = "the game is over: there is nothing left to think about"
    begins = "there is no move of yours to take back"

    def __init__(self, game: Game, side: int, rng: np.random.Generator) -> None:
        if side and game.num_players == 1:
            raise ValueError(f"{game.name} has one player: there is no second side to play")
        self.game, self.side, self._rng = game, side, rng
        self.restart()

    def restart(self) -> None:
        """Begins a new game."""
        start = self.game.init(self._rng, 1)
        self.history = [Position(start, 0, False, (0.0, 0.0))]
        self._opinions: dict[int, Thought] = {}  # by ply

    @property
    def now(self) -> Position:
        """The position to be decided, or the last one of a finished game."""
        return self.history[-1]

    @property
    def is_persons_turn(self) -> bool:
        """True when the person is to move."""
        return not self.now.over and self.now.mover == self.side

    def legal(self) -> list[int]:
        """The actions that may be played; none once the game is over."""
        if self.now.over:
            return []
        actions: list[int] = np.flatnonzero(self.game.legal(self.now.state)[0]).tolist()
        return actions

    def parse(self, text: str) -> int:
        """The legal action that ``text`` names; raises ValueError with a sentence."""
        action = self.game.parse_action(text)
        legal = self.legal()
        if action not in legal:
            name = self.game.action_name(action)
            if not legal:
                raise ValueError(f"{name} cannot be played: the game is over")
            names = [self.game.action_name(other) for other in legal]
            shown = " ".join(names[:20]) + (" ..." if len(names) > 20 else "")
            raise ValueError(f"{name} cannot be played here; what can be: {shown}")
        return action

    def play(self, action: int) -> None:
        """Plays ``action``, which must be legal, for whoever is to move."""
        before = self.now
        self.history[-1] = before._replace(action=action)
        self.history.append(self._after(before, action))

    def _after(self, before: Position, action: int) -> Position:
        """The position that ``action`` leads to."""
        state, transition = self.game.step(before.state, np.array([action], np.int32))
        reward, discount = float(transition.reward[0]), float(transition.discount[0])
        paid = list(before.paid)
        paid[before.mover] += reward
        if self.game.num_players == 2:
            paid[1 - before.mover] -= reward
        mover = 1 - before.mover if discount < 0 else before.mover
        return Position(state, mover, discount == 0, (paid[0], paid[1]))

    def undo(self) -> None:
        """Takes back the moves since the person's last one, and that one; ValueError if none."""
        plies = [ply for ply, at in enumerate(self.history[:-1]) if at.mover == self.side]
        if not plies:
            raise ValueError(self.begins)
        del self.history[plies[-1] + 1 :]
        self.history[-1] = self.now._replace(action=NOT_PLAYED)
        self._opinions = {ply: seen for ply, seen in self._opinions.items() if ply <= plies[-1]}

    def opinion(self, ply: int = -1) -> Thought:
        """What is thought of the position after ``ply`` moves; ValueError if it is over there."""
        ply = ply % len(self.history)
        if self.history[ply].over:
            raise ValueError(self.ended)
        if ply not in self._opinions:
            self._opinions[ply] = self._think(self.history[ply].state)
        return self._opinions[ply]

    def _think(self, state: State) -> Thought:
        raise NotImplementedError

    def outcome(self) -> float:
        """The person's return so far, in [-1, 1]."""
        return self.now.paid[self.side]


class GameSession(Session[Opinion]):
    """A game in which ``player`` plays the other side and advises.

    ``net`` is what it knows without looking ahead, if anything.
    """

    def __init__(
        self,
        game: Game,
        player: Player,
        side: int,
        rng: np.random.Generator,
        net: Player | None = None,
    ) -> None:
        self.player, self._net = player, net
        super().__init__(game, side, rng)

    def loss(self, ply: int) -> float:
        """How much worse the move after ``ply`` moves was than the agent's own choice there.

        In units of return: a win thrown away for a draw is 1.  At least 0, and 0 where the two
        moves are mirror images or where the difference may be noise of the search.
        """
        before, after = self.history[ply], self.history[ply + 1]
        best = self.opinion(ply)
        if before.action == best.action:
            return 0.0
        rival = self._after(before, best.action)
        if self._is_image(after, rival):
            return 0.0
        gained, error = self._gained(before, after, lambda: self.opinion(ply + 1))
        lost, error_here = best.value - gained, math.hypot(best.error, error)
        if lost <= SURE * error_here:
            return 0.0
        if error_here:  # a search of its own for either move: none has had more replies looked at
            other, error_there = self._gained(before, rival, lambda: self._think(rival.state))
            lost = min(lost, other - gained)
            if lost <= SURE * math.hypot(error, error_there):
                return 0.0
        return max(0.0, lost)

    def _gained(
        self, before: Position, after: Position, think: Callable[[], Opinion]
    ) -> tuple[float, float]:
        """The return that the mover of ``before`` has from its move on, with its standard error.

        ``think`` gives the opinion of ``after``, where the game is not over.
        """
        gained = after.paid[before.mover] - before.paid[before.mover]
        if after.over:
            return gained, 0.0
        opinion, sign = think(), 1 if after.mover == before.mover else -1
        return gained + sign * opinion.value, opinion.error

    def _is_image(self, left: Position, right: Position) -> bool:
        """Whether a symmetry of the game turns one position into the other."""
        if left._replace(state=None) != right._replace(state=None):
            return False
        keys = [canonical_keys(self.game, each.state) for each in (left, right)]
        return bool(keys[0] == keys[1])

    def variation(self, ply: int, most: int) -> list[int]:
        """The moves expected after ``ply`` moves, the agent's own choice first: ``most`` of them,
        or fewer where the game ends before."""
        at = self.history[ply]
        line = [self.opinion(ply).action]
        while len(line) < most:
            state, paid = self.game.step(at.state, np.array(line[-1:], np.int32))
            if paid.discount[0] == 0:
                break
            at = at._replace(state=state)
            line.append(self._think(state).action)
        return line

    def _think(self, state: State) -> Opinion:
        decision = take(self.player.decide(self.game, state, self._rng), 0)
        net = take(self._net.decide(self.game, state, self._rng), 0) if self._net else None
        action = int(decision.action)
        known = float(decision.qvalues[action])
        value = float(decision.value) if np.isnan(known) else known
        error = standard_error(value, int(decision.visits[action]))
        guesses = getattr(self.player, "guesses", False)  # its values are more than it knows
        return Opinion(action, value, decision, net, error if guesses else 0.0)


def standard_error(value: float, visits: int) -> float:
    """Of a mean of ``visits`` values in [-1, 1], at most; inf where there are none.

    Wins and losses have variance 1 - value^2, everything else has less; few that are all alike say
    little.  A win or a loss without a visit has been proven.
    """
    if not visits:
        return 0.0 if abs(value) >= 1.0 else math.inf
    return math.sqrt(max(0.0, 1.0 - value * value) / visits + 1.0 / visits**2)
