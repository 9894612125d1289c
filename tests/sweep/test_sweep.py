"""Sweeps: the plan of a file, estimates, and the verb from outside, killed and interrupted."""

from __future__ import annotations

import errno
import json
import math
import os
import shutil
import signal
import subprocess
import threading
from pathlib import Path
from typing import Any, ClassVar

import pytest
from program import begun, run, wait_until

from selfplay.config import parse_config
from selfplay.sweep import runner
from selfplay.sweep.forecast import Forecast, makespan
from selfplay.sweep.plan import Plan, read_plan
from selfplay.sweep.preview import Rates, estimate, preview
from selfplay.sweep.slots import Slot
from selfplay.sweep.task import Record, _put_in_place, tasks_of
from selfplay.system.files import remove_abandoned
from selfplay.training.folder import RunFolder
from selfplay.training.metrics_file import read_metrics

BASE = """
[base]
game = "tictactoe"
net = { kind = "mlp", width = 16, layers = 1 }
search = { simulations = 4 }
actor = { games = 32 }
strength = { simulations = 2 }
regime = { positions = 256 }
budget = { positions = 600 }
"""
BAD = """
[[arm]]
name = "bad"
set = { strength.positions = "missing.csv" }
[[arm]]
name = "good"
grid = { learner.reuse = [4.5] }
"""
LATE = """
[[arm]]
name = "late"
set = { strength.positions = "cell:bad" }
"""


def plan_of(
    folder: Path, text: str, overrides: tuple[str, ...] = (), out: str | None = None
) -> Plan:
    """The plan of a sweep file with this text."""
    file = folder / "some.toml"
    file.write_text(text, encoding="utf-8")
    return read_plan(file, overrides, out)


def refused(folder: Path, text: str, *overrides: str) -> str:
    """The sentence with which a sweep file is refused."""
    with pytest.raises((ValueError, FileNotFoundError), match=r".") as caught:
        plan_of(folder, text, overrides)
    return str(caught.value)


# --- the plan ------------------------------------------------------------------------------------


def test_what_is_the_sweeps_to_say_is_said_in_one_place(tmp_path: Path) -> None:
    for given in ("set = { seed = 7 }", 'grid = { name = ["a", "b"] }', "grid = { seed = [1] }"):
        said = refused(tmp_path, BASE + f'[[arm]]\nname = "a"\n{given}\n')
        assert "is told by" in said
    threads = '[[arm]]\nname = "a"\n[[arm]]\nname = "b"\nset = { "actor.threads" = 2 }\n'
    plan = plan_of(tmp_path, BASE + threads)
    assert [cell.config.actor.threads for cell in plan.cells] == [1, 2]
    data = "".join(f'[[data]]\nout = "{out}/x"\nmake = "solver tictactoe"\n' for out in "ab")
    assert "data set 'x' is there 2 times" in refused(tmp_path, BASE + data + threads)


def test_a_grid_is_spread_out_seed_by_seed(tmp_path: Path) -> None:
    plan = plan_of(
        tmp_path,
        "seeds = [0, 7]\ngrid = { budget.positions = [100, 1e3] }\n"
        'base = { game = "tictactoe", budget = { seconds = 9 }, net = { channels = 4 } }\n'
        '[[arm]]\nname = "a"\ngrid = { net = [{ blocks = 1 }, { channels = 8, blocks = 2 }] }\n'
        '[[arm]]\nname = "b"\nset = { "net.kind" = "mlp", "net.width" = 32 }\n',
        overrides=("search.simulations=3",),
    )
    grid = [f"a-positions={count}-net={net}" for count in (100, 1000) for net in ("1", "8x2")]
    points = [*grid, "b-positions=100", "b-positions=1000"]
    names = [f"{point}-s{seed}" for seed in (0, 7) for point in points]
    assert [cell.name for cell in plan.cells] == names
    first, second, *_, last = plan.cells
    for cell in plan.cells:
        assert (cell.config.game, cell.config.search.simulations) == ("tictactoe", 3)
        assert (cell.config.actor.threads, cell.config.budget.seconds) == (1, 9)
    assert (first.config.net.kind, second.config.net.kind) == ("resnet", "resnet")
    assert (first.config.net.model_dump()["channels"], first.config.seed) == (4, 0)
    assert second.config.net.model_dump()["channels"] == 8
    assert last.config.net.model_dump() == {
        "kind": "mlp", "width": 32, "layers": 2, "reply_head": False,
    }  # fmt: skip
    assert (last.config.seed, last.config.budget.positions) == (7, 1000)
    assert last.point == {"budget.positions": 1000.0}
    assert plan.folder == Path("runs/sweeps/some")


