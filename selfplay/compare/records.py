"""Runs read from their folders into records, and grouped by what differs between them."""

from __future__ import annotations

import functools
import json
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError

from envs import trust
from selfplay.config import build_rules
from selfplay.nets import NetSection, parameter_count
from selfplay.system.json_file import objects_in, read_object
from selfplay.system.printable import in_one_line
from selfplay.training.folder import RunFolder, find_run
from selfplay.training.metrics import left_out, load_metrics

F64 = NDArray[np.float64]

# how a run was made and measured without a change to what it learns
_INDIFFERENT = ("name", "seed", "checkpoint_s", "strength.", "evaluator.", "actor.threads")
_KINDS = {
    "selfplay": "self-play",
    "imitation_then_selfplay": "imitation, then self-play",
    "prove": "guided proving",
    "unguided": "unguided proving",
}


class Settings(NamedTuple):
    """How the strength of a run was measured; only runs that agree in it can be compared."""

    game: str
    simulations: int  # strength.simulations
    positions: str  # strength.positions; empty: the file that ships for the game
    problems: str = ""  # of provers: the problems, a part of which is kept aside
    limit: int = 0  # of provers: strength.problems, of those kept aside
    inferences: int = 0  # of provers: strength.inferences, for each

    @property
    def effort(self) -> str:
        """What a search may use, in words."""
        if self.inferences:
            return f"{self.inferences:,} inferences a problem"
        return f"{self.simulations} simulations a move" if self.simulations else "net alone"


_OPTIONS = {"game": "game", "problems": "problems", "limit": "strength.problems"}


class Points(NamedTuple):
    """P measurements of one run, by ascending compute; NaN where a run does not say."""

    step: F64  # [P] positions generated
    flops: F64  # [P] > 0, ascending: learner and generation together
    flops_learn: F64  # [P]
    flops_generate: F64  # [P]
    expert_s: F64  # [P] CPU seconds of the expert
    tree_s: F64  # [P] CPU seconds of the search outside the net
    wall_s: F64  # [P]
    samples: F64  # [P] E, repetitions counted
    unique: F64  # [P] different positions, mirror images counted once
    games: F64  # [P]
    names: tuple[str, ...]  # of the K metrics strength/*
    values: F64  # [P, K]

    def of(self, metric: str) -> F64:
        """[P] f64, NaN where ``metric`` was not measured."""
        if metric not in self.names:
            return np.full(len(self.flops), np.nan)
        column: F64 = self.values[:, self.names.index(metric)]
        return column

    def error(self, metric: str) -> tuple[F64, F64]:
        """[P] f64 each, how far the 95% interval of ``metric`` reaches down and up; else 0."""
        value, low, high = (self.of(metric + end) for end in ("", "_low", "_high"))
        return np.nan_to_num(value - low), np.nan_to_num(high - value)


class Run(NamedTuple):
    """One run."""

    path: Path
    settings: Settings
    kind: str  # regime.kind; of a prover see _kind_of
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


class Skipped(NamedTuple):
    """A folder that could not be compared."""

    path: Path
    reason: str


class Runs(NamedTuple):
    """What was read."""

    runs: tuple[Run, ...]
    skipped: tuple[Skipped, ...]


class Group(NamedTuple):
    """Runs that differ only in their seed."""

    label: str  # "imitation, 1,000 games, temperature 1": what sets it apart from the others
    kind: str
    expert: str
    games: int | None  # D in games of an expert
    positions: int | None  # D in positions of a frozen run
    parameters: int  # N
    maker: str
    maker_parameters: int | None
    runs: tuple[Run, ...]  # by ascending seed

    @property
    def data(self) -> int | None:
        """D, in games or (frozen) positions; None where the data have no end or all are used."""
        return self.positions if self.games is None else self.games


def spell_kind(kind: str) -> str:
    """A regime's name in a sentence."""
    return _KINDS.get(kind, kind.replace("_", " "))


