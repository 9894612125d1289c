"""Matches with known results, their games in a file, Elo by closed form, intervals by coverage."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from examples import example

from envs.connect4 import Connect4
from envs.tictactoe import TicTacToe
from envs.toys import Chain, Nim, Standoff, WinnerLoser
from selfplay.arrays import take
from selfplay.lines.games import replay, side_by_side
from selfplay.lines.keys import canonical_keys
from selfplay.lines.openings import Openings, distinct_openings, enough_plies
from selfplay.players.arena import (
    Match,
    bradley_terry,
    match_json,
    new_match,
    play_on,
    ratings,
    score,
    tournament,
)
from selfplay.players.match_games import MatchGames
from selfplay.players.players import MinimaxPlayer, RandomPlayer, SolverPlayer
from selfplay.types import Decision, Game, Player, State
from selfplay.verbs import cli


class Fixed:
    """Always plays the same action; remembers how many positions it was asked about."""

    def __init__(self, name: str, action: int) -> None:
        self.name, self.action, self.asked = name, action, 0

    def decide(self, game: Game, state: State, rng: np.random.Generator) -> Decision:
        legal = game.legal(state)
        self.asked += len(legal)
        policy = np.zeros(legal.shape, np.float32)
        policy[:, self.action] = 1
        action = np.full(len(legal), self.action, np.int32)
        empty = np.full(legal.shape, np.nan, np.float32)
        return Decision(action, policy, empty[:, 0], np.zeros(legal.shape, np.int32), empty)


def match(a: str, b: str, results: list[tuple[int, int]]) -> Match:
    return Match(a, b, np.array(results, np.int8))


def test_a_share_of_75_percent_is_191_elo() -> None:
    for share, apart in ((0.75, 190.848502), (0.5, 0), (10 / 11, 400)):
        points, games = np.array([share * 100]), np.array([100.0])
        first, second = bradley_terry(np.array([0]), np.array([1]), points, games, 2)
        assert first - second == pytest.approx(apart)
        assert first + second == pytest.approx(0)


def test_elo_of_three_players_adds_up() -> None:
    """Odds of 3 to 1 and 2 to 1 make 6 to 1; many fits at once equal single ones."""
    first, second = np.array([0, 1, 0]), np.array([1, 2, 2])
    games = np.array([40.0, 60.0, 70.0])
    elo = bradley_terry(first, second, games * [3 / 4, 2 / 3, 6 / 7], games, 3)
    assert elo[0] - elo[1] == pytest.approx(400 * np.log10(3))
    assert elo[0] - elo[2] == pytest.approx(400 * np.log10(6))
    points = np.random.default_rng(0).uniform(0.01, 0.99, (50, 3)) * games
    together = bradley_terry(first, second, points, games, 3)
    for row, expected in zip(points, together, strict=True):
        np.testing.assert_allclose(bradley_terry(first, second, row, games, 3), expected)


def test_winning_every_game_is_a_finite_rating() -> None:
    rated = ratings([match("a", "b", [(1, 1)] * 20)], anchor="b")
    assert rated.names == ("a", "b")
    a, b = rated.elo
    assert a.value == pytest.approx(400 * np.log10(41))  # 40 wins and the prior's drawn pair
    assert a.low < a.value < a.high < 2500
    assert tuple(b) == (0, 0, 0)


def test_even_players_are_rated_alike() -> None:
    rated = ratings([match("a", "b", [(1, -1)] * 10 + [(0, 0)] * 10)])
    assert [elo.value for elo in rated.elo] == pytest.approx([0, 0])
    assert rated.anchor == "a"
    with pytest.raises(ValueError, match="no player 'c' to anchor Elo at"):
        ratings([match("a", "b", [(1, -1)])], anchor="c")


def test_a_score_counts_points() -> None:
    found = score(match("a", "b", [(1, 1), (1, 0), (-1, -1), (0, 0)]))
    assert found.value == pytest.approx((2 + 1.5 + 0 + 1) / 8)
    assert found.low < found.value < found.high
    perfect = score(match("a", "b", [(1, 1)] * 50))
    assert perfect.value == perfect.high == 1
    assert 0.94 < perfect.low < 0.99


@pytest.mark.parametrize("strength", [0.5, 0.8])
def test_score_intervals_cover_the_truth(strength: float) -> None:
    # an opening is good for the first seat, for nobody or for the second; the games of a pair
    # are dependent through it
    rng = np.random.default_rng(0)
    tilt = np.array([-0.15, 0.0, 0.15])
    trials, covered = 600, 0
    for _ in range(trials):
        favour = rng.choice(tilt, 60)
        chance = np.stack([strength + favour, strength - favour], axis=1)
        results = np.where(rng.random((60, 2)) < chance, 1, -1).astype(np.int8)
        found = score(Match("a", "b", results))
        covered += found.low <= strength <= found.high
    assert abs(covered / trials - 0.95) < 3 * np.sqrt(0.95 * 0.05 / trials)


def test_the_first_seat_wins_winner_loser_whoever_has_it() -> None:
    players = [Fixed("x", 0), Fixed("y", 0)]
    (found,) = tournament(WinnerLoser(), players, pairs=5, plies=0, seed=0)
    assert found.results.tolist() == [[1, -1]] * 5
    (found,) = tournament(WinnerLoser(), players, pairs=5, plies=1, seed=0)
    assert found.results.tolist() == [[1, -1]] * 5  # the one to move is the second, who loses
    assert score(found).value == 0.5


def test_the_attacker_of_a_standoff_loses_from_both_seats() -> None:
    hold, attack = Fixed("hold", 0), Fixed("attack", 1)
    first, second, third = tournament(
        Standoff(6), [hold, attack, Fixed("hold", 0)], pairs=3, plies=0, seed=0
    )
    assert (first.a, first.b) == ("hold (1)", "attack")
    assert first.results.tolist() == [[1, 1]] * 3
    assert (second.a, second.b) == ("hold (1)", "hold (2)")
    assert second.results.tolist() == [[0, 0]] * 3
    assert third.results.tolist() == [[-1, -1]] * 3
    assert attack.asked == 12  # once a game: it loses at its first move


def played(
    game: Game, a: Player, b: Player, openings: Openings, rng: np.random.Generator
) -> np.ndarray[Any, Any]:
    """The results of one match from ``openings``."""
    (one,) = play_on(game, {"a": a, "b": b}, [new_match("a", "b")], openings, rng)
    return one.results


def test_perfect_players_win_what_is_won_also_with_extra_moves() -> None:
    game = Nim(11, take=2, again=True)
    perfect, minimax = SolverPlayer(game), MinimaxPlayer(11)
    rng = np.random.default_rng(0)
    for plies in (0, 1, 2, 3):
        openings = distinct_openings(game, 6, plies, rng)
        first_wins = np.where(game.value(openings.state) > 0, 1, -1)
        first_wins[openings.second] *= -1
        results = played(game, perfect, minimax, openings, rng)
        np.testing.assert_array_equal(results, np.stack([first_wins, -first_wins], axis=1))


def test_the_solver_never_loses_a_drawn_game_to_chance() -> None:
    game = TicTacToe()
    players = [SolverPlayer(game), RandomPlayer()]
    (found,) = tournament(game, players, pairs=100, plies=0, seed=1)
    assert (found.results >= 0).all()
    assert found.results[:, 0].mean() > 0.9  # moving first it wins nearly always


def test_matches_side_by_side_are_as_each_alone_and_go_on_from_what_they_have() -> None:
    game = Nim(11, take=2, again=True)
    rng = np.random.default_rng(0)
    openings = distinct_openings(game, 5, 2, rng)
    players = {"solver": SolverPlayer(game), "minimax": MinimaxPlayer(11), "one": Fixed("one", 0)}
    (begun,) = play_on(game, players, [new_match("one", "solver")], take(openings, slice(3)), rng)
    matches = [new_match("solver", "minimax"), begun, new_match("minimax", "one")]
    together = play_on(game, players, matches, openings, rng)
    assert [each[:2] for each in together] == [each[:2] for each in matches]
    # perfect players and one that always takes one: only the result of ties could depend on chance
    for each in together:
        alone = played(game, players[each.a], players[each.b], openings, rng)
        compare = {"solver": np.equal, "one": np.less_equal, "minimax": np.greater_equal}[each.a]
        assert compare(each.results, alone).all()
    np.testing.assert_array_equal(together[1].results[:3], begun.results)


def test_a_tournament_goes_on_from_its_ledger() -> None:
    game = TicTacToe()
    players = [RandomPlayer(), MinimaxPlayer(1), MinimaxPlayer(2)]
    whole = tournament(game, players, pairs=6, plies=2, seed=0)
    ledger = [whole[2], whole[0]._replace(results=whole[0].results[:4])]
    again = tournament(game, players, pairs=6, plies=2, seed=0, ledger=ledger)
    assert [each[:2] for each in again] == [each[:2] for each in whole]
    np.testing.assert_array_equal(again[0].results[:4], whole[0].results[:4])
    assert len(again[0].results) == 6
    for before, now in zip(whole[1:], again[1:], strict=True):
        np.testing.assert_array_equal(before.results, now.results)
    # games of an opening that is not played again are not asked about
    silent = Fixed("never asked", 0)
    full = [Match("never asked", "random", whole[0].results)]
    assert tournament(game, [silent, RandomPlayer()], 6, 2, 0, ledger=full) == full
    assert silent.asked == 0


def test_a_seed_fixes_the_games_and_batches_do_not_mix_results() -> None:
    game, players = Connect4(5, 4), [RandomPlayer(), MinimaxPlayer(2)]
    one, two, small = (tournament(game, players, 30, 3, 7, batch)[0] for batch in (256, 256, 8))
    np.testing.assert_array_equal(one.results, two.results)
    assert small.results.shape == (30, 2)
    assert score(small).value < 0.3


def test_a_game_for_one_and_a_player_alone_are_refused() -> None:
    with pytest.raises(ValueError, match="a game for two players; chain has 1"):
        tournament(Chain(), [RandomPlayer(), RandomPlayer()], 1, 0, 0)
    with pytest.raises(ValueError, match=r"needs two players .* got 1 players and 5 pairs"):
        tournament(TicTacToe(), [RandomPlayer()], 5, 0, 0)


def test_the_json_of_a_match() -> None:
    found = match_json(
        [
            match("a", "b", [(1, 1), (1, 0), (-1, 1), (1, 1)]),
            match("a", "c", [(1, 1)] * 4),
            match("b", "c", [(1, -1)] * 4),
        ],
        anchor="b",
    )
    assert found["games"] == 24
    first = found["pairs"][0]  # type: ignore[index]
    assert {key: first[key] for key in ("a", "b", "wins", "draws", "losses")} == {
        "a": "a", "b": "b", "wins": 6, "draws": 1, "losses": 1,
    }  # fmt: skip
    assert first["score"] == pytest.approx(6.5 / 8)
    assert first["low"] < first["score"] < first["high"]
    elo: Any = found["elo"]
    assert elo["b"] == 0 < elo["a"]
    assert elo["c"] < 0  # equal to b head to head, but beaten more by a
    low: Any = found["elo_low"]
    high: Any = found["elo_high"]
    assert low["a"] < elo["a"] < high["a"]
    assert found["elo_anchor"] == "b"


@pytest.mark.parametrize(
    ("spec", "count", "asked", "plies"),
    [
        ("connect4", 20, 2, 2),  # 25 positions after 2 moves
        ("tictactoe", 50, 2, 2),  # 12
        ("othello", 1, 2, 2),
        ("othello", 5, 2, 3),  # 3 after 2 moves, 14 after 3
        ("othello", 20, 2, 4),
        ("othello", 20, 1, 1),
        ("othello", 20, 0, 0),
        ("nim", 20, 2, 2),  # 5, and never more than 7
    ],
)
def test_openings_are_as_long_as_it_takes_to_differ(
    spec: str, count: int, asked: int, plies: int
) -> None:
    """Those of no or one move stay so."""
    assert enough_plies(example(spec), count, asked) == plies


def test_a_match_of_othello_begins_differently_each_time() -> None:
    seen: list[int] = []

    class Recorder(RandomPlayer):
        name = "recorder"

        def decide(self, game: Game, state: State, rng: np.random.Generator) -> Decision:
            if not seen:
                seen.extend(canonical_keys(game, state).tolist())
            return super().decide(game, state, rng)

    tournament(example("othello"), [Recorder(), RandomPlayer()], pairs=20, plies=2, seed=0)
    assert len(seen) == 20  # of each opening the recorder has the move once
    assert len(set(seen)) == 20


def test_every_game_is_kept_as_it_was_played() -> None:
    """Replayed by the rules, each line ends with the result that the match counted.

    Watching changes nothing.
    """
    game = TicTacToe()
    told: list[str] = []
    watch = MatchGames(game, 60, told.append)
    players = [RandomPlayer(), MinimaxPlayer(2), SolverPlayer(game)]
    matches = tournament(game, players, pairs=10, plies=2, seed=0, batch=8, watch=watch)
    unwatched = tournament(game, players, pairs=10, plies=2, seed=0, batch=8)
    for match, alone in zip(matches, unwatched, strict=True):
        np.testing.assert_array_equal(match.results, alone.results)
    lines = watch.text().splitlines()
    assert len(lines) == 60
    results = [(m, p, seat) for m in matches for p in range(10) for seat in (0, 1)]
    played = [line.partition(" # ")[0].split() for line in lines]
    games = replay(game, side_by_side([[game.parse_action(n) for n in names] for names in played]))
    first = games.outcome[games.ply == 0]  # NaN where a game was not over
    for line, won, (match, pair, seat) in zip(lines, first.tolist(), results, strict=True):
        comment = line.partition(" # ")[2]
        assert (won if seat == 0 else -won) == match.results[pair, seat]
        names = (match.a, match.b) if seat == 0 else (match.b, match.a)
        result = {1.0: "1-0", 0.0: "1/2-1/2", -1.0: "0-1"}[won]
        assert comment == f"opening 2, {names[0]} against {names[1]}: {result}"
    assert told[-1] == "60 of 60 games are over"
    over = [int(re.findall(r"\d+", each)[0]) for each in told]
    assert over == sorted(over)


def test_saved_games_can_be_imported_and_no_file_is_overwritten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    words = ["match", "random", "minimax:2", "--game", "tictactoe", "--games", "6", "--save"]
    assert cli.main([*words, "games.txt", "--json"]) == 0
    shown = capsys.readouterr()
    assert json.loads(shown.out)["games"] == 6
    assert "playing 6 games of tictactoe" in shown.err
    assert "6 games are in games.txt" in shown.err
    assert (
        cli.main(["data", "moves", "games.txt", "--game", "tictactoe", "--out", "read", "--json"])
        == 0
    )
    assert json.loads(capsys.readouterr().out)["counts"]["all"]["games"] == 6
    before = (tmp_path / "games.txt").read_text()
    assert before.startswith("# game: tictactoe\n")  # so that `selfplay review` knows it
    for name, why in (("games.txt", "is there already"), ("no/games.txt", "there is no folder no")):
        assert cli.main([*words, name]) == 1
        assert why in capsys.readouterr().err
    assert (tmp_path / "games.txt").read_text() == before
