"""``cost/device_s``: what a GPU does for learning and generating, and for nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from gpu_times import fake_gpu
from tiny_runs import stop_after, train_tiny

from selfplay.nets import inference
from selfplay.nets.evaluator import NetEvaluator
from selfplay.training.metrics_file import read_metrics
from selfplay.training.run import train

SECTIONS: dict[str, Any] = {
    "actor": {"games": 16, "threads": 1},
    "search": {"simulations": 2},
    "budget": {"positions": 400},
}
REGIMES: list[dict[str, Any]] = [
    {"kind": "selfplay", "positions": 150},
    {"kind": "policy_gradient", "games": 16},
]


def last_cost(folder: Path) -> float | None:
    return [line.get("cost/device_s") for line in read_metrics(folder)][-1]


@pytest.mark.parametrize("regime", REGIMES)
def test_each_batch_and_each_step_counts_once(
    regime: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a GPU that takes a second for whatever it is asked, over a stop and a resume."""
    batches = []

    class Counting(NetEvaluator):
        def _forward(self, obs: object, count: int) -> Any:
            batches.append(count)
            return super()._forward(obs, count)

    fake_gpu(monkeypatch).tick = 1.0
    monkeypatch.setattr(inference, "NetEvaluator", Counting)  # of those that measure there is none
    with monkeypatch.context() as stopped:
        stop_after(stopped, 1)
        assert not train_tiny(tmp_path, **SECTIONS, regime=regime).finished
    assert train(str(tmp_path)).finished
    steps = sum(line.get("learn/steps", 0) for line in read_metrics(tmp_path))
    assert len(batches) > 10
    assert steps > 1
    assert last_cost(tmp_path) == pytest.approx(len(batches) + steps)


def test_runs_on_cpus_do_not_tell_it(tmp_path: Path) -> None:
    train_tiny(tmp_path, **SECTIONS, regime=REGIMES[0])
    assert last_cost(tmp_path) is None