def read_runs(names: Sequence[str | Path]) -> Runs:
    """The runs that ``names`` name: run folders, folders that hold runs, or parts of a run's name.

    A folder that cannot be read or holds no measurement is skipped and named.  Raises ValueError
    when nothing is left, or when runs were measured in different ways.
    """
    runs: list[Run] = []
    skipped: list[Skipped] = []
    for path in dict.fromkeys(path for name in names for path in _folders(name)):
        try:
            run = read_run(path)
        except ValueError as error:
            why = _sweep_error(path)
            skipped.append(Skipped(path, f"{error}; the sweep says: {why}" if why else str(error)))
            continue
        twin = next((known for known in runs if _same(known, run)), None)
        if twin is not None:
            reason = f"{path} repeats {twin.path}: the same configuration and seed {run.seed}"
            skipped.append(Skipped(path, reason))
        else:
            runs.append(run)
    if not runs:
        told = "; ".join(each.reason for each in skipped) or "no run lies there"
        asked = " ".join(map(str, names))
        raise ValueError(f"there is nothing to compare in {asked}: {told}")
    refuse_other_settings(runs)
    return Runs(tuple(runs), tuple(skipped))


def read_run(path: Path) -> Run:
    """The run in a folder; ValueError with a sentence when there is none or nothing was measured.

    The configuration is read as it stands, so that runs of older versions are understood.
    """
    config = _json(path / "config.json")
    told = _json(path / "provenance.json", {})
    regime = _section(config, "regime")
    strength = _section(config, "strength")
    data = _section(told, "data")
    game = str(config.get("game", "connect4"))
    trust.require(game, path / "config.json")
    points = _read_points(path / "metrics.jsonl")
    maker = _find_maker(str(regime.get("run") or ""), path)
    # policy_gradient and dagger have a regime.games of their own, which is no amount of data
    games = (regime.get("games") or data.get("games")) if regime.get("data") else None
    kind, teacher = _kind_of(regime, strength)
    told_expert = teacher or data.get("expert") or regime.get("data") or regime.get("expert") or ""
    try:
        return Run(
            path=path,
            settings=_settings_of(config, strength),
            kind=kind,
            seed=int(config.get("seed", 0)),
            expert="" if maker else in_one_line(str(told_expert)),
            games=int(games) if games else None,
            positions=int(regime["unique"]) if regime.get("unique") else None,
            net="" if kind == "unguided" else str(_section(config, "net").get("kind", "resnet")),
            parameters=net_size(game, _section(config, "net")),
            maker=maker,
            maker_parameters=net_size(game, _section(_maker(maker), "net")) if maker else None,
            options=tuple(_leaves(_with_maker(config, maker))),
            finished=bool(told.get("finished", told)),  # older versions did not say
            points=points,
        )
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path / 'config.json'} is damaged ({error})") from error


def _kind_of(regime: dict[str, Any], strength: dict[str, Any]) -> tuple[str, str]:
    """The kind of a run and who teaches it, if that is told by its options.

    Three kinds of provers share a ``regime.kind``: one that learns from proofs its net helps to
    find, one that imitates the proofs of the search without a net, and that search alone.
    """
    kind = str(regime.get("kind", "selfplay"))
    if kind != "prove":
        return kind, ""
    if not strength.get("guided", True):
        return "unguided", ""  # whatever it learned, it was measured without
    return (kind, "") if regime.get("guided", True) else ("imitation", "the unguided search")


def _settings_of(config: dict[str, Any], strength: dict[str, Any]) -> Settings:
    game = str(config.get("game", "connect4"))
    settings = Settings(
        game, int(strength.get("simulations", 64)), str(strength.get("positions", ""))
    )
    if _section(config, "regime").get("kind") != "prove":
        return settings
    return settings._replace(
        problems=str(config.get("problems", "")),
        limit=int(strength.get("problems", 100)),
        inferences=int(strength.get("inferences", 0)),
    )


def net_size(game: str, section: dict[str, Any]) -> int:
    """N, the number of parameters of a net of this section for ``game``."""
    return _net_size(game, json.dumps({"kind": "resnet", **section}, sort_keys=True))


def refuse_other_settings(runs: Sequence[Run]) -> None:
    """Raises ValueError, quoting both values, when two runs were measured in different ways."""
    first = runs[0]
    for run in runs[1:]:
        for name, here, there in zip(Settings._fields, first.settings, run.settings, strict=True):
            if here != there:
                option = _OPTIONS.get(name, f"strength.{name}")
                raise ValueError(
                    f"runs can only be compared at equal evaluation: {first.path} has "
                    f"{option} = {here!r}, {run.path} has {there!r}; compare them apart, or "
                    f"train one again with the other's setting"
                )


