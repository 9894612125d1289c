"""The evaluator answers what its net would, whatever it merges, remembers or forgets."""

import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from reference import random_positions, row

from envs.connect4 import Connect4
from envs.tictactoe import TicTacToe, TicTacToeObs, TicTacToeState
from selfplay import arrays
from selfplay.cached import Cache, CachedEvaluator
from selfplay.nets import Mlp, Net, ResNet, obs_tensors
from selfplay.nets.evaluator import (
    AUTO,
    NetEvaluator,
    _driver,
    choose_device,
    choose_precision,
    describe_device,
)
from selfplay.types import Evaluation, Game, Int, State, Transition


@pytest.fixture(scope="module")
def game() -> Connect4:
    return Connect4()


@pytest.fixture(scope="module")
def nets(game: Connect4) -> list[Net]:
    """Two small nets that disagree."""
    torch.manual_seed(0)
    return [ResNet(channels=8, blocks=2, head_channels=4).build(game).eval() for _ in range(2)]


def direct(net: Net, game: Game, state: State) -> Evaluation:
    """The net's opinion of each position, asked without any evaluator."""
    with torch.inference_mode():
        heads = net(obs_tensors(game.observe(state)))
    chances = torch.softmax(heads.value_M3, 1).numpy()
    return Evaluation(heads.policy_MA.numpy(), chances[:, 0] - chances[:, 2], chances[:, 1])


def assert_close(answer: Evaluation, expected: Evaluation, atol: float = 1e-5) -> None:
    for mine, theirs in zip(answer, expected, strict=True):
        assert mine.dtype == np.float32
        np.testing.assert_allclose(mine, theirs, atol=atol)


def evaluator_of(net: Net, actions: int = 7, cache: int = 1 << 14) -> NetEvaluator:
    return NetEvaluator(net, actions, "cpu", torch.float32, cache)


@pytest.mark.parametrize("cache", [0, 1 << 14])
def test_equal_positions_of_a_batch_are_evaluated_once(
    game: Connect4, nets: list[Net], cache: int
) -> None:
    evaluator = evaluator_of(nets[0], cache=cache)
    few = random_positions(game, np.random.default_rng(1), 12, 30)
    different = len({tuple(int(f[i]) for f in few[:2]) for i in range(12)})
    state = arrays.take(few, np.random.default_rng(2).integers(0, 12, 500))
    assert_close(evaluator(game, state), direct(nets[0], game, state))
    usage = evaluator.take_usage()
    assert (usage.asked, usage.evaluated) == (500, different)
    assert usage.seconds > 0
    assert usage.other_seconds > 0
    again = evaluator.take_usage()
    assert (again.asked, again.evaluated, again.seconds) == (0, 0, 0.0)


def test_positions_seen_before_are_answered_from_memory(game: Connect4, nets: list[Net]) -> None:
    evaluator = evaluator_of(nets[0])
    state = random_positions(game, np.random.default_rng(3), 300, 30)
    first = evaluator(game, state)
    evaluator.take_usage()
    order = np.random.default_rng(4).permutation(300)
    second = evaluator(game, arrays.take(state, order))
    assert evaluator.take_usage().evaluated == 0
    for old, new in zip(first, second, strict=True):
        np.testing.assert_array_equal(old[order], new)


def test_without_a_cache_nothing_is_remembered(game: Connect4, nets: list[Net]) -> None:
    evaluator = evaluator_of(nets[0], cache=0)
    state = game.init(np.random.default_rng(0), 5)
    for _ in range(3):
        evaluator(game, state)
    assert evaluator.take_usage().evaluated == 3


