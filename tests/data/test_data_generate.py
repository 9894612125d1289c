"""Games of experts: perfect, softened, repeatable, and what they are charged."""

from __future__ import annotations

import importlib.util
import itertools
import os
import signal
from collections.abc import Callable
from pathlib import Path

import numba
import numpy as np
import pytest
from reference import exact_qvalues

from envs.connect4 import Connect4
from envs.tictactoe import TicTacToe
from selfplay.actors import Processes, Ray, Threads
from selfplay.actors.base import BackendSection
from selfplay.arrays import take
from selfplay.data.dataset import open_data
from selfplay.data.generate import GamesOrder, Progress, generate
from selfplay.lines.games import Games, first_rows, play
from selfplay.lines.keys import canonical_keys
from selfplay.lines.lockstep import Turn
from selfplay.stats import random_actions, soften
from selfplay.system.workers import Workers
from selfplay.truth.base import optimal_moves
from selfplay.truth.labels import Labeller
from selfplay.truth.solver import solver_for
from selfplay.types import Game, Player

needs_ray = pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="needs Ray")


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("NUMBA_CACHE_DIR", numba.config.CACHE_DIR)  # kernels stay where they are


def no_run(run: str, step: int | None, simulations: int | None) -> Player:
    raise ValueError(f"there is no run {run!r}")


def made(order: GamesOrder, game: Game, out: Path) -> Games:
    """All positions of a new data set."""
    generate(order, game, out, no_run, np.empty(0, np.uint64))
    data = open_data(out, game)
    return data.take(np.arange(len(data)))


def test_the_solver_at_0_is_perfect(tmp_path: Path) -> None:
    game = TicTacToe()
    games = made(GamesOrder("solver", "tictactoe", 200, 0.0, openings=4), game, tmp_path / "x")
    assert games.scores is not None
    assert games.policy is not None
    assert len(np.unique(games.game)) == 200
    known: dict[bytes, float] = {}
    for i in range(len(games.action)):
        truth = exact_qvalues(game, take(games.state, [i]), known)
        best = max(truth.values())
        assert truth[int(games.action[i])] == best == games.outcome[i]
        assert {a: np.sign(games.scores[i, a]) for a in truth} == truth
        assert np.isnan(games.scores[i]).sum() == 9 - len(truth)
        drawn = np.flatnonzero(games.policy[i])
        top = np.flatnonzero(games.scores[i] == np.nanmax(games.scores[i]))
        assert drawn.tolist() == top.tolist()
        np.testing.assert_allclose(games.policy[i, drawn], 1 / len(drawn), rtol=1e-3)
    start = solver_for(game).scores(game.init(np.random.default_rng(0), 1))
    assert optimal_moves(start).all()  # so that the next is no accident of one best move
    first = games.action[(games.ply == 0)]
    assert set(first.tolist()) == set(range(9))


def test_moves_come_as_often_as_the_temperature_says(tmp_path: Path) -> None:
    # planted: scores 1, 0, -2 and an illegal action at T = 2
    scores = np.array([[1.0, 0.0, -2.0, np.nan]], np.float32)
    weights = np.exp([0.5, 0.0, -1.0])
    np.testing.assert_allclose(soften(scores, 2.0)[0, :3], weights / weights.sum(), rtol=1e-6)
    assert soften(scores, 2.0)[0, 3] == 0
    assert soften(scores, 0.0).tolist() == [[1, 0, 0, 0]]
    assert soften(np.array([[3, 3, 1]], np.float32), 0.0).tolist() == [[0.5, 0.5, 0]]
    drawn = random_actions(np.repeat(soften(scores, 2.0), 10_000, 0), np.random.default_rng(0))
    assert not (drawn == 3).any()
    for action, chance in enumerate(weights / weights.sum()):
        sigma = (chance * (1 - chance) * 10_000) ** 0.5
        assert abs((drawn == action).sum() - 10_000 * chance) < 3 * sigma
    # the moves of a data set against that of a solver's scores, in classes of chance
    game = TicTacToe()
    games = made(GamesOrder("solver", "tictactoe", 600, 0.7), game, tmp_path / "x")
    assert games.policy is not None
    chance = soften(solver_for(game).scores(games.state), 0.7)
    np.testing.assert_allclose(games.policy, chance, atol=1e-3)
    played = np.arange(9) == games.action[:, None]
    edges = (0.001, 0.1, 0.2, 0.4, 0.999)
    for low, high in itertools.pairwise(edges):
        within = (chance > low) & (chance <= high)
        expected = chance[within].sum()
        sigma = (chance[within] * (1 - chance[within])).sum() ** 0.5
        assert expected > 50
        assert abs(played[within].sum() - expected) < 3 * sigma


