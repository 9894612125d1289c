"""Files whose content takes far more memory than they do: refused before, or as soon as, it does.

A few bytes can stand for gigabytes: as packed zeros in a zip, as parts of a zip that share their
bytes, as tensors that repeat one number.  What this project writes is as large as it says.
"""

from __future__ import annotations

import io
import pickletools
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

MOST = 1 << 30  # bytes of a file
_SLACK = 1 << 20  # bytes beside the parts of a zip: their names, its index
_DEEP = 50  # dicts and lists in one another
_CALLS = ("GLOBAL", "STACK_GLOBAL", "INST", "OBJ", "NEWOBJ", "NEWOBJ_EX", "EXT1", "EXT2", "EXT4")
_TENSORS = re.compile(
    r"collections OrderedDict|torch\._utils _rebuild_tensor_v[23]|torch [A-Z]\w*Storage|"
    r"torch\.storage UntypedStorage|torch (?:bool|bfloat16|u?int\d+|float\d+)"
)
_PLAIN = (int, float, str, bytes, bool, type(None))


def refuse_swollen_zip(path: Path) -> None:
    """Raises zipfile.BadZipFile when a zip is too large, or smaller than what is in it."""
    size = path.stat().st_size
    if size > MOST:
        raise zipfile.BadZipFile(f"it has {size:,} bytes, at most {MOST:,} are read")
    with zipfile.ZipFile(path) as zipped:
        parts = zipped.infolist()
    if any(part.compress_type != zipfile.ZIP_STORED for part in parts):
        raise zipfile.BadZipFile("its parts are packed, as this project never writes them")
    held = sum(part.file_size for part in parts)
    if held > size or size > held + _SLACK + 1024 * len(parts):
        raise zipfile.BadZipFile(f"its parts have {held:,} bytes, it has {size:,}")


def refuse_other_calls(whole: bytes) -> None:
    """Raises ValueError when what is pickled in a checkpoint asks for more than tensors.

    torch lets it make what runs no code, among that arrays of any size.
    """
    with zipfile.ZipFile(io.BytesIO(whole)) as zipped:
        for part in zipped.infolist():
            if part.filename.endswith(".pkl"):
                for code, argument, _ in pickletools.genops(zipped.read(part)):
                    if code.name in _CALLS and not _TENSORS.fullmatch(str(argument)):
                        raise ValueError(f"it asks for {argument or code.name}")


def refuse_swollen(content: Any, size: int) -> None:
    """Raises ValueError when nested dicts and lists hold more than ``size`` bytes could tell.

    They may hold numbers, strings and dense tensors of the processor's memory, nothing else.
    """
    counted: set[int] = set()
    level, bytes_left = [content], 4 * size + _SLACK  # tensors may share what they hold
    for _ in range(_DEEP):
        below: list[Any] = []
        for each in level:
            if id(each) in counted:
                continue
            counted.add(id(each))
            if isinstance(each, torch.Tensor):
                if not _is_plain(each):
                    raise ValueError("it holds a tensor that is not a plain one")
                bytes_left -= each.numel() * each.element_size()
            elif isinstance(each, Mapping):
                below += [*each.keys(), *each.values()]
            elif isinstance(each, list | tuple):
                below += each
            elif not isinstance(each, _PLAIN):
                raise ValueError(f"it holds a {type(each).__name__}")
        if bytes_left < 0:
            raise ValueError(f"its tensors are larger than its {size:,} bytes")
        if not below:
            return
        level = below
    raise ValueError("it is nested too deep")


def _is_plain(tensor: torch.Tensor) -> bool:
    dense = tensor.layout == torch.strided and tensor.device.type == "cpu"
    return dense and not tensor.is_quantized and not tensor.is_complex()
