"""What the figures are drawn on: colours, axes in the house style, labelled curves, SVG and PNG.

A figure is drawn in the light colours; in its SVG each becomes a CSS variable, so that one picture
serves light and dark.  The hues are apart for colour-blind readers (after Okabe and Ito).
matplotlib's objects are used without pyplot, so that nothing global is left behind.
"""

from __future__ import annotations

import io
import math
import re
import textwrap
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullFormatter
from scipy.optimize import isotonic_regression

from selfplay.compare.records import F64
from selfplay.regimes import LOOKS


class Colour(NamedTuple):
    """One colour in the light and in the dark."""

    light: str
    dark: str


COLOURS = {
    "paper": Colour("#ffffff", "#14171c"),
    "ink": Colour("#1c2128", "#e4e8ee"),
    "muted": Colour("#5f6875", "#9aa5b3"),
    "line": Colour("#d5dae1", "#353c47"),
    "wash": Colour("#f4f6f8", "#1d222a"),
    **{kind: Colour(look.light, look.dark) for kind, look in LOOKS.items()},
}
WIDTH = 7.6  # inches, of every figure
LINE = 11.5  # points between two lines of labels
_PIXELS = 1.45  # a point of a figure
_ZERO_ROOM = 0.3  # decades that lie between zero and the logarithmic part of an axis
_LINES = 4  # of a label, at most
_CHARACTER = 4.9  # points, what one takes at the size of labels in the widest of the fonts
STYLE: dict[str, Any] = {
    "svg.fonttype": "none",  # text stays text: it can be read aloud, found and copied
    "svg.hashsalt": "selfplay",
    "font.family": ["DejaVu Sans"],
    "text.parse_math": False,  # a dollar in somebody's name is a dollar
    "font.size": 8.5,
    "axes.titlesize": 9,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelcolor": COLOURS["muted"].light,
    "axes.edgecolor": COLOURS["muted"].light,
    "axes.linewidth": 0.7,
    "axes.facecolor": "none",
    "text.color": COLOURS["ink"].light,
    "xtick.color": COLOURS["muted"].light,
    "ytick.color": COLOURS["muted"].light,
    "xtick.major.width": 0.7,
    "ytick.major.width": 0.7,
    "xtick.minor.size": 1.5,
    "ytick.minor.size": 1.5,
    "grid.color": COLOURS["line"].light,
    "grid.linewidth": 0.6,
    "lines.solid_capstyle": "round",
}


class Picture(NamedTuple):
    """A figure as the report shows it."""

    name: str  # of its files: "strength"
    title: str
    caption: str
    svg: str  # colours are the CSS variables of style_sheet
    png: bytes  # in the light


class Label(NamedTuple):
    """What is written beside the end of a curve."""

    x: float  # of the end
    y: float
    text: str
    colour: str


def light(name: str) -> str:
    """The light colour of that name; a regime that is not known has that of the ink."""
    return COLOURS.get(name, COLOURS["ink"]).light


def with_variables(svg: str) -> str:
    """``svg`` with each colour of the palette as the CSS variable of its name."""
    for name, colour in COLOURS.items():
        svg = svg.replace(colour.light, f"var(--{name})")
    return svg


def style_sheet(root: str = ":root") -> str:
    """The variables: light, dark where the reader likes it, light on paper."""
    by_day = "".join(f"--{name}:{colour.light};" for name, colour in COLOURS.items())
    by_night = "".join(f"--{name}:{colour.dark};" for name, colour in COLOURS.items())
    return (
        f"{root}{{{by_day}color-scheme:light dark}}"
        f"@media (prefers-color-scheme:dark){{{root}{{{by_night}}}}}"
        f"@media print{{{root}{{{by_day}color-scheme:light}}}}"
    )


def picture(name: str, title: str, caption: str, figure: Figure) -> Picture:
    """The figure as SVG and PNG."""
    plain, pixels = io.StringIO(), io.BytesIO()
    figure.savefig(plain, format="svg", transparent=True, metadata={"Date": None})
    figure.savefig(pixels, format="png", dpi=180, facecolor=light("paper"))
    return Picture(name, title, caption, _inline(plain.getvalue(), name, title), pixels.getvalue())


def standalone(drawn: Picture) -> str:
    """The SVG as a file of its own: with its colours, on paper."""
    style = (
        f"<style>{style_sheet('svg')}svg{{font-family:Helvetica,Arial,sans-serif}}</style>"
        f'<rect width="100%" height="100%" style="fill:var(--paper)"/>'
    )
    head, tag, rest = drawn.svg.partition(">")
    return f"{head}{tag}{style}{rest}"


def _inline(svg: str, name: str, title: str) -> str:
    """matplotlib's SVG for use inside a page: names of its own, the page's font and colours."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>\s*", "", svg, flags=re.DOTALL)
    svg = re.sub(r"<style[^>]*>.*?</style>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'\bid="', f'id="{name}-', svg)
    svg = re.sub(r"url\(#", f"url(#{name}-", svg)
    svg = re.sub(r'href="#', f'href="#{name}-', svg)
    svg = re.sub(r"font(-family)?: ([^;\"]*?)('DejaVu Sans'[^;\"]*)", _font, svg)
    width, height = map(float, re.findall(r'viewBox="([^"]*)"', svg)[0].split()[2:])
    label = title.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'viewBox="0 0 {width:g} {height:g}" '
        f'width="{_PIXELS * width:.0f}" height="{_PIXELS * height:.0f}" '
        f'role="img" aria-label="{label}"'
    )
    return with_variables(head + svg[svg.index(">") :].strip())


def _font(match: re.Match[str]) -> str:
    """The page's family in place of the one that was measured with."""
    if match[1]:
        return "font-family: inherit"
    sizes = match[2].split()
    weight = next((f"; font-weight: {word}" for word in sizes if word in ("bold", "700")), "")
    size = next(word for word in sizes if word.endswith("px"))
    return f"font-size: {size}{weight}; font-family: inherit"


