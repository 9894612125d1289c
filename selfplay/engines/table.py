"""A game that another program leads: positions, passes, clocks, and what the player thinks."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import numpy as np

from selfplay.engines.clock import Clock, TimeSettings
from selfplay.play.session import Session
from selfplay.play.variations import NOT_PLAYED, Position, after
from selfplay.players.thinking import Insight, Limit, Thinker
from selfplay.players.vertices import Vertices
from selfplay.types import Game, Player, State

COLOURS = ("black", "white")  # who moves first, and the other


class Table(Session[Insight]):
    """A game, the player who thinks about it, and his limits.

    ``limit`` is what was asked for when the engine was started; where nothing was, a clock alone
    holds, and without one the player's own number of simulations.  A pass is no move of a game that
    knows none: there it only says that whoever has no move was passed over.
    """

    def __init__(
        self,
        game: Game,
        player: Player,
        rng: np.random.Generator,
        limit: Limit = Limit(),  # noqa: B008  it never changes
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.player, self.vertices = player, Vertices(game)
        self.limit, self._now = limit, now
        self._thinker = Thinker(game, player, rng)
        self._settings: TimeSettings | None = None
        super().__init__(game, 0, rng)

    def restart(self) -> None:
        """Begins a new game, with full clocks."""
        super().restart()
        self._passed: set[int] = set()  # plies before which a pass was told
        self.set_time(self._settings)

    def begin(self, start: Position) -> None:
        """Begins from another position than the game does."""
        self.restart()
        self.history = [start]

    # moves

    def colour(self, word: str) -> int:
        """The side that a colour names; ValueError if it names none, or the game has one side."""
        for side in range(self.game.num_players):
            if word.lower() in (COLOURS[side], COLOURS[side][0]):
                return side
        given = f"syntax error: {word!r} is no colour of {self.game.name}"
        raise ValueError(f"{given}: {' or '.join(COLOURS[: self.game.num_players])}")

    def name(self, action: int) -> str:
        return self.vertices.write(self.now.state, action)

    def tell(self, side: int, text: str) -> None:
        """A move of the game as the other program writes it; ValueError if it cannot be."""
        if text.lower() == "pass" and self.is_passed_over(side):
            self._passed.add(len(self.history) - 1)
            return
        try:
            self._refuse_turn(side)
            action = self.parse(text)
        except ValueError as error:
            raise ValueError(f"illegal move: {error}") from error
        self.play(action)

    def parse(self, text: str) -> int:
        action = self.vertices.read(self.now.state, text)
        if action not in self.legal():
            raise ValueError(f"{self.name(action)} cannot be played here")
        return action

    def is_passed_over(self, side: int) -> bool:
        """Whether ``side`` has no move, so that the other one moves twice; told only once."""
        ply = len(self.history) - 1
        if ply == 0 or ply in self._passed or self.now.over or side == self.now.mover:
            return False
        return self.history[-2].mover == self.now.mover

    def _refuse_turn(self, side: int) -> None:
        if self.now.over:
            raise ValueError("the game is over")
        if side != self.now.mover:
            raise ValueError(f"it is {COLOURS[self.now.mover]}'s turn")

    def take_back(self) -> None:
        """The last move, or the last pass that was told; ValueError at the start."""
        ply = len(self.history) - 1
        if ply in self._passed:
            self._passed.remove(ply)
        elif ply == 0:
            raise ValueError("cannot undo: this is the start")
        else:
            self.history.pop()
            self.history[-1] = self.now._replace(action=NOT_PLAYED)
            self._opinions.pop(ply, None)

    def line(self, actions: tuple[int, ...]) -> list[tuple[int, str]]:
        """Side and vertex of the moves of a line from here, as far as they can be played."""
        at, told = self.now, []
        for action in actions:
            if at.over or not self.game.legal(at.state)[0, action]:
                break
            told.append((at.mover, self.vertices.write(at.state, action)))
            at = after(self.game, at, action)
        return told

    def result(self) -> float:
        """What who moved first has won, above 0, or lost, below; ValueError before the end."""
        if not self.now.over:
            raise ValueError("cannot score: the game is not over")
        return self.now.paid[0]

    def margin(self) -> float:
        """The same in discs, where the game is won by more of them."""
        result = self.result()
        if self.vertices.shape is None or self.vertices.board(self.now.state).look != "discs":
            return result
        cells = self.vertices.board(self.now.state).cells
        return float((cells == 1).sum() - (cells == 2).sum())

    # time

    def set_time(self, settings: TimeSettings | None) -> None:
        """New clocks; None, or settings without bound: there are none."""
        self._settings = settings if settings is not None and settings.is_bounded() else None
        self.clocks = [Clock(self._settings) for _ in COLOURS] if self._settings else None

    def allowed(self) -> Limit:
        """For the next move: what was asked for, and no longer than the clock has.

        By the clock alone where nothing was asked for.
        """
        if self.clocks is None:
            return self.limit
        moves = -(-(self.game.max_moves - len(self.history) + 1) // self.game.num_players)
        seconds = self.clocks[self.now.mover].budget(moves)
        return self.limit._replace(seconds=min(seconds, self.limit.seconds or seconds))

    # thinking

    def think(self, limit: Limit, halted: Callable[[], bool]) -> Iterator[Insight]:
        """What is known of the present position, better and better; ValueError once it is over.

        Something is said before ``halted`` is asked.
        """
        if self.now.over:
            raise ValueError(self.ended)
        ply, said = len(self.history) - 1, list[Insight]()
        for insight in self._thinker.think(self.now.state, limit, lambda: bool(said) and halted()):
            self._opinions[ply] = insight
            said[:] = [insight]
            yield insight

    def _think(self, state: State) -> Insight:
        *_, last = self._thinker.think(state, self.limit)
        return last

    def choose(self, side: int, halted: Callable[[], bool]) -> Iterator[Insight]:
        """Thinks about a move of ``side`` by its clock; ValueError if it is not its turn."""
        self._refuse_turn(side)
        begun = self._now()
        yield from self.think(self.allowed(), halted)
        if self.clocks is not None:
            self.clocks[side].spend(self._now() - begun)
