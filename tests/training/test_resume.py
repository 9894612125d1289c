"""What a run goes on from, and what it refuses to go on from."""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_runs import assert_same_run, change_config, timeless_metrics

from selfplay.learning import checkpoint, shards
from selfplay.regimes.selfplay import SelfPlayLoop
from selfplay.training import folder as folders
from selfplay.training import resume
from selfplay.training.folder import RunFolder
from selfplay.training.log import RunLog
from selfplay.training.metrics_file import read_metrics
from selfplay.training.run import Outcome, Training, train


@pytest.mark.parametrize(
    ("override", "old", "new"),
    [
        ("learner.lr=0.5", "learner.lr = 0.002", "0.5"),
        ("net.width=32", "net.width = 16", "32"),
        ("game=connect4", "game = 'tictactoe'", "'connect4'"),
        ('net={kind="resnet"}', "net.kind = 'mlp'", "'resnet'"),
    ],
)
def test_another_config_on_top_is_refused_with_both_sides(
    override: str, old: str, new: str, recipe: str, copy: Path
) -> None:
    config = (copy / "config.json").read_bytes()
    for target, out in ((recipe, str(copy)), (str(copy), None)):
        with pytest.raises(ValueError, match="holds a run with") as error:
            train(target, [override], out)
        assert f"holds a run with {old}; you asked for {new}" in str(error.value)
        assert f"selfplay train {copy}" in str(error.value)
        assert (copy / "config.json").read_bytes() == config


def test_only_the_newest_checkpoints_hold_what_a_resume_needs(straight: Outcome) -> None:
    held = ["training" in checkpoint.load(p) for p in RunFolder(straight.folder).checkpoints()]
    assert held[-2:] == [True, True]
    assert not any(held[:-2])


def test_a_kill_before_an_older_one_was_stripped_leaves_it_whole_for_a_time_only(
    copy: Path,
) -> None:
    folder = RunFolder(copy)
    whole, older = checkpoint.load(folder.checkpoints()[-1]), folder.checkpoints()[-3]
    checkpoint.save(older, {**checkpoint.load(older), "training": whole["training"]})
    train(str(copy), ["budget.positions=1200"])
    assert "training" not in checkpoint.load(older)


