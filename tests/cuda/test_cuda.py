"""On a GPU: answers, steps, actors and whole runs are those of the CPU, or the same again."""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from reference import random_positions
from tiny_runs import TINY, assert_same_run

from envs.proving.game import Proving
from envs.tictactoe import TicTacToe
from selfplay import arrays
from selfplay.actors import Setup
from selfplay.actors.actor import ActorSection
from selfplay.actors.processes import ProcessActors
from selfplay.cached import CancelledError
from selfplay.config import parse_config
from selfplay.learning.learner import Learner
from selfplay.learning.samples import targets
from selfplay.learning.section import LearnerSection
from selfplay.learning.steps import repeatable
from selfplay.nets import Net, ResNet, device
from selfplay.nets.device import DeviceNet
from selfplay.nets.evaluator import NetEvaluator
from selfplay.nets.inference import EvaluatorSection
from selfplay.proving.workers import Effort, TrialSetup, TrialWorkers
from selfplay.search import Gumbel, Puct
from selfplay.shared_rows import GROUPS, Room, SharedRows
from selfplay.system.workers import CONTEXT
from selfplay.training.folder import RunFolder
from selfplay.training.metrics_file import read_metrics
from selfplay.training.run import Training
from selfplay.types import Targets

pytestmark = pytest.mark.cuda

GPU, GAME = "cuda:0", TicTacToe()
TOLERANCE = {torch.float32: 0.005, torch.bfloat16: 0.03}  # of the norm of all answers


@pytest.fixture(autouse=True, scope="module")
def _repeatable() -> None:
    repeatable()  # as whoever learns on a GPU; it counts before the libraries are first used


def a_net(seed: int = 0) -> Net:
    torch.manual_seed(seed)
    return ResNet(channels=16, blocks=2).build(GAME)


def some_fields(count: int, seed: int = 0) -> list[Any]:
    state = random_positions(GAME, np.random.default_rng(seed), count, 5)
    return list(arrays.leaves(GAME.observe(state)))


def on_gpu(net: Net, dtype: torch.dtype = torch.float32) -> DeviceNet:
    return DeviceNet(net, some_fields(1), GAME.num_actions, GPU, dtype)


def room_of(*parts: list[Any]) -> tuple[Room, Any]:
    """A room whose places hold these rows, and how many each."""
    counts = np.array([len(part[0]) for part in parts])
    forms = [(field.shape[1:], field.dtype) for field in parts[0]]
    slots, rows = GROUPS * len(parts), int(counts.max())
    memory = SharedRows(CONTEXT, forms, GAME.num_actions, slots, rows)
    room = memory.views().rooms[0]
    for place, part in enumerate(parts):
        for field, there in zip(part, room.fields, strict=True):
            there[place, : len(field)] = field
    return room, counts


def answered(room: Room, counts: Any) -> Any:
    """The answers that stand in a room, [M, A + 2]."""
    rows = room.fields[0].shape[1]
    places = [room.answers[i * rows :][:count] for i, count in enumerate(counts)]
    return np.concatenate(places)


def answers_of(net: DeviceNet, *parts: list[Any]) -> Any:
    room, counts = room_of(*parts)
    assert net.channel(room).ask(counts).finite()
    return answered(room, counts)


def some_samples(count: int = 500) -> Targets:
    rng = np.random.default_rng(0)
    state = random_positions(GAME, rng, count, 5)
    legal = GAME.legal(state)
    policy = rng.random(legal.shape) * legal
    policy = (policy / policy.sum(1, keepdims=True)).astype(np.float32)
    value = rng.dirichlet([1, 1, 1], count).astype(np.float32)
    return targets(GAME.observe(state), legal, policy, value)


def a_learner(optimizer: Any = "adamw") -> Learner:
    section = LearnerSection(batch=64, average=0.9, optimizer=optimizer)
    return Learner(a_net(), section, GAME, GPU, autocast=True, seed=0)


def weights_of(learner: Learner) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in learner.acting.state_dict().items()}


def assert_bits(mine: dict[str, torch.Tensor], theirs: dict[str, torch.Tensor]) -> None:
    for name, tensor in mine.items():
        assert torch.equal(tensor, theirs[name]), name


