"""With which search and on what runs were measured, and what can be compared where that differs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from selfplay.compare.metrics import needs_no_search
from selfplay.search import Gumbel, Puct
from selfplay.system.printable import in_one_line

if TYPE_CHECKING:
    from selfplay.compare.records import Run

_KINDS = {str(kind.model_fields["kind"].default): kind for kind in (Gumbel, Puct)}
# without a say in a measurement, which has simulations of its own, and adds no noise
_OF_SELF_PLAY = "simulations", "noise_share", "noise_total", "forced", "temperature"


def search_of(config: dict[str, Any]) -> str:
    """The search that strength was measured with, its simulations left aside, and on how much.

    ``config``: what a run's ``config.json`` holds.
    """
    section, few = dict(config.get("search") or {}), config["strength"].get("searched")
    kind = _KINDS.get(str(section.get("kind")))
    if kind is not None:  # what a run of an earlier version does not say had its default
        known = kind.model_fields.items()
        section = {name: section.get(name, field.default) for name, field in known}
    told = ", ".join(
        f"{name} = {value}" for name, value in sorted(section.items()) if name not in _OF_SELF_PLAY
    )
    return in_one_line(f"{told}, on {few} positions" if few else told)


def equally_searched(runs: Sequence[Run]) -> tuple[tuple[Run, ...], tuple[str, ...]]:
    """The runs with what can be compared of them, and what was left out in words.

    Where searches were of other options, that is what their nets do alone.  Raises ValueError where
    nothing is left.
    """
    first = runs[0]
    other = next((run for run in runs if run.settings.search != first.settings.search), None)
    if other is None:
        return tuple(runs), ()
    differ = (
        f"{first.path} was measured with {first.settings.search}, {other.path} with "
        f"{other.settings.search}"
    )
    alone = [
        {name: values for name, values in run.points.strength.items() if needs_no_search(name)}
        for run in runs
    ]
    if not any(alone):
        raise ValueError(
            f"runs can only be compared at equal evaluation: {differ}; compare them apart"
        )
    shared = (
        run._replace(points=run.points._replace(strength=kept))
        for run, kept in zip(runs, alone, strict=True)
    )
    return tuple(shared), (f"only nets alone are compared, since {differ}",)


def learned_what_is_judged(runs: Sequence[Run]) -> tuple[str, ...]:
    """What is to be said where only some runs kept what all are judged on from learning."""
    apart, within = ([run for run in runs if run.settings.apart is kept] for kept in (True, False))
    if not apart or not within:
        return ()
    return (
        f"{within[0].path} may have learned from positions that it is judged on, {apart[0].path} "
        f"has not (strength.apart): that favours the first",
    )


def refuse_other_positions(runs: Sequence[Run]) -> None:
    """Raises ValueError, naming two, when runs left answers to different positions."""
    digests = {run.points.redraws.positions: run.path for run in runs}
    digests.pop("", None)
    if len(digests) > 1:
        one, other, *_ = digests.values()
        raise ValueError(
            f"{one} and {other} were measured on different positions, though their options agree: "
            f"the file has changed in between; compare them apart, or train one again"
        )
