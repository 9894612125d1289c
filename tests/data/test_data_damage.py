"""Files of games, positions and recipes, damaged at random: read, or refused in one sentence."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable
from pathlib import Path

import pytest
from examples import example
from imported import POINTS, WHOLE, Taken, numbered

from envs.connect4 import Connect4
from selfplay.config import load_config
from selfplay.truth.positions import read_positions

NODES = "".join(f";{'BW'[i % 2]}[{point}]" for i, point in enumerate(POINTS))
PAIRS = numbered("{0}. {1} {2}")
RECORD = struct.pack("<HHHBB", 1, 2, 3, 35, 35) + bytes(
    10 * int(point[1]) + "abcdefgh".index(point[0]) + 1 for point in POINTS
)


def take_in(path: Path) -> None:
    """As a file of recorded games of Othello in the format that its ending names."""
    form = path.suffix[1:]
    reader = pytest.importorskip(f"selfplay.data.readers.{form}")
    read = getattr(reader, f"import_{form}")
    read([path], example("othello"), Taken().add, skip_broken=True)


SOURCES: dict[str, tuple[bytes, Callable[[Path], object]]] = {
    "pgn": (
        f'[Event "½ \\"x\\""]\n[Result "1-0"]\n\n{PAIRS} {{a}} (1. f4) $1 35-29\n\n'.encode() * 2,
        take_in,
    ),
    "sgf": (
        f"(;GM[2]CA[Shift_JIS]PB[ソ]RE[B+6]{NODES}(;C[能\\]])(;W[a1]))\n".encode("cp932") * 2,
        take_in,
    ),
    "moves": (
        f"# games\n{WHOLE} 35-29\nA 35-29 B: {PAIRS}\n{','.join(POINTS)}\n".encode("utf-16"),
        take_in,
    ),
    "wthor": (
        struct.pack("<4BIHHBBBB", 20, 7, 1, 1, 2, 0, 2007, 8, 0, 24, 0) + RECORD * 2,
        take_in,
    ),
    "positions": (
        b"set,moves,s1,s2,s3,s4,s5,s6,s7\r\na,44,1,2,3,4,5,6,7\r\nb,1212,0,0,0,0,0,0,0\r\n",
        lambda path: read_positions(Connect4(), path),
    ),
    "recipe": (
        b'\xef\xbb\xbfgame = "tictactoe"\r\n[net]\r\nkind = "mlp"\r\nwidth = 32\r\n',
        load_config,
    ),
}
SCRAPS = [
    b"[", b"]", b"(", b")", b"{", b"}", b";", b'"', b"\\", b"\0", b"\r", b"\n\n", b"\x83",
    b"\xff\xfe", b"CA[Big5]", b"1-0", b"35-29", b".", b"\xe2\x80\xa6", b'[Event "x"]\n', b"9" * 50,
    b"@@@@", b"\x1b$B",
]  # fmt: skip


def damaged(content: bytes, rng: random.Random) -> bytes:
    """The content with bytes changed, lost, doubled, put in, put elsewhere or out of order."""
    changed = bytearray(content)
    for _ in range(rng.choice((1, 1, 2, 4, 12))):
        at = rng.randrange(len(changed) + 1)
        end = min(len(changed), at + rng.choice((1, 3, 20, 300)))
        kind = rng.randrange(7)
        if kind == 0:
            changed[at:end] = rng.randbytes(end - at)
        elif kind == 1:
            del changed[at:]
        elif kind == 2:
            changed[at:at] = changed[at:end] * rng.choice((1, 2, 20))
        elif kind == 3:
            changed[at:at] = rng.choice(SCRAPS) * rng.choice((1, 1, 3, 100))
        elif kind == 4:
            del changed[at:end]
        elif kind == 5:
            changed[at:end] = bytes(rng.sample(changed[at:end], end - at))
        else:
            changed = changed[at:] + changed[:at]
    return bytes(changed)


@pytest.mark.parametrize("form", SOURCES)
def test_damage_is_read_or_refused_in_a_sentence(form: str, tmp_path: Path) -> None:
    content, read = SOURCES[form]
    path = tmp_path / f"file.{form}"
    path.write_bytes(content)
    read(path)
    rng = random.Random(form)
    sentences = []
    for _ in range(60):
        path.write_bytes(damaged(content, rng))
        try:
            read(path)
        except ValueError as error:  # anything else fails the test
            sentences.append(str(error))
    assert len(sentences) > 5
    assert all(path.name in sentence for sentence in sentences)
