"""A run that is stopped or killed at any moment goes on as if nothing had been."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from program import begun, wait_until
from tiny_runs import assert_same_run, curve, stop_after

from selfplay.learning import checkpoint
from selfplay.measure.strength import StrengthMeter
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


def test_stopped_and_resumed_it_is_the_same_run(
    straight: Outcome, recipe: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "stopped"
    with monkeypatch.context() as patch:
        stop_after(patch, 1)
        assert not train(recipe, out=str(folder)).finished
    assert int(RunFolder(folder).latest().stem) == 1
    assert train(str(folder)).finished
    assert_same_run(straight.folder, folder)
    assert_whole_curve(folder, straight.folder)


@pytest.mark.parametrize(
    "signals",
    [
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


def test_ctrl_c_saves_and_says_how_to_go_on_and_of_when_its_strength_is(
    recipe: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stop_after(monkeypatch, 2)
    folder = RunFolder(tmp_path / "run")
    words = ["train", recipe, "--out", str(folder.path), "--set", "checkpoint_s=1e6"]
    assert cli.main(words) == 130
    out, err = capsys.readouterr()
    assert "stopping after this iteration" in err
    made = max(line["step"] for line in read_metrics(folder.path))
    measured, score, *_ = out.splitlines()
    assert measured == f"Measured untrained, {made:,} positions ago:"
    assert score.startswith("It takes ")
    assert f"Next: selfplay train {folder.path}" in out
    assert [int(saved.stem) for saved in folder.checkpoints()] == [2]
    assert (folder.path / "report.md").exists()


def test_stopped_before_it_has_learned_it_proposes_no_game_against_it(
    recipe: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stopped(*_: object) -> tuple[dict[str, float], None, None]:
        os.kill(os.getpid(), signal.SIGINT)
        return {}, None, None

    folder = str(tmp_path / "run")
    monkeypatch.setattr(StrengthMeter, "measure", stopped)
    assert cli.main(["train", recipe, "--out", folder]) == 130
    out = capsys.readouterr().out
    assert f"Next: selfplay train {folder} " in out
    assert "selfplay play" not in out


def test_a_budget_that_measuring_alone_uses_up_is_refused_and_can_be_raised(
    recipe: str, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    with pytest.raises(
        ValueError,
        match=r"has learned nothing: its 1e-06 s were used up before the first iteration: "
        r"give it more with --set budget.seconds=\d+$",
    ):
        train(recipe, ["budget.seconds=1e-6"], str(folder))
    assert not RunFolder(folder).read_json("provenance.json")["finished"]
    more = ["budget.seconds=1e4", "budget.positions=150"]
    assert train(str(folder), more).finished
    assert RunFolder(folder).latest() is not None


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
import numpy, torch, torch._dynamo  # the last one with the first optimizer
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

modules = {"save": torch, "savez": numpy, "clip_grad_norm_": torch.nn.utils}
recipe, *moments = sys.argv[1:]
for moment in moments:  # each in a process of its own that need not import all this
    call, when = moment.split(":")
    child = os.fork()
    if not child:
        kill_in(modules[call], call, int(when))
        train(recipe, out=moment)
        os._exit(0)
    if os.waitpid(child, 0)[1] != signal.SIGKILL:
        sys.exit(f"{moment} has not been killed")
"""
MOMENTS = (
    "save:1",  # in the first checkpoint: its shard is there, it is not
    "savez:4",  # in a shard
    "save:6",  # in a later checkpoint, or while the one before is made smaller
    "clip_grad_norm_:20",  # between two steps of an iteration
)


@pytest.fixture(scope="module")
def killed(recipe: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run that was killed at each of the moments."""
    place = tmp_path_factory.mktemp("killed")
    done = subprocess.run(
        [sys.executable, "-c", KILL, recipe, *MOMENTS],
        cwd=place, check=False, timeout=250, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return place


@pytest.mark.parametrize("moment", MOMENTS)
def test_killed_at_any_moment_the_same_command_goes_on(
    moment: str, straight: Outcome, recipe: str, killed: Path
) -> None:
    folder = killed / moment
    assert bool(RunFolder(folder).leftovers()) == moment.startswith("save")
    outcome = train(recipe, out=str(folder))
    assert outcome.finished
    assert_same_run(straight.folder, folder)
    assert RunFolder(folder).leftovers() == []
    assert_whole_curve(folder, straight.folder)


def test_a_second_ctrl_c_leaves_at_once(recipe: str, tmp_path: Path) -> None:
    """In the middle of an iteration that would take hours."""
    process = begun(
        tmp_path, "train", recipe, "--out", "run", "--set", "regime.positions=100000000"
    )
    # the first measurement has been written, so the kernels of the search are compiled
    wait_until(lambda: read_metrics(tmp_path / "run"))
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    time.sleep(0.3)
    assert process.poll() is None
    process.send_signal(signal.SIGINT)
    sent = time.monotonic()
    _, err = process.communicate(timeout=60)
    assert time.monotonic() - sent < 15
    assert process.returncode == 130, err
    assert err.endswith("selfplay: interrupted\n")
    assert "Traceback" not in err