def test_no_file_of_positions_grows_beyond_what_is_read(
    recipe: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However seldom a checkpoint is asked for."""
    most = 60_000
    monkeypatch.setattr(resume, "MOST", most)
    outcome = train(recipe, ["checkpoint_s=1e6", "replay.capacity=5000"], str(tmp_path / "run"))
    sizes = [path.stat().st_size for path in RunFolder(outcome.folder).shards()]
    assert len(sizes) > 1
    assert max(sizes) < most


def test_what_a_run_has_started_ends_where_it_fails_before_its_first_iteration(
    recipe: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[str] = []

    def failing(*_: object) -> None:
        raise ValueError("no space left")

    close = SelfPlayLoop.close
    monkeypatch.setattr(SelfPlayLoop, "close", lambda self: (closed.append("loop"), close(self)))
    monkeypatch.setattr(RunLog, "close", lambda self: failing())
    with pytest.raises(ValueError, match="no space left"):
        train(recipe, [], str(tmp_path / "log"))
    monkeypatch.setattr(Training, "_prepare_folder", failing)
    with pytest.raises(ValueError, match="no space left"):
        train(recipe, [], str(tmp_path / "folder"))
    assert closed == ["loop"] * 2


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "a bit": lambda whole: whole[:999] + bytes([whole[999] ^ 16]) + whole[1000:],
    "a hole": lambda whole: whole[:2048] + bytes(512) + whole[2560:],
    "cut short": lambda whole: whole[:1000],
    "empty": lambda whole: b"",
}


def _damage(path: Path, how: str) -> bytes:
    damaged = DAMAGE[how](path.read_bytes())
    path.write_bytes(damaged)
    return damaged


class Fallback:
    """A copy of the run that nothing happened to, whose newest checkpoint will not serve."""

    def __init__(self, straight: Path, copy: Path, capfd: pytest.CaptureFixture[str]) -> None:
        self.straight, self.copy, self.capfd = straight, copy, capfd
        self.folder = RunFolder(copy)
        *_, self.before, self.newest = self.folder.checkpoints()

    def assert_the_one_before_serves(self, *said: str) -> None:
        """It says so, and comes to the same end."""
        assert train(str(self.copy)).finished
        err = self.capfd.readouterr().err
        assert f"; the one before it is used: {self.before}\n" in err
        assert all(words in err for words in said)
        assert_same_run(self.straight, self.copy)


@pytest.fixture
def fallback(straight: Outcome, copy: Path, capfd: pytest.CaptureFixture[str]) -> Fallback:
    return Fallback(straight.folder, copy, capfd)


@pytest.mark.parametrize("how", DAMAGE)
def test_the_checkpoint_before_serves_when_the_newest_is_damaged(
    how: str, fallback: Fallback
) -> None:
    newest = fallback.newest
    bad = _damage(newest, how)
    fallback.assert_the_one_before_serves(f"{newest} is not a whole checkpoint")
    assert newest.with_name(f"{newest.name}.damaged").read_bytes() == bad


@pytest.mark.parametrize("how", ["a bit", "missing"])
def test_the_checkpoint_before_serves_when_the_newest_shard_is_damaged(
    how: str, fallback: Fallback
) -> None:
    shard = fallback.folder.shards()[-1]
    shard.unlink() if how == "missing" else _damage(shard, how)
    fallback.assert_the_one_before_serves(
        f"{fallback.newest} cannot be gone on from: {shard} is missing or damaged; the one before"
    )


def test_a_checkpoint_of_another_iteration_is_noticed(fallback: Fallback) -> None:
    shutil.copy(fallback.folder.checkpoints()[0], fallback.newest)
    fallback.assert_the_one_before_serves(
        f"{fallback.newest} holds the checkpoint of iteration 1; the one before"
    )


def test_a_shard_of_another_run_is_noticed(recipe: str, tmp_path: Path, fallback: Fallback) -> None:
    other = train(recipe, ["seed=7", "budget.positions=600"], str(tmp_path / "other")).folder
    last = fallback.folder.shards()[-1]
    shutil.copy(RunFolder(other).shards()[-1], last)
    fallback.assert_the_one_before_serves(
        f"{last} is not the file that was written there", "of a run of seed 7; the one before"
    )


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
    _damage(damaged, "cut short")
    assert train(str(copy), ["budget.positions=1900"]).finished
    assert read_metrics(copy)[-1]["step"] >= 1900
    err = capfd.readouterr().err
    assert err.count("training goes on") == 1
    assert f"{damaged.name} is not a whole checkpoint" in err


def test_hidden_files_of_others_stay(copy: Path) -> None:
    files = [copy / name for name in (".x.1", "sub/.000001.pt.1", "checkpoints/.x.1")]
    for file in files:
        file.parent.mkdir(exist_ok=True)
        file.write_text("mine")
    train(str(copy))
    assert [file.read_text() for file in files] == ["mine"] * 3


def test_old_shards_go_and_needed_ones_stay(straight: Outcome) -> None:
    folder = RunFolder(straight.folder)
    held = [shards.count_samples(shard) for shard in folder.shards()]
    assert len(held) < len(folder.checkpoints())
    window = folder.config().replay.size(1000)
    assert window <= sum(held) <= 2 * window + max(held)


def test_where_all_checkpoints_are_damaged_it_says_so(copy: Path) -> None:
    for path in RunFolder(copy).checkpoints():
        _damage(path, "a bit")
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


def test_a_folder_that_is_no_run_says_so(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"is not a run folder \(it has no config.json\)"):
        train(str(tmp_path))


@pytest.mark.parametrize("how", ["edited", "missing"])
def test_a_config_that_the_checkpoint_was_not_made_with_is_refused(
    how: str, recipe: str, copy: Path
) -> None:
    """Also where game and net are the same."""
    change_config(copy, search={"simulations": 5})
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
    change_config(copy, net={"width": 24})
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
