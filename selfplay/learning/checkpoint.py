"""Files of a run that must never be wrong: checkpoints and the replay window.

Each is a zip that ends in a seal, a hash of all that stands before it: damage anywhere is noticed.
Checkpoints load with ``weights_only=True`` and replay shards without pickles: a stranger's file
runs no code.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import warnings
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
import torch

from selfplay import arrays
from selfplay.system.files import write_atomically
from selfplay.system.swollen import refuse_other_calls, refuse_swollen, refuse_swollen_zip
from selfplay.types import Samples

FORMAT = 1

# what stands under the names of a checkpoint, where they are there
_KINDS: dict[str, tuple[type, ...]] = {
    "format": (int,),
    "iteration": (int,),
    "game": (str,),
    "precision": (str,),
    "config": (dict,),
    "net": (dict, OrderedDict),
    "training": (dict,),
}
_SEAL = b"sha256:"  # begins the comment that a zip may end in; the hash follows in hexadecimal
_SEALED = len(_SEAL) + 64  # bytes


class DamagedError(ValueError):
    """A file is not what was written; its sentence names it and says what is wrong."""


def save(path: Path, content: Mapping[str, Any]) -> None:
    """Writes a checkpoint: nested dicts of tensors, numpy arrays, numbers and strings."""
    packed = {"format": FORMAT, **_packed(content)}
    _write_sealed(path, lambda file: torch.save(packed, file))


def load(path: Path) -> dict[str, Any]:
    """What ``save`` wrote.

    Raises DamagedError with a sentence for a file that is cut short, changed or something else,
    ValueError where there is none.
    """
    if not path.is_file():
        raise ValueError(f"there is no checkpoint {path}")
    try:
        whole = _unsealed(path)
        refuse_other_calls(whole)
        with warnings.catch_warnings():  # torch warns of what is refused in the next line
            warnings.simplefilter("ignore")
            content = torch.load(io.BytesIO(whole), map_location="cpu", weights_only=True)
        refuse_swollen(content, len(whole))
    except Exception as error:  # a stranger's bytes make torch raise almost anything
        raise DamagedError(
            f"{path} is not a whole checkpoint of this project (damaged, cut short, or made by "
            f"something else)"
        ) from error
    if not isinstance(content, dict) or "format" not in content or "net" not in content:
        raise DamagedError(f"{path} is a torch file, but no checkpoint of this project")
    for name, kinds in _KINDS.items():
        if name in content and type(content[name]) not in kinds:
            raise DamagedError(f"{path} is damaged: what it has for {name!r} is something else")
    net = content["net"]
    if not all(isinstance(k, str) and isinstance(v, torch.Tensor) for k, v in net.items()):
        raise DamagedError(f"{path} is damaged: its net is something else")
    if content["format"] != FORMAT:
        raise ValueError(
            f"{path} has checkpoint format {content['format']}, this version reads {FORMAT}"
        )
    unpacked: dict[str, Any] = content
    return unpacked


def load_of(path: Path, iteration: int) -> dict[str, Any]:
    """What ``load`` returns; DamagedError also where it is the checkpoint of another iteration."""
    content = load(path)
    held = content.get("iteration", iteration)  # the first versions did not say
    if held != iteration:
        raise DamagedError(f"{path} holds the checkpoint of iteration {held}")
    return content


def unpacked(content: Any) -> Any:
    """Nested dicts with their tensors as numpy arrays again; for parts that were numpy before."""
    if isinstance(content, Mapping):
        return {key: unpacked(value) for key, value in content.items()}
    return content.numpy() if isinstance(content, torch.Tensor) else content


def _packed(content: Any) -> Any:
    if isinstance(content, Mapping):
        return {key: _packed(value) for key, value in content.items()}
    return torch.from_numpy(content.copy()) if isinstance(content, np.ndarray) else content


class Made(NamedTuple):
    """Which of the positions that a run made are in a shard."""

    seed: int  # of the run
    iteration: int  # of the checkpoint that it was written with
    first: int  # positions made before
    total: int  # and up to its end


def save_samples(path: Path, samples: Samples, made: Made | None = None) -> None:
    """Writes samples as one uncompressed .npz file."""
    fields = {f"field{i}": array for i, array in enumerate(arrays.leaves(samples))}
    if made is not None:
        fields["made"] = np.array([number % 2**63 for number in made], np.int64)
    _write_sealed(path, lambda file: np.savez(file, **fields))  # type: ignore[arg-type]


def load_samples(path: Path, like: Samples) -> Samples:
    """The samples of a file, in the structure of ``like``.

    Raises ValueError when the file is damaged or holds samples of another game.
    """
    return load_shard(path, like)[0]


def load_shard(path: Path, like: Samples) -> tuple[Samples, Made | None]:
    """The samples of a file, and which they are; None where it does not say.

    Raises DamagedError when the file is damaged or missing, ValueError when it holds samples of
    another game.
    """
    with _reading(path), np.load(io.BytesIO(_unsealed(path)), allow_pickle=False) as file:
        fields = [file[f"field{i}"] for i in range(_count(file))]
        made = Made(*file["made"].tolist()) if "made" in file.files else None
        if len({len(field) for field in fields}) != 1:
            raise ValueError("fields of unequal length")
    expected = arrays.leaves(like)
    if [(a.shape[1:], a.dtype) for a in fields] != [(a.shape[1:], a.dtype) for a in expected]:
        raise ValueError(f"{path} holds positions of another game than the run's")
    rest = iter(fields)
    samples: Samples = arrays.tree_map(lambda _: next(rest), like)
    return samples, made


def count_samples(path: Path) -> int:
    """How many samples a file of ``save_samples`` holds; reads one small field only.

    Raises DamagedError when the file is damaged.
    """
    with _reading(path):
        refuse_swollen_zip(path)
    with _reading(path), np.load(path, allow_pickle=False) as file:
        return len(file[f"field{_count(file) - 1}"])


def _count(file: Any) -> int:
    """How many fields of samples an open .npz file holds."""
    return sum(name.startswith("field") for name in file.files)


@contextlib.contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Turns what numpy raises on a damaged file into a sentence."""
    try:
        yield
    except Exception as error:  # damaged bytes make numpy and zipfile raise almost anything
        raise DamagedError(f"{path} is missing or damaged") from error


def _write_sealed(path: Path, write: Callable[[IO[bytes]], object]) -> None:
    """Writes the zip that ``write`` makes, with a comment at its end that holds a hash of it."""

    def sealed(file: IO[bytes]) -> None:
        zipped = io.BytesIO()
        write(zipped)
        content = zipped.getbuffer()
        content[-2:] = _SEALED.to_bytes(2, "little")  # the length of the comment
        file.write(content)
        file.write(_SEAL + hashlib.sha256(content).hexdigest().encode())

    write_atomically(path, sealed)


def _unsealed(path: Path) -> bytes:
    """The content of a file of ``_write_sealed``, or of one without a seal from before there were.

    Raises zipfile.BadZipFile where it is not what was written.
    """
    refuse_swollen_zip(path)
    content = path.read_bytes()
    with zipfile.ZipFile(io.BytesIO(content)) as zipped:
        if zipped.comment:
            seal = content[-_SEALED:]
            digest = hashlib.sha256(memoryview(content)[:-_SEALED]).hexdigest()
            if seal != _SEAL + digest.encode():
                raise zipfile.BadZipFile("the hash is another")
        elif content.find(_SEAL, len(content) - _SEALED) >= 0 or zipped.testzip() is not None:
            raise zipfile.BadZipFile("the checksum of a part is another")
    return content
