"""The curves of a comparison for TensorBoard: one run a group, side by side on one axis of compute.

TensorBoard's steps are whole numbers and its axes are linear, so that each curve is written twice:
by compute (steps are GFLOP, or a finer unit where there is less) and by its logarithm (step 1230 is
1e12.3 FLOPs), in which the decades have equal room.  The layout for Custom Scalars shows them with
their bands; for HParams each group is a session with what sets it apart and where it ended.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.plugins.custom_scalar import layout_pb2
from tensorboard.plugins.hparams import api_pb2, plugin_data_pb2
from tensorboard.plugins.hparams import metadata as hparams_metadata
from tensorboard.summary.writer.record_writer import RecordWriter

from selfplay.compare.analysis.curves import Curve
from selfplay.compare.analysis.sentence import brief, spell_metric
from selfplay.compare.records import Group, spell_kind
from selfplay.compare.views import View
from selfplay.training.events import EVENTS, hparams_value, layout_value, set_hparams

LOG_STEPS = 100  # a factor of ten in compute
_UNITS = ((1e9, "GFLOP"), (1e6, "MFLOP"), (1.0, "FLOP"))
_LONGEST = 100  # characters of a run's name


class Axis(NamedTuple):
    """How compute becomes a step."""

    tag: str  # of the scalars; it says what a step is, since a chart has no title of its axis
    title: str  # what a step is
    unit: float  # FLOPs a step; 0: LOG_STEPS a factor of ten

    def steps(self, curve: Curve) -> list[int]:
        if not self.unit:
            return [round(each) for each in LOG_STEPS * np.log10(curve.flops)]
        return [round(each) for each in curve.flops / self.unit]


def write_events(folder: Path, views: Sequence[View]) -> None:
    """Writes a run below ``folder`` for each group, and the layouts into ``folder`` itself."""
    now = time.time()
    axes = choose_axes(views)
    names = run_names([curve.group for curve in views[0].curves], folder)
    plugins = [_layout(views, axes), _experiment(views, axes, now)]
    _write(folder, [Event(wall_time=now, step=0, summary=each) for each in plugins], now)
    for at, curve in enumerate(views[0].curves):
        name = names[at]
        (folder / name).mkdir()
        mine = [c for view in views for c in view.curves if c.label == curve.label]
        events = [Event(wall_time=now, step=0, summary=_session(curve.group, name, now))]
        events += [
            event
            for each in mine
            for charged in (each, *_charged(each, views))
            for axis in axes
            for event in _points(charged, axis, now)
        ]
        _write(folder / name, events, now)


def choose_axes(views: Sequence[View]) -> tuple[Axis, ...]:
    """By the logarithm of compute, then by compute in the largest unit that resolves it."""
    starts = (float(each.flops[0]) for each in views[0].curves if len(each.flops))
    least = min(starts, default=_UNITS[0][0])
    unit, name = next((pair for pair in _UNITS if pair[0] <= least), _UNITS[-1])
    mark = f"step {12 * LOG_STEPS} = 1e12 FLOPs, {13 * LOG_STEPS} = 1e13"
    return (
        Axis(f"against log compute (step {12 * LOG_STEPS} = 1e12 FLOPs)", mark, 0.0),
        Axis(f"against compute (step = {name})", f"step = {name}", unit),
    )


def tag(curve: Curve, axis: Axis) -> str:
    """Of the mean; its band has ``_low`` and ``_high`` behind it, in a folder of its own."""
    charged = ", the expert charged" if curve.charged else ""
    return f"compare/{spell_metric(curve.metric)}{charged}/{axis.tag}"


def band_tag(mean: str, end: str) -> str:
    return mean.replace("compare/", "compare_bands/", 1) + end


def run_names(groups: Sequence[Group], folder: Path) -> list[str]:
    """A folder's name for each group, all different and none of a folder that is there."""
    taken = {path.name.lower() for path in folder.iterdir()}
    names = []
    for group in groups:
        plain = re.sub(r"[^\w.,=+-]+", " ", brief(group.label)).strip(" .")[:_LONGEST] or "group"
        name, number = plain, 2
        while name.lower() in taken:
            name, number = f"{plain} {number}", number + 1
        taken.add(name.lower())
        names.append(name)
    return names


def _charged(curve: Curve, views: Sequence[View]) -> tuple[Curve, ...]:
    """The same curve with the expert charged, if there is an expert."""
    (view,) = (view for view in views if view.metric == curve.metric)
    return tuple(each for each in view.charged if each.label == curve.label)