@pytest.mark.parametrize(
    ("actions", "asked", "rows"),
    [
        (7, 1 << 17, 1 << 17),
        (7, 1000, 1024),
        (7, 0, 1 << 14),
        (7, 1 << 26, 1 << 19),
        (4672, 1 << 17, 1 << 11),
    ],
)
def test_the_memory_is_bounded_in_bytes(actions: int, asked: int, rows: int) -> None:
    cache = CachedEvaluator(actions, asked)._cache
    assert cache.answers.shape == (rows, actions + 2)
    assert cache.answers.nbytes + cache.rows.nbytes <= 1 << 26


def test_a_net_is_shown_positions_by_the_rules_that_it_learned_with(game: Connect4) -> None:
    """Whoever asks plays the same game, of which other nets see less."""
    seeing, state = Connect4(threats=True), game.init(np.random.default_rng(0), 3)
    net = ResNet(channels=4, blocks=1).build(seeing).eval()
    evaluator = evaluator_of(net)
    evaluator.rules = seeing
    assert_close(evaluator(game, state), direct(net, seeing, state))


def test_new_weights_void_the_memory(game: Connect4, nets: list[Net]) -> None:
    state = random_positions(game, np.random.default_rng(5), 50, 30)
    evaluator = evaluator_of(nets[0])
    evaluator(game, state)
    evaluator.load(nets[1])
    assert_close(evaluator(game, state), direct(nets[1], game, state))
    other = evaluator_of(nets[0])
    other(game, state)
    other.share(evaluator)
    assert_close(other(game, state), direct(nets[1], game, state))


def test_weights_trained_on_do_not_change_answers_until_loaded(game: Connect4) -> None:
    net = Mlp(width=8).build(game)
    state = game.init(np.random.default_rng(0), 1)
    evaluator = evaluator_of(net, cache=0)
    before = evaluator(game, state)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.add_(1.0)
    assert_close(evaluator(game, state), before)
    evaluator.load(net)
    assert_close(evaluator(game, state), direct(net, game, state), atol=1e-4)


@pytest.mark.parametrize("rows", [4, 8, 64, None])
def test_a_table_far_too_small_never_answers_wrongly(
    game: Connect4, nets: list[Net], rows: int | None
) -> None:
    evaluator = evaluator_of(nets[0], cache=1)
    if rows is not None:
        evaluator._cache = Cache(*(array[:rows].copy() for array in evaluator._cache))
    rng = np.random.default_rng(6)
    state = random_positions(game, rng, 3000, 25)
    expected = direct(nets[0], game, state)
    for size in (3000, 700, 1, 33, 128, 5, 64, 700):
        index = rng.integers(0, 3000, size)
        answer = evaluator(game, arrays.take(state, index))
        assert_close(answer, arrays.take(expected, index))


def test_weights_change_under_a_small_table(game: Connect4, nets: list[Net]) -> None:
    evaluator = evaluator_of(nets[0], cache=1)
    rng = np.random.default_rng(7)
    state = random_positions(game, rng, 1500, 25)
    expected = [direct(net, game, state) for net in nets]
    for turn in range(6):
        evaluator.load(nets[turn % 2])
        for _ in range(3):
            index = rng.integers(0, 1500, 400)
            answer = evaluator(game, arrays.take(state, index))
            assert_close(answer, arrays.take(expected[turn % 2], index))


def test_a_failure_leaves_no_answers_behind(
    game: Connect4, nets: list[Net], monkeypatch: pytest.MonkeyPatch
) -> None:
    evaluator = evaluator_of(nets[0])
    state = random_positions(game, np.random.default_rng(8), 40, 20)

    def interrupted(*_: Any) -> Evaluation:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(evaluator, "_forward", interrupted)
        with pytest.raises(KeyboardInterrupt):
            evaluator(game, state)
    assert_close(evaluator(game, state), direct(nets[0], game, state))


def test_a_net_that_has_diverged_is_told_in_a_sentence(game: Connect4) -> None:
    net = Mlp(width=8).build(game)
    evaluator, state = evaluator_of(net), game.init(np.random.default_rng(0), 3)
    with torch.no_grad():
        next(net.parameters()).fill_(float("nan"))
    evaluator.load(net)
    for _ in range(2):
        with pytest.raises(ValueError, match=r"not finite: its weights have diverged"):
            evaluator(game, state)