def group_runs(runs: Sequence[Run]) -> tuple[Group, ...]:
    """The runs that differ only in their seed, together; in the order of kind, N, D, expert."""
    bundles: dict[tuple[object, ...], list[Run]] = {}
    for run in runs:
        bundles.setdefault((run.kind, run.expert, run.games, run.options), []).append(run)
    members = sorted(
        (sorted(bundle, key=lambda run: run.seed) for bundle in bundles.values()),
        key=lambda bundle: (
            bundle[0].kind,
            bundle[0].parameters,
            bundle[0].games or bundle[0].positions or 0,
            bundle[0].expert,
            bundle[0].options,
        ),
    )
    labels = _labels([bundle[0] for bundle in members])
    return tuple(
        Group(
            label,
            bundle[0].kind,
            bundle[0].expert,
            bundle[0].games,
            bundle[0].positions,
            bundle[0].parameters,
            bundle[0].maker,
            bundle[0].maker_parameters,
            tuple(bundle),
        )
        for label, bundle in zip(labels, members, strict=True)
    )


def flop_rate(runs: Sequence[Run]) -> float:
    """FLOPs a second of wall time over all runs: what a second of the expert is charged."""
    flops = sum(float(run.points.flops[-1]) for run in runs)
    return flops / sum(float(np.nan_to_num(run.points.wall_s)[-1]) for run in runs)


def _folders(name: str | Path) -> list[Path]:
    path = Path(name)
    if (path / "config.json").is_file() or not path.is_dir():
        return [path if path.is_dir() else find_run(str(name)).path]
    below = sorted(config.parent for config in path.rglob("config.json"))
    started = {folder for run in below for folder in (run, *run.parents)}
    if (path / "sweep.json").is_file():  # a cell that failed early has a folder and no config
        empty = (cell for cell in path.iterdir() if cell.is_dir() and cell not in started)
        below += sorted(cell for cell in empty if not _is_hidden_or_report(cell))
    return below


def _is_hidden_or_report(path: Path) -> bool:
    """True for what ``compare`` wrote before, and for what is being written."""
    return path.name.startswith(".") or (path / "made-by-selfplay-compare.json").is_file()


def _sweep_error(path: Path) -> str:
    """What ``sweep.json`` says of a cell that failed; empty for others."""
    for cell in objects_in(RunFolder(path.parent).read_json("sweep.json"), "cells"):
        if cell.get("name") == path.name:
            return str(cell.get("error") or "")
    return ""


def _same(one: Run, other: Run) -> bool:
    return _identity(one) == _identity(other)


def _identity(run: Run) -> tuple[object, ...]:
    return run.seed, run.kind, run.options, run.expert


def _json(path: Path, default: dict[str, Any] | None = None) -> dict[str, Any]:
    """The object in a file; ``default`` where it is missing, if there is one."""
    if path.exists():
        return read_object(path)
    if default is not None:
        return default
    raise ValueError(f"{path.parent} is not a run folder (it has no {path.name})")


def _section(config: dict[str, Any], name: str) -> dict[str, Any]:
    section = config.get(name)
    return section if isinstance(section, dict) else {}