def test_an_arm_may_have_seeds_of_its_own(tmp_path: Path) -> None:
    """All arms with the first of their seeds, then with the second."""
    own = "[[arm]]\nname = 'a'\n[[arm]]\nname = 'b'\nseeds = [9, 0, 4]\n"
    plan = plan_of(tmp_path, f"seeds = [0, 1]\n{own}")
    assert [cell.name for cell in plan.cells] == ["a-s0", "b-s9", "a-s1", "b-s0", "b-s4"]
    assert [cell.config.seed for cell in plan.cells] == [0, 9, 1, 0, 4]
    assert "arm 2 seeds" in refused(tmp_path, own.replace("[9, 0, 4]", "[]"))


def test_a_cell_may_need_the_run_of_another(tmp_path: Path) -> None:
    """What a reference does not name is as in the cell that asks; those needed come first."""
    plan = plan_of(
        tmp_path,
        "seeds = [0, 1]\n"
        '[[arm]]\nname = "second"\nset = { strength.positions = "cell:first" }\n'
        "grid = { net.channels = [8, 16] }\n"
        '[[arm]]\nname = "third"\n'
        'set = { strength.positions = "cell:first net.channels=16 seed=1" }\n'
        '[[arm]]\nname = "first"\ngrid = { net.channels = [8, 16] }\n',
        out=str(tmp_path / "out"),
    )
    needs = {cell.name: cell.needs for cell in plan.cells}
    points = [f"channels={channels}-s{seed}" for seed in (0, 1) for channels in (8, 16)]
    assert needs == {
        **{f"first-{point}": () for point in points},
        **{f"second-{point}": (f"first-{point}",) for point in points},
        **{f"third-s{seed}": ("first-channels=16-s1",) for seed in (0, 1)},
    }
    order = list(needs)
    assert all(order.index(need) < order.index(name) for name in order for need in needs[name])
    third = next(cell for cell in plan.cells if cell.name == "third-s0")
    assert third.config.strength.positions == str(tmp_path / "out" / "first-channels=16-s1")


ARM = '[[arm]]\nname = "x"\n'
REFUSALS = {
    "": "is no sweep: it has no [[arm]]",
    "seed = [0]\n" + ARM: "unknown entry 'seed'; did you mean 'seeds'?",
    ARM + "sets = { seed = 0 }\n": "unknown entry 'arm 1 sets'; did you mean 'set'?",
    ARM + "grid = { net.channels = 8 }\n": "grid net.channels = 8: expected a list of values",
    ARM + "set = { net.chanels = 8 }\n": "arm 'x', cell x-s0: unknown option 'net.chanels'; did",
    ARM + "grid = { net.channels = [8, 0] }\n": "cell x-channels=0-s0: net.channels = 0: ",
    ARM + "grid = { learner.lr = [1] }\nset = { net = 3 }\n": "expected a section [net]",
    ARM + ARM: "arm 'x' is there 2 times",
    ARM + "grid = { net.channels = [8, 8] }\n": "cell 'x-channels=8-s0' is there 2 times",
    'base = "gone.toml"\n' + ARM: "base = 'gone.toml', but there is no",
    ARM + 'set = { strength.positions = "cell:y" }\n': "'cell:y' names no other arm's cell",
    ARM + 'set = { strength.positions = "cell:x" }\n': "'cell:x' names no other arm's cell",
    "seeds = [": "is not valid TOML",
}


