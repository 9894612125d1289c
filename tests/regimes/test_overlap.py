"""Play beside learning: the same run whoever is faster, one update older, and it ends as asked."""

from __future__ import annotations

import os
import signal
import threading
from concurrent.futures import Future
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from tiny_runs import FORWARD, TINY, TWO_LAYERS, assert_same_run, stop_after, train_tiny

from selfplay.actors import ahead
from selfplay.actors.ahead import Ahead
from selfplay.actors.base import LocalActors
from selfplay.learning import checkpoint
from selfplay.learning.learner import Learner
from selfplay.nets import Net
from selfplay.nets.evaluator import NetEvaluator
from selfplay.nets.inference import Inference
from selfplay.training.folder import RunFolder
from selfplay.training.metrics_file import read_metrics
from selfplay.training.run import Outcome

OPTIONS: dict[str, Any] = {
    "regime": {"kind": "selfplay", "positions": 256, "overlap": True},
    "net": TWO_LAYERS,
    "learner": {"batch": 128},
    "actor": {"threads": 2},
    "budget": {"positions": 2000},
}


class AtOnce:
    """In place of a thread: what it is given is done before anything else goes on."""

    def __init__(self, *_: Any) -> None: ...

    def submit(self, work: Any, *arguments: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_result(work(*arguments))
        return future

    def shutdown(self) -> None: ...


@pytest.fixture(scope="module")
def overlapped(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(TINY, "checkpoint_s", 0.001)
        return train_tiny(tmp_path_factory.mktemp("overlap") / "run", **OPTIONS)


def test_it_is_the_run_in_which_play_comes_first(
    overlapped: Outcome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(TINY, "checkpoint_s", 0.001)
    monkeypatch.setattr(ahead, "ThreadPoolExecutor", AtOnce)
    assert_same_run(overlapped.folder, train_tiny(tmp_path / "run", **OPTIONS).folder)


def test_a_stop_changes_nothing(
    overlapped: Outcome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(TINY, "checkpoint_s", 0.001)
    with monkeypatch.context() as patch:
        stop_after(patch, 3)
        assert not train_tiny(tmp_path / "run", **OPTIONS).finished
    assert train_tiny(tmp_path / "run", **OPTIONS).finished
    assert_same_run(overlapped.folder, tmp_path / "run")


def test_each_harvest_is_played_one_update_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    collect, fit = LocalActors.collect, Learner.fit
    versions: list[bytes] = []  # of the acting net, one an update
    played: list[bytes] = []

    def weights(net: Net) -> bytes:
        return next(net.parameters()).detach().numpy().tobytes()

    def collecting(self: LocalActors, net: Net, positions: int) -> Any:
        played.append(weights(net))
        return collect(self, net, positions)

    def fitting(self: Learner, samples: Any, steps: int, progress: float) -> Any:
        versions.append(weights(self.acting))
        return fit(self, samples, steps, progress)

    monkeypatch.setattr(LocalActors, "collect", collecting)
    monkeypatch.setattr(Learner, "fit", fitting)
    train_tiny(tmp_path / "run", **OPTIONS)
    assert len(set(versions)) == len(versions) >= 7
    assert played == [versions[0], *versions]
    staleness = [line["learn/staleness"] for line in read_metrics(tmp_path / "run")
                 if line["phase"] == "learn"]  # fmt: skip
    assert staleness[0] == 0
    made = [b - a for a, b in pairwise([0, *steps_of(tmp_path / "run")])]
    window = sum(made)  # smaller than the smallest that lags
    ages = [age + (k > 0) for k, age in enumerate(range(len(made) - 1, -1, -1))]
    expected = sum(age * count for age, count in zip(ages, made, strict=True)) / window
    assert staleness[-1] == pytest.approx(expected)


def steps_of(folder: Path) -> list[int]:
    return [line["step"] for line in read_metrics(folder) if line["phase"] == "learn"]


def test_what_is_played_ahead_is_paid_for_when_it_is_learned(overlapped: Outcome) -> None:
    """The ledger, and what waits in the checkpoint, are all that went through the net."""
    saved = checkpoint.load(RunFolder(overlapped.folder).latest())["training"]
    waits = saved["loop"]["ahead"]
    assert len(waits["keys"]) == waits["tally"]["positions"] >= 256
    assert overlapped.scalars["cost/flops_generate"] == FORWARD * saved["ledger"]["evaluations"]
    assert waits["usage"]["evaluated"] > 0
    assert saved["replay_total"] == saved["ledger"]["positions"]


@pytest.mark.parametrize("served", [pytest.param(False, marks=pytest.mark.slow), True])
def test_processes_play_ahead_too(
    served: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where a server, then in a thread in the background, answers for them."""
    monkeypatch.setattr(Inference, "serves", lambda *_: served)
    monkeypatch.setitem(TINY, "checkpoint_s", 1e6)  # starting takes however long it does
    options = {**OPTIONS, "backend": {"kind": "processes"}, "budget": {"positions": 1000}}
    threaded = train_tiny(tmp_path / "threaded", **options)
    monkeypatch.setattr(ahead, "ThreadPoolExecutor", AtOnce)
    assert_same_run(threaded.folder, train_tiny(tmp_path / "at once", **options).folder)


def test_an_error_of_the_games_ends_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers, forward = [0], NetEvaluator._forward

    def failing(self: NetEvaluator, obs: object, count: int) -> Any:
        answers[0] += 1
        if answers[0] == 60:
            raise ValueError("the games are broken")
        return forward(self, obs, count)

    monkeypatch.setattr(NetEvaluator, "_forward", failing)
    with pytest.raises(ValueError, match="the games are broken"):
        train_tiny(tmp_path / "run", **OPTIONS)
    assert not playing()


def test_leaving_at_once_ends_the_games_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What would take hours is under way when the user has pressed Ctrl-C twice."""
    fit = Learner.fit

    def pressing(self: Learner, *arguments: Any) -> Any:
        assert playing()
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
        return fit(self, *arguments)

    monkeypatch.setattr(Learner, "fit", pressing)
    monkeypatch.setattr(Ahead, "begin", lambda self, net, positions: begin(self, net, next(asked)))
    begin, asked = BEGIN, iter([256, 10**9])
    with pytest.raises(KeyboardInterrupt):
        train_tiny(tmp_path / "run", **OPTIONS)
    assert not playing()


BEGIN = Ahead.begin


def playing() -> bool:
    return any(thread.name.startswith("ahead") for thread in threading.enumerate())
