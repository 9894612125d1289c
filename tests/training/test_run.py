"""Runs: the same bits for a seed, the same bits after a stop or a kill, and nothing lost."""

from __future__ import annotations

import itertools
import json
import math
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tiny_runs import assert_same_run, stop_after, timeless_metrics

from selfplay import arrays
from selfplay.actors.harvest import parse_record
from selfplay.learning import checkpoint, shards
from selfplay.learning.samples import joined, trimmed
from selfplay.system.interrupts import interrupts
from selfplay.training import folder as folders
from selfplay.training import run
from selfplay.training.events import curve_name
from selfplay.training.folder import RunFolder
from selfplay.training.metrics_file import read_metrics
from selfplay.training.provenance import provenance
from selfplay.training.report import write_report
from selfplay.training.run import Outcome, train
from selfplay.verbs import cli

RECIPE = """
game = "tictactoe"
checkpoint_s = 0.001
[net]
kind = "mlp"
width = 16
[search]
simulations = 4
[actor]
games = 16
threads = 2
[regime]
positions = 150
[replay]
window = 400
capacity = 600
[learner]
batch = 64
warmup_steps = 5
[evaluator]
cache = 1024
precision = "float32"
[strength]
every_s = 1e6
versus = ["random"]
own_positions = 0
games = 4
simulations = 2
[budget]
positions = 1500
"""


RICH_RECIPE = """
game = "tictactoe"
checkpoint_s = 0.001
[net]
kind = "resnet"
blocks = 1
channels = 8
reply_head = true
[search]
kind = "puct"
simulations = 4
[actor]
games = 16
threads = 2
full_share = 0.5
fast_simulations = 2
reuse_tree = true
weigh = "games"
[regime]
positions = 150
[replay]
window = 400
capacity = 600
[learner]
batch = 64
warmup_steps = 5
average = 0.9
[evaluator]
cache = 1024
precision = "bfloat16"
[strength]
every_s = 1e6
versus = ["random"]
own_positions = 0
games = 4
simulations = 2
[budget]
positions = 700
"""


@pytest.fixture(scope="session")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("recipes") / "small.toml"
    path.write_text(RECIPE)
    return str(path)


