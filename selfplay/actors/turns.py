"""Tasks of one thread that take turns: while one waits for something, the next goes on."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import TypeVar

from greenlet import getcurrent, greenlet

T = TypeVar("T")


class Turns:
    """Who runs next is fixed by the tasks alone, and the system's scheduler knows nothing of it."""

    def __init__(self) -> None:
        self._first = getcurrent()

    def run(self, tasks: Sequence[Callable[[], T]]) -> list[T]:
        """What each task returns; what one of them raises ends all."""
        self._first = getcurrent()
        answers: dict[int, T] = {}

        def do(number: int) -> None:
            answers[number] = tasks[number]()

        ring = deque((greenlet(do), number) for number in range(len(tasks)))
        while ring:
            task, number = ring.popleft()
            task.switch(number)  # a task that has begun is given this in vain
            if not task.dead:
                ring.append((task, number))
        return [answers[number] for number in range(len(tasks))]

    def pass_on(self) -> None:
        """Called by a task: returns when every other one has had its turn."""
        self._first.switch()
