"""GTP 2, GoGui and Sabaki: recorded sessions, hostile lines, clocks, files."""

from __future__ import annotations

import io
import random
import re
from pathlib import Path

import numpy as np
import pytest
from gtp_session import Engine
from transcripts import GTP, RULER_CONNECT4, RULER_OTHELLO, WIPED_OUT

from envs.connect4 import Connect4
from envs.othello import Othello
from envs.tictactoe import TicTacToe
from envs.toys import Nim
from selfplay.engines.clock import LAG_S, Clock, TimeSettings
from selfplay.engines.gtp import Command, read_command
from selfplay.engines.lines import LONGEST, Lines
from selfplay.engines.table import Table
from selfplay.players.players import MinimaxPlayer, RandomPlayer
from selfplay.players.thinking import Limit
from selfplay.types import Decision, Game, State


@pytest.mark.parametrize(
    ("game", "player", "session"),
    [
        (TicTacToe(), MinimaxPlayer(2), GTP),
        (Connect4(), MinimaxPlayer(1), RULER_CONNECT4),
        (Othello(), MinimaxPlayer(1), RULER_OTHELLO),
    ],
    ids=["gtp", "connect4", "othello"],
)
def test_recorded_sessions(game: Game, player: MinimaxPlayer, session: str) -> None:
    Engine(game, player).transcript(session)


def test_lines_are_read_as_gtp_says() -> None:
    assert read_command("12 play b d4\t# why\n") == Command("12", "play", ["b", "d4"])
    assert read_command("\x07pl\x00ay b d4\r\n") == Command("", "play", ["b", "d4"])
    for nothing in ("", "  \t\n", "# 1 play", "\x01"):
        assert read_command(nothing) is None


def until_a_pass(game: Game, rng: np.random.Generator) -> tuple[list[tuple[int, str]], int]:
    """Random moves up to one after which the same side moves again, and that side."""
    while True:
        state, moves, mover = game.init(rng, 1), [], 0
        discount = -1.0
        while discount < 0:
            action = int(rng.choice(np.flatnonzero(game.legal(state)[0])))
            state, paid = game.step(state, np.array([action], np.int32))
            moves.append((mover, game.action_name(action)))
            discount = float(paid.discount[0])
            mover = 1 - mover if discount < 0 else mover
        if discount > 0:
            return moves, mover


def test_a_side_that_is_passed_over() -> None:
    """Who has no move in Othello passes: it may be told, and it is what is answered."""
    game = Othello()
    engine = Engine(game, MinimaxPlayer(1))
    moves, mover = until_a_pass(game, np.random.default_rng(1))
    told = engine.answer(*(f"play {'bw'[side]} {move}" for side, move in moves))
    assert told == "= \n\n" * len(moves)
    other, own = "wb"[mover], "bw"[mover]
    assert engine.answer(f"play {own} pass") == (
        "? illegal move: 'pass' is not a square: expected a letter a to h and a number 1 to 8, as "
        "in d3\n\n"
    )
    assert engine.answer(f"reg_genmove {other}") == "= pass\n\n"
    assert engine.answer(f"genmove {other}") == "= pass\n\n"
    assert "black's turn" in (answer := engine.answer(f"genmove {other}")) or "white's" in answer
    assert engine.answer("undo", f"play {other} PASS", "undo") == "= \n\n" * 3
    plies = len(engine.table.history)
    assert re.fullmatch("= [A-H][1-8]\n\n", engine.answer(f"genmove {own}"))
    assert engine.answer("undo") == "= \n\n"
    assert len(engine.table.history) == plies


def test_scores_are_of_discs() -> None:
    engine = Engine(Othello())
    for ply, move in enumerate(WIPED_OUT.split()):
        assert engine.answer(f"play {'bw'[ply % 2]} {move}") == "= \n\n"
    assert engine.answer("final_score") == "= B+13\n\n"
    assert engine.answer("gogui-rules_final_result") == "= Black wins\n\n"


def test_games_without_a_board_have_their_own_names_and_no_ruler() -> None:
    engine = Engine(Nim(), MinimaxPlayer(2))
    commands = engine.answer("list_commands").split()
    assert "genmove" in commands
    assert not [name for name in commands if name.startswith("gogui-rules")]
    name = Nim().action_name(0)
    assert engine.answer(f"play b {name}") == "= \n\n"
    assert (
        engine.answer("boardsize 3") == "? unacceptable size: nim-10-3 has no board of points\n\n"
    )


