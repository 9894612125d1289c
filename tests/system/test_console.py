"""What reaches a terminal: no control characters of a stranger's, no markup, no emoji codes."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from subprocess import CompletedProcess

import pytest
from program import Terminal
from rich.live import Live
from rich.table import Table
from rich.text import Text

from selfplay.system.console import PlainConsole
from selfplay.system.printable import SafeStream, in_one_line, json_line, printable, printed_safely
from selfplay.verbs.answer import say_next

HOSTILE = "a\x1b]0;title\x07b\x9b31mc\x7fd\u202ee\u2066f\rg\x00h\udc80i\u200bj\ufeffk\U000e0041l"
HARMLESS = "Nguyễn 王将 שלום 🙂 x\u00a0y\tz\n"


def test_what_a_terminal_obeys_or_hides_is_replaced() -> None:
    assert printable(HOSTILE) == "a?]0;title?b?31mc?d?e?f?g?h?i?j?k?l"
    assert printable(HARMLESS) == HARMLESS
    assert in_one_line("name\nselfplay: done\t1") == "name?selfplay: done 1"


def test_all_that_is_not_printable_is_replaced() -> None:
    for code in (*range(32), *range(127, 160), *range(0x202A, 0x202F), *range(0x2066, 0x206A)):
        kept = chr(code) in "\n\t"
        assert printable(chr(code)) == (chr(code) if kept else "?")


def test_json_keeps_what_it_means() -> None:
    line = json_line({"name": HOSTILE, "plain": "王"})
    assert printable(line) == line
    assert "王" in line
    assert json.loads(line)["name"] == HOSTILE


@pytest.mark.parametrize("terminal", [False, True])
def test_a_console_prints_text_as_it_is(terminal: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "dumb")
    out = Terminal() if terminal else io.StringIO()
    console = PlainConsole(out, width=200)
    console.print("mcts:100 [bold]x[/bold] :100: \x1b[31m")
    table = Table(box=None)
    table.add_column("\x1b]8;;evil")
    table.add_row("[red]:smile:\x9b")
    console.print(table)
    console.print(Text("\x1b[2J"))
    assert not console.is_live
    words = "mcts:100 [bold]x[/bold] :100: ?[31m ?]8;;evil [red]:smile:? ?[2J"
    assert out.getvalue().split() == words.split()


def test_a_live_screen_keeps_its_own_codes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    out = Terminal()
    console = PlainConsole(out, width=80)
    assert console.is_live
    with Live(Text("x\x1b[2Jy"), console=console, auto_refresh=False) as live:
        live.refresh()
    assert "x?[2Jy" in out.getvalue()
    assert "\x1b[2K" in out.getvalue()  # of rich: the line is renewed


def test_printing_is_safe_while_a_command_runs(capsys: pytest.CaptureFixture[str]) -> None:
    before = sys.stdout
    with printed_safely(), printed_safely():
        print("a\x1b[2Jb")
        print("c\x9bd", file=sys.stderr)
        assert isinstance(sys.stdout, SafeStream)
        assert sys.stdout.stream is before
    assert sys.stdout is before
    assert capsys.readouterr() == ("a?[2Jb\n", "c?d\n")


@pytest.mark.parametrize(
    "words",
    [
        ["check", "x\x1b[2J"], ["play", "\x1b]0;t\x07"], ["train", "a\x9b.toml"],
        ["bench", "connect4", "--set", "a\u202eb=1"], ["games", "--\x1b[2J"], ["zzz\x1b[2J"],
        ["data", "sgf", "\x1b[2J.sgf", "--game", "nim", "--out", "x"],
    ],
)  # fmt: skip
def test_errors_repeat_no_control_characters(
    words: list[str], selfplay: Callable[..., CompletedProcess[str]]
) -> None:
    done = selfplay(*words)
    assert done.stderr
    assert printable(done.stdout + done.stderr) == done.stdout + done.stderr


def test_names_with_ends_of_lines_make_no_lines(
    selfplay: Callable[..., CompletedProcess[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    """They could pass for what the program says."""
    fake = "\nselfplay: done"
    done = selfplay("play", f"a{fake}")
    assert "selfplay: done" not in (done.stdout + done.stderr).splitlines()
    say_next(f"selfplay play 'a{fake}'")
    assert capsys.readouterr().out.count("\n") == 1
