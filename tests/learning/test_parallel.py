"""A batch spread over threads: what one thread learns, the same bits each time, errors told."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import torch
from test_learner import assert_same_weights, random_samples
from test_steps import MLP, RESNET, assert_close, on_cpu

from envs.connect4 import Connect4
from selfplay.learning import parallel
from selfplay.learning.batches import tensors
from selfplay.learning.learner import Learner
from selfplay.learning.section import LearnerSection
from selfplay.nets import Mlp, ResNet
from selfplay.nets.reduction import summed

GAME = Connect4(5, 4, 3)


@pytest.fixture
def threads() -> Iterator[Any]:
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


def test_rows_are_shared_out_evenly_and_in_order(threads: Any) -> None:
    threads(3)
    with parallel.threads() as three:
        assert [(rows.start, rows.stop) for rows in three.parts(100)] == [
            (0, 33),
            (33, 66),
            (66, 100),
        ]
        assert len(three.parts(95)) == 2  # 32 each at the least
        assert three.parts(20) == [slice(0, 20)]
        assert three.map(lambda rows: rows.start, three.parts(100)) == [0, 33, 66]
        assert three.map(lambda rows: torch.get_num_threads(), three.parts(100)) == [1, 1, 1]
    assert torch.get_num_threads() == 3


@pytest.mark.parametrize("net", [RESNET, MLP], ids=["resnet", "mlp"])
def test_two_threads_learn_what_one_learns(net: Mlp | ResNet, threads: Any) -> None:
    """Samples have weights of many sizes, and batch statistics are those of the whole batch."""
    samples = random_samples(GAME, 200)
    samples.policy_weight[:] = torch.linspace(0, 3, 200).numpy()
    learned = []
    for count in (1, 2, 3):
        threads(count)
        learner = on_cpu(GAME, net, batch=100, average=0.9)
        learned.append((learner, learner.fit(samples, 6, 0.2)))
    (one, metrics), *others = learned
    for several, measured in others:
        assert measured == pytest.approx(metrics, rel=1e-5, abs=1e-6)
        assert_close(several.net, one.net)
        assert_close(several.acting, one.acting)


def test_the_same_seed_and_threads_give_the_same_bits(threads: Any) -> None:
    threads(2)
    samples = random_samples(GAME, 200)

    def learner() -> Learner:
        torch.manual_seed(0)
        section = LearnerSection(batch=128, average=0.9)
        return Learner(RESNET.build(GAME), section, GAME, "cpu", autocast=True, seed=0)

    one, two = learner(), learner()
    assert one.fit(samples, 10, 0.0) == two.fit(samples, 10, 0.0)
    assert_same_weights(one.net, two.net)
    assert_same_weights(one.acting, two.acting)


@pytest.mark.parametrize("failing", [0, 1])
def test_an_error_in_a_thread_is_told_and_no_other_waits(failing: int, threads: Any) -> None:
    threads(2)

    def work(rows: slice) -> int:
        if rows.start == failing * 50:
            raise ZeroDivisionError("mine")
        return len(summed(torch.ones(3).double().numpy()))

    with parallel.threads() as two:
        with pytest.raises(ZeroDivisionError, match="mine"):
            two.map(work, two.parts(100))
        assert two.map(lambda rows: rows.stop, two.parts(100)) == [50, 100]
    assert torch.get_num_threads() == 2


def test_who_is_interrupted_before_all_have_begun_leaves_none_waiting(
    threads: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads(3)

    def work(rows: slice) -> int:
        return len(summed(torch.ones(3).double().numpy()))

    submitted = itertools.count()
    submit = ThreadPoolExecutor.submit

    def interrupted(self: ThreadPoolExecutor, *what: Any) -> Any:
        if next(submitted):
            raise KeyboardInterrupt
        return submit(self, *what)

    monkeypatch.setattr(ThreadPoolExecutor, "submit", interrupted)
    with parallel.threads() as three, pytest.raises(KeyboardInterrupt):
        three.map(work, three.parts(99))


def test_a_step_after_a_fit_waits_for_no_thread_of_it(threads: Any) -> None:
    """They ended with the fit."""
    threads(2)
    learner = on_cpu(GAME, MLP, batch=100)
    samples = random_samples(GAME, 200)
    learner.fit(samples, 1, 0.0)
    assert learner._descent.threads is None
    before = learner.net.state_dict()["heads.value.weight"].clone()
    learner._descent(tensors("cpu", samples, slice(100)))
    assert not torch.equal(before, learner.net.state_dict()["heads.value.weight"])
