"""How long a GPU is at work: stretches of a clock that the test turns by hand."""

from __future__ import annotations

from contextlib import ExitStack

import numpy as np
import pytest
from gpu_times import FakeEvent, fake_gpu

from selfplay.nets.clock import DeviceClock


@pytest.mark.parametrize("seed", range(5))
def test_what_overlaps_counts_once(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Up to three threads' stretches side by side, against the seconds that any of them covers."""
    rng = np.random.default_rng(seed)
    gpu = fake_gpu(monkeypatch)
    clock = DeviceClock("cuda:0")
    for _ in range(2):  # ``take_s`` begins anew
        under_way: list[tuple[float, ExitStack]] = []
        covered: set[float] = set()
        for _ in range(700):
            gpu.now += int(rng.integers(0, 3))
            if len(under_way) < 3 and rng.random() < 0.5:
                stretch = ExitStack()
                stretch.enter_context(clock.running())
                under_way.append((gpu.now, stretch))
            elif under_way:
                start, stretch = under_way.pop(int(rng.integers(len(under_way))))
                stretch.close()
                covered.update(np.arange(start, gpu.now))
        for start, stretch in under_way:
            stretch.close()
            covered.update(np.arange(start, gpu.now))
        assert clock.take_s() == pytest.approx(len(covered))
        gpu.now += 50
    assert clock.take_s() == 0


def test_only_what_is_asked_for_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    gpu = fake_gpu(monkeypatch)
    clock = DeviceClock("cuda:0")
    gpu.busy = True
    for _ in range(3):
        with clock.running():
            gpu.now += 2
        gpu.now += 1
    assert gpu.waited == 0
    assert clock.take_s() == pytest.approx(6)
    assert gpu.waited == 3


def test_a_batch_that_fails_counts_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    gpu = fake_gpu(monkeypatch)
    clock = DeviceClock("cuda:0")

    def fail() -> None:
        with clock.running():
            gpu.now += 2
            raise RuntimeError("CUDA error: an illegal memory access")

    with pytest.raises(RuntimeError, match="CUDA error"):
        fail()
    assert clock.take_s() == 0


def test_a_cpu_has_no_such_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("selfplay.nets.clock.mark", FakeEvent)  # would raise: it takes no device
    clock = DeviceClock("cpu")
    with clock.running():
        pass
    assert clock.take_s() == 0
