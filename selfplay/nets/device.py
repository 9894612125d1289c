"""A net on a device, asked in large batches that overlap with the work around them.

On CUDA the questions and answers of a room are copied as they lie in memory shared with those who
ask, and positions are gathered there: a batch is one CUDA graph, and takes the processor a few
microseconds.  Elsewhere the net is run as it is.
"""

from __future__ import annotations

import bisect
import contextlib
import weakref
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from selfplay.jit import kernel
from selfplay.nets.base import SMALLER_BATCH, Net, enough_memory
from selfplay.nets.capture import captured
from selfplay.shared_rows import Room

_SIZES = sorted(  # of batches: one graph each
    {size << k for k in range(5) for size in (32, 48)}
    | {size << k for k in range(5, 20) for size in (32, 40, 48, 56)}
)
_SLIM = 1 << 21  # bytes of a room that is copied whole, there and back, whatever is asked


class DeviceNet:
    """The inference net of a trained one, on ``device`` in ``dtype``."""

    @enough_memory(SMALLER_BATCH)
    def __init__(
        self,
        net: Net,
        fields: Sequence[NDArray[Any]],
        actions: int,
        device: str,
        dtype: torch.dtype,
    ) -> None:
        """``fields``: of one observation, [1, ...] each."""
        self.device, self.dtype, self.actions = torch.device(device), dtype, actions
        self.net = net.fused().to(device, dtype)
        self.forms = [(field.shape[1:], field.dtype) for field in fields]
        cuda = self.device.type == "cuda"
        # games wait for the answers, and nothing for a learner's steps on the same device
        self.stream = torch.cuda.Stream(self.device, priority=-1) if cuda else None
        self.pool = torch.cuda.graph_pool_handle() if cuda else None
        self._channels: list[DeviceChannel] = []

    @enough_memory(SMALLER_BATCH)
    def load(self, net: Net) -> None:
        """Answers with the weights of ``net`` from now on; the tensors stay where they are."""
        with torch.no_grad():
            fresh = net.fused().state_dict()
            for name, weights in self.net.state_dict().items():
                weights.copy_(fresh[name])
        if self.stream is not None:
            self.stream.wait_stream(torch.cuda.current_stream(self.device))

    @enough_memory(SMALLER_BATCH)
    def channel(self, room: Room) -> DeviceChannel:
        """Where positions of ``room`` are asked for; one batch of it may be under way."""
        self._channels.append(DeviceChannel(self, room))
        return self._channels[-1]

    @property
    def graphs(self) -> int:
        """Computations that were captured so far."""
        return sum(len(channel.graphs) for channel in self._channels)

    def compute(self, fields: Sequence[Tensor]) -> Tensor:
        """[M, A + 3] f32: logits, value, probability of a draw, whether all that is finite."""
        heads = self.net(list(fields))
        win_draw_loss = torch.softmax(heads.value_M3.float(), 1)
        logits, value = heads.policy_MA.float(), win_draw_loss[:, 0] - win_draw_loss[:, 2]
        answer = torch.cat([logits, value[:, None], win_draw_loss[:, 1:2]], 1)
        return torch.cat([answer, answer.isfinite().all(1, keepdim=True).float()], 1)


