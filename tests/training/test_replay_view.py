"""The live screen of a training: the curve, and a game out of the run's records."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from emulator import Screen
from program import Terminal
from rich.text import Text

from envs.connect4 import Connect4
from selfplay.screens.lines import made
from selfplay.system.console import PlainConsole
from selfplay.training import log, replay_view
from selfplay.training.log import TrainingScreen
from selfplay.training.replay_view import ReplayView
from selfplay.training.summary import summarize
from selfplay.types import Report


def test_a_record_is_shown_move_by_move(monkeypatch: pytest.MonkeyPatch) -> None:
    records: list[str] = []
    monkeypatch.setattr(replay_view, "_MOVE_S", 0.0)
    view = ReplayView(Connect4(4, 2, 2), lambda: records)
    assert view.lines(False, False) == []
    records.append("1 2 1 # opening 0 seed 0")
    assert view.lines(False, False)[-1].plain == "move 0 of 3"
    pictures = [[line.plain.strip() for line in view.lines(False, False)] for _ in range(3)]
    assert [picture[1][:5].strip() for picture in pictures] == ["(X) .", "X (O)", "[X] O"]
    assert pictures[2][0].startswith("[X]")
    assert view.lines(False, False)[-1].plain == "move 3 of 3"  # stays for a while
    for record in ("a proof", "1 no 1 # opening 0 seed 0"):
        view = ReplayView(Connect4(), lambda: [record])  # noqa: B023
        for _ in range(5):  # what cannot be read ends no training
            view.lines(False, False)
        assert view.lines(False, False)[-1:] in ([], [Text("move 0 of 3", "dim")])


def test_curve_and_game_stand_beside_the_values(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("COLUMNS", "110"), ("LINES", "40"), ("TERM", "xterm")):
        monkeypatch.setenv(name, value)
    (tmp_path / "config.json").write_text('{"game": "connect4"}')
    view = ReplayView(Connect4(), lambda: ["4 # opening 0 seed 0"])
    stream = Terminal()
    screen = TrainingScreen(
        "t", lambda: 0.5, stream, run=summarize(tmp_path), every_s=600.0, game=view
    )
    for step, rate in ((0, 0.5), (100, 0.25)):
        screen.show(Report(step, "strength", {"strength/mistake_rate": rate}))
    stream.truncate(0)
    screen.close()
    shown = re.sub("\x1b[^A-Za-z]*[A-Za-z]", "", stream.getvalue())
    assert "50.0% ┤" in shown
    assert "25.0% ┤" in shown
    assert "next measurement" in shown
    assert re.search(r"in (10:00|9:5\d)", shown)
    assert "move 0 of 1" in shown or "move 1 of 1" in shown


def test_what_has_not_changed_is_not_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("COLUMNS", "110"), ("LINES", "40"), ("TERM", "xterm-256color")):
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr(replay_view, "_MOVE_S", 1e9)
    (tmp_path / "config.json").write_text('{"game": "connect4"}')
    drawn = []
    monkeypatch.setattr(log, "made", lambda *given: drawn.append(given[1]) or made(*given))
    view = ReplayView(Connect4(), lambda: ["4 # opening 0 seed 0"])
    asked: list[str] = []
    screen = TrainingScreen(
        "t", lambda: 0.5, Terminal(), run=summarize(tmp_path), game=view,
        chance=lambda metric: asked.append(metric) or 0.5,
    )  # fmt: skip
    assert screen._live is not None
    assert screen._live.refresh_per_second == 1.0
    screen._live.stop()  # the thread that renews it
    screen.show(Report(0, "strength", {"strength/mistake_rate": 0.5}))
    drawn.clear()
    pictures = []
    for _ in range(3):
        stream = Terminal()
        PlainConsole(stream).print(screen._draw())
        pictures.append(stream.getvalue())
    assert len(drawn) == 1  # the graph; the board was there
    assert pictures[0] == pictures[1] == pictures[2]
    emulator = Screen(110, 40)
    emulator.write(pictures[2].replace("\n", "\r\n"))
    (row,) = (line for line in emulator.lines() if line.startswith("strength at"))
    assert row[row.index("0 positions") :].split("  ")[0] == "0 positions"
    assert any("move 0 of 1" in line for line in emulator.lines())
    assert any("random moves" in line for line in emulator.lines())
    screen.show(Report(100, "strength", {"strength/mistake_rate": 0.25}))
    PlainConsole(stream := Terminal()).print(screen._draw())
    assert len(drawn) == 2
    assert asked == ["strength/mistake_rate"]  # positions are read once
    assert "75.0% " in pictures[2]
    assert "75.0% " not in stream.getvalue()
