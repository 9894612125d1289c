"""Whether what a game returns has the right form: records of arrays, their shapes and types."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from selfplay.arrays import leaves, names_of


class BrokenLaw(Exception):
    """Carries the sentence that tells which law was broken where."""


def check_array(what: str, array: Any, shape: tuple[int, ...], dtype: Any) -> None:
    expected = f"{np.dtype(dtype).name} {list(shape)}"
    if not isinstance(array, np.ndarray):
        raise BrokenLaw(f"{what} must be an array {expected}, but is {brief(array)}")
    if array.shape != shape or array.dtype != dtype:
        actual = f"{array.dtype.name} {list(array.shape)}"
        raise BrokenLaw(f"{what} must be {expected}, but is {actual}")


def check_record(what: str, record: Any, rows: int) -> None:
    """A NamedTuple, nested perhaps, of arrays with ``rows`` rows."""
    if not isinstance(record, tuple) or not hasattr(record, "_fields") or not record:
        raise BrokenLaw(f"{what} must give a NamedTuple of arrays, but gave {brief(record)}")
    for path, array in paths(record):
        if not isinstance(array, np.ndarray):
            raise BrokenLaw(f"{what}: {path} must be an array, but is {brief(array)}")
        if array.ndim == 0 or len(array) != rows:
            raise BrokenLaw(
                f"{what}: {path} must have {rows} rows, one a game, but has shape "
                f"{list(array.shape)}"
            )


def check_same_form(what: str, first: Any, later: Any, number: int) -> None:
    """Same fields, shapes and types at move ``number`` as before."""
    forms = [
        {path: f"{array.dtype} {list(array.shape)}" for path, array in paths(record)}
        for record in (first, later)
    ]
    if forms[0] != forms[1]:
        raise BrokenLaw(
            f"{what} must keep fields, shapes and types: move {number + 1} has {forms[1]}, "
            f"before it was {forms[0]}"
        )


def check_same(law: str, expected: Any, actual: Any, number: int, rows: Any = None) -> None:
    """Raises where two records of one form differ; ``rows`` [B] are the games they belong to."""
    for (path, left), (_, right) in zip(paths(expected), paths(actual), strict=True):
        if left.dtype == object:
            continue  # Python objects say nothing here; observe and legal speak for them
        if left.shape != right.shape:
            raise BrokenLaw(f"{law}: {path} has shape {left.shape} and {right.shape}")
        same = (left == right) | ((left != left) & (right != right))
        for index in np.argwhere(~same)[:1]:
            cell, row = tuple(index), int(index[0])
            game_row = row if rows is None else int(rows[row])
            inner = f"[{', '.join(str(i) for i in cell[1:])}]" if len(cell) > 1 else ""
            raise BrokenLaw(
                f"{law}: in {where(game_row, number)}, {path}{inner} is {left[cell]} "
                f"against {right[cell]}"
            )


def paths(record: Any) -> Iterator[tuple[str, Any]]:
    """The arrays of a record with their names, depth first."""
    return zip(names_of(record, between="."), leaves(record), strict=True)


def where(row: int, number: int) -> str:
    return f"game {row + 1}, move {number + 1}"


def brief(value: Any) -> str:
    text = repr(value)
    return f"{type(value).__name__} {text if len(text) <= 60 else text[:57] + '...'}"
