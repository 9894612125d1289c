"""The progress of a sweep: a table that renews itself in a terminal, else a line now and then."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Mapping, Sequence

from rich.console import Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table

from selfplay.sweep.forecast import Forecast
from selfplay.sweep.plan import Plan
from selfplay.sweep.task import Record, Task
from selfplay.system.console import PlainConsole, clock
from selfplay.system.printable import bare, unheeded

_EVERY_S = 60.0  # between two lines of progress where there is no terminal
_RENEW_S = 2.0  # between two readings of the runs' metrics


class Screen:
    """What the user sees while a sweep goes on."""

    def __init__(
        self, plan: Plan, tasks: Sequence[Task], records: Mapping[str, Record], jobs: int
    ) -> None:
        self._plan, self._tasks, self._records, self._jobs = plan, tasks, records, jobs
        self._console = PlainConsole(unheeded(bare(sys.stderr)))
        self._forecast = Forecast(tasks, records)
        self._left_s = math.nan
        self._shown_at = time.monotonic()
        self._live: Live | None = None
        if self._console.is_live:
            self._live = Live(console=self._console, get_renderable=self._draw, auto_refresh=False)

    def __enter__(self) -> Screen:
        if self._live is not None:
            self._live.start()
        self._say(f"sweep {self._plan.name} in {self._plan.folder}: {self._counts()}")
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()

    def show(self) -> None:
        """Renews the table, or prints a line when one is due."""
        now = time.monotonic()
        if now - self._shown_at < (_EVERY_S if self._live is None else _RENEW_S):
            return
        self._shown_at = now
        self._left_s = self._forecast.left_s(self._jobs)
        if self._live is not None:
            self._live.refresh()
        else:
            self._say(f"{self._counts()}; time left {clock(self._left_s)}")

    def ended(self, task: Task) -> None:
        """A line for a task that was done, failed or stopped."""
        record = self._records[task.name]
        word = "stopped" if record.state == "waiting" else record.state
        ended = sum(each.state in ("done", "failed") for each in self._records.values())
        told = f": {record.error}" if record.error else f" after {clock(record.seconds)}"
        self._say(f"[{ended}/{len(self._tasks)}] {task.name} {word}{told}")

    def stopping(self, running: int) -> None:
        self._say(
            f"stopping: {running} runs finish their iteration and save (press Ctrl-C again to "
            f"leave without saving)"
        )

    def _say(self, sentence: str) -> None:
        self._console.print(sentence, soft_wrap=True)

    def _counts(self) -> str:
        states: list[str] = [each.state for each in self._records.values()]
        shown = ["done", "running", "waiting", *(["failed"] if "failed" in states else [])]
        return ", ".join(f"{states.count(state)} {state}" for state in shown)

    def _draw(self) -> Group:
        table = Table.grid(padding=(0, 2))
        for task in self._tasks:
            record = self._records[task.name]
            if record.state == "running":
                share = self._forecast.share(task)
                bar = ProgressBar(total=1.0, completed=0 if math.isnan(share) else share, width=20)
                table.add_row(task.name, bar, clock(record.seconds))
        done = sum(each.state == "done" for each in self._records.values())
        whole = ProgressBar(total=len(self._tasks), completed=done, width=50)
        said = f"{self._counts()}; time left {clock(self._left_s)}"
        return Group(f"sweep {self._plan.name} in {self._plan.folder}", whole, said, table)
