"""Reports written down: metrics.jsonl, TensorBoard and the terminal."""

from __future__ import annotations

import functools
import json
import math
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TextIO

from rich.console import Group
from rich.live import Live
from rich.text import Text

from selfplay.screens.lines import Lines, made
from selfplay.system.console import PlainConsole, clock
from selfplay.system.files import Appended
from selfplay.system.graph import Curve, bar, graph, legend
from selfplay.system.printable import bare, unheeded
from selfplay.training import metrics_file as metrics
from selfplay.training.events import EVENTS, curve_name, events_of_run
from selfplay.training.metrics import ENDS, find, table
from selfplay.training.replay_view import ReplayView
from selfplay.training.strength_curve import curves_of
from selfplay.training.summary import Measurement, Summary
from selfplay.types import Report

_REFRESHES = 1.0  # of the screen a second


class RunLog:
    """Writes each report to ``metrics.jsonl`` and to an events file for TensorBoard."""

    def __init__(
        self,
        folder: Path,
        resume_at: int | None,
        say: Callable[[str], None] = lambda _: None,
        about: Mapping[str, float | str] | None = None,
    ) -> None:
        """``resume_at``: the step of the checkpoint a run goes on from, None at its beginning.

        What was written down after that will be done again, so it is dropped.  ``say`` is told of
        lines that are damaged; ``about`` is what HParams shows of the run.  Raises ValueError with
        a sentence when the disk takes nothing.
        """
        path = folder / metrics.NAME
        if resume_at is None:
            for old in (path, *folder.glob(f"{EVENTS}*")):
                old.unlink(missing_ok=True)
        elif path.exists():
            damaged, kept = metrics.drop_after(folder, resume_at)
            if damaged:
                say(f"{path}: {metrics.left_out(damaged)}; the file as it was is {kept}")
        times = (line.get("time", 0.0) for line in metrics.read_metrics(folder))
        # what was told before, in seconds since 1970, and when that was
        self._told = max((time for time in times if isinstance(time, float)), default=0.0)
        self._told_at = time.monotonic()
        self._lines = Appended(path)
        purge = 0 if resume_at is None else resume_at + 1
        self._events = events_of_run(folder, purge, self._now(), about or {})

    def write(self, report: Report) -> None:
        """Writes a report down, on the disk before this returns: a kill takes nothing along."""
        scalars = {key: float(value) for key, value in report.scalars.items()}
        finite = {key: value for key, value in scalars.items() if math.isfinite(value)}
        now = round(self._now(), 3)
        line = {"step": report.step, "phase": report.phase, "time": now, **finite}
        self._lines.write((json.dumps(line) + "\n").encode())
        self._events.add_scalars({curve_name(key): finite[key] for key in finite}, report.step, now)

    def _now(self) -> float:
        """Seconds since 1970; where the clock was set back, on from what was told before."""
        gone = time.monotonic() - self._told_at
        self._told_at += gone
        self._told = max(time.time(), self._told + gone)
        return self._told

    def close(self) -> None:
        self._lines.close()
        self._events.close()


