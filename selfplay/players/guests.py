"""Programs of others as players: any engine that speaks GTP 2.

An engine follows the moves of one game at a time, so whoever asks it tells the moves.  What it does
wrong loses the game in which it does it (``Forfeit``), as in cutechess: an illegal move, an answer
that cannot be read, a refusal, a move beyond its time, and hanging or ending.  One that hung, ended
or talked without end is started again, RESTARTS times; then it has ``ProcessFailed`` for good.
"""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections.abc import Iterator, Sequence

import numpy as np

from selfplay.arrays import length, take
from selfplay.players.vertices import Vertices
from selfplay.system.engine_process import EngineProcess, ProcessFailed, Slow
from selfplay.types import Decision, Game, Player, State

COLOURS = ("black", "white")
RESTARTS = 3
START_S = 120.0  # to answer the first command: it may compile or load a net
SILENT_S = 5.0  # of that until the user hears what is waited for
MOVE_S = 60.0  # for a move where no clock was agreed upon
LATE_S = 10.0  # beyond its time after which an engine counts as one that hangs
MARGIN_S = 0.5  # that a move may take beyond its time, for what lies between the two programs
KNOWN = 100_000  # positions that are looked at for one whose moves are not known
LAST = 50  # positions asked about from which that begins


class Forfeit(ValueError):
    """An engine has lost the game by what it did, or resigned; a sentence about it."""


class GtpPlayer:
    """The engine that ``command`` starts; it starts when it is asked first.

    ``seconds`` a move are told to it as its clock, where there are any.
    """

    guesses = True

    def __init__(self, command: str, game: Game, seconds: float | None = None) -> None:
        if game.num_players != 2:
            raise ValueError(f"an engine plays against another; {game.name} has one player")
        self.name, self.seconds = f"gtp:{command}", seconds
        self._command, self._game = command, game
        self._vertices = Vertices(game)
        self._process: EngineProcess | None = None
        self._told: list[int] | None = None  # moves that it knows; None: not even the start
        self._starts = 0
        self._paths = _Paths(game)

    def again(self) -> GtpPlayer:
        """Another process of the same engine."""
        return GtpPlayer(self._command, self._game, self.seconds)

    def decide(self, game: Game, state: State, rng: np.random.Generator) -> Decision:
        """Positions one by one; their moves are looked for near those that it has seen.

        Raises Forfeit, ProcessFailed, and ValueError for a position that is too far from them.
        """
        actions = [self.move(self._paths.find(take(state, [i]))) for i in range(length(state))]
        policy = np.zeros((len(actions), game.num_actions), np.float32)
        policy[np.arange(len(actions)), actions] = 1.0
        return Decision(
            np.array(actions, np.int32), policy, np.zeros(len(actions), np.float32),
            np.zeros(policy.shape, np.int32), np.full(policy.shape, np.nan, np.float32),
        )  # fmt: skip

    def move(self, moves: Sequence[int]) -> int:
        """What it plays after ``moves``; raises Forfeit, or ProcessFailed for good."""
        try:
            return self._move(list(moves))
        except ProcessFailed as failure:
            if self._process is not None:
                self._process.kill()
            self._process, self._told = None, None
            sentence = f"{self.name} {failure}"
            if self._starts > RESTARTS:
                raise ProcessFailed(
                    f"{sentence}; it was started {self._starts} times and is not again"
                ) from failure
            raise Forfeit(sentence) from failure
        except Forfeit:
            self._told = None  # what it thinks has been played is not known
            raise

    def close(self) -> None:
        """Ends its process."""
        process, self._process, self._told = self._process, None, None
        if process is not None:
            process.close()

    def abort(self) -> None:
        """Ends its process for good while another thread waits for its move."""
        self._starts = RESTARTS + 1
        if (process := self._process) is not None:
            process.abort()

    def _move(self, moves: list[int]) -> int:
        positions = _replayed(self._game, moves)
        self._follow(moves, positions)
        state, mover = positions[-1]
        begun = time.monotonic()
        answer = self._ask(f"genmove {COLOURS[mover]}", self._allowed_s() + LATE_S)
        took = time.monotonic() - begun
        if took > self._allowed_s():
            raise Forfeit(f"{self.name} lost on time: a move took {took:.1f} s")
        if answer.lower() == "resign":
            raise Forfeit(f"{self.name} resigns")
        try:
            action = self._vertices.read(state, answer)
        except ValueError as error:
            raise Forfeit(f"{self.name} answered {answer[:60]!r}: {error}") from error
        if not self._game.legal(state)[0, action]:
            raise Forfeit(f"{self.name} played {answer[:60]}, which is illegal there")
        self._told = [*moves, action]
        return action

    def _allowed_s(self) -> float:
        return (MOVE_S if self.seconds is None else self.seconds) + MARGIN_S

    def _follow(self, moves: list[int], positions: list[tuple[State, int]]) -> None:
        """Tells the moves that it does not know; from the start where it knows others."""
        if self._process is None:
            self._start()
        if self._told is None or self._told != moves[: len(self._told)]:
            self._ask("clear_board")
            self._told = []
        for ply in range(len(self._told), len(moves)):
            state, mover = positions[ply]
            if ply and positions[ply - 1][1] == mover:  # the other one was passed over
                self._ask(f"play {COLOURS[1 - mover]} pass")
            self._ask(f"play {COLOURS[mover]} {self._vertices.write(state, moves[ply])}")
        self._told = moves
        if moves and positions[-1][1] == positions[-2][1]:
            self._ask(f"play {COLOURS[1 - positions[-1][1]]} pass")

    def _start(self) -> None:
        """Raises ValueError where it is no engine for the game: that ends whatever it plays in."""
        self._process, self._told = EngineProcess(self._command), None
        self._starts += 1
        shape = self._vertices.shape
        try:
            with self._waited_for():
                version = self._ask("protocol_version", START_S)
            if version != "2":
                raise ValueError(f"{self.name} speaks version {version[:20]!r} of GTP, not 2")
            if shape is not None and shape[0] == shape[1]:
                self._ask(f"boardsize {shape[0]}")
        except (Forfeit, ProcessFailed) as failure:
            self.close()
            named = str(failure).removeprefix(f"{self.name} ")
            raise ValueError(f"{self.name} {named}") from failure
        if self.seconds is not None:
            with contextlib.suppress(Forfeit):  # one move within each period, where it has clocks
                self._ask(f"time_settings 0 {max(1, round(self.seconds))} 1")

    @contextlib.contextmanager
    def _waited_for(self) -> Iterator[None]:
        """Tells the user once its first answer takes long."""
        words = (
            f"waiting for {self.name}, which has not answered yet; it has {START_S:.0f} s to start"
        )
        timer = threading.Timer(SILENT_S, lambda: print(words, file=sys.stderr, flush=True))
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _ask(self, command: str, seconds: float = MOVE_S) -> str:
        """Its answer; raises Forfeit for a refusal and ProcessFailed without an answer."""
        assert self._process is not None
        self._process.send(command)
        until, text, begun = time.monotonic() + seconds, "", False
        while True:
            line = self._process.read_line(max(0.0, until - time.monotonic()))
            if isinstance(line, Slow):
                raise ProcessFailed(f"hangs: no answer to {command!r} within {seconds:.0f} s")
            line = line.rstrip("\r")
            if not begun and line[:1] in ("=", "?"):
                begun, text = True, line
            elif begun and not line:
                break
            elif begun:
                text += f"\n{line}"
            elif line:
                raise Forfeit(f"{self.name} answered {command!r} with {line[:60]!r}, no GTP")
        if text[0] == "?":
            raise Forfeit(f"{self.name} refused {command!r}: {text[1:].strip()[:200]}")
        return text[1:].strip()


