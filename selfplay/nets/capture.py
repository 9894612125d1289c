"""CUDA graphs, captured by one thread at a time."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import Any

import torch

_ALONE = threading.Lock()


@contextlib.contextmanager
def captured(graph: torch.cuda.CUDAGraph, pool: Any, stream: Any) -> Iterator[None]:
    """What this thread launches inside becomes ``graph``, in memory of ``pool``.

    Others may launch and wait for their own streams meanwhile, but not begin a capture: that waits
    for the whole device and gives memory back, which nobody may while a stream is captured.
    """
    with _ALONE, torch.cuda.graph(graph, pool, stream, capture_error_mode="thread_local"):
        yield
