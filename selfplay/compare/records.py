"""Runs as their folders tell of them: what shaped each, and what was measured when."""

from __future__ import annotations

import functools
import json
import math
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import envs
from envs import trust
from selfplay.compare.compute import FLOPS, Compute
from selfplay.compare.measured import (
    equally_searched,
    learned_what_is_judged,
    refuse_other_positions,
    search_of,
)
from selfplay.compare.points import Points as Points
from selfplay.compare.redraws import F32 as F32
from selfplay.compare.redraws import F64 as F64
from selfplay.compare.redraws import read_redraws
from selfplay.nets import parameter_count
from selfplay.regimes import LOOKS, REGIMES
from selfplay.system.printable import in_one_line
from selfplay.system.text import objects_in, read_object
from selfplay.training.folder import RunFolder, find_run
from selfplay.training.metrics_file import STOPPED, left_out, load_metrics, read_metrics

# how a run was made and measured without a change to what it learns
_INDIFFERENT = (
    "name", "seed", "checkpoint_s", "strength.", "evaluator.", "actor.threads", "backend.",
)  # fmt: skip


class Settings(NamedTuple):
    """How the strength of a run was measured; only runs that agree in it can be compared.

    Of those that agree in all but ``search`` the nets alone can, and ``apart`` is told.
    """

    game: str
    simulations: int  # strength.simulations
    positions: str  # strength.positions; empty: the file that ships for the game
    problems: str = ""  # of provers: the problems, a part of which is kept aside
    limit: int = 0  # of provers: strength.problems, of those kept aside
    inferences: int = 0  # of provers: strength.inferences, for each
    search: str = ""  # its options, which only count with it; see measured.py
    apart: bool = False  # strength.apart: nothing was learned from what is judged; runs may differ

    @property
    def effort(self) -> str:
        """What a search may use, in words."""
        if self.inferences:
            return f"{self.inferences:,} inferences a problem"
        return f"{self.simulations} simulations a move" if self.simulations else "net alone"


_OPTIONS = {"game": "game", "problems": "problems", "limit": "strength.problems"}


class Run(NamedTuple):
    """One run."""

    path: Path
    settings: Settings
    kind: str  # regime.kind; of a prover see regimes/prove.py
    seed: int
    expert: str  # who made the data the run learns from; empty where there are none, or a maker
    games: int | None  # D, the expert's games it may learn from; None: not of a set of games
    positions: int | None  # D of a frozen run: regime.unique; None: all that its maker left
    net: str  # net.kind; empty where none is asked
    parameters: int  # N, of the net
    maker: str  # of a frozen run: the name of the run that made its data; else empty
    maker_parameters: int | None  # N of the net that made the data, of a frozen run
    options: tuple[tuple[str, str], ...]  # the configuration's leaves that shape what is learned
    finished: bool  # False: its budget is not used up
    points: Points
    card: str = ""  # the GPU that it began on; empty: none, or of an earlier version


class Skipped(NamedTuple):
    """A folder that could not be compared."""

    path: Path
    reason: str


class Runs(NamedTuple):
    """What was read."""

    runs: tuple[Run, ...]
    skipped: tuple[Skipped, ...]
    notes: tuple[str, ...] = ()  # what was left out of all runs, and why


def read_runs(names: Sequence[str | Path], compute: Compute = FLOPS) -> Runs:
    """The runs that ``names`` name: run folders, folders that hold runs, or parts of a run's name.

    A folder that cannot be read, holds no measurement or does not tell its ``compute`` is skipped
    and named.  Raises ValueError when nothing is left, or when runs were measured in different
    ways.
    """
    runs: dict[tuple[object, ...], Run] = {}
    skipped: list[Skipped] = []
    for path in dict.fromkeys(path for name in names for path in _folders(name)):
        try:
            run = read_run(path, compute)
        except ValueError as error:
            why = _sweep_error(path)
            skipped.append(Skipped(path, f"{error}; the sweep says: {why}" if why else str(error)))
            continue
        key = run.seed, run.kind, run.options, run.expert, _maker_seed(run)
        twin = runs.setdefault(key, run)
        if twin is not run:
            reason = f"{path} repeats {twin.path}: the same configuration and seed {run.seed}"
            skipped.append(Skipped(path, reason))
    if not runs:
        asked = " ".join(map(str, names))
        if len(skipped) > 1 and all("tells no cost/" in each.reason for each in skipped):
            raise ValueError(
                f"none of the {len(skipped)} runs in {asked} tells cost/{compute.name}: they used "
                f"no GPU, or were measured by an earlier version; compare them without --compute"
            )
        reasons = "; ".join(each.reason for each in skipped) or "no run lies there"
        raise ValueError(f"there is nothing to compare in {asked}: {reasons}")
    refuse_other_settings([*runs.values()])
    refuse_other_positions([*runs.values()])
    shared, notes = equally_searched([*runs.values()])
    return Runs(shared, tuple(skipped), (*notes, *learned_what_is_judged(shared)))


