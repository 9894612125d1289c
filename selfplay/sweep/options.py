"""The options of a sweep: sections in one another, dotted, laid over one another, and as names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

REFERENCE = "cell:"  # begins a value that stands for the folder of another cell


def nested(options: Mapping[str, Any]) -> dict[str, Any]:
    """Dotted options as sections in one another."""
    sections: dict[str, Any] = {}
    for option, value in options.items():
        inner = nested(value) if isinstance(value, Mapping) else value
        for part in reversed(option.split(".")):
            inner = {part: inner}
        sections = merged(sections, inner)
    return sections


def merged(*layers: Mapping[str, Any]) -> dict[str, Any]:
    """Sections laid over one another; the last one named wins, option by option.

    A section of another kind has other options, so it begins anew.
    """
    whole: dict[str, Any] = {}
    for layer in layers:
        for key, value in layer.items():
            before = whole.get(key)
            if isinstance(value, Mapping) and isinstance(before, Mapping):
                other_kind = before.get("kind", value.get("kind")) != value.get(
                    "kind", before.get("kind")
                )
                value = value if other_kind else merged(before, value)
            whole[key] = value
    return whole


def flat(sections: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Sections in one another as dotted options."""
    dotted: dict[str, Any] = {}
    for key, value in sections.items():
        if isinstance(value, Mapping):
            dotted |= flat(value, f"{prefix}{key}.")
        else:
            dotted[f"{prefix}{key}"] = value
    return dotted


def label(option: str, value: Any, axes: Iterable[str]) -> str:
    """``option=value`` as it stands in the name of a folder; of the option its last part."""
    last = option.rpartition(".")[2]
    shared = sum(other.rpartition(".")[2] == last for other in axes) > 1
    return f"{option if shared else last}={written(value)}"


def written(value: Any) -> str:
    """A value as a part of a folder's name."""
    if isinstance(value, dict):
        return "x".join(written(each) for each in flat(value).values())
    if isinstance(value, list):
        return "+".join(written(each) for each in value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:g}".replace("e+", "e")
    text = str(value)
    text = text if text.startswith(REFERENCE) else Path(text).name
    return re.sub(r"[^\w.+=]+", "_", text.removeprefix(REFERENCE)).strip("_")