def test_padding_changes_nothing(game: Connect4, nets: list[Net]) -> None:
    state = random_positions(game, np.random.default_rng(9), 70, 30)
    expected = direct(nets[0], game, state)
    for size in (1, 31, 32, 33, 64, 70):
        answer = evaluator_of(nets[0])(game, arrays.take(state, slice(size)))
        assert_close(answer, arrays.take(expected, slice(size)))


class Boxes(NamedTuple):
    box: NDArray[np.object_]  # [B] Python objects, whose bytes say nothing


class BoxedTicTacToe(TicTacToe):
    """Tic-tac-toe whose positions are Python objects, as the adapters have them."""

    def _open(self, state: Boxes) -> TicTacToeState:
        return arrays.concatenate([box["position"] for box in state.box])

    def _close(self, state: TicTacToeState) -> Boxes:
        box = np.empty(arrays.length(state), np.object_)
        for i in range(len(box)):
            box[i] = {"position": row(state, i)}
        return Boxes(box)

    def init(self, rng: np.random.Generator, batch: int) -> Any:
        return self._close(super().init(rng, batch))

    def step(self, state: Any, action: Int) -> tuple[Any, Transition]:
        after, paid = super().step(self._open(state), action)
        return self._close(after), paid

    def legal(self, state: Any) -> NDArray[np.bool_]:
        return super().legal(self._open(state))

    def observe(self, state: Any) -> TicTacToeObs:
        return super().observe(self._open(state))


def test_positions_that_are_python_objects_are_merged_by_what_the_net_sees() -> None:
    plain, boxed = TicTacToe(), BoxedTicTacToe()
    torch.manual_seed(1)
    net = Mlp(width=16).build(plain).eval()
    state = random_positions(plain, np.random.default_rng(10), 200, 3)
    state = arrays.take(state, np.r_[0:200, 0:200])
    evaluator, twin = evaluator_of(net, actions=9), evaluator_of(net, actions=9)
    answer = evaluator(boxed, boxed._close(state))
    assert_close(answer, direct(net, plain, state))
    twin(plain, state)
    assert evaluator.take_usage().evaluated == twin.take_usage().evaluated < 200
    again = evaluator(boxed, boxed._close(arrays.take(state, slice(7, 9))))
    assert_close(again, arrays.take(answer, slice(7, 9)), atol=0)
    assert evaluator.take_usage().evaluated == 0


def test_bfloat16_comes_close(game: Connect4, nets: list[Net]) -> None:
    state = random_positions(game, np.random.default_rng(11), 200, 30)
    exact = direct(nets[0], game, state)
    rough = NetEvaluator(nets[0], 7, "cpu", torch.bfloat16, 0)(game, state)
    assert_close(rough, exact, atol=0.03)
    assert np.abs(rough.logits - exact.logits).max() > 0  # it really ran in another precision


def test_choose_device(monkeypatch: pytest.MonkeyPatch) -> None:
    assert choose_device("cpu") == "cpu"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert choose_device("auto") == "cpu"  # so all tests ask for it
    monkeypatch.delenv(AUTO)
    assert choose_device("auto") == "cuda:0"
    monkeypatch.setenv(AUTO, "gpu")
    with pytest.raises(ValueError, match=r"device 'gpu' is not known; use auto, cpu or cuda:0"):
        choose_device("auto")
    with pytest.raises(ValueError, match=r"device 'gpu' is not known; use auto, cpu or cuda:0"):
        choose_device("gpu")
    with pytest.raises(ValueError, match=r"device 'mps' is not known; use auto, cpu or cuda:0"):
        choose_device("mps")


