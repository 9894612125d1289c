"""Curves for TensorBoard: an events file that grows by one record a report.

TensorBoard shows groups of curves by name, so that of the strength has a 1 before its name.

What stands in the events is made by torch's helpers; they are not written by its SummaryWriter,
which names files by the second they begin in (a clock set back hides all that comes after) and
writes in a thread of its own (a kill loses what waits there, a full disk ends in a traceback).
Files of runs are numbered, since TensorBoard reads them by name; for the same reason times never
fall.
"""

from __future__ import annotations

import io
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tensorboard.compat.proto.event_pb2 import Event, SessionLog
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData, SessionStartInfo
from tensorboard.summary.writer.record_writer import RecordWriter
from torch.utils.tensorboard.summary import custom_scalars, hparams

from selfplay.system.files import Appended

EVENTS = "events.out.tfevents"  # what TensorBoard calls its files

# Custom Scalars: categories of charts, each with the curves that its expression fits
_LAYOUT = {
    "Strength": {
        "mistakes": ("Multiline", ["1_strength/.*mistake_rate"]),
        "score": ("Multiline", ["1_strength/vs_"]),
        "proved": ("Multiline", ["1_strength/(un)?proved"]),
    },
    "Learning": {
        "loss of the policy": ("Multiline", ["(learn|validation)/policy_loss"]),
        "loss of the value": ("Multiline", ["(learn|validation)/value_loss"]),
    },
}


class EventFile:
    """A file of events, each on the disk before the call that adds it returns."""

    def __init__(self, path: Path, now: float) -> None:
        """``now``: seconds since 1970.  Raises ValueError where the disk takes nothing."""
        self._file = Appended(path)
        self.add(0, now, file_version="brain.Event:2")

    def add(self, step: int, now: float, **content: Any) -> None:
        """Appends an event; ``content``: its ``summary``, or another field of Event."""
        record = io.BytesIO()
        event = Event(wall_time=now, step=step, **content)
        RecordWriter(record).write(event.SerializeToString())
        self._file.write(record.getvalue())

    def add_scalars(self, scalars: Mapping[str, float], step: int, now: float) -> None:
        """Appends one point to each curve of these tags."""
        values = [Summary.Value(tag=tag, simple_value=value) for tag, value in scalars.items()]
        self.add(step, now, summary=Summary(value=values))

    def close(self) -> None:
        self._file.close()


def events_of_run(
    folder: Path, purge_step: int, now: float, about: Mapping[str, float | str]
) -> EventFile:
    """The file of a run that begins or goes on.

    ``purge_step``: what earlier files tell of this step and later ones does not count; ``about``:
    what HParams shows of the run.
    """
    number = max(map(_number, folder.glob(f"{EVENTS}.*")), default=0) + 1
    file = EventFile(folder / f"{EVENTS}.{number:010}.selfplay", now)
    file.add(purge_step, now, session_log=SessionLog(status=SessionLog.SessionStatus.START))
    for summary in (custom_scalars(_LAYOUT), session_start(about, "", now)):
        file.add(purge_step, now, summary=summary)
    return file


def curve_name(metric: str) -> str:
    """How TensorBoard calls the curve of a metric: the strength comes first, its parts apart."""
    group, _, name = metric.partition("/")
    if group != "strength":
        return metric
    if name.endswith(("_low", "_high")):
        return f"strength_intervals/{name}"
    return f"strength_by_set/{name}" if "/" in name else f"1_strength/{name}"


def session_start(about: Mapping[str, float | str], name: str, now: float) -> Summary:
    """What HParams shows of a run: its options by name; NaN are left out."""
    known = {key: x for key, x in about.items() if isinstance(x, str) or not math.isnan(x)}
    _, start, _ = hparams(known, {})
    return extended(
        start, session_start_info=SessionStartInfo(group_name=name, start_time_secs=now)
    )


def extended(summary: Summary, **parts: Any) -> Summary:
    """What torch makes for HParams, with ``parts`` of HParamsPluginData that it leaves out."""
    plugin = summary.value[0].metadata.plugin_data
    plugin.content += HParamsPluginData(**parts).SerializeToString()  # which is to merge them
    return summary


def _number(path: Path) -> int:
    """What stands in the name behind ``EVENTS``: a file's number, or the second it began in."""
    text = path.name.removeprefix(f"{EVENTS}.").partition(".")[0]
    return int(text) if text.isdecimal() and len(text) <= 10 else 0