def test_moves_of_openings_are_not_the_experts(tmp_path: Path) -> None:
    game = Connect4()

    def leftmost(turn: Turn, rng: np.random.Generator) -> tuple[np.ndarray, None]:
        stones = np.bitwise_count(turn.state.mover | turn.state.other)
        np.testing.assert_array_equal(turn.second, stones % 2 == 1)
        legal = game.legal(turn.state)
        chosen = np.arange(7) == legal.argmax(axis=1)[:, None]
        return chosen.astype(np.float32), None

    games = play(game, leftmost, 300, 10, np.random.default_rng(0))
    assert games.policy is not None
    assert games.ply is not None
    assert games.scores is None
    legal = game.legal(games.state)
    np.testing.assert_array_equal(games.action, legal.argmax(axis=1))
    np.testing.assert_array_equal(games.policy.argmax(axis=1), games.action)
    first = games.ply[first_rows(games.game)]
    assert len(first) == 300
    assert abs((first == 0).sum() - 150) < 3 * 75**0.5
    assert set(first.tolist()) == set(range(11))
    stones = np.bitwise_count(games.state.mover | games.state.other)
    np.testing.assert_array_equal(games.ply, stones)
    assert games.second is not None
    np.testing.assert_array_equal(games.second, stones % 2 == 1)
    assert set(np.unique(games.outcome)) <= {-1.0, 0.0, 1.0}


def test_the_same_seed_gives_the_same_games(tmp_path: Path) -> None:
    game = TicTacToe()
    order = GamesOrder("mcts:16", "tictactoe", 40, 1.0, openings=3, seed=5)
    one = made(order, game, tmp_path / "one")
    two = made(order._replace(processes=2), game, tmp_path / "two")
    other = made(order._replace(seed=6), game, tmp_path / "other")
    np.testing.assert_array_equal(one.action, two.action)
    np.testing.assert_array_equal(one.state.mover, two.state.mover)
    np.testing.assert_array_equal(one.policy, two.policy)
    assert one.scores is None
    assert one.action.tolist() != other.action.tolist()
    assert open_data(tmp_path / "two", game).manifest.source.expert_s > 0


@pytest.mark.parametrize("backend", [Threads(), Processes(), pytest.param(Ray(), marks=needs_ray)])
def test_every_backend_makes_the_same_files(backend: BackendSection, tmp_path: Path) -> None:
    """As this process alone does, in two blocks of games or more."""
    order = GamesOrder("mcts:4", "tictactoe", 70, 1.0, openings=3, seed=5)
    none, written = np.empty(0, np.uint64), []
    for name, processes, make in (("one", 1, Workers), ("two", 2, backend.make_workers)):
        out = tmp_path / name
        each = order._replace(processes=processes)
        generate(each, TicTacToe(), out, no_run, none, make_workers=make)
        files = [file.relative_to(out) for file in sorted(out.rglob("*.npy"))]
        written.append({file: (out / file).read_bytes() for file in files})
    assert len(written[0]) == 11
    assert written[0] == written[1]


def test_minimax_takes_a_win(tmp_path: Path) -> None:
    game = TicTacToe()
    games = made(GamesOrder("minimax:2", "tictactoe", 60, 0.0, openings=4), game, tmp_path / "x")
    rows, actions = np.nonzero(game.legal(games.state))
    _, paid = game.step(take(games.state, rows), actions.astype(np.int32))
    wins = np.zeros((len(games.action), 9), np.bool_)
    wins[rows, actions] = paid.reward > 0
    some = np.flatnonzero(wins.any(axis=1))
    assert len(some) > 10
    assert wins[some, games.action[some]].all()


