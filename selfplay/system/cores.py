"""The cores that there are to work on."""

from __future__ import annotations

import os


def core_count() -> int:
    """Cores this process may use."""
    return len(own_cores()) or os.cpu_count() or 1


def own_cores() -> tuple[int, ...]:
    """Their numbers; empty where the system does not tell."""
    return tuple(sorted(os.sched_getaffinity(0))) if hasattr(os, "sched_getaffinity") else ()
