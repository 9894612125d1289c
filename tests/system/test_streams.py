"""What cannot be told is lost, and nothing else."""

from __future__ import annotations

import errno
import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from selfplay.system.printable import unheeded
from selfplay.training.log import TrainingScreen
from selfplay.types import Report
from selfplay.verbs import cli

RECIPE = """
game = "tictactoe"
net = { kind = "mlp", width = 8 }
search = { simulations = 2 }
actor = { games = 16, threads = 1 }
regime = { positions = 100 }
strength = { versus = ["random"], games = 2, simulations = 2 }
budget = { positions = 300 }
"""


class Broken(io.StringIO):
    """Takes so many pieces of text, then fails."""

    def __init__(self, error: Exception, takes: int) -> None:
        super().__init__()
        self.error, self.takes = error, takes

    def write(self, text: str) -> int:
        if self.takes <= 0:
            raise self.error
        self.takes -= 1
        return super().write(text)

    def flush(self) -> None:
        if self.takes <= 0:
            raise self.error


class BrokenTerminal(Broken):
    def isatty(self) -> bool:
        return True


ERRORS = [
    BrokenPipeError(errno.EPIPE, "Broken pipe"),
    OSError(errno.EIO, "Input/output error"),
    OSError(errno.ENOSPC, "No space left on device"),
    ValueError("I/O operation on closed file."),
]


@pytest.mark.parametrize("error", ERRORS, ids=str)
@pytest.mark.parametrize("takes", [0, 1])
def test_a_stream_that_breaks_is_dropped(error: Exception, takes: int) -> None:
    broken = Broken(error, takes)
    stream = unheeded(broken)
    for _ in range(3):
        assert stream.write("one") == 3
        stream.flush()
        print("two", file=stream)
    assert broken.getvalue() == "one" * takes
    assert unheeded(stream) is stream


def test_where_there_is_no_stream_nothing_is_told() -> None:
    stream = unheeded(None)
    print("to nobody", file=stream)
    assert not stream.isatty()


@pytest.mark.parametrize(
    ("kind", "error"), [*zip([Broken, BrokenTerminal] * 2, ERRORS, strict=True)], ids=str
)
def test_a_training_goes_on_without_its_screen(
    kind: type[Broken], error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.toml").write_text(RECIPE)
    monkeypatch.setattr(sys, "stderr", kind(error, 1))
    assert cli.main(["train", str(tmp_path / "a.toml"), "--out", str(tmp_path / "run")]) == 0
    assert list((tmp_path / "run" / "checkpoints").glob("*.pt"))
    assert (tmp_path / "run" / "report.md").is_file()


def test_a_training_without_streams_ends_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.toml").write_text(RECIPE)
    monkeypatch.setattr(sys, "stderr", None)
    monkeypatch.setattr(sys, "stdout", None)
    assert cli.main(["train", str(tmp_path / "a.toml"), "--out", str(tmp_path / "run")]) == 0
    assert cli.main(["train", "no such run"]) == 1


def test_the_screen_says_what_goes_on_and_of_when_its_strength_is() -> None:
    stream = io.StringIO()
    screen = TrainingScreen("training", lambda: 0.5, stream, paid=lambda: (6, 65.0))
    screen.show(Report(1000, "strength", {"strength/vs_random": 0.5}))
    screen.show(Report(5000, "learn", {"learn/kl": 0.5}))
    (line,) = stream.getvalue().splitlines()
    assert line == (
        "time left ? · elapsed 1:05 · iteration 7 · positions 5,000 · "
        "strength at 1,000 positions · score against random 50%"
    )
    for phase, doing in (("strength", "playing"), ("selfplay", "learning"), ("learn", "learning")):
        if phase == "strength":
            screen.doing = "playing"
        screen.show(Report(5000, phase, {}))
        assert screen._draw().renderables[0] == f"training: {doing}"


@pytest.mark.skipif(os.name == "nt", reason="descriptors of Unix")
def test_files_do_not_take_the_place_of_closed_streams(tmp_path: Path) -> None:
    """What a library writes to standard error is not to end up in a run's files."""
    code = (
        "import os, sys; from selfplay.system.printable import fill_missing; fill_missing();"
        f"file = os.open({str(tmp_path / 'a')!r}, os.O_WRONLY | os.O_CREAT); os.write(2, b'noise');"
        "sys.exit(file < 3)"
    )
    command = f'exec {sys.executable} -c "$0" <&- >&- 2>&-'
    done = subprocess.run(["sh", "-c", command, code], check=False, timeout=60)
    assert done.returncode == 0
    assert (tmp_path / "a").read_bytes() == b""
