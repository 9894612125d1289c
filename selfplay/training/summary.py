"""What a run folder tells of its run, read as plain data: no code runs, torch is not needed."""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, NamedTuple

from selfplay.system.files import is_locked
from selfplay.system.text import read_object
from selfplay.training import metrics_file as metrics
from selfplay.training.places import RUNS, SHIPPED

RunState = Literal["running", "finished", "stopped", "new", "damaged"]
# the strength that stands for a run, the first that it has; the second is that of its net alone
HEADLINES = (
    ("strength/mistake_rate", "strength/net_mistake_rate"),
    ("strength/proved", ""),
    ("strength/own_mistake_rate", "strength/own_net_mistake_rate"),
)
_MOST = 10_000  # entries of folders that are looked at for runs
_CHECKPOINT = re.compile(r"checkpoints/(\d+)\.pt")


class Measurement(NamedTuple):
    """The strength at one moment."""

    positions: int  # made until then
    seconds: float  # of training
    scalars: dict[str, float]  # strength/*


class Summary(NamedTuple):
    """One run."""

    path: Path
    state: RunState
    fault: str  # a sentence where something cannot be read; else empty
    config: dict[str, Any]  # as config.json has it; {} where it is damaged
    provenance: dict[str, Any]
    latest: dict[str, float]  # the last value of each metric
    strength: list[Measurement]
    positions: int
    seconds: float  # of training
    changed: float  # when it last told something, in seconds since 1970
    size: int  # bytes of all files
    checkpoints: list[int]  # iterations, oldest first

    @property
    def game(self) -> str:
        return str(self.config.get("game", ""))

    @property
    def regime(self) -> str:
        regime = self.config.get("regime")
        return str(regime.get("kind", "selfplay")) if isinstance(regime, dict) else ""

    @property
    def headline(self) -> tuple[str, str] | None:
        """The metric that stands for its strength, and that of its net alone; None before any."""
        known = self.strength[-1].scalars if self.strength else {}
        for pair in HEADLINES:
            if pair[0] in known:
                return pair
        versus = [name for name in known if name.startswith("strength/vs_")]
        plain = (name for name in versus if not name.endswith(("_low", "_high")))
        return next(((name, "") for name in plain), None)

    def curve(self, name: str) -> list[tuple[float, float]]:
        """Positions made and the value of one metric of strength, measurement by measurement."""
        return [
            (float(each.positions), each.scalars[name])
            for each in self.strength
            if name in each.scalars
        ]


def summarize(path: Path) -> Summary:
    """What the folder of a run tells; what is damaged is said in ``fault``."""
    faults = []
    try:
        config = read_object(path / "config.json")
    except (ValueError, OSError) as error:
        config = {}
        faults.append(str(error))
    try:
        lines, damaged = metrics.load_metrics(path)
        if damaged:
            faults.append(f"{path / metrics.NAME}: {metrics.left_out(damaged)}")
    except (ValueError, OSError) as error:
        lines = []
        faults.append(str(error))
    provenance = {}
    if (path / "provenance.json").exists():
        try:
            provenance = read_object(path / "provenance.json")
        except (ValueError, OSError) as error:
            faults.append(str(error))
    seconds, measured = 0.0, []
    for line in lines:
        seconds = line.get("cost/wall_s", seconds)
        scalars = {key: float(x) for key, x in line.items() if key.startswith("strength/")}
        if line["phase"] == "strength" and scalars:
            measured.append(Measurement(int(line["step"]), seconds, scalars))
    latest = {key: float(x) for line in lines for key, x in line.items() if "/" in key}
    size, changed, checkpoints = _files(path)
    state: RunState = "new" if not lines else "stopped"
    if not config:
        state = "damaged"
    elif is_locked(path):
        state = "running"
    elif lines and provenance.get("finished", bool(provenance)) is True:  # older ones did not say
        state = "finished"
    return Summary(
        path, state, "; ".join(faults), config, provenance, latest, measured,
        max((int(line["step"]) for line in lines), default=0), seconds, changed, size, checkpoints,
    )  # fmt: skip


def find_runs(folder: Path | None) -> list[Path]:
    """The folders of all runs in ``folder``, at any depth; without one, of the user and shipped.

    Raises ValueError with a sentence where ``folder`` is none.
    """
    if folder is not None and not folder.is_dir():
        raise ValueError(f"there is no folder {str(folder)!r}; `selfplay runs` lists those in runs")
    roots = [folder] if folder is not None else [RUNS, SHIPPED]
    found = {path.resolve(): path for root in reversed(roots) for path in _below(root)}
    return list(found.values())


def _below(root: Path) -> Iterator[Path]:
    """``root`` and the folders below it that are runs; no link is followed."""
    entries = os.walk(root)
    for place, folders, files in itertools.islice(entries, _MOST):
        if "config.json" in files or metrics.NAME in files:
            folders.clear()  # what lies in a run is no other
            yield Path(place)
        folders[:] = sorted(each for each in folders if not each.startswith("."))


def _files(path: Path) -> tuple[int, float, list[int]]:
    """Bytes of all files, when the run last told something, and its checkpoints."""
    size, changed, checkpoints = 0, 0.0, []
    for place, _, names in os.walk(path):
        for name in names:
            file = Path(place) / name
            try:
                about = file.lstat()
            except OSError:  # a run that goes on has taken it away
                continue
            size += about.st_size
            key = file.relative_to(path).as_posix()
            if key in ("config.json", metrics.NAME):
                changed = max(changed, about.st_mtime)
            if match := _CHECKPOINT.fullmatch(key):
                checkpoints.append(int(match[1]))
    return size, changed, sorted(checkpoints)