def read_run(path: Path, compute: Compute = FLOPS) -> Run:
    """The run in a folder; ValueError with a sentence when there is none or nothing was measured.

    The resolved configuration is read as it stands, so that options which are no more do no harm.
    """
    config = _json(path / "config.json")
    provenance = _json(path / "provenance.json") if (path / "provenance.json").exists() else {}
    trust.require(str(config.get("game")), path / "config.json")
    lines = _measurements(path, compute)
    redraws = read_redraws(path, [_step(line) for line in lines])
    try:
        run = _run(path, config, provenance, lines, compute)
        return run._replace(points=run.points._replace(redraws=redraws))
    except KeyError as error:
        raise ValueError(
            f"{path / 'config.json'} lacks {error}: it is damaged, or of too old a version"
        ) from error
    except (TypeError, ValueError, AttributeError) as error:
        raise ValueError(f"{path / 'config.json'} is damaged ({error})") from error


def _run(
    path: Path,
    config: dict[str, Any],
    provenance: dict[str, Any],
    lines: list[dict[str, Any]],
    compute: Compute,
) -> Run:
    """The run of these files; KeyError, TypeError or ValueError where one of them is damaged."""
    regime, data = config["regime"], provenance.get("data") or {}
    maker = _find_maker(regime.get("run") or "", path)
    # a maker's name has a seed; what shaped its run has none
    shaped = {**config, "regime": {**regime, "run": _maker(maker)[0]}} if maker else config
    # policy_gradient and dagger have a regime.games of their own, which is no amount of data
    games = (regime.get("games") or data.get("games")) if regime.get("data") else None
    kind, teacher = str(regime["kind"]), ""
    if kind in REGIMES:
        kind, teacher = REGIMES[kind].compared_as(config)
    asks_net = kind not in LOOKS or LOOKS[kind].asks_net
    expert = teacher or data.get("expert") or regime.get("data") or regime.get("expert") or ""
    return Run(
        path=path,
        settings=_settings_of(config),
        kind=kind,
        seed=int(config["seed"]),
        expert="" if maker else in_one_line(str(expert)),
        games=int(games) if games else None,
        positions=_frozen(regime, data) if maker else None,
        net=str(config["net"]["kind"]) if asks_net else "",
        parameters=_parameters(path, lines),
        maker=maker,
        maker_parameters=_maker(maker)[1] if maker else None,
        options=tuple(_leaves(shaped)),
        finished=bool(provenance.get("finished", provenance)),  # older versions did not say
        points=_points(lines, compute),
        card=_card(provenance),
    )


def _frozen(regime: dict[str, Any], data: dict[str, Any]) -> int | None:
    """How many positions of another run it learned from: as many as it says, or all there were."""
    count = regime.get("unique") or data.get("positions")
    return int(count) if count else None


def _maker_seed(run: Run) -> object:
    """That of the run whose positions it learned from: two are two stocks."""
    return _json(find_run(run.maker).config_file).get("seed") if run.maker else None


def _card(provenance: dict[str, Any]) -> str:
    device = (provenance.get("machine") or {}).get("device") or {}
    return in_one_line(str(device.get("card") or ""))


def _settings_of(config: dict[str, Any]) -> Settings:
    strength = config["strength"]
    settings = Settings(
        envs.short(config["game"]), int(strength["simulations"]), str(strength["positions"])
    )
    if config["game"].partition("?")[0] not in envs.ON_PROBLEMS:
        apart = bool(strength.get("apart", False))  # of an earlier version: not in every regime
        return settings._replace(search=search_of(config), apart=apart)
    limit, inferences = int(strength["problems"]), int(strength["inferences"])
    return settings._replace(problems=str(config["problems"]), limit=limit, inferences=inferences)


def refuse_other_settings(runs: Sequence[Run]) -> None:
    """Raises ValueError, quoting both values, when two runs were measured in different ways."""
    first = runs[0]
    for run in runs[1:]:
        for name, here, there in zip(Settings._fields, first.settings, run.settings, strict=True):
            if here != there and name not in ("search", "apart"):
                option = _OPTIONS.get(name, f"strength.{name}")
                raise ValueError(
                    f"runs can only be compared at equal evaluation: {first.path} has "
                    f"{option} = {here!r}, {run.path} has {there!r}; compare them apart, or "
                    f"train one again with the other's setting"
                )


def flop_rate(runs: Sequence[Run]) -> float:
    """Compute a second of wall time over all runs: what a CPU second beside the net is charged."""
    flops = sum(float(run.points.flops[-1]) for run in runs)
    seconds = sum(float(np.nan_to_num(run.points.wall_s)[-1]) for run in runs)
    return flops / seconds if seconds else 0.0  # an earlier version told none


