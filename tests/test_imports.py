"""Imports point down: the order of the modules, read from their sources."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

# From the ground up.  A module may import from the layers below its own, and from its own package
# (selfplay.search.*, selfplay.regimes.*, selfplay.play.*, envs.*) and nothing else of the project.
LAYERS = (
    ("selfplay.types", "selfplay.private", "selfplay.printable", "selfplay.streams"),
    (
        "selfplay.jit",
        "selfplay.files",
        "selfplay.interrupts",
        "selfplay.console",
        "selfplay.underway",
        "selfplay.patience",
    ),
    (
        "selfplay.arrays",
        "selfplay.intervals",
        "selfplay.chance",
        "selfplay.outcomes",
        "selfplay.lock",
        "selfplay.parent",
        "selfplay.text",
    ),
    ("envs", "selfplay.distinct", "selfplay.json_file", "selfplay.links", "selfplay.swollen"),
    (
        "selfplay.forms",
        "selfplay.hidden",
        "selfplay.lookahead",
        "selfplay.search",
        "selfplay.trust",
    ),
    ("selfplay.record", "selfplay.openings", "selfplay.solver", "selfplay.nets"),
    (
        "selfplay.checks",
        "selfplay.portrait",
        "selfplay.positions",
        "selfplay.evaluator",
        "selfplay.players",
        "selfplay.match_games",
    ),
    ("selfplay.stages", "selfplay.evaluate", "selfplay.arena", "selfplay.actor"),
    ("selfplay.replay", "selfplay.checkpoint", "selfplay.learner"),
    ("selfplay.backends", "selfplay.data"),
    ("selfplay.proving",),
    ("selfplay.regimes", "selfplay.own_games"),
    ("selfplay.strength",),
    ("selfplay.config",),
    ("selfplay.metrics", "selfplay.events", "selfplay.provenance", "selfplay.bench"),
    ("selfplay.folder", "selfplay.log"),
    ("selfplay.agent", "selfplay.report", "selfplay.release"),
    ("selfplay.run",),
    ("selfplay.play", "selfplay.compare", "selfplay.sweep", "selfplay.theorems", "selfplay.answer"),
    ("selfplay.verbs_proving", "selfplay.verbs_check"),
    ("selfplay.verbs",),
    ("selfplay.cli",),
)
LEVEL = {unit: level for level, layer in enumerate(LAYERS) for unit in layer}


def modules() -> dict[str, Path]:
    """Every module of the project by its dotted name."""
    found = {}
    for package in ("selfplay", "envs"):
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = modules()


@cache
def imports(name: str) -> tuple[str, ...]:
    """The dotted names that a module imports, wherever in its text the import stands."""
    return tuple(_imports(name))


def _imports(name: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(MODULES[name].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name}: a relative import"
            assert node.module is not None
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                yield full if full in MODULES else node.module


def unit(module: str) -> str:
    """What of LAYERS a module of the project belongs to: itself or its package."""
    parts = module.split(".")
    return parts[0] if parts[0] == "envs" else ".".join(parts[:2])


def breaches(names: Iterator[tuple[str, str]]) -> list[str]:
    """The pairs (importer, imported) that do not point down, as sentences."""
    found = []
    for importer, imported in names:
        if imported.split(".")[0] not in ("selfplay", "envs"):
            continue
        above, below = unit(importer), unit(imported)
        if above != below and LEVEL.get(below, len(LAYERS)) >= LEVEL[above]:
            found.append(f"{importer} imports {imported}")
    return found


NAMED = [name for name in MODULES if name != "selfplay"]


def test_imports_point_down() -> None:
    assert [name for name in NAMED if unit(name) not in LEVEL] == [], "add it to LAYERS"
    assert breaches((name, imported) for name in NAMED for imported in imports(name)) == []


def test_every_layer_is_there() -> None:
    assert {unit(name) for name in NAMED} == set(LEVEL)


def test_the_test_sees_an_import_that_points_up() -> None:
    pairs = [
        ("selfplay.search.tree", "selfplay.nets"),
        ("envs.connect4", "selfplay.search"),
        ("selfplay.learner", "selfplay.unheard_of"),
        ("selfplay.nets", "selfplay.types"),
        ("selfplay.search.puct", "selfplay.search.forest"),
        ("selfplay.nets", "torch.nn"),
    ]
    assert breaches(iter(pairs)) == [
        "selfplay.search.tree imports selfplay.nets",
        "envs.connect4 imports selfplay.search",
        "selfplay.learner imports selfplay.unheard_of",
    ]


# who may know what: package -> the units that may import it
KNOWN_TO = {
    "torch": {
        "selfplay.swollen",
        "selfplay.nets", "selfplay.evaluator", "selfplay.learner", "selfplay.backends",
        "selfplay.checkpoint", "selfplay.strength", "selfplay.log", "selfplay.run",
        "selfplay.bench", "selfplay.regimes", "selfplay.sweep", "selfplay.proving",
        "selfplay.theorems",
    },
    "ray": {"selfplay.backends"},
    "bitbully": {"selfplay.solver"},
    "pettingzoo": {"envs"},
    "gymnasium": {"envs"},
    "pysat": {"envs"},
    "rich": {
        "selfplay.compare", "selfplay.console", "selfplay.log", "selfplay.play", "selfplay.sweep",
        "selfplay.theorems",
    },
    "matplotlib": {"selfplay.compare"},
    "numba": {"selfplay.jit", "selfplay.search"},
}  # fmt: skip


@pytest.mark.parametrize("package", sorted(KNOWN_TO))
def test_packages_are_known_only_where_they_belong(package: str) -> None:
    users = {unit(name) for name in NAMED if package in {i.split(".")[0] for i in imports(name)}}
    assert users <= KNOWN_TO[package]


def test_search_knows_no_game() -> None:
    searches = [name for name in NAMED if unit(name) == "selfplay.search"]
    assert len(searches) >= 4
    for name in searches:
        assert not any(imported.split(".")[0] == "envs" for imported in imports(name))


def test_games_know_nothing_of_how_they_are_searched() -> None:
    ground = {"selfplay.types", "selfplay.arrays", "selfplay.jit", "selfplay.text"}
    for name in NAMED:
        if unit(name) == "envs":
            used = {i for i in imports(name) if i.startswith("selfplay")}
            assert used <= ground, name


def test_the_command_line_imports_nothing_heavy_before_a_verb_runs() -> None:
    source = ast.parse(MODULES["selfplay.cli"].read_text(encoding="utf-8"))
    at_top = {
        alias.name.split(".")[0]
        for node in source.body
        if isinstance(node, ast.Import)
        for alias in node.names
    }
    assert at_top.isdisjoint({"numpy", "torch", "numba", "pydantic", "rich", "envs"})
    assert not any(
        isinstance(node, ast.ImportFrom) and (node.module or "").startswith(("selfplay", "envs"))
        for node in source.body
    )
