"""A net on a device, asked in large batches that overlap with the work around them.

On CUDA a batch is one copy to the device, one CUDA graph and one copy back; two batches may be
under way.  Elsewhere the net is run as it is.
"""

from __future__ import annotations

import bisect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from selfplay.nets.base import SMALLER_BATCH, Net, enough_memory
from selfplay.nets.capture import captured
from selfplay.types import Float

UNDER_WAY = 2  # batches that may be at the device at a time
_SIZES = sorted({size << k for k in range(20) for size in (32, 48)})  # of batches: one graph each


class DeviceNet:
    """The inference net of a trained one, on ``device`` in ``dtype``."""

    under_way = UNDER_WAY

    @enough_memory(SMALLER_BATCH)
    def __init__(
        self,
        net: Net,
        fields: Sequence[NDArray[Any]],
        actions: int,
        device: str,
        dtype: torch.dtype,
        most: int = 1024,
    ) -> None:
        """``fields``: of one observation, [1, ...] each.  ``most``: positions of the largest batch;
        larger ones are answered, but make all graphs void.
        """
        self.device, self.dtype, self.actions = torch.device(device), dtype, actions
        self.net = net.fused().to(device, dtype)
        self.forms = [(field.shape[1:], field.dtype) for field in fields]
        cuda = self.device.type == "cuda"
        # games wait for the answers, and nothing for a learner's steps on the same device
        self._stream = torch.cuda.Stream(self.device, priority=-1) if cuda else None
        self._pool = torch.cuda.graph_pool_handle() if cuda else None
        self.most = most
        self._places = [_Place(self) for _ in range(UNDER_WAY)]
        self._turn = 0

    @enough_memory(SMALLER_BATCH)
    def load(self, net: Net) -> None:
        """Answers with the weights of ``net`` from now on; the tensors stay where they are."""
        with torch.no_grad():
            fresh = net.fused().state_dict()
            for name, weights in self.net.state_dict().items():
                weights.copy_(fresh[name])
        if self._stream is not None:
            self._stream.wait_stream(torch.cuda.current_stream(self.device))

    @enough_memory(SMALLER_BATCH)
    def ask(self, count: int, fill: Callable[[Sequence[NDArray[Any]]], None]) -> Batch:
        """Begins to answer for ``count`` positions.

        ``fill`` writes them into the first rows of the fields that it is handed.  At most UNDER_WAY
        batches may be neither answered nor read.
        """
        self._turn = (self._turn + 1) % UNDER_WAY
        return self._places[self._turn].begin(count, fill)

    @property
    def graphs(self) -> int:
        """Computations that were captured so far."""
        return sum(len(place.graphs) for place in self._places)

    def compute(self, fields: Sequence[Tensor]) -> Tensor:
        """[M, A + 3] f32: logits, value, probability of a draw, whether all that is finite."""
        heads = self.net(list(fields))
        win_draw_loss = torch.softmax(heads.value_M3.float(), 1)
        logits, value = heads.policy_MA.float(), win_draw_loss[:, 0] - win_draw_loss[:, 2]
        answer = torch.cat([logits, value[:, None], win_draw_loss[:, 1:2]], 1)
        return torch.cat([answer, answer.isfinite().all(1, keepdim=True).float()], 1)


class _Place:
    """Memory for one batch under way, on both sides, and the graphs that read it."""

    def __init__(self, owner: DeviceNet) -> None:
        self._owner = owner
        self._rows = 0
        self._host: list[Tensor] = []
        self.graphs: dict[int, torch.cuda.CUDAGraph] = {}

    def _room(self, rows: int) -> None:
        """Makes room for batches of ``rows``; graphs of smaller memory are void."""
        owner, self._rows = self._owner, rows
        pinned = owner.device.type == "cuda"
        forms = [*owner.forms, ((owner.actions + 3,), np.dtype(np.float32))]
        host = [torch.from_numpy(np.zeros((rows, *shape), dtype)) for shape, dtype in forms]
        host = [field.pin_memory() if pinned else field for field in host]
        self._host, self._out = host[:-1], host[-1]
        self._views = [field.numpy() for field in self._host]
        self.graphs.clear()
        if pinned:
            self._inputs = [field.to(owner.device) for field in self._host]
            self._result = self._out.to(owner.device)
            self._start = torch.cuda.Event(enable_timing=True)
            self._end = torch.cuda.Event(enable_timing=True, blocking=True)

    def begin(self, count: int, fill: Callable[[Sequence[NDArray[Any]]], None]) -> Batch:
        size = _SIZES[bisect.bisect_left(_SIZES, count)]
        if size > self._rows:
            self._room(max(size, _SIZES[bisect.bisect_left(_SIZES, self._owner.most)]))
        fill(self._views)
        owner = self._owner
        if owner._stream is None:
            with torch.inference_mode():
                answers = owner.compute([field[:size] for field in self._host])
            return Batch(answers[:count].numpy())
        with torch.cuda.stream(owner._stream), torch.no_grad():
            self._start.record()
            for source, target in zip(self._host, self._inputs, strict=True):
                target[:size].copy_(source[:size], non_blocking=True)
            self._graph(size).replay()
            self._out[:size].copy_(self._result[:size], non_blocking=True)
            self._end.record()
        return Batch(self._out[:count].numpy(), self._start, self._end)

    def _graph(self, size: int) -> torch.cuda.CUDAGraph:
        """The computation of a batch of this size, captured when it is first asked for."""
        if size not in self.graphs:
            inputs = [field[:size] for field in self._inputs]
            for _ in range(3):  # what is made lazily is made before the capture
                self._result[:size] = self._owner.compute(inputs)
            graph = torch.cuda.CUDAGraph()
            with captured(graph, self._owner._pool, self._owner._stream):
                self._result[:size] = self._owner.compute(inputs)
            self.graphs[size] = graph
        return self.graphs[size]


class Batch:
    """Answers on their way."""

    def __init__(self, out: Float, start: Any = None, end: Any = None) -> None:
        self._out, self._start, self._end = out, start, end

    @enough_memory(SMALLER_BATCH)  # what fails on a GPU is often told only here
    def ready(self) -> bool:
        return self._end is None or bool(self._end.query())

    @enough_memory(SMALLER_BATCH)
    def answers(self) -> tuple[Float, bool]:
        """[M, A + 2] f32 and whether all are finite; waits for them.

        They stand in memory that the next batch but one is written to.
        """
        if self._end is not None:
            self._end.synchronize()
        return self._out[:, :-1], bool(self._out[:, -1].all())

    def device_s(self) -> float:
        """Seconds that the device took, copies included; 0 where there is none to tell.  Waits."""
        if self._end is None:
            return 0.0
        self._end.synchronize()
        return float(self._start.elapsed_time(self._end)) / 1e3
