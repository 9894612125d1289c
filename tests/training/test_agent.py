"""Agents: what a run's folder becomes when it is to be played, and what is refused."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_runs import change_config

from envs.tictactoe import TicTacToe
from selfplay.config import parse_config
from selfplay.learning import checkpoint
from selfplay.training.agent import load_agent
from selfplay.training.folder import RunFolder


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on tic-tac-toe with checkpoints 2 and 10, whose nets value everything 0 and 1."""
    folder = RunFolder(tmp_path_factory.mktemp("runs") / "small")
    folder.path.mkdir()
    net = {"kind": "mlp", "width": 8}
    config = parse_config({"game": "tictactoe", "net": net, "evaluator": {"precision": "float32"}})
    folder.write_json("config.json", config.dump())
    for step, bias in ((2, 0.0), (10, 30.0)):
        net = config.net.build(TicTacToe())
        with torch.no_grad():
            for parameter in net.parameters():
                parameter.zero_()
            net.heads.value.bias[0] = bias
        content = {"game": "tictactoe", "precision": "float32", "net": net.state_dict()}
        checkpoint.save(folder.checkpoint(step), content)
    return folder.path


@pytest.fixture
def copy(trained: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(trained, tmp_path / "copy"))


@pytest.mark.parametrize(
    ("suffix", "step", "argument", "value"),
    [("", 10, None, 1.0), ("@2", 2, None, 0.0), ("@10", 10, None, 1.0), ("", 2, 2, 0.0)],
)
def test_loads_the_checkpoint_asked_for(
    suffix: str, step: int, argument: int | None, value: float, trained: Path
) -> None:
    agent = load_agent(f"{trained}{suffix}", argument)
    assert agent.step == step
    assert agent.game.name == "tictactoe"
    state = agent.game.init(np.random.default_rng(0), 1)
    assert agent.evaluator(agent.game, state).value[0] == pytest.approx(value, abs=1e-6)
    assert agent.name == str(trained) + ("" if suffix == "" and argument is None else f"@{step}")


def test_another_game_is_refused_with_both_sides(trained: Path) -> None:
    assert load_agent(str(trained), game="tictactoe").step == 10
    with pytest.raises(ValueError, match="small was trained on") as error:
        load_agent(str(trained), game="connect4")
    assert str(error.value) == (
        f"{trained} was trained on tictactoe (9 actions); you asked for connect4 (7)"
    )


def test_a_missing_checkpoint_names_those_there(copy: Path) -> None:
    with pytest.raises(ValueError, match=r"has no checkpoint 5; it has 2, 10$"):
        load_agent(f"{copy}@5")
    shutil.rmtree(copy / "checkpoints")
    with pytest.raises(ValueError, match=r"no checkpoint yet; train it with 'selfplay train .*'"):
        load_agent(str(copy))


@pytest.mark.parametrize("net", [{"width": 9}, {"layers": 3}])
def test_an_edited_config_is_found_out(copy: Path, net: dict[str, object]) -> None:
    change_config(copy, net=net)
    with pytest.raises(ValueError, match=r"000010\.pt does not fit the net that .*config\.json"):
        load_agent(str(copy))


def test_a_checkpoint_of_another_game_is_refused_even_where_it_fits(copy: Path) -> None:
    path = RunFolder(copy).checkpoint(10)
    checkpoint.save(path, {**checkpoint.load(path), "game": "another"})
    with pytest.raises(ValueError, match="was trained on another") as error:
        load_agent(str(copy))
    assert str(error.value) == (
        f"{path} was trained on another, but {copy}/config.json says tictactoe"
    )


@pytest.mark.parametrize(
    ("wish", "saved", "fast", "used"),
    [
        ("auto", "bfloat16", True, torch.bfloat16),
        ("auto", "float32", True, torch.float32),
        ("auto", "float32", False, torch.float32),
        ("auto", "bfloat16", False, torch.float32),
        ("auto", "float8", True, torch.float32),
        ("auto", None, True, torch.float32),
        ("float32", "bfloat16", True, torch.float32),
        ("bfloat16", "float32", False, torch.bfloat16),
    ],
)
def test_an_agent_runs_in_the_precision_of_its_run(
    wish: str,
    saved: str | None,
    fast: bool,
    used: torch.dtype,
    copy: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Unless this processor has to emulate it, or the section names another."""
    change_config(copy, evaluator={"precision": wish, "device": "cpu"})
    path = RunFolder(copy).checkpoint(10)
    content = {key: x for key, x in checkpoint.load(path).items() if key != "precision"}
    checkpoint.save(path, content | ({"precision": saved} if saved else {}))
    features = {"avx2": True, "avx512_bf16": fast, "amx_bf16": False}
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: features, raising=False)
    assert load_agent(str(copy)).evaluator.dtype == used


def test_where_the_newest_checkpoint_is_damaged_the_one_before_plays(
    copy: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    newest = RunFolder(copy).checkpoint(10)
    newest.write_bytes(newest.read_bytes()[:-1])
    agent = load_agent(str(copy))
    assert agent.step == 2
    assert agent.evaluator(agent.game, agent.game.init(np.random.default_rng(0), 1)).value == [0.0]
    before = RunFolder(copy).checkpoint(2)
    (line,) = capfd.readouterr().err.splitlines()
    assert line.startswith(f"{newest} is not a whole checkpoint")
    assert line.endswith(f"; the one before it is used: {before}")
    with pytest.raises(ValueError, match=r"000010\.pt is not a whole checkpoint.*RUN@STEP"):
        load_agent(f"{copy}@10")
    assert load_agent(f"{copy}@2").step == 2


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a CUDA GPU")
def test_an_agent_trained_on_a_gpu_says_what_is_missing(copy: Path) -> None:
    change_config(copy, evaluator={"device": "cuda:0"})
    with pytest.raises(ValueError, match="'cuda:0' asked for, but torch finds no CUDA GPU"):
        load_agent(str(copy))
