"""Playing on a whole screen: what stands where after which keys."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import struct
import subprocess
import termios
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from emulator import Screen
from program import COMMAND
from program import Terminal as TerminalStream
from rich.style import Style

from envs.connect4 import Connect4
from envs.othello import Othello
from envs.toys import Nim
from selfplay.play.panel import course
from selfplay.play.saved import read_game
from selfplay.play.screen import GameScreen, has_screen
from selfplay.play.session import GameSession, Opinion
from selfplay.players import thinking
from selfplay.players.players import MinimaxPlayer, SolverPlayer, make_player
from selfplay.system.console import PlainConsole
from selfplay.types import Game, Player, State


class Keys:
    """Keys that are pressed one after the other; then the input ends."""

    def __init__(self, *keys: str) -> None:
        self.keys = list(keys)

    def __enter__(self) -> Keys:
        return self

    def __exit__(self, *_: object) -> None: ...

    def read(self, wait_s: float) -> str:
        if not self.keys:
            raise EOFError
        return self.keys.pop(0)


class Shown:
    """A screen, and what stood on it whenever a key was waited for."""

    def __init__(
        self, size: tuple[int, int], game: Game, player: Player, *keys: str, side: int = 0
    ) -> None:
        stream, self.pictures = TerminalStream(), list[list[str]]()
        self.session = GameSession(game, player, side, np.random.default_rng(0))
        emulator, shown = Screen(*size), self

        class Watched(Keys):
            def read(self, wait_s: float) -> str:
                emulator.write(stream.getvalue().replace("\n", "\r\n"))  # as a terminal does
                stream.seek(0)
                stream.truncate()
                shown.pictures.append(emulator.lines())
                return super().read(wait_s)

        console = PlainConsole(stream)
        GameScreen(self.session, Watched(*keys), console).run()  # type: ignore[arg-type]
        emulator.write(stream.getvalue().replace("\n", "\r\n"))
        self.after, self.alternate = emulator.lines(), emulator.alternate


@pytest.fixture
def sized(monkeypatch: pytest.MonkeyPatch) -> Any:
    def size(columns: int, lines: int, **environment: str) -> tuple[int, int]:
        for name in ("NO_COLOR", "COLORTERM"):
            monkeypatch.delenv(name, raising=False)
        given = {"COLUMNS": str(columns), "LINES": str(lines), "TERM": "xterm-256color"}
        for name, value in (given | environment).items():
            monkeypatch.setenv(name, value)
        return columns, lines

    return size


def test_a_game_by_arrow_keys(sized: Any) -> None:
    size = sized(80, 24, NO_COLOR="1")
    shown = Shown(size, Connect4(4, 2, 2), MinimaxPlayer(1), "right", "right", "enter", side=0)
    assert "your move>   Enter plays 3" in shown.pictures[2]
    assert shown.pictures[2][2].startswith(" •  • >•< •")
    assert shown.session.history[0].action == 2
    (title,) = (line for line in shown.pictures[3] if "was played" in line)
    assert "minimax:1's moves, " in title


def test_the_board_and_the_panel_stay_in_their_places(sized: Any) -> None:
    size = sized(80, 24, NO_COLOR="1")
    shown = Shown(size, Connect4(), MinimaxPlayer(2), *"4", "enter", *"4", "enter")
    for picture in shown.pictures[2:]:
        assert picture[0] == "connect4 against minimax:2"
        assert picture[1][24:].startswith("You ")
        assert picture[2][24:].startswith("Game ")
        assert picture[7][:20] == " 1  2  3  4  5  6  7"
    assert shown.pictures[2][6][9:12] == " X "
    assert any(line.startswith("your move> ") for line in shown.pictures[-1])
    assert not shown.alternate
    assert any(line.startswith(" 1  2  3") for line in shown.after)  # the board is left behind
    assert "Bye." in shown.after


def test_the_win_bar_and_the_course_tell_what_is_known(sized: Any) -> None:
    """Nim with 10 stones is won by who takes two; taking one gives it away."""
    game = Nim(10, take=3)
    shown = Shown(sized(80, 24), game, MinimaxPlayer(12), "1", "enter")
    chances = course(shown.session)
    assert chances[0] == 1.0
    assert chances[1] == 0.0
    assert np.isnan(chances[2])  # nobody has asked
    assert any("You " in line and line.endswith("  0.0%") for line in shown.pictures[-1])
    assert any(line.strip() == "Game █▁" for line in map(tail, shown.pictures[-1]))
    assert any("Your move lost 2.00: 2 was better." in line for line in shown.pictures[-1])


def tail(line: str) -> str:
    return line[line.find("Game") :] if "Game" in line else ""


@pytest.mark.parametrize("size", [(40, 24), (30, 12), (200, 60)])
def test_it_fits_any_terminal(size: tuple[int, int], sized: Any) -> None:
    keys = ("d", "3", "enter", *"think", "enter", *"help", "enter", "up")
    shown = Shown(sized(*size), Othello(6), MinimaxPlayer(1), *keys)
    for picture in shown.pictures:
        assert any(line.startswith("your move>") for line in picture[-size[1] :])
        assert picture[0].startswith("othello")
    wide = size[0] == 200
    blocks = any("▟██▙" in line for line in shown.pictures[0])
    assert blocks == wide


def test_think_shows_the_persons_moves_and_undo_goes_back(sized: Any) -> None:
    keys = (*"think", "enter", *"1", "enter", *"undo", "enter")
    shown = Shown(sized(90, 24, NO_COLOR="1"), Nim(10, take=3), MinimaxPlayer(12), *keys)
    thinking = shown.pictures[6]
    assert any("Your moves" in line for line in thinking)
    assert any(line.split()[-2:] == ["100.0%", "100.0%"] for line in thinking)  # 2 wins
    assert len(shown.session.history) == 1


def test_the_panel_grows_while_the_agent_thinks(
    sized: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Visits grow to what the search has; the line is that of its tree, its own choice first."""
    monkeypatch.setattr(thinking, "PACE", 0.0)
    panels: list[tuple[int, Opinion]] = []
    hear = GameScreen._hear

    def hearing(self: GameScreen, state: State, opinion: Opinion) -> None:
        hear(self, state, opinion)
        ply, shown = self._panel_opinion()
        if shown is opinion:
            panels.append((ply, shown))

    monkeypatch.setattr(GameScreen, "_hear", hearing)
    game = Connect4(4, 2, 2)
    player = make_player("mcts:64", game, lambda _: pytest.fail("no run is needed"))
    shown = Shown(sized(80, 24, NO_COLOR="1"), game, player, "1", "enter")
    replies = [opinion for ply, opinion in panels if ply == 1]
    visits = [int(opinion.decision.visits.sum()) for opinion in replies]
    assert len(visits) >= 2
    assert visits == sorted(visits)
    known = shown.session.known(1)
    assert known is not None
    assert known is replies[-1]
    assert known.line[0] == known.action == shown.session.history[1].action
    assert shown.session.variation(1, 2) == list(known.line[:2])
    words = " ".join(map(game.action_name, known.line))
    assert any(f"expects {words}" in line for line in shown.pictures[2])