WORDS = [
    "play", "genmove", "undo", "boardsize", "time_left", "time_settings", "loadsgf", "komi", "b",
    "known_command", "selfplay-param", "selfplay-pv", "selfplay-visits", "gogui-rules_board",
    "analyze", "w", "A1", "A3", "Z99", "pass", "resign", "-1", "1e999", "nan", "99999999999", "3",
    "0.5", "\x00", "\x1b[2J", "²", "é", "=", "?", "#", "simulations", "seconds", "/etc/passwd",
    "../x.sgf", "showboard", "final_score", "clear_board", "x" * 500,
]  # fmt: skip


def test_a_thousand_malformed_lines_are_answered_or_passed_over() -> None:
    lots = random.Random(7)
    engine = Engine(TicTacToe(), RandomPlayer())
    for _ in range(1000):
        line = " ".join(lots.choices(WORDS, k=lots.randrange(6)))
        if lots.random() < 0.3:
            line = f"{lots.randrange(10**9)} {line}"
        if lots.random() < 0.2:
            signs = list(line) or ["x"]
            signs[lots.randrange(len(signs))] = chr(lots.randrange(0x300))
            line = "".join(signs)
        answer, command = engine.answer(line + "\n"), read_command(line)
        if command is None:
            assert answer == ""
        else:
            assert re.fullmatch(rf"[=?]{command.id}( [^\n]*)?\n([^\n]+\n)*\n", answer), (
                line,
                answer,
            )
    assert engine.answer("1 protocol_version") == "=1 2\n\n"  # it still stands


def test_clocks_are_parted_among_moves() -> None:
    clock = Clock(TimeSettings(60.0, 0.0, 0))
    assert clock.budget(10) == pytest.approx((60 - LAG_S) / 10)
    assert clock.budget(1) == pytest.approx((60 - LAG_S) / 2)  # never all of it
    assert clock.budget(1000) == pytest.approx((60 - LAG_S) / 25)
    clock.spend(20.0)
    assert clock.budget(10) == pytest.approx((40 - LAG_S) / 10)
    clock.set_left(10.0, 5)
    assert clock.budget(30) == pytest.approx(10 * 0.95 / 5 - LAG_S)
    for _ in range(5):
        clock.spend(2.0)
    assert clock.budget(30) == pytest.approx(0.01)  # there is no period behind it
    byo_yomi = Clock(TimeSettings(0.0, 30.0, 3))
    assert byo_yomi.budget(20) == pytest.approx(30 * 0.95 / 3 - LAG_S)
    byo_yomi.spend(25.0)
    assert byo_yomi.budget(20) == pytest.approx(5 * 0.95 / 2 - LAG_S)
    for _ in range(2):
        byo_yomi.spend(1.0)
    assert byo_yomi.budget(20) == pytest.approx(30 * 0.95 / 3 - LAG_S)  # the next period
    assert not TimeSettings(0.0, 10.0, 0).is_bounded()


class Watched:
    """A player that takes as long as ``takes_s`` by a clock of its own."""

    name, guesses = "watched", True

    def __init__(self, takes_s: float) -> None:
        self.at, self.takes_s = 0.0, takes_s

    def decide(self, game: Game, state: State, rng: np.random.Generator) -> Decision:
        self.at += self.takes_s
        return RandomPlayer().decide(game, state, rng)


def test_engines_think_by_the_clock_they_are_given() -> None:
    player = Watched(12.0)
    engine = Engine(TicTacToe(), player, now=lambda: player.at)
    table: Table = engine.table
    assert table.allowed() == Limit()
    assert engine.answer("time_settings 100 0 0") == "= \n\n"
    assert table.allowed() == Limit(None, pytest.approx((100 - LAG_S) / 5))  # five own moves
    engine.answer("genmove b")
    assert table.clocks is not None
    assert table.clocks[0].budget(4) == pytest.approx((88 - LAG_S) / 4)
    assert table.clocks[1].budget(4) == pytest.approx((100 - LAG_S) / 4)
    engine.answer("time_left w 40 0")
    assert table.allowed().seconds == pytest.approx((40 - LAG_S) / 4)
    table.limit = Limit(500, 2.0)  # what was asked for bounds it as well
    assert table.allowed() == Limit(500, 2.0)
    engine.answer("time_settings 0 10 0")  # no limit
    assert table.allowed() == Limit(500, 2.0)


