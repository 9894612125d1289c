"""Values as JSON holds them."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np

from selfplay.stats import Interval


def as_plain(value: Any) -> Any:
    """``value`` in lists, objects, text and finite numbers, null for others.

    An interval is an object of value, low and high; other tuples are lists.
    """
    if isinstance(value, Interval):
        value = value._asdict()
    if isinstance(value, dict):
        return {name: as_plain(part) for name, part in value.items()}
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, (list, tuple)):
        return [as_plain(part) for part in value]
    if isinstance(value, (float, np.floating)):
        return float(value) if math.isfinite(value) else None
    return str(value) if isinstance(value, Path) else value
