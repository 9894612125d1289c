"""Keys as terminals send them, and the line that is typed with them."""

from __future__ import annotations

import os
import pty
import termios

import pytest

from selfplay.system.keys import Keyboard, Line, keys_in


def typed(line: Line, *keys: str) -> str:
    for key in keys:
        line.press(key)
    return line.text


def test_what_terminals_send() -> None:
    assert list(keys_in("a\x1b[A\x1bOB\r\n\x7f")) == ["a", "up", "down", "enter", "backspace"]
    assert list(keys_in("\r\r")) == ["enter", "enter"]
    assert list(keys_in("\x1b[1;5C\x1b[200~é\x00")) == ["é"]  # what is unknown is left out
    assert list(keys_in("\x1b")) == ["escape"]


def test_a_line_is_edited() -> None:
    assert typed(Line(), *"hnt", "left", "left", "i", "end", "s", "backspace") == "hint"
    assert typed(Line(), *"ab", "home", "delete", "right", "right", "c") == "bc"
    assert typed(Line(), *"save my file", "delete word", "delete word") == "save "
    assert typed(Line(), *"abc", "escape", "left", "backspace") == ""
    assert typed(Line(["hint", "help", "undo"]), "u", "tab") == "undo"
    assert typed(Line(["hint", "help", "undo"]), "h", "tab") == "h"


def test_lines_before_come_back() -> None:
    line = Line()
    for text in ("one", "two", "two"):
        typed(line, *text)
        assert line.take() == text
    assert typed(line, "up") == "two"
    assert typed(line, "up") == "one"
    assert typed(line, "up") == "one"
    assert typed(line, "down", "down") == ""


def test_a_keyboard_leaves_the_terminal_as_it_was() -> None:
    ours, theirs = pty.openpty()
    before = termios.tcgetattr(theirs)
    with Keyboard(theirs) as keyboard:
        os.write(ours, "ü\x1b[D".encode())
        assert [keyboard.read(5.0), keyboard.read(5.0)] == ["ü", "left"]
        assert keyboard.read(0.0) == ""
        mode = termios.tcgetattr(theirs)[3]
        assert mode & termios.ISIG  # Ctrl-C stays an interrupt
        assert not mode & termios.ECHO
    assert termios.tcgetattr(theirs) == before
    os.close(ours)
    with pytest.raises(EOFError):  # the window was closed
        Keyboard(theirs).read(5.0)
    os.close(theirs)
