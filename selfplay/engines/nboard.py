"""NBoard's protocol for engines that play Othello, version 2.

Source: Welty, "NBoard Protocol".  What is not understood is passed over, as the protocol says, with
a sentence on standard error.  The engine plays no move itself: ``go`` only tells one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol, TextIO

import numpy as np

from envs.othello import Othello
from selfplay.engines.ggf import read_ggf, read_move
from selfplay.engines.standard import last, whole
from selfplay.engines.table import Table
from selfplay.players.thinking import Insight, Limit

DISCS = 64  # evaluations are told in discs: a sure win as so many
_LEAST, _MOST = 2, 200_000  # simulations that a depth stands for


class Heard(Protocol):
    """Lines of the other program."""

    def __iter__(self) -> Iterator[str]: ...

    def waiting(self) -> bool: ...

    def interrupted(self) -> bool: ...


class NBoard:
    """An engine under NBoard; ``errors`` hears what is passed over."""

    def __init__(self, table: Table, lines: Heard, output: TextIO, errors: TextIO) -> None:
        assert isinstance(table.game, Othello)
        self._game, self._table, self._lines = table.game, table, lines
        self._output, self._errors = output, errors
        self._asked = table.limit  # of whoever started the engine; goes before NBoard's depth

    def run(self) -> None:
        """Answers until the lines end or say quit."""
        for line in _printable(self._lines):
            word, _, rest = line.strip().partition(" ")
            if word == "quit":
                return
            handler = getattr(self, f"_do_{word}", None) if word.isalpha() else None
            if not word:
                continue
            try:
                if handler is None:
                    raise ValueError(f"{word[:40]!r} is no command of NBoard that is known here")
                handler(rest.strip())
            except ValueError as error:
                self._errors.write(f"selfplay: {error}\n")
                self._errors.flush()

    def _do_nboard(self, _: str) -> None:
        self._tell(f"set myname {self._table.player.name.replace(' ', '_')}")

    def _do_set(self, rest: str) -> None:
        name, _, value = rest.partition(" ")
        if name == "depth":
            self._set_depth(whole(value.strip()))
        elif name == "game":
            self._set_game(value)
        elif name != "contempt":
            raise ValueError(f"'set {name[:40]}' means nothing here")

    def _set_depth(self, depth: int) -> None:
        """Twice the simulations every two plies of depth: 80 at 6, 640 at 12, 10,240 at 20."""
        if self._asked == Limit():
            simulations = round(10 * 2.0 ** (min(depth, 60) / 2))
            self._table.limit = Limit(min(_MOST, max(_LEAST, simulations)))

    def _set_game(self, text: str) -> None:
        told = read_ggf(text, self._game)
        self._table.begin(told.start)
        for side, square in told.moves:
            self._play(side, square)

    def _do_move(self, rest: str) -> None:
        table = self._table
        skipped = table.is_passed_over(1 - table.now.mover)
        square = read_move(rest)
        self._play(1 - table.now.mover if skipped and square == "pass" else table.now.mover, square)

    def _play(self, side: int, square: str) -> None:
        """A pass that the rules do not make is passed over: NBoard tells some twice."""
        if square != "pass" or self._table.is_passed_over(side):
            self._table.tell(side, square)

    def _do_ping(self, rest: str) -> None:
        self._tell(f"pong {whole(rest)}")

    def _do_learn(self, _: str) -> None:
        """Nothing is learned from single games; NBoard waits for the word."""
        self._tell("learned")

    def _do_hint(self, rest: str) -> None:
        most = max(1, whole(rest or "1"))
        self._tell("status Analyzing")
        for _ in self._shown(most, self._lines.waiting):
            pass
        self._tell("status")

    def _do_go(self, _: str) -> None:
        table = self._table
        if table.is_passed_over(1 - table.now.mover):
            self._tell("=== PA")
            return
        self._tell("status Thinking")
        thought = last(self._shown(1, self._lines.interrupted))
        evaluation = f"{thought.value * DISCS:.2f}/{thought.seconds:.2f}"
        self._tell(f"=== {table.name(thought.action)}/{evaluation}")
        self._tell("status")

    def _shown(self, most: int, halted: Callable[[], bool]) -> Iterator[Insight]:
        for insight in self._table.think(self._table.limit, halted):
            self._show(insight, most)
            yield insight

    def _show(self, insight: Insight, most: int) -> None:
        """The best moves with their lines, and how much was looked at."""
        table = self._table
        order = [insight.action, *np.argsort(-insight.visits, kind="stable").tolist()]
        looked = [a for a in dict.fromkeys(order) if a == insight.action or insight.visits[a]]
        for place, action in enumerate(looked[:most]):
            q = float(insight.qvalues[action])
            value = insight.value if np.isnan(q) else q
            line = table.line(insight.line if place == 0 else (action,))
            moves, visits = "".join(move for _, move in line), int(insight.visits[action])
            self._tell(f"search {moves} {value * DISCS:.2f} 0 {len(line)} {visits} visits")
        self._tell(f"nodestats {insight.simulations} {insight.seconds:.2f}")

    def _tell(self, line: str) -> None:
        self._output.write(f"{line}\n")
        self._output.flush()


def _printable(lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        yield "".join(sign if sign.isprintable() else " " for sign in line)