def test_what_a_search_thinks_is_drawn() -> None:
    engine = Engine(Connect4())
    assert not engine.live.getvalue()
    drawn = engine.answer("selfplay-search b").removeprefix("= ").strip().split("\n")
    assert not engine.live.getvalue()  # nobody has asked for drawings
    influence = drawn[0].split()
    assert influence[0] == "INFLUENCE"
    shares = dict(zip(influence[1::2], map(float, influence[2::2]), strict=True))
    assert set(shares) <= {f"{column}1" for column in "ABCDEFG"}
    assert sum(shares.values()) == pytest.approx(1.0, abs=0.04)
    assert re.fullmatch(r"VAR b [A-G]1( [bw] [A-G][1-6])*", drawn[1])
    assert re.fullmatch(r"TEXT [A-G]1 wins \d+\.\d%, \d+ simulations in \d+\.\d s", drawn[2])
    rows = engine.answer("selfplay-visits").removeprefix("= \n").strip().split("\n")
    assert rows[:5] == ['"" "" "" "" "" "" ""'] * 5
    visits = [int(word) for word in rows[5].split() if word != '""']
    assert sum(visits) == int(engine.table.opinion().visits.sum()) > 0
    policy = engine.answer("selfplay-policy").removeprefix("= \n").strip().split("\n")
    assert sum(map(float, policy[5].split())) == pytest.approx(1.0, abs=0.01)
    assert re.fullmatch(r"= [A-G]1( [A-G][1-6])*\n\n", engine.answer("selfplay-pv"))
    commands = engine.answer("gogui-analyze_commands")
    for kind in ("gfx/Search/selfplay-search %m", "dboard/Policy/", "sboard/Visits/", "var/PV/"):
        assert kind in commands
    engine.answer("genmove b")
    live = engine.live.getvalue().splitlines()
    assert live[-1] == "gogui-gfx: CLEAR"
    assert all(line.startswith("gogui-gfx: ") for line in live)


def test_parameters_of_the_search() -> None:
    engine = Engine(Connect4())
    told = "= [string] simulations 0\n[string] seconds 0\n[bool] live_gfx 0\n\n"
    assert engine.answer("selfplay-param") == told
    assert engine.answer("selfplay-param seconds 0.5") == "= \n\n"
    assert engine.answer("selfplay-param simulations 20") == "= \n\n"
    assert engine.table.limit == Limit(20, 0.5)
    assert engine.answer("selfplay-param seconds 0") == "= \n\n"
    assert engine.table.limit == Limit(20)
    assert engine.answer("selfplay-param depth 1").startswith("? syntax error")


def test_analysis_in_lines_of_sabaki() -> None:
    engine = Engine(Connect4())
    head, *lines, end, after = engine.answer("5 analyze b 10").split("\n")
    assert (head, end, after) == ("=5", "", "")
    moves = re.findall(
        r"info move ([A-G]1) visits (\d+) winrate (\d+) prior (\d+) order (\d+) pv ([A-G1-6 ]+)",
        lines[-1],
    )
    assert [int(each[4]) for each in moves] == list(range(len(moves)))
    assert all(0 <= int(each[2]) <= 10_000 for each in moves)
    assert all(each[5].split()[0] == each[0] for each in moves)
    assert len(engine.table.history) == 1  # nothing was played
    answer = engine.answer("genmove_analyze b")
    assert re.search(r"\nplay [A-G]1\n\n$", answer)
    assert len(engine.table.history) == 2
    assert engine.answer("analyze b").startswith("? it is the other colour's turn")


def test_only_records_within_the_folder_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    record = "(;GM[2]FF[4]SZ[8];B[d3];W[c3];B[c4])"
    for path in (inside / "game.sgf", inside / "game.txt", tmp_path / "outside.sgf"):
        path.write_text(record)
    (inside / "link.sgf").symlink_to(tmp_path / "outside.sgf")
    (inside / "broken.sgf").write_text("(;GM[2];B[a1])")
    monkeypatch.chdir(inside)
    engine = Engine(Othello())
    assert engine.answer("loadsgf game.sgf") == "= \n\n"
    assert len(engine.table.history) == 4
    assert engine.answer("loadsgf game.sgf 3") == "= \n\n"  # before the third move
    assert len(engine.table.history) == 3
    for words in ("../outside.sgf", "link.sgf", "game.txt", "/etc/passwd", "none.sgf"):
        assert engine.answer(f"loadsgf {words}").startswith("? cannot load file: "), words
    assert (
        engine.answer("loadsgf broken.sgf") == "? cannot load file: a1 cannot be played there\n\n"
    )
    assert len(engine.table.history) == 1
    assert engine.answer("loadsgf").startswith("? syntax error")
    assert "loadsgf" not in Engine(TicTacToe()).answer("list_commands")


def test_lines_arrive_while_something_else_is_done() -> None:
    lines = Lines(io.BytesIO(b"one\n" + b"x" * (2 * LONGEST) + b"\nping 1\n\xff\xfe\n"), ("ping",))
    taken = list(lines)
    assert [len(line) for line in taken[:2]] == [4, LONGEST]
    assert taken[2:] == ["ping 1\n", "��\n"]
    assert lines.interrupted()  # the other program has gone
