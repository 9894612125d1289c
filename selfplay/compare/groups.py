"""Runs that differ in their seed only, and what sets each such group apart in words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from operator import attrgetter
from typing import NamedTuple

import numpy as np

from selfplay.compare.records import Run
from selfplay.regimes import LOOKS
from selfplay.system.printable import in_one_line


class Group(NamedTuple):
    """Runs that differ only in their seed."""

    label: str  # "imitation, 1,000 games, temperature 1": what sets it apart from the others
    kind: str
    expert: str
    games: int | None  # D in games of an expert
    positions: int | None  # D in positions of a frozen run
    parameters: int  # N
    maker_parameters: int | None
    runs: tuple[Run, ...]  # by ascending seed

    @property
    def data(self) -> int | None:
        """D, in games or (frozen) positions; None where the data have no end or all are used."""
        return self.positions if self.games is None else self.games

    def last(self, cost: str) -> float:
        """The mean over seeds of a cost, a field of Points, at their last measurement."""
        return float(np.mean([getattr(run.points, cost)[-1] for run in self.runs]))


_IN_COMMON = attrgetter(*Group._fields[1:-1])  # what the runs of a group tell of it


def spell_kind(kind: str) -> str:
    """A regime's name in a sentence."""
    return LOOKS[kind].title if kind in LOOKS else kind.replace("_", " ")


def training_search(group: Group) -> int:
    """Simulations a move while training; 0 where none are told."""
    simulations = dict(group.runs[0].options).get("search.simulations", "0")
    return int(simulations) if simulations.isdecimal() else 0


def differs_in_search(group: Group, groups: Sequence[Group]) -> bool:
    """Whether another of ``groups`` agrees with it in all but the search it was trained with."""

    def rest(group: Group) -> tuple[object, ...]:
        return group.kind, *(o for o in group.runs[0].options if o[0] != "search.simulations")

    alike = {training_search(other) for other in groups if rest(other) == rest(group)}
    return len(alike) > 1


def group_runs(runs: Sequence[Run]) -> tuple[Group, ...]:
    """The runs that differ only in their seed, together; in the order of kind, N, D, expert."""
    bundles: dict[tuple[object, ...], list[Run]] = {}
    for run in sorted(runs, key=lambda run: run.seed):
        bundles.setdefault((run.kind, run.expert, run.games, run.options), []).append(run)
    members = sorted(bundles.values(), key=lambda bundle: _rank(bundle[0]))
    labels = _labels([bundle[0] for bundle in members])
    return tuple(
        Group._make([label, *_IN_COMMON(bundle[0]), tuple(bundle)])
        for label, bundle in zip(labels, members, strict=True)
    )


def _rank(run: Run) -> tuple[object, ...]:
    options = tuple((name, _number(value), value) for name, value in run.options)
    return run.kind, run.parameters, run.games or run.positions or 0, run.expert, options


def _number(value: str) -> float:
    """By which options are ordered, 2 before 16; words come last."""
    try:
        return float(value)
    except ValueError:
        return math.inf


def _labels(runs: Sequence[Run]) -> list[str]:
    """What sets each run apart from the others: its kind, then games, expert, size and options.

    An option that another does not know, being older or of another section, is told only where
    nothing else sets the two apart.
    """
    labels = [_label(run, runs, _EXPLAINED) for run in runs]
    apart = []
    for run, label in zip(runs, labels, strict=True):
        same = [set(other.options) for other, its in zip(runs, labels, strict=True) if its == label]
        own = sorted(set(run.options).difference(same[0].intersection(*same)))
        rest = [_option(name, value) for name, value in own if value != "null"]
        apart.append(in_one_line(", ".join([label, *rest])))
    return [
        label if apart.count(label) == 1 else _label(run, runs, {})
        for run, label in zip(runs, apart, strict=True)
    ]


def _option(name: str, value: str) -> str:
    return f"{name.removeprefix('regime.')} {value}"


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
    known = [
        prefix
        for name, prefixes in explained.items()
        if len({getattr(other, name) for other in kin}) > 1
        for prefix in prefixes
    ]
    if explained:  # how long a run went on is seen from its curve
        known.append("budget.")
    parts += [
        _option(name, value)
        for name, value in run.options
        if not name.startswith(tuple(known))
        and any(dict(other.options).get(name, value) != value for other in kin)
    ]
    return in_one_line(", ".join(parts))
