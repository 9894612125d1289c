"""Curves for TensorBoard: an events file that grows by one record a report.

TensorBoard shows groups of curves by name, so that of the strength has a 1 before its name.

Files are numbered, since TensorBoard reads them by name: named by the second they begin in, as is
usual, a clock set back would hide all that comes after.  For the same reason times never fall.
"""

from __future__ import annotations

import io
import math
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tensorboard.compat.proto.event_pb2 import Event, SessionLog
from tensorboard.compat.proto.summary_pb2 import Summary, SummaryMetadata
from tensorboard.compat.proto.tensor_pb2 import TensorProto
from tensorboard.compat.proto.types_pb2 import DT_STRING
from tensorboard.plugins.custom_scalar import layout_pb2
from tensorboard.plugins.custom_scalar import metadata as layout_metadata
from tensorboard.plugins.hparams import metadata as hparams_metadata
from tensorboard.plugins.hparams import plugin_data_pb2
from tensorboard.summary.writer.record_writer import RecordWriter

from selfplay.system.files import Appended

EVENTS = "events.out.tfevents"  # what TensorBoard calls its files
_VERSION = "brain.Event:2"

# Custom Scalars: categories of charts, each with the curves that its expression fits
_LAYOUT = {
    "Strength": {
        "mistakes": "1_strength/.*mistake_rate",
        "score": "1_strength/vs_",
        "proved": "1_strength/(un)?proved",
    },
    "Learning": {
        "loss of the policy": "learn/.*policy_loss",
        "loss of the value": "learn/.*value_loss",
    },
}


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

    def __init__(
        self, folder: Path, purge_step: int, now: float, about: Mapping[str, float | str]
    ) -> None:
        """``purge_step``: what earlier files tell of this step and later ones does not count.

        ``about``: what HParams shows of the run.
        """
        numbers = [_number(path) for path in folder.glob(f"{EVENTS}.*")]
        number = max(numbers, default=0) + 1
        self._file = Appended(folder / f"{EVENTS}.{number:010}.selfplay")
        self._write(Event(wall_time=now, file_version=_VERSION))
        start = SessionLog(status=SessionLog.SessionStatus.START)
        self._write(Event(wall_time=now, step=purge_step, session_log=start))
        begun = plugin_data_pb2.SessionStartInfo(start_time_secs=now)
        set_hparams(begun, about)
        session = plugin_data_pb2.HParamsPluginData(session_start_info=begun)
        shown = [
            layout_value(_layout()),
            hparams_value(hparams_metadata.SESSION_START_INFO_TAG, session),
        ]
        self._write(Event(wall_time=now, step=purge_step, summary=Summary(value=shown)))

    def add(self, scalars: Mapping[str, float], step: int, now: float) -> None:
        """Appends one point to the curve of each scalar."""
        values = [
            Summary.Value(tag=curve_name(name), simple_value=value)
            for name, value in scalars.items()
        ]
        self._write(Event(wall_time=now, step=step, summary=Summary(value=values)))

    def close(self) -> None:
        self._file.close()

    def _write(self, event: Event) -> None:
        record = io.BytesIO()
        RecordWriter(record).write(event.SerializeToString())
        self._file.write(record.getvalue())


def curve_name(metric: str) -> str:
    """How TensorBoard calls the curve of a metric: the strength comes first, its parts apart."""
    group, _, name = metric.partition("/")
    if group != "strength":
        return metric
    if name.endswith(("_low", "_high")):
        return f"strength_intervals/{name}"
    return f"strength_by_set/{name}" if "/" in name else f"1_strength/{name}"


def layout_value(layout: Any) -> Summary.Value:
    """What Custom Scalars is to show."""
    return Summary.Value(
        tag=layout_metadata.CONFIG_SUMMARY_TAG,
        metadata=_ours(layout_metadata.create_summary_metadata()),
        tensor=TensorProto(dtype=DT_STRING, string_val=[layout.SerializeToString()]),
    )


def hparams_value(name: str, data: Any) -> Summary.Value:
    """What HParams is to show."""
    return Summary.Value(
        tag=name,
        metadata=_ours(hparams_metadata.create_summary_metadata(data)),
        tensor=TensorProto.FromString(hparams_metadata.NULL_TENSOR.SerializeToString()),
    )


def set_hparams(session: Any, about: Mapping[str, float | str]) -> None:
    """Puts options and their values into the beginning of a session."""
    for key, value in about.items():
        if isinstance(value, str):
            session.hparams[key].string_value = value
        elif not math.isnan(value):
            session.hparams[key].number_value = value


def _layout() -> Any:
    categories = [
        layout_pb2.Category(
            title=title,
            chart=[
                layout_pb2.Chart(
                    title=name, multiline=layout_pb2.MultilineChartContent(tag=[expression])
                )
                for name, expression in charts.items()
            ],
        )
        for title, charts in _LAYOUT.items()
    ]
    return layout_pb2.Layout(category=categories)


def _ours(metadata: Any) -> SummaryMetadata:
    """The plugin's metadata as the compatible type that events are made of."""
    return SummaryMetadata.FromString(metadata.SerializeToString())


def _number(path: Path) -> int:
    """What stands in the name behind ``EVENTS``: a file's number, or the second it began in."""
    text = path.name.removeprefix(f"{EVENTS}.").partition(".")[0]
    return int(text) if text.isdecimal() and len(text) <= 10 else 0