class _Paths:
    """Moves that lead to positions: of those asked about, and of those few moves behind them."""

    def __init__(self, game: Game) -> None:
        self._game = game
        start = game.init(np.random.default_rng(0), 1)
        self._moves: dict[bytes, tuple[int, ...]] = {_key(start): ()}
        self._seen: list[tuple[State, tuple[int, ...]]] = [(start, ())]

    def find(self, state: State) -> tuple[int, ...]:
        """Moves from the start to the position [1]; ValueError where there are too many."""
        wanted = _key(state)
        if wanted not in self._moves:
            self._look_for(wanted)
        moves = self._moves[wanted]
        self._seen = [self._seen[0], *self._seen[1:][-LAST:], (state, moves)]
        if len(self._moves) > 2 * KNOWN:
            self._moves = {_key(seen): line for seen, line in self._seen}
        return moves

    def _look_for(self, wanted: bytes) -> None:
        """Goes on from what was seen last, then from what was seen before it, move by move."""
        layer, looked = list(reversed(self._seen)), 0
        while layer and looked < KNOWN:
            following = []
            for state, moves in layer:
                for action in np.flatnonzero(self._game.legal(state)[0]).tolist():
                    after, paid = self._game.step(state, np.array([action], np.int32))
                    looked += 1
                    key = _key(after)
                    if paid.discount[0] == 0 or key in self._moves:
                        continue
                    self._moves[key] = (*moves, action)
                    if key == wanted:
                        return
                    following.append((after, (*moves, action)))
                if looked >= KNOWN:
                    break
            layer = following
        raise ValueError(
            "an engine cannot be asked about this position: it has to be told the moves, and these "
            "are not known"
        )


def _key(state: State) -> bytes:
    return b"|".join(np.ascontiguousarray(part).tobytes() for part in state)


def _replayed(game: Game, moves: Sequence[int]) -> list[tuple[State, int]]:
    """The positions before each move and the last one, with who is to move in each."""
    positions = [(game.init(np.random.default_rng(0), 1), 0)]
    for action in moves:
        state, mover = positions[-1]
        after, paid = game.step(state, np.array([action], np.int32))
        positions.append((after, 1 - mover if paid.discount[0] < 0 else mover))
    return positions


def engines_among(players: Sequence[Player]) -> list[GtpPlayer]:
    """Those that are programs of others."""
    return [player for player in players if isinstance(player, GtpPlayer)]
