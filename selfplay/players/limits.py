"""How long a search goes on."""

from __future__ import annotations

import math
from typing import NamedTuple

MOST_SECONDS = 86_400.0  # a day a move


class Limit(NamedTuple):
    """Where a search ends: what comes first; with neither, where the player's own ends."""

    simulations: int | None = None
    seconds: float | None = None  # of wall time


def read_seconds(text: str) -> float:
    """The number of seconds that ``text`` is, above 0 and up to a day; ValueError if it is none."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value <= MOST_SECONDS:
        raise ValueError(f"{text[:40]!r} is not a time a move in seconds, above 0 and up to a day")
    return value
