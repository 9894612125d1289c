"""No two threads capture at a time, and whoever fails lets the next one go on."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import torch

from selfplay.nets.capture import captured


def test_one_thread_at_a_time_captures(monkeypatch: pytest.MonkeyPatch) -> None:
    under_way, most, modes = 0, 0, set()

    @contextlib.contextmanager
    def graph(*arguments: Any, capture_error_mode: str) -> Iterator[None]:
        nonlocal under_way, most
        modes.add(capture_error_mode)
        under_way += 1
        most = max(most, under_way)
        try:
            yield
        finally:
            under_way -= 1

    monkeypatch.setattr(torch.cuda, "graph", graph)
    some: Any = None
    inside: list[int] = []

    def capture(number: int) -> None:
        with contextlib.suppress(RuntimeError), captured(some, some, some):
            time.sleep(0.01)
            inside.append(number)
            if number % 2:
                raise RuntimeError("operation not permitted when stream is capturing")

    threads = [threading.Thread(target=capture, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (most, sorted(inside), modes) == (1, list(range(6)), {"thread_local"})
