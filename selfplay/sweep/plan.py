"""The plan of a sweep: its file, read and spread out into cells, each a valid configuration.

A cell is one run.  Its options come from the sweep's base, the arm's ``set``, its point of the
grids, its seed and the command line, each over what comes before.
"""

from __future__ import annotations

import difflib
import itertools
import math
import operator
import re
import shlex
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from envs import trust
from selfplay.config import NAME, TOLD, Config, parse_config, read_toml
from selfplay.sweep.expert import refuse_too_few_games
from selfplay.sweep.options import REFERENCE, flat, label, merged, nested, written
from selfplay.training.places import RUNS

SWEEPS = RUNS / "sweeps"
MOST_CELLS = 10_000


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class DataSet(_Section):
    """``[[data]]``: a data set that arms learn from, made before the first cell starts."""

    out: str  # its folder
    make: str  # the words after ``selfplay data`` that make it, without --out

    def plain(self) -> dict[str, Any]:
        """What it is, as sweep.json has it."""
        return self.model_dump()


class Arm(_Section):
    """``[[arm]]``: runs that differ in the points of a grid."""

    name: str = Field(pattern=r"^[\w.]+$")
    set: dict[str, Any] = {}  # options of all its cells
    grid: dict[str, Any] = {}  # option -> the values it takes
    seeds: list[int] | None = Field(None, min_length=1)  # None: those of the sweep


class SweepFile(_Section):
    """What the file of a sweep holds."""

    name: str = Field(pattern=NAME)
    base: dict[str, Any] | str = {}  # options of all cells, or a recipe beside the file
    seeds: list[int] = Field([0], min_length=1)
    grid: dict[str, Any] = {}  # of every arm, beside its own
    data: list[DataSet] = []
    arm: list[Arm] = Field(min_length=1)


class Cell(NamedTuple):
    """One run of a sweep."""

    name: str  # of its folder: arm-option=value-...-s0
    arm: str
    point: dict[str, Any]  # option -> value, where it stands in the grids
    config: Config
    needs: tuple[str, ...]  # names of the cells whose runs it learns from

    def plain(self) -> dict[str, Any]:
        """What it is, as sweep.json and --json have it."""
        return {"arm": self.arm, "seed": self.config.seed, "options": self.point}


class Plan(NamedTuple):
    """A sweep, spread out."""

    name: str
    file: Path
    folder: Path
    data: tuple[DataSet, ...]
    cells: tuple[Cell, ...]  # in the order they are run: all arms with the first seed first


class _Point(NamedTuple):
    """A cell before it is known where the cells lie that it refers to."""

    name: str
    arm: str
    seed: int
    axes: dict[str, Any]  # option -> value
    plain: dict[str, Any]  # the options of its config, not yet checked


def read_plan(file: str | Path, overrides: Sequence[str] = (), out: str | None = None) -> Plan:
    """The plan in a sweep file, with ``section.key=value`` overrides for all cells.

    Every cell's configuration is checked.  Raises ValueError or FileNotFoundError with a sentence
    that names the arm and the cell.
    """
    file = Path(file)
    sweep = _read(file)
    base = _base(file, sweep.base)
    folder = Path(out) if out else SWEEPS / sweep.name
    _refuse_repeated(f"{file}: arm", [arm.name for arm in sweep.arm])
    seeds = [arm.seeds or sweep.seeds for arm in sweep.arm]
    points_of = (math.prod(map(len, _axes(sweep, arm).values())) for arm in sweep.arm)
    count = sum(map(operator.mul, map(len, seeds), points_of))
    if count > MOST_CELLS:
        raise ValueError(f"{file}: a sweep has {MOST_CELLS:,} cells at most; this has {count:,}")
    points = [
        point
        for rank in range(max(map(len, seeds)))
        for arm, own in zip(sweep.arm, seeds, strict=True)
        for seed in own[rank : rank + 1]
        for point in _spread(sweep, arm, seed)
    ]
    _refuse_overridden_axes(points, overrides)
    _refuse_repeated(f"{file}: cell", [point.name for point in points])
    _refuse_repeated(f"{file}: data set", [Path(data.out).name for data in sweep.data])
    cells = tuple(_cell(point, points, base, folder, overrides, file) for point in points)
    _refuse_missing_data(file, cells, sweep.data)
    for data in sweep.data:
        _refuse_unsafe(file, data)
    return Plan(sweep.name, file, folder, tuple(sweep.data), _in_order(file, cells))


def differences(old: Config, new: Config) -> Iterator[tuple[str, Any, Any]]:
    """(option, old, new) for every option in which two configurations differ."""
    before, after = flat(old.dump()), flat(new.dump())
    for option in {**before, **after}:
        if before.get(option) != after.get(option):
            yield option, before.get(option), after.get(option)


