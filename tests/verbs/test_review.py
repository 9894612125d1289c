"""`selfplay review`: what it prints, its JSON, what stops it."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from examples import needs

from selfplay.play.course import Course, Judged
from selfplay.system.graph import columns
from selfplay.verbs import cli, review

needs("review")

LOST = ["review", "tictactoe", "521946", "--agent", "solver"]  # an edge answers the centre


def answer(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    assert cli.main([*words, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_a_game_on_the_screen(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(LOST) == 0
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert lines[:3] == [
        "the moves typed: 6 moves of tictactoe, which stops before its end; solver judges.",
        "#  by      move   win  lost  better     truth",
        "1  first   5      50%                   draw",
    ]
    assert lines[3].split()[:5] == ["2", "second", "2", "??", "100%"]
    assert lines[3].endswith("draw -> loss")
    graph = lines.index("the first player's probability to win after each move")
    assert lines[graph + 1 : graph + 7] == [
        " 100% │  ██████████",
        "      │  ██████████",
        "      │  ██████████",
        "  50% │████████████",
        "      │████████████",
        "   0% │████████████",
    ]
    assert lines[graph + 7] == "truth │==++++++++++"
    assert "first: accuracy 100.0%, 0.000 lost a move; 0 inaccuracies, 0 mistakes, 0 blunders" in (
        lines
    )
    assert "second: accuracy 69.5%, 0.333 lost a move; 0 inaccuracies, 0 mistakes, 1 blunder" in (
        lines
    )
    worst = next(line for line in lines if line.startswith("Move 2"))
    assert worst.startswith(
        "Move 2: second played 2??, a blunder that lost 1.00 (draw -> loss), and was punished. "
        "Better was "
    )
    assert lines[lines.index(worst) + 1 :][:3] == ["1 2 3", "4 X 6", "7 8 9"]
    assert lines[-1] == "Next: selfplay play solver --game tictactoe"
    assert "\x1b" not in "".join(lines)


def test_a_blunder_of_a_short_game_of_connect_four(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("bitbully")
    content = answer(capsys, "review", "connect4", "4432556", "--agent", "random")
    assert content["worst"] == [2, 5]
    assert content["solver"] is content["complete"] is True
    third = content["moves"][2]
    assert (third["action"], third["mark"], third["better"]) == ("3", "blunder", "4")
    assert third["truth"] == {"before": 1, "after": -1}
    assert [each["blunders"] for each in content["sides"]] == [1, 1]


def test_which_game_of_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "games.txt"
    path.write_text("# game: tictactoe\n5 1 # opening 1 seed 0, you against x: *\n5 2 9\n")
    words = ["review", str(path), "--agent", "random"]
    first = answer(capsys, *words)
    assert [each["action"] for each in first["moves"]] == ["5", "1"]
    assert (first["opening"], first["players"]) == (1, ["you", "x"])
    assert first["sides"][0]["moves"] == 0  # the only one was random
    second = answer(capsys, *words, "--number", "2")
    assert [each["action"] for each in second["moves"]] == ["5", "2", "9"]
    assert second["worst"] == [1]
    assert cli.main(words) == 0
    shown = capsys.readouterr().out
    assert "you against x, which stops before its end" in shown
    assert "The file holds more games: --number N picks another." in shown


def test_without_the_solver_a_guess_is_no_blame(capsys: pytest.CaptureFixture[str]) -> None:
    words = [*LOST[:3], "--agent", "random", "--no-solver"]
    content = answer(capsys, *words)
    assert content["worst"] == []
    assert all(each["truth"] is None for each in content["moves"])


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["tictactoe"], "write the moves behind the game: 'selfplay review tictactoe MOVES'"),
        (["tictactoe", "55"], "the moves typed: move 2: 5 cannot be played here"),
        (["tictactoe", "5", "--number", "2"], "--number and --game are of files"),
        (["no.sgf"], "there is no file 'no.sgf', nor a run of that name; `selfplay runs` lists"),
        (["empty.txt"], "empty.txt is empty: there are no games in it"),
        (["tictactoe", "5", "--agent", "solver", "--seconds", "1"], "does not search by time"),
        (["games.txt"], "games.txt, line 3: move 2: 5 cannot be played here"),
        (["games.txt", "--number", "2"], "games.txt has 1 games; there is no game 2"),
        (["othello", "f5", "--solver", "--agent", "random", "--game", "x"], "are of files"),
    ],
)
def test_mistakes_are_one_sentence(
    words: list[str],
    reason: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "games.txt").write_text("# game: tictactoe\n\n5 5\n")
    (tmp_path / "empty.txt").touch()
    assert cli.main(["review", *words]) == 1
    told = capsys.readouterr().err
    assert reason in told
    assert told.count("\n") == 1


def test_ctrl_c_shows_what_is_there(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    judge = Course.judge

    def interrupted(self: Course, line: Any) -> Iterator[Judged]:
        for judged in judge(self, line):
            if judged.ply == 3:
                raise KeyboardInterrupt
            yield judged

    monkeypatch.setattr(Course, "judge", interrupted)
    assert cli.main(LOST) == 130
    shown = capsys.readouterr()
    assert "stopped after 3 moves" in shown.err
    assert "Move 2: second played 2??" in shown.out
    assert "3  first   1 " in shown.out
    assert "4  second  9 " not in shown.out


def test_who_reads_no_further_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """As ``head -1`` does, once it has the first line; nothing is searched for nobody."""
    judge, judged = Course.judge, list[int]()
    reader, writer = os.pipe()

    def heeded(self: Course, line: Any) -> Iterator[Judged]:
        for each in judge(self, line):
            judged.append(each.ply)
            if len(judged) == 2:
                assert b"6 moves of tictactoe" in os.read(reader, 4096)
                os.close(reader)
            yield each

    monkeypatch.setattr(Course, "judge", heeded)
    with (
        os.fdopen(writer, "w") as out,
        contextlib.redirect_stdout(out),
        pytest.raises(BrokenPipeError),
    ):
        review.run(cli._parser()[0].parse_args(LOST))
    assert judged == [0, 1]


def test_columns_are_as_high_as_their_shares() -> None:
    shares = (0.0, 0.25, 0.5, 1.0)
    lines = columns(shares, ["red"] * 4, height=2)
    assert [line.plain for line in lines] == ["   █", " ▄██"]
    assert [line.plain for line in columns(shares, [""] * 4, 2, 2, fine=False)] == [
        "      @@",
        "  ==@@@@",
    ]
    assert str(lines[1].spans[3].style) == "red"
