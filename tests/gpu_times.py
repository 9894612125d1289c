"""The events of a GPU that is not there: their times are what a test says."""

from __future__ import annotations

from dataclasses import dataclass

import pytest


@dataclass
class FakeGpu:
    """Its clock, in seconds."""

    now: float = 0.0
    tick: float = 0.0  # goes by with every event
    busy: bool = False  # no event has been passed until it is waited for
    waited: int = 0


@dataclass
class FakeEvent:
    """As torch.cuda.Event once it is recorded."""

    gpu: FakeGpu
    at: float

    def query(self) -> bool:
        return not self.gpu.busy

    def synchronize(self) -> None:
        self.gpu.waited += self.gpu.busy

    def elapsed_time(self, end: FakeEvent) -> float:
        return 1e3 * (end.at - self.at)


def fake_gpu(monkeypatch: pytest.MonkeyPatch) -> FakeGpu:
    """From now on every device is a GPU whose clock is the one returned."""
    gpu = FakeGpu()

    def mark(device: object) -> FakeEvent:
        gpu.now += gpu.tick
        return FakeEvent(gpu, gpu.now)

    monkeypatch.setattr("selfplay.nets.clock.is_gpu", lambda device: True)
    monkeypatch.setattr("selfplay.nets.clock.mark", mark)
    return gpu
