"""Processes that work for this one, each at one task at a time.

A process that dies takes its task with it and no more.  Ctrl-C is for this process alone, and none
outlives it.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import pickle
import signal
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Any

_PATIENCE_S = 10.0  # for a process to stop
_FOR_THE_LEADER = {getattr(signal, name) for name in ("SIGINT", "SIGHUP") if hasattr(signal, name)}

# what a process works with: made once, it turns a task into an answer
Work = Callable[[Any], Any]


class EndedError(Exception):
    """A process ended before its task was done; says how."""


class Workers:
    """``count`` processes, and the tasks that they are at."""

    def __init__(
        self,
        count: int,
        begin: Callable[..., Work],
        *arguments: Any,
        inherited: tuple[Any, ...] = (),
    ) -> None:
        """Each process calls ``begin(halted, *arguments, *inherited)``.

        ``halted()`` is whether to stop; ``inherited`` is what only a new process can be given:
        shared memory, pipes.  A ValueError or OSError of ``begin`` is raised here once its process
        has been given a task.
        """
        self._context = multiprocessing.get_context("spawn")  # threads of torch survive no fork
        self._halt = self._context.Event()
        # in one piece: what starts a process is pickled while other threads pickle too
        self._started = pickle.dumps((begin, arguments))
        self._inherited = inherited
        self._idle = [self._start() for _ in range(count)]
        self.busy: dict[Connection, tuple[SpawnProcess, Any]] = {}

    def _start(self) -> tuple[SpawnProcess, Connection]:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(
            target=_serve,
            args=(theirs, self._started, self._halt, self._inherited),
            daemon=True,
        )
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _FOR_THE_LEADER)  # goes on in the process
        try:
            process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        theirs.close()
        return process, ours

    def map(self, tasks: Sequence[Any]) -> Iterator[Any]:
        """The answers to the tasks, in order; raises those that are exceptions."""
        answers: dict[int, Any] = {}
        waiting = list(enumerate(tasks))[::-1]
        for number in range(len(tasks)):
            while number not in answers:
                while waiting and self._idle:
                    name, task = waiting.pop()
                    self.give(task, name)
                answers |= dict(self.answers())
            answer = answers.pop(number)
            if isinstance(answer, Exception):
                raise answer
            yield answer

    def give(self, task: Any, name: Any = None) -> None:
        """Gives a task to an idle process, to a new one where there is none.

        ``name`` is what stands for the task beside its answer (None: the task itself).
        """
        process, ours = self._idle.pop() if self._idle else self._start()
        self.busy[ours] = process, task if name is None else name
        with contextlib.suppress(OSError):  # it has died: ``answers`` says so
            ours.send(task)

    def answers(self, seconds: float | None = None) -> Iterator[tuple[Any, Any]]:
        """Tasks that are done, with their answers; waits for one, ``seconds`` at most.

        An answer is the Exception that the work raised, EndedError where its process died.
        """
        for ours in wait(list(self.busy), seconds):
            assert isinstance(ours, Connection)
            process, task = self.busy.pop(ours)
            try:
                begun, answer = ours.recv()
            except (EOFError, OSError):
                process.join()
                ours.close()
                code = process.exitcode or 0
                how = f"exit code {code}"
                if code < 0:
                    how = f"{signal.Signals(-code).name}; perhaps it took too much memory"
                yield task, EndedError(f"its process ended ({how})")
                continue
            self._idle.append((process, ours))
            if not begun:
                raise answer
            yield task, answer

    def halt(self) -> None:
        """Asks all to stop at once."""
        self._halt.set()

    def kill(self) -> None:
        """Ends all at once; what they are at is lost."""
        for process, _ in (*self._idle, *self.busy.values()):
            process.kill()

    def close(self) -> None:
        """Ends all processes, by force those that do not hear."""
        self._halt.set()
        every = [*self._idle, *((process, ours) for ours, (process, _) in self.busy.items())]
        for _, ours in every:
            with contextlib.suppress(OSError):
                ours.send(None)
        until = time.monotonic() + _PATIENCE_S
        for process, ours in every:
            process.join(max(0.1, until - time.monotonic()))
            if process.is_alive():
                process.kill()
            ours.close()
        self._idle.clear()
        self.busy.clear()


def _serve(pipe: Connection, started: bytes, halt: Any, inherited: tuple[Any, ...]) -> None:
    """A process: does the tasks it is sent until one is None."""
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    try:
        begin, arguments = pickle.loads(started)
    except Exception as error:  # a user's module, say, that does not load a second time
        reason = f"{type(error).__name__}: {error}"
        pipe.send((False, ValueError(f"another process cannot load what it needs ({reason})")))
        return
    try:
        work: Work = begin(halt.is_set, *arguments, *inherited)
    except (ValueError, OSError) as error:
        pipe.send((False, error))
        return
    while (task := pipe.recv()) is not None:
        try:
            answer = work(task)
        except Exception as error:
            answer = _portable(error, traceback.format_exc())
        pipe.send((True, answer))


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
