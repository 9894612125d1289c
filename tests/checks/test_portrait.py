"""What ``check`` says a game is: planted games, a wrong sign, and what the screen shows."""

import math
from pathlib import Path

import numpy as np
import pytest

from envs.connect4 import Connect4
from envs.tictactoe import TicTacToe
from envs.toys import Coins, Nim, WinnerLoser
from selfplay.checks.portrait import described, portrait
from selfplay.verbs.cli import main


class WrongSign(Connect4):
    """Pays the player who has lost."""

    def step(self, state, action):
        after, paid = super().step(state, action)
        return after, paid._replace(reward=-paid.reward)


def test_the_figures_and_the_sentences_of_a_planted_game() -> None:
    game = WinnerLoser()
    seen = portrait(game, games=8)
    assert (seen.games, seen.starts) == (8, 1)
    assert (seen.first_wins, seen.second_wins) == (1.0, 0.0)
    assert seen.returns == (1.0, 1.0, 1.0)
    assert seen.choices == (1.0, 1.0, 1.0)
    assert seen.sample_return == 1.0
    lines = described(game, seen)
    assert lines[0].endswith(
        " 8 random games: 2 moves, 1 to choose from; the start is always the same"
    )
    assert lines[1] == "  who moves first wins 100%, loses 0%; his return is +1.00"
    assert "; the start" not in described(game, portrait(game, games=1))[0]


def test_the_last_stone_wins_nim() -> None:
    seen = portrait(Nim(5, 2), games=50)
    assert seen.last_mover_wins == 1.0
    assert 3 <= seen.moves[0] <= seen.moves[1] <= seen.moves[2] <= 5
    assert seen.same_again == 0.0
    assert 0 < portrait(Nim(13, 2, again=True), games=50).same_again < 1


def test_returns_of_one_player_are_his_own() -> None:
    seen = portrait(Coins(4, 1), games=200)
    assert seen.returns[0] >= 0
    assert seen.returns[1] == pytest.approx(0.5, abs=4 * 0.25 / math.sqrt(200))
    assert seen.same_again == 1.0


def test_tictactoe_is_known_from_outside() -> None:
    """Of random games the first player wins 58.5%, the second 28.8% (counted over all lines)."""
    seen = portrait(TicTacToe(), games=3000)
    for share, expected in ((seen.first_wins, 0.585), (seen.second_wins, 0.288)):
        assert share == pytest.approx(expected, abs=4 * math.sqrt(0.25 / 3000))
    assert (seen.moves[0], seen.moves[2]) == (5, 9)
    assert (seen.choices[0], seen.choices[2]) == (1, 9)
    assert seen.last_mover_wins == 1.0


def test_a_wrong_sign_shows() -> None:
    right, wrong = ("\n".join(described(g, portrait(g))) for g in (Connect4(), WrongSign()))
    assert "whoever makes the last move wins, in all games that somebody wins" in right
    assert "whoever makes the last move loses, in all games that somebody wins" in wrong


def test_one_game_is_drawn_with_its_moves_and_result() -> None:
    game = TicTacToe()
    seen = portrait(game, games=4, seed=3)
    state = game.init(np.random.default_rng(0), 1)
    for name in seen.sample:
        state, paid = game.step(state, np.array([game.parse_action(name)], np.int32))
    assert paid.discount[0] == 0
    assert seen.picture == game.text(state, 0)
    text = "\n".join(described(game, seen))
    assert " ".join(seen.sample) in text
    assert f"{seen.sample_return:+.2f} for who moves first" in text


def test_no_time_no_portrait() -> None:
    with pytest.raises(ValueError, match=r"no random game of connect4 has ended in time, after 0"):
        portrait(Connect4(), until=0.0)


def test_check_says_what_the_game_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "nim", "--games", "8"]) == 0
    shown = capsys.readouterr().out
    assert "nim-10-3, 8 random games: " in shown
    assert "whoever makes the last move wins, in all games" in shown
    assert "the players move in turn" in shown
    assert "kept every law in 8 random games" in shown


def test_a_file_or_a_class_is_meant_by_a_name_that_is_near(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    lines = "raise SystemExit('it was run')\nclass Helper: pass\nclass Row:\n  def step(self): 1\n"
    (tmp_path / "rowgame.py").write_text(lines)
    for spec in ("rowgame", "rowgame.py"):
        assert main(["check", spec]) == 1
        assert "did you mean 'rowgame:Row'?" in capsys.readouterr().err
    (tmp_path / "pinsgame.py").write_text("class Pins:\n  def step(self): 1\n")
    assert main(["check", "pinsgame:pins"]) == 1
    assert "has no class 'pins'; did you mean 'pinsgame:Pins'?" in capsys.readouterr().err
