"""Engines of others in matches: what they play, do wrong, and that nothing of them stays."""

from __future__ import annotations

import os
import re
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from envs.othello import Othello
from envs.tictactoe import TicTacToe
from envs.toys import Chain
from selfplay.data.readers.moves import parse_moves
from selfplay.players import guests
from selfplay.players.apart import close_engines
from selfplay.players.arena import Match, tournament
from selfplay.players.guests import Forfeit, GtpPlayer
from selfplay.players.match_games import MatchGames
from selfplay.players.players import MinimaxPlayer, RandomPlayer, make_player
from selfplay.players.vertices import Vertices
from selfplay.system import safe_path
from selfplay.system.engine_process import EngineProcess, ProcessFailed

ENGINE = f"{sys.executable} -I {Path(__file__).parent / 'fake_engine.py'}"
GAME = TicTacToe()


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guests, "MOVE_S", 5.0)


def engine(fault: str, seconds: float | None = None) -> GtpPlayer:
    return GtpPlayer(f"{ENGINE} '{fault}'", GAME, seconds)


def played(fault: str, pairs: int = 1, at_once: int = 1) -> tuple[Match, list[str], MatchGames]:
    """A match of an engine against a random player, and the sentences about its games."""
    notes: list[str] = []
    watch = MatchGames(GAME, 2 * pairs, lambda words: None, notes.append)
    players = [engine(fault), RandomPlayer()]
    try:
        (match,) = tournament(GAME, players, pairs, 2, 0, watch=watch, at_once=at_once)
    finally:
        close_engines(players)
    return match, notes, watch


def test_an_engine_of_several_modules_finds_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though no module of the folder at hand is one for this program."""
    (tmp_path / "rules.py").write_text("VERSION = 2\n")
    script = tmp_path / "engine.py"
    script.write_text("import os, rules\nprint(rules.VERSION, os.getenv('PYTHONSAFEPATH'))\n")
    monkeypatch.delenv("PYTHONSAFEPATH", raising=False)
    for before, told in ((None, "2 None"), ("1", "ModuleNotFoundError: No module named 'rules'")):
        if before is not None:  # a user's own wish holds for it, too
            monkeypatch.setenv("PYTHONSAFEPATH", before)
        safe_path.keep_out()
        process = EngineProcess(f"{sys.executable} {script}")
        if before is None:
            assert process.read_line(20) == told
        else:
            with pytest.raises(ProcessFailed, match=told):
                process.read_line(20)
        process.kill()
        monkeypatch.delenv("PYTHONSAFEPATH")


def test_an_engine_plays_first_free_cells_and_knows_every_move() -> None:
    match, notes, watch = played("nothing", pairs=4)
    assert not notes
    for line in watch.text().splitlines():
        moves, comment = line.split(" # ")
        cells = [int(move) - 1 for move in moves.split()]
        seat = 0 if re.match("opening 2, gtp:", comment) else 1
        for ply in range(2, len(cells)):
            if ply % 2 == seat:
                assert cells[ply] == min(set(range(9)) - set(cells[:ply]))
    assert match.results.shape == (4, 2)


def test_games_at_the_same_time_are_the_same_games() -> None:
    alone, _, games = played("nothing", pairs=6)
    together, _, side_by_side = played("nothing", pairs=6, at_once=3)
    np.testing.assert_array_equal(alone.results, together.results)
    assert games.text() == side_by_side.text()


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        ("illegal", r"answered '[ABC][123]': nothing can be played at [ABC][123]"),
        ("off", "answered 'J9': J9 is not on the board, which goes from A1 to C3"),
        ("resign", "resigns"),
        ("refuses", r"refused 'genmove (black|white)': not today"),
        ("nonsense", r"answered 'genmove (black|white)' with 'good morning', no GTP"),
        ("dies", "ended with code 3; its last words: out of luck"),
        ("floods", r"answered with more than 1,048,576 bytes"),
        ("long line", r"wrote a line of more than 65,536 bytes"),
    ],
)
def test_what_an_engine_does_wrong_loses_its_game(fault: str, sentence: str) -> None:
    match, notes, watch = played(fault)
    assert match.results.tolist() == [[-1, -1]]
    assert len(notes) == 2
    for note in notes:
        assert re.fullmatch(f"gtp:.*{re.escape(fault)}'? {sentence}", note), note
    for told in parse_moves(GAME, watch.text().encode(), "games"):
        assert told.result in (1.0, -1.0)  # readers learn who won from the line


def test_an_engine_that_hangs_is_ended_and_started_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guests, "LATE_S", 0.2)
    monkeypatch.setattr(guests, "MARGIN_S", 0.1)
    player = engine("hangs", seconds=0.3)
    for _ in range(guests.RESTARTS):
        with pytest.raises(Forfeit, match="hangs: no answer to 'genmove black' within 1 s"):
            player.move([])
    with pytest.raises(ProcessFailed, match="it was started 4 times and is not again"):
        player.move([])


def test_a_move_beyond_its_time_loses_and_the_engine_goes_on() -> None:
    player = engine("late", seconds=0.2)
    with pytest.raises(Forfeit, match=r" lost on time: a move took (0\.9|[1-9]\.\d) s$"):
        player.move([0, 1])
    player.seconds = None
    assert player.move([]) == 0
    player.close()


def test_an_engine_for_nothing_here_ends_what_it_plays_in() -> None:
    with pytest.raises(ValueError, match="speaks version '1' of GTP, not 2"):
        played("version 1")
    for command, sentence in [
        ("no-such-engine --gtp", "'no-such-engine' cannot be started: No such file"),
        ("'", "cannot be read: No closing quotation"),
        (" ", "an engine needs a command"),
    ]:
        with pytest.raises(ValueError, match=sentence):
            GtpPlayer(command, GAME).move([])
    with pytest.raises(ValueError, match="an engine plays against another; chain has one player"):
        make_player("gtp:x", Chain(), lambda *_: RandomPlayer())


def test_who_waits_for_an_engine_to_start_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("selfplay.system.engine_process._GRACE_S", 0.1)
    monkeypatch.setattr(guests, "SILENT_S", 0.1)
    monkeypatch.setattr(guests, "START_S", 1.0)
    with pytest.raises(ValueError, match="hangs: no answer to 'protocol_version' within 1 s"):
        GtpPlayer("sleep 60", GAME).move([])
    told = "waiting for gtp:sleep 60, which has not answered yet; it has 1 s to start\n"
    assert capsys.readouterr().err == told


def test_an_engine_that_has_started_is_waited_for_no_more() -> None:
    player = engine("nothing")
    assert player.move([]) == 0
    player.close()
    timers = [each for each in threading.enumerate() if isinstance(each, threading.Timer)]
    assert all(timer.finished.is_set() for timer in timers)


def test_positions_are_found_from_those_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who is asked about positions only, as in the terminal, finds the moves behind them."""
    player, rng = engine("nothing"), np.random.default_rng(0)
    state = GAME.init(rng, 1)
    history = [state]
    for action in (4, 0, 1):
        state, _ = GAME.step(state, np.array([action], np.int32))
        history.append(state)
    assert int(player.decide(GAME, history[3], rng).action[0]) == 2
    assert int(player.decide(GAME, history[1], rng).action[0]) == 0  # a move was taken back
    player.close()
    monkeypatch.setattr(guests, "KNOWN", 2000)
    far = Othello().init(rng, 1)._replace(mover=np.array([5], np.uint64))
    with pytest.raises(ValueError, match="it has to be told the moves, and these are not known"):
        guests._Paths(Othello()).find(far)