@pytest.mark.parametrize("text", REFUSALS)
def test_a_faulty_file_is_refused_in_a_sentence(tmp_path: Path, text: str) -> None:
    said = refused(tmp_path, text)
    assert REFUSALS[text] in said
    assert "\n" not in said


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_recipe_beside_a_sweep_is_its_base_also_with_byte_order_marks(
    tmp_path: Path, encoding: str
) -> None:
    (tmp_path / "base.toml").write_bytes('game = "tictactoe"\r\n'.encode(encoding))
    file = tmp_path / "sweep.toml"
    file.write_bytes(f'base = "base.toml"\r\nseeds = [4]\r\n{ARM}'.encode(encoding))
    (cell,) = read_plan(file, (), str(tmp_path / "out")).cells
    assert (cell.name, cell.config.game, cell.config.seed) == ("x-s4", "tictactoe", 4)


def test_overrides_leave_the_grid_alone_and_references_mean_one_cell(tmp_path: Path) -> None:
    said = refused(tmp_path, ARM + "grid = { net.channels = [8, 16] }\n", "net.channels=4")
    assert "--set net.channels=4: the cells of arm 'x' differ in 'net.channels'" in said
    made = '[[arm]]\nname = "made"\ngrid = { learner.reuse = [1, 2] }\n'
    text = f'{made}{ARM}set = {{ strength.positions = "cell:made" }}\n'
    plan = plan_of(tmp_path, text.replace("cell:made", "cell:made learner.reuse=2"))
    assert plan.cells[-1].needs == ("made-reuse=2-s0",)
    assert "means made-reuse=1-s0, made-reuse=2-s0;" in refused(tmp_path, text)
    said = refused(tmp_path, text.replace("cell:made", "cell:made net.width=2"))
    assert "names 'net.width'; the cells of made differ in seed, learner.reuse" in said


# --- tasks ---------------------------------------------------------------------------------------


def test_a_folder_with_another_configuration_is_refused(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, BASE + ARM, out=str(tmp_path / "out"))
    folder = RunFolder(plan.folder / "x-s0")
    folder.write_json("config.json", plan.cells[0].config.dump())
    assert [task.name for task in tasks_of(plan)] == ["x-s0"]
    changed = plan_of(tmp_path, BASE + ARM + "set = { learner.lr = 0.01 }\n", out=plan.folder.name)
    moved = changed._replace(folder=plan.folder)
    with pytest.raises(ValueError, match=r"holds a run with learner.lr = 0.002; .* says 0.01: "):
        tasks_of(moved)


def test_half_a_data_set_is_refused_and_one_made_aside_takes_its_place(tmp_path: Path) -> None:
    out = tmp_path / "c4"
    plan = plan_of(tmp_path, f'[[data]]\nout = "{out}"\nmake = "solver tictactoe"\n' + ARM)
    (task, _) = tasks_of(plan)
    assert (task.name, task.done()) == (f"data {out}", False)
    out.mkdir()
    (out / "shard").touch()
    with pytest.raises(ValueError, match=r"c4 is no complete data set .*: remove it"):
        tasks_of(plan)
    shutil.rmtree(out)
    ended = subprocess.Popen(["true"])
    ended.wait()
    for owner in (os.getpid(), ended.pid, os.getppid()):
        (tmp_path / f".c4.{owner}").mkdir()
    remove_abandoned(out)
    assert {path.name for path in tmp_path.glob(".c4.*")} == {f".c4.{os.getppid()}"}
    aside = tmp_path / f".c4.{os.getpid()}"
    aside.mkdir()
    (aside / "manifest.json").write_text("{}")
    _put_in_place(out)
    assert task.done()
    assert not aside.exists()