class TrainingScreen:
    """Live progress: a table that renews itself in a terminal, else now and then a line.

    A refresh takes the interpreter from the training for as long as it lasts: there is one a
    second, and of what has not changed since the last one nothing is made anew.
    """

    def __init__(
        self,
        title: str,
        progress: Callable[[], float],
        stream: TextIO | None = None,
        paid: Callable[[], tuple[int, float]] | None = None,
        run: Summary | None = None,
        every_s: float = math.nan,
        game: ReplayView | None = None,
        chance: Callable[[str], float | None] = lambda metric: None,
    ) -> None:
        """``progress``: share of the budget used.  ``paid``: iterations and seconds so far.

        ``run``: what its folder tells at the beginning, whose curve goes on; ``every_s``: seconds
        between measurements, NaN where no clock says; ``game``: one of the run, to be shown;
        ``chance``: what random moves reach of a metric, where that is known.
        """
        self._console = PlainConsole(unheeded(bare(stream or sys.stderr)))
        self._title, self._progress, self._paid = title, progress, paid
        self.doing = "starting"  # what the run is at
        self._run, self._every_s, self._game = run, every_s, game
        self._chance = functools.cache(chance)
        # made anew by each measurement
        self._curves = [] if run is None else curves_of(run, self._chance)
        self._measured_at: int | None = None  # positions
        self._measured_when = math.nan  # seconds of the monotonic clock
        self._latest: dict[str, float] = {}  # replaced, never changed: rich's thread reads it
        self._values_of: tuple[dict[str, float], list[tuple[str, str]]] = ({}, [])
        self._graph = _Made()
        self._board = _Made()
        self._start, self._at_start = time.monotonic(), progress()
        self._last_line = -math.inf
        self._live: Live | None = None
        if self._console.is_live:
            self._live = Live(
                console=self._console, get_renderable=self._draw, refresh_per_second=_REFRESHES
            )
            self._live.start()

    def say(self, sentence: str) -> None:
        """A line that stays."""
        self._console.print(sentence, soft_wrap=True)

    def show(self, report: Report) -> None:
        first = report.phase == "selfplay" and "selfplay/seconds" not in self._latest
        if report.phase == "strength":
            self._measured_at, self._measured_when = report.step, time.monotonic()
            if self._run is not None:
                new = Measurement(
                    report.step, self._paid()[1] if self._paid else 0.0, dict(report.scalars)
                )
                self._run = self._run._replace(strength=[*self._run.strength, new])
                self._curves = curves_of(self._run, self._chance)
        elif report.phase != "learn":
            self.doing = "learning"
        self._latest = {**self._latest, **report.scalars, "step": report.step}
        if self._live is not None:
            return
        due = report.phase == "strength" or time.monotonic() - self._last_line > 10
        if first:  # half a minute or more may go by until something is learned
            rate = report.scalars.get("selfplay/simulations_per_s", 0.0)
            self.say(f"{report.step:,} positions made, {rate:,.0f} simulations/s; learning begins")
        elif due and "learn/kl" in self._latest:
            self._last_line = time.monotonic()
            cells = (f"{name} {value}" for name, value in self._cells())
            self._console.print(" · ".join(cells), soft_wrap=True)

    def close(self) -> None:
        if self._live is not None:
            self._live.stop()

    def _cells(self) -> list[tuple[str, str]]:
        """What there is to say at present, as names and values; a regime without games has none."""
        cells = [("time left", clock(self._left_s()))]
        if self._paid is not None:
            iterations, seconds = self._paid()
            cells += [("elapsed", clock(seconds)), ("iteration", f"{iterations + 1:,}")]
        return cells + self._values()

    def _values(self) -> list[tuple[str, str]]:
        """Those of the latest reports."""
        latest = self._latest
        if self._values_of[0] is latest:
            return self._values_of[1]
        cells = []
        for metric in table():
            value = latest.get(metric.name) if metric.label else None
            if value and not metric.name.startswith("strength/") and not math.isnan(value):
                cells.append((metric.label, metric.form.format(value)))
        if self._measured_at is not None:
            cells.append(("strength at", f"{self._measured_at:,} positions"))
        curves = [name for name in latest if name.startswith("strength/")]
        owners = [(of, name) for name in curves if (of := find(name)) and not name.endswith(ENDS)]
        for of, name in sorted(owners, key=lambda pair: table().index(pair[0])):
            if of.label:
                label = of.label.replace("PLAYER", name.partition("vs_")[2])
                cells.append((label, of.form.format(latest[name])))
        self._values_of = latest, cells
        return cells

    def _left_s(self) -> float:
        done = self._progress()
        gone = done - self._at_start
        return (time.monotonic() - self._start) * (1 - done) / gone if gone > 0 else math.nan

    def _draw(self) -> Group:
        cells = self._cells()
        left = self._every_s - (time.monotonic() - self._measured_when)
        if not math.isnan(left):
            cells.append(("next measurement", f"in {clock(max(0.0, left))}" if left > 0 else "due"))
        across = max(len(name) for name, _ in cells)
        rows = [f"{name:{across}}  {value}" for name, value in cells]
        width, height = self._console.size
        fine = not self._console.options.ascii_only
        room = min(60, width - 52)
        right = self._right(room, height, fine) if room >= 24 else []
        beside = Lines(rows, right, width - room - 3 if right else width)
        full, empty = bar(self._progress(), min(50, width - 1), fine)
        share = Text.assemble((full, "magenta"), (empty, "dim"), no_wrap=True)
        return Group(f"{self._title}: {self.doing}", share, "", beside)

    def _right(self, room: int, height: int, fine: bool) -> list[str]:
        """The curve and the game, where these have room."""
        console, curves = self._console, self._curves
        lines: list[str] = []
        if curves:
            lines = self._graph.lines(
                (curves, room, fine), lambda: made(console, _pictured(curves, room, fine), room)
            )
        if self._game is not None:
            coloured = console.color_system is not None and not console.no_color
            board = self._game.lines(fine, coloured)
            if board and len(board) + len(lines) + 6 <= height:
                drawn = self._board.lines((board, room), lambda: made(console, Group(*board), room))
                lines = lines + drawn
        return lines


def _pictured(curves: Sequence[Curve], room: int, fine: bool) -> Group:
    return Group(*graph(curves, room, 8, fine=fine), legend(curves, fine))


class _Made:
    """Lines for as long as they are of the same things."""

    def __init__(self) -> None:
        self._of: tuple[object, ...] = ()
        self._lines: list[str] = []

    def lines(self, of: tuple[object, ...], make: Callable[[], list[str]]) -> list[str]:
        """``make`` is called where any of ``of`` is another object, or another number, than last.

        What is in ``of`` is replaced when it changes, never changed itself.
        """
        same = len(of) == len(self._of) and all(
            a is b or (isinstance(a, int) and a == b) for a, b in zip(of, self._of, strict=True)
        )
        if not same:
            self._of, self._lines = of, make()
        return self._lines