@pytest.fixture(scope="session")
def straight(recipe: str, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """The run that nothing happened to."""
    return train(recipe, out=str(tmp_path_factory.mktemp("runs") / "straight"))


@pytest.fixture
def copy(straight: Outcome, tmp_path: Path) -> Path:
    """That run, to be damaged."""
    return Path(shutil.copytree(straight.folder, tmp_path / "copy"))


def curve(folder: Path, tag: str) -> list[int]:
    """The steps of a TensorBoard curve."""
    events = EventAccumulator(str(folder))
    events.Reload()
    return [event.step for event in events.Scalars(tag)]


def test_same_seed_same_run(straight: Outcome, recipe: str, tmp_path: Path) -> None:
    again = train(recipe, out=str(tmp_path / "again"))
    assert_same_run(straight.folder, again.folder)
    assert straight.finished
    other = train(recipe, ["seed=1"], out=str(tmp_path / "other"))
    a, b = (checkpoint.load(RunFolder(o.folder).latest())["net"] for o in (straight, other))
    assert not torch.equal(a["heads.policy.weight"], b["heads.policy.weight"])


@pytest.fixture(scope="session")
def rich_recipe(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Another net, search, precision and weighing, averaged weights, trees that are kept."""
    path = tmp_path_factory.mktemp("recipes") / "rich.toml"
    path.write_text(RICH_RECIPE)
    return str(path)


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
    steps = [line["step"] for line in read_metrics(straight.folder) if line["phase"] == "learn"]
    assert curve(folder, "learn/policy_loss") == steps


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
    rich_recipe: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    straight = train(rich_recipe, out=str(tmp_path / "straight"))
    with monkeypatch.context() as patch:
        stop_after(patch, 2)
        assert not train(rich_recipe, out=str(tmp_path / "stopped")).finished
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
    steps = [line["step"] for line in read_metrics(straight.folder) if line["phase"] == "learn"]
    assert curve(folder, "learn/policy_loss") == steps


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


def test_a_finished_run_is_left_as_it_is(copy: Path) -> None:
    before, files = timeless_metrics(copy), sorted(p.name for p in copy.rglob("*.pt"))
    outcome = train(str(copy))
    assert outcome.finished
    assert timeless_metrics(copy) == before
    assert sorted(p.name for p in copy.rglob("*.pt")) == files
    assert outcome.scalars["strength/vs_random"] == before[-1]["strength/vs_random"]


def test_a_larger_budget_goes_on(copy: Path) -> None:
    outcome = train(str(copy), ["budget.positions=1700"])
    assert outcome.finished
    assert RunFolder(copy).config().budget.positions == 1700
    assert outcome.scalars["cost/samples"] > 0
    assert read_metrics(copy)[-1]["step"] >= 1700


@pytest.mark.parametrize(
    ("override", "old", "new"),
    [
        ("learner.lr=0.5", "learner.lr = 0.002", "0.5"),
        ("net.width=32", "net.width = 16", "32"),
        ("game=connect4", "game = 'tictactoe'", "'connect4'"),
        ("net.kind=resnet", "net.kind = 'mlp'", "'resnet'"),
    ],
)
@pytest.mark.parametrize("by", ["config", "folder"])
def test_another_config_on_top_is_refused_with_both_sides(
    override: str, old: str, new: str, by: str, recipe: str, copy: Path
) -> None:
    overrides = [override]
    if override == "net.kind=resnet":
        text = Path(recipe).read_text().replace('"mlp"\nwidth = 16', '"resnet"')
        recipe = str(copy / "other.toml")
        Path(recipe).write_text(text)
        by, overrides = "config", []
    config = (copy / "config.json").read_bytes()
    arguments = (recipe, overrides, str(copy)) if by == "config" else (str(copy), overrides)
    with pytest.raises(ValueError, match="holds a run with") as error:
        train(*arguments)
    assert f"holds a run with {old}; you asked for {new}" in str(error.value)
    assert f"selfplay train {copy}" in str(error.value)
    assert (copy / "config.json").read_bytes() == config


def test_only_the_newest_checkpoints_hold_what_a_resume_needs(straight: Outcome) -> None:
    held = ["training" in checkpoint.load(p) for p in RunFolder(straight.folder).checkpoints()]
    assert held[-2:] == [True, True]
    assert not any(held[:-2])


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 16
    path.write_bytes(content)


def _hole(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[:2048] + bytes(512) + content[2560:])


@pytest.mark.parametrize(
    "damage",
    [_flip, _hole, lambda p: p.write_bytes(p.read_bytes()[:1000]), lambda p: p.write_bytes(b"")],
    ids=["flip", "hole", "cut", "empty"],
)
def test_the_checkpoint_before_serves_when_the_newest_is_damaged(
    damage: Callable[[Path], object],
    straight: Outcome,
    copy: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    before, newest = RunFolder(copy).checkpoints()[-2:]
    damage(newest)
    bad = newest.read_bytes()
    assert train(str(copy)).finished
    err = capfd.readouterr().err
    assert f"{newest} is not a whole checkpoint" in err
    assert f"; the one before it is used: {before}\n" in err
    assert newest.with_name(f"{newest.name}.damaged").read_bytes() == bad
    assert_same_run(straight.folder, copy)


def test_a_run_goes_on_by_a_part_of_its_name(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(copy.parent)
    (copy.parent / "runs").mkdir()
    copy.rename("runs/first-try")
    Path("first").mkdir()  # no run
    outcome = train("first", ["budget.positions=1700"])
    assert outcome.folder == Path("runs/first-try")
    assert outcome.finished
    assert read_metrics(outcome.folder)[-1]["step"] >= 1700
    with pytest.raises(ValueError, match=r"names the run runs/first-try, .*: leave --out away"):
        train("first", out="runs/other")
    assert not Path("runs/other").exists()


def test_what_names_no_run_names_the_nearest_recipe(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "configs").mkdir()
    shutil.copy(Path(__file__).parents[2] / "configs" / "demo.toml", "configs/my-demo.toml")
    with pytest.raises(ValueError, match="there is no run 'my-demmo'; ") as error:
        train("my-demmo")
    assert str(error.value).endswith("; 'selfplay train configs/my-demo.toml' starts a new run")


def test_what_the_checkpoint_before_needs_stays(recipe: str, tmp_path: Path) -> None:
    """Even where one iteration makes more than twice a window."""
    overrides = ["replay.window=50", "replay.capacity=60", "budget.positions=600"]
    straight = train(recipe, overrides, str(tmp_path / "straight")).folder
    newest = RunFolder(straight).latest()
    held = [folders.number(shard) for shard in RunFolder(straight).shards()]
    assert held == [int(newest.stem) - 1, int(newest.stem)]
    copy = Path(shutil.copytree(straight, tmp_path / "copy"))
    RunFolder(copy).latest().unlink()
    assert train(str(copy)).finished
    assert_same_run(straight, copy)


def test_a_damaged_older_checkpoint_does_not_stop_the_training(
    copy: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    *_, damaged, _ = RunFolder(copy).checkpoints()  # the next save takes its training part away
    damaged.write_bytes(damaged.read_bytes()[:1000])
    assert train(str(copy), ["budget.positions=1900"]).finished
    assert read_metrics(copy)[-1]["step"] >= 1900
    err = capfd.readouterr().err
    assert err.count("training goes on") == 1
    assert f"{damaged.name} is not a whole checkpoint" in err


@pytest.mark.parametrize("name", [".x.1", "sub/.000001.pt.1", "checkpoints/.x.1"])
def test_hidden_files_of_others_stay(name: str, copy: Path) -> None:
    (copy / name).parent.mkdir(exist_ok=True)
    (copy / name).write_text("mine")
    train(str(copy))
    assert (copy / name).read_text() == "mine"


@pytest.mark.parametrize("name", ["metrics.jsonl", "events.out.tfevents.1.x", "replay/000001.npz"])
def test_files_of_others_are_not_cleared_away_by_a_new_run(
    name: str, recipe: str, tmp_path: Path
) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("mine")
    with pytest.raises(ValueError, match=r"is not a run folder .* but there is") as error:
        train(recipe, out=str(tmp_path))
    assert str(tmp_path / name) in str(error.value)
    assert (tmp_path / name).read_text() == "mine"


def test_old_shards_go_and_needed_ones_stay(straight: Outcome) -> None:
    folder = RunFolder(straight.folder)
    held = [shards.count_samples(shard) for shard in folder.shards()]
    assert len(held) < len(folder.checkpoints())
    window = folder.config().replay.size(1500)
    assert window <= sum(held) <= 2 * window + max(held)


def test_a_checkpoint_of_another_iteration_is_noticed(
    straight: Outcome, copy: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    early, *_, newest = RunFolder(copy).checkpoints()
    shutil.copy(early, newest)
    assert train(str(copy)).finished
    assert f"{newest} holds the checkpoint of iteration 1; the one before" in capfd.readouterr().err
    assert_same_run(straight.folder, copy)


def test_where_all_checkpoints_are_damaged_it_says_so(copy: Path) -> None:
    for path in RunFolder(copy).checkpoints():
        _flip(path)
    newest = RunFolder(copy).latest()
    with pytest.raises(ValueError, match="there is none before it that is whole") as error:
        train(str(copy))
    assert str(error.value).startswith(f"{newest} is not a whole checkpoint")
    assert all(path.exists() for path in RunFolder(copy).checkpoints())


def test_a_shard_in_the_place_of_another_is_noticed(copy: Path) -> None:
    *_, before, last = RunFolder(copy).shards()
    shutil.copy(last, before)
    held = int(last.stem)
    said = f"{before.name} is not the file .* iteration {held} .*; there is none before it"
    with pytest.raises(ValueError, match=said):
        train(str(copy), ["budget.positions=9000"])


def test_a_shard_of_another_run_is_noticed(
    straight: Outcome, recipe: str, copy: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    other = train(recipe, ["seed=7", "budget.positions=600"], str(tmp_path / "other")).folder
    last = RunFolder(copy).shards()[-1]
    shutil.copy(RunFolder(other).shards()[-1], last)
    assert train(str(copy)).finished
    err = capfd.readouterr().err
    assert f"{last} is not the file that was written there" in err
    assert "of a run of seed 7; the one before it is used" in err
    assert_same_run(straight.folder, copy)


def test_games_are_there_before_their_checkpoint(
    recipe: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process killed between the two has all games of the checkpoints that it leaves."""
    folder, seen, real = RunFolder(tmp_path / "run"), [], checkpoint.save

    def save(path: Path, content: Any) -> None:
        seen.append(folder.games(int(path.stem)).is_file())
        real(path, content)

    monkeypatch.setattr(checkpoint, "save", save)
    train(recipe, ["budget.positions=400"], str(folder.path))
    assert seen
    assert all(seen)
    folder.games(99).write_text("of an iteration that was not finished")
    train(recipe, ["budget.positions=500"], str(folder.path))
    assert not folder.games(99).exists()


def test_damaged_lines_of_the_metrics_are_told_and_kept(
    straight: Outcome, copy: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = copy / "metrics.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    bad = b"".join([lines[0], b"\xff" + lines[1], b"5\n", *lines[2:]])
    path.write_bytes(bad)
    assert train(str(copy)).finished
    spare = copy / "metrics.jsonl.damaged"
    assert (
        f"{path}: 2 lines are damaged and left out; the file as it was is {spare}\n"
        in capfd.readouterr().err
    )
    assert spare.read_bytes() == bad
    assert path.read_bytes() == b"".join([lines[0], *lines[2:]])


def test_the_command_can_be_repeated_from_provenance(
    recipe: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["selfplay", "train", recipe, "--out", str(tmp_path / "a run"), "--set", "name='x y'"]
    monkeypatch.setattr(sys, "argv", words)
    assert shlex.split(provenance("float32")["command"]) == words


@pytest.mark.parametrize("damage", [_flip, Path.unlink, lambda p: p.write_bytes(b"")])
def test_the_checkpoint_before_serves_when_the_newest_shard_is_damaged(
    damage: Callable[[Path], object],
    straight: Outcome,
    copy: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    before, newest = RunFolder(copy).checkpoints()[-2:]
    shard = RunFolder(copy).shards()[-1]
    damage(shard)
    assert train(str(copy)).finished
    err = capfd.readouterr().err
    assert (
        f"{newest} cannot be gone on from: {shard} is missing or damaged; the one before it is "
        f"used: {before}\n" in err
    )
    assert_same_run(straight.folder, copy)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("ledger.iteration", -1), ("ledger.iteration", 1), ("ledger.positions", "x"),
        ("ledger.games", None), ("ledger.samples", []), ("ledger.tree_s", math.nan),
        ("ledger.made", 7), ("ledger.made", ["x"]), ("ledger.seen", None),
        ("ledger.seen", torch.zeros(2, 2)), ("learner.optimizer.state.0.step", torch.tensor(-1.0)),
        ("learner.optimizer.state.0.exp_avg", torch.zeros(1)),
        ("learner.optimizer.state.0.exp_avg_sq", []),
    ],
)  # fmt: skip
def test_a_training_that_is_something_else_is_refused_and_nothing_lost(
    place: str, value: Any, copy: Path
) -> None:
    newest = RunFolder(copy).latest()
    content = checkpoint.load(newest)
    part, *names = place.split(".")
    held = content["training"][part]
    for name in names[:-1]:
        held = held[int(name) if name.isdigit() else name]
    held[names[-1]] = value
    checkpoint.save(newest, content)
    before = sorted(copy.rglob("*"))
    with pytest.raises(ValueError, match="to train anew give another folder with --out"):
        train(str(copy), ["budget.positions=9000"])
    assert sorted(copy.rglob("*")) == before


def test_a_shard_that_both_checkpoints_need_is_named(copy: Path) -> None:
    shard = RunFolder(copy).shards()[-2]
    shard.unlink()
    with pytest.raises(ValueError, match=f"{shard.name} is missing or damaged; there is none"):
        train(str(copy), ["budget.positions=9000"])


def test_a_folder_with_only_a_config_starts_the_run(
    straight: Outcome, recipe: str, tmp_path: Path
) -> None:
    folder = tmp_path / "half"
    folder.mkdir()
    shutil.copy(straight.folder / "config.json", folder)
    train(str(folder))
    assert_same_run(straight.folder, folder)


def test_a_damaged_config_is_named(copy: Path) -> None:
    (copy / "config.json").write_text('{"game": "ticta')
    with pytest.raises(ValueError, match=r"config\.json is damaged .*--out"):
        train(str(copy))


def test_a_folder_that_is_no_run_says_so(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"is not a run folder \(it has no config.json\)"):
        train(str(tmp_path))


@pytest.mark.parametrize("how", ["edited", "missing"])
def test_a_config_that_the_checkpoint_was_not_made_with_is_refused(
    how: str, recipe: str, copy: Path
) -> None:
    """Also where game and net are the same."""
    config = json.loads((copy / "config.json").read_text())
    config["search"]["simulations"] = 5
    (copy / "config.json").write_text(json.dumps(config))
    if how == "missing":
        (copy / "config.json").unlink()
    overrides = ["search.simulations=5"]
    with pytest.raises(ValueError, match="was made with") as error:
        train(str(copy)) if how == "edited" else train(recipe, overrides, str(copy))
    assert str(error.value).startswith(
        f"{RunFolder(copy).latest()} was made with search.simulations = 4; you asked for 5: "
    )
    assert (copy / "config.json").exists() == (how == "edited")


def test_a_run_without_its_config_goes_on_by_the_same_recipe(
    straight: Outcome, recipe: str, copy: Path
) -> None:
    (copy / "config.json").unlink()
    RunFolder(copy).latest().unlink()
    assert train(recipe, ["actor.threads=2", "checkpoint_s=0.0001"], str(copy)).finished
    assert timeless_metrics(copy) == timeless_metrics(straight.folder)


def test_a_checkpoint_of_another_net_is_refused(copy: Path) -> None:
    newest = RunFolder(copy).latest()
    content = checkpoint.load(newest)
    del content["config"]  # as those of the first versions
    checkpoint.save(newest, content)
    config = json.loads((copy / "config.json").read_text())
    config["net"]["width"] = 24
    (copy / "config.json").write_text(json.dumps(config))
    with pytest.raises(ValueError, match=r"does not fit the net that .*config\.json describes"):
        train(str(copy))


def test_a_checkpoint_of_another_game_is_refused(copy: Path, recipe: str) -> None:
    (copy / "config.json").unlink()
    with pytest.raises(ValueError, match=r"a run on 'tictactoe'; you asked for 'nim'"):
        train(recipe, ["game=nim"], str(copy))


def test_a_released_agent_cannot_be_trained_on(copy: Path) -> None:
    *older, newest = RunFolder(copy).checkpoints()
    content = checkpoint.load(newest)
    content.pop("training")
    checkpoint.save(newest, content)
    for path in older:
        path.unlink()
    with pytest.raises(ValueError, match="holds only the net, to be played with"):
        train(str(copy))


def test_two_processes_do_not_share_a_folder(copy: Path) -> None:
    with RunFolder(copy).locked(), pytest.raises(ValueError, match="being trained by another"):
        train(str(copy))
    assert train(str(copy)).finished


def test_a_full_disk_keeps_the_last_checkpoint(
    straight: Outcome, recipe: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, real, saves = tmp_path / "full", torch.save, []

    def full(content: Any, file: Any) -> None:
        saves.append(content)
        if len(saves) > 4:
            raise OSError(28, "No space left on device")
        real(content, file)

    with monkeypatch.context() as patch:
        patch.setattr(torch, "save", full)
        with pytest.raises(ValueError, match=r"could not be saved \(no space left on the disk\)"):
            train(recipe, out=str(folder))
    train(str(folder))  # there is room again
    assert_same_run(straight.folder, folder)


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a CUDA GPU")
def test_cuda_asked_for_and_absent(recipe: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="'cuda:0' asked for, but torch finds no CUDA GPU"):
        train(recipe, ["evaluator.device=cuda:0"], str(tmp_path / "run"))


@pytest.mark.parametrize(
    ("override", "sentence"),
    [
        ("game=tictacto", "did you mean 'tictactoe'"),
        ("strength.versus=['randm']", "'randm' is no baseline.*did you mean the player 'random'"),
        ("strength.positions=nowhere.csv", "there is no position file nowhere.csv"),
    ],
)
def test_what_cannot_start_leaves_no_folder(
    override: str, sentence: str, recipe: str, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=sentence):
        train(recipe, [override], str(tmp_path / "run"))
    assert not (tmp_path / "run" / "config.json").exists()


def test_tensorboard_has_the_metrics_by_positions(straight: Outcome) -> None:
    lines = read_metrics(straight.folder)
    events = EventAccumulator(str(straight.folder))
    events.Reload()
    told_tags = {key for line in lines for key in line if "/" in key}
    assert set(events.Tags()["scalars"]) == set(map(curve_name, told_tags))
    assert {"learn/kl", "search/depth", "cost/flops_learn", "strength/vs_random"} <= told_tags
    for tag in ("learn/policy_loss", "selfplay/games", "strength/vs_random"):
        curve_points = [(event.step, event.value) for event in events.Scalars(curve_name(tag))]
        expected = [(line["step"], line[tag]) for line in lines if tag in line]
        assert curve_points == [(step, pytest.approx(value)) for step, value in expected]


def test_metrics_add_up(straight: Outcome) -> None:
    lines = read_metrics(straight.folder)
    assert [line["phase"] for line in lines[:3]] == ["strength", "selfplay", "learn"]
    assert lines[-1]["phase"] == "strength"
    assert lines[0]["step"] == 0
    learned = [line for line in lines if line["phase"] == "learn"]
    played = [line for line in lines if line["phase"] == "selfplay"]
    assert learned[-1]["cost/games"] == sum(line["selfplay/games"] for line in played)
    assert learned[-1]["cost/samples"] == 64 * sum(line["learn/steps"] for line in learned)
    for before, after in itertools.pairwise(learned):
        made = after["step"] - before["step"]
        assert 150 <= made < 150 + 16 * 9  # at least what was asked, games not cut short
        assert after["learn/steps"] == max(1, round(made * 2 / 64))
    assert [line["step"] for line in learned if line["step"] >= 1500] == [lines[-1]["step"]]


def test_the_report_tells_the_run(straight: Outcome) -> None:
    text = (straight.folder / "report.md").read_text()
    last = read_metrics(straight.folder)[-1]
    assert text.startswith("# small\n")
    assert f"{last['step']:,} positions" in text
    assert "| positions | minutes | vs_random |" in text
    assert f"| {last['step']:,} |" in text
    assert f"{last['strength/vs_random']:.4f}" in text
    assert f"selfplay play {straight.folder}" in text


def test_the_report_counts_minutes_of_training_only(straight: Outcome, copy: Path) -> None:
    lines = read_metrics(straight.folder)
    half = len(lines) // 2
    with open(copy / "metrics.jsonl", "w") as file:
        for i, line in enumerate(lines):  # as if the run had been stopped for a day
            file.write(json.dumps({**line, "time": line["time"] + 86400 * (i > half)}) + "\n")
    folder = RunFolder(copy)
    write_report(folder, folder.config())
    rows = [
        [line for line in path.read_text().splitlines() if line.startswith("| 1,")]
        for path in (copy / "report.md", straight.folder / "report.md")
    ]
    assert rows[0] == rows[1] != []


def test_provenance_keeps_the_beginning(copy: Path, straight: Outcome) -> None:
    before = json.loads((straight.folder / "provenance.json").read_text())
    assert before["packages"]["torch"] == torch.__version__
    assert before["machine"]["cores"] >= 1
    assert before["resumed"] == []
    train(str(copy))
    after = json.loads((copy / "provenance.json").read_text())
    assert {**after, "resumed": []} == before
    assert len(after["resumed"]) == 1
    assert "command" in after["resumed"][0]


def test_games_are_kept_as_moves(straight: Outcome) -> None:
    path = RunFolder(straight.folder).games(1)
    games = path.read_text().splitlines()
    assert 0 < len(games) <= 32
    for game in map(parse_record, games):
        moves = [int(word) for word in game.moves.split()]
        assert 0 <= game.opening < len(moves)
        assert len(set(moves)) == len(moves) >= 5
        assert set(moves) <= set(range(1, 10))


def test_interrupts_are_given_back() -> None:
    before = signal.getsignal(signal.SIGINT)
    with interrupts(lambda by_key: None):
        assert signal.getsignal(signal.SIGINT) is not before
    assert signal.getsignal(signal.SIGINT) is before


def test_the_replay_window_is_the_same_after_a_resume(straight: Outcome) -> None:
    training = run.Training(RunFolder(straight.folder), RunFolder(straight.folder).config())
    replay = training.parts.replay
    parts = [
        shards.load_shard(path, training.parts.game)[0]
        for path in RunFolder(straight.folder).shards()
    ]
    last = arrays.take(joined(parts), slice(-len(replay), None))
    window = trimmed(replay.recent(len(replay)))
    for got, expected in zip(arrays.leaves(window), arrays.leaves(trimmed(last)), strict=True):
        np.testing.assert_array_equal(got, expected)
    training.loop.close()