def test_review_is_shown_on_the_usual_screen_and_save_writes_the_game(
    sized: Any, tmp_path: Path
) -> None:
    keys = ("1", "enter", *f"save {tmp_path / 'a.txt'}", "enter", *"review", "enter", "x")
    shown = Shown(sized(100, 40, NO_COLOR="1"), Nim(10, take=3), MinimaxPlayer(12), *keys)
    assert any("The game is in" in line for line in shown.pictures[-1])
    reviewing = shown.pictures[-2]
    assert any("A key goes back to the game." in line for line in reviewing)
    assert any("Move 1: first played 1??" in line for line in reviewing)
    assert shown.pictures[-1][0].startswith("nim")  # and back
    kept = read_game(tmp_path / "a.txt", spec="nim")
    assert kept.players == ("you", "minimax:12")


def test_ctrl_c_leaves(sized: Any) -> None:
    class Interrupted(Keys):
        def read(self, wait_s: float) -> str:
            raise KeyboardInterrupt

    sized(80, 24)
    session = GameSession(Nim(10, take=3), MinimaxPlayer(12), 0, np.random.default_rng(0))
    stream, emulator = TerminalStream(), Screen(80, 24)
    GameScreen(session, Interrupted(), PlainConsole(stream)).run()  # type: ignore[arg-type]
    emulator.write(stream.getvalue().replace("\n", "\r\n"))
    assert not emulator.alternate
    assert "Bye." in emulator.lines()


