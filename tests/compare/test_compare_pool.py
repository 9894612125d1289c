"""Pools: who meets whom, openings that are decided, planted Elo, nothing played twice."""

from __future__ import annotations

import json
from itertools import combinations
from pathlib import Path
from typing import Any, NamedTuple

import numba
import numpy as np
import pytest

from envs.connect4 import Connect4
from envs.tictactoe import TicTacToe
from envs.toys import Nim
from selfplay.arrays import length, take
from selfplay.compare import play_pool as playing
from selfplay.compare import pool as rating
from selfplay.compare.analysis.bootstrap import seed_spread
from selfplay.compare.analysis.dependent import Tally, add, shares, tally
from selfplay.compare.groups import Group, group_runs
from selfplay.compare.json_values import as_plain
from selfplay.compare.play_pool import PlayedMoves, PoolOrder, Progress, play_pool
from selfplay.compare.pool import Entrant, Meeting, rate, read_pool
from selfplay.compare.records import read_runs
from selfplay.config import parse_config
from selfplay.lines.keys import canonical_keys
from selfplay.lines.openings import distinct_openings
from selfplay.measure.own_games import own_positions, sample_different
from selfplay.players.arena import new_match, play_on
from selfplay.players.pairing import make_schedule, unbalanced_openings
from selfplay.players.players import RandomPlayer, SolverPlayer
from selfplay.stats import wilson
from selfplay.training.folder import RunFolder
from selfplay.training.run import Training
from selfplay.truth.labels import Labeller
from selfplay.truth.solver import solver_for