def test_what_is_charged_is_what_the_labels_cost(tmp_path: Path) -> None:
    game = TicTacToe()
    heard: list[Progress] = []
    for name in ("first", "second"):
        manifest = generate(
            GamesOrder("solver", "tictactoe", 100, 1.0), game, tmp_path / name, no_run, None,
            heard.append,
        )  # fmt: skip
        data = open_data(tmp_path / name, game)
        keys = np.unique(data.keys(np.arange(len(data))))
        labeller = Labeller(game)
        labeller.scores(data.take(np.arange(len(data))).state)
        assert labeller.made == 0
        assert labeller.used == len(keys)
        assert manifest.source.expert_s == pytest.approx(labeller.seconds, rel=1e-5)
        assert f"{len(keys)} labels" in manifest.source.notes[-1]
    assert [done.games for done in heard] == [32, 64, 96, 100] * 2
    assert heard[-1].positions == len(data)
    # the second run made no label and is charged the same
    assert heard[3].expert_s == heard[7].expert_s > 0


@pytest.mark.slow  # in short: a pool of processes gives the same, in test_data_labels.py
def test_processes_share_labels(tmp_path: Path) -> None:
    pytest.importorskip("bitbully")
    game = Connect4()
    order = GamesOrder("solver", "connect4", 34, 0.0, seed=1)
    one = made(order, game, tmp_path / "one")
    two = made(order._replace(processes=2), game, tmp_path / "two")
    np.testing.assert_array_equal(one.action, two.action)
    np.testing.assert_array_equal(one.scores, two.scores)
    assert (one.outcome[one.ply == 0] == 1).all()  # the first player wins
    sources = [open_data(tmp_path / name, game).manifest.source for name in ("one", "two")]
    assert sources[0].expert_s == pytest.approx(sources[1].expert_s)
    with Labeller(game) as labeller:
        labeller.scores(one.state)
        assert labeller.made == 0
        assert labeller.used == len(np.unique(canonical_keys(game, one.state)))


def test_an_interrupted_set_is_removed(tmp_path: Path) -> None:
    def stop(done: Progress) -> None:
        if done.games >= 64:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        generate(
            GamesOrder("solver", "tictactoe", 100, 1.0), TicTacToe(), tmp_path / "x", no_run, None,
            stop,
        )  # fmt: skip
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"temperature": -1.0}, "a temperature is a number of at least 0, not -1"),
        ({"temperature": float("nan")}, "a temperature is a number of at least 0, not nan"),
        ({"openings": 9}, "openings of 9 moves leave nothing to the expert"),
        ({"expert": "random"}, "random play is no expert"),
        ({"expert": "minimax"}, "'minimax' needs a whole number above 0"),
        ({"expert": "solvr"}, r"did you mean the player 'solver'\?"),
    ],
)
def test_what_cannot_be_is_told(tmp_path: Path, change: dict[str, object], sentence: str) -> None:
    order = GamesOrder("solver", "tictactoe", 10, 0.0)._replace(**change)
    with pytest.raises(ValueError, match=sentence):
        generate(order, TicTacToe(), tmp_path / "x", no_run)
    assert not (tmp_path / "x").exists()


def _dying(*_: object) -> Callable[[object], object]:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


def test_a_process_that_is_killed_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("selfplay.data.generate._begin", _dying)
    order = GamesOrder("minimax:1", "tictactoe", 70, 0.0, processes=2)
    with pytest.raises(ValueError, match="played games was ended from outside, perhaps"):
        generate(order, TicTacToe(), tmp_path / "x", no_run)
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("share", [0.25, 1.0])
def test_so_many_games_begin_at_random(share: float, tmp_path: Path) -> None:
    """Within 3 sigma, and after each number of moves alike."""
    order = GamesOrder("minimax:1", "tictactoe", 400, 0.0, openings=3, opening_share=share)
    games = made(order, TicTacToe(), tmp_path / "x")
    assert games.ply is not None
    begun = games.ply[np.flatnonzero(np.diff(games.game, prepend=-1))]
    opened = int((begun > 0).sum())
    assert abs(opened - 400 * share) <= 3 * (400 * share * (1 - share)) ** 0.5
    plies = np.bincount(begun[begun > 0], minlength=4)[1:]
    assert abs(plies - opened / 3).max() < 3 * (opened * 2 / 9) ** 0.5
    notes = open_data(tmp_path / "x", TicTacToe()).manifest.source.notes
    assert notes[1].startswith(f"{100 * share:.0f}% of the games start with 1 to 3 random moves")
