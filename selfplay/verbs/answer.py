"""What a verb of the command line hands back, and how it ends."""

from __future__ import annotations

from typing import Any, NamedTuple

from selfplay.system.printable import in_one_line


class Answer(NamedTuple):
    """What a verb found out, and the exit code."""

    content: dict[str, Any]
    code: int = 0


def say_next(command: str, meaning: str = "") -> None:
    """The last line of a verb: the next useful command."""
    print(f"Next: {in_one_line(command)}" + (f"   ({meaning})" if meaning else ""))
