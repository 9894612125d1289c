"""The curves of a comparison for TensorBoard: one run a group, side by side on one axis of compute.

TensorBoard's steps are whole numbers and its axes are linear, so that each curve is written twice:
by compute (steps are GFLOP, or a finer unit where there is less) and by its logarithm (step 1230 is
1e12.3 FLOPs), in which the decades have equal room.  The layout for Custom Scalars shows them with
their bands; for HParams each group is a session with what sets it apart and where it ended.

The files are those of training/events.py, which says why.
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from tensorboard.plugins.hparams.api_pb2 import Experiment, MetricInfo, MetricName
from tensorboard.plugins.hparams.plugin_data_pb2 import SessionEndInfo
from torch.utils.tensorboard.summary import custom_scalars, hparams

from selfplay.compare.analysis.curves import Curve
from selfplay.compare.analysis.sentence import brief
from selfplay.compare.comparison import View
from selfplay.compare.groups import Group, spell_kind
from selfplay.compare.metrics import spell_metric
from selfplay.compare.report.exchange_events import (
    exchange_charts,
    exchange_names,
    exchange_scalars,
)
from selfplay.training.events import EVENTS, EventFile, extended, session_start

LOG_STEPS = 100  # a factor of ten in compute
_LONGEST = 100  # characters of a run's name


class Axis(NamedTuple):
    """How compute becomes a step."""

    tag: str  # of the scalars; it says what a step is, since a chart has no title of its axis
    title: str  # what a step is
    unit: float  # compute a step; 0: LOG_STEPS a factor of ten
    finest: float = 1.0  # compute whose logarithm is step 0

    def steps(self, curve: Curve) -> list[int]:
        flops = curve.flops
        steps = flops / self.unit if self.unit else LOG_STEPS * np.log10(flops / self.finest)
        return [round(each) for each in steps]


def write_events(folder: Path, views: Sequence[View]) -> None:
    """Writes a run below ``folder`` for each group, and the layouts into ``folder`` itself.

    Raises ValueError with a sentence where the disk does not take it.
    """
    now = time.time()
    axes = choose_axes(views)
    groups = [curve.group for curve in views[0].free.curves]
    layout = {"Strength against training compute": _charts(views, axes)}
    if charts := exchange_charts(views):
        layout["What games of the expert are worth"] = dict(charts)
    file = open_events(folder, now)
    file.add(0, now, summary=custom_scalars(layout))
    file.add(0, now, summary=_experiment(groups, views, axes, now))
    file.close()
    for name, label in zip(
        folder_names(exchange_names(views), folder), exchange_names(views), strict=True
    ):
        (folder / name).mkdir()
        file = open_events(folder / name, now)
        for step, values in exchange_scalars(views, label):
            file.add_scalars(values, step, now)
        file.close()
    for group, name in zip(groups, run_names(groups, folder), strict=True):
        (folder / name).mkdir()
        file = open_events(folder / name, now)
        file.add(0, now, summary=session_start(_options(group), name, now))
        *_, end = hparams({}, {})  # so that a group does not count as running
        ended = SessionEndInfo(end_time_secs=now)
        file.add(0, now, summary=extended(end, session_end_info=ended))
        for view in views:
            for curve in (*view.free.curves, *view.charged.curves):
                for axis in axes if curve.label == group.label else ():
                    _write(file, curve, axis, now)
        file.close()


def open_events(folder: Path, now: float) -> EventFile:
    """A file of another name than any before: TensorBoard shows what takes the place of one."""
    name = f"{EVENTS}.{int(now):010}.selfplay.{time.time_ns() % 10**9}"
    return EventFile(folder / name, now)


def choose_axes(views: Sequence[View]) -> tuple[Axis, ...]:
    """By the logarithm of compute, then by compute in the largest unit that resolves it."""
    starts = (float(each.flops[0]) for each in views[0].free.curves if not each.empty)
    scales = views[0].free.curves[0].group.runs[0].points.compute.scales
    least = min(starts, default=scales[0][0])
    unit, name = next((pair for pair in scales if pair[0] <= least), scales[-1])
    finest, its_name = scales[-1]
    mark = f"step {12 * LOG_STEPS} = 1e12 {its_name}s"
    return (
        Axis(f"against log compute ({mark})", f"{mark}, {13 * LOG_STEPS} = 1e13", 0.0, finest),
        Axis(f"against compute (step = {name})", f"step = {name}", unit),
    )


def tags(curve: Curve, axis: Axis) -> list[str]:
    """Of the mean, and of the ends of its band, which are in a folder of their own."""
    charged = ", expert and search charged" if curve.charged else ""
    name = f"{spell_metric(curve.metric)}{charged}/{axis.tag}"
    return [f"compare/{name}", f"compare_bands/{name}_low", f"compare_bands/{name}_high"]


def run_names(groups: Sequence[Group], folder: Path) -> list[str]:
    """A folder's name for each group; see ``folder_names``."""
    return folder_names([brief(group.label) for group in groups], folder)