def _read(file: Path) -> SweepFile:
    if not file.is_file():
        known = {path.name: path for path in Path("configs").glob("**/*.toml")}
        near = difflib.get_close_matches(file.name, known, n=1, cutoff=0.5)
        hint = f"; did you mean {str(known[near[0]])!r}?" if near else ""
        raise FileNotFoundError(f"there is no sweep file {str(file)!r}{hint}")
    plain = read_toml(file)
    if "arm" not in plain:
        raise ValueError(
            f"{file} is no sweep: it has no [[arm]]; for a single run use 'selfplay train {file}'"
        )
    try:
        return SweepFile.model_validate({"name": re.sub(r"[^\w.-]", "-", file.stem), **plain})
    except ValidationError as error:
        problems = "; ".join(map(_sentence, error.errors()[:TOLD]))
        raise ValueError(f"{file}: {problems}") from error


def _sentence(problem: Any) -> str:
    """One validation problem of the sweep file in words; arms are counted from 1."""
    place = [str(part + 1) if isinstance(part, int) else str(part) for part in problem["loc"]]
    where = " ".join(place)
    if problem["type"] == "extra_forbidden":
        models: dict[str, type[BaseModel]] = {"arm": Arm, "data": DataSet}
        known = list(models.get(place[0], SweepFile).model_fields)
        near = difflib.get_close_matches(place[-1], known, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]!r}?" if near else f"known here: {', '.join(known)}"
        return f"unknown entry {where!r}; {hint}"
    if problem["type"] == "missing":
        return f"{where!r} is missing"
    return f"{where} = {problem['input']!r}: {problem['msg']}"


def _base(file: Path, base: dict[str, Any] | str) -> dict[str, Any]:
    """The options that all cells share, in the file or a recipe beside it; sections have kinds."""
    if isinstance(base, str):
        recipe = file.parent / base
        if not recipe.is_file():
            raise FileNotFoundError(f"{file}: base = {base!r}, but there is no {recipe}")
        base = read_toml(recipe)
    options = nested(base)
    for name, field in Config.model_fields.items():
        kind = getattr(field.default, "kind", None)
        if kind is not None and isinstance(options.setdefault(name, {}), dict):
            options[name].setdefault("kind", kind)
    return options


def _spread(sweep: SweepFile, arm: Arm, seed: int) -> Iterator[_Point]:
    """The points of an arm's grids with one seed."""
    axes = _axes(sweep, arm)
    for values in itertools.product(*axes.values()):
        point = dict(zip(axes, values, strict=True))
        parts = [arm.name, *(label(axis, value, axes) for axis, value in point.items())]
        plain = merged(nested(arm.set), *(nested({key: point[key]}) for key in point))
        yield _Point("-".join([*parts, f"s{seed}"]), arm.name, seed, point, plain)


def _axes(sweep: SweepFile, arm: Arm) -> dict[str, list[Any]]:
    """Option -> values, of the grid of all arms and the arm's own, which goes before it."""
    axes = {**flat(sweep.grid), **flat(arm.grid)}
    for option in {"name", "seed"} & {*axes, *flat(arm.set)}:
        instead = {"seed": "seeds = [0, 1]", "name": "the name of the arm"}[option]
        raise ValueError(
            f"arm {arm.name!r}: {option} is told by {instead}, neither in set nor in grid"
        )
    for option, values in axes.items():
        if not isinstance(values, list) or not values:
            raise ValueError(
                f"arm {arm.name!r}: grid {option} = {values!r}: expected a list of values; what is "
                f"the same in all cells belongs into set"
            )
    return axes


def _cell(
    point: _Point,
    points: Sequence[_Point],
    base: dict[str, Any],
    folder: Path,
    overrides: Sequence[str],
    file: Path,
) -> Cell:
    """A point with its configuration; a cell gets one actor, on a GPU more (see slots.py)."""
    needs: list[str] = []

    def resolved(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: resolved(inner) for key, inner in value.items()}
        if isinstance(value, str) and value.startswith(REFERENCE):
            needs.append(_referred(value, point, points, base))
            return str(folder / needs[-1])
        return value

    where = f"arm {point.arm!r}, cell {point.name}"
    name = re.sub(r"[^\w.-]", "_", point.name)
    alone = {"actor": {"threads": 1}}
    plain = merged(base, alone, resolved(point.plain), {"name": name, "seed": point.seed})
    config = parse_config(plain, overrides, where, file)
    if str(config.backend.kind) == "ray" and not getattr(config.backend, "address", ""):
        raise ValueError(
            f"{where}: backend.kind = 'ray' would start a Ray of its own in every cell; start one "
            f"for all with 'ray start --head' and name it by backend.address = 'auto'"
        )
    return Cell(point.name, point.arm, point.axes, config, tuple(needs))