def _folders(name: str | Path) -> list[Path]:
    path = Path(name)
    if (path / "config.json").is_file() or not path.is_dir():
        return [path if path.is_dir() else find_run(str(name)).path]
    below = sorted(config.parent for config in path.rglob("config.json"))
    started = {folder for run in below for folder in (run, *run.parents)}
    if (path / "sweep.json").is_file():  # a cell that failed early has a folder and no config
        names = [
            str(c.get("name")) for c in objects_in(RunFolder(path).read_json("sweep.json"), "cells")
        ]
        cells = [path / Path(each).name for each in names]
        below += sorted(cell for cell in cells if cell.is_dir() and cell not in started)
    return below


def _sweep_error(path: Path) -> str:
    """What ``sweep.json`` says of a cell that failed; empty for others."""
    cells = objects_in(RunFolder(path.parent).read_json("sweep.json"), "cells")
    return next((str(c.get("error") or "") for c in cells if c.get("name") == path.name), "")


def _json(path: Path) -> dict[str, Any]:
    """The object in a file of a run."""
    if not path.exists():
        raise ValueError(f"{path.parent} is not a run folder (it has no {path.name})")
    return read_object(path)


def _leaves(config: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """The options that shape what a run learns, by dotted name, as text."""
    for key, value in sorted(config.items()):
        name = f"{prefix}{key}"
        if isinstance(value, dict):
            yield from _leaves(value, f"{name}.")
        elif not name.removeprefix("regime.run.").startswith(_INDIFFERENT):
            yield name, _written(value)


def _written(value: object) -> str:
    """An option's value as text: 1e+13 rather than 10000000000000.0."""
    if isinstance(value, float):
        return f"{value:g}"
    return value if isinstance(value, str) else json.dumps(value)


def _measurements(folder: Path, compute: Compute) -> list[dict[str, Any]]:
    """The lines of a run's metrics that tell of strength, one for each compute, ascending.

    A line that lacks the ledger (older versions) has that of the line before it; one before any
    compute was used is left out.  Damaged lines are counted on standard error.
    """
    reports, damaged = load_metrics(folder)
    if damaged:
        print(f"{folder / 'metrics.jsonl'}: {left_out(damaged)}", file=sys.stderr)
    ledger: dict[str, Any] = {}
    lines: dict[float, dict[str, Any]] = {}
    stopped = False  # a run that stopped early may have gone on later
    for line in reports:
        measured = any(name.startswith("strength/") for name in line)
        stopped = bool(line.get(STOPPED)) if measured else stopped
        if "cost/flops_learn" not in line:
            line = {**ledger, **line}
        elif not measured:
            ledger = line
        learn, generate = (line.get(f"cost/flops_{part}", 0.0) for part in ("learn", "generate"))
        line.setdefault("cost/flops", learn + generate)
        used = float(line.get(f"cost/{compute.name}", 0.0))
        if measured and used > 0:
            lines[used] = line
    if not lines and compute is not FLOPS and any("cost/flops" in line for line in reports):
        raise ValueError(
            f"{folder} tells no cost/{compute.name}: it used no GPU, or was measured by an earlier "
            f"version; compare it without --compute"
        )
    if not lines:
        raise ValueError(f"{folder} has no measurement of strength yet (see strength.versus)")
    return [lines[used] | {STOPPED: stopped} for used in sorted(lines)]


def _step(line: dict[str, Any]) -> int:
    """The step of a measurement; -1 where it does not say."""
    step = line.get("step")
    return int(step) if isinstance(step, (int, float)) and math.isfinite(step) else -1


def _points(lines: Sequence[dict[str, Any]], compute: Compute) -> Points:
    def column(name: str) -> F64:
        return np.array([line.get(name, math.nan) for line in lines], np.float64)

    names = sorted({key for line in lines for key in line if key.startswith("strength/")})
    return Points(
        flops=column(f"cost/{compute.name}"),
        expert_s=column("cost/expert_s"),
        wall_s=column("cost/wall_s"),
        samples=column("cost/samples"),
        unique=column("cost/positions_unique"),
        tree_s=column("cost/tree_s"),
        learning=column("cost/flops_learn"),
        strength={name: column(name) for name in names},
        compute=compute,
        stopped=any(line.get(STOPPED) for line in lines),
    )


def _parameters(folder: Path, lines: Sequence[dict[str, Any]]) -> int:
    """N of a run's net by its metrics; runs of older versions do not say, so that it is built."""
    sizes = [line["net/parameters"] for line in lines if "net/parameters" in line]
    if sizes:
        return int(sizes[-1])
    config = RunFolder(folder).config()
    return parameter_count(config.net.build(config.rules()))


@functools.cache
def _maker(name: str) -> tuple[dict[str, Any], int]:
    """The configuration of the run that made the data of a frozen run, and N of its net."""
    folder = find_run(name)
    return _json(folder.config_file), _parameters(folder.path, read_metrics(folder.path))


def _find_maker(name: str, path: Path) -> str:
    """``name``, or its neighbour of that name where the folders have moved together."""
    beside = path.parent / Path(name).name
    if name and not Path(name).is_dir() and beside.is_dir():
        return str(beside)
    return name
