"""A folder of problems given to a prover, one process a core.

A process that dies takes one problem with it and no more; Ctrl-C is the main process's business.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any, NamedTuple

import torch

from envs.proving.logic.deep import deep
from envs.proving.logic.formula import Problem
from envs.proving.logic.tokens import TptpError
from selfplay.proving.guided import Guide
from selfplay.proving.prover import Prover
from selfplay.proving.szs import COUNTER_SATISFIABLE, GAVE_UP, SATISFIABLE, reading_status
from selfplay.proving.trials import Bounds, Ground
from selfplay.system.parent import leave_with_parent

_LOOK_S = 0.25  # between two looks at whether to stop
_PATIENCE_S = 10.0  # for a process to stop


class Order(NamedTuple):
    """How every problem is to be tried."""

    guide: Callable[[], Guide] | None  # what loads it, in each process; None: unguided
    bounds: Bounds
    guided_share: float


class Judged(NamedTuple):
    """What has become of one problem."""

    path: str
    problem: str
    trivial: bool  # the conjecture stands word for word among the axioms
    proved: bool  # and checked
    status: str
    how: str
    seconds: float
    inferences: int
    steps: int  # nodes of the proof's tableau; 0 for none
    refused: bool  # the checker did not accept the proof
    error: str  # why it could not be tried; "" if it was


def judge_files(
    files: Sequence[Path],
    order: Order,
    processes: int,
    stop: Callable[[], bool],
    tell: Callable[[], object],
) -> Iterator[Judged]:
    """What becomes of each problem, in the order in which they are done.

    ``stop`` is asked now and then whether to leave the rest, ``tell`` called as often.
    """
    crew = _Crew(order)
    waiting = list(files)[::-1]
    try:
        for _ in range(min(processes, len(waiting))):
            crew.hire(waiting.pop())
        while crew.busy:
            tell()
            for judged in crew.finished():
                yield judged
                if waiting and not stop():
                    crew.hire(waiting.pop())
            if stop():
                crew.halt()
                waiting.clear()
    finally:
        crew.dismiss()


@deep
def is_trivial(problem: Problem) -> bool:
    """Whether a conjecture stands word for word among the axioms."""
    axioms = [one.formula for one in problem.statements if one.role != "conjecture"]
    asked = [one.formula for one in problem.statements if one.role == "conjecture"]
    return any(formula in axioms for formula in asked)


class _Crew:
    """Processes with a problem each, and those that wait for one."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._context = multiprocessing.get_context("spawn")
        self._halt = self._context.Event()
        self._idle: list[tuple[SpawnProcess, Connection]] = []
        self.busy: dict[Connection, tuple[SpawnProcess, Path]] = {}

    def hire(self, path: Path) -> None:
        """Gives a problem to an idle process or a new one."""
        process, ours = self._idle.pop() if self._idle else self._start()
        ours.send(str(path))
        self.busy[ours] = process, path

    def _start(self) -> tuple[SpawnProcess, Connection]:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(
            target=_work, args=(theirs, self._order, self._halt), daemon=True
        )
        with _deaf():
            process.start()
        theirs.close()
        return process, ours

    def finished(self) -> Iterator[Judged]:
        """What has come in; waits a moment for it."""
        for one in wait(list(self.busy), _LOOK_S):
            assert isinstance(one, Connection)
            process, path = self.busy.pop(one)
            try:
                answer = one.recv()
            except (EOFError, OSError):
                process.join()
                one.close()
                yield _failed(path, f"its process ended ({_ending(process.exitcode)})")
                continue
            if isinstance(answer, str):
                raise ValueError(answer)
            self._idle.append((process, one))
            yield answer

    def halt(self) -> None:
        """Asks all to stop at once."""
        self._halt.set()

    def dismiss(self) -> None:
        """Ends all processes, by force those that do not hear."""
        self._halt.set()
        crew = [*self._idle, *((process, one) for one, (process, _) in self.busy.items())]
        for _, one in crew:
            with contextlib.suppress(OSError):
                one.send(None)
        until = time.monotonic() + _PATIENCE_S
        for process, one in crew:
            process.join(max(0.1, until - time.monotonic()))
            if process.is_alive():
                process.kill()
            one.close()
        self.busy.clear()


def _ending(code: int | None) -> str:
    if code is not None and code < 0:
        return f"{signal.Signals(-code).name}; perhaps it took too much memory"
    return f"exit code {code}"


@contextlib.contextmanager
def _deaf() -> Iterator[None]:
    """Processes that are started within never hear Ctrl-C."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _work(one: Connection, order: Order, halt: Any) -> None:
    """A process: tries problems until it is sent None; a string says why it cannot try any."""
    leave_with_parent()
    torch.set_num_threads(1)
    try:
        prover = Prover(order.guide() if order.guide else None, order.guided_share)
        prover.warm_up()
    except (ValueError, OSError) as error:
        one.send(str(error))
        return
    while (path := one.recv()) is not None:
        one.send(judge_file(prover, Path(path), order.bounds, halt.is_set))


def judge_file(
    prover: Prover, path: Path, bounds: Bounds, stop: Callable[[], bool] | None = None
) -> Judged:
    """What becomes of one problem; an error is part of the answer."""
    try:
        result = prover.prove_file(path, bounds, stop)
    except TptpError as error:
        return _failed(path, str(error), reading_status(error))
    except (ValueError, OSError) as error:
        return _failed(path, str(error))
    except MemoryError:
        prover.ground = Ground()
        return _failed(path, "it needs more memory than there is")
    has_model = result.status in (SATISFIABLE, COUNTER_SATISFIABLE)
    untried = result.form is None and not has_model
    return Judged(
        str(path),
        result.problem.name,
        is_trivial(result.problem),
        result.proved,
        result.status,
        result.how,
        result.seconds,
        result.inferences,
        len(result.proof.nodes) if result.proof else 0,
        result.refused,
        result.reason if untried or result.refused else "",
    )


def _failed(path: Path, error: str, status: str = GAVE_UP) -> Judged:
    name = path.name.removesuffix(".p")
    return Judged(str(path), name, False, False, status, "", 0.0, 0, 0, False, error)
