"""Whole games without search: the same wherever they are played, and counted right."""

from __future__ import annotations

import os
import pickle
import signal
import threading
from typing import Any

import numpy as np
import pytest
import torch

import envs
from selfplay import arrays
from selfplay.actors import Actors, Setup, Threads
from selfplay.actors.actor import ActorSection
from selfplay.actors.base import totals
from selfplay.actors.collector import Maker
from selfplay.actors.processes import ProcessActors
from selfplay.arrays import take
from selfplay.cached import CancelledError
from selfplay.lines.keys import canonical_keys
from selfplay.nets import Net, ResNet
from selfplay.nets.inference import EvaluatorSection
from selfplay.players.episodes import AgainstPast, WithExpert
from selfplay.search import Gumbel
from selfplay.truth.solver import solver_for
from selfplay.types import Evaluation, Game, State

GAME = envs.make("tictactoe")
ALONE, PAST = AgainstPast(1.0, 0), AgainstPast(0.5, 2)
EXPERT = WithExpert(2)


@pytest.fixture(autouse=True)
def own_labels(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def a_net(seed: int = 0) -> Net:
    torch.manual_seed(seed)
    return ResNet(channels=8, blocks=1).build(GAME)


def a_setup(maker: Maker, games: int = 9) -> Setup:
    inference = EvaluatorSection(device="cpu", precision="float32").inference(a_net(), GAME)
    section = ActorSection(games=games, threads=2)
    return Setup(GAME, Gumbel(simulations=4), section, inference, maker)


def by_key(state: State) -> Evaluation:
    """Some opinion of each position."""
    rng = np.random.default_rng
    keys = canonical_keys(GAME, state)
    draws = np.array([rng(int(key)).random(10) for key in keys], np.float32).reshape(-1, 10)
    return Evaluation(3 * draws[:, :9], 2 * draws[:, 9] - 1, 0 * draws[:, 9])


def an_opinion(game: Game, state: State) -> Evaluation:
    return by_key(state)


def orders(maker: Maker) -> list[Any]:
    return [0.0, 0.7] if maker is EXPERT else [None, pickle.dumps(a_net(5))]


def played(actors: Actors, maker: Maker) -> list[Any]:
    """What two orders under different weights make and cost, and the state, as arrays."""
    found: list[Any] = []
    for seed, order in enumerate(orders(maker)):
        for made, usage in actors.play(a_net(seed), order):
            plain = made._replace(**({"expert_s": 0.0} if maker is EXPERT else {}))
            if maker is EXPERT and plain.labels is not None:
                asked = plain.labels  # what they cost depends on the clock
                plain = plain._replace(labels=take((asked.key, asked.scores), asked.key.argsort()))
            if maker is not EXPERT:
                plain = plain._replace(past=plain.past[:2])
            found += [*map(np.asarray, arrays.leaves(present(plain))), np.array(usage[:2])]
    return [*found, *(np.array(state["rng"]) for state in actors.states())]


def present(what: Any) -> Any:
    """Without what is missing."""
    if isinstance(what, tuple):
        return tuple(present(each) for each in what if each is not None)
    return np.asarray(what)


def for_ever(actors: Actors, order: Any) -> None:
    while True:
        actors.play(a_net(), order)


@pytest.mark.parametrize("maker", [PAST, EXPERT], ids=["past", "expert"])
def test_processes_play_the_games_of_threads(maker: Maker) -> None:
    """With nets of their own, for the expert's also where a server answers; one that dies is
    replaced and counted, and all can be cancelled."""
    threads = Threads().make_actors(a_setup(maker), a_net(), 7)
    expected = played(threads, maker)
    half = threads.state_dict()
    again = Threads().make_actors(a_setup(maker), a_net(), 8)
    again.load_state_dict(half)
    order = orders(maker)[1]
    more = [threads.play(a_net(3), order), again.play(a_net(3), order)]
    for (one, _), (other, _) in zip(*more, strict=True):
        np.testing.assert_array_equal(one.keys, other.keys)
    served = maker is EXPERT
    processes = ProcessActors(a_setup(maker), a_net(), 7, served=served)
    try:
        for mine, theirs in zip(played(processes, maker), expected, strict=True):
            np.testing.assert_array_equal(mine, theirs)
        os.kill(processes._places[0].workers._idle[0].pid or 0, signal.SIGKILL)
        tally, _ = totals(processes.play(a_net(), order))
        assert (tally.lost, tally.games) == (1, 9)
        threading.Timer(0.1, processes.cancel).start()
        with pytest.raises(CancelledError):
            for_ever(processes, order)
    finally:
        for actors in (threads, again, processes):
            actors.close()


def test_the_present_self_learns_from_its_own_moves_alone() -> None:
    """Alone on both sides it made all moves; against a past self those of one side a game."""
    rng = np.random.default_rng(0)
    alone = ALONE(a_setup(ALONE), 40, rng).collect(an_opinion, None)
    assert alone.tally.length == alone.tally.positions == len(alone.value) == len(alone.keys)
    assert alone.tally.games == 40
    assert (alone.past.evaluated, alone.past.seconds) == (0, 0.0)
    np.testing.assert_array_equal(alone.value, by_key(alone.games.state).value)
    against = AgainstPast(0.0, 0)
    made = against(a_setup(against), 40, rng).collect(an_opinion, pickle.dumps(a_net(1)))
    games = made.games
    assert games.second is not None
    assert made.past.evaluated > 0
    assert 0.4 < made.tally.positions / made.tally.length < 0.6
    sides = {
        (int(game), bool(second)) for game, second in zip(games.game, games.second, strict=True)
    }
    assert len(sides) == 40  # of each game one side
    first = [second for _, second in sides]
    assert 10 < sum(first) < 30
    results = made.tally.first_wins + made.tally.draws
    assert 0 < results < 40


def test_the_expert_chooses_in_a_share_of_the_games() -> None:
    """Guided everywhere it plays perfectly, which is a draw; its labels are told once."""
    player = EXPERT(a_setup(EXPERT), 30, np.random.default_rng(0))
    free = player.collect(an_opinion, 0.0)
    assert free.labels is None
    assert free.expert_s == 0.0
    perfect = WithExpert(0)(a_setup(EXPERT), 30, np.random.default_rng(0))
    guided = perfect.collect(an_opinion, 1.0)
    assert guided.tally.draws == guided.tally.games == 30
    assert guided.labels is not None
    assert guided.expert_s > 0
    asked = np.unique(guided.keys)
    np.testing.assert_array_equal(np.sort(guided.labels.key), asked)
    best = np.nanmax(solver_for(GAME).scores(guided.state), axis=1)
    np.testing.assert_array_equal(best, 0.0)
    later = perfect.collect(an_opinion, 1.0)
    assert later.labels is not None
    assert not np.isin(later.labels.key, asked).any()