@pytest.fixture(scope="module", autouse=True)
def own_labels(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("NUMBA_CACHE_DIR", numba.config.CACHE_DIR)  # kernels stay where they are
        yield


def test_few_players_all_meet_all_but_their_own_kind() -> None:
    teams = [0, 0, 1, 2, 2]
    expected = [(i, j) for i, j in combinations(range(5), 2) if teams[i] != teams[j]]
    assert make_schedule(teams, 8) == expected


def test_many_players_meet_near_and_far_ones() -> None:
    teams = [i // 3 for i in range(60)]
    planned = make_schedule(teams, 8)
    assert len(set(planned)) == len(planned)
    assert all(i < j and teams[i] != teams[j] for i, j in planned)
    meets = np.bincount(np.array(planned).ravel(), minlength=60)
    assert meets.min() >= 8
    assert len(planned) < 60 * 8  # far from the 1,710 of all pairs
    gaps = np.abs(np.diff(np.array(planned), axis=1))
    assert (gaps <= 5).mean() > 0.3
    assert (gaps > 20).mean() > 0.1


def test_newcomers_alone_have_games_to_play() -> None:
    teams = [i // 3 for i in range(60)]
    before = make_schedule(teams, 8)
    assert make_schedule(teams, 8, before) == []
    more = [*teams, 20, 20, 20]
    added = make_schedule(more, 8, before)
    assert {max(pair) for pair in added} == {60, 61, 62}
    assert len(added) == 24


def test_islands_are_joined() -> None:
    teams = [0, 1, 2, 3]
    assert make_schedule(teams, 1, [(0, 1), (2, 3)]) == [(1, 2)]
    with pytest.raises(ValueError, match="players of two kinds"):
        make_schedule([0, 0], 3)


def test_openings_are_decided_for_the_one_and_the_other_in_turn() -> None:
    game = TicTacToe()
    with Labeller(game) as labeller:
        openings = unbalanced_openings(game, 40, 5, 3, labeller)
        fewer = unbalanced_openings(game, 12, 5, 3, labeller)
    scores = solver_for(game).scores(openings.state)
    first = np.sign(np.nanmax(scores, axis=1)) * np.where(openings.second, -1, 1)
    assert first.tolist() == [1, -1] * 20
    assert len(np.unique(canonical_keys(game, openings.state))) == 40
    np.testing.assert_array_equal(fewer.moves, openings.moves[:12])


def test_openings_without_truth_and_where_only_one_side_can_win() -> None:
    game = Connect4()
    openings = unbalanced_openings(game, 30, 4, 0, None)
    assert len(np.unique(canonical_keys(game, openings.state))) == 30
    nim = Nim(5, take=2)
    with Labeller(nim) as labeller:
        openings = unbalanced_openings(nim, 7, 1, 0, labeller)
    assert length(openings.second) == 7  # two positions, again and again


def meeting(a: str, b: str, share: float, pairs: int, rng: np.random.Generator) -> Meeting:
    results = np.where(rng.random((pairs, 2)) < share, 1, -1).astype(np.int8)
    return Meeting(a, b, results, (Tally(1, 10), Tally()))


def test_planted_elo_comes_back_from_a_sparse_pool() -> None:
    """8 groups of 3 runs whose strength differs by seed; intervals cover the groups' means."""
    rng = np.random.default_rng(0)
    truth = np.linspace(-200, 200, 8)
    runs = truth.repeat(3) + rng.normal(0, 40, 24)
    teams = [i // 3 for i in range(24)]
    names = [f"run{i}" for i in range(24)]
    entrants = [Entrant(name, f"group{t}", False) for name, t in zip(names, teams, strict=True)]
    entrants.append(Entrant("random", "random", True))
    every = [*runs, -500.0]
    planned = make_schedule([*teams, 8], 8)
    assert len(planned) < 200
    meetings = [
        meeting(entrants[i].identity, entrants[j].identity,
                1 / (1 + 10 ** ((every[j] - every[i]) / 400)), 60, rng)
        for i, j in planned
    ]  # fmt: skip
    pool = rate(entrants, [*meetings, meeting("run0", "gone", 0.5, 9, rng)], 120, 64)
    assert pool.labels == (*(f"group{t}" for t in range(8)), "random")
    assert pool.elo[:8].mean() == pytest.approx(0)
    found = runs.reshape(8, 3).mean(axis=1)
    np.testing.assert_allclose(pool.elo[:8], found - found.mean(), atol=45)
    covered = (pool.low[:8] <= truth) & (truth <= pool.high[:8])
    assert covered.sum() >= 7
    assert (pool.high - pool.low)[:8].max() < 250
    assert pool.elo[8] < -350
    off = ~np.isnan(pool.score)
    assert not off.diagonal().any()
    np.testing.assert_allclose((pool.score + pool.score.T)[off], 1)
    assert pool.own_mistake_rate[0] == pytest.approx(0.1)
    assert np.isnan(pool.own_mistake_rate[8])


def test_one_run_a_group_has_intervals_of_the_games() -> None:
    rng = np.random.default_rng(1)
    entrants = [Entrant(name, name, False) for name in "ab"]
    few = rate(entrants, [meeting("a", "b", 0.7, 20, rng)], 40, 0)
    many = rate(entrants, [meeting("a", "b", 0.7, 500, rng)], 1000, 0)
    assert few.low[0] < few.elo[0] < few.high[0]
    assert many.high[0] - many.low[0] < 0.4 * (few.high[0] - few.low[0])
    # 70% of the points are 147 Elo, half of them above the mean of the two
    assert many.elo[0] == pytest.approx(73.5, abs=15)


def train(folder: Path, seed: int, width: int, positions: int) -> None:
    plain: dict[str, Any] = {
        "game": "tictactoe", "seed": seed, "net": {"kind": "mlp", "width": width, "layers": 1},
        "regime": {"kind": "policy_gradient", "games": 64}, "evaluator": {"precision": "float32"},
        "learner": {"batch": 256, "lr": 0.01, "warmup_steps": 5},
        "strength": {"every_s": 1e6, "versus": ["random"], "games": 2, "simulations": 4},
        "budget": {"positions": positions},
    }  # fmt: skip
    Training(RunFolder(folder), parse_config(plain)).run()


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two groups of two seeds: nets that learned a little, and nets that learned nothing."""
    folder = tmp_path_factory.mktemp("sweep")
    for seed in (0, 1):
        train(folder / f"more-{seed}", seed, 64, 10_000)
        train(folder / f"less-{seed}", seed, 8, 64)
    return folder


def groups_of(sweep: Path) -> tuple[Group, ...]:
    return group_runs(read_runs([sweep]).runs)


def matches_in(folder: Path) -> list[Any]:
    return list(json.loads((folder / "pool.json").read_text())["matches"])


ORDER = PoolOrder(games=20, simulations=0, anchors=("solver", "random"), own_positions=60)


def test_an_interrupted_pool_goes_on(
    sweep: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(playing, "GAMES_AT_ONCE", 80)
    groups = groups_of(sweep)
    whole, broken = tmp_path / "straight", tmp_path / "stopped"
    pairs: list[tuple[int, str]] = []
    straight = play_pool(whole, groups, ORDER, lambda told: pairs.append((told.of, told.pair)))
    assert [of for of, _ in pairs] == [4 + 4 * 2 + 1] * 4  # of 4, 4, 4 and 1 matches
    assert as_plain(read_pool(whole)) == as_plain(straight)

    def stop(told: Progress) -> None:
        if told.played == 8:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        play_pool(broken, groups, ORDER, stop)
    assert read_pool(broken) is None
    rest: list[tuple[int, str]] = []
    again = play_pool(broken, groups, ORDER, lambda told: rest.append((told.of, told.pair)))
    assert rest == [(5, pair) for _, pair in pairs[2:]]
    assert as_plain(again) == as_plain(straight)
    # the best of the pool, the worst, and what the nets are between them
    label = {name: i for i, name in enumerate(straight.labels)}
    less, more = (label[group.label] for group in sorted(groups, key=lambda g: g.parameters))
    elo = straight.elo
    assert elo[label["solver"]] > elo[more] > elo[label["random"]]
    assert elo[more] > elo[less]
    assert straight.own_mistake_rate[label["solver"]] == 0
    assert straight.own_mistake_rate[label["random"]] > 0.2
    assert straight.low[more] < elo[more] < straight.high[more]
    assert straight.games == 20


def test_more_games_and_runs_add_to_what_was_played_by_the_same_search(
    sweep: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    groups = groups_of(sweep)
    one = tuple(group._replace(runs=group.runs[:1]) for group in groups)
    play_pool(tmp_path, one, ORDER)
    before = matches_in(tmp_path)
    played: list[int] = []
    play_on = playing.play_on

    def counting(game: Any, players: Any, matches: Any, openings: Any, *rest: Any) -> Any:
        played.extend(length(openings) - len(match.results) for match in matches)
        return play_on(game, players, matches, openings, *rest)

    monkeypatch.setattr(playing, "play_on", counting)
    pool = play_pool(tmp_path, groups, ORDER)
    assert played == [10] * (13 - len(before))
    after = matches_in(tmp_path)
    assert all(match in after for match in before)
    played.clear()
    more = play_pool(tmp_path, groups, ORDER._replace(games=28))
    assert played == [4] * 13
    assert more.games == 28
    assert more.labels == pool.labels
    for match, longer in zip(after, matches_in(tmp_path), strict=True):
        assert longer["results"][:10] == match["results"]
        assert len(longer["results"]) == 14
    content = (tmp_path / "pool.json").read_bytes()
    with pytest.raises(ValueError, match=r"played with simulations = 0; you asked for 16"):
        play_pool(tmp_path, groups, ORDER._replace(simulations=16))
    assert (tmp_path / "pool.json").read_bytes() == content
    with pytest.raises(ValueError, match=r"'human' is no anchor; use random, mcts:N"):
        play_pool(tmp_path / "x", groups, ORDER._replace(anchors=("human",)))


def test_a_pool_is_read_or_told_to_be_damaged(tmp_path: Path) -> None:
    assert read_pool(tmp_path) is None
    (tmp_path / "pool.json").write_text('{"terms": {}, "matches": [], "pool": {"labels": ["a"]}}')
    with pytest.raises(ValueError, match=r"pool.json is damaged \('elo'\); remove it"):
        read_pool(tmp_path)
    (tmp_path / "pool.json").write_text('{"terms')
    with pytest.raises(ValueError, match="is damaged"):
        read_pool(tmp_path)


def test_own_positions_are_where_the_player_went() -> None:
    game = TicTacToe()
    with Labeller(game) as labeller:
        found, again = (own_positions(game, SolverPlayer(game), 40, labeller) for _ in range(2))
        assert found is not None
        assert again is not None
        np.testing.assert_array_equal(found.state.mover, again.state.mover)
        assert len(np.unique(canonical_keys(game, found.state))) == length(found.state) == 40
        np.testing.assert_array_equal(found.scores, solver_for(game).scores(found.state))
        rng = np.random.default_rng(0)
        start = game.init(rng, 5)
        rows = sample_different(game, take(start, np.zeros(5, np.int64)), 3, labeller, rng)
        assert rows.tolist() == [0]  # all five are the same position


def test_moves_are_told_by_player_and_opening() -> None:
    """Two openings, each played twice: who moved where is what the results' seats say."""
    game = TicTacToe()
    openings = distinct_openings(game, 2, 1, np.random.default_rng(0))
    players, played = {"a": RandomPlayer(), "b": RandomPlayer()}, PlayedMoves()
    play_on(game, players, [new_match("a", "b")], openings, np.random.default_rng(1), played)
    told = [played.moves_of(name) for name in "ab"]
    assert played.moves_of("c") is None
    assert told[0] is not None
    assert told[1] is not None
    for state, action, opening in told:
        assert length(state) == len(action) == len(opening)
        legal = game.legal(state)[np.arange(len(action)), action]
        assert legal.all()
        assert set(opening.tolist()) == {0, 1}
    # one random move, so that the second seat begins: both begin once from each opening
    begun = [int((game.legal(state).sum(axis=1) == 8).sum()) for state, *_ in told]
    assert begun == [2, 2]


class Planted(NamedTuple):
    """In place of a posterior of ratings."""

    names: tuple[str, ...]
    elo: np.ndarray
    samples: np.ndarray


@pytest.mark.parametrize(("noise", "repeats"), [(0.0, 250), (30.0, 250)])
def test_elo_intervals_hold_groups_as_often_as_they_say(
    noise: float, repeats: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """8 groups of 3 seeds that spread by 40 Elo, measured with an error; 84% where each group's
    spread was taken with the freedom of all."""
    names = [f"run{i}" for i in range(24)]
    entrants = [Entrant(name, f"group{i // 3}", False) for i, name in enumerate(names)]
    meetings = [Meeting(name, names[0], np.zeros((1, 2), np.int8)) for name in names[1:]]
    truth = np.linspace(-200, 200, 8)
    held = []
    for repeat in range(repeats):
        rng = np.random.default_rng(repeat)
        elo = truth.repeat(3) + rng.normal(0, 40, 24) + rng.normal(0, noise, 24)
        samples = elo + rng.normal(0, noise, (500, 24)) if noise else np.tile(elo, (500, 1))
        monkeypatch.setattr(
            rating, "rating_posterior", lambda _, e=elo, s=samples: Planted(tuple(names), e, s)
        )
        pool = rate(entrants, meetings, 2, 0)
        held.append((pool.low <= truth) & (truth <= pool.high))
    assert 0.93 <= np.mean(held) <= 0.985


def test_the_spread_of_runs_is_that_beyond_their_errors() -> None:
    rng = np.random.default_rng(0)
    group = np.arange(400) // 2
    errors = rng.normal(0, 30, 400)
    value = rng.normal(0, 40, 400) + errors
    samples = value + rng.normal(0, 30, (200, 400))
    drawn = seed_spread(value, samples, group, rng)
    assert np.median(drawn) == pytest.approx(40, rel=0.15)
    with pytest.raises(ValueError, match="two runs in a group"):
        seed_spread(value[:2], samples[:, :2], np.arange(2), rng)


def test_moves_from_one_opening_are_no_independent_trials() -> None:
    """20 moves each from 15 openings, in half of which a player errs all the time."""
    held, wide = [], []
    for repeat in range(300):
        rng = np.random.default_rng(repeat)
        opening = np.arange(15).repeat(20)
        bad = rng.random(15) < 0.5
        wrong = bad[opening] & (rng.random(300) < 0.6)
        (found,) = shares([[tally(wrong, opening)]])
        held.append(found.low <= 0.3 <= found.high)
        wide.append(found.high - found.low)
    assert 0.90 <= np.mean(held) <= 0.99
    plain = wilson(90, 300)
    assert np.mean(wide) > 2 * (plain.high - plain.low)


def test_runs_that_err_apart_widen_the_share_of_their_group() -> None:
    """4 groups of 3 runs, whose true shares spread by 5 points; single moves are independent."""
    held = []
    for repeat in range(200):
        rng = np.random.default_rng(repeat)
        groups = []
        for _ in range(4):
            rates = np.clip(0.2 + rng.normal(0, 0.05, 3), 0.01, 0.9)
            runs = [tally(rng.random(300) < rate, np.arange(300) // 10) for rate in rates]
            groups.append(runs)
        held += [each.low <= 0.2 <= each.high for each in shares(groups)]
    assert 0.90 <= np.mean(held) <= 0.99


def test_tallies_add_up_and_older_ones_are_taken_as_independent() -> None:
    wrong = np.array([True, False, True, True])
    one, other = tally(wrong, np.array([0, 0, 1, 1])), tally(wrong[:2], np.array([5, 6]))
    assert one == (3, 4, 2, 5, 6, 8)
    assert add([one, Tally(), other]) == (4, 6, 4, 6, 7, 10)
    assert add([one, Tally(1, 10)]) == (4, 14, 0, 0, 0, 0)
    found, nothing = shares([[Tally(10, 100)], [Tally()]])
    assert found == wilson(10, 100)
    assert np.isnan(nothing.value)
