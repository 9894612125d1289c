"""Files of a run that must never be half written: checkpoints and the replay window.

Everything is written beside its place, flushed to the disk and then renamed.  Checkpoints load
with ``weights_only=True`` and replay shards without pickles: a stranger's file runs no code.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np
import torch

from selfplay import arrays
from selfplay.types import Samples

FORMAT = 1

_NO_ROOM = 1 << 20  # bytes: with less left than that, a failed write has filled the disk


def write_atomically(path: Path, write: Callable[[IO[bytes]], None]) -> None:
    """Calls ``write`` on a file beside ``path`` that takes its name when it is complete.

    Raises ValueError with a sentence when the disk does not take it; ``path`` is as before then.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with open(aside, "wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(aside, path)
        _flush_folder(path.parent)
    except (OSError, RuntimeError) as error:
        cause = _cause(error)
        full = _is_full(cause, path.parent)
        reason, advice = ("no space left on the disk", "make room and ") if full else (cause, "")
        raise ValueError(
            f"{path} could not be saved ({reason}); what was saved before is intact: {advice}run "
            f"the same command again"
        ) from error
    finally:
        with contextlib.suppress(OSError):
            aside.unlink(missing_ok=True)


def _flush_folder(folder: Path) -> None:
    """Puts the names in ``folder`` on the disk: else a power cut may undo a rename."""
    with contextlib.suppress(OSError):  # some systems cannot open folders, some disks flush none
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _cause(error: BaseException) -> BaseException:
    """What the system said; torch hides it behind a RuntimeError of its own."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, OSError):
        cause = cause.__cause__ or cause.__context__
    return cause or error


def _is_full(error: BaseException, folder: Path) -> bool:
    """Whether a write failed for want of space; what it wrote still lies in ``folder``."""
    if isinstance(error, OSError):
        return error.errno in (errno.ENOSPC, errno.EDQUOT)
    return shutil.disk_usage(folder).free < _NO_ROOM


def write_text_atomically(path: Path, text: str) -> None:
    """Writes a small file as ``write_atomically`` does."""

    def write(file: IO[bytes]) -> None:
        file.write(text.encode())

    write_atomically(path, write)


def save(path: Path, content: Mapping[str, Any]) -> None:
    """Writes a checkpoint: nested dicts of tensors, numpy arrays, numbers and strings."""
    packed = {"format": FORMAT, **_packed(content)}
    write_atomically(path, lambda file: torch.save(packed, file))


def load(path: Path) -> dict[str, Any]:
    """What ``save`` wrote.

    Raises ValueError with a sentence for a file that is missing, cut short or something else.
    """
    if not path.is_file():
        raise ValueError(f"there is no checkpoint {path}")
    try:
        with warnings.catch_warnings():  # torch warns of what is refused in the next line
            warnings.simplefilter("ignore")
            content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a stranger's bytes make torch raise almost anything
        raise ValueError(
            f"{path} is not a whole checkpoint of this project (cut short, or made by something "
            f"else); choose another with RUN@STEP, or move it away to go on from the one before"
        ) from error
    if not isinstance(content, dict) or "format" not in content or "net" not in content:
        raise ValueError(f"{path} is a torch file, but no checkpoint of this project")
    if content["format"] != FORMAT:
        raise ValueError(
            f"{path} has checkpoint format {content['format']}, this version reads {FORMAT}"
        )
    unpacked: dict[str, Any] = content
    return unpacked


def unpacked(content: Any) -> Any:
    """Nested dicts with their tensors as numpy arrays again; for parts that were numpy before."""
    if isinstance(content, Mapping):
        return {key: unpacked(value) for key, value in content.items()}
    return content.numpy() if isinstance(content, torch.Tensor) else content


def _packed(content: Any) -> Any:
    if isinstance(content, Mapping):
        return {key: _packed(value) for key, value in content.items()}
    return torch.from_numpy(content.copy()) if isinstance(content, np.ndarray) else content


def save_samples(path: Path, samples: Samples) -> None:
    """Writes samples as one uncompressed .npz file."""
    fields = {f"field{i}": array for i, array in enumerate(arrays.leaves(samples))}
    write_atomically(path, lambda file: np.savez(file, **fields))  # type: ignore[arg-type]


def load_samples(path: Path, like: Samples) -> Samples:
    """The samples of a file, in the structure of ``like``.

    Raises ValueError when the file is damaged or holds samples of another game.
    """
    with _reading(path), np.load(path, allow_pickle=False) as file:
        fields = [file[f"field{i}"] for i in range(len(file.files))]
    expected = arrays.leaves(like)
    if [a.shape[1:] for a in fields] != [a.shape[1:] for a in expected]:
        raise ValueError(f"{path} holds positions of another game than the run's")
    rest = iter(fields)
    samples: Samples = arrays.tree_map(lambda _: next(rest), like)
    return samples


def count_samples(path: Path) -> int:
    """How many samples a file of ``save_samples`` holds; reads one small field only.

    Raises ValueError when the file is damaged.
    """
    with _reading(path), np.load(path, allow_pickle=False) as file:
        return len(file[f"field{len(file.files) - 1}"])


@contextlib.contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Turns what numpy raises on a damaged file into a sentence."""
    try:
        yield
    except Exception as error:  # damaged bytes make numpy and zipfile raise almost anything
        raise ValueError(
            f"{path} is missing or damaged: the run cannot go on without it; to train anew give "
            f"another folder with --out"
        ) from error
