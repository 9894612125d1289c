"""Chains of commands as README.md has them, each to its end in one folder, with smaller budgets."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
from examples import needs
from program import run
from test_readme import COMMANDS, ROOT, block

Chain = Callable[..., str]

FEW = "--set budget.positions=12288 --set strength.own_positions=40 --set strength.games=4"
SHORT = (
    "--set budget.positions=64 --set regime.positions=64 --set actor.games=8 --set net.channels=8 "
    "--set net.blocks=1 --set search.simulations=2"
)


@pytest.fixture
def chain(tmp_path: Path) -> Chain:
    """Runs the one command of the README that begins so, and more words; its standard output."""
    (tmp_path / "configs").symlink_to(ROOT / "configs")
    (tmp_path / "envs").symlink_to(ROOT / "envs")

    def printed(start: str, more: str = "") -> str:
        needs(start)
        plain = {command.partition("  #")[0].strip() for command in COMMANDS}
        start = f"selfplay {start}"
        (command,) = plain & {start} or {each for each in plain if each.startswith(start)}
        done = run(tmp_path, *shlex.split(f"{command} {more}")[1:])
        assert done.returncode == 0, done.stderr
        return done.stdout

    return printed


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


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_proof_then_a_walk(chain: Chain) -> None:
    proof = "prove envs/proving/problems/pelletier/pelletier_24.p"
    assert json.loads(chain(proof, "--inferences 2000 --json"))["proved"]
    assert "Bye." in chain("explore reference/prove", "--simulations 0")


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_sweep_then_comparisons(chain: Chain, tmp_path: Path) -> None:
    grid = block("toml", "[[arm]]").replace(
        "configs/tictactoe.toml", str(ROOT / "configs" / "tictactoe.toml")
    )
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
