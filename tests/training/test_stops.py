"""A run that is stopped or killed at any moment goes on as if nothing had been."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tiny_runs import assert_same_run, curve, stop_after

from selfplay.learning import checkpoint
from selfplay.training.folder import RunFolder
from selfplay.training.metrics_file import read_metrics
from selfplay.training.run import Outcome, train
from selfplay.verbs import cli

# another net, search, precision and weighing, averaged weights, trees that are kept
RICH = [
    'net={kind="resnet", blocks=1, channels=8, reply_head=true}', "search.kind=puct",
    "actor.full_share=0.5", "actor.fast_simulations=2", "actor.reuse_tree=true",
    "actor.weigh=games", "learner.average=0.9", "evaluator.precision=bfloat16",
    "budget.positions=700",
]  # fmt: skip


def assert_whole_curve(folder: Path, straight: Path) -> None:
    """The curve of ``folder`` has a point for each iteration of the run without a stop."""
    steps = [line["step"] for line in read_metrics(straight) if line["phase"] == "learn"]
    assert [step for step, _ in curve(folder, "learn/policy_loss")] == steps


@pytest.mark.parametrize("iterations", [1, 4])
def test_stopped_and_resumed_it_is_the_same_run(
    iterations: int,
    straight: Outcome,
    recipe: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = tmp_path / "stopped"
    with monkeypatch.context() as patch:
        stop_after(patch, iterations)
        outcome = train(recipe, out=str(folder))
    assert not outcome.finished
    assert int(RunFolder(folder).latest().stem) == iterations
    outcome = train(str(folder))
    assert outcome.finished
    assert_same_run(straight.folder, folder)
    assert_whole_curve(folder, straight.folder)


@pytest.mark.parametrize(
    "signals",
    [
        (signal.SIGTERM,),
        (signal.SIGHUP,),
        (signal.SIGTERM, signal.SIGTERM),
        (signal.SIGHUP, signal.SIGTERM, signal.SIGHUP),
        (signal.SIGINT, signal.SIGTERM),
    ],
)
def test_what_asks_for_the_end_saves_however_often_it_comes(
    signals: tuple[signal.Signals, ...],
    recipe: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stop_after(monkeypatch, 2, *signals)
    overrides = ["checkpoint_s=1e6"]
    assert not train(recipe, overrides, str(tmp_path / "run")).finished
    assert int(RunFolder(tmp_path / "run").latest().stem) == 2
    assert (tmp_path / "run" / "report.md").is_file()


def test_ctrl_c_twice_leaves_without_saving(
    recipe: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop_after(monkeypatch, 2, signal.SIGINT, signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        train(recipe, ["checkpoint_s=1e6"], str(tmp_path / "run"))
    assert RunFolder(tmp_path / "run").latest() is None


def test_what_a_process_was_started_to_ignore_stays_ignored(
    recipe: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As by nohup."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        stop_after(monkeypatch, 2, signal.SIGHUP)
        assert train(recipe, ["budget.positions=600"], str(tmp_path / "run")).finished
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_stopped_training_says_of_when_its_strength_is(
    recipe: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stop_after(monkeypatch, 2)
    assert cli.main(["train", recipe, "--out", str(tmp_path / "run")]) == 130
    made = max(line["step"] for line in read_metrics(tmp_path / "run"))
    measured, score, *_ = capsys.readouterr().out.splitlines()
    assert measured == f"Measured untrained, {made:,} positions ago:"
    assert score.startswith("It takes ")


def test_a_richer_run_is_the_same_after_a_stop(
    recipe: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    straight = train(recipe, RICH, out=str(tmp_path / "straight"))
    with monkeypatch.context() as patch:
        stop_after(patch, 2)
        assert not train(recipe, RICH, out=str(tmp_path / "stopped")).finished
    assert train(str(tmp_path / "stopped")).finished
    assert_same_run(straight.folder, tmp_path / "stopped")
    content = checkpoint.load(RunFolder(straight.folder).latest())
    assert content["precision"] == "bfloat16"
    assert content["training"]["ledger"]["iteration"] > 2


KILL = """
import os, signal, sys
import numpy, torch
from selfplay.training.provenance import provenance
from selfplay.training.report import write_report
from selfplay.training.run import train

