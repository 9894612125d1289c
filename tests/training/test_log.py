"""Reports written down, and what is said in the terminal."""

from __future__ import annotations

import errno
import io
import json
import math
import os
import re
import time
from pathlib import Path

import pytest
from program import Terminal
from tensorboard.plugins.custom_scalar import layout_pb2
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData
from tiny_runs import curve, events_of

from selfplay.data.generate import Progress
from selfplay.system.console import clock, progress
from selfplay.training.log import RunLog, TrainingScreen
from selfplay.training.metrics_file import read_metrics
from selfplay.types import Report


def test_writes_what_is_finite(tmp_path: Path) -> None:
    log = RunLog(tmp_path, None)
    log.write(Report(5, "learn", {"learn/kl": 0.5, "learn/lr": math.nan, "cost/x": math.inf}))
    (line,) = (tmp_path / "metrics.jsonl").read_text().splitlines()  # while the run goes on
    told = json.loads(line)
    assert told.pop("time") > 1.7e9
    assert told == {"step": 5, "phase": "learn", "learn/kl": 0.5}
    assert curve(tmp_path, "learn/kl") == [(5, 0.5)]
    log.close()


def test_tensorboard_opens_on_the_strength(tmp_path: Path) -> None:
    """Its groups stand in the order of their names; Custom Scalars and HParams have something."""
    log = RunLog(tmp_path, None, about={"net": "mlp", "lr": 0.5})
    names = ("cost/flops", "learn/kl", "selfplay/games", "strength/vs_random")
    names += ("strength/vs_random_low", "strength/vs_random_high", "strength/mistake_rate/easy")
    log.write(Report(7, "strength", dict.fromkeys(names, 1.0)))
    log.close()
    events = events_of(tmp_path)
    tags = sorted(events.Tags()["scalars"])
    assert tags[0] == "1_strength/vs_random"
    assert [tag for tag in tags if tag.startswith("strength")] == [
        "strength_by_set/mistake_rate/easy",
        "strength_intervals/vs_random_high",
        "strength_intervals/vs_random_low",
    ]
    (shown,) = events.Tensors("custom_scalars__config__")
    layout = layout_pb2.Layout.FromString(shown.tensor_proto.string_val[0])
    assert [category.title for category in layout.category] == ["Strength", "Learning"]
    expressions = [chart.multiline.tag[0] for chart in layout.category[0].chart]
    assert [bool(re.match(each, tags[0])) for each in expressions] == [False, True, False]
    found = events.SummaryMetadata("_hparams_/session_start_info").plugin_data.content
    session = HParamsPluginData.FromString(found).session_start_info
    assert session.hparams["net"].string_value == "mlp"
    assert session.hparams["lr"].number_value == 0.5


def told(folder: Path, steps: range, resume_at: int | None) -> None:
    log = RunLog(folder, resume_at)
    for step in steps:
        log.write(Report(step, "learn", {"learn/kl": float(step)}))
    log.close()


def test_a_resumed_run_drops_what_will_be_done_again(tmp_path: Path) -> None:
    told(tmp_path, range(6), None)
    told(tmp_path, range(4, 8), resume_at=3)
    expected = list(range(8))
    assert [line["step"] for line in read_metrics(tmp_path)] == expected
    assert curve(tmp_path, "learn/kl") == [(step, step) for step in expected]


def test_a_run_that_begins_anew_forgets_what_was_told(tmp_path: Path) -> None:
    assert read_metrics(tmp_path) == []
    told(tmp_path, range(6), None)
    told(tmp_path, range(2), None)
    assert [line["step"] for line in read_metrics(tmp_path)] == [0, 1]
    assert curve(tmp_path, "learn/kl") == [(0, 0), (1, 1)]


