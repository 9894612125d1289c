"""Runs at equal seconds of GPUs: what they say then, and what is said of runs without."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from synthetic_runs import expert_data, power, write_run

from selfplay.compare.comparison import compare
from selfplay.compare.compute import DEVICE_S, FLOPS, choose_compute
from selfplay.compare.publish import Request, publish
from selfplay.compare.records import read_run
from selfplay.compare.report.events import choose_axes
from selfplay.compare.report.tables import print_comparison


def timed(folder: Path, seconds: Callable[[float], float]) -> Path:
    """The run with ``cost/device_s`` as a function of its FLOPs."""
    path = folder / "metrics.jsonl"
    lines = [json.loads(text) for text in path.read_text().splitlines()]
    for line in lines:
        if "cost/flops" in line:
            line["cost/device_s"] = seconds(line["cost/flops"])
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return folder


def own(folder: Path, seed: int = 0) -> Path:
    return write_run(folder, power(3e9, 0.3), seed=seed, spread=0.0)


def taught(folder: Path, seed: int = 0) -> Path:
    return write_run(
        folder, power(3e9, 0.25), kind="imitation", seed=seed, spread=0.0,
        regime={"data": "d", "games": 30}, data=expert_data(30), expert_s=100.0,
    )  # fmt: skip


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Two seeds each; self-play keeps a GPU busy a tenth of the FLOPs a second of the other."""
    for seed in (0, 1):
        timed(own(tmp_path / f"own-{seed}", seed), lambda flops: flops / 1e11)
        timed(taught(tmp_path / f"taught-{seed}", seed), lambda flops: flops / 1e12)
    return tmp_path


def test_the_axis_is_seconds_of_gpus(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    by_flops, by_seconds = compare([place]), compare([place], compute=DEVICE_S)
    first, then = (
        {c.group.kind: c for c in found.views[0].free.curves} for found in (by_flops, by_seconds)
    )
    for kind, rate in (("selfplay", 1e11), ("imitation", 1e12)):
        a, b = first[kind], then[kind]
        assert (a.unit, b.unit) == ("FLOPs", "GPU seconds")
        # the same points of the grid, moved by 11 or 12 decades
        np.testing.assert_allclose(b.flops, a.flops / rate, rtol=1e-9)
        np.testing.assert_allclose(b.mean, a.mean, rtol=1e-9)
    assert "FLOPs" in by_flops.views[0].free.sentence
    assert "GPU seconds" in by_seconds.views[0].free.sentence
    assert "FLOPs" not in by_seconds.views[0].free.sentence
    # (2 x (F / 1e11) + 2 x (F / 1e12)) over 4 x F / 1e10
    assert by_seconds.flop_rate == pytest.approx((2 / 1e11 + 2 / 1e12) / (4 / 1e10))
    assert any("0.055 GPU seconds each: all GPU seconds of" in note for note in by_seconds.notes)
    assert by_seconds.frontiers[0].flops[-1] < 1e5  # the laws are of it too
    print_comparison(by_seconds)
    assert "FLOPs" not in capsys.readouterr().out


def test_the_report_says_what_is_equal(place: Path) -> None:
    asked = Request((str(place),), None, None, None, None, None, "selfplay compare", "device_s")
    done = publish(asked)
    page = done.report.read_text()
    assert "Compute is the seconds that GPUs took for learning" in page
    assert "training compute, GPU seconds" in page
    assert "FLOPs" not in page
    assert json.loads((place / "compare.json").read_text())["compute"]["name"] == "device_s"
    by_log, plain = choose_axes(done.comparison.views)
    curve = done.comparison.views[0].free.curves[0]
    microseconds = 1e6 * curve.flops
    assert by_log.steps(curve) == [round(100 * each) for each in np.log10(microseconds)]
    assert by_log.title == "step 1200 = 1e12 GPU microseconds, 1300 = 1e13"
    assert plain.title == "step = GPU millisecond"


def test_runs_without_are_named(place: Path) -> None:
    older = own(place / "older", seed=5)
    why = "older tells no cost/device_s: it used no GPU, or was measured by an earlier version"
    (left_out,) = (note for note in compare([place], compute=DEVICE_S).notes if "older" in note)
    assert left_out.startswith("left out: ")
    assert why in left_out
    (group,) = (each for each in compare([place]).groups if each.kind == "selfplay")
    assert len(group.runs) == 3
    with pytest.raises(ValueError, match=why):
        read_run(older, DEVICE_S)
    with pytest.raises(ValueError, match=r"nothing to compare in .* tells no cost/device_s"):
        compare([older], compute=DEVICE_S)
    more = own(place / "more", seed=6)
    with pytest.raises(
        ValueError, match=r"^none of the 2 runs in [^;]* tells cost/device_s: [^;]*"
    ):
        compare([older, more], compute=DEVICE_S)


def test_seconds_of_different_gpus_are_told(place: Path) -> None:
    for name, card in (("own-0", "H100"), ("own-1", "H200"), ("taught-0", "H100")):
        path = place / name / "provenance.json"
        told = json.loads(path.read_text())
        path.write_text(json.dumps({**told, "machine": {"device": {"card": card}}}))
    note = "the GPU seconds are of different GPUs: H100, H200"
    assert note in compare([place], compute=DEVICE_S).notes
    assert note not in compare([place]).notes


def test_kinds_of_compute_have_names() -> None:
    assert (choose_compute(None), choose_compute("device_s")) == (FLOPS, DEVICE_S)
    with pytest.raises(ValueError, match="--compute=hours is not known; use flops or device_s"):
        choose_compute("hours")
