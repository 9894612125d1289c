"""What happens between a person and an agent, without a screen: moves, undo, what is thought."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, NamedTuple, TypeVar

import numpy as np

from selfplay.arrays import take, tree_map
from selfplay.lines.keys import position_keys
from selfplay.play.course import Course, Estimate, error_of, expected, loss
from selfplay.play.variations import NOT_PLAYED, Position, after, start_of
from selfplay.players.levels import LevelPlayer, weaken
from selfplay.players.thinking import Limit, Thinker
from selfplay.truth.base import Solver
from selfplay.types import Decision, Game, Player, State


class Opinion(NamedTuple):
    """What the agent thinks of a position; everything for the player to move."""

    action: int  # the move it would play
    value: float  # in [-1, 1], the return it expects from that
    decision: Decision  # [A] and scalars: where the move comes from
    net: Decision | None  # [A] and scalars: what its net said before the search, if it has one
    error: float  # standard error of the value; 0 where it is known, inf where it is a guess
    line: tuple[int, ...] = ()  # what it expects, ``action`` first; () where it has not told


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
        self.history = [start_of(self.game.init(self._rng, 1))]
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
        self.history.append(after(self.game, before, action))

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

    def known(self, ply: int) -> Thought | None:
        """What was thought of the position after ``ply`` moves; None where nothing was yet."""
        return self._opinions.get(ply)

    def _think(self, state: State) -> Thought:
        raise NotImplementedError

    def outcome(self) -> float:
        """The person's return so far, in [-1, 1]."""
        return self.now.paid[self.side]


class GameSession(Session[Opinion]):
    """A game in which ``player`` plays the other side and advises.

    One that is weakened to a level plays like that, and advises at full strength.  ``net`` is what
    it knows without looking ahead, if anything; ``spec`` is what names the game where it is more
    than its own name.
    """

    def __init__(
        self,
        game: Game,
        player: Player,
        side: int,
        rng: np.random.Generator,
        net: Player | None = None,
        spec: str | None = None,
    ) -> None:
        self.opponent, self._net, self.spec = player, net, spec or game.name
        self._level = player.level if isinstance(player, LevelPlayer) else None
        self.player = player.full if isinstance(player, LevelPlayer) else player
        # told what a search has found so far, about ten times a second, where somebody looks on
        self.hears: Callable[[State, Opinion], None] | None = None
        super().__init__(game, side, rng)

    def reply(self) -> Opinion:
        """The opinion of who plays the other side, here and now, with the move it plays."""
        opinion, state = self.opinion(), self.now.state
        if self._level is None:
            return opinion
        whole = tree_map(lambda array: np.asarray(array)[None], opinion.decision)
        weak = weaken(whole, self.game.legal(state), self._level, self._rng)
        return opinion._replace(action=int(weak.action[0]), value=float(weak.value[0]))

    def loss(self, ply: int) -> float:
        """How much worse the move after ``ply`` moves was than the agent's own choice there.

        In units of return, as ``course.loss``: a win thrown away for a draw is 1.
        """
        before = self.history[ply]
        think = self._thinking()
        return loss(self.game, before, before.action, self.opinion(ply), think)

    def course(self, solver: Solver | None = None) -> Course:
        """What judges the moves of the game; an opinion that was formed is formed no more."""
        think = self._thinking()

        def estimate(position: Position) -> Estimate:
            opinion = think(position)
            return Estimate(opinion.action, opinion.value, opinion.error, (opinion.action,))

        return Course(self.game, estimate, solver)

    def _thinking(self) -> Callable[[Position], Opinion]:
        """What is thought of any position, kept for those of the game."""
        going = (ply for ply, at in enumerate(self.history) if not at.over)
        plies = {int(position_keys(self.history[ply].state)[0]): ply for ply in going}

        def think(position: Position) -> Opinion:
            ply = plies.get(int(position_keys(position.state)[0]))
            return self._think(position.state) if ply is None else self.opinion(ply)

        return think

    def variation(self, ply: int, most: int) -> list[int]:
        """The moves expected after ``ply`` moves, the agent's own choice first: ``most`` of them,
        or fewer where the game ends before."""
        at, opinion = self.history[ply], self.opinion(ply)
        if len(opinion.line) > 1:  # its search has told it
            return list(opinion.line[:most])
        line = [opinion.action]
        while len(line) < most:
            state, paid = self.game.step(at.state, np.array(line[-1:], np.int32))
            if paid.discount[0] == 0:
                break
            at = at._replace(state=state)
            line.append(self._think(state).action)
        return line

    def _think(self, state: State) -> Opinion:
        net = take(self._net.decide(self.game, state, self._rng), 0) if self._net else None
        if self.hears is None:
            return self._opinion_of(take(self.player.decide(self.game, state, self._rng), 0), net)
        for seen in Thinker(self.game, self.player, self._rng).think(state, Limit()):
            action, value = np.int32(seen.action), np.float32(seen.value)
            decision = Decision(
                np.asarray(action), seen.policy, np.asarray(value), seen.visits, seen.qvalues
            )
            opinion = self._opinion_of(decision, net)._replace(line=seen.line)
            self.hears(state, opinion)
        return opinion

    def _opinion_of(self, decision: Decision, net: Decision | None) -> Opinion:
        """``decision``, ``net``: [A] and scalars."""
        action = int(decision.action)
        value = expected(decision)
        error = error_of(self.player, value, int(decision.visits[action]))
        return Opinion(action, value, decision, net, error)
