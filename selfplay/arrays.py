"""take, put, stack on NamedTuples of arrays: the only things the framework does to States.

Everything here acts on the leading axis and works on nested NamedTuples; object arrays (games
written in plain Python) go through the same lines.
"""

from __future__ import annotations

import math
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from selfplay.jit import kernel

_Record = TypeVar("_Record")
_LINE = 64  # bytes that come from memory at a time
_MOST = 1 << 28  # bytes of a file's arrays, unpacked


def read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """All arrays of an .npz file; no code in it is run.

    Raises ValueError where they are too large; damaged bytes make numpy and zipfile raise almost
    anything.
    """
    with zipfile.ZipFile(path) as zipped:
        if sum(part.file_size for part in zipped.infolist()) > _MOST:
            raise ValueError("its arrays are too large")
    with np.load(path, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def tree_map(function: Callable[..., Any], record: _Record, *others: Any) -> _Record:
    """``function`` applied to the arrays of one or more records of the same structure."""
    mapped: Any
    if isinstance(record, tuple):
        mapped = (tree_map(function, *fields) for fields in zip(record, *others, strict=True))
        mapped = type(record)(*mapped) if hasattr(record, "_fields") else tuple(mapped)
    else:
        mapped = function(record, *others)
    return cast("_Record", mapped)


def leaves(record: Any) -> list[NDArray[Any]]:
    """The arrays of a record, depth first."""
    if isinstance(record, tuple):
        return [leaf for field in record for leaf in leaves(field)]
    return [record]


def names_of(record: Any, name: str = "", between: str = "_") -> list[str]:
    """Names of the leaves of a record, in their order: NAME_FIELD, NAME_FIELD_FIELD."""
    if not isinstance(record, tuple):
        return [name]
    fields = getattr(record, "_fields", range(len(record)))
    return [
        inner
        for field, value in zip(fields, record, strict=True)
        for inner in names_of(value, f"{name}{between}{field}" if name else str(field), between)
    ]


def length(record: Any) -> int:
    """The size of the leading axis."""
    return len(leaves(record)[0])


def bytes_of(record: Any) -> int:
    """How much memory the arrays of a record take."""
    return sum(array.nbytes for array in leaves(record))


def take(record: _Record, index: Any) -> _Record:
    """The rows that ``index`` (integers, mask or slice) picks: a copy, but for a slice a view."""
    if not isinstance(index, np.ndarray) or index.ndim != 1:
        return tree_map(lambda array: array[index], record)
    if index.dtype == np.bool_:
        if len(index) != length(record):
            raise IndexError(f"a mask of {len(index)} for {length(record)} rows")
        index = np.flatnonzero(index)

    def pick(array: NDArray[Any]) -> NDArray[Any]:
        if array.flags.c_contiguous:  # else np.take would copy all of it first
            return np.asarray(np.take(array, index, axis=0))  # faster where rows are long
        picked: NDArray[Any] = array[index]
        return picked

    return tree_map(pick, record)


def take_at(record: _Record, row: Any, column: Any) -> _Record:
    """A new record with the entries [row[i], column[i]], counted from 0, of arrays [B, N, ...]."""
    nodes = leaves(record)[0].shape[1]
    return take(as_rows(record), np.asarray(row, np.int64) * nodes + column)


def as_rows(record: _Record) -> _Record:
    """Arrays [B, N, ...] as arrays [B * N, ...] in the same memory; they must be contiguous."""

    def flat(array: NDArray[Any]) -> NDArray[Any]:
        if not array.flags.c_contiguous:
            raise ValueError("a table of positions must be contiguous")
        return array.reshape(array.shape[0] * array.shape[1], *array.shape[2:])

    return tree_map(flat, record)


def put(record: Any, index: Any, rows: Any) -> None:
    """Writes ``rows`` into ``record`` at ``index``, in place."""

    def write(array: NDArray[Any], values: NDArray[Any]) -> None:
        array[index] = values

    tree_map(write, record, rows)


def rank_within(group: NDArray[np.integer]) -> NDArray[np.int64]:
    """[M], how many entries of ``group`` [M] before each are equal to it."""
    order = np.argsort(group, kind="stable")
    ordered = group[order]
    rank = np.empty(len(group), np.int64)
    rank[order] = np.arange(len(group)) - np.searchsorted(ordered, ordered)
    return rank


def concatenate(records: Sequence[_Record]) -> _Record:
    """One record with the rows of all, in order."""
    return tree_map(lambda *arrays: np.concatenate(arrays), *records)


def repeat(record: _Record, times: int) -> _Record:
    """Every row ``times`` times: rows a, b -> a, a, ..., b, b, ..."""
    return tree_map(lambda array: np.repeat(array, times, axis=0), record)


def empty_like(record: _Record, rows: int) -> _Record:
    """An uninitialised record of ``rows`` rows with the shapes and types of ``record``."""
    return tree_map(lambda array: np.empty((rows, *array.shape[1:]), array.dtype), record)


def zeros_like(record: _Record, rows: int) -> _Record:
    """A zeroed record of ``rows`` rows with the shapes and types of ``record``."""
    return tree_map(lambda array: np.zeros((rows, *array.shape[1:]), array.dtype), record)


def in_lines(shape: tuple[int, ...], kind: np.dtype[Any]) -> NDArray[Any]:
    """Zeros, none of which stands in more lines of the memory than it must."""
    size = math.prod(shape) * kind.itemsize
    memory = np.zeros(size + _LINE, np.uint8)  # takes none before something is written there
    start = -memory.ctypes.data % _LINE
    return memory[start : start + size].view(kind).reshape(shape)


def holds_objects(record: Any) -> bool:
    """True when a field is an array of Python objects, so that its bytes say nothing."""
    return any(array.dtype == object for array in leaves(record))


def hash_rows(record: Any) -> NDArray[np.uint64]:
    """[B, 2] u64: two independent 64-bit hashes of the bytes of each row.

    Rows with equal bytes have equal hashes; two different rows collide in both words with
    probability about 2^-128.
    """
    hashes = np.empty((length(record), 2), np.uint64)
    hashes[:] = _SEEDS
    for array in leaves(record):
        rows = np.ascontiguousarray(array).reshape(len(array), math.prod(array.shape[1:]))
        width = rows.shape[1] * rows.itemsize
        if width % 8 == 0:
            _mix(hashes, rows.view(np.uint64))
        elif width == 1:
            _mix(hashes, rows.view(np.uint8))
        else:
            words = np.zeros((len(rows), (width + 7) // 8 * 8), np.uint8)
            words[:, :width] = rows.view(np.uint8)
            _mix(hashes, words.view(np.uint64))
    return hashes


_SEEDS = np.array([0x9E3779B97F4A7C15, 0xD1B54A32D192ED03], np.uint64)


@kernel
def _mix(hashes: NDArray[np.uint64], words: NDArray[np.unsignedinteger]) -> None:
    """Folds the words [B, K] into the hashes [B, 2] (the finaliser of splitmix64, Steele 2014)."""
    for b in range(words.shape[0]):
        h, g = hashes[b, 0], hashes[b, 1]
        for k in range(words.shape[1]):  # both in one loop: neither waits for the other
            h = (h ^ words[b, k]) * np.uint64(0xBF58476D1CE4E5B9)
            g = (g ^ words[b, k]) * np.uint64(0xBF58476D1CE4E5B9)
            h = (h ^ (h >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
            g = (g ^ (g >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
            h = h ^ (h >> np.uint64(31))
            g = g ^ (g >> np.uint64(31))
        hashes[b, 0], hashes[b, 1] = h, g
