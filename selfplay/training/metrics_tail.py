"""``metrics.jsonl`` of a run that goes on, read further each time instead of anew."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, NamedTuple

from selfplay.training.metrics_file import NAME, parse_line

_CHUNK = 1 << 24  # bytes of the file at a time
_LONGEST = 1 << 20  # bytes of a line; what is longer is damaged


class _File(NamedTuple):
    """Which file was read, and how it began: a run that is resumed writes another."""

    device: int
    inode: int
    head: bytes


class MetricsTail:
    """The reports of a run as they come.

    Looks at the file when it is asked to, so a folder that another machine shares will do.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / NAME
        self._file: _File | None = None
        self._offset = 0
        self._rest = b""
        self.damaged = 0  # lines that are left out

    def read(self) -> tuple[bool, list[dict[str, Any]]]:
        """Whether the file is another than before, and the reports that are new in it.

        A line that is not whole yet is left for later.
        """
        try:
            with self._path.open("rb") as stream:
                return self._read(stream)
        except FileNotFoundError:
            replaced = self._file is not None
            self._begin(None)
            return replaced, []

    def _read(self, stream: Any) -> tuple[bool, list[dict[str, Any]]]:
        about = os.fstat(stream.fileno())
        head = stream.read(64)
        before = self._file
        grown = (
            before is not None
            and (about.st_dev, about.st_ino) == before[:2]
            and about.st_size >= self._offset
            and head.startswith(before.head)
        )
        if not grown:
            self._begin(_File(about.st_dev, about.st_ino, head))
        stream.seek(self._offset)
        reports = []
        while chunk := stream.read(_CHUNK):
            self._offset += len(chunk)
            *rows, self._rest = (self._rest + chunk).split(b"\n")
            for row in rows:
                line = parse_line(row) if len(row) <= _LONGEST else None
                if line is not None:
                    reports.append(line)
                elif row.strip():
                    self.damaged += 1
            self._rest = self._rest[: _LONGEST + 1]
        return not grown and before is not None, reports

    def _begin(self, file: _File | None) -> None:
        self._file, self._offset, self._rest, self.damaged = file, 0, b"", 0
