"""Searches that grow while one looks: what they end with, when they tell, when they stop."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import numpy as np
import pytest
from numba.core.dispatcher import Dispatcher

from envs.connect4 import Connect4
from envs.tictactoe import TicTacToe
from selfplay.arrays import take
from selfplay.players.levels import LevelPlayer
from selfplay.players.players import RandomPlayer, RolloutPlayer, SearchPlayer
from selfplay.players.thinking import Insight, Limit, Thinker, TimedPlayer, warm_up
from selfplay.search import Gumbel, Puct, Search
from selfplay.types import Evaluation, Game, State


class Clock:
    """Time that passes only where a position is judged."""

    def __init__(self, seconds: float) -> None:
        self.now, self.seconds = 0.0, seconds

    def __call__(self) -> float:
        return self.now

    def judge(self, game: Game, state: State) -> Evaluation:
        batch = len(game.legal(state))
        self.now += self.seconds * batch
        seen = np.random.default_rng(batch + int(1e6 * self.now)).random((batch, 1))
        logits = np.linspace(0.0, 1.0, game.num_actions) * seen
        value = 0.4 * (seen[:, 0] - 0.5)
        return Evaluation(logits.astype(np.float32), value.astype(np.float32), np.zeros(batch))


def favourite(game: Game, state: State) -> Evaluation:
    batch = len(game.legal(state))
    logits = np.tile(np.linspace(0.0, 1.0, game.num_actions, dtype=np.float32), (batch, 1))
    return Evaluation(logits, np.full(batch, 0.1, np.float32), np.zeros(batch, np.float32))


SEARCHES: list[Search] = [Gumbel(), Puct()]


def start(game: Game, moves: str = "") -> State:
    state = game.init(np.random.default_rng(0), 1)
    for move in moves:
        state, _ = game.step(state, np.array([game.parse_action(move)], np.int32))
    return state


@pytest.mark.parametrize("simulations", [1, 7, 150])
@pytest.mark.parametrize("player", [*SEARCHES, RolloutPlayer(200)])
def test_a_limit_of_simulations_ends_with_what_the_player_decides(
    player: Search | RolloutPlayer, simulations: int
) -> None:
    game, state = Connect4(), start(Connect4(), "44")
    if isinstance(player, RolloutPlayer):
        same, told = RolloutPlayer(simulations), player
    else:
        same = SearchPlayer("same", player.with_simulations(simulations), favourite)
        told = SearchPlayer("told", player, favourite)
    expected = take(same.decide(game, state, np.random.default_rng(5)), 0)
    clock = Clock(0.0)
    ticks = iter(np.arange(0.0, 1e4, 0.06))  # something is told after every second piece
    thinker = Thinker(game, told, np.random.default_rng(5), lambda: float(next(ticks)))
    *rest, last = thinker.think(state, Limit(simulations=simulations))
    assert clock.now == 0
    assert len(rest) >= min(2, simulations // 100)
    assert last.last
    assert not any(each.last for each in rest)
    assert last.action == expected.action
    assert last.simulations == simulations
    assert last.visits.tolist() == expected.visits.tolist()
    np.testing.assert_array_equal(last.policy, expected.policy)
    np.testing.assert_array_equal(last.qvalues, expected.qvalues)
    assert [each.simulations for each in rest] == sorted({each.simulations for each in rest})


@pytest.mark.parametrize("search", SEARCHES)
def test_a_limit_of_seconds_holds_and_something_is_told_ten_times_a_second(search: Search) -> None:
    clock, game = Clock(0.002), Connect4()
    player = SearchPlayer("slow", search, clock.judge)
    thinker = Thinker(game, player, np.random.default_rng(0), clock)
    told = list(thinker.think(start(game), Limit(seconds=1.0)))
    times = np.array([each.seconds for each in told])
    assert times[0] <= 0.05
    assert 1.0 <= times[-1] <= 1.03
    assert told[-1].last
    assert np.diff(times).max() <= 0.15
    assert 9 <= len(told) <= 13
    assert 400 <= told[-1].simulations <= 515  # 2 ms each, fewer where the end is in sight
    assert told[-1].visits.sum() == told[-1].simulations
    assert told[-1].line[0] == told[-1].action
    assert len(told[-1].line) >= 2


def test_a_player_at_a_level_keeps_the_limit_that_it_is_given() -> None:
    game, state = Connect4(), start(Connect4(), "44")
    search = Gumbel()
    told = LevelPlayer(SearchPlayer("x", search, favourite), 3)
    same = LevelPlayer(SearchPlayer("x", search.with_simulations(40), favourite), 3)
    expected = take(same.decide(game, state, np.random.default_rng(5)), 0)
    (insight,) = Thinker(game, told, np.random.default_rng(5)).think(state, Limit(simulations=40))
    assert (insight.action, insight.simulations) == (int(expected.action), 40)
    np.testing.assert_array_equal(insight.policy, expected.policy)
    clock = Clock(0.01)
    timed = LevelPlayer(SearchPlayer("x", search, clock.judge), 3)
    (insight,) = Thinker(game, timed, np.random.default_rng(5), clock).think(
        state, Limit(seconds=0.5)
    )
    assert 0.5 <= insight.seconds <= 0.55
    halted = Thinker(game, told, np.random.default_rng(5)).think(state, Limit(), lambda: True)
    assert not list(halted)


@pytest.mark.parametrize("seconds", [None, 9.0])
def test_a_few_simulations_compile_what_a_search_needs(seconds: float | None) -> None:
    judged = 0

    def counting(game: Game, state: State) -> Evaluation:
        nonlocal judged
        judged += len(game.legal(state))
        return favourite(game, state)

    player = SearchPlayer("x", Gumbel(simulations=3000), counting)
    warm_up(Connect4(), player if seconds is None else TimedPlayer("y", player, seconds))
    assert 1 <= judged <= 5
    compiled = overloads()
    list(Thinker(Connect4(), player, np.random.default_rng(0)).think(start(Connect4()), Limit(70)))
    player.search = Gumbel(simulations=70)
    player.decide(Connect4(), start(Connect4()), np.random.default_rng(0))
    assert overloads() == compiled


def overloads() -> int:
    """How often kernels have been compiled or read, each once for its kinds of arguments."""
    found = (each for each in gc.get_objects() if isinstance(each, Dispatcher))
    return sum(len(each.overloads) for each in found)


def test_halting_ends_a_search_within_a_few_simulations() -> None:
    clock, game = Clock(0.004), Connect4()
    player = SearchPlayer("slow", Gumbel(), clock.judge)
    thinker = Thinker(game, player, np.random.default_rng(0), clock)
    told = list(thinker.think(start(game), Limit(simulations=10_000), lambda: clock.now > 0.5))
    assert told
    assert not told[-1].last
    assert told[-1].seconds <= 0.56
    assert 0.5 < clock.now <= 0.56
    assert not list(thinker.think(start(game), Limit(seconds=9.0), lambda: True))


def test_positions_that_were_quickly_known_make_no_search_deaf() -> None:
    """As in a game that was looked at before: a cache answers, until a line is new."""
    clock, game, known = Clock(0.004), Connect4(), 400

    def cached(game: Game, state: State) -> Evaluation:
        nonlocal known
        known -= len(game.legal(state))
        clock.seconds = 0.0 if known > 0 else 0.004
        return clock.judge(game, state)

    player = SearchPlayer("cached", Puct(), cached)
    thinker = Thinker(game, player, np.random.default_rng(0), clock)
    told = list(thinker.think(start(game), Limit(seconds=9.0), lambda: clock.now > 0))
    assert not any(each.last for each in told)
    assert 0 < clock.now <= 0.13


@pytest.mark.parametrize("search", SEARCHES)
@pytest.mark.parametrize("limit", [Limit(5_000), Limit(seconds=1e6), Limit(40_000, 1e6)])
def test_what_is_proven_ends_a_search_early(search: Search, limit: Limit) -> None:
    game, state = TicTacToe(), start(TicTacToe(), "15")  # a draw: 1 in a corner, then the centre
    thinker = Thinker(game, SearchPlayer("x", search, favourite), np.random.default_rng(0))
    *_, last = thinker.think(state, limit)
    assert last.proven
    assert last.last
    assert last.value == 0.0
    assert last.simulations < 5_000
    assert game.num_actions >= len(last.line) > 3


@pytest.mark.parametrize("search", SEARCHES)
def test_the_first_of_two_limits_counts(search: Search) -> None:
    clock, game = Clock(0.01), Connect4()
    thinker = Thinker(game, SearchPlayer("x", search, clock.judge), np.random.default_rng(0), clock)
    *_, last = thinker.think(start(game), Limit(simulations=100, seconds=100.0))
    assert last.simulations == 100
    assert last.last
    *_, last = thinker.think(start(game), Limit(simulations=1_000, seconds=1.0))
    assert 80 <= last.simulations <= 105
    assert 1.0 <= last.seconds <= 1.05


def test_a_tree_outgrows_its_first_room() -> None:
    game, player = Connect4(), SearchPlayer("x", Puct(), favourite)
    thinker = Thinker(game, player, np.random.default_rng(0))
    *_, last = thinker.think(start(game), Limit(simulations=5_000, seconds=1e6))
    whole = take(
        SearchPlayer("y", Puct(simulations=5_000), favourite).decide(
            game, start(game), np.random.default_rng(0)
        ),
        0,
    )
    assert last.simulations == 5_000
    assert last.visits.tolist() == whole.visits.tolist()


def test_the_net_is_told_apart_from_the_search() -> None:
    game = TicTacToe()
    player = SearchPlayer("x", Gumbel(), favourite)
    first, *_ = Thinker(game, player, np.random.default_rng(0)).think(start(game), Limit(20))
    raw = np.exp(np.linspace(0.0, 1.0, 9))
    np.testing.assert_allclose(first.prior, raw / raw.sum(), rtol=1e-5)
    assert first.net_value == pytest.approx(0.1)
    (only,) = Thinker(game, RandomPlayer(), np.random.default_rng(0)).think(start(game), Limit())
    assert only.prior is None
    assert only.last
    assert only.line == (only.action,)
    *_, rollouts = Thinker(game, RolloutPlayer(30), np.random.default_rng(0)).think(
        start(game), Limit()
    )
    assert rollouts.prior is None
    assert rollouts.net_value is None
    assert rollouts.simulations == 30


def test_a_player_by_time_has_its_time_for_every_position() -> None:
    clock, game = Clock(0.01), Connect4()
    player = TimedPlayer("x:1s", SearchPlayer("x", Gumbel(), clock.judge), 1.0, clock)
    decision = player.decide(game, game.init(np.random.default_rng(0), 3), np.random.default_rng(0))
    assert 3.0 <= clock.now <= 3.2
    assert (decision.visits.sum(axis=1) > 80).all()
    assert decision.policy.shape == (3, 7)
    assert game.legal(game.init(np.random.default_rng(0), 1))[0, decision.action].all()
    thinker = Thinker(game, player, np.random.default_rng(0), clock)
    told: Iterator[Insight] = thinker.think(start(game), Limit())
    assert 1.0 <= list(told)[-1].seconds <= 1.05
