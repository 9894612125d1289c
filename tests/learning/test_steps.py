"""The steps that a GPU takes, taken here: same weights, same checkpoints, a graph a shape."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from examples import example
from test_learner import random_samples
from torch.utils._python_dispatch import TorchDispatchMode

from envs.connect4 import Connect4
from envs.tictactoe import TicTacToe
from selfplay import arrays
from selfplay.learning import checkpoint
from selfplay.learning.batches import tensors
from selfplay.learning.learner import Learner
from selfplay.learning.section import LearnerSection
from selfplay.learning.steps import Captured, Descent
from selfplay.nets import Mlp, Net, ResNet
from selfplay.types import Game, Tried

SMALL = "connect4?width=5&height=4&run=3"
RESNET, MLP = ResNet(channels=8, blocks=2, reply_head=True), Mlp(width=32, reply_head=True)


class Replayed(Captured):
    """Graphs that are replayed by taking the step again, on the tensors they were captured on."""

    def __init__(self, step: Callable[[Any], None], fails: bool = False) -> None:
        self.step, self.fails, self.said = step, fails, ""
        super().__init__(self.counted, "cpu")

    def counted(self, batch: Any) -> None:
        self.said += "s"
        self.step(batch)

    def _take(self, batch: Any) -> None:
        self.said += "e"
        self._step(batch)

    def _capture(self, batch: Any) -> Callable[[], None]:
        self.said += "c"
        if self.fails:
            raise RuntimeError("operation not permitted when stream is capturing\nand more")
        return lambda: self._step(batch)


def on_cpu(game: Game, net: Mlp | ResNet, **options: Any) -> Learner:
    """In float64, where nothing but a mistake makes a difference that Adam could magnify."""
    torch.manual_seed(0)
    section = LearnerSection(**{"batch": 16, "warmup_steps": 20, **options})
    return Learner(net.build(game).double(), section, game, "cpu", autocast=False, seed=0)


def as_on_gpu(learner: Learner) -> Learner:
    """The learner with all that it does on a GPU, but for the graph, which is played here."""
    learner._descent = Descent(learner.net, learner.averaged, learner.section, False, fused=True)
    learner._ahead, learner._captured = True, Replayed(learner._descent)
    return learner


def assert_close(one: Net, other: Net) -> None:
    for (name, a), b in zip(one.state_dict().items(), other.state_dict().values(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-6, msg=name)


@pytest.mark.parametrize(
    ("spec", "net", "options"),
    [
        ("tictactoe", MLP, {}),
        ("tictactoe", MLP, {"symmetries": False, "average": 0.9, "batch": 500}),
        (SMALL, RESNET, {"average": 0.9}),
        (SMALL, RESNET, {"optimizer": "sgd", "lr": 0.02, "max_grad_norm": 0.5}),
        (SMALL, RESNET, {"optimizer": "muon", "average": 0.9, "weight_decay": 0.1}),
        ("othello?size=6", RESNET, {"average": 0.9, "weight_decay": 0.1}),
    ],
    ids=["mlp", "window smaller than a batch", "resnet", "sgd", "muon", "othello"],
)
def test_learns_on_a_gpu_what_it_learns_on_a_cpu(spec: str, net: Any, options: Any) -> None:
    game = example(spec)
    cpu, gpu = on_cpu(game, net, **options), as_on_gpu(on_cpu(game, net, **options))
    samples = random_samples(game, 60)
    for progress in (0.0, 0.4, 0.8):
        a, b = cpu.fit(samples, 7, progress), gpu.fit(samples, 7, progress)
        assert a == pytest.approx(b, rel=1e-5, abs=1e-6)
    assert "c" in gpu._captured.said  # type: ignore[union-attr]
    assert cpu.state_dict()["rng"] == gpu.state_dict()["rng"]
    assert_close(cpu.net, gpu.net)
    assert_close(cpu.acting, gpu.acting)


def test_tried_moves_are_learned_from_alike() -> None:
    game, rng = Connect4(5, 4, 3), np.random.default_rng(0)
    of = random_samples(game, 60)
    chance, advantage = rng.uniform(0.1, 1, (2, 60)).astype(np.float32)
    samples = Tried(of.obs, of.actions, of.actions[:, 0].astype(int), chance, advantage, of.value)
    cpu, gpu = on_cpu(game, RESNET), as_on_gpu(on_cpu(game, RESNET))
    assert cpu.fit(samples, 7, 0.0) == pytest.approx(gpu.fit(samples, 7, 0.0), rel=1e-5, abs=1e-6)
    assert_close(cpu.net, gpu.net)


def test_symmetries_that_are_no_gathers_are_applied_before() -> None:
    class Refusing(TicTacToe):
        def transform(self, obs: Any, k: int) -> Any:
            assert obs.planes.dtype != np.int64
            return super().transform(obs, k)

    cpu, gpu = (on_cpu(Refusing(), MLP) for _ in range(2))
    samples = random_samples(TicTacToe(), 60)
    a, b = cpu.fit(samples, 7, 0.0), as_on_gpu(gpu).fit(samples, 7, 0.0)
    assert a == pytest.approx(b, rel=1e-5, abs=1e-6)


@pytest.mark.parametrize("optimizer", ["adamw", "sgd", "muon"])
def test_a_checkpoint_of_either_goes_on_on_the_other(optimizer: str, tmp_path: Any) -> None:
    options = {"optimizer": optimizer, "average": 0.9}
    game, samples = TicTacToe(), random_samples(TicTacToe(), 60)
    straight = on_cpu(game, RESNET, **options)
    for _ in range(2):
        straight.fit(samples, 8, 0.0)
    as_before = straight.state_dict()
    for order in ([as_on_gpu, Learner], [Learner, as_on_gpu], [as_on_gpu, as_on_gpu]):
        saved: Any = None
        for place in order:
            learner = on_cpu(game, RESNET, **options)
            learner = as_on_gpu(learner) if place is as_on_gpu else learner
            if saved is not None:
                learner.fit(samples, 6, 0.0)  # whatever it learned before is forgotten
                learner.load_state_dict(saved)
            learner.fit(samples, 8, 0.0)
            checkpoint.save(tmp_path / "1.pt", {"net": {}, "learner": learner.state_dict()})
            saved = checkpoint.load(tmp_path / "1.pt")["learner"]
        assert_close(learner.net, straight.net)
        assert_close(learner.acting, straight.acting)
        assert saved["rng"] == as_before["rng"]
        for group, expected in zip(
            saved["optimizer"]["param_groups"], as_before["optimizer"]["param_groups"], strict=True
        ):
            assert group == {**expected, "lr": pytest.approx(expected["lr"])}
        for of, expected in as_before["optimizer"]["state"].items():
            for name, tensor in expected.items():
                found = saved["optimizer"]["state"][of][name]
                assert (found.dtype, found.shape) == (tensor.dtype, tensor.shape)


class Asked(TorchDispatchMode):
    """Notes what would make Python wait for a GPU, or be impossible in a graph."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[str] = []

    def __torch_dispatch__(self, op: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if any(word in str(op) for word in ("local_scalar", "nonzero", "masked_select", "unique")):
            self.waits.append(str(op))
        return op(*args, **(kwargs or {}))


@pytest.mark.parametrize("net", [MLP, RESNET])
@pytest.mark.parametrize("optimizer", ["adamw", "sgd", "muon"])
def test_no_step_asks_a_gpu_for_a_number(net: Mlp | ResNet, optimizer: str) -> None:
    game = TicTacToe()
    learner = as_on_gpu(on_cpu(game, net, optimizer=optimizer, average=0.9))
    batch = tensors("cpu", random_samples(game, 16))
    learner.net.train()
    for _ in range(2):  # state that is made in the first step is there in the second
        with Asked() as asked:
            learner._descent.prepare(0.01, 0.5)
            learner._descent(batch)
        assert asked.waits == []
    with Asked() as asked:
        float(learner._descent.sums[0])
    assert len(asked.waits) == 1


def batch_of(count: int) -> Any:
    return arrays.tree_map(lambda a: a[:count], tensors("cpu", random_samples(TicTacToe(), 9)))


def test_a_graph_is_captured_for_each_shape_and_the_latest_are_kept() -> None:
    seen: list[float] = []
    captured = Replayed(lambda batch: seen.append(float(batch.value.sum())))
    batches = [batch_of(2) for _ in range(5)]
    for i, batch in enumerate(batches):
        batch.value[:] = i
        captured(batch)
    assert seen == [0, 6, 12, 18, 24]  # each once, on the numbers of the batch that came
    assert captured.said == "eseses" + "cs" + "s"
    for count in (3, 4, 5, 6):
        for _ in range(4):
            captured(batch_of(count))
    captured.said = ""
    captured(batch_of(6))
    captured(batch_of(3))
    assert captured.said == "ss"
    captured(batch_of(2))
    assert captured.said == "ss" + "cs"  # the graph that was used longest ago made room
    captured.forget()
    captured(batch_of(6))
    assert captured.said == "ss" + "cs" + "es"


def test_where_no_graph_can_be_captured_it_says_so_once_and_goes_on() -> None:
    captured = Replayed(lambda batch: None, fails=True)
    for _ in range(3):
        captured(batch_of(2))
    with pytest.warns(UserWarning, match=r"without a CUDA graph: .* capturing$"):
        captured(batch_of(2))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(6):
            captured(batch_of(3))
    assert captured.said == "eseses" + "cs" + "s" * 6
