"""Analysis in lines until the other program says something, as Sabaki reads it.

Source: KataGo's "GTP Extensions", ``lz-analyze``; Sabaki asks for it by the names below.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import numpy as np

from selfplay.engines.gtp import Handler
from selfplay.engines.standard import whole
from selfplay.engines.table import Table
from selfplay.players.thinking import Insight, Limit

_USUAL = 50  # centiseconds between lines
_WAIT_S = 0.02


class Analysis:
    """Its handlers; ``heard`` tells whether a line of the other program waits."""

    def __init__(self, table: Table, heard: Callable[[], bool], bound: int) -> None:
        """``bound``: simulations at most."""
        self._table, self._heard, self._bound = table, heard, bound

    def handlers(self) -> dict[str, Handler]:
        return {"analyze": self._analyze, "genmove_analyze": self._genmove_analyze}

    def _analyze(self, words: list[str]) -> Iterator[str]:
        side, every_s = self._asked(words)
        self._refuse(side)
        return self._lines(self._table.think(Limit(self._bound), self._heard), every_s, wait=True)

    def _genmove_analyze(self, words: list[str]) -> Iterator[str]:
        side, every_s = self._asked(words)
        if not self._table.is_passed_over(side):
            self._refuse(side)
        return self._moving(side, every_s)

    def _moving(self, side: int, every_s: float) -> Iterator[str]:
        table = self._table
        if table.is_passed_over(side):
            move = "pass"
        else:
            yield from self._lines(table.choose(side, lambda: False), every_s, wait=False)
            move = table.name(table.opinion().action)
        table.tell(side, move)
        yield f"play {move}"

    def _asked(self, words: list[str]) -> tuple[int, float]:
        """The side and the seconds between lines; either may be left out."""
        side = self._table.now.mover
        numbers = [word for word in words if word.isdecimal()]
        if colours := [word for word in words if not word.isdecimal()]:
            side = self._table.colour(colours[0])
        if len(colours) > 1 or len(numbers) > 1:
            raise ValueError("syntax error: analyze [COLOR] [CENTISECONDS]")
        return side, whole(numbers[0] if numbers else str(_USUAL)) / 100

    def _refuse(self, side: int) -> None:
        if self._table.now.over:
            raise ValueError("the game is over")
        if side != self._table.now.mover:
            raise ValueError("it is the other colour's turn")

    def _lines(self, insights: Iterator[Insight], every_s: float, wait: bool) -> Iterator[str]:
        """One for each interval and one for the last; ``wait`` for the other program then."""
        told = -float("inf")
        for insight in insights:
            if insight.last or time.monotonic() - told >= every_s:
                told = time.monotonic()
                yield self._line(insight)
        while wait and not self._heard():
            time.sleep(_WAIT_S)

    def _line(self, insight: Insight) -> str:
        table, parts = self._table, []
        order = np.argsort(-insight.visits, kind="stable").tolist()
        looked = [a for a in order if a != insight.action and insight.visits[a]]
        for place, action in enumerate([insight.action, *looked]):
            q, prior = float(insight.qvalues[action]), insight.policy
            value = insight.value if np.isnan(q) else q
            likely = float((prior if insight.prior is None else insight.prior)[action])
            line = table.line(insight.line if place == 0 else (action,))
            parts.append(
                f"info move {table.name(action)} visits {insight.visits[action]} "
                f"winrate {_share((1 + value) / 2)} prior {_share(likely)} order {place} "
                f"pv {' '.join(move for _, move in line)}"
            )
        return " ".join(parts)


def _share(share: float) -> int:
    """In ten-thousandths."""
    return round(10_000 * min(1.0, max(0.0, share)))
