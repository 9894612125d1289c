"""A net that answers whoever asks: the answers of the net, whoever asks beside, dies or fails."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
import torch
from reference import random_positions
from small_games import GAME, a_net

from selfplay.actors.open_server import OpenServer
from selfplay.actors.slot import _KNOCK, RemoteEvaluator, Slot, knock
from selfplay.cached import CancelledError
from selfplay.nets.evaluator import NetEvaluator
from selfplay.types import Evaluation, State

Enter = Callable[[], RemoteEvaluator]


def evaluator(seed: int = 0) -> NetEvaluator:
    return NetEvaluator(a_net(seed), GAME.num_actions, "cpu", torch.float32, 0)


def client_of(slot: Slot) -> RemoteEvaluator:
    return RemoteEvaluator(slot, 0, lambda: None)


def some(seed: int, count: int = 40) -> State:
    return random_positions(GAME, np.random.default_rng(seed), count, 5)


def assert_close(mine: Evaluation, theirs: Evaluation) -> None:
    for one, other in zip(mine, theirs, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


@pytest.fixture
def server() -> Iterator[OpenServer]:
    """For three who ask 64 positions at most."""
    server = OpenServer(evaluator(), GAME, 3, 60)
    yield server
    server.close()


@pytest.fixture
def enter(server: OpenServer) -> Iterator[Enter]:
    """Who asks from here, as from a process of his own."""
    with contextlib.ExitStack() as inside:
        yield lambda: client_of(inside.enter_context(server.entering())[0])


def test_all_are_answered_who_ask_at_a_time(server: OpenServer, enter: Enter) -> None:
    """Under the present weights, also where one asks more than his slot holds."""
    asking, direct = [enter() for _ in range(3)], evaluator()

    def ask(number: int, count: int) -> None:
        for seed in range(20):
            state = some(100 * number + seed, count)
            assert_close(asking[number](GAME, state), direct_answer(state))

    lock = threading.Lock()

    def direct_answer(state: State) -> Evaluation:
        with lock:
            return direct(GAME, state)

    with ThreadPoolExecutor(3) as pool:
        for done in [pool.submit(ask, *which) for which in ((0, 3), (1, 40), (2, 150))]:
            done.result()
    server.load(a_net(1))
    before, state = direct(GAME, some(0)), some(0)
    direct.load(a_net(1))
    assert_close(asking[0](GAME, state), direct(GAME, state))
    assert np.abs(before.logits - direct(GAME, state).logits).max() > 1e-3


def test_what_is_asked_meanwhile_is_one_batch(server: OpenServer, enter: Enter) -> None:
    asking = [enter() for _ in range(3)]
    own, begun, go_on = server._evaluator.answers, threading.Event(), threading.Event()
    counts = []

    def slow(obs: Any, count: int) -> Evaluation:
        counts.append(count)
        begun.set()
        assert go_on.wait(20)
        return own(obs, count)

    server._evaluator.answers = slow  # type: ignore[method-assign]
    with ThreadPoolExecutor(3) as pool:
        first = pool.submit(asking[0], GAME, some(0, 5))
        assert begun.wait(20)
        others = [pool.submit(asking[i], GAME, some(i, 50)) for i in (1, 2)]
        while (server._views.asked[1:, 0] == 0).any():
            pass
        go_on.set()
        answers = [each.result() for each in (first, *others)]
    distinct = [len(np.unique(GAME.observe(some(i, 50)).planes, axis=0)) for i in (1, 2)]
    assert counts[1:] == [sum(distinct)]
    for i, answer in enumerate(answers):
        assert_close(answer, evaluator()(GAME, some(i, 50 if i else 5)))


def test_nothing_is_read_before_the_knock_of_who_wrote_it(server: OpenServer, enter: Enter) -> None:
    """Where the numbers of a question can be seen before its positions are, a knock of another's,
    or of one who held the slot before, is no sign that they are there.
    """
    asking, early = enter(), enter()
    knocked, late = early._slot, some(1)
    early._asked[:2] = 1, 40  # seen too early: its positions are not there yet
    knock(knocked.bell, _KNOCK.pack(knocked.number, knocked.holder - 1))
    assert_close(asking(GAME, some(0)), evaluator()(GAME, some(0)))
    assert early._told[0] == 0
    early._asked[:2] = 0
    assert_close(early(GAME, late), evaluator()(GAME, late))


def test_who_takes_the_place_of_one_that_died_gets_his_own_answers() -> None:
    server = OpenServer(evaluator(), GAME, 1, 60)
    own, begun, go_on = server._evaluator.answers, threading.Event(), threading.Event()

    def slow(obs: Any, count: int) -> Evaluation:
        begun.set()
        assert go_on.wait(20)
        return own(obs, count)

    server._evaluator.answers = slow  # type: ignore[method-assign]
    try:
        with server.entering() as (slot,):
            with pytest.raises(AssertionError), server.entering():
                pass
            dying = client_of(slot)
            dying._fields[0][:1] = GAME.observe(some(0, 1)).planes
            dying._ask(1)
            assert begun.wait(20)
        with server.entering() as (slot,):
            go_on.set()
            assert_close(client_of(slot)(GAME, some(1)), evaluator()(GAME, some(1)))
    finally:
        server.close()


def test_a_net_that_diverged_is_told_and_one_that_fails_ends_the_asking(
    server: OpenServer, enter: Enter
) -> None:
    asking = [enter() for _ in range(2)]
    net = a_net()
    with torch.no_grad():
        net.heads.policy.bias.fill_(float("nan"))
    server.load(net)
    with pytest.raises(ValueError, match="not finite: its weights have diverged"):
        asking[0](GAME, some(0))
    server.load(a_net())
    assert_close(asking[0](GAME, some(0)), evaluator()(GAME, some(0)))

    def fail(*_: object) -> Evaluation:
        raise ValueError("the GPU's memory is too small for this")

    server._evaluator.answers = fail  # type: ignore[method-assign]
    for each in asking:
        with pytest.raises(CancelledError):
            each(GAME, some(1))
    assert str(server.failure) == "the GPU's memory is too small for this"
