"""The exchange rate of an expert's games: where own games meet each level, and the law of it."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator

from selfplay.compare.analysis.exchange import Exchange
from selfplay.compare.analysis.exchange_sentence import name_games, spell_exponent
from selfplay.compare.analysis.sentence import capital
from selfplay.compare.comparison import View
from selfplay.compare.groups import spell_kind
from selfplay.compare.metrics import is_share, lower_is_better
from selfplay.compare.report.canvas import (
    WIDTH,
    Label,
    Picture,
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

_WRAP = 18  # characters of a label
_LEFT = 172.0  # points, of the left axes
_BOTTOM, _TOP = 36.0, 36.0
_MARKERS, _DASHES = "osD^vP", ("-", (0, (4, 1.5)), (0, (1, 1.3)))
_FIELD = 1.6  # a factor beyond the outermost D
_ROOM = 1.15  # a factor beyond the range of compute
_ASIDE = 1.06  # a factor between the marks of two experts


def draw_exchange(view: View) -> Picture | None:
    """Left the curve of own games with each level, right C_match against D; None without any."""
    shown = [each for each in view.exchanges if any(m.state == "matched" for m in each.matches)]
    if not shown:
        return None
    figure = Figure(figsize=(WIDTH, 4.1))
    right = 72 * WIDTH - 46 - _LEFT
    _draw_levels(new_axes(figure, 46, _BOTTOM, right, _TOP), shown[0], view)
    labels = [_label(each, shown) for each in shown]
    axes = new_axes(figure, 46 + _LEFT + 50, _BOTTOM, margin(labels, _WRAP), _TOP)
    _draw_rates(axes, shown, labels)
    seconds = _seconds_axis(axes, shown)
    return picture(
        "exchange",
        f"What the expert's games are worth in compute: {view.title}",
        f"{capital(view.exchange_sentence)}. Left: the mean curve of "
        f"{spell_kind(shown[0].curve.group.kind)} with its 95% band; each level line is the best "
        "that imitation of so many games reaches, and ends where the curve, made monotone, comes "
        "to it. Right: that compute against the number of games, with 95% intervals; arrows say "
        "that it lies beyond what was measured, lines are power laws with their 95% bands."
        + seconds,
        figure,
    )


def _label(each: Exchange, shown: list[Exchange]) -> str:
    """What sets one line apart: the expert, and regime and size where these differ."""
    words = [name_games(each.expert, "D")]
    if len({other.curve.group.kind for other in shown}) > 1:
        words.append(spell_kind(each.curve.group.kind))
    if len({other.parameters for other in shown}) > 1:
        words.append(f"N = {each.parameters:,}")
    if each.law is not None:
        words.append(f"slope {spell_exponent(each.law.exponent)}")
    return ", ".join(words)


def _draw_levels(axes: Axes, each: Exchange, view: View) -> None:
    curve, colour = each.curve, light(each.curve.group.kind)
    levels = np.array([match.plateau.value for match in each.matches])
    log_x(axes, float(curve.flops[0]), float(curve.flops[-1]), f"training compute, {curve.unit}")
    y = np.concatenate([curve.mean, levels])
    if lower_is_better(view.metric) and y.min() > 0:
        log_y(axes, float(y.min()) / 1.2, float(y.max()) * 1.2, is_share(view.metric))
    else:
        spell = spell_percent if is_share(view.metric) else spell_plain
        axes.yaxis.set_major_formatter(lambda value, _: spell(value))
    axes.set_ylabel(view.title)
    if curve.low is not None and curve.high is not None:
        floor = axes.get_ylim()[0] / 10 if axes.get_yscale() == "log" else -np.inf
        low, high = (np.maximum(end, floor) for end in (curve.low, curve.high))
        axes.fill_between(curve.flops, low, high, color=colour, alpha=0.15, lw=0)
    axes.plot(curve.flops, curve.mean, color=colour, lw=1.8)
    taught = light(each.matches[0].group.kind)
    first, last = (float(end) for end in curve.flops[[0, -1]])
    for match in each.matches:
        at = float(np.clip(match.flops.value, first, last))
        axes.plot([first, at], [match.plateau.value] * 2, color=taught, lw=0.9, ls=(0, (3, 2)))
        if match.state == "matched":
            axes.plot([at], [match.plateau.value], marker="o", ms=4, mew=0, color=taught)
        axes.annotate(
            f"{match.games:,}", (first, match.plateau.value), (2, 1.5),
            textcoords="offset points", color=taught, fontsize=7.5,
        )  # fmt: skip


def _draw_rates(axes: Axes, shown: list[Exchange], labels: list[str]) -> None:
    games = np.array([match.games for each in shown for match in each.matches], np.float64)
    ends = np.array([each.curve.flops[[0, -1]] for each in shown])
    low, high = float(ends.min()), float(ends.max())
    log_x(axes, games.min() / _FIELD, games.max() * _FIELD, "games of the expert, D")
    axes.xaxis.set_major_locator(LogLocator(numticks=99))
    log_y(axes, low / _ROOM, high * _ROOM, percent=False, plain=False)
    axes.set_ylabel(f"matched at, {shown[0].curve.unit}")
    written = []
    for number, (each, label) in enumerate(zip(shown, labels, strict=True)):
        colour, marker = light(each.curve.group.kind), _MARKERS[number % len(_MARKERS)]
        aside = _ASIDE ** (number - (len(shown) - 1) / 2)
        _draw_matches(axes, each, colour, marker, (low, high), aside)
        end = float(each.matches[-1].games), float(np.clip(each.matches[-1].flops.value, low, high))
        if each.law is not None:
            law = each.law
            if law.low is not None and law.high is not None:
                axes.fill_between(law.games, law.low, law.high, color=colour, alpha=0.12, lw=0)
            dash = _DASHES[number % len(_DASHES)]
            axes.plot(law.games, law.flops, color=colour, lw=1.3, ls=dash)
            end = float(law.games[-1]), float(np.clip(law.flops[-1], low, high))
        written.append(Label(*end, label, colour))
    label_ends(axes, written, _WRAP)


def _draw_matches(
    axes: Axes,
    each: Exchange,
    colour: str,
    marker: str,
    reach: tuple[float, float],
    aside: float,
) -> None:
    """Each C_match with its interval; an arrow where it lies beyond the range that was measured.

    They stand at D times ``aside``, so that those of several experts are told apart.
    """
    for match in each.matches:
        value, low, high = (float(np.clip(end, *reach)) for end in match.flops)
        x = match.games * aside
        if np.isfinite(low) and np.isfinite(high):
            axes.plot([x, x], [low, high], color=colour, lw=1.6, alpha=0.45)
        shape = {"matched": marker, "below": "v", "beyond": "^"}[match.state]
        hollow = match.state != "matched"
        axes.plot(
            [x], [value], ls="", marker=shape, ms=5, mec=colour, mew=1.0 if hollow else 0.0,
            mfc="none" if hollow else colour, clip_on=False,
        )  # fmt: skip


def _seconds_axis(axes: Axes, shown: list[Exchange]) -> str:
    """CPU seconds of the first expert that took any, above; what the caption says of it."""
    for each in shown:
        rates = [match.expert_s / match.games for match in each.matches if match.expert_s > 0]
        if rates:
            rate = float(np.median(rates))
            above = axes.twiny()
            title = f"CPU seconds of the expert ({rate:.2g} a game)"
            low, high = axes.get_xlim()
            log_x(above, low * rate, high * rate, title)
            above.xaxis.set_major_locator(LogLocator(numticks=99))
            above.spines[["left", "right", "bottom"]].set_visible(False)
            above.spines["top"].set_visible(True)
            return f" Above: what the {name_games(each.expert, 'D')} took the expert."
    return ""
