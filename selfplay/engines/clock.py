"""How long an engine may think about a move, by the clock that another program gives it.

Source: "GTP - Go Text Protocol, version 2, draft 2", section 4.2: main time, then periods of
``stones`` moves within ``period`` seconds each (Canadian byo-yomi).
"""

from __future__ import annotations

from typing import NamedTuple

LAG_S = 0.1  # of each move, for what lies between the two programs
_USED = 0.95  # of a period of byo-yomi
_LEAST_S = 0.01
_MOVES = 25  # among which main time is parted where the game may go on for longer


class TimeSettings(NamedTuple):
    """The time control: all in seconds."""

    main: float
    period: float  # of byo-yomi, 0 without
    stones: int  # moves within a period

    def is_bounded(self) -> bool:
        """False for a period of no moves, by which GTP says that there is no time limit."""
        return not (self.period > 0 and self.stones == 0)


class Clock:
    """The time that one side has left."""

    def __init__(self, settings: TimeSettings) -> None:
        self._settings = settings
        self._left, self._stones = settings.main, 0  # of main time
        if settings.main <= 0:
            self._begin_period()

    def set_left(self, seconds: float, stones: int) -> None:
        """As the other program counts it: ``stones`` is 0 in main time."""
        self._left, self._stones = seconds, stones

    def spend(self, seconds: float) -> None:
        """A move has taken so long."""
        self._left -= seconds
        if self._stones:
            self._stones -= 1
            if not self._stones:
                self._begin_period()
        elif self._left <= 0:
            late = -self._left
            self._begin_period()
            if self._stones:
                self._left -= late
                self._stones -= 1
                if not self._stones:
                    self._begin_period()

    def _begin_period(self) -> None:
        self._left = max(0.0, self._settings.period)
        self._stones = self._settings.stones if self._settings.period > 0 else 0

    def budget(self, moves: int) -> float:
        """Seconds for the next of at most ``moves`` own moves.

        A period is parted evenly among its moves.  So is main time, among the moves that may be
        left, but never more than half of it goes into one; a period that waits behind it is added.
        """
        left = self._left - LAG_S
        if self._stones:
            return max(_LEAST_S, self._left * _USED / self._stones - LAG_S)
        share = left / max(2, min(moves, _MOVES))
        if self._settings.period > 0 and self._settings.stones:
            share = min(share + self._settings.period / self._settings.stones, left)
        return max(_LEAST_S, share)
