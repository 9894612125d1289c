"""The course of a run's strength as curves for a graph, with what it is to be held against."""

from __future__ import annotations

from collections.abc import Callable

from selfplay.system.graph import Curve
from selfplay.training.places import shipped_agent
from selfplay.training.summary import Summary, summarize

_SEARCH, _NET, _SHIPS, _RANDOM = "bold green", "cyan", "magenta", "red"


def curves_of(
    run: Summary, chance: Callable[[str], float | None] = lambda metric: None
) -> list[Curve]:
    """Search and net alone over positions, and level lines; nothing before a measurement.

    ``chance`` tells what random moves reach of a metric, where that is known.
    """
    if run.headline is None:
        return []
    name, net = run.headline
    what = name.removeprefix("strength/").replace("_rate", "s").replace("_", " ")
    curves = []
    if (random := chance(name)) is not None:
        curves.append(Curve("random moves", [(0.0, random)], _RANDOM, level=True))
    if (shipped := shipped_strength(run, name)) is not None:
        curves.append(Curve("the agent that ships", [(0.0, shipped)], _SHIPS, level=True))
    if points := run.curve(net):
        curves.append(Curve("net alone", points, _NET, "o"))
    return [*curves, Curve(what, run.curve(name), _SEARCH, "*")]


def shipped_strength(run: Summary, name: str) -> float | None:
    """The last value of a metric of the agent that ships for the run's game.

    None where none ships, where ``run`` is that agent, and where it was measured in another way.
    """
    path = shipped_agent(run.game)
    if path is None or path == run.path.resolve():
        return None
    other = summarize(path)
    if not other.strength or _measured(other) != _measured(run):
        return None
    return other.strength[-1].scalars.get(name)


def _measured(run: Summary) -> tuple[object, ...]:
    """What a measurement depends on beside the agent."""
    section = run.config.get("strength")
    known = section if isinstance(section, dict) else {}
    return tuple(known.get(key) for key in ("positions", "simulations"))
