"""numba with the project's flags, and a disk cache that cannot go stale.

numba's own cache looks at one file at a time, so a kernel that calls another file's kernel keeps
running the old code after that file was changed.  Here the cache folder's name holds a hash of
every source file that has kernels: change one and all are compiled anew.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import pickle
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numba
import numpy as np
from llvmlite import ir
from numba.core.caching import IndexDataCacheFile
from numba.extending import intrinsic

from selfplay.system.user_folders import cache_folders, is_private

_ROOT = Path(__file__).resolve().parent.parent
_DIGEST = hashlib.sha256().digest_size


def _cache_folder() -> Path:
    """A folder, the user's alone, whose name changes with the sources of the kernels.

    The cache holds pickles, which run code, so it is never taken from somebody else.
    """
    digest = hashlib.sha256(numba.__version__.encode())
    for package in ("selfplay", "envs"):
        for source in sorted((_ROOT / package).rglob("*.py")):
            text = source.read_bytes()
            if b"kernel" in text:
                digest.update(source.name.encode() + text)
    for parent in cache_folders():
        folder = parent / f"numba-{digest.hexdigest()[:16]}"
        if is_private(parent) and is_private(folder):
            return folder
    return Path(tempfile.mkdtemp(prefix="selfplay-numba-"))


if not os.environ.get("NUMBA_CACHE_DIR"):
    numba.config.CACHE_DIR = str(_cache_folder())

_Function = TypeVar("_Function", bound=Callable[..., Any])


class _CheckedFile(IndexDataCacheFile):  # type: ignore[misc]  # numba has no types
    """The cache of one kernel; what is damaged in it is removed, so that it is compiled again.

    Each file begins with a hash of the rest: machine code with one bit turned would be run.
    """

    def save(self, key: Any, data: Any) -> None:
        with contextlib.suppress(OSError):  # it is compiled, only not kept
            super().save(key, data)

    def _load_index(self) -> dict[Any, Any]:
        content = self._content(Path(self._index_path))
        version, stamp, known = pickle.loads(content) if content else (None, None, {})
        current = (version, stamp) == (self._version, self._source_stamp)
        return known if current else {}

    def _save_index(self, known: dict[Any, Any]) -> None:
        self._write(self._index_path, self._dump((self._version, self._source_stamp, known)))

    def _load_data(self, name: str) -> Any:
        content = self._content(Path(self._data_path(name)))
        if content is None:
            raise FileNotFoundError(name)  # numba compiles then
        return pickle.loads(content)

    def _save_data(self, name: str, data: Any) -> None:
        self._write(self._data_path(name), self._dump(data))

    def _write(self, path: str, content: bytes) -> None:
        with self._open_for_write(path) as file:
            file.write(hashlib.sha256(content).digest() + content)

    def _content(self, path: Path) -> bytes | None:
        """What ``_write`` wrote; None, and the file is gone, if it is not whole."""
        try:
            found = path.read_bytes()
        except OSError:
            return None
        content = found[_DIGEST:]
        if hashlib.sha256(content).digest() == found[:_DIGEST]:
            return content
        with contextlib.suppress(OSError):
            path.unlink()
        return None


def _compiled(function: _Function, **options: bool) -> _Function:
    """``function`` compiled, with a cache that notices damage."""
    decorate = numba.njit(nogil=True, cache=True, error_model="numpy", **options)
    compiled: _Function = decorate(function)
    cache = getattr(getattr(compiled, "_cache", None), "_cache_file", None)
    if isinstance(cache, IndexDataCacheFile):
        cache.__class__ = _CheckedFile
    return compiled


def kernel(function: _Function) -> _Function:
    """``function`` compiled: no Python objects inside, the interpreter lock released, cached."""
    return _compiled(function)


def bare_kernel(function: _Function) -> _Function:
    """A kernel that makes no arrays and returns none: no references to its arguments are counted.

    Counting takes two atomic instructions for every array of every record handed over, at every
    call; where kernels hand each other records of many arrays that is most of the time.  numba
    refuses to compile a function that needs to allocate.  A kernel that returns a view of its
    arguments must not be bare: its caller would give back a reference that nobody took.
    """
    return _compiled(function, _nrt=False)


# Bits: the processor has an instruction for each of these, and Python no word ---------------------


def _instruction(emit: Callable[[Any, Any, Any], Any]) -> Any:
    """A function for kernels, from an integer to one of its type, that LLVM has a name for."""

    def typed(typing: Any, bits: Any) -> Any:
        return bits(bits), lambda context, builder, _, values: emit(context, builder, values[0])

    return intrinsic(typed)


_ones = _instruction(lambda context, builder, bits: builder.ctpop(bits))
_leading_zeros = _instruction(
    lambda context, builder, bits: builder.ctlz(bits, context.get_constant(numba.boolean, False))
)
_trailing_zeros = _instruction(
    lambda context, builder, bits: builder.cttz(bits, context.get_constant(numba.boolean, False))
)


@intrinsic  # type: ignore[untyped-decorator]
def prefetch(typing: Any, record: Any) -> Any:
    """Asks the memory for the line in which a record of a table begins, without waiting for it."""

    def emit(context: Any, builder: Any, _: Any, values: Any) -> Any:
        pointer, number = ir.PointerType(ir.IntType(8)), ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [pointer, number, number, number])
        fetch = builder.module.declare_intrinsic("llvm.prefetch", [pointer], kind)
        soon = (number(each) for each in (1, 3, 1))  # to be written, used again, data
        builder.call(fetch, [builder.bitcast(values[0], pointer), *soon])
        return context.get_dummy_value()

    return numba.void(record), emit


signed: Any = np.int64  # in kernels: an integer of any type as i64, where int() would keep the type


@kernel
def count_bits(bits: np.uint64) -> int:
    """How many bits are set."""
    count: int = signed(_ones(bits))
    return count


@kernel
def scrambled(bits: np.uint64) -> np.uint64:
    """``bits`` mixed so that neighbours have nothing in common (splitmix64, Steele 2014)."""
    bits = bits * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))


@kernel
def lowest_index(bits: np.uint64) -> int:
    """The index of the lowest bit that is set; 64 where none is."""
    index: int = signed(_trailing_zeros(bits))
    return index


@kernel
def highest_bit(bits: np.uint64) -> np.uint64:
    """The highest bit that is set, alone; 0 where none is."""
    return np.uint64((np.uint64(1 << 63) >> _leading_zeros(bits | np.uint64(1))) & bits)
