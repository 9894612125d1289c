"""Colours of the figures and of the page, in the light and in the dark.

A figure is drawn in the light colours; in its SVG each becomes a CSS variable, so that one
picture serves both.  The hues are apart for colour-blind readers (after Okabe and Ito).
"""

from __future__ import annotations

from typing import NamedTuple

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
