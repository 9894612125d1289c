"""GoGui's part of GTP: the rules of any game on points, and what a search thinks, drawn by GoGui.

Source: the chapters "Rules", "Analyze Commands", "Live Graphics" and "Interrupting Commands" of
GoGui's manual (Enz; Coulom), and its BoardParameters for sizes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TextIO

import numpy as np
from numpy.typing import NDArray

from selfplay.engines.gtp import Handler
from selfplay.engines.standard import last, number, whole
from selfplay.engines.table import COLOURS, Table
from selfplay.players.thinking import Insight

ANALYZE = """\
gfx/Search/selfplay-search %m
dboard/Policy/selfplay-policy
sboard/Visits/selfplay-visits
var/PV/selfplay-pv
param/Search Parameters/selfplay-param"""
_MARKS = np.array([".", "X", "O", "?"])  # by the number of a cell; -1 is the last
_DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


class GoGui:
    """The handlers of a game with a board; ``live`` is standard error, where it draws meanwhile."""

    def __init__(self, table: Table, halted: Callable[[], bool], live: TextIO) -> None:
        self._table, self._halted, self._live = table, halted, live
        self._draws_live = False  # until GoGui has asked what can be drawn

    def handlers(self) -> dict[str, Handler]:
        rules = ("game_id", "board_size", "board", "legal_moves", "side_to_move", "final_result")
        searches = ("search", "policy", "visits", "pv", "param")
        return {
            **{f"gogui-rules_{name}": getattr(self, f"_{name}") for name in rules},
            "gogui-analyze_commands": self._analyze_commands,
            "gogui-interrupt": lambda _: "",
            **{f"selfplay-{name}": getattr(self, f"_{name}") for name in searches},
        }

    def show(self, insight: Insight | None) -> None:
        """Draws what is thought while a command is at work; None clears it."""
        if self._draws_live:
            drawn = [] if insight is None else self._drawn(insight)
            done = ["CLEAR"] if insight is None else [f"PROGRESS {self._done(insight)}"]
            for line in (*drawn, *done):
                self._live.write(f"gogui-gfx: {line}\n")
            self._live.flush()

    def _done(self, insight: Insight) -> int:
        """Per cent of the thinking."""
        limit = self._table.allowed()
        shares = [0.0]
        if limit.simulations:
            shares.append(insight.simulations / limit.simulations)
        if limit.seconds:
            shares.append(insight.seconds / limit.seconds)
        return int(100 * min(1.0, max(shares)))

    # the rules

    def _game_id(self, _: list[str]) -> str:
        """A capital and then small letters only."""
        signs = filter(str.isascii, self._table.game.name.lower())
        spelled = [_DIGITS[int(sign)] if sign.isdecimal() else sign for sign in signs]
        return "".join(filter(str.isalpha, spelled)).capitalize()

    def _board_size(self, _: list[str]) -> str:
        rows, columns = self._shape()
        return str(rows) if rows == columns else f"{columns} {rows} rect"

    def _board(self, _: list[str]) -> str:
        cells = self._table.vertices.board(self._table.now.state).cells
        return "\n" + self._rows(_MARKS[cells])

    def _legal_moves(self, _: list[str]) -> str:
        return " ".join(map(self._table.name, self._table.legal()))

    def _side_to_move(self, _: list[str]) -> str:
        return COLOURS[self._table.now.mover]

    def _final_result(self, _: list[str]) -> str:
        if not self._table.now.over:
            return ""
        result = self._table.result()
        return "Draw" if result == 0 else f"{'Black' if result > 0 else 'White'} wins"

    # what a search thinks

    def _analyze_commands(self, _: list[str]) -> str:
        self._draws_live = True
        return ANALYZE

    def _search(self, words: list[str]) -> str:
        """Thinks about the position without playing; the colour that is sent along is whose turn
        it is anyway."""
        return "\n".join(self._drawn(self._thought()))

    def _policy(self, _: list[str]) -> str:
        """The net's policy, else that of the search."""
        insight = self._thought()
        policy = insight.policy if insight.prior is None else insight.prior
        return "\n" + self._numbers(policy, "{:.3f}", "0.000")

    def _visits(self, _: list[str]) -> str:
        return "\n" + self._numbers(self._thought().visits, "{:d}", '""')

    def _pv(self, _: list[str]) -> str:
        return " ".join(move for _, move in self._table.line(self._thought().line))

    def _param(self, words: list[str]) -> str:
        """Names and values; with a name and a value it changes one.

        0 is no bound; where there is none the player's own number of simulations is.
        """
        limit = self._table.limit
        if not words:
            seconds = f"[string] seconds {limit.seconds or 0:g}"
            live = f"[bool] live_gfx {int(self._draws_live)}"
            return f"[string] simulations {limit.simulations or 0}\n{seconds}\n{live}"
        if len(words) != 2 or words[0] not in ("simulations", "seconds", "live_gfx"):
            raise ValueError("syntax error: simulations, seconds or live_gfx, and a value")
        name, word = words
        if name == "live_gfx":
            self._draws_live = bool(whole(word))
            return ""
        if name == "simulations":
            changed = limit._replace(simulations=whole(word) or None)
        else:
            changed = limit._replace(seconds=max(0.0, number(word)) or None)
        self._table.limit = changed
        return ""

    def _thought(self) -> Insight:
        """What is known of the position: what was thought last, else a search."""
        known = self._table.known(len(self._table.history) - 1)
        return known if known is not None and known.last else last(self._shown())

    def _shown(self) -> Iterator[Insight]:
        for insight in self._table.think(self._table.limit, self._halted):
            self.show(insight)
            yield insight
        self.show(None)

    def _drawn(self, insight: Insight) -> list[str]:
        """Visits as influence, the moves expected, and a sentence."""
        table, total = self._table, max(1, int(insight.visits.sum()))
        shares = [
            f"{table.name(action)} {insight.visits[action] / total:.2f}"
            for action in np.flatnonzero(insight.visits).tolist()
        ]
        line = [f"{COLOURS[side][0]} {move}" for side, move in table.line(insight.line)]
        sentence = (
            f"TEXT {table.name(insight.action)} wins {(1 + insight.value) / 2:.1%}, "
            f"{insight.simulations} simulations in {insight.seconds:.1f} s"
        )
        drawn = [f"VAR {' '.join(line)}"] if line else []
        return [*([f"INFLUENCE {' '.join(shares)}"] if shares else []), *drawn, sentence]

    def _shape(self) -> tuple[int, int]:
        assert self._table.vertices.shape is not None
        return self._table.vertices.shape

    def _numbers(self, numbers: NDArray[Any], form: str, none: str) -> str:
        """A board with numbers of actions where these stand, ``none`` elsewhere."""
        places = self._table.vertices.board(self._table.now.state).places
        cells = np.full(self._shape(), none, object)
        for action in self._table.legal():
            if places[action] >= 0 and numbers[action]:
                cells.flat[places[action]] = form.format(numbers[action])
        return self._rows(cells)

    def _rows(self, cells: NDArray[Any]) -> str:
        return "\n".join(" ".join(row) for row in self._table.vertices.from_top(cells))
