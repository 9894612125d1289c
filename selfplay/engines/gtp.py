"""GTP 2: how commands are read, dispatched and answered.

Source: "GTP - Go Text Protocol, version 2, draft 2", sections 2 and 3.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple, TextIO

# what a command answers: a text, or lines that follow one another while it is at work
Handler = Callable[[list[str]], "str | Iterator[str]"]

_CONTROL = re.compile("[\x00-\x08\x0a-\x1f\x7f]")
_ID = re.compile("[0-9]{1,10}")


class Command(NamedTuple):
    """A line of the other program."""

    id: str  # "" without one
    name: str  # "" where nothing but an id stands
    arguments: list[str]


def read_command(line: str) -> Command | None:
    """The command of a line; None for a line that is empty or a comment, which nobody answers."""
    words = _CONTROL.sub("", line.partition("#")[0]).split()
    if not words:
        return None
    number = words.pop(0) if _ID.fullmatch(words[0]) else ""
    return Command(number, words[0] if words else "", words[1:])


class Server:
    """Answers commands by their handlers; ``quit`` and what tells the commands are its own.

    A ValueError of a handler is answered as a failure with its sentence.
    """

    def __init__(self, handlers: Mapping[str, Handler], output: TextIO) -> None:
        self._output, self._ended = output, False
        self._handlers: dict[str, Handler] = {
            "protocol_version": lambda _: "2",
            "quit": self._quit,
            "known_command": lambda words: str(
                words[:1] != [] and words[0] in self._handlers
            ).lower(),
            "list_commands": lambda _: "\n".join(self._handlers),
            **handlers,
        }

    def run(self, lines: Iterable[str]) -> None:
        """Answers until the lines end or one of them says quit."""
        for line in lines:
            command = read_command(line)
            if command is not None:
                self._answer(command)
            if self._ended:
                return

    def _quit(self, _: list[str]) -> str:
        self._ended = True
        return ""

    def _answer(self, command: Command) -> None:
        handler = self._handlers.get(command.name)
        try:
            if handler is None:
                raise ValueError("unknown command" if command.name else "syntax error: no command")
            answer = handler(command.arguments)
        except ValueError as error:
            self._write(f"?{command.id} {_in_lines(str(error))}\n\n")
            return
        if isinstance(answer, str):
            self._write(f"={command.id} {_in_lines(answer)}\n\n")
            return
        self._write(f"={command.id}\n")
        for line in answer:
            self._write(f"{line}\n")
        self._write("\n")

    def _write(self, text: str) -> None:
        self._output.write(text)
        self._output.flush()


def _in_lines(text: str) -> str:
    """``text`` without empty lines, which would end the answer."""
    return re.sub(r"\n\s*\n", "\n", text.rstrip("\n"))