def _referred(text: str, asker: _Point, points: Sequence[_Point], base: dict[str, Any]) -> str:
    """The name of the cell that ``cell:ARM OPTION=VALUE ...`` means.

    What is not named is as in the cell that asks: its seed, and the options of the arm's grid.
    """
    arm, *wishes = text.removeprefix(REFERENCE).split()
    where = f"arm {asker.arm!r}, cell {asker.name}: {text!r}"
    own = flat(merged(base, asker.plain)) | {"seed": asker.seed}
    candidates = [point for point in points if point.arm == arm and point.name != asker.name]
    if not candidates:
        arms = ", ".join(sorted({point.arm for point in points}))
        raise ValueError(f"{where} names no other arm's cell; the arms are {arms}")
    named = dict(wish.partition("=")[::2] for wish in wishes)
    for option in named:
        if option != "seed" and option not in candidates[0].axes:
            axes = ", ".join(["seed", *candidates[0].axes])
            raise ValueError(f"{where} names {option!r}; the cells of {arm} differ in {axes}")
    fits = candidates
    for option in ("seed", *candidates[0].axes):
        fits = [
            point
            for point in fits
            if _agrees(point.seed if option == "seed" else point.axes[option], option, named, own)
        ]
    if len(fits) != 1:
        found = ", ".join(point.name for point in fits) or "none"
        raise ValueError(
            f"{where} has to mean one cell, and means {found}; the cells of {arm} are "
            f"{', '.join(point.name for point in candidates)}"
        )
    return fits[0].name


def _agrees(value: Any, option: str, named: Mapping[str, str], own: Mapping[str, Any]) -> bool:
    """Whether a cell's value of an option is as named, else as in the cell that asks."""
    if option in named:
        return named[option] in (str(value), written(value))
    if isinstance(value, dict):
        inner = flat({option: value})
        return all(own.get(key, wish) == wish for key, wish in inner.items())
    return bool(own.get(option, value) == value)


def _in_order(file: Path, cells: Sequence[Cell]) -> tuple[Cell, ...]:
    """The cells as they stand, but none before those it needs."""
    left, done, ordered = list(cells), set[str](), list[Cell]()
    while left:
        ready = next((cell for cell in left if done.issuperset(cell.needs)), None)
        if ready is None:
            names = ", ".join(cell.name for cell in left)
            raise ValueError(f"{file}: these cells need each other in a circle: {names}")
        left.remove(ready)
        done.add(ready.name)
        ordered.append(ready)
    return tuple(ordered)


def _refuse_repeated(what: str, names: Sequence[str]) -> None:
    for name, count in Counter(names).items():
        if count > 1:
            raise ValueError(f"{what} {name!r} is there {count} times; their folders would be one")


def _refuse_overridden_axes(points: Sequence[_Point], overrides: Sequence[str]) -> None:
    """Raises ValueError when an override would make the cells of an axis alike."""
    for override in overrides:
        option = override.partition("=")[0].strip()
        for point in points:
            if option in {"seed", "name", *flat(point.axes)}:
                raise ValueError(
                    f"--set {override}: the cells of arm {point.arm!r} differ in {option!r}; "
                    f"change it in the sweep's file"
                )


def _refuse_missing_data(file: Path, cells: Sequence[Cell], data: Sequence[DataSet]) -> None:
    """Raises ValueError when a data set of a cell has not, and will not have, what it asks for."""
    made = {Path(each.out): each.make for each in data}
    for cell in cells:
        named = getattr(cell.config.regime, "data", None)
        games = getattr(cell.config.regime, "games", None)
        if named and Path(named) not in made and not Path(named).is_dir():
            raise ValueError(
                f"arm {cell.arm!r}, cell {cell.name}: there is no data set {named!r}; make it with "
                f"'selfplay data', or say under [[data]] in {file} how it is made"
            )
        if named and games:
            refuse_too_few_games(cell.name, games, Path(named), made.get(Path(named), ""))


def _refuse_unsafe(file: Path, data: DataSet) -> None:
    """Raises ValueError when a data set would run code that is not trusted, or lie elsewhere."""
    where = f"{file}: [[data]] out = {data.out!r}"
    out = Path(data.out).resolve()
    if not any(out.is_relative_to(place.resolve()) for place in (Path.cwd(), file.parent)):
        raise ValueError(f"{where} leads out of the working folder; name a folder in it")
    try:
        words = shlex.split(data.make)
    except ValueError as error:
        raise ValueError(f"{where}: make = {data.make!r} cannot be read ({error})") from error
    for word in words:
        if word.partition("=")[0] in ("--trust", "--out"):
            raise ValueError(f"{where}: {word} does not belong into make = {data.make!r}")
        value = word.partition("=")[2] if word.startswith("--") else word
        address = value.partition("?")[0]
        if ":" in address and not address.rpartition(":")[2].isdecimal():  # minimax:4, RUN:64
            trust.require(value, file)