@pytest.mark.parametrize(
    ("environment", "codes"),
    [
        ({"TERM": "xterm-256color", "COLORTERM": "truecolor"}, "48;2;29;78;216"),
        ({"TERM": "xterm-256color"}, "48;5;26"),
        ({"TERM": "xterm"}, "104"),
    ],
)
def test_it_has_the_colours_of_the_terminal(
    sized: Any, environment: dict[str, str], codes: str
) -> None:
    sized(80, 24, **environment)
    Style.parse.cache_clear()  # a style keeps the codes of the first console that it was drawn on
    Style._add.cache_clear()
    session = GameSession(Connect4(4, 2, 2), MinimaxPlayer(1), 0, np.random.default_rng(0))
    stream = TerminalStream()
    GameScreen(session, Keys(), PlainConsole(stream)).run()  # type: ignore[arg-type]
    grounds = set(re.findall(r"48;2;[\d;]+|48;5;\d+|(?<=;)10\d(?=m)", stream.getvalue()))
    assert codes in grounds
    assert all(each.startswith(codes.rpartition(";")[0][:4]) for each in grounds)


def test_ascii_and_dumb_terminals(sized: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    sized(80, 24)
    stream = TerminalStream()
    monkeypatch.setattr("sys.stdin", stream)
    assert has_screen(PlainConsole(stream))
    sized(80, 24, TERM="dumb")
    assert not has_screen(PlainConsole(stream))
    sized(29, 24)
    assert not has_screen(PlainConsole(stream))
    monkeypatch.setattr("sys.stdin", None)
    sized(80, 24)
    assert not has_screen(PlainConsole(stream))
    monkeypatch.setattr("selfplay.play.screen.can_print", lambda text: False)
    shown = Shown(sized(80, 24), Connect4(), SolverPlayer(Connect4()), "left")
    assert all(line.isascii() for picture in shown.pictures for line in picture)


def test_a_real_terminal_is_left_as_it_was() -> None:
    """A move by an arrow key, a window that changes its size, Ctrl-D."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    before = termios.tcgetattr(theirs)
    kept = {key: value for key, value in os.environ.items() if key not in ("COLUMNS", "LINES")}
    process = subprocess.Popen(
        [*COMMAND, "play", "random", "--game", "tictactoe"],
        stdin=theirs, stdout=theirs, stderr=theirs, env=kept | {"TERM": "xterm-256color"},
    )  # fmt: skip
    screen = Screen(80, 24)

    def until(words: str) -> None:
        while not any(words in line for line in screen.lines()):
            screen.write(os.read(ours, 65536).decode("utf-8", "replace"))

    until("your move>")
    assert screen.alternate
    os.write(ours, b"\x1b[B\r")
    until("random plays")
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 20, 40, 0, 0))
    until("type, or choose with the a")  # cut off by the new width
    os.write(ours, b"\x04")
    until("Next: ")
    assert process.wait(timeout=60) == 0
    assert not screen.alternate
    assert termios.tcgetattr(theirs) == before
    for file in (ours, theirs):
        with contextlib.suppress(OSError):
            os.close(file)
