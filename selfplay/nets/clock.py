"""How long a GPU is at work, by its own clock."""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from collections.abc import Iterator
from typing import Any

import torch

_OPEN = 256  # stretches that one which ends later may still overlap: more than there are threads


class DeviceClock:
    """Sums the seconds that a GPU takes for what is begun inside of ``running``; 0 elsewhere.

    A stretch reaches from the first kernel of what is begun to the end of the last; where threads
    share a clock, what overlaps counts once.  Nothing waits for the GPU but ``take_s``.
    """

    def __init__(self, device: str) -> None:
        self._device = torch.device(device)
        self._lock = threading.Lock()
        self._pending: deque[tuple[Any, Any]] = deque()  # events that begin and end a stretch
        self._known: tuple[Any, float] | None = None  # an event, and when it was
        self._open: deque[tuple[float, float]] = deque()  # stretches apart from one another
        self._seconds = 0.0  # of those that are no longer open

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """The kernels that this thread launches inside are counted."""
        if not is_gpu(self._device):
            yield
            return
        start = mark(self._device)
        yield
        with self._lock:
            self._pending.append((start, mark(self._device)))
            while self._pending and self._pending[0][1].query():
                self._note(*self._pending.popleft())

    def take_s(self) -> float:
        """Seconds since the last call."""
        with self._lock:
            while self._pending:
                start, end = self._pending.popleft()
                end.synchronize()
                self._note(start, end)
            seconds = self._seconds + sum(end - start for start, end in self._open)
            self._seconds = 0.0
            self._open.clear()
        return seconds

    def _note(self, first: Any, last: Any) -> None:
        """Counts a stretch; they come in the order of their ends."""
        known, at = self._known or (first, 0.0)  # the nearest event: a float32 tells milliseconds
        start, end = (at + known.elapsed_time(each) / 1e3 for each in (first, last))
        self._known = last, end
        while self._open and self._open[-1][1] >= start:
            start = min(start, self._open.pop()[0])
        self._open.append((start, end))
        if len(self._open) > _OPEN:
            start, end = self._open.popleft()
            self._seconds += end - start


def is_gpu(device: torch.device) -> bool:
    return device.type == "cuda"


def mark(device: torch.device) -> torch.cuda.Event:
    """What the GPU passes once it has done all that this thread has asked it to."""
    event = torch.cuda.Event(enable_timing=True)
    event.record(torch.cuda.current_stream(device))
    return event
