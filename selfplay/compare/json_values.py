"""Values as JSON holds them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np


def as_plain(value: Any, fields: Mapping[type, tuple[str, ...]] | None = None) -> Any:
    """``value`` in lists, objects, text and finite numbers, null for others.

    A record is an object of all that it holds, or of the ``fields`` of its type.
    """
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        names = (fields or {}).get(type(value), value._fields)
        value = {name: getattr(value, name) for name in names}
    if isinstance(value, dict):
        return {name: as_plain(part, fields) for name, part in value.items()}
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, (list, tuple)):
        return [as_plain(part, fields) for part in value]
    if isinstance(value, (float, np.floating)):
        return float(value) if math.isfinite(value) else None
    return str(value) if isinstance(value, Path) else value