@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
def test_answers_are_those_of_the_cpu_and_the_same_again(dtype: torch.dtype) -> None:
    net, fields = a_net(), some_fields(100)
    own = DeviceNet(net, some_fields(1), GAME.num_actions, "cpu", torch.float32)
    truth = answers_of(own, fields)
    gpu = on_gpu(net, dtype)
    first = answers_of(gpu, fields)
    assert np.linalg.norm(first - truth) < TOLERANCE[dtype] * np.linalg.norm(truth)
    room, counts = room_of(fields)
    channel = gpu.channel(room)
    for _ in range(3):  # by graphs that were captured before
        room.answers[:] = 0
        assert channel.ask(counts).finite()
        np.testing.assert_array_equal(answered(room, counts), first)
    halves = [[field[:60] for field in fields], [field[60:] for field in fields]]
    np.testing.assert_array_equal(answers_of(gpu, *halves), first)
    turned = answers_of(gpu, [field[::-1] for field in fields])
    np.testing.assert_array_equal(turned[::-1], first)  # an answer does not depend on its row
    gpu.load(a_net(1))  # into graphs that are there
    other = DeviceNet(a_net(1), some_fields(1), GAME.num_actions, "cpu", torch.float32)
    truth = answers_of(other, fields)
    assert np.linalg.norm(answers_of(gpu, fields) - truth) < 0.03 * np.linalg.norm(truth)


