"""The loop of a sweep: tasks started when what they need is there, one a slot."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, NamedTuple

from selfplay.sweep.plan import Cell, DataSet, Plan
from selfplay.sweep.screen import Screen
from selfplay.sweep.slots import Slot
from selfplay.sweep.task import Process, Record, Task, now, tasks_of
from selfplay.system.files import locked
from selfplay.system.interrupts import interrupts
from selfplay.system.text import objects_in
from selfplay.training.folder import RunFolder

_LOOK_S = 0.2  # seconds between two looks at the processes


class Outcome(NamedTuple):
    """How a call of ``run_sweep`` ended."""

    content: dict[str, Any]  # of sweep.json
    failed: tuple[tuple[str, str, str], ...]  # name, error, file with more of it or ""
    left: int  # tasks stopped or never started; 0 unless the user stopped the sweep


def run_sweep(plan: Plan, slots: Sequence[Slot]) -> Outcome:
    """Runs what is left of a plan, a task in each slot.

    Raises ValueError when another process runs the same sweep, and as ``tasks_of`` does.
    """
    with locked(plan.folder, f"{plan.folder} is being run by another 'selfplay sweep'"):
        return _Runner(plan, slots).run()


def records_of(plan: Plan, tasks: list[Task]) -> dict[str, Record]:
    """How every task stands, from its folder and from what sweep.json says of it."""
    told = RunFolder(plan.folder).read_json("sweep.json")
    entries = [*objects_in(told, "data"), *objects_in(told, "cells")]
    before = {str(each.get("name")): each for each in entries}
    records = {}
    for task in tasks:
        known = before.get(task.name, {})
        started, seconds = known.get("started"), known.get("seconds")
        record = records[task.name] = Record(
            started=started if isinstance(started, str) else None,
            seconds=float(seconds) if isinstance(seconds, int | float) else 0.0,
        )
        if task.done():
            record.state, record.finished = "done", known.get("finished")
    return records


class _Runner:
    """A sweep while it runs."""

    def __init__(self, plan: Plan, slots: Sequence[Slot]) -> None:
        self._plan, self._tasks = plan, tasks_of(plan)
        self._records = records_of(plan, self._tasks)
        self._slots = list(slots)  # that are free
        self._running: list[Process] = []
        self._stops = 0  # how often the user asked for the end

    def run(self) -> Outcome:
        screen = Screen(self._plan, self._tasks, self._records, len(self._slots))
        with interrupts(self._ask_to_stop), screen:
            try:
                while self._step(screen):
                    screen.show()
                    time.sleep(_LOOK_S)
            except KeyboardInterrupt:  # a second Ctrl-C
                self._kill()
                raise
            finally:
                self._leave()
        failed = tuple(
            (task.name, str(record.error), str(task.error) if task.error.is_file() else "")
            for task in self._tasks
            if (record := self._records[task.name]).state == "failed"
        )
        left = sum(each.state == "waiting" for each in self._records.values())
        return Outcome(self._content(), failed, left)

    def _step(self, screen: Screen) -> bool:
        """Ends and starts what is to be; False when there is nothing more to wait for."""
        changed = False
        for each in list(self._running):
            if each.poll(stopping=self._stops > 0):
                self._running.remove(each)
                self._slots.append(each.slot)
                screen.ended(each.task)
                changed = True
        waiting = [task for task in self._tasks if self._records[task.name].state == "waiting"]
        for task in waiting if not self._stops else []:
            state = self._needs(task)
            if state == "failed":
                screen.ended(task)
                changed = True
            elif state == "ready" and self._slots and not task.busy():
                slot = self._slots.pop(0)
                self._running.append(Process(task, self._records[task.name], slot))
                changed = True
        if changed:
            self._write()
        if self._stops == 1:
            screen.stopping(len(self._running))
            self._stops = 2
            for each in self._running:
                each.stop()
        return bool(self._running) or (bool(waiting) and not self._stops)

    def _needs(self, task: Task) -> str:
        """ "ready", "waiting" or "failed": how far that is on which a task depends."""
        states = {name: self._records[name].state for name in task.needs}
        for name, state in states.items():
            if state == "failed":
                record = self._records[task.name]
                record.state, record.error = "failed", f"it needs {name}, which failed"
                return "failed"
        return "ready" if set(states.values()) <= {"done"} else "waiting"

    def _ask_to_stop(self, by_key: bool) -> None:
        """On a request to end tasks save and leave; Ctrl-C after it kills them."""
        if self._stops == 0:
            self._stops = 1
        elif by_key:
            raise KeyboardInterrupt

    def _leave(self) -> None:
        """What still runs, because of an error, saves and leaves; how all ended is noted."""
        self._stops = 2
        for each in self._running:
            each.stop()
        try:
            for each in self._running:
                each.process.wait()
        except KeyboardInterrupt:
            self._kill()
            raise
        for each in self._running:
            each.poll(stopping=True)
        self._write()

    def _kill(self) -> None:
        for each in self._running:
            each.kill()

    def _content(self) -> dict[str, Any]:
        def stand(kind: type[Cell | DataSet]) -> list[dict[str, Any]]:
            tasks = (task for task in self._tasks if isinstance(task.item, kind))
            return [
                {"name": task.name, **self._records[task.name].plain(), **task.item.plain()}
                for task in tasks
            ]

        return {
            "name": self._plan.name, "file": str(self._plan.file), "written": now(),
            "cells": stand(Cell), "data": stand(DataSet),
        }  # fmt: skip

    def _write(self) -> None:
        RunFolder(self._plan.folder).write_json("sweep.json", self._content())
