"""Where cells run: cores and GPUs shared out on machines that are pretended."""

from __future__ import annotations

import math
import os
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from selfplay.config import Config, parse_config
from selfplay.section import kinds_of
from selfplay.sweep import child, preview, slots, task
from selfplay.sweep.forecast import schedule
from selfplay.sweep.plan import Plan, read_plan
from selfplay.sweep.preview import Rates, estimate, rates_key
from selfplay.sweep.slots import Slot, slots_of
from selfplay.sweep.task import Process, Record, tasks_of
from selfplay.training.folder import RunFolder
from selfplay.verbs import sweep as verb

CELLS = """\
[base]
game = "connect4"
net = { kind = "resnet", blocks = BLOCKS, channels = CHANNELS }
search.simulations = 4
learner.reuse = 2
budget.positions = 400
[[arm]]
name = "a"
grid = { learner.lr = [0.1, 0.2, 0.3] }
"""


def plan_of(folder: Path, *overrides: str, blocks: int = 5, channels: int = 64) -> Plan:
    file = folder / "some.toml"
    file.write_text(CELLS.replace("BLOCKS", str(blocks)).replace("CHANNELS", str(channels)))
    return read_plan(file, overrides, str(folder / "out"))


def machine(monkeypatch: pytest.MonkeyPatch, gpus: int, cores: int = 16) -> None:
    """From now on there are so many GPUs and cores, and nothing says which to use."""
    monkeypatch.delenv("SELFPLAY_DEVICE")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpus > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)
    monkeypatch.setattr(slots, "own_cores", lambda: tuple(range(cores)))


def test_without_a_gpu_a_cell_has_a_core(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    machine(monkeypatch, gpus=0, cores=4)
    plan = plan_of(tmp_path)
    assert slots_of(plan) == (Slot((0,)), Slot((1,)), Slot((2,)), Slot((3,)))
    assert slots_of(plan, jobs=2) == (Slot((0,)), Slot((1,)))
    assert slots_of(plan, jobs=5) == (Slot(),) * 5
    with pytest.raises(ValueError, match=r"--per-gpu: no cell .* computes on a GPU here; use --jo"):
        slots_of(plan, per_gpu=2)
    machine_of_one = plan.cells[0].config
    assert slots_of(plan)[0].fitted(machine_of_one) == machine_of_one


def test_cells_share_out_gpus_and_cores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    machine(monkeypatch, gpus=2)
    plan = plan_of(tmp_path)
    pairs = [(first, first + 1) for first in range(0, 16, 2)]
    assert slots_of(plan) == tuple(Slot(two, "01"[i % 2]) for i, two in enumerate(pairs))
    assert slots_of(plan, jobs=3) == (
        Slot(tuple(range(6)), "0"),
        Slot(tuple(range(6, 11)), "1"),
        Slot(tuple(range(11, 16)), "0"),
    )
    assert slots_of(plan, jobs=17)[16] == Slot((), "0")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "5, GPU-8f")
    assert [slot.gpu for slot in slots_of(plan, per_gpu=1)] == ["5", "GPU-8f"]
    told = [str(Slot((0, 1, 2, 8), "5")), str(Slot((3,))), str(Slot((), "0")), str(Slot())]
    assert told == ["GPU 5, cores 0-2,8", "core 3", "GPU 0", "any core"]
    with pytest.raises(ValueError, match="--jobs and --per-gpu both say"):
        slots_of(plan, jobs=2, per_gpu=1)
    on_cpus = plan_of(tmp_path, "evaluator.device=cpu")
    assert slots_of(on_cpus, jobs=2) == (Slot((0,)), Slot((1,)))
    with pytest.raises(ValueError, match=r"cell a-lr=0.1-s0: evaluator.device = 'cuda:1', but"):
        slots_of(plan_of(tmp_path, "evaluator.device=cuda:1"))


