"""Actors in processes: the games of threads, with a net each or one server for all; who dies."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from small_games import GAME, a_net, a_setup, assert_same, played

import envs
from selfplay import arrays
from selfplay.actors import Processes, Threads, processes
from selfplay.actors.actor import ActorSection
from selfplay.actors.base import Part
from selfplay.actors.processes import ProcessActors
from selfplay.cached import CancelledError
from selfplay.learning.samples import joined
from selfplay.nets.device import Batch
from selfplay.nets.inference import EvaluatorSection
from selfplay.system.workers import Workers

GAMES, ACTORS = 9, 3


@pytest.fixture(scope="module")
def by_threads() -> list[Any]:
    actors = Threads().make_actors(a_setup(a_net(), GAMES, ACTORS), a_net(), 7)
    arrays_of_threads = played(actors)
    actors.close()
    return arrays_of_threads


def test_each_with_a_net_of_its_own_they_play_the_games_of_threads(by_threads: list[Any]) -> None:
    actors = ProcessActors(a_setup(a_net(), GAMES, ACTORS), a_net(), 7, served=False)
    try:
        assert_same(played(actors), by_threads)
        assert actors.server_usage() is None
        threading.Timer(0.2, actors.cancel).start()
        with pytest.raises(CancelledError):
            actors.collect(a_net(), 10**9)
    finally:
        actors.close()


def test_a_server_answers_for_all_until_they_are_cancelled(
    by_threads: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The games of threads; who dies is replaced and counted."""
    net = a_net()
    monkeypatch.setattr(Batch, "device_s", lambda self: 0.25)  # as if a GPU had told it
    actors = ProcessActors(a_setup(net, GAMES, ACTORS), net, 7, served=True)
    try:
        assert_same(played(actors), by_threads)
        usage = actors.server_usage()
        assert usage is not None
        # three actors of three games form two groups, none larger than six rows
        assert 1 <= usage.positions / usage.batches <= 6
        after, took = usage, actors.collect(net, 30)[1].device_s
        usage = actors.server_usage()
        assert usage is not None
        assert took == 0.25 * (usage.batches - after.batches) > 0

        victim = actors._places[1].workers._idle[0].pid
        threading.Timer(0.05, lambda: os.kill(victim, signal.SIGKILL)).start()
        harvest = actors.collect(net, 800)[0]
        assert harvest.tally.lost == 1
        assert arrays.length(harvest.samples) >= 800
        os.kill(actors._places[0].workers._idle[0].pid, signal.SIGKILL)
        assert len(actors.state_dict()) == 3  # of new games where it died at none
        assert actors.collect(net, 30)[0].tally.lost == 1
        assert actors.collect(net, 30)[0].tally.lost == 0

        threading.Timer(0.2, actors.cancel).start()
        start = time.monotonic()
        with pytest.raises(CancelledError):
            actors.collect(net, 10**9)
        assert time.monotonic() - start < 20
    finally:
        actors.close()


def test_a_part_of_them_plays_what_it_would_among_all(by_threads: list[Any]) -> None:
    parts = [
        ProcessActors(a_setup(a_net(), GAMES, ACTORS), a_net(), 7, part, served=False)
        for part in (Part(0, 1, 3), Part(1, 2, 3))
    ]
    try:
        harvests = [[h for h, _ in part.play(a_net(), 20)] for part in parts]
        first = joined([harvest.samples for part in harvests for harvest in part])
        fields = arrays.leaves(first)
        assert_same(fields, by_threads[: len(fields)])
    finally:
        for part in parts:
            part.close()


