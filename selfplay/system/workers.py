"""Workers of this one, each at one task at a time: what they can do, and processes that are such.

A worker that dies takes its task with it and no more.  Ctrl-C is for this process alone, and no
process outlives it.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import pickle
import select
import signal
import threading
import time
import traceback
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkServerProcess
from multiprocessing.forkserver import ensure_running
from multiprocessing.reduction import ForkingPickler
from typing import Any

from selfplay.system import safe_path

# Each is a fork of one process that has imported what they need and does nothing else: a fork of
# this one would be without its threads, and one from nothing imports for a second.
CONTEXT = multiprocessing.get_context("forkserver")
preloaded: list[str] = []  # modules that it has imported; none: that of the first ``begin``
_starting = threading.Lock()
_PATIENCE_S = 10.0  # for a process to stop
_LIVES = 3  # workers that one task may cost
# signals of the terminal, which no worker heeds
FOR_THE_LEADER = {getattr(signal, name) for name in ("SIGINT", "SIGHUP") if hasattr(signal, name)}

# what a worker works with: made once, it turns a task into an answer
Work = Callable[[Any], Any]
# what only a new process can be given, shared memory and pipes, while it is started
Entering = Callable[[], AbstractContextManager[tuple[Any, ...]]]
# (count, begin, *arguments): workers of which each calls ``begin(halted, *arguments)`` for its
# Work; ``halted()`` is whether to stop
MakeWorkers = Callable[..., "WorkerPool"]


class EndedError(Exception):
    """A worker ended before its task was done; says how."""


class WorkerPool(ABC):
    """Workers, wherever they are, and the tasks that they are at.

    A ValueError or OSError of ``begin`` is raised by ``answers`` once its worker has a task.
    """

    count: int  # that work at the same time
    busy: Mapping[Any, Any]  # has one entry a task that is under way
    lost = 0  # workers that died while ``map`` waited for them

    def __init__(self, count: int) -> None:
        self.count = count
        self._kills = 0  # how often all were ended
        self._maps = 0  # how often tasks were mapped
        self._alive: list[Any] = []  # workers, busy or not
        # of these, who has no task; handed from here to ``busy`` and back by one thread alone
        self._idle = [self._new() for _ in range(count)]

    @property
    def killed(self) -> bool:
        """Whether all were ended at once."""
        return self._kills > 0

    @abstractmethod
    def publish(self, task: Any) -> None:
        """Every worker, new ones too, does this task once before its next one.

        What it answers goes nowhere; an exception is the answer to that next task.  The latest that
        was published counts.
        """

    @abstractmethod
    def give(self, task: Any, name: Any = None) -> None:
        """Gives a task to an idle worker, to a new one where there is none.

        ``name`` is what stands for the task beside its answer (None: the task itself).
        """

    @abstractmethod
    def answers(self, seconds: float | None = None) -> Iterator[tuple[Any, Any]]:
        """Tasks that are done, with their answers; waits for one, ``seconds`` at most.

        An answer is the Exception that the work raised, EndedError where its worker died.
        """

    @abstractmethod
    def halt(self) -> None:
        """Asks all to stop at once."""

    def kill(self) -> None:
        """Ends all at once; what they are at is lost.  Another thread may do it at any moment."""
        self._kills += 1
        for worker in list(self._alive):
            worker.kill()

    @abstractmethod
    def _start(self) -> Any:
        """A new worker, which has a method ``kill``."""

    def _new(self) -> Any:
        """A new worker, ended where all were while it began."""
        kills = self._kills
        worker = self._start()
        self._alive.append(worker)  # before the look: who kills counts before he looks here
        if self._kills != kills:
            worker.kill()
        return worker

    @abstractmethod
    def close(self) -> None:
        """Ends all workers, by force those that do not hear."""

    def map(self, tasks: Sequence[Any]) -> Iterator[Any]:
        """The answers to the tasks, in order; raises those that are exceptions.

        Whoever is free gets the next task.  A task whose worker dies is asked again of another,
        until it has cost ``_LIVES`` of them.
        """
        answers: dict[int, Any] = {}
        deaths: Counter[int] = Counter()
        self._maps += 1
        this = self._maps
        waiting = list(enumerate(tasks))[::-1]
        for number in range(len(tasks)):
            while number not in answers:
                while waiting and len(self.busy) < self.count:
                    if self.killed:  # no worker begins for what nobody wants any more
                        raise EndedError("it was ended before its task was done")
                    name, task = waiting.pop()
                    self.give(task, (this, name))
                for (of, name), answer in self.answers():
                    if of != this:  # of one that was left before its end
                        continue
                    if isinstance(answer, EndedError) and not self.killed:
                        self.lost += 1
                        deaths[name] += 1
                        if deaths[name] < _LIVES:
                            waiting.append((name, tasks[name]))
                            continue
                    answers[name] = answer
            answer = answers.pop(number)
            if isinstance(answer, Exception):
                raise answer
            yield answer


@dataclass(eq=False)
class _Worker:
    """A process, and how it is talked to."""

    process: ForkServerProcess
    pipe: Connection
    told: int = 0  # the latest of what was published that it has been sent

    @property
    def pid(self) -> int | None:
        return self.process.pid

    def kill(self) -> None:
        self.process.kill()


class Workers(WorkerPool):
    """``count`` processes of this machine."""

    def __init__(
        self,
        count: int,
        begin: Callable[..., Work],
        *arguments: Any,
        inherited: tuple[Any, ...] = (),
        entering: Entering | None = None,
    ) -> None:
        """Each process calls ``begin(halted, *arguments, *inherited)``.

        ``inherited`` is what only a new process can be given: shared memory, pipes; ``entering``:
        makes it, where each has its own.
        """
        CONTEXT.set_forkserver_preload(preloaded or [begin.__module__])
        # halted: its other end is closed; the lock of an Event may be held by who was killed
        self._halt, self._open = CONTEXT.Pipe(duplex=False)
        # in one piece: what starts a process is pickled while other threads pickle too
        with _starting:
            self._started = pickle.dumps((dict(os.environ), begin, arguments))
        self._entering = entering or (lambda: nullcontext(inherited))
        self._published = (0, b"")  # how often, and the latest message
        self.busy: dict[Connection, tuple[_Worker, Any]] = {}
        super().__init__(count)

    def _start(self) -> _Worker:
        ours, theirs = CONTEXT.Pipe()
        with self._entering() as inherited:
            process = CONTEXT.Process(
                target=_serve, args=(theirs, self._started, self._halt, inherited), daemon=True
            )
            with _starting, safe_path.kept_out():
                resource_tracker.ensure_running()  # it would let Ctrl-C through again
            # goes on in the process, and in what forks all of them
            before = signal.pthread_sigmask(signal.SIG_BLOCK, FOR_THE_LEADER)
            try:
                with _starting, safe_path.kept_out():
                    ensure_running()
                process.start()
            finally:
                signal.pthread_sigmask(signal.SIG_SETMASK, before)
        theirs.close()
        return _Worker(process, ours)

    def publish(self, task: Any) -> None:
        self._published = self._published[0] + 1, bytes(ForkingPickler.dumps((False, task)))

    def give(self, task: Any, name: Any = None) -> None:
        worker = self._idle.pop() if self._idle else self._new()
        self.busy[worker.pipe] = worker, task if name is None else name
        with contextlib.suppress(OSError):  # it has died: ``answers`` says so
            number, message = self._published
            if worker.told < number:
                worker.told = number
                worker.pipe.send_bytes(message)
            worker.pipe.send((True, task))

    def answers(self, seconds: float | None = None) -> Iterator[tuple[Any, Any]]:
        for ours in wait(list(self.busy), seconds):
            assert isinstance(ours, Connection)
            worker, task = self.busy.pop(ours)
            try:
                begun, answer = ours.recv()
            except (EOFError, OSError):
                self._alive.remove(worker)
                worker.process.join()
                ours.close()
                code = worker.process.exitcode or 0
                how = f"exit code {code}"
                if code < 0:
                    how = f"{signal.Signals(-code).name}; perhaps it took too much memory"
                yield task, EndedError(f"its process ended ({how})")
                continue
            self._idle.append(worker)
            if not begun:
                raise answer
            yield task, answer

    def halt(self) -> None:
        self._open.close()

    def close(self) -> None:
        self.halt()
        every = list(self._alive)
        for worker in every:
            with contextlib.suppress(OSError):
                worker.pipe.send(None)
        until = time.monotonic() + _PATIENCE_S
        for worker in every:
            worker.process.join(max(0.1, until - time.monotonic()))
            if worker.process.is_alive():
                worker.process.kill()
            worker.pipe.close()
        self._alive.clear()
        self._idle.clear()
        self.busy.clear()
        self._halt.close()


def _serve(pipe: Connection, started: bytes, halt: Connection, inherited: tuple[Any, ...]) -> None:
    """A process: does the tasks it is sent until one is None."""
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    try:
        surroundings, begin, arguments = pickle.loads(started)
        os.environ.clear()  # those of what forks may be old
        os.environ.update(surroundings)
    except Exception as error:  # a user's module, say, that does not load a second time
        reason = f"{type(error).__name__}: {error}"
        pipe.send((False, ValueError(f"another process cannot load what it needs ({reason})")))
        return
    try:
        work: Work = begin(_closed(halt), *arguments, *inherited)
    except (ValueError, OSError) as error:
        pipe.send((False, error))
        return
    failed: Exception | None = None  # what was published could not be done
    while (message := pipe.recv()) is not None:
        asked, task = message
        if asked:
            pipe.send((True, answered(work, task) if failed is None else failed))
        else:
            answer = answered(work, task)
            failed = answer if isinstance(answer, Exception) else None


def _closed(line: Connection) -> Callable[[], bool]:
    """Whether the other end of a pipe has been closed, in which nothing is written."""
    poll = select.poll()
    poll.register(line, select.POLLIN)
    return lambda: bool(poll.poll(0))


def answered(work: Work, task: Any) -> Any:
    """What the work makes of the task, or what it raises, told where."""
    try:
        return work(task)
    except Exception as error:
        return _portable(error, traceback.format_exc())


def _portable(error: Exception, where: str) -> Exception:
    """The error as the other process can have it, which is told where it was raised."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:  # a user's class with arguments of its own, say
        error = RuntimeError(f"{type(error).__name__}: {error}")
    error.add_note(where)
    return error


def _leave_with_parent() -> None:
    """Ends this process when its parent does, however that ends."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
