"""Chains of commands as README.md has them, each to its end in one folder, with smaller budgets."""

from __future__ import annotations

import importlib
import io
import json
import re
import shlex
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from test_readme import COMMANDS, ROOT, blocks

from selfplay.verbs import cli

Chain = Callable[..., str]

FEW = "--set budget.positions=12288 --set strength.own_positions=40 --set strength.games=4"
SHORT = (
    "--set budget.positions=64 --set regime.positions=64 --set actor.games=8 --set net.channels=8 "
    "--set net.blocks=1 --set search.simulations=2"
)


@pytest.fixture
def chain(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Chain]:
    """Runs the one command of the README that begins so, and more words; its standard output."""
    (tmp_path / "configs").symlink_to(ROOT / "configs")
    (tmp_path / "envs").symlink_to(ROOT / "envs")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "stdin", io.StringIO())

    def run(start: str, more: str = "", code: int = 0) -> str:
        plain = {command.partition("  #")[0].strip() for command in COMMANDS}
        start = f"selfplay {start}"
        (command,) = plain & {start} or {each for each in plain if each.startswith(start)}
        capsys.readouterr()
        ended = cli.main(shlex.split(f"{command} {more}")[1:])
        shown = capsys.readouterr()
        assert ended == code, shown.err
        return shown.out

    yield run
    sys.modules.pop("kayles", None)
    importlib.invalidate_caches()


def test_data_then_imitation_then_comparison(chain: Chain) -> None:
    made = chain("data solver tictactoe")
    assert "no games are left for validation" not in made
    split = re.search(r"^  validation +(\d+)", made, re.M)
    assert split is not None
    assert int(split[1]) > 0
    chain("train configs/tictactoe.toml --set regime.kind=imitation", FEW)
    told = chain("compare runs/ttt-imitation")
    assert re.match(r"Imitation of \d+ perfect games comes to own mistake rate = 0\.\d+ ", told)
    assert "there is no other regime to compare it with" in told
    assert "no curve" not in told
    assert "Next: tensorboard --logdir runs/ttt-compare" in told


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_train_then_play_then_match_then_comparison(chain: Chain) -> None:
    chain("train configs/demo.toml --out runs/first", SHORT)
    assert "Bye." in chain("play connect4@155")
    assert "Next: selfplay train" not in chain("train runs/first --set budget.seconds=600", "")
    met = json.loads(chain("match connect4 connect4:0", "--games 2"))
    players = [name.partition("connect4")[2] for name in met["elo"]]
    assert players == [":64", ":0", "@155:16", ""]  # the first as its run is measured; the solver
    assert "own games" not in chain("compare runs/first connect4")
    told = json.loads(chain("evaluate connect4 --simulations 0 --json", "--limit 1"))
    assert told["mistake_rate"] >= 0


def test_check_then_bench_then_train_then_play_then_match(
    chain: Chain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (source,) = (block for block in blocks("python") if "class Kayles" in block)
    (recipe,) = (block for block in blocks("toml") if "kayles" in block)
    (tmp_path / "kayles.py").write_text(source, encoding="utf-8")
    (tmp_path / "kayles.toml").write_text(recipe, encoding="utf-8")
    checked = chain("check kayles:Kayles")
    bench = re.search(r"^Next: selfplay (bench .*)$", checked, re.M)
    assert bench is not None
    few = " --net mlp --games 16 --simulations 2 --seconds 0.1"
    assert cli.main(shlex.split(bench[1] + few)) == 0
    few = "--set regime.positions=100 --set budget.positions=100 --set strength.games=2"
    assert "against minimax:4" in chain("train kayles.toml", few)
    assert "1 2 3 4 5 6 7 8 9" in chain("play kayles")
    assert "Elo" in chain("match kayles solver", "--games 4")


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_proof_then_a_walk(chain: Chain) -> None:
    proof = "prove envs/proving/problems/pelletier/pelletier_24.p --inferences 2000"
    assert json.loads(chain(proof))["proved"]
    assert "Bye." in chain("explore reference/prove", "--simulations 0")


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_sweep_then_comparisons(chain: Chain, tmp_path: Path) -> None:
    (grid,) = (block for block in blocks("toml") if "[[arm]]" in block)
    grid = grid.replace("configs/tictactoe.toml", str(ROOT / "configs" / "tictactoe.toml"))
    (tmp_path / "grid.toml").write_text(grid.replace("[0, 1, 2]", "[0, 1]"), encoding="utf-8")
    few = "--set budget.positions=24576 --set strength.own_positions=60"
    assert "a curve needs" not in chain("sweep grid.toml --dry-run", few)
    chain("sweep grid.toml", few)
    told = chain("compare runs/sweeps/ttt")
    assert "own mistake rate" in told
    assert "no other regime" not in told
    assert "no curve" not in told
    found = json.loads(chain("compare runs/sweeps/ttt --metric strength/own_net_mistake_rate"))
    assert found["metric"] == "strength/own_net_mistake_rate"
    assert all(len(view["curves"]) == 3 for view in found["views"])
