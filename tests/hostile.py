"""What strangers put into the files of a run."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from selfplay.config import parse_config

NET = {"kind": "mlp", "width": 8, "layers": 1}
CONFIG = parse_config({"game": "nim", "net": NET, "budget": {"positions": 9}})
LINE = {
    "step": 8, "phase": "strength", "time": 1.0, "cost/flops_learn": 5.0, "cost/wall_s": 2.0,
    "cost/samples": 8.0, "cost/positions_unique": 8.0, "strength/mistake_rate": 0.5,
}  # fmt: skip


def nonsense() -> Iterator[bytes]:
    """Whole files that say nothing, and a few bytes out of place; the same every time."""
    words = ("", "5", "[]", "{}", "null", '"x"', "true", "NaN", "1e999", "-1", "[{}]", "{", "}")
    yield from (word.encode() for word in (*words, "\0"))
    yield from (
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"\xff\xfe",
        b"\x80",
        b"9" * 10_000,
        b"\n" * 999,
    )
    config = json.dumps(CONFIG.dump())
    rng = np.random.default_rng(0)
    for text in (config, json.dumps(LINE), json.dumps({"finished": True, "resumed": []})):
        plain = json.loads(text)
        for key in plain:
            for value in ([], 2**70):
                yield json.dumps(plain | {key: value}).encode()
            yield json.dumps({k: v for k, v in plain.items() if k != key}).encode()
        for _ in range(10):
            damaged = bytearray(text.encode())
            damaged[rng.integers(len(damaged))] = rng.integers(256)
            yield bytes(damaged)


def replace_by_what_never_ends(path: Path, kind: str) -> None:
    path.unlink()
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "zeros":
        path.symlink_to("/dev/zero")
    elif kind == "folder":
        path.mkdir()
    else:
        with open(path, "wb") as file:
            file.truncate(1 << 40)
