"""What a stranger's file may hold: something that does what it likes when it is unpickled."""

from __future__ import annotations

from pathlib import Path
from typing import Any


class Trap:
    """Creates a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)