class DeviceChannel:
    """One room on both sides, and the graphs that go from the one to the other and back."""

    def __init__(self, owner: DeviceNet, room: Room) -> None:
        self._owner, self._room = owner, room
        self.graphs: dict[int, torch.cuda.CUDAGraph] = {}
        self._places, self._rows = room.fields[0].shape[:2]
        self._most = most = self._places * self._rows
        largest = _SIZES[bisect.bisect_left(_SIZES, most)]
        self._index = torch.zeros(most + largest, dtype=torch.int32)  # of answers, of questions
        self._host = [torch.from_numpy(field).flatten(0, 1) for field in room.fields]
        self._answers = torch.from_numpy(room.answers)
        self._whole = room.memory.nbytes <= _SLIM
        self._registered = False
        if owner.device.type == "cuda":
            self._registered = _register(self, room.memory)
            self._index = self._index.pin_memory()
            self._start = torch.cuda.Event(enable_timing=True)
            self._end = torch.cuda.Event(enable_timing=True, blocking=True)
        self._there = [field.to(owner.device, copy=True) for field in self._host]
        self._index_there = self._index.to(owner.device, copy=True)
        self._answers_there = self._answers.to(owner.device, copy=True)

    @enough_memory(SMALLER_BATCH)
    def ask(self, counts: NDArray[np.int64]) -> Batch:
        """Begins to answer the first ``counts`` [P] rows of the room's places, in place."""
        size = _SIZES[bisect.bisect_left(_SIZES, int(counts.sum()))]
        _place(counts, self._rows, self._index.numpy(), self._most, size)
        stream = self._owner.stream
        if stream is None:
            with torch.inference_mode():
                self._bring(size, counts)
                self._answer(size)
                self._return(counts)
            return Batch(self._room)
        with torch.cuda.stream(stream), torch.no_grad():
            self._start.record()
            if self._registered and self._whole:
                self._graph(size, counts).replay()
            else:
                self._bring(size, counts)
                self._graph(size, counts).replay()
                self._return(counts)
            self._end.record()
        return Batch(self._room, self._start, self._end)

    def _bring(self, size: int, counts: NDArray[np.int64]) -> None:
        """Copies the questions to the device."""
        end = self._most + size
        self._index_there[:end].copy_(self._index[:end], non_blocking=True)
        for here, there in zip(self._host, self._there, strict=True):
            for rows in self._spans(counts):
                there[rows].copy_(here[rows], non_blocking=True)

    def _answer(self, size: int) -> None:
        """Computes answers there, and puts each into the row of its question."""
        answers, questions = self._index_there[: self._most], self._index_there[self._most :][:size]
        found = self._owner.compute([field.index_select(0, questions) for field in self._there])
        self._answers_there[:-1] = found[:, :-1].index_select(0, answers)
        self._answers_there[-1] = found[:, -1].min()

    def _return(self, counts: NDArray[np.int64]) -> None:
        """Copies the answers back."""
        for rows in (*self._spans(counts), slice(self._most, None)):
            self._answers[rows].copy_(self._answers_there[rows], non_blocking=True)

    def _spans(self, counts: NDArray[np.int64]) -> list[slice]:
        """The rows that are copied: all in one where they are small, else those asked for."""
        if self._whole:
            return [slice(0, self._most)]
        starts = range(0, self._most, self._rows)
        return [slice(a, a + n) for a, n in zip(starts, counts.tolist(), strict=True) if n]

    def _graph(self, size: int, counts: NDArray[np.int64]) -> torch.cuda.CUDAGraph:
        """The work for a batch of this size, captured when it is first asked for."""
        if size not in self.graphs:
            whole = self._registered and self._whole
            self._bring(size, counts)
            for _ in range(3):  # what is made lazily is made before the capture
                self._answer(size)
            graph = torch.cuda.CUDAGraph()
            with captured(graph, self._owner.pool, self._owner.stream):
                if whole:
                    self._bring(size, counts)
                self._answer(size)
                if whole:
                    self._return(counts)
            self.graphs[size] = graph
        return self.graphs[size]


class Batch:
    """Answers on their way."""

    def __init__(self, room: Room, start: Any = None, end: Any = None) -> None:
        self._room, self._start, self._end = room, start, end

    @enough_memory(SMALLER_BATCH)  # what fails on a GPU is often told only here
    def ready(self) -> bool:
        return self._end is None or bool(self._end.query())

    @enough_memory(SMALLER_BATCH)
    def finite(self) -> bool:
        """Whether all answers are numbers; waits for them."""
        if self._end is not None:
            self._end.synchronize()
        return bool(self._room.answers[-1, 0])

    def device_s(self) -> float:
        """Seconds that the device took, copies included; 0 where there is none to tell.  Waits."""
        if self._end is None:
            return 0.0
        self._end.synchronize()
        return float(self._start.elapsed_time(self._end)) / 1e3


def _register(owner: object, memory: NDArray[np.uint8]) -> bool:
    """Whether the GPU may copy from and to ``memory`` by itself, as long as ``owner`` lives."""
    cudart = torch.cuda.cudart()
    if int(cudart.cudaHostRegister(memory.ctypes.data, memory.nbytes, 0)) == 0:
        end = weakref.finalize(owner, _unregister, memory)
        end.atexit = False  # the process ends, and with it the GPU's part in it
        return True
    with contextlib.suppress(RuntimeError):  # the next call would be told of it
        torch.zeros(1, device="cuda")
    return False


def _unregister(memory: NDArray[np.uint8]) -> None:
    torch.cuda.cudart().cudaHostUnregister(memory.ctypes.data)


@kernel
def _place(
    counts: NDArray[np.int64], rows: int, index: NDArray[np.int32], most: int, size: int
) -> None:
    """Which row of the batch answers each row of the room, index[:most], and which row of the room
    each row of the batch is, index[most : most + size]; what is left over is filled up.
    """
    end = 0
    for place in range(counts.shape[0]):
        start = place * rows
        for row in range(counts[place]):
            index[start + row] = end
            index[most + end] = start + row
            end += 1
        index[start + counts[place] : start + rows] = 0
    index[most + end : most + size] = 0
