"""metrics.jsonl, also one that a disk or a hand has damaged."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from selfplay.training.metrics_file import drop_after, load_metrics, parse_line

GOOD = [{"step": step, "phase": "learn", "time": 1.5, "learn/kl": step / 2} for step in range(4)]


def written(folder: Path, *extra: bytes) -> Path:
    path = folder / "metrics.jsonl"
    rows = [json.dumps(line).encode() for line in GOOD]
    path.write_bytes(b"\n".join([rows[0], *extra, *rows[1:], b""]))
    return path


@pytest.mark.parametrize(
    "row",
    [
        b"5",
        b"[]",
        b"{}",
        b"null",
        b'"step"',
        b"{",
        b"\xff\xfe",
        b'{"step": 1, "phase": "learn\xff"}',
        b'{"phase": "learn", "learn/kl": 1.0}',
        b'{"step": 1, "learn/kl": 1.0}',
        b'{"step": "1", "phase": "learn"}',
        b'{"step": -1, "phase": "learn"}',
        b'{"step": true, "phase": "learn"}',
        b'{"step": NaN, "phase": "learn"}',
        b'{"step": 1, "phase": 7}',
        b'{"step": 1, "phase": "learn", "time": Infinity}',
        b'{"step": 1, "phase": "learn", "learn/kl": "low"}',
        b'{"step": 1, "phase": "learn", "learn/kl": [1]}',
        b'{"step": 1, "phase": "learn", "learn/kl": null}',
        b'{"step": 1, "phase": "learn", "learn/kl": 1' + b"0" * 400 + b"}",
        b'{"step": 1, "phase": "learn", "learn/kl": 1' + b"0" * 5000 + b"}",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        bytes(300),
    ],
    ids=lambda row: row[:40].decode("ascii", "replace"),
)
def test_what_is_no_report_is_left_out_and_counted(row: bytes, tmp_path: Path) -> None:
    assert parse_line(row) is None
    path = written(tmp_path, row)
    before = path.read_bytes()
    assert load_metrics(tmp_path) == (GOOD, 1)
    assert drop_after(tmp_path, 2) == (1, tmp_path / "metrics.jsonl.damaged")
    assert (tmp_path / "metrics.jsonl.damaged").read_bytes() == before
    assert load_metrics(tmp_path) == (GOOD[:3], 0)


def test_every_damaged_file_is_kept(tmp_path: Path) -> None:
    for name in ("metrics.jsonl.damaged", "metrics.jsonl.damaged2"):
        before = written(tmp_path, b"[]", name.encode()).read_bytes()
        assert drop_after(tmp_path, 9) == (2, tmp_path / name)
        assert (tmp_path / name).read_bytes() == before


def test_a_last_line_cut_short_is_no_damage(tmp_path: Path) -> None:
    path = written(tmp_path)
    path.write_bytes(path.read_bytes() + b'{"step": 4, "ph')
    assert load_metrics(tmp_path) == (GOOD, 0)
    drop_after(tmp_path, 9)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["metrics.jsonl"]


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "metrics.jsonl").mkdir()
    with pytest.raises(ValueError, match=r"metrics\.jsonl is a folder"):
        load_metrics(tmp_path)
