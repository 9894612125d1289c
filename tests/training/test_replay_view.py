"""The live screen of a training: the curve, and a game out of the run's records."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from program import Terminal

from envs.connect4 import Connect4
from selfplay.training import replay_view
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
    assert ReplayView(Connect4(), lambda: ["a proof"]).lines(False, False) == []


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
