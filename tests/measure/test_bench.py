"""The bench: its keys, and figures that fit together."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest

import envs
from selfplay.actors import Processes, Setup
from selfplay.actors.actor import ActorSection
from selfplay.measure.bench import bench
from selfplay.measure.bounds import net_bounds
from selfplay.nets import Mlp, ResNet
from selfplay.nets.inference import EvaluatorSection, Inference
from selfplay.search import Gumbel
from selfplay.system.cores import core_count
from selfplay.verbs.cli import main


def test_figures_fit_together() -> None:
    section = EvaluatorSection(precision="float32", cache=1024)
    actor, search = ActorSection(games=32, threads=2), Gumbel(simulations=4)
    found = bench("tictactoe", Mlp(width=16), search, actor, section, seconds=1.0)
    assert (found["game"], found["net"]) == ("tictactoe", "mlp 2x16")
    assert (found["batch"], found["threads"], found["simulations"]) == (16, 2, 4)
    assert (found["device"], found["precision"]) == ("cpu", "float32")
    assert 1.0 <= found["seconds"] < 30
    per_s = found["simulations_per_s"]
    assert found["ratio"] == pytest.approx(per_s / found["net_positions_per_s"])
    assert found["evaluations_per_s"] == pytest.approx(per_s * found["evaluations_per_simulation"])
    assert 0 < found["net_share"] < 1
    assert 0 < found["merged_share"] < 1
    # what the threads did not spend in the net is the rest, simulation by simulation
    rest = found["other_us_per_simulation"] * 1e-6 * per_s * found["seconds"]
    assert found["net_share"] * 2 * found["seconds"] + rest == pytest.approx(2 * found["seconds"])
    # 18 x 16 + 16 x 16 + 16 x (9 + 3) multiply-adds at 2 each
    assert found["net_mflops"] == pytest.approx(2 * (18 * 16 + 16 * 16 + 16 * 12) / 1e6)


def test_a_modelled_device_and_what_bounds_it() -> None:
    section = EvaluatorSection(device="fake:50,1", cache=1024)
    actor, search = ActorSection(games=8, threads=2), Gumbel(simulations=4)
    found = bench("tictactoe", Mlp(width=16), search, actor, section, 0.5, Processes())
    assert found["device"] == "fake:50,1"
    # nothing else is asked of it: a batch of n takes 50 + n us
    batch = found["server_batch"]
    assert found["net_positions_per_s"] <= 1e6
    batches = found["evaluations_per_s"] / batch
    assert found["device_share"] == pytest.approx(batches * (50 + batch) * 1e-6, rel=0.3)
    assert 0 < found["server_waiting_share"] < 1
    assert 0 < found["server_host_share"] < 1
    cores = max(1, core_count() - 1)
    assert found["bound_tree"] == pytest.approx(cores * 1e6 / found["tree_us_per_simulation"])
    assert not {"bound_arithmetic", "bound_memory", "bound_launches"} & set(found)


def test_on_a_gpu_the_net_alone_has_batches_of_all_games(monkeypatch: pytest.MonkeyPatch) -> None:
    """Threads ask for a thread's share of them, and the sooner the smaller."""
    asked: list[int] = []

    class Alone:
        def __init__(self, setup: Setup, net: Any, batch: int) -> None:
            asked.append(batch)

        def positions_per_s(self, seconds: float) -> float:
            return 1e6

    monkeypatch.setattr("selfplay.measure.bench.DeviceAlone", Alone)
    section = EvaluatorSection(precision="float32", cache=1024)
    actor, search = ActorSection(games=24, threads=2), Gumbel(simulations=4)
    bench("tictactoe", Mlp(width=16), search, actor, section, seconds=0.2)
    assert asked == []
    monkeypatch.setattr(Inference, "serves", lambda self, net: True)
    found = bench("tictactoe", Mlp(width=16), search, actor, section, seconds=0.2)
    assert (asked, found["net_positions_per_s"]) == ([24], 1e6)


def test_the_bounds_of_a_net() -> None:
    game = envs.make("tictactoe")
    net = Mlp(width=16).build(game)
    inference = EvaluatorSection(device="cpu", precision="float32").inference(net, game)
    setup = Setup(game, Gumbel(), ActorSection(), inference)
    found = net_bounds(setup, net, 64, 0.01)
    assert set(found) == {"arithmetic", "memory", "launches"}
    # the device cannot compute a position of this net in less than a picosecond, or in a second
    assert all(1 < rate < 1e12 for rate in found.values())
    wide = net_bounds(setup, Mlp(width=512, layers=4).build(game), 64, 0.01)
    assert wide["arithmetic"] < found["arithmetic"] / 100
    assert wide["memory"] < found["memory"] / 10


def test_the_net_is_named_by_its_size() -> None:
    section = EvaluatorSection(precision="float32", device="cpu")
    actor = ActorSection(games=8, threads=1)
    search = Gumbel(simulations=2)
    found = bench("tictactoe", ResNet(channels=4, blocks=1), search, actor, section, 0.1)
    assert found["net"] == "resnet 1x4"


@pytest.mark.parametrize(
    ("spec", "recipe", "words"),
    [
        ("tictactoe", None, "tictactoe.toml"),
        ("nim", None, "tictactoe.toml --set game=nim --set 'strength.versus=[\"random\"]'"),
        ("envs.toys:Nim", "mine.toml", "mine.toml --trust"),
    ],
)
def test_what_is_next_can_be_typed(
    spec: str,
    recipe: str | None,
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    if recipe:
        Path(recipe).write_text(f'game = "{spec}"\n')
    options = ["--width", "8", "--seconds", "0.1", "--simulations", "2", "--games", "4"]
    assert main(["bench", spec, "--net", "mlp", *options]) == 0
    (last,) = [line for line in capsys.readouterr().out.splitlines() if "Next:" in line]
    assert last.startswith("Next: selfplay train ")
    assert last.endswith(words)
    assert Path(shlex.split(last)[3]).is_file()
