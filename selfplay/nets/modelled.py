"""A device that is modelled: for benches and tests of what stands around one, where there is none.

``fake:150,0.25`` takes 150 us a batch and 0.25 us a position, one batch after the other, and no
processor meanwhile.  Its answers are fixed functions of the positions.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from selfplay import arrays
from selfplay.jit import kernel, scrambled
from selfplay.nets.base import Net
from selfplay.nets.evaluator import NetEvaluator
from selfplay.shared_rows import Room
from selfplay.types import Evaluation, Float, Obs

PREFIX = "fake:"
_FORM = re.compile(r"fake:(\d+(?:\.\d+)?),(\d+(?:\.\d+)?)")


class Pace(NamedTuple):
    """How long a device takes."""

    latency_s: float  # a batch
    position_s: float

    @classmethod
    def parse(cls, wish: str) -> Pace:
        """Of a device's name; ValueError with a sentence where it is no such name."""
        found = _FORM.fullmatch(wish)
        if not found:
            raise ValueError(
                f"device {wish!r} is not known; a modelled one is "
                "fake:MICROSECONDS_A_BATCH,MICROSECONDS_A_POSITION, as in fake:150,0.25"
            )
        return cls(*(float(number) * 1e-6 for number in found.groups()))


class _Turns:
    """When a device is done; several threads may ask."""

    def __init__(self, pace: Pace) -> None:
        self._pace, self._free, self._lock = pace, 0.0, threading.Lock()

    def begin(self, count: int) -> tuple[float, float]:
        """When a batch of ``count`` positions that arrives now will be done, and what it takes."""
        seconds = self._pace.latency_s + count * self._pace.position_s
        with self._lock:
            self._free = max(self._free, time.perf_counter()) + seconds
            return self._free, seconds


class ModelledDevice:
    """As DeviceNet: asked in large batches that overlap with the work around them."""

    graphs = 0  # there is nothing to prepare

    def __init__(self, fields: Sequence[NDArray[Any]], actions: int, pace: Pace) -> None:
        """``fields``: of one observation, [1, ...] each."""
        self.actions = actions
        self.forms = [(field.shape[1:], field.dtype) for field in fields]
        self._turns = _Turns(pace)

    def load(self, net: Net) -> None:
        """The answers are the same under all weights."""

    def channel(self, room: Room) -> ModelledChannel:
        """As DeviceNet.channel."""
        return ModelledChannel(self._turns, room)


class ModelledChannel:
    """As DeviceChannel."""

    def __init__(self, turns: _Turns, room: Room) -> None:
        self._turns, self._fields = turns, room.fields
        self._rows = room.fields[0].shape[1]
        self._answers, self._finite = room.answers[:-1], room.answers[-1:, 0]

    def ask(self, counts: NDArray[np.int64]) -> ModelledBatch:
        """As DeviceChannel.ask; the answers are there earlier than it is told."""
        ready, seconds = self._turns.begin(int(counts.sum()))
        for place, count in enumerate(counts.tolist()):
            if count:
                start = place * self._rows
                fields = [field[place, :count] for field in self._fields]
                _answers([*fields, self._answers[start : start + count]])
        self._finite[:] = 1
        return ModelledBatch(ready, seconds)


class ModelledBatch:
    """Answers on their way."""

    def __init__(self, ready: float, seconds: float) -> None:
        self._ready, self._seconds = ready, seconds

    def ready(self) -> bool:
        return time.perf_counter() >= self._ready

    def finite(self) -> bool:
        """As Batch.finite."""
        _sleep_until(self._ready)
        return True

    def device_s(self) -> float:
        return self._seconds


class ModelledEvaluator(NetEvaluator):
    """An Evaluator that waits for a modelled device of its own, or shares another's."""

    def __init__(self, net: Net, actions: int, device: str, cache_size: int) -> None:
        self._turns = _Turns(Pace.parse(device))
        super().__init__(net, actions, "cpu", torch.float32, cache_size)

    def load(self, net: Net) -> None:
        self.net = net
        self.forget()

    def share(self, other: NetEvaluator) -> None:
        super().share(other)
        if isinstance(other, ModelledEvaluator):
            self._turns = other._turns

    def _forward(self, obs: Obs, count: int) -> Evaluation:
        ready, _ = self._turns.begin(count)
        out = np.empty((count, self._cache.answers.shape[1]), np.float32)
        _answers([*arrays.leaves(obs), out])
        _sleep_until(ready)
        return Evaluation(out[:, :-2], out[:, -2], out[:, -1])


def _sleep_until(ready: float) -> None:
    if (rest := ready - time.perf_counter()) > 0:  # to sleep for nothing can take a millisecond
        time.sleep(rest)


def _answers(fields: Sequence[NDArray[Any]]) -> Float:
    """The last field, filled with the answers for the rows of the others."""
    out: Float = fields[-1]
    _fill(arrays.hash_rows(tuple(fields[:-1])), out)
    return out


@kernel
def _fill(keys: NDArray[np.uint64], out: Float) -> None:
    """``out`` [M, A + 2]: logits in [-2, 2), value in [-0.8, 0.8), probability of a draw < 0.2."""
    last = out.shape[1] - 1
    for i in range(out.shape[0]):
        for k in range(out.shape[1]):
            bits = scrambled(keys[i, 0] + np.uint64(k) * np.uint64(0x9E3779B97F4A7C15))
            share = np.float32(np.int64(bits >> np.uint64(40))) * np.float32(2.0**-24)
            if k < last - 1:
                out[i, k] = np.float32(4.0) * share - np.float32(2.0)
            elif k == last - 1:
                out[i, k] = np.float32(1.6) * share - np.float32(0.8)
            else:
                out[i, k] = np.float32(0.2) * share
