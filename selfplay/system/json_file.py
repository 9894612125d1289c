"""Files that hold one JSON object, read within bounds: what lies there is an object or refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from selfplay.system.text import read_bytes

_LIMIT = 1 << 26  # bytes
_DEEP = 100  # objects and lists in one another


def read_object(path: Path) -> dict[str, Any]:
    """The object in a file.

    Raises ValueError with a sentence when it cannot be read or holds something else.
    """
    text = read_bytes(path, limit=_LIMIT)
    try:
        content = json.loads(text.decode("utf-8-sig"), parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        why = "nested too deep" if isinstance(error, RecursionError) else error
        raise ValueError(f"{path} is damaged ({why})") from error
    if not isinstance(content, dict):
        raise ValueError(f"{path} is damaged: it holds no object")
    if _is_deep(content):
        raise ValueError(f"{path} is damaged (nested too deep)")
    return content


def objects_in(content: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """The objects in the list under ``name``; what is something else is left out."""
    entries = content.get(name)
    return [each for each in entries if isinstance(each, dict)] if isinstance(entries, list) else []


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no number of JSON")


def _is_deep(content: Any) -> bool:
    level = [content]
    for _ in range(_DEEP):
        level = [
            inner
            for each in level
            for inner in (each.values() if isinstance(each, dict) else each)
            if isinstance(inner, dict | list)
        ]
        if not level:
            return False
    return True
