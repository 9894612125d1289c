"""Files of a run that must never be wrong: checkpoints and the replay window.

Each is a zip that ends in a seal, a hash of all that stands before it: damage anywhere is noticed.
Checkpoints load with ``weights_only=True`` and replay shards without pickles: a stranger's file
runs no code.
"""

from __future__ import annotations

import hashlib
import io
import warnings
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np
import torch

from selfplay.system.files import write_atomically
from selfplay.system.size_limits import refuse_other_calls, refuse_swollen, refuse_swollen_zip

FORMAT = 2  # since policies of games under way are of legal actions; the first is read too

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
    write_sealed(path, lambda file: torch.save(packed, file))


def load(path: Path, iteration: int | None = None) -> dict[str, Any]:
    """What ``save`` wrote.

    Raises DamagedError with a sentence for a file that is cut short, changed, of another
    ``iteration`` or something else, ValueError where there is none.
    """
    if not path.is_file():
        raise ValueError(f"there is no checkpoint {path}")
    try:
        whole = read_sealed(path)
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
    if not 1 <= content["format"] <= FORMAT:
        raise ValueError(
            f"{path} has checkpoint format {content['format']}, this version reads up to {FORMAT}"
        )
    held = content.get("iteration", iteration)  # the first versions did not say
    if iteration not in (None, held):
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


def write_sealed(path: Path, write: Callable[[IO[bytes]], object]) -> None:
    """Writes the zip that ``write`` makes, with a comment at its end that holds a hash of it."""

    def sealed(file: IO[bytes]) -> None:
        zipped = io.BytesIO()
        write(zipped)
        content = zipped.getbuffer()
        content[-2:] = _SEALED.to_bytes(2, "little")  # the length of the comment
        file.write(content)
        file.write(_SEAL + hashlib.sha256(content).hexdigest().encode())

    write_atomically(path, sealed)


def read_sealed(path: Path) -> bytes:
    """The content of a file of ``write_sealed``, or of one from before there were seals."""
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
