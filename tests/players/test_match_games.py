"""The games of a match: progress while it is played, and a file that can be read again."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from envs.tictactoe import TicTacToe
from selfplay.lines.games import replay, side_by_side
from selfplay.players.arena import tournament
from selfplay.players.match_games import MatchGames
from selfplay.players.players import MinimaxPlayer, RandomPlayer, SolverPlayer
from selfplay.verbs import cli

MATCH = "match random minimax:2 --game tictactoe --games 6"


def test_every_game_is_kept_as_it_was_played() -> None:
    """Replayed by the rules, each line ends with the result that the match counted."""
    game = TicTacToe()
    told: list[str] = []
    watch = MatchGames(game, 60, told.append)
    players = [RandomPlayer(), MinimaxPlayer(2), SolverPlayer(game)]
    matches = tournament(game, players, pairs=10, plies=2, seed=0, batch=8, watch=watch)
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
    assert [int(re.findall(r"\d+", each)[0]) for each in told] == sorted(
        int(re.findall(r"\d+", each)[0]) for each in told
    )


def test_watching_changes_nothing() -> None:
    game = TicTacToe()
    players = [RandomPlayer(), MinimaxPlayer(1)]
    (plain,) = tournament(game, players, pairs=20, plies=2, seed=3)
    watch = MatchGames(game, 40, lambda _: None)
    (watched,) = tournament(game, players, pairs=20, plies=2, seed=3, watch=watch)
    np.testing.assert_array_equal(plain.results, watched.results)


def test_saved_games_can_be_imported_and_no_file_is_overwritten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.main([*MATCH.split(), "--save", "games.txt", "--json"]) == 0
    shown = capsys.readouterr()
    assert json.loads(shown.out)["games"] == 6
    assert "playing 6 games of tictactoe" in shown.err
    assert "6 games are in games.txt" in shown.err
    words = "data moves games.txt --game tictactoe --out read --json"
    assert cli.main(words.split()) == 0
    assert json.loads(capsys.readouterr().out)["counts"]["all"]["games"] == 6
    before = (tmp_path / "games.txt").read_text()
    for name, why in (("games.txt", "is there already"), ("no/games.txt", "there is no folder no")):
        assert cli.main([*MATCH.split(), "--save", name]) == 1
        assert why in capsys.readouterr().err
    assert (tmp_path / "games.txt").read_text() == before