def folder_names(labels: Sequence[str], folder: Path) -> list[str]:
    """A folder's name for each label, all different and none of a folder that is there."""
    taken = {path.name.lower() for path in folder.iterdir()}
    names = []
    for label in labels:
        plain = re.sub(r"[^\w.,=+-]+", " ", label).strip(" .")[:_LONGEST] or "group"
        name, number = plain, 2
        while name.lower() in taken:
            name, number = f"{plain} {number}", number + 1
        taken.add(name.lower())
        names.append(name)
    return names


def _write(file: EventFile, curve: Curve, axis: Axis, now: float) -> None:
    """The mean and the band; without a band, the mean stands for its ends."""
    series = (curve.mean if each is None else each for each in (curve.mean, curve.low, curve.high))
    last = -1
    for step, *values in zip(axis.steps(curve), *(each.tolist() for each in series), strict=True):
        if step > last:
            file.add_scalars(dict(zip(tags(curve, axis), values, strict=True)), step, now)
        last = step


def _charts(views: Sequence[View], axes: Sequence[Axis]) -> dict[str, tuple[str, list[str]]]:
    """The charts of Custom Scalars: one a kind of search and axis, all groups in each."""
    charts = [
        (f"{view.title}{words} ({axis.title})", ("Margin", tags(account.curves[0], axis)))
        for view in views
        for account, words in ((view.free, ""), (view.charged, ", expert and search charged"))
        for axis in axes
        if account.curves
    ]
    return dict(reversed(charts))  # the page shows the last one first


def _experiment(
    groups: Sequence[Group], views: Sequence[View], axes: Sequence[Axis], now: float
) -> Any:
    """What HParams shows: the columns of a group, and the last values of its curves."""
    columns = {name: x if isinstance(x, str) else 0.0 for name, x in _options(groups[0]).items()}
    experiment, _, _ = hparams(columns, {})
    metrics = []
    for view in views:
        (tag, *_) = tags(view.free.curves[0], axes[0])
        metrics.append(MetricInfo(name=MetricName(tag=tag), display_name=view.title))
    about = Experiment(
        description="selfplay compare: groups of runs that differ in their seed only",
        time_created_secs=now,
        metric_infos=metrics,
    )
    return extended(experiment, experiment=about)


def _options(group: Group) -> dict[str, float | str]:
    """What sets a group apart; NaN where it has no such number.

    Games of an expert, positions that another run made and those of its own are columns of their
    own: they are no amounts of one thing.
    """
    nothing = float("nan")
    return {
        "regime": spell_kind(group.kind),
        "expert": group.expert,
        "parameters": float(group.parameters),
        "games of the expert": float(group.games or nothing),
        "frozen positions": float(group.positions or nothing),
        "positions of its own": group.last("unique") if group.data is None else nothing,
        "seeds": float(len(group.runs)),
        "CPU seconds of the expert": group.last("expert_s"),
    }