def test_what_is_told_of_a_device(monkeypatch: pytest.MonkeyPatch) -> None:
    assert describe_device("cpu") == {"name": "cpu"}
    card = SimpleNamespace(name="NVIDIA H100", total_memory=79 << 30, major=9, minor=0)
    monkeypatch.setattr(torch.cuda, "get_device_properties", {"cuda:1": card}.get)
    monkeypatch.setattr(torch.version, "cuda", "13.0")
    monkeypatch.setattr(torch.backends.cudnn, "version", lambda: 91300)
    monkeypatch.setattr("selfplay.nets.evaluator._driver", lambda: "580.95")
    assert describe_device("cuda:1") == {
        "name": "cuda:1", "card": "NVIDIA H100", "memory_gib": 79.0, "capability": "9.0",
        "driver": "580.95", "cuda": "13.0", "cudnn": 91300,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("script", "version"),
    [("echo 580.95.05; echo 580.95.05", "580.95.05"), ("exit 9", None), ("", None)],
)
def test_the_driver_is_what_its_tool_says(
    script: str, version: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool = tmp_path / "nvidia-smi"
    tool.write_text(f"#!/bin/sh\n{script}\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert _driver.__wrapped__() == version


def test_choose_device_without_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ValueError, match=r"'cuda:0' asked for, but torch finds no CUDA GPU"):
        choose_device("cuda:0")


def test_choose_device_beyond_the_last_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert choose_device("cuda") == "cuda"
    assert choose_device("cuda:1") == "cuda:1"
    with pytest.raises(ValueError, match=r"'cuda:2' asked for, but the last one here is cuda:1"):
        choose_device("cuda:2")


@pytest.mark.parametrize("device", ["cpu", "cuda:0"])
@pytest.mark.parametrize(
    ("wish", "fast", "width", "dtype", "reason"),
    [
        ("float32", True, 1024, torch.float32, "as configured"),
        ("bfloat16", False, 16, torch.bfloat16, "as configured"),
        ("auto", True, 1024, torch.bfloat16, "this processor computes in it"),
        ("auto", True, 16, torch.float32, "0.0035 MFLOPs are too few for bfloat16 to pay"),
        ("auto", False, 1024, torch.float32, "there is no bfloat16 in this processor"),
    ],
)
def test_the_precision_goes_by_net_and_processor(
    wish: str,
    fast: bool,
    width: int,
    dtype: torch.dtype,
    reason: str,
    device: str,
    game: Connect4,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """And by nothing else: a stopwatch would now and then choose otherwise."""

    def stopwatch() -> float:
        raise AssertionError("the clock was asked")

    net = Mlp(width=width).build(game)
    features = {"avx2": True, "avx512_bf16": fast}
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: features, raising=False)
    on_gpu = {False: fast}  # whether emulation counts -> the answer
    monkeypatch.setattr(
        torch.cuda, "is_bf16_supported", lambda including_emulation: on_gpu[including_emulation]
    )
    for name in ("time", "monotonic", "perf_counter", "thread_time", "process_time"):
        monkeypatch.setattr(time, name, stopwatch)
    chosen = choose_precision(net, game, device, wish)
    monkeypatch.undo()
    assert chosen.dtype == dtype
    assert chosen.sentence.startswith(f"nets run in {str(dtype).removeprefix('torch.')}")
    assert reason in chosen.sentence


def test_a_batch_that_memory_cannot_hold_is_one_sentence(
    game: Connect4, nets: list[Net], monkeypatch: pytest.MonkeyPatch
) -> None:
    evaluator = evaluator_of(nets[0])
    state = game.init(np.random.default_rng(0), 1)
    with monkeypatch.context() as patch:
        patch.setattr(evaluator.net, "forward", lambda fields: torch.empty(1 << 46))
        with pytest.raises(ValueError, match=r"memory is too small.*actor\.games") as caught:
            evaluator(game, state)
    assert "\n" not in str(caught.value)
    assert_close(evaluator(game, state), direct(nets[0], game, state))  # it goes on after that
