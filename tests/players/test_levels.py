"""Weakened players: the exact chances of their moves, their names, and what is measured of them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from envs.connect4 import Connect4
from envs.tictactoe import TicTacToe
from selfplay.play.session import GameSession
from selfplay.players.level_ratings import (
    FILE,
    Levels,
    Rating,
    rate_levels,
    read_levels,
    write_levels,
)
from selfplay.players.levels import LEVELS, LevelPlayer, split_level, weaken
from selfplay.players.players import MinimaxPlayer, SolverPlayer, make_player
from selfplay.training.finding import find_folder
from selfplay.types import Decision, Player
from selfplay.verbs.cli import main

NAN = np.nan


def decided(action: int, policy: list[float], qvalues: list[float], copies: int = 1) -> Decision:
    def rows(row: list[float]) -> np.ndarray:
        return np.tile(np.array(row, np.float32), (copies, 1))

    visits = np.zeros((copies, len(policy)), np.int32)
    chosen = np.full(copies, action, np.int32)
    return Decision(chosen, rows(policy), np.full(copies, 0.5, np.float32), visits, rows(qvalues))


def test_chances_are_those_of_the_best_of_some_moves() -> None:
    """Level 5 sees 1 + 5 / 10 of 3 others: of four moves two or three, equally likely.

    Of two the best is seen in 3 of 6 draws, the second in 2, the third in 1; of three in 3 and 1
    of 4.
    """
    ranked = decided(1, [0.5, 0.1, 0.0, 0.0, 0.4], [NAN, NAN, 0.9, NAN, NAN])  # 1, 0, 4, 2
    legal = np.array([[True, True, True, False, True]])
    weak = weaken(ranked, legal, 5, np.random.default_rng(0))
    best, second, third = (3 / 6 + 3 / 4) / 2, (2 / 6 + 1 / 4) / 2, (1 / 6) / 2
    np.testing.assert_allclose(weak.policy[0], [second, best, 0, 0, third], atol=1e-6)
    np.testing.assert_array_equal(weak.qvalues, ranked.qvalues)


@pytest.mark.parametrize("level", range(1, LEVELS + 1))
def test_chances_are_whole_for_any_number_of_moves(level: int) -> None:
    count = 30
    legal = np.tril(np.ones((count, count), np.bool_))  # 1 to 30 moves
    even = decided(0, [1.0] * count, [0.0] * count, copies=count)
    weak = weaken(even, legal, level, np.random.default_rng(0))
    np.testing.assert_allclose(weak.policy.sum(axis=1), 1, atol=1e-6)
    assert (weak.policy[~legal] == 0).all()
    # the best move is seen with the share of the moves that are seen
    expected = (1 + level / 10 * np.arange(count)) / (1 + np.arange(count))
    np.testing.assert_allclose(weak.policy[:, 0], expected, atol=1e-6)


def test_moves_are_drawn_by_these_chances_and_ties_are_broken_at_random() -> None:
    copies = 4000
    tied = decided(0, [1.0, 0.0, 0.0], [0.2, -0.1, -0.1], copies)
    weak = weaken(tied, np.ones((copies, 3), np.bool_), 5, np.random.default_rng(0))
    counts = np.bincount(weak.action, minlength=3) / copies
    best = 2 / 3  # two of three moves are seen
    np.testing.assert_allclose(counts, [best, 1 / 6, 1 / 6], atol=4 * np.sqrt(0.25 / copies))
    np.testing.assert_allclose(weak.value, np.where(weak.action == 0, 0.2, -0.1), atol=1e-6)


def load(run: str, step: int | None, simulations: int | None) -> Player:
    player = MinimaxPlayer(1)
    player.name = f"{run} {step} {simulations}"
    return player


def test_names_of_players_with_levels() -> None:
    game = TicTacToe()
    for name, full in (
        ("solver", "solver"),
        ("minimax:4", "minimax:4"),
        ("x@5:8", "x 5 Limit(simulations=8, seconds=None)"),
    ):
        player = make_player(f"{name}:level=3", game, load)
        assert isinstance(player, LevelPlayer)
        assert (player.level, player.name) == (3, f"{full}:level=3")
    assert split_level("runs/level=3") == ("runs/level=3", None)
    for level in ("0", "10", "x", "", "-1", "1.5", "9" * 5000):
        with pytest.raises(
            ValueError, match="levels are whole numbers from 1 to 9, as in :level=3"
        ):
            make_player(f"solver:level={level}", game, load)


def test_who_plays_at_a_level_advises_at_full_strength() -> None:
    game = TicTacToe()
    player = LevelPlayer(SolverPlayer(game), 1)
    session = GameSession(game, player, 1, np.random.default_rng(0))
    for name in ("1", "5", "2", "9"):
        session.play(game.parse_action(name))
    assert (session.opinion().action, session.opinion().value) == (2, 1.0)  # wins at once
    replies = [session.reply() for _ in range(400)]
    counts = np.bincount([each.action for each in replies], minlength=9)
    best = (1 + 0.1 * 4) / 5  # of five moves it sees 1.4
    assert abs(counts[2] / 400 - best) < 4 * np.sqrt(best * (1 - best) / 400)
    assert counts[[0, 1, 4, 8]].sum() == 0
    assert all(each.value == each.decision.qvalues[each.action] for each in replies)
    assert session.player.name == "solver"
    assert session.opponent.name == "solver:level=1"
    plain = GameSession(game, player.full, 1, np.random.default_rng(0))
    assert plain.reply() is plain.opinion()


def test_levels_of_a_good_player_rise() -> None:
    told: list[str] = []
    games, rated = rate_levels(Connect4(4, 4, 3), MinimaxPlayer(4), 16, 0, told.append)
    assert games == 27 * 32  # of 11 players, who meet four others each or more
    assert [each.level for each in rated] == [*range(1, LEVELS + 1), None]
    assert all(each.low <= each.elo <= each.high for each in rated)
    assert rated[0].elo + 100 < rated[4].elo < rated[9].elo - 100
    assert told[-1] == "864 of 864 games are over"


def test_the_file_is_read_back_and_nothing_else_is(tmp_path: Path) -> None:
    ratings = (Rating(1, 50.0, 10.5, 90.0), Rating(None, 700.0, 650.0, 760.0))
    levels = Levels("connect4", 155, 64, 2160, ratings)
    assert read_levels(tmp_path) is None
    write_levels(tmp_path, levels)
    assert read_levels(tmp_path) == levels
    assert (levels.of(1), levels.of(None), levels.of(2)) == (*ratings, None)
    written = json.loads((tmp_path / FILE).read_text())
    for name, wrong in (
        ("version", 2),
        ("step", "155"),
        ("games", True),
        ("ratings", [{"level": 10, "elo": 1, "low": 0, "high": 2}]),
        ("ratings", [{"level": 1, "elo": "1", "low": 0, "high": 2}]),
    ):
        (tmp_path / FILE).write_text(json.dumps({**written, name: wrong}))
        with pytest.raises(ValueError, match=r"levels.json is damaged or of another version"):
            read_levels(tmp_path)


def test_what_was_measured_is_not_replaced_unasked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Those of an agent that ships are in its own folder; a damaged file is in nobody's way."""
    shipped = find_folder("reference/tictactoe")
    before = (shipped / FILE).read_bytes()
    assert main(["levels", "reference/tictactoe", "--games", "2"]) == 1
    told = capsys.readouterr().err
    assert f"{FILE} holds levels measured in 27,000 games; --force measures them again" in told
    assert (shipped / FILE).read_bytes() == before
    copy = Path(shutil.copytree(shipped, tmp_path / "copy"))
    words = ["levels", str(copy), "--games", "2", "--simulations", "0"]
    assert main([*words, "--force"]) == 0
    measured = read_levels(copy)
    assert measured is not None
    assert measured.games == 54  # 27 pairs of players
    (copy / FILE).write_text("[]")
    assert main(words) == 0
    assert read_levels(copy) == measured