def test_a_data_set_that_was_made_otherwise_is_refused(tmp_path: Path) -> None:
    """What lies in its folder is not what the file says now."""
    out = tmp_path / "c4"
    text = f'[[data]]\nout = "{out}"\nmake = "solver tictactoe --games 5"\n' + ARM
    plan = plan_of(tmp_path, text, out=str(tmp_path / "sweep"))
    out.mkdir()
    (out / "manifest.json").write_text("{}")
    told = {"out": str(out), "make": plan.data[0].make, "state": "done"}
    RunFolder(plan.folder).write_json("sweep.json", {"data": [told]})
    assert tasks_of(plan)[0].done()
    changed = plan_of(tmp_path, text.replace("games 5", "games 50"), out=str(plan.folder))
    sentence = "was made by 'selfplay data solver tictactoe --games 5'; the sweep's file now says"
    with pytest.raises(ValueError, match=sentence):
        tasks_of(changed)
    shutil.rmtree(out)
    assert not tasks_of(changed)[0].done()


# --- estimates -----------------------------------------------------------------------------------


def test_makespan() -> None:
    assert makespan([3, 1, 1, 1], 2) == 3
    assert makespan([4, 4, 4], 2) == 8
    assert makespan([5], 2, busy=[1, 2]) == 6
    assert makespan([], 3) == 0


def test_a_position_costs_its_play_and_its_samples() -> None:
    rates = Rates(
        flops=100.0, alone_per_s=2000, simulations_per_s=800, evaluations=0.5, learned_per_s=400
    )
    config = parse_config(
        {"search": {"simulations": 8}, "learner": {"reuse": 2}, "budget": {"positions": 1000}}
    )
    told = estimate(config, rates)
    assert told.seconds == pytest.approx(15)  # 10 for 8,000 simulations, 5 for 2,000 samples
    assert told.flops == pytest.approx(1_000_000)  # 400,000 for 4,000 evaluations, 300 a sample
    short = config.model_copy(update={"budget": config.budget.model_copy(update={"seconds": 3.0})})
    assert estimate(short, rates).seconds == pytest.approx(3)
    assert estimate(short, rates).flops == pytest.approx(200_000)


def finished(plan: Plan, name: str, seconds: float, flops: float, positions: int) -> None:
    """Makes a cell's folder look as if its run had used so much."""
    folder = RunFolder(plan.folder / name)
    cell = next(cell for cell in plan.cells if cell.name == name)
    folder.write_json("config.json", cell.config.dump())
    folder.write_json("provenance.json", {"finished": True})
    line = {"step": positions, "phase": "learn", "cost/wall_s": seconds}
    line |= {"cost/flops_learn": flops / 4, "cost/flops_generate": flops * 3 / 4}
    (folder.path / "metrics.jsonl").write_text(json.dumps(line) + "\n" + '{"step": 9, "cos')


def test_finished_cells_tell_more_than_a_measurement(tmp_path: Path) -> None:
    text = "seeds = [0, 1]\n" + BASE + ARM + "grid = { budget.positions = [600, 1800] }\n"
    plan = plan_of(tmp_path, text + '[[arm]]\nname = "y"\n', out=str(tmp_path / "out"))
    finished(plan, "x-positions=600-s0", 20.0, 4e6, 600)
    rates = Rates(1.0, 1.0, 4.0, 1.0, 2.0)  # 2 s and 4 + 2 x 3 FLOPs a position
    found = preview(plan, [Slot()] * 2, lambda _: rates)
    told = {task.name: tuple(estimate) for task, _, estimate in found.rows}
    assert told.pop("x-positions=600-s0") == (20.0, 4e6, "done")
    assert told.pop("x-positions=600-s1") == (20.0, 4e6, "other seeds of this sweep")
    for seed in (0, 1):
        scaled = (60.0, 12e6, "finished cells of its arm and net")
        assert told.pop(f"x-positions=1800-s{seed}") == scaled
        assert told.pop(f"y-s{seed}") == (1200.0, 6000.0, "a quick measurement of its net")
    assert not told
    assert found.flops == 2 * (4e6 + 12e6 + 6000)
    # in the order they are run: 60 | 1200, 20, 60 behind the 60, 1200 behind those
    assert found.left_s == 60 + 20 + 60 + 1200


