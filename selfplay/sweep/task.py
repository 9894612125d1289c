"""What a sweep runs: each task a process of its own, with its folder, its log and its state."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

from envs import trust
from selfplay.config import Config
from selfplay.sweep.plan import Cell, DataSet, Plan, differences
from selfplay.sweep.slots import Slot
from selfplay.system.files import (
    aside,
    refuse_links_out,
    refused,
    remove_abandoned,
    write_text_atomically,
)
from selfplay.system.text import objects_in
from selfplay.training.folder import RunFolder

State = Literal["waiting", "running", "done", "failed"]

_LAST_LINES = 30  # of standard error, kept when a task fails
_LIBRARIES = ("OMP", "MKL", "OPENBLAS", "NUMBA")  # compute in as many threads as a task has cores


class Task(NamedTuple):
    """A data set to make, or a cell to train."""

    name: str
    item: DataSet | Cell
    folder: Path  # where its data or its run come to lie
    log: Path  # standard error of its process
    error: Path  # the last lines of it, where the task failed
    needs: tuple[str, ...]  # names of the tasks before it

    def done(self) -> bool:
        """Whether its result is there."""
        if isinstance(self.item, DataSet):
            return (self.folder / "manifest.json").is_file()
        return RunFolder(self.folder).read_json("provenance.json").get("finished") is True

    def busy(self) -> bool:
        """Whether another process trains it, such as one of a sweep that was killed."""
        if isinstance(self.item, DataSet) or not self.folder.is_dir():
            return False
        try:
            with RunFolder(self.folder).locked():
                return False
        except ValueError:
            return True


@dataclass
class Record:
    """How a task stands; what sweep.json holds of it."""

    state: State = "waiting"
    started: str | None = None
    finished: str | None = None
    seconds: float = 0.0  # of all its processes
    error: str | None = None

    def plain(self) -> dict[str, Any]:
        return asdict(self) | {"seconds": round(self.seconds, 1)}


class Process:
    """A task while it runs in its slot."""

    def __init__(self, task: Task, record: Record, slot: Slot) -> None:
        self.task, self.record, self.slot = task, record, slot
        record.state, record.error = "running", None
        record.started = record.started or now()
        self._earlier_s, self._start = record.seconds, time.monotonic()
        words = self._prepared()
        try:
            task.error.unlink(missing_ok=True)
            task.log.parent.mkdir(parents=True, exist_ok=True)
            log = open(task.log, "wb")  # noqa: SIM115  closed by the block below
        except OSError as error:
            raise refused(task.log, error) from error
        cores = ",".join(map(str, slot.cores))
        threads = str(max(1, len(slot.cores)))
        with log:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-m", "selfplay.sweep.child", cores or "any", *words],
                stdin=subprocess.PIPE,  # its end tells the child to stop; see child.py
                stdout=subprocess.DEVNULL,
                stderr=log,
                env=os.environ
                | {f"{library}_NUM_THREADS": threads for library in _LIBRARIES}
                | ({"CUDA_VISIBLE_DEVICES": slot.gpu} if slot.gpu else {}),
                start_new_session=True,  # the terminal's Ctrl-C goes to the sweep alone
            )

    def _prepared(self) -> list[str]:
        """The words of its command, once its place is ready."""
        item = self.task.item
        if isinstance(item, Cell):
            config = _begun(item.config, RunFolder(self.task.folder)) or self.slot.fitted(
                item.config
            )
            RunFolder(self.task.folder).write_json("config.json", config.dump())
            trusted = [] if trust.is_listed(item.config.game) else ["--trust"]  # as the plan is
            return ["train", str(self.task.folder), *trusted]
        self.task.folder.parent.mkdir(parents=True, exist_ok=True)
        remove_abandoned(self.task.folder)
        trusted = ["--trust"] if trust.everything_is_trusted() else []
        return ["data", *shlex.split(item.make), *trusted, "--out", str(aside(self.task.folder))]

    def stop(self) -> None:
        """Asks it to save and leave."""
        assert self.process.stdin is not None
        self.process.stdin.close()

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def poll(self, stopping: bool) -> bool:
        """Brings the record up to date; True when the process has ended.

        ``stopping``: it was asked to leave, so that an end before the end is no failure.
        """
        self.record.seconds = self._earlier_s + time.monotonic() - self._start
        code = self.process.poll()
        if code is None:
            return False
        self.stop()
        if code == 0 and isinstance(self.task.item, DataSet):
            _put_in_place(self.task.folder)
        if self.task.done():
            self.record.state, self.record.finished = "done", now()
        elif stopping:
            self.record.state = "waiting"
        else:
            self.record.state, self.record.finished = "failed", now()
            self.record.error = self._keep_error(code)
        return True

    def _keep_error(self, code: int) -> str:
        """Keeps the last lines of its standard error; the last of all says it in short."""
        text = self.task.log.read_text(encoding="utf-8", errors="replace")
        lines = [line for line in text.splitlines() if line.strip()][-_LAST_LINES:]
        if code < 0:
            lines.append(f"killed by signal {-code} ({signal.Signals(-code).name})")
        elif code in (0, 130):
            lines.append("it ended before its budget was used up")
        with contextlib.suppress(ValueError):  # the disk may be what failed
            write_text_atomically(self.task.error, "".join(f"{line}\n" for line in lines))
        return lines[-1].removeprefix("selfplay: ") if lines else f"exit code {code}"


def tasks_of(plan: Plan) -> list[Task]:
    """The tasks of a plan: its data sets, then its cells.

    Raises ValueError when a folder holds something else than the plan puts there.
    """
    refuse_links_out(plan.folder, (".lock", "sweep.json"))
    file = plan.folder / "sweep.json"
    told = RunFolder(plan.folder).read_json(file.name)
    if file.exists() and not {"cells", "data"} & set(told):
        raise ValueError(
            f"{file} is not of a sweep: move it, or give the sweep another folder with --out"
        )
    tasks = []
    made_before = {
        str(one.get("out")): str(one.get("make"))
        for one in objects_in(told, "data")
        if one.get("state") == "done"
    }
    for data in plan.data:
        out, before = Path(data.out), made_before.get(data.out, data.make)
        whole = (out / "manifest.json").is_file()
        if whole and before != data.make:
            raise ValueError(
                f"{out} was made by 'selfplay data {before}'; the sweep's file now says "
                f"{data.make!r}: give it another out, or remove what is there"
            )
        if not whole and out.is_dir() and any(out.iterdir()):
            raise ValueError(
                f"{out} is no complete data set (it has no manifest.json): remove it, and the "
                f"sweep makes it again"
            )
        tasks.append(_task(f"data {data.out}", data, out, plan.folder / f"data-{out.name}", ()))
    made = {task.folder: task.name for task in tasks}
    for cell in plan.cells:
        folder = plan.folder / cell.name
        _refuse_other_config(folder, cell)
        data_folder = getattr(cell.config.regime, "data", None)
        learned = made.get(Path(data_folder)) if data_folder else None
        needs = (*cell.needs, *([learned] if learned else []))
        tasks.append(_task(cell.name, cell, folder, folder, needs))
    return tasks


def _task(
    name: str, item: DataSet | Cell, folder: Path, notes: Path, needs: tuple[str, ...]
) -> Task:
    log, error = notes / "stderr.txt", notes / "error.txt"
    refuse_links_out(notes.parent, (f"{notes.name}/{each.name}" for each in (log, error)))
    return Task(name, item, folder, log, error, needs)


def now() -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime())


def _begun(config: Config, run: RunFolder) -> Config | None:
    """The configuration with the number of actors that the run in a folder has; None: no run."""
    if not run.config_file.is_file():
        return None
    actor = config.actor.model_copy(update={"threads": run.config().actor.threads})
    return config.model_copy(update={"actor": actor})


def _refuse_other_config(folder: Path, cell: Cell) -> None:
    run = RunFolder(folder)
    config = _begun(cell.config, run)
    if config is None:
        return
    for option, old, new in differences(run.config(), config):
        raise ValueError(
            f"{folder} holds a run with {option} = {old!r}; the sweep's file now says {new!r}: "
            f"give the sweep another folder with --out, or remove that one"
        )


def _put_in_place(out: Path) -> None:
    if not out.exists() or not any(out.iterdir()):
        aside(out).replace(out)
