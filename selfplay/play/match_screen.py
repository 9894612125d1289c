"""A match while it is played: a table that renews itself in a terminal, else lines."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from rich.console import Group
from rich.live import Live
from rich.table import Table

from selfplay.players.arena import Match, ratings
from selfplay.players.match_games import Finished, MatchGames
from selfplay.stats import Interval
from selfplay.system.console import PlainConsole
from selfplay.system.printable import bare, unheeded

_EVERY_S = 30.0  # between two lines where there is no terminal
_RENEW_S = 0.5
_UNKNOWN = Interval(float("nan"), float("nan"), float("nan"))


class Standing(NamedTuple):
    """What a player has reached so far."""

    name: str
    first: tuple[int, int, int]  # games won, drawn and lost with the first seat
    second: tuple[int, int, int]
    elo: Interval  # above the first player, of the openings that were played from both seats


def standings(finished: Sequence[Finished]) -> list[Standing]:
    """The players in the order in which they ended their first games."""
    counts: dict[tuple[str, int], list[int]] = {}
    pairs: dict[int, list[Finished]] = {}
    for game in finished:
        for seat, result in enumerate((game.result, -game.result)):
            counts.setdefault((game.seats[seat], seat), [0, 0, 0])[1 - result] += 1
        pairs.setdefault(game.opening, []).append(game)
    elo = _ratings([pair for pair in pairs.values() if len(pair) == 2])

    def counted(name: str, seat: int) -> tuple[int, int, int]:
        won, drawn, lost = counts.get((name, seat), [0, 0, 0])
        return won, drawn, lost

    names = dict.fromkeys(name for name, _ in counts)
    return [
        Standing(name, counted(name, 0), counted(name, 1), elo.get(name, _UNKNOWN))
        for name in names
    ]


def _ratings(pairs: Sequence[Sequence[Finished]]) -> dict[str, Interval]:
    """Elo by name, once matches connect all players."""
    rows: dict[tuple[str, str], list[tuple[int, int]]] = {}
    for pair in pairs:
        a, b = sorted(pair[0].seats)
        by_a = {game.seats[0]: game.result for game in pair}
        rows.setdefault((a, b), []).append((by_a[a], -by_a[b]))
    if not rows:
        return {}
    matches = [Match(a, b, np.array(each, np.int8)) for (a, b), each in rows.items()]
    rated = ratings(matches, pairs[0][0].seats[0])
    return dict(zip(rated.names, rated.elo, strict=True))


class MatchScreen:
    """Shows the games of a match as they end, as long as its context lasts."""

    def __init__(self) -> None:
        self._console = PlainConsole(unheeded(bare(sys.stderr)))
        self._games: MatchGames | None = None
        self._shown_at = time.monotonic()
        self._live: Live | None = None
        if self._console.is_live:
            self._live = Live(console=self._console, get_renderable=self._draw, auto_refresh=False)

    def __enter__(self) -> MatchScreen:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()

    def watch(self, games: MatchGames) -> None:
        """These are the games."""
        self._games = games

    def show(self, words: str) -> None:
        """Renews the table, or prints a line that begins with ``words``, when one is due."""
        now = time.monotonic()
        if now - self._shown_at < (_EVERY_S if self._live is None else _RENEW_S):
            return
        self._shown_at = now
        if self._live is not None:
            self._live.refresh()
        elif self._games is not None:
            self._console.print(f"{words}{_line(self._games.finished)}", soft_wrap=True)

    def note(self, sentence: str) -> None:
        """A line about one of the games."""
        self._console.print(sentence, soft_wrap=True)

    def _draw(self) -> Group:
        if self._games is None:
            return Group()
        finished = self._games.finished
        table = Table(box=None, pad_edge=False)
        for heading in ("player", "first: +", "=", "-", "second: +", "=", "-", "Elo", "95%"):
            table.add_column(heading, justify="left" if heading == "player" else "right")
        for each in standings(finished):
            known = each.elo.value == each.elo.value
            table.add_row(
                each.name, *map(str, (*each.first, *each.second)),
                f"{each.elo.value:+.0f}" if known else "",
                f"{each.elo.low:+.0f} to {each.elo.high:+.0f}" if known else "",
            )  # fmt: skip
        return Group(f"{len(finished):,} of {self._games.of:,} games are over", table)


def _line(finished: Sequence[Finished]) -> str:
    """The same in words."""
    parts = []
    for each in standings(finished):
        won, drawn, lost = (a + b for a, b in zip(each.first, each.second, strict=True))
        elo = f", Elo {each.elo.value:+.0f}" if each.elo.value == each.elo.value else ""
        parts.append(f"{each.name} +{won} ={drawn} -{lost}{elo}")
    return "".join(f"; {part}" for part in parts)
