"""Othello's ends: exact disc differences against brute force and against published problems."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from envs.othello import Othello, OthelloState
from selfplay.arrays import length, take
from selfplay.lines.keys import canonical_keys
from selfplay.stats import random_actions
from selfplay.truth import othello as stages
from selfplay.truth.base import optimal_moves
from selfplay.truth.othello import EMPTIES, OthelloSolver, few_replies
from selfplay.truth.othello_endgame import endgame, solve, solve_moves
from selfplay.truth.positions import default_positions, read_positions
from selfplay.truth.solver import label_stages, solver_for
from selfplay.types import State

PROBLEMS = Path(__file__).resolve().parents[3] / "shared" / "data" / "othello-ffo"
GAMES = {size: Othello(size) for size in (6, 8)}
INFINITY = np.int64(100)


def late(size: int, empties: int, seed: int, games: int = 40) -> State:
    """Positions of random games with so many empties; games that never had them are left out."""
    game, rng = GAMES[size], np.random.default_rng(seed)
    state = game.init(rng, games)
    while True:
        discs = game.observe(state).planes[:, :2].sum(axis=(1, 2, 3), dtype=np.int64)
        fewer = size * size - discs > empties
        if not (fewer & ~state.over).any():
            return take(state, (size * size - discs == empties) & ~state.over)
        moved, _ = game.step(state, random_actions(game.legal(state), rng))
        keep = fewer[:, None] & ~state.over[:, None]
        state = OthelloState(
            *(np.where(keep[:, 0], new, old) for new, old in zip(moved, state, strict=True))
        )


def brute(game: Othello, state: State) -> list[int]:
    """The disc difference of best play for the player to move of each, by all lines of play."""
    legal = game.legal(state)
    rows, actions = np.nonzero(legal)
    after, paid = game.step(take(state, rows), actions.astype(np.int32))
    theirs, mine = game.observe(after).planes[:, :2].sum(axis=(2, 3), dtype=np.int64).T
    value = mine - theirs + np.sign(mine - theirs) * (game.num_actions - mine - theirs)
    going = np.flatnonzero(paid.discount)
    if len(going):
        beyond = np.array(brute(game, take(after, going)))
        value[going] = paid.discount[going].astype(np.int64) * beyond
    start = np.cumsum(legal.sum(axis=1)) - legal.sum(axis=1)
    best: list[int] = np.maximum.reduceat(value, start).tolist()
    return best


def numbers(state: State, i: int) -> tuple[np.uint64, np.uint64]:
    return state.mover[i], state.other[i]


@pytest.mark.parametrize(
    ("size", "empties"), [(6, 1), (6, 3), (6, 5), (6, 8), (8, 2), (8, 4), (8, 6), (8, 7), (8, 8)]
)
def test_as_brute_force_finds(size: int, empties: int) -> None:
    """From 7 empties on the search sorts its moves and uses its table."""
    state, memory = take(late(size, empties, seed=empties), slice(0, 20)), endgame(size)
    assert length(state) == 20
    found = [solve(*numbers(state, i), -INFINITY, INFINITY, memory) for i in range(20)]
    assert found == brute(GAMES[size], state)
    assert min(found) < 0 < max(found)


@pytest.mark.parametrize("empties", [4, 10])
def test_a_window_gives_bounds_on_the_right_side(empties: int) -> None:
    state = late(8, empties, seed=2)
    for i in range(15):
        exact = solve(*numbers(state, i), -INFINITY, INFINITY, endgame(8))
        memory = endgame(8)  # the same for all windows: bounds in the table must stay true
        for low in (exact - 9, exact - 1, exact, exact + 4):
            found = solve(*numbers(state, i), np.int64(low), np.int64(low + 1), memory)
            assert (exact <= found <= low) if exact <= low else (low < found <= exact)
        assert solve(*numbers(state, i), -INFINITY, INFINITY, memory) == exact


def test_the_best_move_scores_what_the_position_does() -> None:
    state, solver = late(8, 12, seed=3, games=12), solver_for(GAMES[8])
    assert isinstance(solver, OthelloSolver)
    scores = solver.scores(state)
    assert (np.isnan(scores) == ~GAMES[8].legal(state)).all()
    for i in range(length(state)):
        exact = solve(*numbers(state, i), -INFINITY, INFINITY, endgame(8))
        assert np.nanmax(scores[i]) == exact


def test_scores_stand_at_the_games_own_actions_on_the_small_board() -> None:
    game = GAMES[6]
    state = late(6, 6, seed=4)
    scores = solver_for(game).scores(state)
    rows, actions = np.nonzero(game.legal(state))
    after, paid = game.step(take(state, rows), actions.astype(np.int32))
    going = np.flatnonzero(paid.discount)
    found = scores[rows[going], actions[going]]
    assert found.tolist() == (paid.discount[going] * brute(game, take(after, going))).tolist()


def test_symmetric_positions_score_alike() -> None:
    game = GAMES[8]
    state, memory = late(8, 9, seed=5), endgame(8)
    for k in range(8):
        planes = game.transform(game.observe(state), k).planes
        bits = planes.reshape(len(planes), 3, 64).astype(np.uint64) << np.arange(
            64, dtype=np.uint64
        )
        turned = bits.sum(axis=2, dtype=np.uint64)
        for i in range(10):
            value = solve(turned[i, 0], turned[i, 1], -INFINITY, INFINITY, memory)
            assert value == solve(*numbers(state, i), -INFINITY, INFINITY, endgame(8))


def test_empties_count_for_the_winner_and_a_pass_is_no_end() -> None:
    memory = endgame(8)
    mover, other = np.uint64(0b001), np.uint64(0b010)  # a1, b1: c1 wipes White out
    assert solve(mover, other, -INFINITY, INFINITY, memory) == 64
    assert solve(other, mover, -INFINITY, INFINITY, memory) == -64  # White has to pass
    lone = np.uint64(0)
    assert solve(mover, lone, -INFINITY, INFINITY, memory) == 64
    assert solve(mover, np.uint64(1 << 63), -INFINITY, INFINITY, memory) == 0
    assert solve(np.uint64(0b111), np.uint64(1 << 63), -INFINITY, INFINITY, memory) == 62


def test_a_finished_game_scores_0_and_one_too_far_is_refused() -> None:
    game = GAMES[8]
    start = game.init(np.random.default_rng(0), 1)
    solver = solver_for(game)
    with pytest.raises(
        ValueError,
        match="othello is solved from 18 empty squares on; a position with 60 was asked for",
    ):
        solver.scores(start)
    assert solver.scores(start._replace(over=np.array([True]))).tolist() == [[0.0] * 64]


def problems() -> list[tuple[str, np.uint64, np.uint64, dict[int, int]]]:
    """The problems with up to 18 empties: name, discs, and the scores told by square."""
    found = []
    for path in sorted(PROBLEMS.glob("*.obf")):
        for number, line in enumerate(path.read_text().splitlines()):
            if not 0 < line.count("-", 0, 64) <= 18:
                continue
            board, *told = (part.strip() for part in line.split(";"))
            black, white = (
                np.uint64(sum(1 << i for i, mark in enumerate(board[:64]) if mark == colour))
                for colour in "XO"
            )
            mover, other = (black, white) if board[65] == "X" else (white, black)
            pairs = (part.split(":")[:2] for part in told if part)
            scores = {GAMES[8].parse_action(name): int(score) for name, score in pairs}
            found.append((f"{path.name}, line {number + 1}", mover, other, scores))
    return found


@pytest.mark.skipif(not PROBLEMS.exists(), reason=f"{PROBLEMS} is not there")
def test_the_problems_of_the_french_federation() -> None:
    """Every move of the 23 problems with up to 18 empties has the published score."""
    memory, scores = endgame(8), np.empty(64, np.float32)
    every = problems()
    assert len(every) == 23
    for name, mover, other, told in every:
        solve_moves(mover, other, memory, scores)
        assert {square: scores[square] for square in told} == told, name


def test_another_process_loads_the_kernels_from_the_cache() -> None:
    """numba crashes on loading functions that call one another in circles."""
    program = (
        "import numpy as np; from selfplay.truth.othello_endgame import endgame, solve_moves; "
        "row = np.empty(64, np.float32); "
        "solve_moves(np.uint64(1), np.uint64(2), endgame(8), row); print(row[2])"
    )
    solve_moves(np.uint64(1), np.uint64(2), endgame(8), np.empty(64, np.float32))  # into the cache
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "64.0\n")


@pytest.mark.parametrize("size", [6, 8])
def test_the_ends_of_othello_that_ship(size: int) -> None:
    """Sets by empty squares, both sources and results in the stated shares, scores exact."""
    game = Othello(size)
    path = default_positions(game)
    assert path is not None
    assert path.stat().st_size < 50_000
    positions = read_positions(game, path)
    assert positions.set_names == tuple(f"{empties}-empties" for empties in EMPTIES)
    assert np.bincount(positions.set_index).tolist() == [100] * 4
    assert len(np.unique(canonical_keys(game, positions.state))) == 400
    discs = game.observe(positions.state).planes[:, :2].sum(axis=(1, 2, 3), dtype=int)
    empties = np.array(EMPTIES)[positions.set_index]
    assert (size * size - discs == empties).all()
    legal = game.legal(positions.state).sum(axis=1)
    assert (legal > 1).all()
    best = np.nanmax(positions.scores, axis=1)
    lost = best < 0
    assert np.bincount(positions.set_index[lost]).tolist() == [30] * 4
    assert (optimal_moves(positions.scores).sum(axis=1) < legal)[~lost].all()
    assert (best > 0).sum() > 200
    assert (best == 0).sum() > 10
    few = np.flatnonzero(empties <= 12)[::10]
    found = solver_for(game).scores(take(positions.state, few))
    np.testing.assert_array_equal(found, positions.scores[few])


def test_othello_is_labelled_the_same_for_a_seed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stages, "EMPTIES", (5, 8))
    game = Othello(6)
    for name in ("one.csv", "two.csv"):
        label_stages(game, tmp_path / name, 10, seed=3)
    assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "two.csv").read_bytes()
    positions = read_positions(game, tmp_path / "one.csv")
    assert positions.set_names == ("5-empties", "8-empties")
    lost = np.nanmax(positions.scores, axis=1) < 0
    assert np.bincount(positions.set_index[lost]).tolist() == [3, 3]
    label_stages(game, tmp_path / "three.csv", 10, seed=4)
    assert (tmp_path / "three.csv").read_bytes() != (tmp_path / "one.csv").read_bytes()


def test_few_replies_leaves_few_replies() -> None:
    """From one start: the move it likes three times in four, and others now and then."""
    game, rng = Othello(), np.random.default_rng(0)
    state = game.init(rng, 4000)
    for name in ("f5", "d6", "c3"):
        state, _ = game.step(state, np.full(4000, game.parse_action(name), np.int32))
    replies = {}
    for action in np.flatnonzero(game.legal(state)[0]):
        after, _ = game.step(take(state, [0]), np.array([action], np.int32))
        replies[int(action)] = int(game.legal(after).sum())
    fewest = [action for action, count in replies.items() if count == min(replies.values())]
    chosen = few_replies(game, state, rng)
    share = float(np.isin(chosen, fewest).mean())
    expected = 0.75 + 0.25 * len(fewest) / len(replies)
    assert len(fewest) < len(replies)
    assert abs(share - expected) < 3 * np.sqrt(expected * (1 - expected) / 4000)
