"""Threads: many actors, one result, the same whoever is first."""

from __future__ import annotations

import threading
import time
from typing import Any

import numpy as np
import pytest
import torch
from test_actor import assert_same

from envs.tictactoe import TicTacToe
from selfplay import arrays
from selfplay.actors import Setup, Threads
from selfplay.actors.actor import ActorSection
from selfplay.actors.base import Part, made_by
from selfplay.actors.threads import ThreadActors
from selfplay.cached import CancelledError
from selfplay.learning import checkpoint
from selfplay.nets import Mlp, Net
from selfplay.nets.evaluator import NetEvaluator
from selfplay.nets.inference import EvaluatorSection
from selfplay.search import Gumbel


@pytest.fixture
def net() -> Net:
    torch.manual_seed(0)
    return Mlp(width=16).build(TicTacToe())


def setup_of(net: Net, count: int, games: int = 7) -> Setup:
    game, actor = TicTacToe(), ActorSection(games=games, threads=count)
    inference = EvaluatorSection(device="cpu", precision="float32", cache=256).inference(net, game)
    return Setup(game, Gumbel(simulations=4), actor, inference)


def threads_of(net: Net, count: int, games: int = 7, seed: int = 0) -> ThreadActors:
    return Threads().make_actors(setup_of(net, count, games), net, seed)


@pytest.mark.parametrize(
    ("threads", "games", "lanes"),
    [(1, 7, [7]), (2, 7, [4, 3]), (3, 7, [3, 2, 2]), (8, 3, [1, 1, 1])],
)
def test_games_are_shared_out(threads: int, games: int, lanes: list[int], net: Net) -> None:
    backend = threads_of(net, threads, games)
    assert [actor._lanes for actor in backend.actors] == lanes
    backend.close()


def test_results_come_in_the_order_of_the_actors(net: Net, monkeypatch: pytest.MonkeyPatch) -> None:
    plain, delayed = threads_of(net, 3), threads_of(net, 3)
    for i, actor in enumerate(delayed.actors):
        collect = actor.collect

        def slowly(*arguments: Any, wait: float = 0.2 * (3 - i), collect: Any = collect) -> Any:
            time.sleep(wait)
            return collect(*arguments)

        monkeypatch.setattr(actor, "collect", slowly)
    a, used_a = plain.collect(net, 60)
    b, used_b = delayed.collect(net, 60)
    assert_same(a, b)
    assert arrays.length(a.samples) == a.tally.positions >= 60
    assert (used_a.asked, used_a.evaluated) == (used_b.asked, used_b.evaluated)
    assert 0 < used_a.evaluated < used_a.asked
    plain.close()
    delayed.close()


def test_goes_on_from_a_saved_state(net: Net, tmp_path: Any) -> None:
    straight, resumed = threads_of(net, 2), threads_of(net, 2, seed=5)
    straight.collect(net, 30)
    checkpoint.save(tmp_path / "1.pt", {"net": {}, "actors": straight.state_dict()})
    saved = checkpoint.load(tmp_path / "1.pt")["actors"]
    resumed.load_state_dict(checkpoint.unpacked(saved))
    assert_same(straight.collect(net, 50)[0], resumed.collect(net, 50)[0])
    straight.close()
    resumed.close()


def test_parts_of_all_actors_play_what_all_would_in_one_place(net: Net) -> None:
    """The third life of one of them: other games; its seed is that of numpy's ``spawn``."""
    whole = threads_of(net, 3)
    setup = setup_of(net, 1)
    parts = [ThreadActors(setup, net, 0, part) for part in (Part(0, 2, 3), Part(2, 1, 3))]
    again = ThreadActors(setup, net, 0, Part(2, 1, 3, life=3))
    for _ in range(2):
        a = [harvest for harvest, _ in whole.play(net, 20)]
        b = [harvest for part in parts for harvest, _ in part.play(net, 20)]
        for one, other in zip(a, b, strict=True):
            assert_same(one, other)
    stream = np.random.SeedSequence(0).spawn(3)[2].spawn(3)[2]
    assert again.actors[0].rng.bit_generator.seed_seq.spawn_key == stream.spawn_key
    assert again.play(net, 20)[0][0].records != whole.play(net, 20)[2][0].records
    for actors in (whole, again, *parts):
        actors.close()


def test_another_number_of_threads_is_refused_with_the_way_out(net: Net) -> None:
    two, one = threads_of(net, 2), threads_of(net, 1)
    with pytest.raises(ValueError, match=r"2 actors.*would use 1.*actor\.threads=2"):
        one.load_state_dict(two.state_dict())
    two.close()
    one.close()


def test_new_weights_are_played_with(net: Net) -> None:
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.zero_()
        net.heads.value.bias[0] = 30.0  # every position is won
    backend = threads_of(net, 2)
    backend.collect(net, 20)
    state = TicTacToe().init(np.random.default_rng(0), 1)
    assert [float(each(TicTacToe(), state).value[0]) for each in backend._evaluators] == [1, 1]
    with torch.no_grad():
        net.heads.value.bias[0] = 0.0
    backend.collect(net, 20)
    assert [float(each(TicTacToe(), state).value[0]) for each in backend._evaluators] == [0, 0]
    backend.close()


def test_cancelling_ends_a_collection_at_once(net: Net) -> None:
    backend = threads_of(net, 2)
    threading.Timer(0.5, backend.cancel).start()
    start = time.monotonic()
    with pytest.raises(CancelledError):
        backend.collect(net, 10**9)
    backend.close()
    assert time.monotonic() - start < 20


def test_a_failing_actor_stops_the_others(net: Net, monkeypatch: pytest.MonkeyPatch) -> None:
    backend = threads_of(net, 2)
    failed = threading.Event()

    def fail(*_: object) -> None:
        failed.set()
        raise ValueError("the game is broken")

    monkeypatch.setattr(backend.actors[0], "collect", fail)
    start, before = time.monotonic(), torch.get_num_threads()
    with pytest.raises(ValueError, match="the game is broken"):
        backend.collect(net, 10**9)
    backend.close()
    assert failed.is_set()
    assert time.monotonic() - start < 20
    assert torch.get_num_threads() == before


def test_what_an_actor_does_outside_the_net_is_of_its_own_thread(net: Net) -> None:
    """Whoever sleeps, or waits for others, does nothing."""

    def busy(seconds: float) -> None:
        end = time.thread_time() + seconds
        while time.thread_time() < end:
            pass

    class Slow(torch.nn.Module):
        def __init__(self, inner: Any) -> None:
            super().__init__()
            self.inner = inner

        def forward(self, fields: Any) -> Any:
            busy(0.2)
            return self.inner(fields)

    class Walking:
        def collect(self, evaluator: NetEvaluator, positions: int) -> Any:
            for _ in range(2):
                busy(0.1)
                time.sleep(0.1)
                evaluator(game, game.init(np.random.default_rng(0), 3))

    game = TicTacToe()
    evaluator = NetEvaluator(net, 9, "cpu", torch.float32, cache_size=0)
    evaluator(game, game.init(np.random.default_rng(0), 3))  # kernels are compiled
    evaluator.take_usage()
    evaluator.net = Slow(evaluator.net)  # type: ignore[assignment]
    walking: Any = Walking()
    usage = made_by(walking, evaluator, 1)[1]
    assert 0.2 <= usage.tree_s < 0.3
    assert 0.4 <= usage.thread_s < 0.5