def test_time_left_from_how_far_the_running_cells_are(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, "seeds = [0, 1, 2, 3]\n" + BASE + ARM, out=str(tmp_path / "out"))
    tasks = tasks_of(plan)
    records = {task.name: Record() for task in tasks}
    forecast = Forecast(tasks, records)
    assert math.isnan(forecast.left_s(2))
    finished(plan, "x-s0", 11.0, 1e6, 600)
    records["x-s0"] = Record("done", seconds=12.0)  # of its process, the start included
    assert forecast.left_s(1) == 36
    finished(plan, "x-s1", 9.0, 1e6, 150)
    (plan.folder / "x-s1" / "provenance.json").unlink()
    records["x-s1"] = Record("running", seconds=10.0)  # a quarter of its budget
    assert forecast.share(tasks[1]) == 0.25
    assert forecast.left_s(1) == 30 + 12 + 12
    assert forecast.left_s(2) == 30


# --- ends ----------------------------------------------------------------------------------------


class Pretended:
    """In the place of a task's process: it runs until it is asked to end."""

    made: ClassVar[list[Pretended]] = []

    def __init__(self, task: Any, record: Record, slot: Slot) -> None:
        self.task, self.record, self.slot, self.told = task, record, slot, []
        self.process, record.state = self, "running"
        self.made.append(self)

    def stop(self) -> None:
        self.told.append("stop")

    def kill(self) -> None:
        self.told.append("kill")

    def wait(self) -> None:
        self.told.append("wait")

    def poll(self, stopping: bool) -> bool:
        if self.told:
            self.record.state = "waiting"
        return bool(self.told)


@pytest.fixture
def pretended(monkeypatch: pytest.MonkeyPatch) -> type[Pretended]:
    monkeypatch.setattr(Pretended, "made", [])
    monkeypatch.setattr(runner, "Process", Pretended)
    monkeypatch.setattr(runner, "_LOOK_S", 0.001)
    return Pretended


