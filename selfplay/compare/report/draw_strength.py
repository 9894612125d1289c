"""Strength against compute: one curve a regime, all groups in panels, and strength against E/D."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from selfplay.compare.analysis.curves import Crossing, Curve, crossing, cut
from selfplay.compare.analysis.sentence import (
    brief,
    capital,
    choose_pair,
    group_order,
    name_group,
    representatives,
    spell_ends,
    spell_flops,
)
from selfplay.compare.comparison import Account, View
from selfplay.compare.groups import Group, spell_kind
from selfplay.compare.metrics import is_share, lower_is_better
from selfplay.compare.records import F64
from selfplay.compare.report.canvas import (
    WIDTH,
    Label,
    Picture,
    fold,
    label_ends,
    light,
    log_x,
    log_y,
    margin,
    new_axes,
    picture,
    spell_percent,
    spell_plain,
)

MOST = 6  # curves in a panel
_WRAP, _NARROW = 26, 16  # characters of a label beside a figure, and beside a panel of two
_BAND = 0.15  # opacity


class Trace(NamedTuple):
    """A curve as it is drawn, whatever its x axis is."""

    group: Group
    x: F64  # [X] > 0
    y: F64  # [X]
    low: F64 | None
    high: F64 | None


def draw_regimes(view: View, account: Account, name: str) -> Picture | None:
    """One curve a regime, and where the second of the sentence is overtaken.

    Only the two of the sentence have bands: more of them, one over the other, cannot be read.
    """
    curves = [curve for curve in account.curves if not curve.empty]
    if not curves:
        return None
    shown = representatives(curves)
    traces = [_trace(curve) for curve in shown]
    labels = [name_group(trace.group) for trace in traces]
    pair = choose_pair(curves)
    met = None if pair is None else _marked(crossing(*pair))
    figure = Figure(figsize=(WIDTH, 4.1))
    axes = new_axes(figure, 50, 36, margin(labels, _WRAP), 40 if met else 10)
    extra = " + the seconds of expert and search" if curves[0].charged else ""
    _set_scale(axes, traces, view, f"training compute{extra}, {curves[0].unit}")
    named = [curve.label for curve in pair or shown[:1]]
    ends = [
        _draw(axes, trace, label, 1.0, band=trace.group.label in named)
        for trace, label in zip(traces, labels, strict=True)
    ]
    label_ends(axes, ends, _WRAP)
    overtaken = _mark(axes, met, pair) if met and pair else ""
    return picture(
        name,
        f"Strength against compute{', expert and search charged' if curves[0].charged else ''}: "
        f"{view.title}",
        f"{capital(account.sentence)}. {_how(shown, curves)}{overtaken}",
        figure,
    )


def draw_groups(view: View) -> Picture | None:
    """All groups, in panels of a few curves; None where the figure of regimes shows them all."""
    curves = [curve for curve in view.free.curves if not curve.empty]
    if len(representatives(curves)) == len(curves):
        return None
    traces = [_trace(curve) for curve in curves]
    pair = choose_pair(curves)
    other = None if pair is None else _trace(pair[0])
    beside = "" if pair is None else f" The dotted grey line is {name_group(pair[0].group)}."
    return picture(
        "strength-groups",
        f"Strength against compute, every group: {view.title}",
        f"The same for all {len(curves)} groups of runs; the fainter a line, the fewer data or "
        f"the smaller net it stands for. The band of the strongest line of a panel is its 95% "
        f"interval over seeds and test positions.{beside}",
        _draw_panels(traces, view, f"training compute, {curves[0].unit}", other),
    )


def draw_epochs(view: View) -> Picture | None:
    """Strength against effective epochs of all groups that learn from a finite set."""
    traces = []
    for curve in view.free.curves:
        epochs = _epochs(curve)
        known = np.isfinite(epochs)
        if curve.group.data is not None and known.sum() > 1:
            traces.append(_trace(cut(curve, known))._replace(x=epochs[known]))
    if not traces:
        return None
    return picture(
        "epochs",
        f"Strength against effective epochs: {view.title}",
        "How often each different position was learned from (samples E over unique positions D) "
        "and what came of it, for the regimes with a finite set of data. A curve that goes flat "
        "or turns up has taken from its data what its net can take.",
        _draw_panels(traces, view, "effective epochs, E / D", None),
    )


def _draw_panels(traces: Sequence[Trace], view: View, x_title: str, other: Trace | None) -> Figure:
    """Small multiples with one scale; ``other`` is drawn in grey in the panels it is not in."""
    panels = split_panels([trace.group for trace in traces])
    by_label = {trace.group.label: trace for trace in traces}
    columns = min(2, len(panels))
    width, height = 72 * WIDTH / columns, 205.0  # points, of a panel
    total = height * -(-len(panels) // columns) + 14
    figure = Figure(figsize=(WIDTH, total / 72))
    named = [name_apart(groups) for groups in panels]
    wrap, widest = (_NARROW, 38) if columns > 1 else (_WRAP, 80)
    right = margin([label for _, labels in named for label in labels], wrap)
    for at, (groups, (title, labels)) in enumerate(zip(panels, named, strict=True)):
        column, row = at % columns, at // columns
        left, bottom = column * width + 46, total - (row + 1) * height + 30
        size = width - 50 - right, height - 62
        axes = new_axes(figure, left, bottom, 72 * WIDTH - left - size[0], total - bottom - size[1])
        lowest = at + columns >= len(panels)
        _set_scale(axes, traces, view, x_title if lowest else "", first=column == 0)
        axes.set_title("\n".join(fold(title, widest, 2)), loc="left", pad=9)
        if other is not None and all(other.group is not group for group in groups):
            axes.plot(other.x, other.y, color=light("muted"), lw=1.0, ls=(0, (1, 1.2)))
        opacities = np.linspace(0.42, 1.0, len(groups)) if len(groups) > 1 else [1.0]
        ends = [
            _draw(axes, by_label[group.label], label, float(opacity), band=group is groups[-1])
            for group, label, opacity in zip(groups, labels, opacities, strict=True)
        ]
        label_ends(axes, ends, wrap)
    return figure


def split_panels(groups: Sequence[Group]) -> list[list[Group]]:
    """The groups regime by regime; one of more than MOST is split by what its groups differ in."""
    ordered = sorted(groups, key=group_order)
    apart = ["expert", "maker_parameters", "parameters", "data"]
    kinds = dict.fromkeys(group.kind for group in ordered)
    of_kinds = ([group for group in ordered if group.kind == kind] for kind in kinds)
    return [panel for members in of_kinds for panel in _split(members, apart)]


def _split(groups: list[Group], apart: list[str]) -> list[list[Group]]:
    if len(groups) <= MOST:
        return [groups]
    if not apart:
        return [groups[i : i + MOST] for i in range(0, len(groups), MOST)]
    value_of = attrgetter(apart[0])
    values = dict.fromkeys(map(value_of, groups))
    parts = ([group for group in groups if value_of(group) == value] for value in values)
    return [panel for part in parts for panel in _split(part, apart[1:])]


def name_apart(groups: Sequence[Group]) -> tuple[str, list[str]]:
    """What the labels of groups of one regime share, and what is left of each."""
    kind = spell_kind(groups[0].kind)
    parts = [brief(group.label.removeprefix(kind)).strip(", ").split(", ") for group in groups]
    shared = [part for part in parts[0] if all(part in others for others in parts)]
    if len(groups) == 1:
        return kind, [", ".join(parts[0]) or kind]
    rest = [", ".join(part for part in own if part not in shared) for own in parts]
    return ", ".join(filter(None, [kind, *shared])), [text or "all else equal" for text in rest]


def _trace(curve: Curve) -> Trace:
    return Trace(curve.group, curve.flops, curve.mean, curve.low, curve.high)


def _epochs(curve: Curve) -> F64:
    """[X] f64, samples over different positions at the compute of the curve, mean over seeds."""
    logs = []
    for points in (run.points for run in curve.group.runs):
        with np.errstate(divide="ignore", invalid="ignore"):
            log = np.log(points.samples / points.unique)
        known = np.isfinite(log)
        if not known.any():
            return np.full(len(curve.flops), np.nan)
        logs.append(np.interp(np.log(curve.flops), np.log(points.flops[known]), log[known]))
    mean: F64 = np.exp(np.mean(logs, axis=0))
    return mean


def _set_scale(
    axes: Axes, traces: Sequence[Trace], view: View, x_title: str, first: bool = True
) -> None:
    """Axes that hold all ``traces``; the first of a row has a title for y."""
    x, y = (np.concatenate(column) for column in zip(*((t.x, t.y) for t in traces), strict=True))
    room = 2 if x.min() == x.max() else 1
    log_x(axes, float(x.min()) / room, float(x.max()) * room, x_title)
    if lower_is_better(view.metric) and (y > 0).any():
        low, high = y[y > 0].min() / 1.35, min(y.max() * 1.25, max(1.0, y.max()))
        log_y(axes, float(low), float(high), is_share(view.metric), zero=bool((y == 0).any()))
    else:
        bands = [band for trace in traces for band in (trace.low, trace.high) if band is not None]
        whole = np.concatenate([y, *bands])
        reach = max(float(np.ptp(whole)), 1e-3)
        axes.set_ylim(whole.min() - 0.05 * reach, whole.max() + 0.05 * reach)
        spell = spell_percent if is_share(view.metric) else spell_plain
        axes.yaxis.set_major_formatter(lambda value, _: spell(value))
    if first:
        axes.set_ylabel(view.title)


def _draw(axes: Axes, trace: Trace, text: str, opacity: float, band: bool) -> Label:
    """A curve, with its band if it has one and ``band`` is true; ``text`` is for its end."""
    colour, bottom = light(trace.group.kind), axes.get_ylim()[0]
    floor = {"linear": -np.inf, "log": bottom / 10, "symlog": 0.0}[axes.get_yscale()]
    if band and trace.low is not None and trace.high is not None:
        low, high = (np.maximum(end, floor) for end in (trace.low, trace.high))
        axes.fill_between(trace.x, low, high, color=colour, alpha=_BAND * opacity, lw=0)
    axes.plot(
        trace.x,
        np.maximum(trace.y, floor),
        color=colour,
        alpha=opacity,
        lw=1.2 + 0.8 * opacity,
        ls=(0, (4, 1.5)) if trace.low is None else "-",
        marker="o" if len(trace.x) == 1 else None,
        ms=4,
    )
    return Label(float(trace.x[-1]), float(np.clip(trace.y[-1], *axes.get_ylim())), text, colour)


def _marked(met: Crossing) -> Crossing | None:
    """The crossing where it has a compute to show: of a crossing, or of certainty."""
    in_the_mean = met.state in ("unknown", "undecided") and met.flops
    return met if met.state == "crosses" or in_the_mean else None


def _mark(axes: Axes, met: Crossing, pair: tuple[Curve, Curve]) -> str:
    """The line and the interval of a crossing; what the caption says of it."""
    low, high = axes.get_xlim()
    verb = "overtakes" if met.flops else "is ahead of"
    spread = "one seed, no interval"
    if met.state == "undecided":
        spread = "in the mean, not with certainty"
    elif met.flops is None:
        spread = "with probability over 0.975"
    elif met.state == "crosses":
        spread = f"95%: {' to '.join(spell_ends(met))}"
        ends = max(low, met.low or met.first), min(high, met.high or met.last)
        axes.axvspan(*ends, color=light("muted"), alpha=0.13, lw=0, zorder=0)
    at = met.flops or met.sure or met.last
    axes.axvline(at, color=light("ink"), lw=0.9, ls=(0, (3, 2)), zorder=1)
    place = np.log(at / low) / np.log(high / low)
    where = "at" if met.flops else "from"
    us, them = (spell_kind(curve.group.kind) for curve in pair)
    axes.annotate(
        f"{us} {verb} {them}\n{where} {spell_flops(at)} {pair[0].unit} ({spread})",
        xy=(at, 1.0),
        xycoords=("data", "axes fraction"),
        xytext=(-3 if place > 0.7 else 3 if place < 0.3 else 0, 4),
        textcoords="offset points",
        ha="right" if place > 0.7 else "left" if place < 0.3 else "center",
        va="bottom",
        color=light("ink"),
        linespacing=1.25,
    )
    if met.flops is None:
        return " Right of the dashed upright line the first is better with probability over 0.975."
    return " The dashed upright line is where the mean of the first overtakes the second" + (
        "; the shaded range is its 95% interval." if met.state == "crosses" else "."
    )


def _how(shown: Sequence[Curve], curves: Sequence[Curve]) -> str:
    bands = any(curve.low is not None for curve in choose_pair(curves) or shown[:1])
    words = "Lines are means over seeds"
    words += ", bands 95% intervals over seeds and test positions" if bands else ""
    words += " of the two that the sentence names" if bands and len(shown) > 2 else ""
    if any(curve.low is None for curve in shown):
        words += "; dashed lines are of one seed and have no band"
    if len(shown) < len(curves):
        words += "; of each regime the group on the most data that is best at equal compute"
    return words + "."
