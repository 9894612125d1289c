"""Curves for TensorBoard: an events file that grows by one record a report.

Files are numbered, since TensorBoard reads them by name: named by the second they begin in, as is
usual, a clock set back would hide all that comes after.  For the same reason times never fall.
"""

from __future__ import annotations

import io
import time
from collections.abc import Mapping
from pathlib import Path

from tensorboard.compat.proto.event_pb2 import Event, SessionLog
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.record_writer import RecordWriter

from selfplay.files import Appended

EVENTS = "events.out.tfevents"  # what TensorBoard calls its files
_VERSION = "brain.Event:2"


class Clock:
    """The time of day, except that it never falls."""

    def __init__(self, latest: float) -> None:
        """``latest``: what was told before, in seconds since 1970."""
        self._latest, self._read_at = latest, time.monotonic()

    def now(self) -> float:
        """Seconds since 1970; where the clock was set back, on from what was told before."""
        gone = time.monotonic() - self._read_at
        self._read_at += gone
        self._latest = max(time.time(), self._latest + gone)
        return self._latest


class EventFile:
    """The events of a run, from where it begins or goes on."""

    def __init__(self, folder: Path, purge_step: int, now: float) -> None:
        """``purge_step``: what earlier files tell of this step and later ones does not count."""
        numbers = [_number(path) for path in folder.glob(f"{EVENTS}.*")]
        number = max(numbers, default=0) + 1
        self._file = Appended(folder / f"{EVENTS}.{number:010}.selfplay")
        self._write(Event(wall_time=now, file_version=_VERSION))
        start = SessionLog(status=SessionLog.SessionStatus.START)
        self._write(Event(wall_time=now, step=purge_step, session_log=start))

    def add(self, scalars: Mapping[str, float], step: int, now: float) -> None:
        """Appends one point to the curve of each scalar."""
        values = [Summary.Value(tag=tag, simple_value=value) for tag, value in scalars.items()]
        self._write(Event(wall_time=now, step=step, summary=Summary(value=values)))

    def close(self) -> None:
        self._file.close()

    def _write(self, event: Event) -> None:
        record = io.BytesIO()
        RecordWriter(record).write(event.SerializeToString())
        self._file.write(record.getvalue())


def _number(path: Path) -> int:
    """What stands in the name behind ``EVENTS``: a file's number, or the second it began in."""
    text = path.name.removeprefix(f"{EVENTS}.").partition(".")[0]
    return int(text) if text.isdecimal() and len(text) <= 10 else 0