def test_nothing_that_an_engine_started_stays_behind() -> None:
    process = EngineProcess(f"{ENGINE} child")
    process.send("genmove black")
    assert process.read_line(5.0) == "= A3"
    process._wait(1.0)
    child = int(process._last_words)
    os.kill(child, 0)  # it lives
    process.close()
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline and _lives(child):
        time.sleep(0.02)
    assert not _lives(child)


def test_an_engine_that_ignores_quit_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("selfplay.system.engine_process._GRACE_S", 0.2)
    process = EngineProcess(f"{ENGINE} hangs")
    process.send("genmove black")
    begun = time.monotonic()
    process.close()
    assert process._process.poll() is not None
    assert time.monotonic() - begun < 5


def _lives(pid: int) -> bool:
    """Whether the process runs: one that nobody has waited for yet does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().split(")")[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_vertices_of_games() -> None:
    game = Othello()
    start = game.init(np.random.default_rng(0), 1)
    vertices = Vertices(game)
    assert [vertices.write(start, game.parse_action(name)) for name in ("d3", "a1", "h8")] == [
        "D3",
        "A1",
        "H8",
    ]  # fmt: skip  its own names: row 1 is at the bottom
    assert vertices.read(start, "d3") == game.parse_action("d3")
    assert vertices.from_top(np.arange(64).reshape(8, 8))[0, 0] == 56
    start = GAME.init(np.random.default_rng(0), 1)
    assert Vertices(GAME).write(start, 0) == "A3"
    assert Vertices(GAME).read(start, "a3") == Vertices(GAME).read(start, "1") == 0


def test_minimax_beats_an_engine_that_plays_the_first_free_cell() -> None:
    players = [MinimaxPlayer(4), engine("nothing")]
    try:
        (match,) = tournament(GAME, players, 3, 0, 0)
    finally:
        close_engines(players)
    assert match.results.min() >= 0
    assert match.results.sum() > 0
