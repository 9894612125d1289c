"""What runs are compared at equal amounts of."""

from __future__ import annotations

from typing import NamedTuple


class Compute(NamedTuple):
    """One way to count compute."""

    name: str  # as --compute takes it; runs tell it as cost/NAME
    unit: str  # after a number, in a sentence
    meaning: str  # in a sentence of the report
    scales: tuple[tuple[float, str], ...]  # of the steps in TensorBoard, the largest unit first


FLOPS = Compute(
    "flops",
    "FLOPs",
    "FLOPs at 2 a multiply-add, of the learner (3 times forwards a sample) and of generating data "
    "(forwards a position evaluated)",
    ((1e9, "GFLOP"), (1e6, "MFLOP"), (1.0, "FLOP")),
)
DEVICE_S = Compute(
    "device_s",
    "GPU seconds",
    "the seconds that GPUs took for learning and for generating data, by their own clocks, "
    "whatever kind of GPU it was",
    ((1.0, "GPU second"), (1e-3, "GPU millisecond"), (1e-6, "GPU microsecond")),
)
KINDS = {kind.name: kind for kind in (FLOPS, DEVICE_S)}


def choose_compute(name: str | None) -> Compute:
    """The one of a name, FLOPs where none is given; ValueError when there is none of that name."""
    if name is None:
        return FLOPS
    if name not in KINDS:
        raise ValueError(f"--compute={name} is not known; use {' or '.join(KINDS)}")
    return KINDS[name]