def test_where_the_sweep_itself_fails_its_runs_save_and_leave(
    pretended: type[Pretended], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """None is killed and none is left behind."""
    plan = plan_of(tmp_path, "seeds = [0, 1]\n" + BASE + ARM, out=str(tmp_path / "out"))

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(ValueError, match=r"sweep\.json could not be saved \(no space left"):
        runner.run_sweep(plan, [Slot()] * 2)
    assert [each.told for each in pretended.made] == [["stop", "wait"], ["stop", "wait"]]


@pytest.mark.parametrize(
    ("signals", "end"),
    [
        *(([name], ["stop"]) for name in ("SIGINT", "SIGTERM", "SIGHUP")),
        (["SIGTERM", "SIGTERM"], ["stop"]),
        (["SIGINT", "SIGINT"], ["kill", "stop", "wait"]),
    ],
)
def test_how_a_sweep_is_asked_to_end(
    signals: list[str], end: list[str], pretended: type[Pretended], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    plan = plan_of(tmp_path, BASE + ARM, out=str(tmp_path / "out"))
    show = runner.Screen.show

    def shown(screen: Any) -> None:
        show(screen)
        while signals:
            os.kill(os.getpid(), getattr(signal, signals.pop(0)))

    monkeypatch.setattr(runner.Screen, "show", shown)
    if "kill" in end:
        with pytest.raises(KeyboardInterrupt):
            runner.run_sweep(plan, [Slot()])
    else:
        assert runner.run_sweep(plan, [Slot()]).left == 1
    assert pretended.made[0].told == end
    told = json.loads((plan.folder / "sweep.json").read_text())
    assert [each["state"] for each in told["cells"]] == ["waiting"]


def test_a_cell_begins_when_those_it_needs_are_done(
    pretended: type[Pretended], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ended(self: Pretended, stopping: bool) -> bool:
        self.record.state = "done"
        order.append((self.task.name, len(self.made)))
        return True

    order: list[tuple[str, int]] = []
    monkeypatch.setattr(Pretended, "poll", ended)
    outcome = runner.run_sweep(
        plan_of(tmp_path, BASE + BAD + LATE, out=str(tmp_path / "out")), [Slot()] * 3
    )
    assert order == [("bad-s0", 2), ("good-reuse=4.5-s0", 2), ("late-s0", 3)]
    assert (outcome.failed, outcome.left) == ((), 0)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS])
def test_a_log_that_cannot_be_made_is_one_sentence(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = plan_of(tmp_path, BASE + ARM, out=str(tmp_path / "out"))
    real = open

    def opened(path: Any, *arguments: Any, **options: Any) -> Any:
        if str(path).endswith("stderr.txt"):
            raise OSError(number, os.strerror(number))
        return real(path, *arguments, **options)

    monkeypatch.setattr("builtins.open", opened)
    with pytest.raises(ValueError, match=r"stderr\.txt could not be saved \("):
        runner.run_sweep(plan, [Slot()])


# --- from outside --------------------------------------------------------------------------------


def sweep(place: Path, *words: str) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of ``selfplay sweep WORDS``."""
    done = run(place, "sweep", *words)
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout, done.stderr


def states(place: Path, name: str) -> dict[str, str]:
    told = json.loads((place / "runs/sweeps" / name / "sweep.json").read_text())
    return {each["name"]: each["state"] for each in told["cells"]}


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int, str, str]:
    """A folder where a sweep with a cell that fails was run, and what it answered."""
    place = tmp_path_factory.mktemp("place")
    (place / "small.toml").write_text(BASE + BAD + LATE)
    return place, *sweep(place, "small.toml", "--jobs", "2")


def test_a_failing_cell_does_not_stop_the_others(small: tuple[Path, int, str, str]) -> None:
    place, code, out, err = small
    assert code == 1
    folder = place / "runs/sweeps/small"
    told = json.loads((folder / "sweep.json").read_text())
    bad, good, late = told["cells"]
    assert [each["state"] for each in told["cells"]] == ["failed", "done", "failed"]
    assert [each["name"] for each in told["cells"]] == ["bad-s0", "good-reuse=4.5-s0", "late-s0"]
    assert (good["arm"], good["seed"], good["options"]) == ("good", 0, {"learner.reuse": 4.5})
    assert good["error"] is None
    assert good["seconds"] > 1
    assert "missing.csv" in bad["error"]
    assert bad["error"] in (folder / "bad-s0" / "error.txt").read_text()
    assert late["error"] == "it needs bad-s0, which failed"
    assert out.splitlines()[0] == "1 of 3 are done in runs/sweeps/small."
    assert f"bad-s0 failed: {bad['error']} (see runs/sweeps/small/bad-s0/error.txt)" in out
    assert out.splitlines()[-1].startswith("Next: selfplay sweep small.toml")
    assert "/3] bad-s0 failed: " in err
    trained = RunFolder(folder / "good-reuse=4.5-s0")
    assert trained.config().learner.reuse == 4.5
    assert read_metrics(trained.path)[-1]["step"] >= 600
    assert trained.read_json("provenance.json")["machine"]["cores"] == 1


def test_cells_that_are_done_are_skipped(small: tuple[Path, int, str, str]) -> None:
    place, *_ = small
    folder = place / "runs/sweeps/small"
    files = [path for path in folder.glob("good*/**/*") if path.name != ".lock"]
    before = {path: path.stat().st_mtime_ns for path in files}
    assert len(before) > 10
    (place / "missing.csv").write_text(
        "set,moves,s1,s2,s3,s4,s5,s6,s7,s8,s9\nstart,,0,0,0,0,0,0,0,0,0\n"
    )
    (place / "small.toml").write_text(BASE + BAD)
    code, out, _ = sweep(place, "small.toml", "--json")
    assert code == 0
    after = {each["name"]: each["state"] for each in json.loads(out)["cells"]}
    assert after == {"bad-s0": "done", "good-reuse=4.5-s0": "done"}
    assert {path: path.stat().st_mtime_ns for path in files} == before
    assert not (folder / "bad-s0" / "error.txt").exists()


def test_a_dry_run_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("selfplay.sweep.preview._SECONDS", 0.1)
    (tmp_path / "small.toml").write_text(BASE + ARM + "grid = { learner.reuse = [1, 4.5] }\n")
    code, out, _ = sweep(tmp_path, "small.toml", "--dry-run", "--json")
    assert code == 0
    cells = json.loads(out)["cells"]
    assert [each["name"] for each in cells] == ["x-reuse=1-s0", "x-reuse=4.5-s0"]
    for each, reuse in zip(cells, (1, 4.5), strict=True):
        assert (each["state"], each["source"]) == ("waiting", "a quick measurement of its net")
        assert 0 < each["seconds"] < 60
        # 600 positions: for each so many samples of 3 x 2 x (18 x 16 + 16 x 12) FLOPs
        assert each["flops"] > 600 * reuse * 3 * 2 * (18 * 16 + 16 * 12)
    assert not (tmp_path / "runs").exists()


def test_a_changed_file_is_refused(small: tuple[Path, int, str, str]) -> None:
    place, *_ = small
    changed = (BASE + BAD).replace("simulations = 4", "simulations = 6")
    (place / "changed.toml").write_text(changed)
    code, out, err = sweep(place, "changed.toml", "--out", "runs/sweeps/small")
    assert (code, out) == (1, "")
    assert err.count("\n") == 1
    assert "holds a run with search.simulations = 4; the sweep's file now says 6" in err


LONG = BASE.replace("600", "60_000_000").replace("256", "64") + "checkpoint_s = 0.5\n" + ARM


def test_a_killed_sweep_goes_on_where_it_stopped(tmp_path: Path) -> None:
    (tmp_path / "long.toml").write_text("seeds = [0, 1]\n" + LONG)
    cells = [RunFolder(tmp_path / "runs/sweeps/long" / f"x-s{seed}") for seed in (0, 1)]
    process = begun(tmp_path, "sweep", "long.toml", "--jobs", "1")
    wait_until(lambda: len(cells[0].checkpoints()) > 1)
    code, _, err = sweep(tmp_path, "long.toml")
    assert (code, err.count("\n")) == (1, 1)
    assert "runs/sweeps/long is being run by another 'selfplay sweep'" in err
    process.kill()
    process.communicate()
    wait_until(lambda: not busy(cells[0]))  # the run noticed, saved and left
    made = latest_step(cells[0])
    assert states(tmp_path, "long") == {"x-s0": "running", "x-s1": "waiting"}

    def stop() -> None:
        wait_until(lambda: latest_step(cells[0]) > made)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=stop, daemon=True).start()
    code, out, err = sweep(tmp_path, "long.toml", "--jobs", "1")
    assert code == 130
    assert "stopping: 1 runs finish their iteration and save" in err
    assert "x-s0 stopped" in err
    assert out.splitlines()[-1].startswith("Next: selfplay sweep long.toml --jobs=1   (goes on")
    assert states(tmp_path, "long") == {"x-s0": "waiting", "x-s1": "waiting"}
    assert not any(map(busy, cells))
    assert len(cells[0].read_json("provenance.json")["resumed"]) == 1


def latest_step(run: RunFolder) -> int:
    return max((int(line["step"]) for line in read_metrics(run.path)), default=0)


def busy(run: RunFolder) -> bool:
    """Whether a process trains in the run's folder."""
    try:
        with run.locked():
            return False
    except ValueError:
        return True