@pytest.mark.parametrize("whole", [True, False], ids=["rooms copied whole", "what is asked"])
def test_two_batches_are_under_way_and_told_in_order(
    whole: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not whole:
        monkeypatch.setattr(device, "_SLIM", 0)
    gpu, both = on_gpu(a_net()), [some_fields(700, seed) for seed in (1, 2)]
    alone = [answers_of(gpu, fields) for fields in both]
    rooms = [room_of([f[:300] for f in fields], [f[300:] for f in fields]) for fields in both]
    channels = [gpu.channel(room) for room, _ in rooms]
    for _ in range(3):
        for room, _ in rooms:
            room.answers[:] = 0
        pairs = zip(channels, rooms, strict=True)
        batches = [channel.ask(counts) for channel, (_, counts) in pairs]
        for batch, (room, counts), expected in zip(batches, rooms, alone, strict=True):
            assert batch.finite()
            np.testing.assert_array_equal(answered(room, counts), expected)
            assert 0 < batch.device_s() < 1


def test_the_memory_of_a_room_is_copied_without_a_stop_and_given_back() -> None:
    for _ in range(3):  # at the same place, perhaps: it can be registered once at a time
        room, _ = room_of(some_fields(100))
        channel = on_gpu(a_net()).channel(room)
        assert channel._registered
        del channel
        gc.collect()


def test_an_evaluator_counts_the_seconds_of_the_gpu() -> None:
    evaluator = NetEvaluator(a_net(), GAME.num_actions, GPU, torch.float32, 0)
    state = random_positions(GAME, np.random.default_rng(0), 200, 5)
    evaluator(GAME, state)
    evaluator.take_usage()
    start = time.perf_counter()
    for _ in range(10):
        evaluator(GAME, state)
    assert 0 < evaluator.take_usage().device_s <= time.perf_counter() - start


@pytest.mark.parametrize("optimizer", ["adamw", "muon", "sgd"])
def test_steps_out_of_a_graph_are_those_without_and_the_same_again(optimizer: str) -> None:
    samples, kept = some_samples(), []
    for captured in (True, True, False):
        learner = a_learner(optimizer)
        if not captured:
            learner._captured = None
        for progress in (0.0, 0.5):
            learner.fit(samples, 12, progress)
        assert learner.clock.take_s() > 0
        if captured:
            assert learner._captured is not None
            assert learner._captured._graphs  # none was refused
        kept.append(weights_of(learner))
    assert_bits(kept[0], kept[1])
    for name, tensor in kept[2].items():
        torch.testing.assert_close(kept[0][name], tensor, rtol=1e-3, atol=1e-4, msg=name)


def test_who_learns_and_who_answers_do_not_disturb_each_other() -> None:
    """Graphs are captured on both sides while the other one launches."""
    samples, net = some_samples(), a_net()
    alone = a_learner()
    alone.fit(samples, 40, 0.0)
    sizes = [some_fields(count, count) for count in (20, 40, 60, 90, 120, 180, 250, 380)]
    expected = [answers_of(on_gpu(net), fields) for fields in sizes]
    found: list[Any] = []
    begun, learned = threading.Event(), threading.Event()

    def answer() -> None:
        while not learned.is_set() or len(found) < 3:
            gpu = on_gpu(net)  # has no graphs yet
            begun.set()
            found.append([answers_of(gpu, fields) for fields in sizes])

    thread = threading.Thread(target=answer)
    thread.start()
    try:
        begun.wait(60)
        for _ in range(3):
            learner = a_learner()
            learner.fit(samples, 40, 0.0)
            assert_bits(weights_of(learner), weights_of(alone))
    finally:
        learned.set()
        thread.join()
    assert len(found) >= 3
    for answers in found:
        for one, other in zip(answers, expected, strict=True):
            np.testing.assert_array_equal(one, other)


def some_actors(count: int = 3) -> ProcessActors:
    net = a_net()
    inference = EvaluatorSection(device=GPU, precision="bfloat16").inference(net, GAME)
    section = ActorSection(games=12, threads=count)
    return ProcessActors(
        Setup(GAME, Gumbel(simulations=4), section, inference), net, 7, served=True
    )


def test_a_server_on_the_gpu_goes_on_when_an_actor_is_killed_and_ends_when_told() -> None:
    actors = some_actors()
    try:
        harvest, usage = actors.collect(a_net(), 60)
        assert arrays.length(harvest.samples) >= 60
        served = actors.server_usage()
        assert served is not None
        assert usage.device_s == pytest.approx(served.device_s)
        assert served.device_s > 0
        (victim,) = (process.pid for process in _processes(actors)[1:2])
        threading.Timer(0.05, os.kill, (victim, signal.SIGKILL)).start()
        harvest, _ = actors.collect(a_net(), 3000)
        assert harvest.tally.lost == 1
        assert arrays.length(harvest.samples) >= 3000

        threading.Timer(0.3, actors.cancel).start()  # batches are under way
        start = time.monotonic()
        with pytest.raises(CancelledError):
            actors.collect(a_net(), 10**9)
        assert time.monotonic() - start < 20
    finally:
        actors.close()
    assert not any(process.is_alive() for process in _processes(actors))
    assert answers_of(on_gpu(a_net()), some_fields(50)).shape == (50, 11)  # the device is well


def _processes(actors: ProcessActors) -> list[Any]:
    return sorted(multiprocessing.active_children(), key=lambda process: process.pid or 0)


@pytest.mark.parametrize("overlap", [False, True], ids=["in turn", "side by side"])
def test_a_run_repeats_and_tells_its_gpu(overlap: bool, tmp_path: Path) -> None:
    """With overlap the server and the learner have the GPU at the same time."""
    config = parse_config(
        {
            **TINY,
            "net": {"kind": "resnet", "channels": 16, "blocks": 1},
            "backend": {"kind": "processes"},
            "evaluator": {"device": GPU, "precision": "bfloat16"},
            "actor": {"games": 12, "threads": 3},
            "regime": {"positions": 200, "overlap": overlap},
            "budget": {"positions": 500},
            "checkpoint_s": 1e6,
        }
    )
    for name in ("a", "b"):
        assert Training(RunFolder(tmp_path / name), config).run().finished
    assert_same_run(tmp_path / "a", tmp_path / "b")
    machine = RunFolder(tmp_path / "a").read_json("provenance.json")["machine"]
    assert machine["device"]["card"] == torch.cuda.get_device_properties(0).name
    last = read_metrics(tmp_path / "a")[-1]
    assert 0 < last["cost/device_s"] < 2 * last["cost/wall_s"]


@pytest.mark.parametrize("kind", ["graph", "walks"])
def test_one_net_answers_for_all_who_try_problems(kind: str) -> None:
    """No other process touches the GPU."""
    net_options = {"kind": kind, "features": 8, "width": 8}
    config = parse_config({"game": "proving", "net": net_options})
    game = config.rules()
    assert isinstance(game, Proving)
    net = config.net.build(game)
    inference = EvaluatorSection(device=GPU, precision="float32").inference(net, game)
    effort = Effort(60, 500, lanes=4, failures=3, hindsight=2, smoothing=0.1)
    search = Puct(simulations=15, look_ahead=False)
    workers = TrialWorkers(TrialSetup(game, search, effort, inference), 2)
    problems, rng = np.arange(12), np.random.default_rng(0)
    try:
        for _ in range(2):
            parts = workers.work(net, problems, "guided", rng)
            tried = [trial.problem for part in parts for trial in part.trials]
            assert sorted(tried) == problems.tolist()
            assert sum(part.usage.device_s for part in parts) > 0
        for process in multiprocessing.active_children():
            opened = [os.readlink(each) for each in Path(f"/proc/{process.pid}/fd").iterdir()]
            assert not any(name.startswith("/dev/nvidia") for name in opened)
    finally:
        workers.close()