def test_asking_a_modelled_device_they_play_the_games_of_threads(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whether the server has a core to itself and looks for questions, or is knocked at."""
    net = a_net()
    modelled = EvaluatorSection(device="fake:100,1").inference(net, GAME, modelled=True)
    setup = a_setup(net, GAMES, ACTORS)._replace(inference=modelled)
    harvests = []
    by_itself = processes._cores_beside_server()
    for backend, beside in ((Threads(), ()), (Processes(), ()), (Processes(), by_itself)):
        monkeypatch.setattr(processes, "_cores_beside_server", lambda beside=beside: beside)
        actors = backend.make_actors(setup, net, 7)
        try:
            harvests.append(played(actors))
            usage = actors.server_usage()
        finally:
            actors.close()
    assert_same(harvests[1], harvests[0])
    assert_same(harvests[2], harvests[0])
    assert usage is not None
    # 100 us a batch and 1 us a position, as the device was told
    spent = (100 * usage.batches + usage.positions) * 1e-6
    assert usage.device_s == pytest.approx(spent)
    assert usage.graphs == 0
    assert 0 < usage.idle_s < usage.serving_s
    assert 0 < usage.host_s < usage.serving_s


def test_a_net_that_diverged_is_told() -> None:
    net = a_net()
    with torch.no_grad():
        net.heads.policy.bias.fill_(float("nan"))
    setup = a_setup(net, GAMES, ACTORS)
    setup = setup._replace(section=setup.section.model_copy(update={"threads": 1}))
    actors = ProcessActors(setup, net, 7, served=True)
    try:
        with pytest.raises(ValueError, match="not finite: its weights have diverged"):
            actors.collect(net, 30)
    finally:
        actors.close()


OWN_GAMES = """
import threading
from envs.tictactoe import TicTacToe


class Locked(TicTacToe):
    def __init__(self):
        self.lock = threading.Lock()


class OwnError(Exception):
    def __init__(self, step, of):
        super().__init__(f"step {step} of {of}")


class Failing(TicTacToe):
    steps = 0

    def step(self, state, action):
        self.steps += 1
        if self.steps > 40:
            raise OwnError(self.steps, 40)
        return super().step(state, action)
"""


def test_a_users_own_game_is_played_and_what_it_cannot_do_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own_games.py").write_text(OWN_GAMES)
    monkeypatch.chdir(tmp_path)
    net, section = a_net(), ActorSection(games=2, threads=1)
    locked, failing = (
        a_setup(net, GAMES, ACTORS)._replace(game=envs.make(f"own_games:{name}"), section=section)
        for name in ("Locked", "Failing")
    )
    with pytest.raises(ValueError, match=r"holds .*_thread.lock.*backend.kind=threads"):
        ProcessActors(locked, net, 7)
    actors = ProcessActors(failing, net, 7)
    try:
        with pytest.raises(RuntimeError, match="OwnError: step 41 of 40") as failed:
            actors.collect(net, 1000)
    finally:
        actors.close()
    assert 'own_games.py", line' in failed.value.__notes__[0]


def test_who_dies_over_and_over_is_told_with_what_says_how_many_games_there_are() -> None:
    net = a_net()
    setup = a_setup(net, 1, 1)._replace(games_option="regime.games")
    actors = ProcessActors(setup, net, 7, served=True)
    (place,) = actors._places
    place._losses = 2
    os.kill(place.workers._idle[0].pid, signal.SIGKILL)
    try:
        with pytest.raises(ValueError, match=r"^3 processes in one place .*games \(regime.games\)"):
            actors.collect(net, 30)
    finally:
        actors.close()


def test_who_begins_again_while_all_are_cancelled_is_ended_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Before it has taken the place of the one that died."""
    net = a_net()
    actors = ProcessActors(a_setup(net, 1, 1), net, 7, served=True)

    def cancelled(*what: Any, **more: Any) -> Workers:
        workers = Workers(*what, **more)
        actors.cancel()
        return workers

    monkeypatch.setattr(processes, "Workers", cancelled)
    os.kill(actors._places[0].workers._idle[0].pid, signal.SIGKILL)
    try:
        with pytest.raises(CancelledError):
            actors.collect(net, 10**9)
    finally:
        actors.close()