def kill_in(module, name, when):
    real, calls = getattr(module, name), []
    def half(*arguments, **options):
        calls.append(name)
        if len(calls) == when:
            for each in arguments:
                if hasattr(each, "write"):
                    each.write(b"half")
                    each.flush()
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*arguments, **options)
    setattr(module, name, half)

kill_in(torch if sys.argv[3] == "save" else numpy, sys.argv[3], int(sys.argv[4]))
train(sys.argv[1], out=sys.argv[2])
"""


@pytest.mark.parametrize(
    ("call", "when"),
    [
        ("save", 1),  # in the first checkpoint: its shard is there, it is not
        ("savez", 4),  # in a shard
        ("save", 6),  # in a later checkpoint, or while the one before is made smaller
    ],
)
def test_killed_while_saving_the_same_command_goes_on(
    call: str, when: int, straight: Outcome, recipe: str, tmp_path: Path
) -> None:
    folder = tmp_path / "killed"
    done = subprocess.run(
        [sys.executable, "-c", KILL, recipe, str(folder), call, str(when)],
        check=False,
        timeout=200,
        capture_output=True,
        text=True,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert RunFolder(folder).leftovers()
    outcome = train(recipe, out=str(folder))
    assert outcome.finished
    assert_same_run(straight.folder, folder)
    assert RunFolder(folder).leftovers() == []
    assert_whole_curve(folder, straight.folder)


def start(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "selfplay.verbs.cli", "train", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
    )


def wait_for(condition: Callable[[], object], process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 200
    while not condition():
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_killed_at_any_moment_it_goes_on(recipe: str, tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    endless = ("--set", "budget.positions=100000000", "--set", "checkpoint_s=0.2")
    process = start(recipe, "--out", str(folder.path), *endless)
    wait_for(lambda: len(folder.checkpoints()) > 1, process)
    process.kill()
    process.communicate()
    before = checkpoint.load(folder.latest())["training"]["ledger"]
    outcome = train(recipe, [f"budget.positions={before['positions'] + 1000}"], str(folder.path))
    assert outcome.finished
    ledger = checkpoint.load(folder.latest())["training"]["ledger"]
    assert ledger["positions"] >= before["positions"] + 1000
    assert ledger["iteration"] > before["iteration"]
    steps = [(line["step"], line["phase"]) for line in read_metrics(folder.path)]
    assert len(steps) == len(set(steps))
    assert steps == sorted(steps, key=lambda step: step[0])


def test_ctrl_c_saves_and_says_how_to_go_on(recipe: str, tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    endless = ("--set", "budget.positions=100000000", "--set", "checkpoint_s=1e6")
    process = start(recipe, "--out", str(folder.path), *endless)
    wait_for(lambda: any(line["phase"] == "learn" for line in read_metrics(folder.path)), process)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "stopping after this iteration" in err
    assert f"Next: selfplay train {folder.path}" in out
    (saved,) = folder.checkpoints()
    lines = [line for line in read_metrics(folder.path) if line["phase"] == "learn"]
    assert int(saved.stem) == len(lines)
    assert (folder.path / "report.md").exists()


def test_a_second_ctrl_c_leaves_at_once(recipe: str, tmp_path: Path) -> None:
    """In the middle of an iteration that would take hours."""
    folder = tmp_path / "run"
    process = start(recipe, "--out", str(folder), "--set", "regime.positions=100000000")
    # the first measurement has been written, so the kernels of the search are compiled
    wait_for(lambda: bool(read_metrics(folder)), process)
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    time.sleep(0.5)
    assert process.poll() is None
    process.send_signal(signal.SIGINT)
    sent = time.monotonic()
    _, err = process.communicate(timeout=60)
    assert time.monotonic() - sent < 15
    assert process.returncode == 130, err
    assert err.endswith("selfplay: interrupted\n")
    assert "Traceback" not in err