def _leaves(config: dict[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """The options that shape what a run learns, by dotted name, as text."""
    found = []
    for key, value in sorted(config.items()):
        name = f"{prefix}{key}"
        if isinstance(value, dict):
            found += _leaves(value, f"{name}.")
        elif not name.removeprefix("regime.run.").startswith(_INDIFFERENT):
            found.append((name, _written(value)))
    return found


def _written(value: object) -> str:
    """An option's value as text: 1e+13 rather than 10000000000000.0."""
    if isinstance(value, float):
        return f"{value:g}"
    return value if isinstance(value, str) else json.dumps(value)


def _read_points(path: Path) -> Points:
    """The measurements in a ``metrics.jsonl``.

    A line that lacks the ledger (older versions) has that of the line before it; a line cut short
    is left out, and so is one before any compute was used.  Damaged ones are counted on standard
    error.
    """
    metrics = load_metrics(path.parent)
    if metrics.damaged:
        print(f"{path}: {left_out(metrics.damaged)}", file=sys.stderr)
    ledger: dict[str, Any] = {}
    lines = []
    for told in metrics.lines:
        if any(name.startswith("strength/") for name in told):
            line = told if "cost/flops_learn" in told else {**ledger, **told}
            line["cost/flops"] = _flops(line)
            if line["cost/flops"] > 0:
                lines.append(line)
        elif "cost/flops_learn" in told:
            ledger = told
    if not lines:
        raise ValueError(f"{path.parent} has no measurement of strength yet (see strength.versus)")
    lines = list({line["cost/flops"]: line for line in lines}.values())
    lines.sort(key=lambda line: float(line["cost/flops"]))

    def column(name: str) -> F64:
        return np.array([_number(line.get(name)) for line in lines])

    names = tuple(sorted({key for line in lines for key in line if key.startswith("strength/")}))
    return Points(
        column("step"),
        column("cost/flops"),
        column("cost/flops_learn"),
        column("cost/flops_generate"),
        column("cost/expert_s"),
        column("cost/tree_s"),
        column("cost/wall_s"),
        column("cost/samples"),
        column("cost/positions_unique"),
        column("cost/games"),
        names,
        np.stack([column(name) for name in names], axis=1),
    )


def _flops(line: dict[str, Any]) -> float:
    if "cost/flops" in line:
        return _number(line["cost/flops"])
    return _number(line.get("cost/flops_learn", 0)) + _number(line.get("cost/flops_generate", 0))


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else math.nan


@functools.cache
def _net_size(game: str, section: str) -> int:
    try:
        built: Any = TypeAdapter(NetSection).validate_json(section)
    except ValidationError as error:
        raise ValueError("; ".join(f"net: {each['msg']}" for each in error.errors())) from error
    return parameter_count(built.build(build_rules(game, built)))


@functools.cache
def _maker(name: str) -> dict[str, Any]:
    """The configuration of the run that made the data of a frozen run."""
    return _json(find_run(name).config_file)


def _find_maker(name: str, path: Path) -> str:
    """``name``, or its neighbour of that name where the folders have moved together."""
    beside = path.parent / Path(name).name
    if name and not Path(name).is_dir() and beside.is_dir():
        return str(beside)
    return name


def _with_maker(config: dict[str, Any], maker: str) -> dict[str, Any]:
    """``config`` with what shaped the run ``maker`` in place of its name, which has a seed."""
    if not maker:
        return config
    return {**config, "regime": {**config["regime"], "run": _maker(maker)}}


def _labels(runs: Sequence[Run]) -> list[str]:
    """What sets each run apart from the others: its kind, then games, expert, size and options."""
    labels = [_label(run, runs, _EXPLAINED) for run in runs]
    apart = []
    for run, label in zip(runs, labels, strict=True):
        same = [other for other, its in zip(runs, labels, strict=True) if its == label]
        apart.append(in_one_line(", ".join([label, *_differences(run, same)])))
    return [
        label if apart.count(label) == 1 else _label(run, runs, {})
        for run, label in zip(runs, apart, strict=True)
    ]


def _differences(run: Run, others: Sequence[Run]) -> list[str]:
    """The options in which a run differs from one of ``others``, without those that are not set."""
    shared = set.intersection(*(set(other.options) for other in others))
    told = sorted(set(run.options) - shared)
    return [f"{name.removeprefix('regime.')} {value}" for name, value in told if value != "null"]


# what of a configuration a label need not tell when this attribute of its runs tells it
_EXPLAINED = {
    "net": ("net.kind",),
    "parameters": ("net.",),
    "expert": ("regime.data", "regime.expert"),
    "maker_parameters": ("regime.run.net.",),
    "games": ("regime.games",),
    "positions": ("regime.unique",),
}


def _label(run: Run, runs: Sequence[Run], explained: dict[str, tuple[str, ...]]) -> str:
    parts = [spell_kind(run.kind)]
    if run.games is not None:
        parts.append(f"{run.games:,} games")
    if run.positions is not None:
        parts.append(f"{run.positions:,} positions")
    experts = {other.expert for other in runs if other.expert}
    if run.maker:
        parts.append(f"made by {run.maker_parameters:,} parameters")
    elif run.expert and len(experts) > 1:
        shared = set.intersection(*(set(expert.split(", ")) for expert in experts))
        parts += [word for word in run.expert.split(", ") if word not in shared]
    asked = [other for other in runs if other.net]
    if run.net and len({other.net for other in asked}) > 1:
        parts.append(f"{run.net} net")
    if run.net and len({other.parameters for other in asked}) > 1:
        parts.append(f"{run.parameters:,} parameters")
    kin = [other for other in runs if other.kind == run.kind]
    told = tuple(
        prefix
        for name, prefixes in explained.items()
        if len({getattr(other, name) for other in kin}) > 1
        for prefix in prefixes
    )
    if explained:  # how long a run went on is seen from its curve
        told = (*told, "budget.")
    for name, value in run.options:
        differs = any((name, value) not in other.options for other in kin)
        if differs and not (told and name.startswith(told)):
            parts.append(f"{name.removeprefix('regime.')} {value}")
    return in_one_line(", ".join(parts))