def _points(curve: Curve, axis: Axis, now: float) -> Iterator[Event]:
    """The mean and the band; without a band, the mean stands for its ends."""
    mean = tag(curve, axis)
    ends = (curve.low, curve.high)
    series = [(mean, curve.mean)]
    for end, values in zip(("_low", "_high"), ends, strict=True):
        series.append((band_tag(mean, end), curve.mean if values is None else values))
    for name, values in series:
        last = -1
        for step, value in zip(axis.steps(curve), values.tolist(), strict=True):
            if step > last:
                scalar = Summary.Value(tag=name, simple_value=value)
                yield Event(wall_time=now, step=step, summary=Summary(value=[scalar]))
            last = step


def _layout(views: Sequence[View], axes: Sequence[Axis]) -> Summary:
    """The charts of Custom Scalars: one a kind of search and axis, all groups in each."""
    charts = []
    for view in views:
        for curves, words in ((view.curves, ""), (view.charged, ", the expert charged")):
            for axis in axes if curves else ():
                mean = tag(curves[0], axis)
                series = layout_pb2.MarginChartContent.Series(
                    value=mean, lower=band_tag(mean, "_low"), upper=band_tag(mean, "_high")
                )
                charts.append(
                    layout_pb2.Chart(
                        title=f"{view.title}{words} ({axis.title})",
                        margin=layout_pb2.MarginChartContent(series=[series]),
                    )
                )
    charts.reverse()  # the page shows the last one first
    category = layout_pb2.Category(title="Strength against training compute", chart=charts)
    return Summary(value=[layout_value(layout_pb2.Layout(category=[category]))])


def _experiment(views: Sequence[View], axes: Sequence[Axis], now: float) -> Summary:
    """What HParams shows: the columns of a group, and the last values of its curves."""
    told = [_hparams(curve.group) for curve in views[0].curves]
    infos = []
    for name in told[0]:
        number = isinstance(told[0][name], float)
        kind = api_pb2.DATA_TYPE_FLOAT64 if number else api_pb2.DATA_TYPE_STRING
        infos.append(api_pb2.HParamInfo(name=name, display_name=name, type=kind))
    metrics = [
        api_pb2.MetricInfo(
            name=api_pb2.MetricName(tag=tag(view.curves[0], axes[0])), display_name=view.title
        )
        for view in views
    ]
    experiment = api_pb2.Experiment(
        description="selfplay compare: groups of runs that differ in their seed only",
        time_created_secs=now,
        hparam_infos=infos,
        metric_infos=metrics,
    )
    data = plugin_data_pb2.HParamsPluginData(experiment=experiment)
    return Summary(value=[hparams_value(hparams_metadata.EXPERIMENT_TAG, data)])


def _session(group: Group, name: str, now: float) -> Summary:
    """Beginning and end, so that a group does not count as running."""
    start = plugin_data_pb2.SessionStartInfo(group_name=name, start_time_secs=now)
    set_hparams(start, _hparams(group))
    end = plugin_data_pb2.SessionEndInfo(status=api_pb2.STATUS_SUCCESS, end_time_secs=now)
    begun = plugin_data_pb2.HParamsPluginData(session_start_info=start)
    ended = plugin_data_pb2.HParamsPluginData(session_end_info=end)
    return Summary(
        value=[
            hparams_value(hparams_metadata.SESSION_START_INFO_TAG, begun),
            hparams_value(hparams_metadata.SESSION_END_INFO_TAG, ended),
        ]
    )


def _hparams(group: Group) -> dict[str, float | str]:
    """What sets a group apart; NaN where it has no such number.

    Games of an expert, positions that another run made and those of its own are columns of their
    own: they are no amounts of one thing.
    """
    points = [run.points for run in group.runs]
    nothing = float("nan")
    own = group.data is None
    return {
        "regime": spell_kind(group.kind),
        "expert": group.expert,
        "parameters": float(group.parameters),
        "games of the expert": float(group.games or nothing),
        "frozen positions": float(group.positions or nothing),
        "positions of its own": float(np.mean([p.unique[-1] for p in points])) if own else nothing,
        "seeds": float(len(group.runs)),
        "CPU seconds of the expert": float(np.mean([p.expert_s[-1] for p in points])),
    }


def _write(folder: Path, events: Sequence[Event], now: float) -> None:
    with open(folder / f"{EVENTS}.{int(now):010}.selfplay.{time.time_ns() % 10**9}", "wb") as file:
        writer = RecordWriter(file)
        for event in (Event(wall_time=now, file_version="brain.Event:2"), *events):
            writer.write(event.SerializeToString())
