"""The commands that any program with GTP 2 sends.

Source: "GTP - Go Text Protocol, version 2, draft 2", section 6.  For a colour that is passed over,
as in Othello, ``genmove`` answers pass.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from pathlib import Path

from selfplay.engines.clock import TimeSettings
from selfplay.engines.gtp import Handler
from selfplay.engines.table import Table
from selfplay.players.thinking import Insight

Show = Callable[[Insight | None], None]  # what is thought while a command is at work; None: done
LoadMoves = Callable[[Path], list[str]]  # the moves of a file, by their own names


class Standard:
    """Their handlers, by a table.

    ``halted`` ends the thinking early, ``show`` is given what is thought; ``load`` reads the moves
    of a file, where files may be read at all.
    """

    def __init__(
        self,
        table: Table,
        version: str,
        halted: Callable[[], bool],
        show: Show = lambda insight: None,
        load: LoadMoves | None = None,
    ) -> None:
        self._table, self._version = table, version
        self._halted, self._show, self._load = halted, show, load

    def handlers(self) -> dict[str, Handler]:
        names = (
            "boardsize", "clear_board", "komi", "play", "genmove", "reg_genmove", "undo",
            "time_settings", "time_left", "showboard", "final_score",
        )  # fmt: skip
        handlers: dict[str, Handler] = {
            "name": lambda _: f"selfplay {self._table.game.name} ({self._table.player.name})",
            "version": lambda _: self._version,
            **{name: getattr(self, f"_{name}") for name in names},
        }
        if self._load is not None:
            handlers["loadsgf"] = self._loadsgf
        return handlers

    def _boardsize(self, words: list[str]) -> str:
        sizes = [whole(word) for word in words]
        shape = self._table.vertices.shape
        if len(sizes) not in (1, 2):
            raise ValueError("syntax error: boardsize SIZE")
        if shape is None or sizes not in ([shape[1]], [shape[1], shape[0]]):
            name = self._table.game.name
            has = f"{shape[1]} x {shape[0]} points" if shape else "no board of points"
            raise ValueError(f"unacceptable size: {name} has {has}")
        self._table.restart()
        return ""

    def _clear_board(self, _: list[str]) -> str:
        self._table.restart()
        return ""

    def _komi(self, words: list[str]) -> str:
        """Every controller sends it; no game here has any."""
        number(_only(words, "komi NUMBER"))
        return ""

    def _play(self, words: list[str]) -> str:
        if len(words) < 2:
            raise ValueError("syntax error: play COLOR MOVE")
        self._table.tell(self._table.colour(words[0]), " ".join(words[1:]))
        return ""

    def _genmove(self, words: list[str]) -> str:
        move = self._reg_genmove(words)
        self._table.tell(self._table.colour(words[0]), move)
        return move

    def _reg_genmove(self, words: list[str]) -> str:
        side = self._table.colour(_only(words, "genmove COLOR"))
        if self._table.is_passed_over(side):
            return "pass"
        return self._table.name(last(self._told(self._table.choose(side, self._halted))).action)

    def _told(self, insights: Iterator[Insight]) -> Iterator[Insight]:
        for insight in insights:
            self._show(insight)
            yield insight
        self._show(None)

    def _undo(self, _: list[str]) -> str:
        self._table.take_back()
        return ""

    def _time_settings(self, words: list[str]) -> str:
        if len(words) != 3:
            raise ValueError("syntax error: time_settings MAIN PERIOD STONES")
        main, period, stones = *map(_seconds, words[:2]), whole(words[2])
        self._table.set_time(TimeSettings(main, period, stones))
        return ""

    def _time_left(self, words: list[str]) -> str:
        if len(words) != 3:
            raise ValueError("syntax error: time_left COLOR SECONDS STONES")
        side, left, stones = self._table.colour(words[0]), _seconds(words[1]), whole(words[2])
        if self._table.clocks is None:
            self._table.set_time(TimeSettings(left, 0.0, 0))
        assert self._table.clocks is not None
        self._table.clocks[side].set_left(left, stones)
        return ""

    def _showboard(self, _: list[str]) -> str:
        return "\n" + self._table.game.text(self._table.now.state, 0)

    def _final_score(self, _: list[str]) -> str:
        margin = self._table.margin()
        return "0" if margin == 0 else f"{'B' if margin > 0 else 'W'}+{abs(margin):g}"

    def _loadsgf(self, words: list[str]) -> str:
        """The main line of a file, before move N where a number follows."""
        assert self._load is not None
        if not words:
            raise ValueError("syntax error: loadsgf FILE [MOVE]")
        before = None
        if len(words) > 1 and words[-1].isdecimal():
            before = max(0, whole(words.pop()) - 1)
        try:
            moves = self._load(Path(" ".join(words)))
        except (OSError, ValueError) as error:
            raise ValueError(f"cannot load file: {error}") from error
        table = self._table
        table.restart()
        for name in moves[:before]:
            action = table.game.parse_action(name)
            if action not in table.legal():
                table.restart()
                raise ValueError(f"cannot load file: {name} cannot be played there")
            table.play(action)
        return ""


def last(insights: Iterator[Insight]) -> Insight:
    """The last thing that was thought."""
    *_, thought = insights
    return thought


def whole(word: str) -> int:
    """A number from 0 on; ValueError with the word of GTP."""
    if not (word.isascii() and word.isdecimal() and len(word) < 10):
        raise ValueError(f"syntax error: {word!r} is no whole number from 0 on")
    return int(word)


def number(word: str) -> float:
    try:
        value = float(word)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ValueError(f"syntax error: {word!r} is no number")
    return value


def _seconds(word: str) -> float:
    value = number(word)
    if value < 0:
        raise ValueError(f"syntax error: {word!r} are no seconds")
    return value


def _only(words: list[str], usage: str) -> str:
    if len(words) != 1:
        raise ValueError(f"syntax error: {usage}")
    return words[0]
