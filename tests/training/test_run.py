"""Runs: the same bits for a seed, and what stands in their folder."""

from __future__ import annotations

import itertools
import json
import shlex
import shutil
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
import torch
from reference import assert_same_arrays
from tiny_runs import GAME, curve, events_of, timeless_metrics

from selfplay import arrays
from selfplay.actors.harvest import parse_record
from selfplay.learning import checkpoint, shards
from selfplay.learning.samples import joined, trimmed
from selfplay.nets import Mlp
from selfplay.nets.inference import EvaluatorSection
from selfplay.system.version import version
from selfplay.training import run
from selfplay.training.events import curve_name
from selfplay.training.folder import RunFolder
from selfplay.training.metrics_file import read_metrics
from selfplay.training.report import provenance, write_report
from selfplay.training.run import Outcome, train


def test_another_seed_another_run(straight: Outcome, recipe: str, tmp_path: Path) -> None:
    """What the same seed does: see test_a_folder_with_only_a_config_starts_the_run."""
    assert straight.finished
    other = train(recipe, ["seed=1", "budget.positions=300"], out=str(tmp_path / "other"))
    a, b = (checkpoint.load(RunFolder(o.folder).checkpoint(1))["net"] for o in (straight, other))
    assert not torch.equal(a["heads.policy.weight"], b["heads.policy.weight"])


def test_a_finished_run_is_left_as_it_is(copy: Path) -> None:
    before, files = timeless_metrics(copy), sorted(p.name for p in copy.rglob("*.pt"))
    outcome = train(str(copy))
    assert outcome.finished
    assert timeless_metrics(copy) == before
    assert sorted(p.name for p in copy.rglob("*.pt")) == files
    assert outcome.scalars["strength/vs_random"] == before[-1]["strength/vs_random"]


def test_a_run_goes_on_by_a_part_of_its_name(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(copy.parent)
    (copy.parent / "runs").mkdir()
    copy.rename("runs/first-try")
    Path("first").mkdir()  # no run
    outcome = train("first", ["budget.positions=1700"])
    assert outcome.folder == Path("runs/first-try")
    assert outcome.finished
    assert RunFolder(outcome.folder).config().budget.positions == 1700
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


def test_the_command_can_be_repeated_from_provenance(
    recipe: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["selfplay", "train", recipe, "--out", str(tmp_path / "a run"), "--set", "name='x y'"]
    monkeypatch.setattr(sys, "argv", words)
    net = Mlp().build(GAME)
    told = provenance(EvaluatorSection().inference(net, GAME))
    assert shlex.split(told["command"]) == words
    assert told["machine"]["device"] == {"name": "cpu"}
    assert told["packages"]["torch"] == torch.__version__  # with the build


def test_a_bare_checkout_knows_its_version(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def missing(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", missing)
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())
    assert version() == project["project"]["version"]
    monkeypatch.setattr("selfplay.system.version._PROJECT", tmp_path / "pyproject.toml")
    assert version() == "unknown"


@pytest.mark.parametrize(
    ("override", "sentence"),
    [
        ("game=tictacto", "did you mean 'tictactoe'"),
        ("strength.versus=['randm']", "'randm' is no baseline.*did you mean the player 'random'"),
        ("strength.positions=nowhere.csv", "there is no position file nowhere.csv"),
        pytest.param(
            "evaluator.device=cuda:0",
            "'cuda:0' asked for, but torch finds no CUDA GPU",
            marks=pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA GPU"),
        ),
    ],
)
def test_what_cannot_start_leaves_no_folder(
    override: str, sentence: str, recipe: str, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=sentence):
        train(recipe, [override], str(tmp_path / "runs" / "first"))
    assert list(tmp_path.iterdir()) == []


def test_tensorboard_has_the_metrics_by_positions(straight: Outcome) -> None:
    lines = read_metrics(straight.folder)
    told_tags = {key for line in lines for key in line if "/" in key}
    assert set(events_of(straight.folder).Tags()["scalars"]) == set(map(curve_name, told_tags))
    assert {"learn/kl", "search/depth", "cost/flops_learn", "strength/vs_random"} <= told_tags
    for tag in ("learn/policy_loss", "selfplay/games", "strength/vs_random"):
        expected = [(line["step"], pytest.approx(line[tag])) for line in lines if tag in line]
        assert curve(straight.folder, curve_name(tag)) == expected


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
    assert [line["step"] for line in learned if line["step"] >= 1000] == [lines[-1]["step"]]


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


def test_the_replay_window_is_the_same_after_a_resume(straight: Outcome) -> None:
    training = run.Training(RunFolder(straight.folder), RunFolder(straight.folder).config())
    replay = training.parts.replay
    paths = RunFolder(straight.folder).shards()
    parts = [shards.load_shard(path, training.parts.game)[0] for path in paths]
    last = arrays.take(joined(parts), slice(-len(replay), None))
    window = trimmed(replay.recent(len(replay)))
    assert_same_arrays(window, trimmed(last))
    training.loop.close()