@pytest.mark.parametrize(
    ("blocks", "channels", "cores", "count"),
    [(5, 64, 16, 4), (10, 128, 16, 2), (20, 128, 16, 1), (5, 64, 4, 2), (5, 64, 1, 1)],
)
def test_small_nets_run_side_by_side(
    blocks: int,
    channels: int,
    cores: int,
    count: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    machine(monkeypatch, gpus=1, cores=cores)
    assert len(slots_of(plan_of(tmp_path, blocks=blocks, channels=channels))) == count


def config_of(**sections: Any) -> Config:
    return parse_config({"actor": {"threads": 1}, "budget": {"positions": 400}, **sections})


@pytest.mark.parametrize(("backend", "threads"), [("threads", 4), ("processes", 6)])
def test_a_cell_on_a_gpu_has_actors_for_its_cores(
    backend: str, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine(monkeypatch, gpus=1)
    config = config_of(backend={"kind": backend})
    assert Slot((4, 5, 6, 7), "0").fitted(config).actor.threads == threads
    assert Slot((4, 5, 6, 7)).fitted(config).actor.threads == 1
    named = config_of(backend={"kind": backend}, actor={"threads": 3})
    assert Slot((4, 5, 6, 7), "0").fitted(named).actor.threads == 3
    on_cpu = config_of(backend={"kind": backend}, evaluator={"device": "cpu"})
    assert Slot((4, 5, 6, 7), "0").fitted(on_cpu).actor.threads == 1


def test_a_task_is_held_to_its_slot_and_keeps_its_actors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine(monkeypatch, gpus=1)
    started: list[Any] = []

    def popen(words: list[str], env: dict[str, str], **_: Any) -> Any:
        started.append((words[4], {key: env.get(key) for key in ("CUDA_VISIBLE_DEVICES", NUM)}))
        return SimpleNamespace(pid=0)

    NUM = "OMP_NUM_THREADS"
    monkeypatch.setattr(task.subprocess, "Popen", popen)
    plan = plan_of(tmp_path)
    first = tasks_of(plan)[0]
    for slot in (Slot((2, 3, 4), "7"), Slot((0,), "1"), Slot()):
        Process(tasks_of(plan)[0], Record(), slot)  # the plan still fits what was begun
        assert RunFolder(first.folder).config().actor.threads == 3
    assert started == [
        ("2,3,4", {"CUDA_VISIBLE_DEVICES": "7", NUM: "3"}),
        ("0", {"CUDA_VISIBLE_DEVICES": "1", NUM: "1"}),
        ("any", {"CUDA_VISIBLE_DEVICES": None, NUM: "1"}),
    ]


def test_a_child_holds_itself_to_its_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    held: list[Any] = []
    monkeypatch.setattr(os, "sched_setaffinity", lambda pid, cores: held.append((pid, cores)))
    monkeypatch.setattr(child.runpy, "run_module", lambda *_, **__: None)
    monkeypatch.setattr(child.threading, "Thread", lambda **_: SimpleNamespace(start=lambda: None))
    monkeypatch.setattr(child.signal, "signal", lambda *_: None)
    monkeypatch.setattr(child.sys, "argv", [])
    for cores in ("3,4", "any", "0"):
        child.main(cores, ["train", "x"])
    assert held == [(0, {3, 4}), (0, {0})]


# --- the forecast --------------------------------------------------------------------------------

# 1 s a position played, 1/2 s a sample, of which a position has two
RATES = Rates(100.0, 1e9, 4.0, 0.5, 4.0, gpu_share=0.25)


@pytest.mark.parametrize(
    ("beside", "seconds"),
    [(1, 1.5), (2, 1.5), (3, 2.25), (4, 3.0)],  # the GPU: 1/4 s playing and 1/2 s learning
)
def test_cells_wait_for_a_gpu_that_they_share(beside: int, seconds: float) -> None:
    config = config_of(search={"simulations": 4}, learner={"reuse": 2})
    told = estimate(config, RATES._replace(beside=beside))
    assert told.seconds == pytest.approx(400 * seconds)


def test_places_are_taken_as_they_are_free() -> None:
    assert schedule([5, 2, 2, 2], 2) == ([0, 1, 1, 1], 6)
    assert schedule([1], 2, [3]) == ([1], 3)
    for seconds in ([10, math.nan], [math.nan, 10]):
        assert math.isnan(schedule(seconds, 2)[1])


def test_a_preview_says_which_cell_goes_where(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    machine(monkeypatch, gpus=1)
    measured: list[Config] = []
    held: list[Any] = []
    monkeypatch.setattr(preview.os, "sched_setaffinity", lambda _, cores: held.append(cores))

    def rates(config: Config) -> Rates:
        measured.append(config)
        return RATES

    monkeypatch.setattr(preview, "preview", partial(preview.preview, rates=rates))
    plan = plan_of(tmp_path)
    told = verb._preview(plan, slots_of(plan, per_gpu=2))
    places = ["GPU 0, cores 0-7", "GPU 0, cores 8-15", "GPU 0, cores 0-7"]
    assert [cell["slot"] for cell in told["cells"]] == places
    assert [config.actor.threads for config in measured] == [8]
    assert held[0] == tuple(range(8))
    # two beside each other: 1.5 s of 0.75 s each at the GPU; three cells in two slots
    assert told["seconds_left"] == pytest.approx(2 * 400 * 1.5)
    title, *rows, last = capsys.readouterr().out.splitlines()[:5]
    assert title.split() == ["cell", "state", "time", "FLOPs", "where", "estimated", "from"]
    for row, place in zip(rows, places, strict=True):
        assert f"  {place}  " in row
    assert "left on 1 GPU, 2 cells at a time, experts" in last


def test_what_is_measured_is_measured_on_the_device(monkeypatch: pytest.MonkeyPatch) -> None:
    machine(monkeypatch, gpus=1)
    used: list[Any] = []

    class Learning:
        def __init__(self, net: Any, section: Any, game: Any, device: str, *_: Any) -> None:
            used.append(device)

        def fit(self, *_: Any) -> None: ...

    def bench(*arguments: Any) -> dict[str, float]:
        used.append(arguments[-1].kind)
        return {
            "net_mflops": 1.0, "net_positions_per_s": 2.0, "simulations_per_s": 3.0,
            "evaluations_per_simulation": 0.5, "device_share": 0.3,
        }  # fmt: skip

    def meter(*arguments: Any) -> None:
        used.append(arguments[3])
        raise ValueError("no position file")

    for name, fake in (("Learner", Learning), ("bench", bench), ("StrengthMeter", meter)):
        monkeypatch.setattr(preview, name, fake)
    monkeypatch.setattr(preview, "_SECONDS", 0.01)
    config = config_of(
        game="tictactoe",
        net={"kind": "mlp"},
        backend={"kind": "processes"},
        evaluator={"precision": "float32"},
    )
    assert preview.measure(config).gpu_share == 0.3
    assert used == ["processes", "cuda:0", "cuda:0"]
    key = rates_key(config)
    machine_without = config.model_copy(update={"backend": config_of().backend})
    assert key != rates_key(machine_without)
    used.clear()
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert key != rates_key(config)
    assert preview.measure(config).gpu_share == 0
    assert used == ["threads", "cpu", "cpu"]


def test_no_cell_starts_a_ray_of_its_own(tmp_path: Path) -> None:
    if "ray" not in [
        kind.model_fields["kind"].default for kind in kinds_of(Config.model_fields["backend"])
    ]:
        pytest.skip("there is no backend ray")
    with pytest.raises(ValueError, match=r"cell a-lr=0.1-s0: backend.kind = 'ray' would start a R"):
        plan_of(tmp_path, "backend.kind=ray")
    plan = plan_of(tmp_path, "backend.kind=ray", "backend.address=auto")
    assert len(plan.cells) == 3