def new_axes(figure: Figure, left: float, bottom: float, right: float, top: float) -> Axes:
    """Axes in the house style with margins in points."""
    width, height = figure.get_size_inches() * 72
    box = (left / width, bottom / height, 1 - (left + right) / width, 1 - (top + bottom) / height)
    axes = figure.add_axes(box)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(True, which="major")
    axes.set_axisbelow(True)
    return axes


def log_x(axes: Axes, low: float, high: float, title: str) -> None:
    """A logarithmic x axis with a tick a decade, or three where they are few."""
    axes.set_xscale("log")
    axes.set_xlim(low, high)
    axes.set_xlabel(title)
    _log_ticks(axes.xaxis, low, high, plain=high < 1e6)


def log_y(
    axes: Axes, low: float, high: float, percent: bool, zero: bool = False, plain: bool = True
) -> None:
    """A logarithmic y axis; with ``zero`` it goes on to 0 in a short straight piece.

    Without ``plain`` its numbers are powers of 10.
    """
    if zero:
        axes.set_yscale("symlog", linthresh=low, linscale=_ZERO_ROOM)
    else:
        axes.set_yscale("log")
    axes.set_ylim(0.0 if zero else low, high)
    _log_ticks(axes.yaxis, low, high, plain=plain, percent=percent)
    if zero:
        ticks = [at for at in axes.yaxis.get_major_locator().tick_values(low, high) if at >= low]
        axes.yaxis.set_major_locator(FixedLocator([0.0, *ticks]))
        axes.yaxis.set_minor_locator(FixedLocator([]))


def _log_ticks(axis: Any, low: float, high: float, plain: bool, percent: bool = False) -> None:
    decades = math.log10(high / low)
    subs: tuple[float, ...] = (1,)
    if plain and decades <= 3:
        fine = (1, 1.5, 2, 3, 4, 5, 7) if decades > 0.4 else tuple(range(1, 10))
        subs = (1, 2, 5) if decades > 1.2 else fine
    elif not plain and decades <= 1.2:
        subs = (1, 3)
    base = 100 if plain and not percent and decades > 4 else 10
    axis.set_major_locator(LogLocator(base=base, subs=subs, numticks=99))
    axis.set_minor_locator(
        LogLocator(base=10, subs=tuple(range(2, 10)), numticks=99)
        if decades < 8
        else FixedLocator([])
    )
    axis.set_minor_formatter(NullFormatter())
    spell = spell_percent if percent else spell_plain if plain else spell_power
    axis.set_major_formatter(FuncFormatter(lambda value, _: spell(value)))


def spell_percent(value: float) -> str:
    return f"{100 * value:.3g}%"


def spell_plain(value: float) -> str:
    if value >= 10_000 and math.log10(value) % 1 == 0:
        return spell_power(value)
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


def spell_power(value: float) -> str:
    """10¹², 3·10¹²."""
    exponent = math.floor(math.log10(value) + 1e-9)
    factor = round(value / 10**exponent)
    power = f"10{str(exponent).translate(str.maketrans('0123456789-', '⁰¹²³⁴⁵⁶⁷⁸⁹⁻'))}"
    return power if factor == 1 else f"{factor}·{power}"


def margin(labels: Sequence[str], wrap: int) -> float:
    """Points that labels beside the axes take, broken after ``wrap`` characters."""
    lines = [line for label in labels for line in fold(label, wrap)]
    return 14 + _CHARACTER * max((len(line) for line in lines), default=0)


def fold(text: str, wrap: int, most: int = _LINES) -> list[str]:
    """The lines of a text that is broken after ``wrap`` characters, ``most`` at most."""
    return textwrap.wrap(text, wrap, max_lines=most, placeholder="\N{HORIZONTAL ELLIPSIS}") or [""]


def label_ends(axes: Axes, labels: Sequence[Label], wrap: int) -> None:
    """Writes each label right of the axes, near the end of its curve and clear of the others."""
    if not labels:
        return
    box = axes.get_window_extent()
    per_point = axes.figure.dpi / 72
    height = box.height / per_point
    texts = [fold(label.text, wrap) for label in labels]
    sizes = np.array([LINE * len(lines) + 2.0 for lines in texts])
    ends = [axes.transData.transform((label.x, label.y)) for label in labels]
    wanted = np.array([(end[1] - box.y0) / per_point for end in ends])
    order = np.argsort(wanted, kind="stable")
    placed = np.empty(len(labels))
    placed[order] = spread(wanted[order], sizes[order], -16.0, height + 4.0)
    for label, lines, at in zip(labels, texts, placed, strict=True):
        axes.annotate(
            "\n".join(lines),
            xy=(label.x, label.y),
            xytext=(box.width / per_point + 9, at),
            textcoords="axes points",
            color=label.colour,
            va="center",
            ha="left",
            annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": label.colour, "lw": 0.6, "alpha": 0.6,
                        "shrinkA": 1, "shrinkB": 2, "relpos": (0, 0.5)},
        )  # fmt: skip


def spread(wanted: F64, sizes: F64, low: float, high: float) -> F64:
    """Middles nearest to ``wanted`` (ascending) of things of ``sizes`` that do not overlap."""
    touching = np.cumsum(sizes) - sizes / 2  # the middles where there is no room in between
    shift = isotonic_regression(wanted - touching).x
    placed: F64 = touching + np.clip(shift, low, max(low, high - sizes.sum()))
    return placed