def test_a_clock_set_back_hides_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each session begins a year before the one that it goes on from."""
    for session in range(3):
        monkeypatch.setattr(time, "time", lambda at=1.8e9 - 3e7 * session: at)
        told(tmp_path, range(3 * session, 3 * session + 3), 3 * session - 1 if session else None)
    assert curve(tmp_path, "learn/kl") == [(step, step) for step in range(9)]
    times = [event.wall_time for event in events_of(tmp_path).Scalars("learn/kl")]
    assert times == sorted(times)
    assert [line["time"] for line in read_metrics(tmp_path)] == times


def test_a_run_of_an_earlier_version_goes_on_behind_its_events(tmp_path: Path) -> None:
    """Its files are named by the second they began in."""
    told(tmp_path, range(3), None)
    (old,) = tmp_path.glob("events*")
    old.rename(tmp_path / "events.out.tfevents.1790000000.host.17.0")
    told(tmp_path, range(3, 5), resume_at=2)
    assert (tmp_path / "events.out.tfevents.1790000001.selfplay").is_file()
    assert curve(tmp_path, "learn/kl") == [(step, step) for step in range(5)]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
@pytest.mark.parametrize("which", ["metrics.jsonl", "events.out"])
def test_a_disk_that_takes_no_more_is_one_sentence_and_loses_no_point(
    which: str, number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, real, written = RunLog(tmp_path, None), os.write, []

    def fails(descriptor: int, record: bytes) -> int:
        name = os.readlink(f"/proc/self/fd/{descriptor}")
        written.append(name)
        if which in name:
            raise OSError(number, os.strerror(number))
        return real(descriptor, record)

    log.write(Report(1, "learn", {"learn/kl": 1.0}))
    monkeypatch.setattr(os, "write", fails)
    with pytest.raises(ValueError, match="could not be saved") as error:
        log.write(Report(2, "learn", {"learn/kl": 2.0}))
    assert str(error.value).startswith(str(tmp_path / which))
    log.close()
    monkeypatch.undo()
    told(tmp_path, range(2, 4), resume_at=1)
    assert curve(tmp_path, "learn/kl") == [(1, 1.0), (2, 2.0), (3, 3.0)]
    assert [line["step"] for line in read_metrics(tmp_path)] == [1, 2, 3]


REPORT = {
    "cost/games": 1234,
    "selfplay/simulations_per_s": 9876.5,
    "learn/policy_loss": 1.5,
    "learn/value_loss": 0.75,
    "learn/kl": 0.1,
    "search/kl_target_prior": 0.25,
    "strength/mistake_rate": 0.125,
    "strength/mistake_rate_low": 0.1,
    "strength/net_mistake_rate": 0.25,
    "strength/vs_random": 0.9,
    "strength/vs_random_low": 0.8,
    "strength/vs_random_high": 0.95,
}


def test_without_a_terminal_it_tells_one_line_now_and_then() -> None:
    stream, progress = io.StringIO(), [0.0]
    screen = TrainingScreen("training", lambda: progress[0], stream)
    screen.say("a sentence longer than a line of a terminal " * 4 + ":smile: [bold]x")
    screen.show(Report(0, "strength", {"strength/vs_random": 0.5}))  # nothing learned yet
    progress[0] = 0.25
    for step in (10_000, 20_000, 30_000):
        screen.show(Report(step, "learn", REPORT))
    screen.close()
    sentence, line = stream.getvalue().splitlines()
    assert sentence.endswith(":smile: [bold]x")
    assert line.startswith("time left 0:00 · games 1,234 · positions 10,000 · simulations/s 9,87")
    assert "policy loss 1.500 · value loss 0.750 · KL target to prior 0.250" in line
    assert line.endswith("mistakes 12.5% with search · net alone 25.0% · score against random 90%")


def test_without_a_terminal_the_first_positions_are_told_at_once() -> None:
    stream = io.StringIO()
    screen = TrainingScreen("training", lambda: 0.0, stream)
    screen.show(Report(0, "strength", {"strength/vs_random": 0.5}))
    assert stream.getvalue() == ""
    played = {"selfplay/simulations_per_s": 9876.5, "selfplay/seconds": 30.0}
    screen.show(Report(8192, "selfplay", played))
    assert stream.getvalue() == "8,192 positions made, 9,876 simulations/s; learning begins\n"
    screen.show(Report(8192, "learn", REPORT))
    screen.show(Report(16384, "selfplay", played))
    assert [line[:5] for line in stream.getvalue().splitlines()] == ["8,192", "time "]


def test_a_terminal_that_cannot_move_its_cursor_gets_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setenv("COLUMNS", "200")
    stream = Terminal()
    screen = TrainingScreen("training", lambda: 0.5, stream)
    screen.show(Report(10_000, "learn", REPORT))
    assert stream.getvalue().startswith("time left ")
    screen.close()
    done = Progress(games=5, of=10, positions=45, expert_s=1.0, labels=3, wall_s=2.0)
    monkeypatch.setattr("sys.stderr", stream := Terminal())
    with progress("making games", every_s=0.0) as say:
        say(done.text)
    assert stream.getvalue() == (
        "5 of 10 games · 45 positions · 1 CPU seconds of the expert · 2 s left\n"
    )


def test_a_regime_without_games_of_its_own_tells_of_none() -> None:
    screen = TrainingScreen("training", lambda: 0.0, io.StringIO())
    told = {"cost/games": 0.0, "learn/policy_loss": 1.5, "validation/accuracy": 0.25}
    screen.show(Report(4096, "learn", told))
    assert screen._cells()[1:] == [
        ("positions", "4,096"),
        ("foretold of games kept aside", "25.0%"),
        ("policy loss", "1.500"),
    ]


class Intruder(float):
    """A score while whose text is made another thread has something new to show."""

    screen: TrainingScreen

    def __format__(self, form: str) -> str:
        self.screen.show(Report(2, "strength", {"strength/vs_other": 0.5}))
        return super().__format__(form)


def test_a_report_that_comes_while_the_screen_is_drawn_does_no_harm() -> None:
    screen = TrainingScreen("training", lambda: 0.0, io.StringIO())
    score = Intruder(0.75)
    score.screen = screen
    screen.show(Report(1, "strength", {"strength/vs_random": score, "strength/vs_solver": 0.25}))
    assert screen._cells()[-2:] == [
        ("score against random", "75%"),
        ("score against solver", "25%"),
    ]
    assert ("score against other", "50%") in screen._cells()


def test_clock() -> None:
    told = [clock(seconds) for seconds in (0, 59.6, 61, 3600, 3725, math.nan)]
    assert told == ["0:00", "1:00", "1:01", "1:00:00", "1:02:05", "?"]
