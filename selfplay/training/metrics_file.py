"""``metrics.jsonl``: one report a line, and what is made of lines that are damaged."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from selfplay.system.files import write_atomically, write_text_atomically
from selfplay.system.text import read_bytes

NAME = "metrics.jsonl"
STOPPED = "cost/stopped"  # of the measurement that ended a run early
_LIMIT = 1 << 27  # bytes


def load_metrics(folder: Path) -> tuple[list[dict[str, Any]], int]:
    """The reports of a run, in the file's order, and how many damaged lines are left out.

    One cut short at the end, as a killed run leaves it, is none.
    """
    path = folder / NAME
    rows = read_bytes(path, _LIMIT).split(b"\n") if path.exists() else []
    lines = [parse_line(row) for row in rows]
    damaged = [not line and row.strip() != b"" for row, line in zip(rows, lines, strict=True)]
    return [line for line in lines if line], sum(damaged[:-1])


def left_out(lines: int) -> str:
    """That so many lines were damaged, as the end of a sentence."""
    return f"{'1 line is' if lines == 1 else f'{lines:,} lines are'} damaged and left out"


def read_metrics(folder: Path) -> list[dict[str, Any]]:
    """The reports of ``load_metrics``."""
    return load_metrics(folder)[0]


def read_reports_of(folder: Path, name: str, newest: int | None = None) -> list[dict[str, Any]]:
    """The reports that tell a metric, in the file's order, or so many of the newest ones.

    The other lines are not even parsed.
    """
    path, mark = folder / NAME, json.dumps(name).encode()
    rows = read_bytes(path, _LIMIT).split(b"\n") if path.exists() else []
    told = (line for row in reversed(rows) if mark in row and (line := parse_line(row)))
    return [*islice((line for line in told if name in line), newest)][::-1]


def parse_line(row: bytes) -> dict[str, Any] | None:
    """The report in a line of the file; None for anything that is no report of a run.

    It has a ``step`` of positions, a ``phase``, and a finite number under each name with a "/".
    """
    try:
        line = json.loads(row)
    except (ValueError, RecursionError):
        return None
    if not isinstance(line, dict) or not isinstance(line.get("phase"), str):
        return None
    numbers = [value for key, value in line.items() if "/" in key]
    numbers += [line.get("step"), line.get("time", 0.0)]
    if not all(map(_is_finite, numbers)) or line["step"] < 0:
        return None
    return line


def updated(latest: Mapping[str, float], told: Mapping[str, Any]) -> dict[str, float]:
    """The latest value of each metric once a further report is ``told``.

    A run that reports anything after an early stop has gone on: it has not stopped any more.
    """
    kept = {name: value for name, value in latest.items() if name != STOPPED}
    return kept | {name: value for name, value in told.items() if "/" in name}


def drop_after(folder: Path, step: int) -> tuple[int, Path]:
    """Drops the lines after ``step``: what they tell will be done again.

    Damaged lines go too: how many, and where the file that had them is kept.
    """
    (lines, damaged), path = load_metrics(folder), folder / NAME
    spare = spare_name(path)
    if damaged:
        before = read_bytes(path, _LIMIT)
        write_atomically(spare, lambda file: file.write(before))
    kept = (line for line in lines if line["step"] <= step)
    write_text_atomically(path, "".join(json.dumps(line) + "\n" for line in kept))
    return damaged, spare


def spare_name(path: Path) -> Path:
    """A name beside ``path`` that is free, for a file of its name that is damaged."""
    names = (f"{path.name}.damaged{number}" for number in ("", *range(2, 10**6)))
    return next(spare for name in names if not (spare := path.with_name(name)).exists())


def _is_finite(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return abs(value) <= sys.float_info.max
